#include "base/image/exif.h"

#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define TYPE_LONG 4

typedef struct tiff_view {
    const uint8_t *at;
    size_t n;
    int big_endian;
} tiff_view;

static uint32_t get16(const tiff_view *t, size_t at) {
    const uint8_t *p = t->at + at;
    return t->big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t get32(const tiff_view *t, size_t at) {
    uint32_t first = get16(t, at), second = get16(t, at + 2);
    return t->big_endian ? first << 16 | second : second << 16 | first;
}

int iad_exif_orientation(const uint8_t *tiff, size_t n) {
    if (n >= 6 && memcmp(tiff, "Exif\0\0", 6) == 0) {
        tiff += 6;
        n -= 6;
    }
    if (n < 8) return 0;
    tiff_view t = {tiff, n, tiff[0] == 'M'};
    if (memcmp(tiff, "II", 2) != 0 && memcmp(tiff, "MM", 2) != 0) return 0;
    if (get16(&t, 2) != 42) return 0;
    size_t directory = get32(&t, 4);
    if (directory > n - 2) return 0;
    size_t entries = get16(&t, directory), first = directory + 2;
    for (size_t i = 0; i < entries && n - first >= 12; i++, first += 12) {
        if (get16(&t, first) != TAG_ORIENTATION) continue;
        uint32_t type = get16(&t, first + 2), count = get32(&t, first + 4), value = 0;
        if (count == 1 && type == TYPE_SHORT) value = get16(&t, first + 8);
        if (count == 1 && type == TYPE_LONG) value = get32(&t, first + 8);
        return value >= 1 && value <= 8 ? (int)value : 0;
    }
    return 0;
}

/* dst pixel (x, y) is src[start + x * step_x + y * step_y], all in pixels. Walks in square tiles: with a step_x of
 * one source row a whole destination row would touch a new cache line at every pixel. */
static inline void turn(const uint8_t *src, ptrdiff_t start, ptrdiff_t step_x, ptrdiff_t step_y, int out_w, int out_h,
                        int pixel_bytes, uint8_t *dst) {
    enum { TILE = 32 };
    for (int y0 = 0; y0 < out_h; y0 += TILE)
        for (int x0 = 0; x0 < out_w; x0 += TILE) {
            int y1 = out_h - y0 < TILE ? out_h : y0 + TILE, x1 = out_w - x0 < TILE ? out_w : x0 + TILE;
            for (int y = y0; y < y1; y++) {
                uint8_t *to = dst + ((size_t)y * (size_t)out_w + (size_t)x0) * (size_t)pixel_bytes;
                const uint8_t *from = src + (start + x0 * step_x + y * step_y) * pixel_bytes;
                for (int x = x0; x < x1; x++, to += pixel_bytes, from += step_x * pixel_bytes)
                    for (int c = 0; c < pixel_bytes; c++) to[c] = from[c];
            }
        }
}

void iad_exif_turn(const uint8_t *src, int width, int height, int pixel_bytes, int orientation, uint8_t *dst) {
    ptrdiff_t w = width, last_x = w - 1, last_row = (height - 1) * w;
    /* start, step_x, step_y of the eight cases of CIPA DC-008 4.6.4 A. */
    const ptrdiff_t plan[8][3] = {
        {0, 1, w},                      /* as it is */
        {last_x, -1, w},                /* mirrored left-right */
        {last_row + last_x, -1, -w},    /* turned by 180 degrees */
        {last_row, 1, -w},              /* mirrored top-bottom */
        {0, w, 1},                      /* transposed */
        {last_row, -w, 1},              /* must be turned 90 degrees clockwise */
        {last_row + last_x, -w, -1},    /* transposed over the other diagonal */
        {last_x, w, -1},                /* must be turned 90 degrees counter-clockwise */
    };
    const ptrdiff_t *p = plan[orientation >= 1 && orientation <= 8 ? orientation - 1 : 0];
    int out_w = iad_exif_swaps(orientation) ? height : width, out_h = iad_exif_swaps(orientation) ? width : height;
    if (pixel_bytes == 1) turn(src, p[0], p[1], p[2], out_w, out_h, 1, dst);
    else if (pixel_bytes == 2) turn(src, p[0], p[1], p[2], out_w, out_h, 2, dst);
    else turn(src, p[0], p[1], p[2], out_w, out_h, 3, dst);
}
