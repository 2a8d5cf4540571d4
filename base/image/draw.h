/* Drawing for reports and contact sheets. All functions clip; none fails on coordinates outside. Coordinates are pixels, the
 * origin is the upper left corner, rectangles are half open: x0 <= x < x1, y0 <= y < y1. On a one-channel picture a colour is drawn
 * as its grey value (Pillow's weights). */
#ifndef IAD_IMAGE_DRAW_H
#define IAD_IMAGE_DRAW_H

#include "base/image/image.h"

typedef struct iad_rgb { uint8_t r, g, b; } iad_rgb;

#define IAD_DRAW_MAX_THICKNESS 64

/* Perceptually even map of t in 0..1 (clamped; NaN is 0) from dark blue over green to yellow. */
iad_rgb iad_colormap(double t);

/* RGB `image` mixed with the colour of each map value: t = (map - lo) / (hi - lo), clamped; opacity is alpha * t, so that what is
 * normal stays visible. A value that is NaN, or lo >= hi, counts as t = 0. map has the picture's size; alpha 0..1.
 * Errors: IAD_ERR_ARG. */
iad_status iad_draw_heat(iad_image *image, const iad_plane *map, double lo, double hi, double alpha, iad_err *err);

/* Outline of the non-zero region of a one-channel mask of the picture's size: every pixel within `thickness` pixels (1 ..
 * IAD_DRAW_MAX_THICKNESS) of one of the other kind, so the line lies half inside and half outside. The picture's edge is no
 * outline. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
iad_status iad_draw_contour(iad_image *image, const iad_image *mask, iad_rgb color, int thickness, iad_err *err);

/* Frame whose lines (thickness >= 1) lie inside the rectangle. Corners may come in any order. */
void iad_draw_rect(iad_image *image, int x0, int y0, int x1, int y1, iad_rgb color, int thickness);
void iad_draw_fill(iad_image *image, int x0, int y0, int x1, int y1, iad_rgb color);

/* ASCII text in the built-in 8 x 13 font, x and y its upper left corner, every dot `scale` (>= 1) pixels large; the background
 * stays. A newline byte starts a new line; other bytes outside printable ASCII are shown as boxes. */
void iad_draw_text(iad_image *image, int x, int y, const char *text, iad_rgb color, int scale);
/* Pixels of the longest line, and of one line's height. */
int iad_text_width(const char *text, int scale);
int iad_text_height(int scale);

/* Copies src (1 or 3 channels) into dst (1 or 3) with its upper left corner at x, y. */
void iad_draw_image(iad_image *dst, const iad_image *src, int x, int y);

/* n >= 1 cells of cell_w x cell_h pixels in rows of `columns` (fewer when n is smaller), 8 pixels apart and from the edge, on
 * `background`. Each picture is resized (bicubic) to fit its cell, aspect kept, and centred; labels may be NULL, labels[i] too; they
 * stand centred below their cells, cut to the cell's width. *sheet is RGB and initialised here.
 * Errors: IAD_ERR_ARG (n, columns, cell size, an empty cell), IAD_ERR_LIMIT (sheet too large), IAD_ERR_NOMEM. */
iad_status iad_contact_sheet(const iad_image *cells, const char *const *labels, size_t n, int columns, int cell_w, int cell_h,
                             iad_rgb background, iad_image *sheet, iad_err *err);

#endif
