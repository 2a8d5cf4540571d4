/* Operations of train/grad.h on flat arrays: add, square_sum, adamw, join and split. */
#ifndef IAD_TRAIN_FLAT_H
#define IAD_TRAIN_FLAT_H

#include <math.h>

#include "train/grad.h"

enum { IAD_FLAT_CHUNK = 1 << 14 }; /* elements of one sum of squares, and of one piece of work; whole blocks of adamw */

/* One set per instruction set; all of them give the same bytes. */
typedef struct iad_flat_kernels {
    void (*add)(const float *x, float *y, int64_t n);
    double (*square_sum)(const float *x, int64_t n);                     /* of one chunk */
    void (*adamw)(const iad_adamw *job, int64_t begin, int64_t end);     /* begin at a block's begin */
    void (*join)(const uint16_t *high, const uint16_t *low, int64_t n, float *y);
    void (*split)(const float *y, int64_t n, uint16_t *high, uint16_t *low);
} iad_flat_kernels;

extern const iad_flat_kernels iad_flat_kernels_plain;
#if defined(__x86_64__)
extern const iad_flat_kernels iad_flat_kernels_avx2;
extern const iad_flat_kernels iad_flat_kernels_avx512;
#endif

/* What is the same for all elements of an update, for every device. A copy: stores to the arrays could change the job for all that the
 * compiler knows. */
typedef struct iad_flat_adamw_terms {
    float keep;         /* 1 - rate * decay */
    float m_add, v_add; /* 1 - beta */
    float v_keep;
    float step;         /* rate / (1 - beta1^t) */
    float root;         /* sqrt(1 - beta2^t) */
    float eps, grad_scale;
} iad_flat_adamw_terms;

static inline iad_flat_adamw_terms iad_flat_adamw_terms_of(const iad_adamw *a) {
    iad_flat_adamw_terms t;
    t.keep = (float)(1.0 - (double)a->rate * (double)a->decay);
    t.m_add = (float)(1.0 - (double)a->beta1);
    t.v_add = (float)(1.0 - (double)a->beta2);
    t.v_keep = a->beta2;
    t.step = (float)((double)a->rate / (double)a->correct1);
    t.root = (float)sqrt((double)a->correct2);
    t.eps = a->eps;
    t.grad_scale = a->grad_scale;
    return t;
}

iad_status iad_cpu_add(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_cpu_square_sum(iad_queue *queue, const float *x, int64_t n, double *sum, iad_err *err);
iad_status iad_cpu_adamw(iad_queue *queue, const iad_adamw *job, iad_err *err);
iad_status iad_cpu_join(iad_queue *queue, const uint16_t *high, const uint16_t *low, int64_t n, float *y, iad_err *err);
iad_status iad_cpu_split(iad_queue *queue, const float *y, int64_t n, uint16_t *high, uint16_t *low, iad_err *err);

#endif
