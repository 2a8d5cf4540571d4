/* Sizes and places of defects. */
#include <math.h>

#include "base/fmath.h"
#include "synth/defect/defect.h"

enum { ATTEMPTS = 64, LEAST_AREA = 16 };

/* Share of the box at (x, y) that lies on the foreground; of the cover where there is one. Sampled on a grid of at most 64 x 64 places. */
static double share_on(const iad_foreground *fg, int x, int y, int w, int h, const iad_image *cover) {
    int step_x = (w + 63) / 64, step_y = (h + 63) / 64;
    int64_t on = 0, all = 0;
    for (int v = step_y / 2; v < h; v += step_y)
        for (int u = step_x / 2; u < w; u += step_x) {
            if (cover && *iad_image_at(cover, u, v) < 128) continue;
            all++;
            on += *iad_image_at(&fg->mask, x + u, y + v) != 0;
        }
    return all ? (double)on / (double)all : 0;
}

iad_status iad_defect_place(const iad_defect_scene *scene, iad_rng *rng, int w, int h, const iad_image *cover, double min_share, int *x, int *y,
                            iad_err *err) {
    int free_x = scene->dst->width - w, free_y = scene->dst->height - h;
    if (w < 1 || h < 1 || free_x < 0 || free_y < 0)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "a piece of %d x %d does not fit into %d x %d", w, h, scene->dst->width, scene->dst->height);
    if (!scene->fg || scene->fg->texture) {
        *x = iad_rng_int(rng, 0, free_x);
        *y = iad_rng_int(rng, 0, free_y);
        return IAD_OK;
    }
    for (int i = 0; i < ATTEMPTS; i++) {
        int cx, cy;
        iad_foreground_pick(scene->fg, rng, &cx, &cy);
        *x = cx - w / 2 < 0 ? 0 : cx - w / 2 > free_x ? free_x : cx - w / 2;
        *y = cy - h / 2 < 0 ? 0 : cy - h / 2 > free_y ? free_y : cy - h / 2;
        if (share_on(scene->fg, *x, *y, w, h, cover) >= min_share) return IAD_OK;
    }
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no place for %d x %d pixels on the object", w, h);
}

void iad_defect_box(const iad_defect_scene *scene, iad_rng *rng, double area, int *w, int *h) {
    double ratio = iad_rng_chance(rng, 0.5) ? iad_rng_range(rng, 0.3, 1.0) : iad_rng_range(rng, 1.0, 3.3);
    double height = floor(sqrt(area * ratio) + 0.5), width = floor(sqrt(area / ratio) + 0.5);
    *w = width < 2 ? 2 : width > scene->dst->width ? scene->dst->width : (int)width;
    *h = height < 2 ? 2 : height > scene->dst->height ? scene->dst->height : (int)height;
}

double iad_defect_area(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng) {
    double all = scene->fg ? (double)scene->fg->area : (double)scene->dst->width * scene->dst->height;
    double lo = iad_log(size->area_lo), hi = iad_log(size->area_hi), area = all * iad_exp(iad_rng_range(rng, lo, hi));
    return area < LEAST_AREA ? LEAST_AREA : area;
}
