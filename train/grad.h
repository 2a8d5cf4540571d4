/* The arithmetic of training: backward operations and the update, one table of plain C functions over device memory beside
 * runtime/ops.h, whose rules on memory, queues, shapes and errors hold here too. train/model is written over both tables and knows
 * no device; cpu/ and cuda/ implement this one, cpu/grad_plain.c once more in plain loops as the oracle.
 *
 * Gradients are IAD_F32 and are ADDED to what their buffer holds, where nothing else is said. A parameter's gradient is one running
 * sum over the rows in their order: row after row is added to the value in the buffer. So a batch that is cut into several calls gives
 * the same bytes as one call (f32 inputs; of bf16 rows even numbers make a sum, on processors with AMX multiples of 32, so they are cut
 * there only), whatever the number of threads. On a card (cuda/) that holds for everything but linear_dw, whose order of rows is its
 * library's: the same call gives the same bytes there, a batch that is cut agrees to rounding.
 *
 * Names: x input, y output of the forward op, dx, dy gradients with respect to them. */
#ifndef IAD_TRAIN_GRAD_H
#define IAD_TRAIN_GRAD_H

#include "runtime/ops.h"

/* Gradient of iad_ops.attend, and of iad_ops.probe where `probe_grad` is given (train page 5.5, hook A): the row constant
 * delta = dout . out + sum over probed keys of P * G, and the slab term scale * P * G on (probed rows) x (probed keys). The softmax is
 * computed again from q and k; nothing of size rows x keys is stored for more than a block of rows. */
typedef struct iad_attend_back {
    const iad_attend *job;        /* of the forward pass: q, out and the sequences' spans hold what it left; all of them f32 */
    iad_mat dout;                 /* [rows][n_head * d_head] f32 */
    iad_mat dq;                   /* [rows][n_head * d_head] f32, SET */
    /* SET, the rows of sequence i: dk, dv [rows of all sequences' keys][n_kv_head * d_head]; those of sequence i begin at kv_row[i]. Only
     * sequences whose spans[1] is empty or whose spans[0] is: one span of keys each, not shared between sequences. */
    iad_mat dk, dv;
    const int64_t *kv_row;        /* host [n_seq] */
    const iad_probe *const *probes; /* host [n_seq] or NULL; entries may be NULL */
    const iad_mat *probe_grad;    /* host [n_seq]: gradient of probes[i]->out, [n_class][n_col] f32 */
} iad_attend_back;

/* Gradient of iad_ops.fuse. Everything may be NULL / have no data when not wanted. */
typedef struct iad_fuse_back {
    const iad_fuse *job;          /* taps and parameters of the forward pass; its out is not read */
    iad_mat dy;                   /* [rows][n] f32 */
    iad_mat dtaps[IAD_FUSE_MAX_TAPS]; /* [rows][n] f32, added; the last is the tower's output; data NULL: not wanted */
    float *dnorm, *dgate_w, *dgate_b, *dscale; /* device, added, shapes of the parameters; NULL: not wanted (gate_w NULL likewise) */
} iad_fuse_back;

/* One range of parameters for the update. All arrays are device memory of n elements. */
typedef struct iad_adamw {
    int64_t n;
    uint16_t *high;               /* bf16 weight: the f32 master's bits rounded half up to 16 */
    uint16_t *low;                /* the rest: master bits = (high << 16) + (int16)low */
    const float *grad;            /* already summed over ranks, not yet clipped */
    float *m, *v;                 /* f32 states; NULL when m8 is used */
    uint8_t *m8, *v8;             /* 8-bit states by blocks of IAD_ADAMW_BLOCK (cpu/adamw8.h has the code); zero bytes and scales: a fresh state */
    float *m_scale, *v_scale;     /* [n / IAD_ADAMW_BLOCK rounded up] */
    float grad_scale;             /* clip factor / weight of the batch */
    float rate, decay;            /* decoupled: w -= rate * decay * w first, as torch.optim.AdamW */
    float beta1, beta2, eps;
    float correct1, correct2;     /* 1 - beta1^t, 1 - beta2^t, computed in double */
} iad_adamw;

