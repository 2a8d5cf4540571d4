/* Quantising one row of activations by the rule of pack.h, one source for all instruction sets, like matmul_finish.h. */
#ifndef IAD_CPU_MATMUL_QUANT_H
#define IAD_CPU_MATMUL_QUANT_H

#include <string.h>

#include "runtime/cpu/matmul_kernels.h"

static inline __attribute__((always_inline)) float iad_quant_value(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Adding 1.5 * 2^23 leaves the value, rounded to nearest even, in the low bits of the sum; |v| stays below 2^21. */
static inline __attribute__((always_inline)) int32_t iad_quant_nearest(float v) {
    float sum = v + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return bits - 0x4b400000;
}

/* As integers: the order is the same for finite values, and NaNs come out on top. */
static inline __attribute__((always_inline)) float iad_quant_max_f32(const float *x, size_t n) {
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    return iad_quant_value(most);
}

static inline __attribute__((always_inline)) float iad_quant_max_bf16(const uint16_t *x, size_t n) {
    uint16_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t bits = x[i] & 0x7fffu;
        most = bits > most ? bits : most;
    }
    return iad_quant_value((uint32_t)most << 16);
}

static inline __attribute__((always_inline)) void iad_quant_body(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q,
                                                                 float *scale) {
    const float *f = x;
    const uint16_t *h = x;
    uint8_t *u8 = q;
    int16_t *s16 = q;
    float factor;
    *scale = iad_quant_scale(type == IAD_F32 ? iad_quant_max_f32(f, n) : iad_quant_max_bf16(h, n), &factor);
    if (factor == 0.0f) {
        memset(q, form == IAD_X_U8 ? 128 : 0, form == IAD_X_U8 ? n : 2 * n);
    } else if (form == IAD_X_U8) {
        if (type == IAD_F32)
            for (size_t i = 0; i < n; i++) u8[i] = (uint8_t)(iad_quant_nearest(f[i] * factor) + 128);
        else
            for (size_t i = 0; i < n; i++) u8[i] = (uint8_t)(iad_quant_nearest(iad_quant_value((uint32_t)h[i] << 16) * factor) + 128);
    } else {
        if (type == IAD_F32)
            for (size_t i = 0; i < n; i++) s16[i] = (int16_t)iad_quant_nearest(f[i] * factor);
        else
            for (size_t i = 0; i < n; i++) s16[i] = (int16_t)iad_quant_nearest(iad_quant_value((uint32_t)h[i] << 16) * factor);
    }
}

#endif
