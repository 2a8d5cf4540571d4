/* The arithmetic of the model: one table of plain C functions over device memory. runtime/model is written over this table and
 * knows no device; cpu/ and cuda/ implement it, cpu/reference.c implements it once more in the plainest C as the oracle of both.
 *
 * Memory. A pointer inside an iad_mat or an iad_weight belongs to the device and is dereferenced by its ops only (on the CPU it
 * is ordinary memory). Arguments marked "host" are ordinary memory on every device.
 *
 * Order and threads. A device is immutable after it was made and shared by all threads. Ops run in an iad_queue (CUDA: a stream
 * with its workspace; CPU: a team of threads with its scratch). A queue is used by one thread at a time; ops of one queue take
 * effect in the order of their calls; results reach the host with download(). The same call on the same build, device kind and
 * number of threads gives the same bytes.
 *
 * Shapes. Matrices are row-major: element (r, c) is data[r * stride + c]. Dimensions: n_tok rows, n_in/n_out of a linear layer,
 * n_head query heads, n_kv_head key/value heads, d_head their width. Activations are IAD_F32 or IAD_BF16; ops round to the output
 * type once, nearest even, and compute in f32 or better. Every op fails with IAD_ERR_ARG on shapes that do not fit and IAD_ERR_NOMEM
 * when its scratch cannot grow. Zero rows are fine everywhere and do nothing. */
#ifndef IAD_RUNTIME_OPS_H
#define IAD_RUNTIME_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/tensor/dtype.h"

typedef struct iad_mat {
    void *data;           /* device memory, not owned */
    int64_t rows, cols;
    int64_t stride;       /* elements from one row to the next, >= cols */
    iad_dtype dtype;      /* IAD_F32 or IAD_BF16 (tables of embed also IAD_F16) */
} iad_mat;

typedef struct iad_device iad_device; /* made by iad_device_cpu_new and its like, runtime/device.h */
typedef struct iad_queue iad_queue;
typedef struct iad_weight iad_weight; /* a linear layer, packed once for the device */

/* One matrix [n_out][n_in] of a checkpoint, as stored (host). A device whose memory is not ordinary memory also takes data (IAD_F32 or IAD_BF16,
 * for storage of these kinds) and biases that lie in its own, so that little passes through the host; all parts on the same side. */
typedef struct iad_weight_part {
    const void *data;     /* host, row-major, n_out * n_in elements, any alignment */
    iad_dtype dtype;      /* IAD_F32, IAD_BF16, IAD_F16; IAD_I8 together with scale */
    int64_t n_out;
    const float *scale;   /* host [n_out], of an IAD_I8 part: value = int8 * scale; else NULL */
    const float *bias;    /* host [n_out] or NULL */
} iad_weight_part;

enum { IAD_WEIGHT_MAX_PARTS = 4 };

/* Parts stacked along n_out become one product: q|k|v, gate|up. */
typedef struct iad_weight_spec {
    const char *name;     /* for messages */
    int n_parts;
    iad_weight_part parts[IAD_WEIGHT_MAX_PARTS];
    int64_t n_in;
    iad_dtype storage;    /* IAD_F32: f32 inputs, f32 products. IAD_BF16: bf16 inputs, f32 sums. IAD_I8: bf16 or f32 inputs,
                           * quantised per row to 8 bits at each call, weights quantised per output channel (symmetric, scale =
                           * max|w| / 127), exact integer sums */
    int transposed;       /* 1: the transpose of the stacked layer, which takes x [n][sum of the parts' n_out] and gives y [n][n_in]: the
                           * gradient of the layer's input. Biases are ignored; IAD_I8 (storage or part) is refused. */
    int fast32;           /* 1: IAD_F32 storage may take 6 bytes a value where that makes products of many rows faster; they stay as exact as
                           * f32's, but numbers below 2^-110 may lose digits and infinities may become NaN. A hint, heeded when the weight
                           * is made (CPU with AMX: runtime/cpu/split.h) and ignored by every other device, storage and weight_set. */
} iad_weight_spec;

