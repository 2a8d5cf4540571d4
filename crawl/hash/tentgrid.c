#include "crawl/hash/tentgrid.h"

#include <string.h>

/* CELL: pixels of the widest cell, with a shared one at either end. STRIP: bytes of a row that are summed at a time. WEIGHT: bits of the sum of a
 * cell's weights: 255 times it fits 32 bits with room, and the narrowest cell still has weights of more than five bits. */
enum { GRID = IAD_TENT_GRID, CELL = IAD_IMAGE_MAX_SIDE / GRID + 3, STRIP = 6 * CELL, WEIGHT = 14 };

/* Weights of one cell along an axis. */
typedef struct tent {
    int first, n; /* pixels */
    const uint16_t *weight;
} tent;

/* Weight up to `at`, of 2^WEIGHT: the integral of the tent of half width `half` around 0, rounded so that both slopes are the same. */
static int64_t weight_until(int64_t at, int64_t half) {
    if (at <= -half) return 0;
    if (at >= half) return 1 << WEIGHT;
    const int64_t rest = at <= 0 ? half + at : half - at;
    const int64_t part = ((rest * rest << WEIGHT) + half * half) / (2 * half * half);
    return at <= 0 ? part : (1 << WEIGHT) - part;
}

/* Cell i of an axis of n pixels, with room for its weights; returns the room behind them. In units of 1/128 of a pixel its centre is
 * (2 i + 1) n and its half width n. */
static uint16_t *tent_of(tent *t, int i, int n, uint16_t *weight) {
    const int64_t from = (int64_t)2 * i * n, to = from + 2 * (int64_t)n, centre = from + n;
    t->first = (int)(from / (2 * GRID));
    t->n = (int)((to + 2 * GRID - 1) / (2 * GRID)) - t->first;
    t->weight = weight;
    for (int k = 0; k < t->n; k++) {
        const int64_t left = (int64_t)(t->first + k) * (2 * GRID) - centre;
        *weight++ = (uint16_t)(weight_until(left + 2 * GRID, n) - weight_until(left, n));
    }
    return weight;
}

/* total[i] = sum of column i over the rows, weighted, i < n bytes. Four rows at a time, so that the totals are not what costs. */
static inline __attribute__((always_inline)) void add_rows_body(const uint8_t *px, size_t stride, const tent *down, int n, uint32_t *total) {
    memset(total, 0, (size_t)n * sizeof *total);
    int k = 0;
    for (; k + 4 <= down->n; k += 4, px += 4 * stride) {
        const uint8_t *r0 = px, *r1 = px + stride, *r2 = px + 2 * stride, *r3 = px + 3 * stride;
        const uint32_t w0 = down->weight[k], w1 = down->weight[k + 1], w2 = down->weight[k + 2], w3 = down->weight[k + 3];
        for (int i = 0; i < n; i++) total[i] += w0 * r0[i] + w1 * r1[i] + w2 * r2[i] + w3 * r3[i];
    }
    for (; k < down->n; k++, px += stride)
        for (int i = 0; i < n; i++) total[i] += (uint32_t)down->weight[k] * px[i];
}

/* The same loops for the compiler to widen; integers, so the sums are the same. */
static void add_rows_plain(const uint8_t *px, size_t stride, const tent *down, int n, uint32_t *total) { add_rows_body(px, stride, down, n, total); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) static void add_rows_avx2(const uint8_t *px, size_t stride, const tent *down, int n, uint32_t *total) {
    add_rows_body(px, stride, down, n, total);
}
#endif

static void add_rows(const uint8_t *px, size_t stride, const tent *down, int n, uint32_t *total) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        add_rows_avx2(px, stride, down, n, total);
        return;
    }
#endif
    add_rows_plain(px, stride, down, n, total);
}

/* One sample from the column totals, which begin with pixel `from`. Channels are summed apart and weighted once: the weights add up to 2^16,
 * so that a grey picture and its RGB copy get the same samples. */
static uint16_t sample_of(const uint32_t *total, int from, const tent *across, int channels) {
    uint64_t sum[3] = {0, 0, 0};
    const uint32_t *at = total + (size_t)(across->first - from) * (size_t)channels;
    for (int k = 0; k < across->n; k++)
        for (int c = 0; c < channels; c++) sum[c] += (uint64_t)across->weight[k] * *at++;
    const uint64_t grey = channels == 1 ? sum[0] << 16 : 19595 * sum[0] + 38470 * sum[1] + 7471 * sum[2];
    return (uint16_t)(grey >> (16 + 2 * WEIGHT - 8));
}

static void sample_all(const iad_image *image, int x0, int y0, int width, int height, uint16_t sample[GRID][GRID]) {
    const int ch = image->channels;
    const size_t stride = (size_t)image->width * (size_t)ch;
    uint32_t total[STRIP];
    uint16_t down_weight[CELL], across_weight[STRIP + 2 * GRID];
    tent down, across[GRID];
    for (int c = 0, next; c < GRID; c = next) {
        /* As many cells as fit the strip; the pixel that two cells share counts in both. */
        const int from = (int)((int64_t)c * width / GRID);
        uint16_t *room = across_weight;
        int to = from;
        for (next = c; next < GRID; next++) {
            const int end = (int)(((int64_t)(next + 1) * width + GRID - 1) / GRID);
            if ((end - from) * ch > STRIP) break;
            room = tent_of(&across[next], next, width, room);
            to = end;
        }
        for (int r = 0; r < GRID; r++) {
            tent_of(&down, r, height, down_weight);
            add_rows(iad_image_at(image, x0 + from, y0 + down.first), stride, &down, (to - from) * ch, total);
            for (int k = c; k < next; k++) sample[r][k] = sample_of(total, from, &across[k], ch);
        }
    }
}

iad_status iad_tent_grid(const iad_image *image, int percent, uint16_t sample[GRID][GRID], iad_err *err) {
    if (!image->px || image->width < 1 || image->height < 1 || (image->channels != 1 && image->channels != 3))
        return IAD_FAIL(err, IAD_ERR_ARG, "perceptual hash: no picture of 1 or 3 channels");
    if (image->width > IAD_IMAGE_MAX_SIDE || image->height > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "perceptual hash: a side is longer than %d", IAD_IMAGE_MAX_SIDE);
    if (percent < 0 || percent > 40) return IAD_FAIL(err, IAD_ERR_ARG, "perceptual hash: cannot cut %d percent of each border", percent);
    const int dx = (int)((int64_t)image->width * percent / 100), dy = (int)((int64_t)image->height * percent / 100);
    sample_all(image, dx, dy, image->width - 2 * dx, image->height - 2 * dy, sample);
    return IAD_OK;
}
