#include "train/cpu/grad_plain.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "train/cpu/flat.h"
#include "train/cpu/grad_check.h"
#include "train/cpu/grad_plain_types.h"

#define real float
#define PLAIN static
#define NAME(name) plain_##name
IAD_GRAD_PLAIN_TYPES(float, plain_attend_seq, plain_fuse_row)
#include "train/cpu/grad_plain.inc"

const iad_grad_ops iad_grad_ops_plain = {
    .name = "plain",
    .linear_dw = iad_plain_op_linear_dw,
    .rmsnorm_back = iad_plain_op_rmsnorm_back,
    .silu_mul_back = iad_plain_op_silu_mul_back,
    .gelu_back = iad_plain_op_gelu_back,
    .attend_back = iad_plain_op_attend_back,
    .fuse_back = iad_plain_op_fuse_back,
    .scatter_add = iad_plain_op_scatter_add,
    .add = iad_cpu_add, /* these are plain loops as they are; the isa of a reference device is IAD_CPU_PLAIN */
    .cross_entropy = iad_plain_op_cross_entropy,
    .square_sum = iad_cpu_square_sum,
    .adamw = iad_cpu_adamw,
    .join = iad_cpu_join,
    .split = iad_cpu_split,
};

static float *row_of(iad_mat m, int64_t row) { return (float *)m.data + row * m.stride; }

/* bf16 rows are widened one by one, which leaves the order of the sums. */
iad_status iad_plain_op_linear_dw(iad_queue *queue, iad_mat dy, iad_mat x, iad_mat dw, float *db, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_linear_dw(&dy, &x, &dw, err));
    if (dy.dtype == IAD_F32) {
        plain_linear_dw(dy.rows, dy.cols, x.cols, dy.data, dy.stride, x.data, x.stride, dw.data, dw.stride, db);
        return IAD_OK;
    }
    float *wide = iad_alloc((size_t)(dy.cols + x.cols), sizeof *wide);
    if (wide == NULL) return IAD_NOMEM(err, "two rows");
    for (int64_t r = 0; r < dy.rows; r++) {
        iad_bf16_to_f32_array((const uint16_t *)dy.data + r * dy.stride, (size_t)dy.cols, wide);
        iad_bf16_to_f32_array((const uint16_t *)x.data + r * x.stride, (size_t)x.cols, wide + dy.cols);
        plain_linear_dw(1, dy.cols, x.cols, wide, dy.cols, wide + dy.cols, x.cols, dw.data, dw.stride, db);
    }
    free(wide);
    return IAD_OK;
}

iad_status iad_plain_op_rmsnorm_back(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat dy, iad_mat dx, int set, float *dw,
                                     iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_rmsnorm(&x, weight, eps, &dy, &dx, set, err));
    for (int64_t r = 0; r < x.rows; r++)
        plain_rmsnorm_back(x.cols, row_of(x, r), weight, (double)eps, row_of(dy, r), row_of(dx, r), set, dw);
    return IAD_OK;
}

iad_status iad_plain_op_silu_mul_back(iad_queue *queue, iad_mat gate_up, iad_mat dy, iad_mat dgate_up, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_silu_mul(&gate_up, &dy, &dgate_up, err));
    for (int64_t r = 0; r < dy.rows; r++) plain_silu_mul_back(dy.cols, row_of(gate_up, r), row_of(dy, r), row_of(dgate_up, r));
    return IAD_OK;
}

iad_status iad_plain_op_gelu_back(iad_queue *queue, iad_mat x, iad_mat dy, iad_mat dx, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_same("gelu_back", &x, &dy, &dx, err));
    for (int64_t r = 0; r < dy.rows; r++) plain_gelu_back(dy.cols, row_of(x, r), row_of(dy, r), row_of(dx, r));
    return IAD_OK;
}

