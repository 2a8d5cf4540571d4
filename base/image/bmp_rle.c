#include "base/image/bmp_rle.h"

typedef struct rle_cursor {
    uint8_t *indices;
    size_t width, height, x, y;
} rle_cursor;

static void put(rle_cursor *c, uint8_t index) {
    if (c->x < c->width && c->y < c->height) c->indices[c->y * c->width + c->x] = index;
    c->x++;
}

/* Pixel i of a string of packed indices. */
static uint8_t packed(const uint8_t *src, size_t i, int four_bits) {
    if (!four_bits) return src[i];
    return i & 1 ? src[i / 2] & 15 : src[i / 2] >> 4;
}

static void run(rle_cursor *c, unsigned count, uint8_t value, int four_bits) {
    const uint8_t pair[2] = {value, value};
    for (unsigned i = 0; i < count; i++) put(c, packed(pair, i & 1, four_bits));
}

static int finished(const rle_cursor *c) { return c->y >= c->height || (c->y + 1 == c->height && c->x >= c->width); }

int iad_bmp_rle(const uint8_t *src, size_t n, int four_bits, uint8_t *indices, size_t width, size_t height) {
    rle_cursor c = {indices, width, height, 0, 0};
    size_t at = 0;
    while (n - at >= 2 && c.y < height) {
        unsigned count = src[at], code = src[at + 1];
        at += 2;
        if (count) {
            run(&c, count, (uint8_t)code, four_bits);
        } else if (code == 0) { /* end of the row */
            c.x = 0;
            c.y++;
        } else if (code == 1) { /* end of the picture */
            return 1;
        } else if (code == 2) { /* move right and on */
            if (n - at < 2) break;
            c.x += src[at];
            c.y += src[at + 1];
            at += 2;
        } else { /* `code` pixels as they are, padded to 16 bits */
            size_t bytes = four_bits ? (code + 1) / 2 : code;
            if (n - at < bytes) break;
            for (unsigned i = 0; i < code; i++) put(&c, packed(src + at, i, four_bits));
            at += bytes + (bytes & 1);
            if (at > n) at = n;
        }
    }
    return finished(&c);
}
