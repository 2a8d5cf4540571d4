/* Perceptual hash. Everything is integer arithmetic without rounding that prefers a side, so that turning or mirroring the picture
 * turns or mirrors the coefficients exactly and one transform serves all eight positions. */
#include "base/image/phash.h"

#include <string.h>

/* STRIP: bytes of a row that are summed at a time; it holds at least one cell of the widest picture. */
enum { GRID = 32, LOW = 8, STRIP = 3 * (IAD_IMAGE_MAX_SIDE / GRID + 2) };

/* 2^14 cos(pi m / 64), m = 0..32. */
static const int32_t quarter_wave[33] = {16384, 16364, 16305, 16207, 16069, 15893, 15679, 15426, 15137, 14811, 14449,
                                         14053, 13623, 13160, 12665, 12140, 11585, 11003, 10394, 9760,  9102,  8423,
                                         7723,  7005,  6270,  5520,  4756,  3981,  3196,  2404,  1606,  804,   0};

/* 2^14 cos(pi (2 x + 1) u / 64). */
static int32_t wave(int x, int u) {
    int m = (2 * x + 1) * u % 128;
    if (m > 64) m = 128 - m;
    return m <= 32 ? quarter_wave[m] : -quarter_wave[64 - m];
}

/* Where the 33 borders of the 32 cells lie on an axis of n pixels: pixel and 1/32 of a pixel. */
typedef struct borders {
    int pixel[GRID + 1], part[GRID + 1];
} borders;

static borders cell_borders(int n) {
    borders b;
    for (int c = 0; c <= GRID; c++) {
        int64_t at = (int64_t)c * n;
        b.pixel[c] = (int)(at / GRID);
        b.part[c] = (int)(at % GRID);
    }
    return b;
}

/* total[i] += 32 * (sum of column i over the rows), i < n bytes. Sums of up to 257 rows fit 16 bits: the loop over them is what
 * costs, and it is one wide addition per byte. */
static inline __attribute__((always_inline)) void add_rows_body(const uint8_t *px, size_t stride, int rows, int n, uint32_t *total) {
    uint16_t sum[STRIP];
    while (rows > 0) {
        int part = rows < 257 ? rows : 257;
        memset(sum, 0, (size_t)n * sizeof *sum);
        for (int y = 0; y < part; y++, px += stride)
            for (int i = 0; i < n; i++) sum[i] = (uint16_t)(sum[i] + px[i]);
        for (int i = 0; i < n; i++) total[i] += (uint32_t)sum[i] * GRID;
        rows -= part;
    }
}

/* The same loops for the compiler to widen; integers, so the sums are the same. */
static void add_rows_plain(const uint8_t *px, size_t stride, int rows, int n, uint32_t *total) { add_rows_body(px, stride, rows, n, total); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) static void add_rows_avx2(const uint8_t *px, size_t stride, int rows, int n, uint32_t *total) {
    add_rows_body(px, stride, rows, n, total);
}
#endif

static void add_rows(const uint8_t *px, size_t stride, int rows, int n, uint32_t *total) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        add_rows_avx2(px, stride, rows, n, total);
        return;
    }
#endif
    add_rows_plain(px, stride, rows, n, total);
}

/* Column sums of one row of cells over n bytes from column `px`, in units of 1/32 pixel: up to 255 * 65500. */
static void add_cell_rows(const uint8_t *px, size_t stride, const borders *down, int r, int n, uint32_t *total) {
    int first = down->pixel[r], whole = down->pixel[r + 1] - first, head = down->part[r], tail = down->part[r + 1];
    memset(total, 0, (size_t)n * sizeof *total);
    add_rows(px + (size_t)first * stride, stride, whole, n, total);
    /* The head is subtracted after the first row was added whole, the tail is a piece of the row behind; a cell that is less than a row
     * high has both in the same row, and the differences still come out right in wrapping arithmetic. */
    const uint8_t *top = px + (size_t)first * stride, *bottom = top + (size_t)whole * stride;
    if (head)
        for (int i = 0; i < n; i++) total[i] -= top[i] * (uint32_t)head;
    if (tail)
        for (int i = 0; i < n; i++) total[i] += bottom[i] * (uint32_t)tail;
}

/* Area means of the cut-out on the grid, 8 bits before and 8 behind the point. Channels are summed apart and weighted once per cell:
 * the weights add up to 2^16, so that a grey picture and its RGB copy get the same means. */
static void area_means(const iad_image *image, int x0, int y0, int width, int height, int64_t mean[GRID][GRID]) {
    const borders across = cell_borders(width), down = cell_borders(height);
    const int64_t area = (int64_t)width * height; /* of a cell, in units of 1/32 pixel squared */
    const int ch = image->channels;
    const size_t stride = (size_t)image->width * (size_t)ch;
    uint32_t total[STRIP];
    for (int c = 0, next; c < GRID; c = next) {
        /* As many cells as fit the strip, with the pixel that the last one may share with its neighbour. */
        for (next = c + 1; next < GRID && (across.pixel[next + 1] + 1 - across.pixel[c]) * ch <= STRIP; next++) {}
        const int from = across.pixel[c], to = across.pixel[next] + (across.part[next] > 0);
        const uint8_t *px = iad_image_at(image, x0 + from, y0);
        for (int r = 0; r < GRID; r++) {
            add_cell_rows(px, stride, &down, r, (to - from) * ch, total);
            for (int k = c; k < next; k++) {
                int64_t sum[3] = {0, 0, 0};
                const int first = across.pixel[k] - from, end = across.pixel[k + 1] - from;
                for (int x = first; x < end; x++)
                    for (int i = 0; i < ch; i++) sum[i] += total[x * ch + i];
                for (int i = 0; i < ch; i++) {
                    sum[i] *= GRID;
                    if (across.part[k]) sum[i] -= (int64_t)total[first * ch + i] * across.part[k];
                    if (across.part[k + 1]) sum[i] += (int64_t)total[end * ch + i] * across.part[k + 1];
                }
                mean[r][k] = ch == 1 ? sum[0] * 256 / area : (19595 * sum[0] + 38470 * sum[1] + 7471 * sum[2]) / (256 * area);
            }
        }
    }
}

