#include "synth/render/render.h"

#include <string.h>

#include "synth/render/camera.h"
#include "synth/render/canvas.h"
#include "synth/render/defectmask.h"

#define MAX_ATTEMPTS 12

const iad_render_family *iad_render_family_find(const char *name) {
    size_t n;
    const iad_render_family *const *families = iad_render_families(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(families[i]->name, name) == 0) return families[i];
    }
    return NULL;
}

size_t iad_render_kind_count(const iad_render_family *family) {
    size_t n = 0;
    while (n < IAD_RENDER_MAX_KINDS && family->kinds[n].name) n++;
    return n;
}

int iad_render_kind_find(const iad_render_family *family, const char *kind) {
    size_t n = iad_render_kind_count(family);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(family->kinds[i].name, kind) == 0) return (int)i;
    }
    return -1;
}

static iad_status draw_defect(const iad_render_job *job, const iad_canvas *good, iad_canvas *bad, iad_image *mask,
                              iad_err *err) {
    size_t pixels = (size_t)job->side * (size_t)job->side;
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        size_t area = 0;
        IAD_TRY(iad_canvas_draw(job, job->kind, attempt, good, bad, err));
        IAD_TRY(iad_defect_mask(good->grid, bad->grid, good->coded, bad->coded, job->side, mask, &area, err));
        if ((double)area >= IAD_RENDER_MIN_AREA * (double)pixels &&
            (double)area <= IAD_RENDER_MAX_AREA * (double)pixels)
            return IAD_OK;
        iad_image_deinit(mask);
    }
    return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s/%s: no defect of seed %llu gives a mask of a sensible size",
                    job->family->name, job->family->kinds[job->kind].name, (unsigned long long)job->seed);
}

iad_status iad_render_picture(const iad_render_job *job, iad_image *picture, iad_image *mask, iad_err *err) {
    memset(picture, 0, sizeof *picture);
    if (mask) memset(mask, 0, sizeof *mask);
    if (job->side < IAD_RENDER_MIN_SIDE || job->side > IAD_RENDER_MAX_SIDE) {
        return IAD_FAIL(err, IAD_ERR_ARG, "picture side %d is outside %d..%d", job->side, IAD_RENDER_MIN_SIDE,
                        IAD_RENDER_MAX_SIDE);
    }
    if (job->kind < -1 || job->kind >= (int)iad_render_kind_count(job->family)) {
        return IAD_FAIL(err, IAD_ERR_ARG, "%s has no defect kind number %d", job->family->name, job->kind);
    }
    iad_canvas good = {0}, bad = {0};
    iad_image found = {0};
    iad_status status = iad_canvas_draw(job, -1, 0, NULL, &good, err);
    if (status == IAD_OK && job->kind >= 0) status = draw_defect(job, &good, &bad, &found, err);
    if (status == IAD_OK && job->kind < 0) status = iad_image_init(&found, job->side, job->side, 1, err);
    const iad_canvas *shown = job->kind >= 0 ? &bad : &good;
    if (status == IAD_OK) {
        uint32_t noise = iad_render_word(job->seed, IAD_STREAM_NOISE);
        status = iad_camera_develop(&shown->camera, shown->coded, job->side, noise, picture, err);
    }
    if (status == IAD_OK && mask) {
        *mask = found;
    } else {
        iad_image_deinit(&found);
    }
    iad_canvas_deinit(&good);
    iad_canvas_deinit(&bad);
    return status;
}
