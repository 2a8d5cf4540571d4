/* Printed marks: digits and a few letters on a 3x5 raster, for silk screen, laser marks and imprints. */
#ifndef IAD_RENDER_GLYPHS_H
#define IAD_RENDER_GLYPHS_H

#include "synth/render/render_math.h"

#define IAD_GLYPHS 16

/* Coverage 0..1 at (u, v) of glyph `code` (0..15) that fills u 0..1 (left to right) and v 0..1 (top to bottom). Soft by
 * `soft` in raster cells. */
static inline float iad_glyph_at(unsigned code, float u, float v, float soft) {
    /* rows of three bits from the top: 0-9, A, C, E, H, L, R */
    static const unsigned short raster[IAD_GLYPHS] = {0x7b6f, 0x2c97, 0x73e7, 0x72cf, 0x5bc9, 0x79cf, 0x79ef, 0x7252,
                                                      0x7bef, 0x7bcf, 0x2bed, 0x7927, 0x79e7, 0x5bed, 0x4927, 0x7bf5};
    float best = 0, gx = u * 3, gy = v * 5;
    if (gx < -0.5f || gy < -0.5f || gx > 3.5f || gy > 5.5f) return 0;
    for (int row = 0; row < 5; row++) {
        for (int column = 0; column < 3; column++) {
            if (!(raster[code % IAD_GLYPHS] >> (14 - (row * 3 + column)) & 1)) continue;
            float d = rm_max(rm_abs(gx - (float)column - 0.5f), rm_abs(gy - (float)row - 0.5f));
            best = rm_max(best, rm_smooth(0.5f + soft, 0.5f - soft, d));
        }
    }
    return best;
}

/* A line of n glyphs picked by `seed`, each 1 wide with a gap of 0.35, starting at u = 0; v 0..1. */
static inline float iad_glyph_line(uint32_t seed, int n, float u, float v, float soft) {
    const float pace = 1.35f;
    if (v < -0.1f || v > 1.1f || u < -0.2f) return 0;
    int i = rm_floor(u / pace);
    if (i < 0) i = 0;
    if (i >= n) return 0;
    return iad_glyph_at(rm_hash(i, n, seed) >> 16, u - (float)i * pace, v, soft);
}

#endif
