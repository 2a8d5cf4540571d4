#include "synth/render/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "synth/render/camera.h"
#include "synth/render/defectmask.h"
#include "synth/render/families.h"
#include "synth/render/shade.h"

#define MAX_ATTEMPTS 12

enum { STREAM_PATTERN = 1, STREAM_POSE, STREAM_GRAIN, STREAM_DEFECT = 16 };

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

static uint32_t draw_word(uint64_t seed, uint64_t stream) {
    iad_rng rng;
    iad_rng_init(&rng, seed, stream);
    return iad_rng_u32(&rng);
}

/* Neutral daylight studio; families change what they need. */
static void set_defaults(iad_scene *scene) {
    memset(scene, 0, sizeof *scene);
    iad_light_set(&scene->light, 0.62f, 55.0f, 0.6f);
    scene->light.spread = 0.35f;
    scene->light.perspective = 0.22f;
    scene->light.env_low = 0.25f;
    scene->light.env_high = 0.75f;
    scene->camera.exposure = 1.0f;
    scene->camera.blur = 2.2f;
    scene->camera.vignette = 0.12f;
    scene->camera.noise = 1.6f;
    scene->occlusion = 1.0f;
    scene->occlusion_radius = 0.12f;
}

/* One rendered scene: the surface grid and the noise-free picture. */
typedef struct canvas {
    iad_surface *grid;
    float *coded;
    iad_camera camera;
} canvas;

static void canvas_deinit(canvas *c) {
    free(c->grid);
    free(c->coded);
    memset(c, 0, sizeof *c);
}

static void fill_grid(const iad_render_family *family, const void *context, int side, iad_surface *grid) {
    int w = side * IAD_SHADE_SUPER;
    float unit = 2.0f / (float)w;
    iad_surface *s = grid;
    for (int y = 0; y < w; y++) {
        for (int x = 0; x < w; x++, s++) {
            *s = (iad_surface){.r = 0.5f, .g = 0.5f, .b = 0.5f, .rough = 0.8f};
            family->surface(context, ((float)x + 0.5f) * unit - 1.0f, ((float)y + 0.5f) * unit - 1.0f, s);
        }
    }
}

/* attempt >= 0 draws the job's defect; -1 draws the good twin. */
static iad_status draw_scene(const iad_render_job *job, int attempt, canvas *c, iad_err *err) {
    const iad_render_family *family = job->family;
    size_t pixels = (size_t)job->side * (size_t)job->side;
    void *context = iad_calloc(1, family->context);
    float *radiance = iad_alloc(pixels * 3, sizeof *radiance);
    if (!c->grid) c->grid = iad_alloc(pixels * IAD_SHADE_SUPER * IAD_SHADE_SUPER, sizeof *c->grid);
    if (!c->coded) c->coded = iad_alloc(pixels * 3, sizeof *c->coded);
    iad_status status = IAD_OK;
    if (!context || !radiance || !c->grid || !c->coded) {
        status = IAD_NOMEM(err, "a rendered picture");
    } else {
        iad_dice dice = {.kind = attempt < 0 ? -1 : job->kind};
        iad_rng_init(&dice.design, job->design, STREAM_PATTERN);
        iad_rng_init(&dice.pose, job->seed, STREAM_POSE);
        iad_rng_init(&dice.defect, job->seed, STREAM_DEFECT + (uint64_t)(attempt < 0 ? 0 : attempt));
        dice.pattern = iad_rng_u32(&dice.design);
        dice.grain = draw_word(job->seed, STREAM_GRAIN);
        dice.flaw = iad_rng_u32(&dice.defect);
        dice.severity = iad_dice_range(&dice.defect, 0.25f, 1.0f);
        float least = 0.08f * (float)attempt; /* a defect that could not be seen is drawn more plainly */
        if (dice.severity < least) dice.severity = least < 1 ? least : 1;
        iad_scene scene;
        set_defaults(&scene);
        family->build(&dice, context, &scene);
        fill_grid(family, context, job->side, c->grid);
        c->camera = scene.camera;
        status = iad_shade(&scene, c->grid, job->side, radiance, err);
        if (status == IAD_OK) status = iad_camera_expose(&scene.camera, radiance, job->side, c->coded, err);
    }
    free(context);
    free(radiance);
    return status;
}

static iad_status draw_defect(const iad_render_job *job, const canvas *good, canvas *bad, iad_image *mask, iad_err *err) {
    size_t pixels = (size_t)job->side * (size_t)job->side;
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        size_t area = 0;
        IAD_TRY(draw_scene(job, attempt, bad, err));
        IAD_TRY(iad_defect_mask(good->grid, bad->grid, good->coded, bad->coded, job->side, mask, &area, err));
        if ((double)area >= IAD_RENDER_MIN_AREA * (double)pixels && (double)area <= IAD_RENDER_MAX_AREA * (double)pixels) return IAD_OK;
        iad_image_deinit(mask);
    }
    return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s/%s: no defect of seed %llu gives a mask of a sensible size", job->family->name,
                    job->family->kinds[job->kind].name, (unsigned long long)job->seed);
}

iad_status iad_render_picture(const iad_render_job *job, iad_image *picture, iad_image *mask, iad_err *err) {
    memset(picture, 0, sizeof *picture);
    if (mask) memset(mask, 0, sizeof *mask);
    if (job->side < IAD_RENDER_MIN_SIDE || job->side > IAD_RENDER_MAX_SIDE) {
        return IAD_FAIL(err, IAD_ERR_ARG, "picture side %d is outside %d..%d", job->side, IAD_RENDER_MIN_SIDE, IAD_RENDER_MAX_SIDE);
    }
    if (job->kind < -1 || job->kind >= (int)iad_render_kind_count(job->family)) {
        return IAD_FAIL(err, IAD_ERR_ARG, "%s has no defect kind number %d", job->family->name, job->kind);
    }
    canvas good = {0}, bad = {0};
    iad_image found = {0};
    iad_status status = draw_scene(job, -1, &good, err);
    if (status == IAD_OK && job->kind >= 0) status = draw_defect(job, &good, &bad, &found, err);
    if (status == IAD_OK && job->kind < 0) status = iad_image_init(&found, job->side, job->side, 1, err);
    const canvas *shown = job->kind >= 0 ? &bad : &good;
    if (status == IAD_OK) {
        uint32_t noise = draw_word(job->seed, STREAM_GRAIN + 1);
        status = iad_camera_develop(&shown->camera, shown->coded, job->side, noise, picture, err);
    }
    if (status == IAD_OK && mask) {
        *mask = found;
    } else {
        iad_image_deinit(&found);
    }
    canvas_deinit(&good);
    canvas_deinit(&bad);
    return status;
}