enum { IAD_ADAMW_BLOCK = 256 };

typedef struct iad_grad_ops {
    const char *name; /* "cpu", "plain", "cuda" */

    /* dw [n_out][n_in] f32 += dy^T x; db device [n_out] += sum of the rows of dy (NULL: none). dy [n][n_out] and x [n][n_in] of the same
     * type, f32 or bf16. dw.stride >= n_in. The input's gradient is iad_ops.linear with the transposed weight (iad_weight_spec). */
    iad_status (*linear_dw)(iad_queue *queue, iad_mat dy, iad_mat x, iad_mat dw, float *db, iad_err *err);

    /* y = w x / sqrt(mean x^2 + eps): dx += , dw device [cols] += (NULL: none). All f32. dx may be dy's memory only if told in `set`:
     * set 1: dx = instead of dx += (dx may then be dy itself). */
    iad_status (*rmsnorm_back)(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat dy, iad_mat dx, int set, float *dw, iad_err *err);
    /* gate_up [n][2 m], dy [n][m] -> dgate_up [n][2 m] SET; f32. dgate_up may be gate_up. */
    iad_status (*silu_mul_back)(iad_queue *queue, iad_mat gate_up, iad_mat dy, iad_mat dgate_up, iad_err *err);
    /* dx = dy * gelu'(x) SET, exact erf form; f32; dx may be dy or x. */
    iad_status (*gelu_back)(iad_queue *queue, iad_mat x, iad_mat dy, iad_mat dx, iad_err *err);
    iad_status (*attend_back)(iad_queue *queue, const iad_attend_back *back, iad_err *err);
    iad_status (*fuse_back)(iad_queue *queue, const iad_fuse_back *back, iad_err *err);
    /* Gradient of gather: dtable[index[i]] += dy[i], for every table row in rising order of i. index host [dy.rows], -1 skips the row. */
    iad_status (*scatter_add)(iad_queue *queue, iad_mat dy, const int32_t *index, iad_mat dtable, iad_err *err);
    iad_status (*add)(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err); /* y += x, f32, same shape */

    /* Softmax cross-entropy of rows: logits [n][vocab] f32 become dlogits = weight[i] * (softmax - onehot(target[i])). loss[i] (host, f64)
     * = -log p(target), unweighted; hit[i] (host, may be NULL) = 1 when the target has the largest logit (lowest index wins).
     * target, weight: host [n]. */
    iad_status (*cross_entropy)(iad_queue *queue, iad_mat logits, const int32_t *target, const float *weight, double *loss, uint8_t *hit,
                                iad_err *err);

    /* Sum of squares of n floats in double, in chunks of fixed size, in order; IAD_OK with an infinite or NaN sum when the data has such. */
    iad_status (*square_sum)(iad_queue *queue, const float *x, int64_t n, double *sum, iad_err *err);
    iad_status (*adamw)(iad_queue *queue, const iad_adamw *job, iad_err *err);
    /* y[i] = master value of (high, low); low NULL: the bf16 value. And the other way: high and low (may be NULL) of y. */
    iad_status (*join)(iad_queue *queue, const uint16_t *high, const uint16_t *low, int64_t n, float *y, iad_err *err);
    iad_status (*split)(iad_queue *queue, const float *y, int64_t n, uint16_t *high, uint16_t *low, iad_err *err);
} iad_grad_ops;

extern const iad_grad_ops iad_grad_ops_cpu;   /* train/cpu/grad_cpu.c */
extern const iad_grad_ops iad_grad_ops_plain; /* train/cpu/grad_plain.c: the oracle */

/* The table that belongs to a device of runtime/device.h. IAD_ERR_UNSUPPORTED names the device. */
iad_status iad_grad_ops_of(const iad_device *device, const iad_grad_ops **ops, iad_err *err);

#endif
