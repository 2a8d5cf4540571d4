/* Operations on flat arrays, one source for all instruction sets: the files that include it compile it with their own. Without fused
 * multiply-adds every element sees the same rounded operations everywhere, so that all of them give the same bytes. */
#ifndef IAD_TRAIN_FLAT_BODY_H
#define IAD_TRAIN_FLAT_BODY_H

#include "train/cpu/adamw8.h"
#include "train/cpu/flat.h"

#define IAD_FLAT static inline __attribute__((always_inline))

IAD_FLAT float iad_flat_join(uint16_t high, uint16_t low) {
    return iad_code8_float(((uint32_t)high << 16) + (uint32_t)(int32_t)(int16_t)low);
}

/* Half up; what is left fits an int16 in every case. A NaN becomes the NaN whose low half is zero. */
IAD_FLAT void iad_flat_split(float v, uint16_t *high, uint16_t *low) {
    uint32_t bits = iad_code8_bits(v);
    bits = (bits & 0x7fffffffu) > 0x7f800000u ? (bits & 0x80000000u) | 0x7fc00000u : bits;
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

/* What is the same for all elements. */
typedef struct iad_flat_adamw_terms {
    float keep;      /* 1 - rate * decay */
    float m_add, v_add; /* 1 - beta */
    float step;      /* rate / (1 - beta1^t) */
    float root;      /* sqrt(1 - beta2^t) */
} iad_flat_adamw_terms;

IAD_FLAT iad_flat_adamw_terms iad_flat_adamw_terms_of(const iad_adamw *a) {
    return (iad_flat_adamw_terms){(float)(1.0 - (double)a->rate * (double)a->decay), (float)(1.0 - (double)a->beta1),
                                  (float)(1.0 - (double)a->beta2), (float)((double)a->rate / (double)a->correct1),
                                  (float)sqrt((double)a->correct2)};
}

/* One element, in the order of torch.optim.AdamW: decay, moments, step. */
IAD_FLAT float iad_flat_adamw_element(const iad_adamw *a, const iad_flat_adamw_terms *t, float w, float g, float *m, float *v) {
    w = w * t->keep;
    *m = *m + t->m_add * (g - *m);
    *v = a->beta2 * *v + t->v_add * (g * g);
    return w - t->step * (*m / (sqrtf(*v) / t->root + a->eps));
}

IAD_FLAT void iad_flat_adamw_f32(const iad_adamw *a, int64_t begin, int64_t end) {
    const iad_flat_adamw_terms t = iad_flat_adamw_terms_of(a);
    uint16_t *restrict high = a->high, *restrict low = a->low;
    float *restrict m = a->m, *restrict v = a->v;
    const float *restrict grad = a->grad;
    for (int64_t i = begin; i < end; i++) {
        float mi = m[i], vi = v[i];
        float w = iad_flat_adamw_element(a, &t, iad_flat_join(high[i], low[i]), grad[i] * a->grad_scale, &mi, &vi);
        m[i] = mi;
        v[i] = vi;
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
IAD_FLAT void iad_flat_adamw_block8(const iad_adamw *a, int64_t block) {
    const iad_flat_adamw_terms t = iad_flat_adamw_terms_of(a);
    int64_t begin = block * IAD_ADAMW_BLOCK, n = a->n - begin < IAD_ADAMW_BLOCK ? a->n - begin : IAD_ADAMW_BLOCK;
    float m[IAD_ADAMW_BLOCK], v[IAD_ADAMW_BLOCK], g[IAD_ADAMW_BLOCK];
    for (int64_t i = 0; i < n; i++) {
        m[i] = iad_code8_m(a->m8[begin + i]) * a->m_scale[block];
        v[i] = iad_code8_v(a->v8[begin + i]) * a->v_scale[block];
        g[i] = a->grad[begin + i] * a->grad_scale;
    }
    for (int64_t i = 0; i < n; i++) {
        float w = iad_flat_adamw_element(a, &t, iad_flat_join(a->high[begin + i], a->low[begin + i]), g[i], &m[i], &v[i]);
        iad_flat_split(w, &a->high[begin + i], &a->low[begin + i]);
    }
    float m_most = iad_flat_most(m, n), v_most = iad_flat_most(v, n);
    float m_inverse = m_most > 0x1p-126f ? 1.0f / m_most : 0.0f, v_inverse = v_most > 0x1p-126f ? 1.0f / v_most : 0.0f;
    for (int64_t i = 0; i < n; i++) {
        a->m8[begin + i] = iad_code8_of_m(m[i] * m_inverse);
        a->v8[begin + i] = iad_code8_of_v(v[i] * v_inverse, iad_code8_coin(iad_code8_bits(v[i]), iad_code8_bits(g[i])));
    }
    a->m_scale[block] = m_inverse > 0.0f || !(m_most >= 0.0f) ? m_most : 0.0f;
    a->v_scale[block] = v_inverse > 0.0f || !(v_most >= 0.0f) ? v_most : 0.0f;
}

/* The kernels of one instruction set; TARGET are its attributes. */
#define IAD_FLAT_KERNELS(suffix, TARGET)                                                                                          \
    TARGET static void flat_add(const float *x, float *y, int64_t n) {                                                            \
        for (int64_t i = 0; i < n; i++) y[i] += x[i];                                                                             \
    }                                                                                                                             \
    TARGET static double flat_square_sum(const float *x, int64_t n) { return iad_flat_square_sum(x, n); }                         \
    TARGET static void flat_adamw(const iad_adamw *a, int64_t begin, int64_t end) {                                               \
        if (a->m8 == NULL) iad_flat_adamw_f32(a, begin, end);                                                                     \
        else                                                                                                                      \
            for (int64_t b = begin / IAD_ADAMW_BLOCK; b * IAD_ADAMW_BLOCK < end; b++) iad_flat_adamw_block8(a, b);                \
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
