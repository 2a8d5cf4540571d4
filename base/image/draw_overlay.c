/* What reports put over a picture: the heat of an anomaly map and the outline of a mask. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/draw.h"

static uint8_t mix(uint8_t under, uint8_t over, double opacity) { return (uint8_t)(under + (over - under) * opacity + 0.5); }

iad_status iad_draw_heat(iad_image *image, const iad_plane *map, double lo, double hi, double alpha, iad_err *err) {
    if (image->channels != 3) return IAD_FAIL(err, IAD_ERR_ARG, "heat overlay: the picture has %d channels, want 3", image->channels);
    if (map->width != image->width || map->height != image->height)
        return IAD_FAIL(err, IAD_ERR_ARG, "heat overlay: map of %d x %d on a picture of %d x %d", map->width, map->height, image->width,
                        image->height);
    if (!(alpha >= 0.0 && alpha <= 1.0)) return IAD_FAIL(err, IAD_ERR_ARG, "heat overlay: alpha %g, want 0..1", alpha);
    if (!(hi > lo)) return IAD_OK;
    const double gain = 1.0 / (hi - lo);
    const size_t n = (size_t)map->width * (size_t)map->height;
    for (size_t i = 0; i < n; i++) {
        double t = (map->px[i] - lo) * gain;
        if (!(t > 0.0)) continue;
        if (t > 1.0) t = 1.0;
        const iad_rgb color = iad_colormap(t);
        uint8_t *px = image->px + 3 * i;
        px[0] = mix(px[0], color.r, alpha * t);
        px[1] = mix(px[1], color.g, alpha * t);
        px[2] = mix(px[2], color.b, alpha * t);
    }
    return IAD_OK;
}

/* before[y][x]: mask pixels of row y left of column x. */
static void running_counts(const iad_image *mask, uint32_t *before) {
    for (int y = 0; y < mask->height; y++) {
        const uint8_t *row = iad_image_at(mask, 0, y);
        uint32_t n = 0;
        *before++ = 0;
        for (int x = 0; x < mask->width; x++) *before++ = n += row[x] != 0;
    }
}

iad_status iad_draw_contour(iad_image *image, const iad_image *mask, iad_rgb color, int thickness, iad_err *err) {
    if (mask->channels != 1) return IAD_FAIL(err, IAD_ERR_ARG, "contour: the mask has %d channels, want 1", mask->channels);
    if (mask->width != image->width || mask->height != image->height)
        return IAD_FAIL(err, IAD_ERR_ARG, "contour: mask of %d x %d on a picture of %d x %d", mask->width, mask->height, image->width,
                        image->height);
    if (thickness < 1 || thickness > IAD_DRAW_MAX_THICKNESS)
        return IAD_FAIL(err, IAD_ERR_ARG, "contour: thickness %d, want 1..%d", thickness, IAD_DRAW_MAX_THICKNESS);
    const int width = mask->width, height = mask->height;
    uint32_t *before = iad_alloc(((size_t)width + 1) * (size_t)height, sizeof *before);
    if (!before) return IAD_NOMEM(err, "a contour");
    running_counts(mask, before);

    /* Half widths of a disc of radius thickness + 1/2, row by row. */
    int reach[IAD_DRAW_MAX_THICKNESS + 1];
    const int diameter = 2 * thickness + 1;
    for (int dy = 0, w = thickness; dy <= thickness; dy++) {
        while (4 * w * w > diameter * diameter - 4 * dy * dy) w--;
        reach[dy] = w;
    }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint32_t inside = 0, seen = 0;
            for (int dy = -thickness; dy <= thickness; dy++) {
                if (y + dy < 0 || y + dy >= height) continue;
                const int w = reach[dy < 0 ? -dy : dy], from = x - w < 0 ? 0 : x - w, to = x + w + 1 > width ? width : x + w + 1;
                const uint32_t *row = before + (size_t)(y + dy) * ((size_t)width + 1);
                inside += row[to] - row[from];
                seen += (uint32_t)(to - from);
            }
            if (inside > 0 && inside < seen) iad_draw_fill(image, x, y, x + 1, y + 1, color);
        }
    free(before);
    return IAD_OK;
}
