#include "synth/render/canvas.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "synth/render/camera.h"
#include "synth/render/shade.h"

uint32_t iad_render_word(uint64_t seed, uint64_t stream) {
    iad_rng rng;
    iad_rng_init(&rng, seed, stream);
    return iad_rng_u32(&rng);
}

void iad_canvas_dice(const iad_render_job *job, int kind, int attempt, iad_dice *dice) {
    *dice = (iad_dice){.kind = kind};
    iad_rng_init(&dice->design, job->design, IAD_STREAM_PATTERN);
    iad_rng_init(&dice->pose, job->seed, IAD_STREAM_POSE);
    iad_rng_init(&dice->defect, job->seed, IAD_STREAM_DEFECT + (uint64_t)attempt);
    dice->pattern = iad_rng_u32(&dice->design);
    dice->grain = iad_render_word(job->seed, IAD_STREAM_GRAIN);
    dice->flaw = iad_rng_u32(&dice->defect);
    dice->severity = iad_dice_range(&dice->defect, 0.25f, 1.0f);
    float least = 0.08f * (float)attempt; /* a defect that could not be seen is drawn more plainly */
    if (dice->severity < least) dice->severity = least < 1 ? least : 1;
}

/* Neutral daylight studio; families change what they need. */
void iad_canvas_scene(iad_scene *scene) {
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

void iad_canvas_deinit(iad_canvas *c) {
    free(c->grid);
    free(c->radiance);
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

/* The pixels where two grids differ (empty: x0 >= x1), and the range of heights of both. */
static iad_shade_rect find_change(const iad_surface *a, const iad_surface *b, int side, float *low, float *high) {
    iad_shade_rect r = {side, side, 0, 0};
    int w = side * IAD_SHADE_SUPER;
    *low = *high = a->z;
    for (int y = 0; y < w; y++) {
        for (int x = 0; x < w; x++, a++, b++) {
            if (a->z < *low) *low = a->z;
            if (b->z < *low) *low = b->z;
            if (a->z > *high) *high = a->z;
            if (b->z > *high) *high = b->z;
            if (memcmp(a, b, sizeof *a) == 0) continue;
            int px = x / IAD_SHADE_SUPER, py = y / IAD_SHADE_SUPER;
            if (px < r.x0) r.x0 = px;
            if (py < r.y0) r.y0 = py;
            if (px >= r.x1) r.x1 = px + 1;
            if (py >= r.y1) r.y1 = py + 1;
        }
    }
    return r;
}

/* Light on c->grid. The defective twin of `twin` differs from it only near the defect: the rest is taken over. */
static iad_status light_scene(const iad_scene *scene, int side, const iad_canvas *twin, iad_canvas *c, iad_err *err) {
    iad_shade_rect rect = {0, 0, side, side};
    if (twin) {
        float low, high;
        rect = find_change(twin->grid, c->grid, side, &low, &high);
        memcpy(c->radiance, twin->radiance, (size_t)side * (size_t)side * 3 * sizeof *c->radiance);
        if (rect.x0 >= rect.x1) return IAD_OK;
        rect = iad_shade_reach(scene, rect, low, high, side);
    }
    return iad_shade(scene, c->grid, side, rect, c->radiance, err);
}

iad_status iad_canvas_draw(const iad_render_job *job, int kind, int attempt, const iad_canvas *twin, iad_canvas *c,
                           iad_err *err) {
    const iad_render_family *family = job->family;
    size_t pixels = (size_t)job->side * (size_t)job->side;
    void *context = iad_calloc(1, family->context);
    if (!c->grid) c->grid = iad_alloc(pixels * IAD_SHADE_SUPER * IAD_SHADE_SUPER, sizeof *c->grid);
    if (!c->radiance) c->radiance = iad_alloc(pixels * 3, sizeof *c->radiance);
    if (!c->coded) c->coded = iad_alloc(pixels * 3, sizeof *c->coded);
    iad_status status = IAD_OK;
    if (!context || !c->grid || !c->radiance || !c->coded) {
        status = IAD_NOMEM(err, "a rendered picture");
    } else {
        iad_dice dice;
        iad_scene scene;
        iad_canvas_dice(job, kind, attempt, &dice);
        iad_canvas_scene(&scene);
        family->build(&dice, context, &scene);
        fill_grid(family, context, job->side, c->grid);
        c->camera = scene.camera;
        status = light_scene(&scene, job->side, twin, c, err);
        if (status == IAD_OK) status = iad_camera_expose(&scene.camera, c->radiance, job->side, c->coded, err);
    }
    free(context);
    return status;
}