typedef enum iad_store {
    IAD_STORE_SET,        /* y = x W^T + b */
    IAD_STORE_ADD         /* y += x W^T + b; y is IAD_F32 (the residual stream) */
} iad_store;

/* Rows of keys and values: k and v are [n][n_kv_head * d_head], same dtype (f32 or bf16), same rows. */
typedef struct iad_kv_span {
    iad_mat k, v;
} iad_kv_span;

/* One sequence (or one attention window): n_row query rows against the keys of spans[0], then spans[1] (a shared prefix and
 * the session's own tail; the second may have no rows). */
typedef struct iad_attend_seq {
    int64_t row, n_row;   /* rows of q and out */
    iad_kv_span spans[2];
    int causal;           /* 1: query row i (0-based in the sequence) sees the first n_keys - n_row + i + 1 keys; 0: all keys */
} iad_attend_seq;

typedef struct iad_attend {
    int n_head, n_kv_head, d_head; /* query head h uses kv head h / (n_head / n_kv_head) */
    float scale;                   /* factor of the scores, 1 / sqrt(d_head) */
    iad_mat q;                     /* [rows][n_head * d_head] f32 or bf16, rotated already */
    iad_mat out;                   /* [rows][n_head * d_head] f32 or bf16 */
    const iad_attend_seq *seqs;    /* host */
    int64_t n_seq;
} iad_attend;

/* Attention probabilities of a few chosen rows over a span of keys, mean over heads, added up per class of rows:
 * out[class[i]][c] += weight[i] * mean_h P[h][row i][col + c]. Nothing of size rows x keys is ever stored. */
typedef struct iad_probe {
    int n_row;
    const int64_t *row;    /* host [n_row]: row inside the sequence (not of q) */
    const int *row_class;  /* host [n_row]: 0..n_class-1 */
    const float *weight;   /* host [n_row] */
    int n_class;
    int64_t col, n_col;    /* key indices over both spans */
    iad_mat out;           /* [n_class][n_col] f32, accumulated into */
} iad_probe;

enum { IAD_FUSE_MAX_TAPS = 8 };

/* Multi-layer visual embedding (paper, Framework): n_l = RMS(x_l) * norm_l; a = softmax over taps of gate_w concat(n) + gate_b;
 * out = x_last + scale * (rms(x_last) * sum_l a_l n_l - x_last), rms(x) = sqrt(mean x^2 + eps). scale 0 copies x_last bit by bit. */
typedef struct iad_fuse {
    int n_tap;
    iad_mat taps[IAD_FUSE_MAX_TAPS]; /* each [rows][n] f32, the last is the tower's output */
    const float *norm;               /* device [n_tap][n] */
    const float *gate_w;             /* device [n_tap][n_tap * n], or NULL: the same gate for every row */
    const float *gate_b;             /* device [n_tap] */
    const float *scale;              /* device [1] */
    float eps;
    iad_mat out;                     /* [rows][n] f32; may be the last tap */
} iad_fuse;

struct iad_device_memory; /* device.h */

