/* What the renderer's tests share. */
#ifndef IAD_TEST_RENDER_HELPERS_H
#define IAD_TEST_RENDER_HELPERS_H

#include "tests/unit/iad_test.h"

#include "base/rng.h"
#include "base/sha256.h"
#include "synth/render/render.h"

/* The call for picture `number` of a family's kind, as any data set would make it. */
static inline iad_render_job job_of(const iad_render_family *family, int kind, uint64_t number, int side) {
    iad_render_job job = {.family = family, .kind = kind, .side = side};
    job.design = iad_rng_subseed(7, family->name, 0);
    job.seed = iad_rng_subseed(number, kind < 0 ? "good" : family->kinds[kind].name, 1);
    return job;
}

static inline size_t pixels_of(const iad_image *image) { return (size_t)image->width * (size_t)image->height; }

static inline size_t mask_area(const iad_image *mask) {
    size_t area = 0;
    for (size_t i = 0; i < pixels_of(mask); i++) area += mask->px[i] != 0;
    return area;
}

#endif
