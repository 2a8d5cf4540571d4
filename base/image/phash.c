/* Perceptual hash. Everything is integer arithmetic without rounding that prefers a side, so that turning or mirroring the picture
 * turns or mirrors the coefficients exactly and one transform serves all eight positions. */
#include "base/image/phash.h"

#include "base/image/rows.h"

enum { GRID = 32, LOW = 8, CELL = IAD_IMAGE_MAX_SIDE / GRID + 2 };

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

/* Area means of the cut-out on the grid, 8 bits before and 8 behind the point. */
static void area_means(const iad_image *image, int x0, int y0, int width, int height, int64_t mean[GRID][GRID]) {
    const borders across = cell_borders(width);
    int64_t sum[GRID][GRID] = {{0}};
    for (int y = 0; y < height; y++) {
        int64_t row[GRID]; /* in units of 1/32 pixel: up to 255 * 65500 */
        for (int c = 0; c < GRID; c++) {
            const int first = across.pixel[c], whole = across.pixel[c + 1] - first, last_part = across.part[c + 1];
            const int n = whole + (last_part > 0); /* >= 1 */
            uint8_t converted[CELL];
            const uint8_t *grey = iad_image_at(image, x0 + first, y0 + y);
            if (image->channels == 3) {
                iad_row_rgb_to_grey(grey, converted, (size_t)n);
                grey = converted;
            }
            uint32_t total = 0;
            for (int i = 0; i < whole; i++) total += grey[i];
            row[c] = (int64_t)total * GRID - grey[0] * across.part[c];
            if (last_part > 0) row[c] += grey[whole] * last_part;
        }
        int64_t from = (int64_t)y * GRID, to = from + GRID;
        for (int64_t r = from / height; from < to; r++) {
            int64_t end = (r + 1) * height < to ? (r + 1) * height : to;
            for (int c = 0; c < GRID; c++) sum[r][c] += row[c] * (end - from);
            from = end;
        }
    }
    const int64_t area = (int64_t)width * height; /* of a cell, in units of 1/32 pixel squared */
    for (int r = 0; r < GRID; r++)
        for (int c = 0; c < GRID; c++) mean[r][c] = sum[r][c] * 256 / area;
}

/* low[v][u]: vertical frequency v + 1, horizontal frequency u + 1. At most 16 + 10 + 28 bits. */
static void transform(int64_t mean[GRID][GRID], int64_t low[LOW][LOW]) {
    for (int u = 0; u < LOW; u++) {
        int64_t column[GRID];
        for (int y = 0; y < GRID; y++) {
            column[y] = 0;
            for (int x = 0; x < GRID; x++) column[y] += mean[y][x] * wave(x, u + 1);
        }
        for (int v = 0; v < LOW; v++) {
            low[v][u] = 0;
            for (int y = 0; y < GRID; y++) low[v][u] += column[y] * wave(y, v + 1);
        }
    }
}

static uint64_t bits_above_median(int64_t low[LOW][LOW]) {
    int64_t sorted[LOW * LOW];
    int n = 0;
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < LOW; u++) {
            int at = n++;
            for (; at > 0 && sorted[at - 1] > low[v][u]; at--) sorted[at] = sorted[at - 1];
            sorted[at] = low[v][u];
        }
    int64_t twice_median = sorted[n / 2 - 1] + sorted[n / 2];
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
