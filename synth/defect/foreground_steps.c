#include "synth/defect/foreground_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/components.h"

iad_status iad_fg_plane(const iad_image *picture, int channel, iad_image *plane, iad_err *err) {
    if (picture->channels == 1) return iad_image_copy(picture, plane, err);
    if (channel < 0 || channel > 2) return iad_image_to_grey(picture, plane, err);
    IAD_TRY(iad_image_init_raw(plane, picture->width, picture->height, 1, err));
    size_t n = (size_t)plane->width * (size_t)plane->height;
    for (size_t i = 0; i < n; i++) plane->px[i] = picture->px[3 * i + (size_t)channel];
    return IAD_OK;
}

static void histogram_of(const iad_image *plane, int64_t count[256]) {
    size_t n = (size_t)plane->width * (size_t)plane->height;
    memset(count, 0, 256 * sizeof *count);
    for (size_t i = 0; i < n; i++) count[plane->px[i]]++;
}

int iad_fg_otsu(const iad_image *plane) {
    int64_t count[256];
    histogram_of(plane, count);
    double n = 0, sum = 0, below = 0, below_sum = 0, best = -1;
    int level = 127;
    for (int v = 0; v < 256; v++) {
        n += (double)count[v];
        sum += (double)v * (double)count[v];
    }
    for (int v = 0; v < 255; v++) {
        below += (double)count[v];
        below_sum += (double)v * (double)count[v];
        if (below == 0 || below == n) continue;
        double difference = below_sum / below - (sum - below_sum) / (n - below), between = below * (n - below) * difference * difference;
        if (between > best) {
            best = between;
            level = v;
        }
    }
    return level;
}

int iad_fg_triangle(const iad_image *plane) {
    int64_t count[256];
    int low = 0, high = 255, peak = 0;
    histogram_of(plane, count);
    while (low < 255 && !count[low]) low++;
    while (high > low && !count[high]) high--;
    for (int v = low; v <= high; v++)
        if (count[v] > count[peak]) peak = v;
    int end = peak - low > high - peak ? low : high, step = end > peak ? 1 : -1, level = peak;
    double best = 0, rise = (double)count[peak] - (double)count[end], run = abs(end - peak);
    for (int v = peak; v != end; v += step) { /* distance below the line, up to a constant factor */
        double distance = run * ((double)count[peak] - (double)count[v]) - rise * abs(v - peak);
        if (distance > best) {
            best = distance;
            level = v;
        }
    }
    return level;
}

/* ---- the border ring ---- */

static int ring_width(const iad_image *p) {
    int shorter = p->width < p->height ? p->width : p->height, ring = shorter * 3 / 100;
    return ring < 1 ? 1 : ring;
}

static int in_ring(const iad_image *p, int ring, int x, int y) { return x < ring || y < ring || x >= p->width - ring || y >= p->height - ring; }

/* The value below which half of the counted ones lie. */
static int median_of(const int64_t count[256]) {
    int64_t n = 0, seen = 0;
    int v = 0;
    for (int i = 0; i < 256; i++) n += count[i];
    while (v < 255 && (seen += count[v]) * 2 < n) v++;
    return v;
}

iad_status iad_fg_unlike_border(const iad_image *p, iad_image *mask, iad_err *err) {
    int ring = ring_width(p), middle[3] = {0}, limit[3] = {0};
    IAD_TRY(iad_image_init(mask, p->width, p->height, 1, err));
    for (int c = 0; c < p->channels; c++) {
        int64_t count[256] = {0}, away[256] = {0};
        for (int y = 0; y < p->height; y++)
            for (int x = 0; x < p->width; x++)
                if (in_ring(p, ring, x, y)) count[iad_image_at(p, x, y)[c]]++;
        middle[c] = median_of(count);
        for (int v = 0; v < 256; v++) away[abs(v - middle[c])] += count[v];
        int mad = median_of(away);
        limit[c] = 6 * mad > 12 ? 6 * mad : 12;
    }
    size_t n = (size_t)p->width * (size_t)p->height;
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < p->channels; c++)
            if (abs(p->px[i * (size_t)p->channels + (size_t)c] - middle[c]) > limit[c]) mask->px[i] = 255;
    return IAD_OK;
}

