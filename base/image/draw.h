/* Drawing for reports and contact sheets. All functions clip; none fails on coordinates outside. */
#ifndef IAD_IMAGE_DRAW_H
#define IAD_IMAGE_DRAW_H

#include "base/image/image.h"

typedef struct iad_rgb { uint8_t r, g, b; } iad_rgb;

/* Perceptually ordered map of t in 0..1 (clamped; NaN is 0) from dark blue over green to yellow (Turbo-like or Viridis-like). */
iad_rgb iad_colormap(double t);

/* RGB `image` mixed with the colour of each map value: t = (map - lo) / (hi - lo), opacity rises with t up to `alpha`.
 * map has the picture's size. */
iad_status iad_draw_heat(iad_image *image, const iad_plane *map, double lo, double hi, double alpha, iad_err *err);

/* Outline (thickness px, inside and outside) of the non-zero region of a one-channel mask of the picture's size. */
iad_status iad_draw_contour(iad_image *image, const iad_image *mask, iad_rgb color, int thickness, iad_err *err);

void iad_draw_rect(iad_image *image, int x0, int y0, int x1, int y1, iad_rgb color, int thickness);
void iad_draw_fill(iad_image *image, int x0, int y0, int x1, int y1, iad_rgb color);

/* ASCII text in a built-in 8x13-class bitmap font, scaled by `scale` >= 1; other bytes are shown as boxes. */
void iad_draw_text(iad_image *image, int x, int y, const char *text, iad_rgb color, int scale);
int iad_text_width(const char *text, int scale);
int iad_text_height(int scale);

/* Copies src (1 or 3 channels) into dst (RGB) at x, y. */
void iad_draw_image(iad_image *dst, const iad_image *src, int x, int y);

/* n cells of cell_w x cell_h (pictures are fitted, centred, on `background`), `columns` per row, labels[i] (may be NULL) below. */
iad_status iad_contact_sheet(const iad_image *cells, const char *const *labels, size_t n, int columns, int cell_w, int cell_h,
                             iad_rgb background, iad_image *sheet, iad_err *err);

#endif
