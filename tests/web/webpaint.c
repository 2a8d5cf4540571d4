#include <string.h>

#include "base/rng.h"
#include "tests/web/webfile.h"

typedef struct shape {
    int x, y, w, h, round; /* centre, half sides in pixels */
    uint8_t color[3];
} shape;

static void pick_color(iad_rng *rng, uint8_t color[3]) {
    for (int c = 0; c < 3; c++) color[c] = (uint8_t)iad_rng_int(rng, 20, 235);
}

static void fill(iad_image *image, const shape *s) {
    for (int y = s->y - s->h < 0 ? 0 : s->y - s->h; y <= s->y + s->h && y < image->height; y++)
        for (int x = s->x - s->w < 0 ? 0 : s->x - s->w; x <= s->x + s->w && x < image->width; x++) {
            const int64_t dx = (int64_t)(x - s->x) * s->h, dy = (int64_t)(y - s->y) * s->w, r = (int64_t)s->w * s->h;
            if (!s->round || dx * dx + dy * dy <= r * r) memcpy(iad_image_at(image, x, y), s->color, 3);
        }
}

/* Grain keeps files above the least size that a crawler takes. */
static void add_grain(iad_image *image, uint64_t state) {
    state |= 1;
    for (size_t i = 0; i < (size_t)image->width * (size_t)image->height; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const int grain = (int)(state & 15) - 7;
        for (int c = 0; c < 3; c++) image->px[3 * i + (size_t)c] = (uint8_t)(image->px[3 * i + (size_t)c] + grain);
    }
}

iad_status iad_web_paint(uint64_t number, int width, int height, iad_image *image, iad_err *err) {
    iad_rng rng;
    uint8_t corner[4][3];
    iad_rng_init(&rng, number, 0);
    IAD_TRY(iad_image_init_raw(image, width, height, 3, err));
    for (int k = 0; k < 4; k++) pick_color(&rng, corner[k]);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                const int top = corner[0][c] * (width - x) + corner[1][c] * x, bottom = corner[2][c] * (width - x) + corner[3][c] * x;
                iad_image_at(image, x, y)[c] = (uint8_t)(((int64_t)top * (height - y) + (int64_t)bottom * y) / ((int64_t)width * height));
            }
    for (int k = 0; k < 9; k++) {
        shape s;
        s.x = iad_rng_int(&rng, 0, width - 1);
        s.y = iad_rng_int(&rng, 0, height - 1);
        s.w = iad_rng_int(&rng, width / 16, width / 4);
        s.h = iad_rng_int(&rng, height / 16, height / 4);
        s.round = iad_rng_chance(&rng, 0.6);
        pick_color(&rng, s.color);
        fill(image, &s);
    }
    add_grain(image, iad_rng_u64(&rng));
    return IAD_OK;
}
