/* Contact sheets. */
#include <stdio.h>
#include <string.h>

#include "base/image/draw.h"
#include "base/image/font.h"
#include "base/image/resize.h"

enum { GAP = 8, LABEL_GAP = 3 };

/* The largest size of the picture's aspect inside the cell, at least one pixel. */
static void fit(const iad_image *image, int cell_w, int cell_h, int *width, int *height) {
    int64_t w = cell_w, h = ((int64_t)image->height * cell_w + image->width / 2) / image->width;
    if (h > cell_h) {
        h = cell_h;
        w = ((int64_t)image->width * cell_h + image->height / 2) / image->height;
        if (w > cell_w) w = cell_w;
    }
    *width = w < 1 ? 1 : (int)w;
    *height = h < 1 ? 1 : (int)h;
}

static iad_status put_cell(const iad_image *image, int x, int y, int cell_w, int cell_h, iad_image *sheet, iad_err *err) {
    int width, height;
    fit(image, cell_w, cell_h, &width, &height);
    iad_image small;
    IAD_TRY(iad_resize(image, width, height, IAD_FILTER_BICUBIC, &small, err));
    iad_draw_image(sheet, &small, x + (cell_w - width) / 2, y + (cell_h - height) / 2);
    iad_image_deinit(&small);
    return IAD_OK;
}

static void put_label(const char *text, int x, int y, int cell_w, iad_rgb color, iad_image *sheet) {
    char line[256];
    size_t room = (size_t)cell_w / IAD_FONT_WIDTH, len = strcspn(text, "\n");
    if (room >= sizeof line) room = sizeof line - 1;
    if (room == 0) return;
    const int cut = len > room;
    if (cut) len = room > 2 ? room - 2 : room;
    memcpy(line, text, len);
    if (cut && room > 2) {
        memcpy(line + len, "..", 2);
        len += 2;
    }
    line[len] = '\0';
    iad_draw_text(sheet, x + (cell_w - iad_text_width(line, 1)) / 2, y, line, color, 1);
}

iad_status iad_contact_sheet(const iad_image *cells, const char *const *labels, size_t n, int columns, int cell_w, int cell_h,
                             iad_rgb background, iad_image *sheet, iad_err *err) {
    *sheet = (iad_image){0};
    if (n < 1 || columns < 1 || cell_w < 1 || cell_h < 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "contact sheet: %zu cells of %d x %d in %d columns", n, cell_w, cell_h, columns);
    if (n > IAD_IMAGE_MAX_PIXELS || cell_w > IAD_IMAGE_MAX_SIDE || cell_h > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "contact sheet: %zu cells of %d x %d", n, cell_w, cell_h);
    int labelled = 0;
    for (size_t i = 0; i < n; i++) {
        if (!cells[i].px || cells[i].width < 1 || cells[i].height < 1)
            return IAD_FAIL(err, IAD_ERR_ARG, "contact sheet: cell %zu holds no picture", i);
        labelled |= labels && labels[i];
    }
    if ((size_t)columns > n) columns = (int)n;
    const int pitch_x = cell_w + GAP, pitch_y = cell_h + GAP + (labelled ? LABEL_GAP + IAD_FONT_HEIGHT : 0);
    const int64_t rows = ((int64_t)n + columns - 1) / columns;
    const int64_t width = (int64_t)columns * pitch_x + GAP, height = rows * pitch_y + GAP;
    if (width > IAD_IMAGE_MAX_SIDE || height > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "contact sheet of %lld x %lld pixels: a side is longer than %d", (long long)width,
                        (long long)height, IAD_IMAGE_MAX_SIDE);
    IAD_TRY(iad_image_init(sheet, (int)width, (int)height, 3, err));
    iad_draw_fill(sheet, 0, 0, (int)width, (int)height, background);
    const int dark = 299 * background.r + 587 * background.g + 114 * background.b < 128 * 1000;
    const iad_rgb ink = dark ? (iad_rgb){230, 230, 230} : (iad_rgb){40, 40, 40};
    for (size_t i = 0; i < n; i++) {
        const int x = GAP + (int)(i % (size_t)columns) * pitch_x, y = GAP + (int)(i / (size_t)columns) * pitch_y;
        iad_status status = put_cell(&cells[i], x, y, cell_w, cell_h, sheet, err);
        if (status != IAD_OK) {
            iad_image_deinit(sheet);
            return status;
        }
        if (labels && labels[i]) put_label(labels[i], x, y + cell_h + LABEL_GAP, cell_w, ink, sheet);
    }
    return IAD_OK;
}