/* The view of sequence s that the kernel takes. */
static plain_attend_seq seq_of(const iad_attend_back *back, int64_t s) {
    const iad_attend *job = back->job;
    const iad_attend_seq *seq = &job->seqs[s];
    const iad_kv_span *keys = iad_grad_keys(seq);
    plain_attend_seq a = {.n_head = job->n_head, .n_kv_head = job->n_kv_head, .d_head = job->d_head, .causal = seq->causal,
                          .scale = (double)job->scale, .n_row = seq->n_row, .n_key = keys->k.rows, .q = row_of(job->q, seq->row),
                          .out = row_of(job->out, seq->row), .dout = row_of(back->dout, seq->row), .k = keys->k.data, .v = keys->v.data,
                          .dq = row_of(back->dq, seq->row), .dk = row_of(back->dk, back->kv_row[s]), .dv = row_of(back->dv, back->kv_row[s]),
                          .stride = {job->q.stride, job->out.stride, back->dout.stride, back->dq.stride},
                          .kv_stride = {keys->k.stride, keys->v.stride}, .dkv_stride = {back->dk.stride, back->dv.stride}};
    const iad_probe *probe = back->probes != NULL ? back->probes[s] : NULL;
    if (probe == NULL) return a;
    a.n_probe = probe->n_row;
    a.probe_row = probe->row;
    a.probe_class = probe->row_class;
    a.probe_weight = probe->weight;
    a.col = probe->col;
    a.n_col = probe->n_col;
    a.grad = back->probe_grad[s].data;
    a.grad_stride = back->probe_grad[s].stride;
    return a;
}

iad_status iad_plain_op_attend_back(iad_queue *queue, const iad_attend_back *back, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_attend(back, err));
    for (int64_t s = 0; s < back->job->n_seq; s++) {
        plain_attend_seq seq = seq_of(back, s);
        double *scores = iad_alloc((size_t)seq.n_key * 2, sizeof *scores);
        if (scores == NULL) return IAD_NOMEM(err, "the scores of a row");
        plain_attend_back(&seq, scores, scores + seq.n_key);
        free(scores);
    }
    return IAD_OK;
}

iad_status iad_plain_op_fuse_back(iad_queue *queue, const iad_fuse_back *back, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_fuse(back, err));
    const iad_fuse *job = back->job;
    plain_fuse_row w = {.n_tap = job->n_tap, .n = back->dy.cols, .eps = (double)job->eps, .norm = job->norm, .gate_w = job->gate_w,
                        .gate_b = job->gate_b, .scale = job->scale, .dnorm = back->dnorm, .dgate_w = back->dgate_w,
                        .dgate_b = back->dgate_b, .dscale = back->dscale};
    for (int64_t r = 0; r < back->dy.rows; r++) {
        w.dy = row_of(back->dy, r);
        for (int l = 0; l < job->n_tap; l++) {
            w.x[l] = row_of(job->taps[l], r);
            w.dx[l] = back->dtaps[l].data != NULL ? row_of(back->dtaps[l], r) : NULL;
        }
        plain_fuse_back(&w);
    }
    return IAD_OK;
}

iad_status iad_plain_op_scatter_add(iad_queue *queue, iad_mat dy, const int32_t *index, iad_mat dtable, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_scatter(&dy, index, &dtable, err));
    for (int64_t r = 0; r < dy.rows; r++)
        for (int64_t c = 0; c < dy.cols && index[r] >= 0; c++) row_of(dtable, index[r])[c] += row_of(dy, r)[c];
    return IAD_OK;
}

iad_status iad_plain_op_cross_entropy(iad_queue *queue, iad_mat logits, const int32_t *target, const float *weight, double *loss,
                                      uint8_t *hit, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_grad_check_cross_entropy(&logits, target, weight, loss, err));
    for (int64_t r = 0; r < logits.rows; r++) {
        int best;
        loss[r] = plain_cross_entropy(logits.cols, row_of(logits, r), target[r], (double)weight[r], &best);
        if (hit != NULL) hit[r] = (uint8_t)best;
    }
    return IAD_OK;
}