void iad_fg_shares(const iad_image *mask, double *area, double *border) {
    int ring = ring_width(mask);
    int64_t all = 0, on_ring = 0, of_ring = 0;
    for (int y = 0; y < mask->height; y++)
        for (int x = 0; x < mask->width; x++) {
            int set = *iad_image_at(mask, x, y) != 0;
            all += set;
            if (in_ring(mask, ring, x, y)) {
                of_ring++;
                on_ring += set;
            }
        }
    *area = (double)all / ((double)mask->width * mask->height);
    *border = (double)on_ring / (double)of_ring;
}

/* ---- morphology with squares ---- */

/* Running maximum or minimum of 0/255 lines: a window of `side` pixels has a set (maximum) or an unset (minimum) one. Outside counts as neither. */
static void line_pass(const uint8_t *in, uint8_t *out, int n, size_t step, int side, int dilate) {
    int left = (side - 1) / 2, right = side - 1 - left, hits = 0;
    for (int i = 0; i < right && i < n; i++) hits += (in[(size_t)i * step] != 0) == dilate;
    for (int i = 0; i < n; i++) {
        if (i + right < n) hits += (in[(size_t)(i + right) * step] != 0) == dilate;
        if (i - left - 1 >= 0) hits -= (in[(size_t)(i - left - 1) * step] != 0) == dilate;
        out[(size_t)i * step] = (hits > 0) == dilate ? 255 : 0;
    }
}

static void square_pass(iad_image *mask, uint8_t *other, int side, int dilate) {
    size_t w = (size_t)mask->width, h = (size_t)mask->height;
    for (size_t y = 0; y < h; y++) line_pass(mask->px + y * w, other + y * w, mask->width, 1, side, dilate);
    for (size_t x = 0; x < w; x++) line_pass(other + x, mask->px + x, mask->height, w, side, dilate);
}

iad_status iad_fg_clean(iad_image *mask, int close_px, int open_px, iad_err *err) {
    int shorter = mask->width < mask->height ? mask->width : mask->height;
    int close_side = (close_px * shorter + 128) / 256, open_side = (open_px * shorter + 128) / 256;
    if (close_side < 2 && open_side < 2) return IAD_OK;
    uint8_t *other = iad_alloc((size_t)mask->width * (size_t)mask->height, 1);
    if (!other) return IAD_NOMEM(err, "a foreground");
    for (int pass = 0; pass < 4; pass++) { /* close: dilate, erode; open: erode, dilate */
        int side = pass < 2 ? close_side : open_side;
        if (side >= 2) square_pass(mask, other, side, pass == 0 || pass == 3);
    }
    free(other);
    return IAD_OK;
}

/* ---- surroundings ---- */

/* Erases the region that pixel `at` belongs to. stack: a place for every pixel. */
static void erase(iad_image *mask, int64_t at, int64_t *stack) {
    int64_t n = 0, w = mask->width, h = mask->height;
    if (!mask->px[at]) return;
    mask->px[at] = 0;
    stack[n++] = at;
    while (n > 0) {
        int64_t p = stack[--n], px = p % w, py = p / w;
        for (int64_t y = py > 0 ? py - 1 : 0; y <= py + 1 && y < h; y++)
            for (int64_t x = px > 0 ? px - 1 : 0; x <= px + 1 && x < w; x++) {
                if (!mask->px[y * w + x]) continue;
                mask->px[y * w + x] = 0;
                stack[n++] = y * w + x;
            }
    }
}

iad_status iad_fg_drop_surroundings(iad_image *mask, iad_err *err) {
    iad_component *regions = NULL;
    size_t n = 0, largest = 0, outside = 0;
    int64_t w = mask->width, h = mask->height;
    IAD_TRY(iad_components(mask, &regions, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (regions[i].area > regions[largest].area) largest = i;
        outside += regions[i].x0 == 0 || regions[i].y0 == 0 || regions[i].x1 == w || regions[i].y1 == h;
    }
    const iad_component main_region = n ? regions[largest] : (iad_component){0};
    free(regions);
    if (!outside || main_region.x0 == 0 || main_region.y0 == 0 || main_region.x1 == w || main_region.y1 == h) return IAD_OK;
    int64_t *stack = iad_alloc((size_t)(w * h), sizeof *stack);
    if (!stack) return IAD_NOMEM(err, "a foreground");
    for (int64_t x = 0; x < w; x++) {
        erase(mask, x, stack);
        erase(mask, (h - 1) * w + x, stack);
    }
    for (int64_t y = 0; y < h; y++) {
        erase(mask, y * w, stack);
        erase(mask, y * w + w - 1, stack);
    }
    free(stack);
    return IAD_OK;
}
