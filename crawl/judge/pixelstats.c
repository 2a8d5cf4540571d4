#include "crawl/judge/pixelstats.h"

#include <string.h>

#define SAMPLES 128 /* rows and columns at most */

static int grey(const uint8_t *p, int channels) {
    return channels == 1 ? p[0] : (19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 0x8000) >> 16;
}

static int is_white(const uint8_t *p, int channels) {
    return p[0] >= 245 && (channels == 1 || (p[1] >= 245 && p[2] >= 245));
}

static int percentile(const uint32_t histogram[256], uint64_t total, uint64_t percent) {
    uint64_t seen = 0;
    for (int i = 0; i < 256; i++) {
        seen += histogram[i];
        if (seen * 100 > total * percent) return i;
    }
    return 255;
}

void iad_pixel_stats_of(const iad_image *image, iad_pixel_stats *stats) {
    int w = image->width, h = image->height, c = image->channels;
    uint8_t seen[32768 / 8];
    uint32_t histogram[256] = {0};
    memset(stats, 0, sizeof *stats);
    memset(seen, 0, sizeof seen);
    if (w < 3 || h < 3) return;
    int at[SAMPLES], columns = w - 2 < SAMPLES ? w - 2 : SAMPLES, rows = h - 2 < SAMPLES ? h - 2 : SAMPLES;
    size_t stride = (size_t)w * (size_t)c;
    int64_t sum = 0, squares = 0;
    uint64_t border = 0, white = 0, total = 0;
    for (int k = 0; k < columns; k++) at[k] = 1 + (int)((int64_t)k * (w - 2) / columns);
    for (int r = 0; r < rows; r++) {
        const int y = 1 + (int)((int64_t)r * (h - 2) / rows);
        const uint8_t *row = iad_image_at(image, 0, y);
        const int in_border = 20 * y < h || 20 * (h - 1 - y) < h;
        for (int k = 0; k < columns; k++) {
            const int x = at[k];
            const uint8_t *p = row + (size_t)x * (size_t)c;
            const int g = grey(p, c), laplace = 4 * g - grey(p - c, c) - grey(p + c, c) - grey(p - stride, c) - grey(p + stride, c);
            sum += laplace;
            squares += laplace * laplace; /* at most 1020 squared */
            histogram[g]++;
            const unsigned colour =
                c == 1 ? (unsigned)(p[0] >> 3) * 1057u : (unsigned)(p[0] >> 3) << 10 | (unsigned)(p[1] >> 3) << 5 | (unsigned)(p[2] >> 3);
            seen[colour >> 3] |= (uint8_t)(1u << (colour & 7));
            if (in_border || 20 * x < w || 20 * (w - 1 - x) < w) {
                border++;
                white += (uint64_t)is_white(p, c);
            }
        }
    }
    total = (uint64_t)rows * (uint64_t)columns;
    for (size_t i = 0; i < sizeof seen; i++) stats->colours += __builtin_popcount(seen[i]);
    double mean = (double)sum / (double)total;
    stats->sharpness = (double)squares / (double)total - mean * mean;
    stats->white_border = border ? (double)white / (double)border : 0;
    stats->contrast = percentile(histogram, total, 99) - percentile(histogram, total, 1);
}
