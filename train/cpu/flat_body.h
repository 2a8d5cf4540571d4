/* Operations on flat arrays, one source for all instruction sets: the files that include it compile it with their own. Without fused
 * multiply-adds every element sees the same rounded operations everywhere, so that all of them give the same bytes. */
#ifndef IAD_TRAIN_FLAT_BODY_H
#define IAD_TRAIN_FLAT_BODY_H

#include <math.h>

#include "train/cpu/adamw8.h"
#include "train/cpu/flat.h"

#define IAD_FLAT static inline __attribute__((always_inline))

IAD_FLAT float iad_flat_join(uint16_t high, uint16_t low) {
    return iad_code8_float(((uint32_t)high << 16) + (uint32_t)(int32_t)(int16_t)low);
}

/* Half up; what is left fits an int16 in every case. A NaN becomes the NaN whose low half is zero. */
IAD_FLAT void iad_flat_split(float v, uint16_t *high, uint16_t *low) {
    uint32_t bits = iad_code8_bits(v), nan = 0u - (uint32_t)((bits & 0x7fffffffu) > 0x7f800000u); /* a mask: compilers branch else */
    bits = (bits & ~(nan & 0x7fffffffu)) | (nan & 0x7fc00000u);
    *high = (uint16_t)((bits + 0x8000u) >> 16);
    *low = (uint16_t)bits;
}

/* Sum of squares of one chunk: element i goes to sum i % 8, and the eight are added as a tree. The square of a float is exact in
 * double, so that a fused multiply-add would give the same. */
IAD_FLAT double iad_flat_square_sum(const float *x, int64_t n) {
    double sum[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++) sum[j] += (double)x[i + j] * (double)x[i + j];
    for (int j = 0; i + j < n; j++) sum[j] += (double)x[i + j] * (double)x[i + j];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* n elements, in the order of torch.optim.AdamW: decay, moments, step. */
IAD_FLAT void iad_flat_adamw_elements(const iad_flat_adamw_terms t, int64_t n, uint16_t *restrict high, uint16_t *restrict low,
                                      const float *restrict grad, float *restrict m, float *restrict v) {
    for (int64_t i = 0; i < n; i++) {
        float w = iad_flat_join(high[i], low[i]) * t.keep, g = grad[i] * t.grad_scale;
        float mi = m[i] + t.m_add * (g - m[i]), vi = t.v_keep * v[i] + t.v_add * (g * g);
        m[i] = mi;
        v[i] = vi;
        w = w - t.step * (mi / (sqrtf(vi) / t.root + t.eps));
        iad_flat_split(w, &high[i], &low[i]);
    }
}

/* Largest magnitude as bits: the order is the same for finite values, and NaNs come out on top. */
IAD_FLAT float iad_flat_most(const float *x, int64_t n) {
    uint32_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = iad_code8_bits(x[i]) & 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    return iad_code8_float(most);
}

/* One block of the 8-bit states. The update uses the exact moments of this step; what is rounded is what the next step starts from. */
IAD_FLAT void iad_flat_adamw_block8(const iad_adamw *a, const iad_flat_adamw_terms t, int64_t block) {
    int64_t begin = block * IAD_ADAMW_BLOCK, n = a->n - begin < IAD_ADAMW_BLOCK ? a->n - begin : IAD_ADAMW_BLOCK;
    uint8_t *restrict m8 = a->m8 + begin, *restrict v8 = a->v8 + begin;
    const float *restrict grad = a->grad + begin;
    float m[IAD_ADAMW_BLOCK], v[IAD_ADAMW_BLOCK], m_scale = a->m_scale[block], v_scale = a->v_scale[block];
    for (int64_t i = 0; i < n; i++) {
        m[i] = iad_code8_m(m8[i]) * m_scale;
        v[i] = iad_code8_v(v8[i]) * v_scale;
    }
    iad_flat_adamw_elements(t, n, a->high + begin, a->low + begin, grad, m, v);
    float m_most = iad_flat_most(m, n), v_most = iad_flat_most(v, n);
    /* A block whose largest magnitude is no normal number, or whose inverse would be none, counts as zero. */
    float m_inverse = m_most > 0x1p-124f ? IAD_CODE8_MOST / m_most : 0.0f, v_inverse = v_most > 0x1p-124f ? IAD_CODE8_MOST / v_most : 0.0f;
    for (int64_t i = 0; i < n; i++) {
        m8[i] = iad_code8_of_m(m[i] * m_inverse);
        v8[i] = iad_code8_of_v(v[i] * v_inverse, iad_code8_coin(iad_code8_bits(v[i]), iad_code8_bits(grad[i])));
    }
    a->m_scale[block] = m_inverse > 0.0f || !(m_most >= 0.0f) ? m_most / IAD_CODE8_MOST : 0.0f;
    a->v_scale[block] = v_inverse > 0.0f || !(v_most >= 0.0f) ? v_most / IAD_CODE8_MOST : 0.0f;
}

/* The kernels of one instruction set; TARGET are its attributes. */
#define IAD_FLAT_KERNELS(suffix, TARGET)                                                                                          \
    TARGET static void flat_add(const float *x, float *y, int64_t n) {                                                            \
        for (int64_t i = 0; i < n; i++) y[i] += x[i];                                                                             \
    }                                                                                                                             \
    TARGET static double flat_square_sum(const float *x, int64_t n) { return iad_flat_square_sum(x, n); }                         \
    TARGET static void flat_adamw(const iad_adamw *a, int64_t begin, int64_t end) {                                               \
        const iad_flat_adamw_terms t = iad_flat_adamw_terms_of(a);                                                                \
        if (a->m8 == NULL)                                                                                                        \
            iad_flat_adamw_elements(t, end - begin, a->high + begin, a->low + begin, a->grad + begin, a->m + begin, a->v + begin);\
        else                                                                                                                      \
            for (int64_t b = begin / IAD_ADAMW_BLOCK; b * IAD_ADAMW_BLOCK < end; b++) iad_flat_adamw_block8(a, t, b);             \
    }                                                                                                                             \
    TARGET static void flat_join(const uint16_t *high, const uint16_t *low, int64_t n, float *y) {                                \
        if (low != NULL)                                                                                                          \
            for (int64_t i = 0; i < n; i++) y[i] = iad_flat_join(high[i], low[i]);                                                \
        else                                                                                                                      \
            for (int64_t i = 0; i < n; i++) y[i] = iad_flat_join(high[i], 0);                                                     \
    }                                                                                                                             \
    TARGET static void flat_split(const float *y, int64_t n, uint16_t *high, uint16_t *low) {                                     \
        uint16_t rest;                                                                                                            \
        if (low != NULL)                                                                                                          \
            for (int64_t i = 0; i < n; i++) iad_flat_split(y[i], &high[i], &low[i]);                                              \
        else                                                                                                                      \
            for (int64_t i = 0; i < n; i++) iad_flat_split(y[i], &high[i], &rest);                                                \
    }                                                                                                                             \
    const iad_flat_kernels iad_flat_kernels_##suffix = {flat_add, flat_square_sum, flat_adamw, flat_join, flat_split};

#endif
