#include "synth/defect/foreground.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/resize.h"
#include "synth/defect/foreground_steps.h"

enum { WORK_SIDE = 256 }; /* thresholds are found and cleaned at this shorter side: quick, and what the published sizes mean */

void iad_foreground_deinit(iad_foreground *fg) {
    iad_image_deinit(&fg->mask);
    free(fg->row_end);
    *fg = (iad_foreground){0};
}

/* Counts; a mask without foreground becomes all foreground. Takes the mask over. */
static iad_status finish(iad_image *mask, iad_foreground *fg, iad_err *err) {
    *fg = (iad_foreground){.mask = *mask};
    *mask = (iad_image){0};
    size_t n = (size_t)fg->mask.width * (size_t)fg->mask.height;
    if (!memchr(fg->mask.px, 255, n)) {
        memset(fg->mask.px, 255, n);
        fg->texture = 1;
    }
    if (!(fg->row_end = iad_alloc((size_t)fg->mask.height, sizeof *fg->row_end))) {
        iad_foreground_deinit(fg);
        return IAD_NOMEM(err, "a foreground");
    }
    for (int y = 0; y < fg->mask.height; y++) {
        const uint8_t *row = iad_image_at(&fg->mask, 0, y);
        int64_t count = 0;
        for (int x = 0; x < fg->mask.width; x++) count += row[x] >> 7;
        fg->row_end[y] = fg->area += count;
    }
    return IAD_OK;
}

/* Enlarges a mask of the working size. */
static iad_status enlarge(iad_image *small, int width, int height, iad_image *mask, iad_err *err) {
    if (small->width == width && small->height == height) {
        *mask = *small;
        *small = (iad_image){0};
        return IAD_OK;
    }
    IAD_TRY(iad_resize(small, width, height, IAD_FILTER_BILINEAR, mask, err));
    size_t n = (size_t)width * (size_t)height;
    for (size_t i = 0; i < n; i++) mask->px[i] = mask->px[i] >= 128 ? 255 : 0;
    return IAD_OK;
}

/* The mask by one threshold rule, cleaned; *border is the share of the outer ring that it covers, *area its share of the picture. */
static iad_status by_threshold(const iad_image *small, const iad_foreground_rule *rule, iad_image *mask, double *area, double *border, iad_err *err) {
    iad_image plane;
    IAD_TRY(iad_fg_plane(small, rule->channel, &plane, err));
    int level = strcmp(rule->method, "triangle") == 0 ? iad_fg_triangle(&plane) : iad_fg_otsu(&plane);
    size_t n = (size_t)plane.width * (size_t)plane.height;
    for (size_t i = 0; i < n; i++) plane.px[i] = (plane.px[i] > level) != (rule->dark != 0) ? 255 : 0;
    iad_status status = iad_fg_clean(&plane, rule->close_px, rule->open_px, err);
    *mask = plane;
    if (status != IAD_OK) iad_image_deinit(mask);
    else iad_fg_shares(mask, area, border);
    return status;
}

/* The border ring's colours as background, and Otsu both ways: the acceptable candidate that touches the border least, without
 * surroundings. An empty mask when none is. */
static iad_status automatic(const iad_image *small, const iad_foreground_rule *rule, iad_image *mask, iad_err *err) {
    double best = 2;
    *mask = (iad_image){0};
    for (int k = 0; k < 3; k++) {
        iad_image candidate = {0};
        double area, border;
        const iad_foreground_rule otsu = {"otsu", 3, k == 2, rule->close_px, rule->open_px};
        if (k == 0) {
            IAD_TRY(iad_fg_unlike_border(small, &candidate, err));
            IAD_TRY(iad_fg_clean(&candidate, rule->close_px, rule->open_px, err));
            iad_fg_shares(&candidate, &area, &border);
        } else IAD_TRY(by_threshold(small, &otsu, &candidate, &area, &border, err));
        if (area >= 0.03 && area <= 0.90 && border < 0.25 && border < best) {
            iad_image_deinit(mask);
            *mask = candidate;
            best = border;
        } else iad_image_deinit(&candidate);
    }
    if (!mask->px) return iad_image_init(mask, small->width, small->height, 1, err);
    iad_status status = iad_fg_drop_surroundings(mask, err);
    if (status != IAD_OK) iad_image_deinit(mask);
    return status;
}

iad_status iad_foreground_find(const iad_image *picture, const iad_foreground_rule *rule, iad_foreground *fg, iad_err *err) {
    iad_image small = {0}, found = {0}, mask = {0};
    double area, border;
    *fg = (iad_foreground){0};
    if (strcmp(rule->method, "all") == 0) {
        IAD_TRY(iad_image_init(&mask, picture->width, picture->height, 1, err));
        return finish(&mask, fg, err);
    }
    int shorter = picture->width < picture->height ? picture->width : picture->height;
    int w = picture->width, h = picture->height;
    if (shorter > WORK_SIDE) {
        w = (int)((int64_t)w * WORK_SIDE / shorter);
        h = (int)((int64_t)h * WORK_SIDE / shorter);
    }
    IAD_TRY(iad_resize(picture, w, h, IAD_FILTER_BOX, &small, err));
    iad_status status =
        strcmp(rule->method, "auto") == 0 ? automatic(&small, rule, &found, err) : by_threshold(&small, rule, &found, &area, &border, err);
    if (status == IAD_OK) status = enlarge(&found, picture->width, picture->height, &mask, err);
    if (status == IAD_OK) status = finish(&mask, fg, err);
    iad_image_deinit(&small);
    iad_image_deinit(&found);
    iad_image_deinit(&mask);
    return status;
}

iad_status iad_foreground_from_mask(const iad_image *mask, iad_foreground *fg, iad_err *err) {
    iad_image copy;
    *fg = (iad_foreground){0};
    if (mask->channels != 1) return IAD_FAIL(err, IAD_ERR_ARG, "a mask has one channel");
    IAD_TRY(iad_image_copy(mask, &copy, err));
    size_t n = (size_t)copy.width * (size_t)copy.height;
    for (size_t i = 0; i < n; i++) copy.px[i] = copy.px[i] ? 255 : 0;
    return finish(&copy, fg, err);
}

void iad_foreground_pick(const iad_foreground *fg, iad_rng *rng, int *x, int *y) {
    int64_t k = (int64_t)iad_rng_below(rng, (uint32_t)fg->area); /* the k-th foreground pixel in raster order */
    int low = 0, high = fg->mask.height - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (fg->row_end[middle] > k) high = middle;
        else low = middle + 1;
    }
    k -= low ? fg->row_end[low - 1] : 0;
    const uint8_t *row = iad_image_at(&fg->mask, 0, low);
    int at = 0;
    for (; at < fg->mask.width - 1; at++)
        if (row[at] && k-- == 0) break;
    *x = at;
    *y = low;
}

int iad_picture_is_grey(const iad_image *picture) {
    if (picture->channels == 1) return 1;
    size_t n = (size_t)picture->width * (size_t)picture->height, coloured = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = picture->px + 3 * i;
        int low = p[0] < p[1] ? p[0] : p[1], high = p[0] > p[1] ? p[0] : p[1];
        if (p[2] < low) low = p[2];
        if (p[2] > high) high = p[2];
        coloured += high - low > 6;
    }
    return coloured * 100 <= n;
}
