#include <string.h>

#include "runtime/cpu/matmul_finish.h"
#include "runtime/cpu/matmul_kernels.h"
#include "runtime/cpu/matmul_quant.h"

/* Row by row: a row of 64 sums stays in the first cache, and compilers turn the inner loop into what vectors the machine has. */

void iad_tile_f32_plain(const iad_tile *tile) {
    for (int r = 0; r < tile->rows; r++) {
        const float *x = (const void *)((const char *)tile->x + (size_t)r * tile->x_stride);
        float *acc = (void *)((char *)tile->acc + (size_t)r * tile->acc_stride);
        if (!tile->load) memset(acc, 0, IAD_PANEL * sizeof *acc);
        const float *w = (const void *)tile->panel;
        for (int64_t g = 0; g < tile->n_group; g++, w += IAD_PANEL)
            for (int o = 0; o < IAD_PANEL; o++) acc[o] += x[g] * w[o];
    }
}

void iad_tile_bf16_plain(const iad_tile *tile) {
    for (int r = 0; r < tile->rows; r++) {
        const float *x = (const void *)((const char *)tile->x + (size_t)r * tile->x_stride);
        float *acc = (void *)((char *)tile->acc + (size_t)r * tile->acc_stride);
        if (!tile->load) memset(acc, 0, IAD_PANEL * sizeof *acc);
        const uint16_t *w = (const void *)tile->panel;
        for (int64_t g = 0; g < tile->n_group; g++, w += 2 * IAD_PANEL) {
            for (int o = 0; o < IAD_PANEL; o++) {
                uint32_t even = (uint32_t)w[2 * o] << 16, odd = (uint32_t)w[2 * o + 1] << 16;
                float a, b;
                memcpy(&a, &even, sizeof a);
                memcpy(&b, &odd, sizeof b);
                acc[o] = acc[o] + x[2 * g] * a + x[2 * g + 1] * b;
            }
        }
    }
}

void iad_tile_i8_plain(const iad_tile *tile) {
    for (int r = 0; r < tile->rows; r++) {
        const int16_t *x = (const void *)((const char *)tile->x + (size_t)r * tile->x_stride);
        int32_t *acc = (void *)((char *)tile->acc + (size_t)r * tile->acc_stride);
        if (!tile->load) memset(acc, 0, IAD_PANEL * sizeof *acc);
        const int8_t *w = (const void *)tile->panel;
        for (int64_t g = 0; g < tile->n_group; g++, w += 4 * IAD_PANEL, x += 4)
            for (int o = 0; o < IAD_PANEL; o++)
                acc[o] += x[0] * w[4 * o] + x[1] * w[4 * o + 1] + x[2] * w[4 * o + 2] + x[3] * w[4 * o + 3];
    }
}

void iad_finish_plain(const iad_finish *finish) { iad_finish_body(finish); }

void iad_quantise_plain(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q, float *scale) {
    iad_quant_body(x, type, n, form, q, scale);
}

void iad_quant_row_s8(const float *v, size_t n, float factor, int8_t *q) {
    if (factor == 0.0f) memset(q, 0, n);
    else
        for (size_t i = 0; i < n; i++) q[i] = (int8_t)iad_quant_nearest(v[i] * factor);
}