/* low[v][u]: vertical frequency v + 1, horizontal frequency u + 1. At most 16 + 10 + 28 bits. */
static void transform(int64_t mean[GRID][GRID], int64_t low[LOW][LOW]) {
    int64_t basis[LOW][GRID];
    for (int u = 0; u < LOW; u++)
        for (int x = 0; x < GRID; x++) basis[u][x] = wave(x, u + 1);
    for (int u = 0; u < LOW; u++) {
        int64_t column[GRID];
        for (int y = 0; y < GRID; y++) {
            column[y] = 0;
            for (int x = 0; x < GRID; x++) column[y] += mean[y][x] * basis[u][x];
        }
        for (int v = 0; v < LOW; v++) {
            low[v][u] = 0;
            for (int y = 0; y < GRID; y++) low[v][u] += column[y] * basis[v][y];
        }
    }
}

static uint64_t bits_above_median(int64_t low[LOW][LOW]) {
    enum { N = LOW * LOW };
    static const int gaps[] = {23, 10, 4, 1}; /* Shell sort */
    int64_t sorted[N];
    for (int i = 0; i < N; i++) sorted[i] = low[i / LOW][i % LOW];
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (int i = gaps[g]; i < N; i++) {
            const int64_t value = sorted[i];
            int at = i;
            for (; at >= gaps[g] && sorted[at - gaps[g]] > value; at -= gaps[g]) sorted[at] = sorted[at - gaps[g]];
            sorted[at] = value;
        }
    int64_t twice_median = sorted[N / 2 - 1] + sorted[N / 2];
    uint64_t hash = 0;
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < LOW; u++)
            if (2 * low[v][u] > twice_median) hash |= (uint64_t)1 << (LOW * v + u);
    return hash;
}

/* Coefficients of the picture mirrored left to right: odd horizontal frequencies change sign. */
static void mirror(int64_t low[LOW][LOW]) {
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < LOW; u += 2) low[v][u] = -low[v][u]; /* index 0 is frequency 1 */
}

/* A clockwise quarter turn is a transposition followed by that mirroring. */
static void turn(int64_t low[LOW][LOW]) {
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < v; u++) {
            int64_t swap = low[v][u];
            low[v][u] = low[u][v];
            low[u][v] = swap;
        }
    mirror(low);
}

static iad_status coefficients(const iad_image *image, int percent, int64_t low[LOW][LOW], iad_err *err) {
    if (!image->px || image->width < 1 || image->height < 1 || (image->channels != 1 && image->channels != 3))
        return IAD_FAIL(err, IAD_ERR_ARG, "perceptual hash: no picture of 1 or 3 channels");
    if (image->width > IAD_IMAGE_MAX_SIDE || image->height > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "perceptual hash: a side is longer than %d", IAD_IMAGE_MAX_SIDE);
    if (percent < 0 || percent > 40) return IAD_FAIL(err, IAD_ERR_ARG, "perceptual hash: cannot cut %d percent of each border", percent);
    int dx = (int)((int64_t)image->width * percent / 100), dy = (int)((int64_t)image->height * percent / 100);
    int64_t mean[GRID][GRID];
    area_means(image, dx, dy, image->width - 2 * dx, image->height - 2 * dy, mean);
    transform(mean, low);
    return IAD_OK;
}

iad_status iad_phash_turns(const iad_image *image, int percent, uint64_t hash[8], iad_err *err) {
    int64_t low[LOW][LOW];
    IAD_TRY(coefficients(image, percent, low, err));
    for (int i = 0; i < 4; i++, turn(low)) hash[i] = bits_above_median(low); /* the fourth turn leads back to the start */
    mirror(low);
    for (int i = 4; i < 8; i++, turn(low)) hash[i] = bits_above_median(low);
    return IAD_OK;
}

iad_status iad_phash_variant(const iad_image *image, int percent, int turns, uint64_t *hash, iad_err *err) {
    if (turns < 0 || turns > 7) return IAD_FAIL(err, IAD_ERR_ARG, "perceptual hash: turns %d, want 0..7", turns);
    int64_t low[LOW][LOW];
    IAD_TRY(coefficients(image, percent, low, err));
    if (turns >= 4) mirror(low);
    for (int i = 0; i < turns % 4; i++) turn(low);
    *hash = bits_above_median(low);
    return IAD_OK;
}

iad_status iad_phash(const iad_image *image, uint64_t *hash, iad_err *err) { return iad_phash_variant(image, 0, 0, hash, err); }
