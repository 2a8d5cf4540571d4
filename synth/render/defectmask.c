#include "synth/render/defectmask.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "synth/render/render_math.h"
#include "synth/render/shade.h"

#define SET 255
#define INSIDE 1 /* marks in the support plane */

static int differs(const iad_surface *a, const iad_surface *b) {
    const float eps = 1e-4f;
    return rm_abs(a->z - b->z) > eps || rm_abs(a->r - b->r) > eps || rm_abs(a->g - b->g) > eps ||
           rm_abs(a->b - b->b) > eps || rm_abs(a->metal - b->metal) > eps || rm_abs(a->rough - b->rough) > eps ||
           rm_abs(a->sx - b->sx) > eps || rm_abs(a->sy - b->sy) > eps || rm_abs(a->glow - b->glow) > eps ||
           rm_abs(a->dark - b->dark) > eps;
}

static void find_support(const iad_surface *good, const iad_surface *bad, int side, uint8_t *support) {
    int w = side * IAD_SHADE_SUPER;
    memset(support, 0, (size_t)side * (size_t)side);
    for (int y = 0; y < w; y++) {
        for (int x = 0; x < w; x++) {
            size_t at = (size_t)y * (size_t)w + (size_t)x;
            if (differs(good + at, bad + at)) {
                support[(size_t)(y / IAD_SHADE_SUPER) * (size_t)side + (size_t)(x / IAD_SHADE_SUPER)] = INSIDE;
            }
        }
    }
}

/* Square maximum (grow = 1) or minimum (grow = 0) filter of radius r, separable; pixels outside the picture are
 * ignored. */
static void spread(uint8_t *plane, uint8_t *scratch, int side, int r, int grow) {
    for (int vertical = 0; vertical < 2; vertical++) {
        const uint8_t *in = vertical ? scratch : plane;
        uint8_t *out = vertical ? plane : scratch;
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                uint8_t v = grow ? 0 : SET;
                for (int i = -r; i <= r; i++) {
                    int px = vertical ? x : x + i, py = vertical ? y + i : y;
                    if (px < 0 || py < 0 || px >= side || py >= side) continue;
                    uint8_t q = in[(size_t)py * (size_t)side + (size_t)px];
                    if (grow ? q > v : q < v) v = q;
                }
                out[(size_t)y * (size_t)side + (size_t)x] = v;
            }
        }
    }
}

/* Clears 8-connected groups with fewer than `least` pixels; stack holds one index per pixel. */
static size_t drop_specks(uint8_t *mask, uint8_t *seen, uint32_t *stack, int side, size_t least) {
    size_t pixels = (size_t)side * (size_t)side, area = 0;
    memset(seen, 0, pixels);
    for (size_t start = 0; start < pixels; start++) {
        if (!mask[start] || seen[start]) continue;
        size_t head = 0, count = 0;
        stack[count++] = (uint32_t)start;
        seen[start] = 1;
        while (head < count) {
            int cy = (int)(stack[head] / (uint32_t)side), cx = (int)(stack[head] % (uint32_t)side);
            head++;
            for (int k = 0; k < 9; k++) {
                int px = cx + k % 3 - 1, py = cy + k / 3 - 1;
                if (px < 0 || py < 0 || px >= side || py >= side) continue;
                size_t at = (size_t)py * (size_t)side + (size_t)px;
                if (!mask[at] || seen[at]) continue;
                seen[at] = 1;
                stack[count++] = (uint32_t)at;
            }
        }
        if (count < least) {
            for (size_t i = 0; i < count; i++) mask[stack[i]] = 0;
        } else {
            area += count;
        }
    }
    return area;
}

iad_status iad_defect_mask(const iad_surface *good, const iad_surface *bad, const float *good_coded,
                           const float *bad_coded, int side, iad_image *mask, size_t *area, iad_err *err) {
    size_t pixels = (size_t)side * (size_t)side;
    IAD_TRY(iad_image_init(mask, side, side, 1, err));
    uint8_t *support = iad_alloc(pixels, 1), *closed = iad_alloc(pixels, 1), *scratch = iad_alloc(pixels, 1);
    uint32_t *stack = iad_alloc(pixels, sizeof *stack);
    iad_status status = IAD_OK;
    if (!support || !closed || !scratch || !stack) {
        iad_image_deinit(mask);
        status = IAD_NOMEM(err, "a defect mask");
    } else {
        find_support(good, bad, side, support);
        for (size_t i = 0; i < pixels; i++) {
            float d = 0;
            for (size_t c = 0; c < 3; c++) d = rm_max(d, rm_abs(good_coded[3 * i + c] - bad_coded[3 * i + c]));
            mask->px[i] = d >= (support[i] ? IAD_MASK_INSIDE : IAD_MASK_OUTSIDE) ? SET : 0;
        }
        int r = side / 128 > 1 ? side / 128 : 1;
        memcpy(closed, mask->px, pixels);
        spread(closed, scratch, side, r, 1);
        spread(closed, scratch, side, r, 0);
        for (size_t i = 0; i < pixels; i++) {
            if (support[i] && closed[i]) mask->px[i] = SET;
        }
        *area = drop_specks(mask->px, closed, stack, side, 1 + (size_t)side * (size_t)side * 3 / 65536);
    }
    free(support);
    free(closed);
    free(scratch);
    free(stack);
    return status;
}