typedef struct iad_ops {
    const char *name; /* "cpu", "reference", "cuda" */
    int host_memory;  /* 1: the device's memory is ordinary memory */

    /* the device itself: what iad_device_free and iad_device_memory_get (device.h) do */
    void (*device_free)(iad_device *device);
    void (*device_memory)(const iad_device *device, struct iad_device_memory *memory);

    /* memory */
    iad_status (*alloc)(iad_device *device, size_t bytes, void **data, iad_err *err); /* 64-byte aligned, not initialised */
    void (*release)(iad_device *device, void *data);                                  /* NULL is fine */
    /* Constant data of a mapped checkpoint (host, outlives the device's use): the CPU borrows it, others copy it. Given back with
     * unborrow. */
    iad_status (*borrow)(iad_device *device, const void *host, size_t bytes, void **data, iad_err *err);
    void (*unborrow)(iad_device *device, void *data);
    iad_status (*queue_new)(iad_device *device, iad_queue **queue, iad_err *err);
    void (*queue_free)(iad_queue *queue);
    iad_status (*upload)(iad_queue *queue, void *data, const void *host, size_t bytes, iad_err *err);
    iad_status (*download)(iad_queue *queue, void *host, const void *data, size_t bytes, iad_err *err); /* waits */
    iad_status (*zero)(iad_queue *queue, void *data, size_t bytes, iad_err *err);

    /* linear layers */
    iad_status (*weight_new)(iad_device *device, const iad_weight_spec *spec, iad_weight **weight, iad_err *err);
    void (*weight_free)(iad_device *device, iad_weight *weight); /* NULL is fine */
    size_t (*weight_bytes)(const iad_weight *weight); /* device memory it holds */
    /* Other values for a weight that was made from a spec of the same shape, storage and biases. Allocates no device memory. After an
     * error the weight's values are undefined. */
    iad_status (*weight_set)(iad_device *device, const iad_weight_spec *spec, iad_weight *weight, iad_err *err);
    /* x [n_tok][n_in] of the weight's input type -> y [n_tok][n_out]. */
    iad_status (*linear)(iad_queue *queue, iad_mat x, const iad_weight *weight, iad_store store, iad_mat y, iad_err *err);

    /* rows */
    /* y = weight * x / sqrt(mean(x^2) + eps) per row; weight device f32 [cols]; x f32, y f32 or bf16; in place is fine. */
    iad_status (*rmsnorm)(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat y, iad_err *err);
    /* In place on x [n_tok][n_head * d_head] f32: pairs (i, i + d_head/2) of every head turn by the row's angle i.
     * cosine, sine: device f32 [n_tok][d_head / 2]. */
    iad_status (*rope)(iad_queue *queue, iad_mat x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err);
    /* gate_up [n_tok][2 n] f32 or bf16, gate first -> y [n_tok][n] = silu(gate) * up. */
    iad_status (*silu_mul)(iad_queue *queue, iad_mat gate_up, iad_mat y, iad_err *err);
    iad_status (*gelu)(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err); /* exact, erf; in place is fine */
    iad_status (*copy)(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err); /* same shape, converts f32 <-> bf16; no overlap */
    /* y[i] = table[index[i]], converted; table [n][cols] f32, bf16 or f16; index host [y.rows], checked against n. */
    iad_status (*gather)(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err);

    /* attention */
    iad_status (*attend)(iad_queue *queue, const iad_attend *job, iad_err *err);
    /* Of sequence `seq` of the job, whose out is not touched. */
    iad_status (*probe)(iad_queue *queue, const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err);

    /* the paper's additions */
    iad_status (*fuse)(iad_queue *queue, const iad_fuse *job, iad_err *err);
    /* Cosine of every row of x [n][d] to its best match among the rows of ref [m][d] (aligned 0; paper, equations 7 and 8), or to
     * the row of the same index (aligned 1, n = m). Both f32; a zero row has cosine 0. best: device f32 [n]. */
    iad_status (*best_match)(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err);
} iad_ops;

/* Every implementation's device and queue begin with these. */
struct iad_device {
    const iad_ops *ops;
};
struct iad_queue {
    const iad_ops *ops;
    iad_device *device;
};

/* A view of rows [row, row + n) and of columns [col, col + n). No checks: callers know their shapes. */
static inline iad_mat iad_mat_rows(iad_mat m, int64_t row, int64_t n) {
    m.data = (char *)m.data + (size_t)(row * m.stride) * iad_dtype_size(m.dtype);
    m.rows = n;
    return m;
}
static inline iad_mat iad_mat_cols(iad_mat m, int64_t col, int64_t n) {
    m.data = (char *)m.data + (size_t)col * iad_dtype_size(m.dtype);
    m.cols = n;
    return m;
}

#endif
