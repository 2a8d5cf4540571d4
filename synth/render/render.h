/* The procedural parts renderer: pictures of small products, good and defective, with exact masks.
 *
 * A picture is a pure function of (family, design, seed, kind, side), the same bytes on every machine. A defective
 * picture shares product, pose, light, grain and sensor noise with its good twin (same call without a kind): the defect
 * changes geometry or material of the scene before light falls on it. */
#ifndef IAD_SYNTH_RENDER_H
#define IAD_SYNTH_RENDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/image/image.h"
#include "synth/render/scene.h"

#define IAD_RENDER_MIN_SIDE 64
#define IAD_RENDER_MAX_SIDE 1024

/* Every defect mask covers at least 1/2000 and at most 35 % of the picture. */
#define IAD_RENDER_MIN_AREA (1.0 / 2000.0)
#define IAD_RENDER_MAX_AREA 0.35

/* Version of the pictures: rises whenever the bytes of any family change. */
#define IAD_RENDER_VERSION 1

/* All families, in the order of their names' table; *n receives their number. */
const iad_render_family *const *iad_render_families(size_t *n);

/* By name, or NULL. */
const iad_render_family *iad_render_family_find(const char *name);

size_t iad_render_kind_count(const iad_render_family *family);

/* Index of a defect kind, or -1. */
int iad_render_kind_find(const iad_render_family *family, const char *kind);

typedef struct iad_render_job {
    const iad_render_family *family;
    int kind;         /* index into family->kinds, -1 for a good part */
    uint64_t design;  /* the product: the same for all pictures of one category */
    uint64_t seed;    /* the picture */
    int side;         /* pixels, IAD_RENDER_MIN_SIDE..IAD_RENDER_MAX_SIDE */
} iad_render_job;

/* Renders the RGB picture and, if mask is not NULL, its mask (one channel, 0 or 255; all 0 for a good part). Both are
 * initialised here. What counts as defect is stated in defectmask.h. A drawn defect whose mask is outside the area
 * limits above is drawn again (with growing severity), at most 12 times. Errors: IAD_ERR_ARG (side, kind),
 * IAD_ERR_NOMEM, IAD_ERR_INTERNAL (no draw fits the limits: names family, kind and seed). */
iad_status iad_render_picture(const iad_render_job *job, iad_image *picture, iad_image *mask, iad_err *err);

#endif
