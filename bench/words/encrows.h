/* What the encoders need beside runtime/ops.h: layer normalisation, and attention within short texts with a bias by relative position.
 * One set of kernels per instruction set; the plain C version is the oracle of the others. Internal to bench/words. */
#ifndef IAD_WORDS_ENCROWS_H
#define IAD_WORDS_ENCROWS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/device.h"

/* One head of one text: out[i] = sum_j softmax_j(scale q[i].k[j] + bias[j - i]) v[j] over all n tokens. */
typedef struct iad_encattend {
    const float *q, *k, *v; /* rows of d_head floats, `stride` floats apart */
    float *out;             /* [n] rows, out_stride apart */
    int64_t stride, out_stride, n;
    int d_head;
    float scale;            /* times log2(e), as is the bias: powers of two are faster */
    const float *bias;      /* bias[-(n-1)] .. bias[n-1], then IAD_ENC_SLACK floats of any value; or NULL */
    float *work;            /* iad_encattend_floats(n, d_head) floats */
} iad_encattend;

enum { IAD_ENC_SLACK = 64, IAD_ENC_MAX_HEAD = 256, IAD_ENC_LINE = 32 /* floats: two of the widest vectors */, IAD_ENC_QUERIES = 4 };

static inline int64_t iad_enc_padded(int64_t n) { return (n + IAD_ENC_LINE - 1) / IAD_ENC_LINE * IAD_ENC_LINE; }
/* Keys transposed, values, probabilities of IAD_ENC_QUERIES queries; rows are padded. */
static inline size_t iad_encattend_floats(int64_t n, int d_head) {
    return (size_t)(iad_enc_padded(n) * iad_enc_padded(d_head) * 2 + IAD_ENC_QUERIES * iad_enc_padded(n));
}

typedef struct iad_encrow_kernels {
    /* In place: (x - mean) / sqrt(variance + eps) * weight + bias over n floats. */
    void (*layernorm)(float *x, const float *weight, const float *bias, float eps, int64_t n);
    void (*attend)(const iad_encattend *job);
} iad_encrow_kernels;

extern const iad_encrow_kernels iad_encrow_kernels_plain;
#if defined(__x86_64__)
extern const iad_encrow_kernels iad_encrow_kernels_avx2;
extern const iad_encrow_kernels iad_encrow_kernels_avx512;
#endif
/* Those of the CPU device's instruction set. */
const iad_encrow_kernels *iad_encrow_kernels_of(const iad_device *device);

#endif
