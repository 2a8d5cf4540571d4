/* The end of every tile, one source for all instruction sets: the files that include it compile it with their own. */
#ifndef IAD_CPU_MATMUL_FINISH_H
#define IAD_CPU_MATMUL_FINISH_H

#include <string.h>

#include "runtime/cpu/matmul_kernels.h"

/* Nearest even; a NaN stays one. No branches, so that loops over it become vectors. */
static inline __attribute__((always_inline)) uint16_t iad_finish_bf16(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
}

/* Multiplications and additions are rounded one by one, in this order, on every processor: with exact integer sums the results are
 * the same bytes everywhere. */
static inline __attribute__((always_inline)) void iad_finish_body(const iad_finish *f) {
    for (int r = 0; r < f->rows; r++) {
        float v[IAD_PANEL];
        if (f->w_scale != NULL) {
            const int32_t *acc = (const int32_t *)f->acc + (size_t)r * IAD_PANEL;
            float x_scale = f->x_scale[r];
            if (f->offset != NULL)
                for (int o = 0; o < IAD_PANEL; o++) v[o] = (float)(acc[o] - f->offset[o]) * (x_scale * f->w_scale[o]);
            else
                for (int o = 0; o < IAD_PANEL; o++) v[o] = (float)acc[o] * (x_scale * f->w_scale[o]);
        } else {
            memcpy(v, (const float *)f->acc + (size_t)r * IAD_PANEL, sizeof v);
        }
        if (f->bias != NULL)
            for (int o = 0; o < IAD_PANEL; o++) v[o] += f->bias[o];
        void *y = (char *)f->y + (size_t)r * f->y_stride;
        int64_t n = f->cols;
        if (f->y_type == IAD_BF16) {
            uint16_t *out = y;
            if (n == IAD_PANEL)
                for (int o = 0; o < IAD_PANEL; o++) out[o] = iad_finish_bf16(v[o]);
            else
                for (int64_t o = 0; o < n; o++) out[o] = iad_finish_bf16(v[o]);
        } else if (f->store == IAD_STORE_ADD) {
            float *out = y;
            if (n == IAD_PANEL)
                for (int o = 0; o < IAD_PANEL; o++) out[o] += v[o];
            else
                for (int64_t o = 0; o < n; o++) out[o] += v[o];
        } else {
            memcpy(y, v, (size_t)n * sizeof(float));
        }
    }
}

#endif
