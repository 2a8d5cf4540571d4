#include "train/cpu/grad_check.h"

#include <math.h>

#include "runtime/ops_check.h"

/* Far above anything real, low enough that no product of two of them overflows. */
static const int64_t MAX_DIM = (int64_t)1 << 31;

static iad_status check_mat(const char *op, const char *what, const iad_mat *m, iad_dtype dtype, iad_err *err) {
    if (m->rows < 0 || m->cols < 0 || m->rows > MAX_DIM || m->cols > MAX_DIM || m->stride > MAX_DIM || m->stride < m->cols)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is [%lld][%lld], stride %lld", op, what, (long long)m->rows, (long long)m->cols,
                        (long long)m->stride);
    if (m->dtype != dtype)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is %s, expected %s", op, what, iad_dtype_name(m->dtype), iad_dtype_name(dtype));
    if (m->data == NULL && m->rows > 0 && m->cols > 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s has no data", op, what);
    return IAD_OK;
}

static iad_status check_shape(const char *op, const char *what, const iad_mat *m, int64_t rows, int64_t cols, iad_err *err) {
    IAD_TRY(check_mat(op, what, m, IAD_F32, err));
    if (m->rows == rows && m->cols == cols) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is [%lld][%lld], expected [%lld][%lld]", op, what, (long long)m->rows,
                    (long long)m->cols, (long long)rows, (long long)cols);
}

iad_status iad_grad_check_array(const char *op, const char *what, const void *data, int64_t n, iad_err *err) {
    if (n < 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %lld elements", op, (long long)n);
    return data != NULL || n == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is missing", op, what);
}

iad_status iad_grad_check_linear_dw(const iad_mat *dy, const iad_mat *x, const iad_mat *dw, iad_err *err) {
    const char *op = "linear_dw";
    if (dy->dtype != IAD_F32 && dy->dtype != IAD_BF16)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: dy may not be %s", op, iad_dtype_name(dy->dtype));
    IAD_TRY(check_mat(op, "dy", dy, dy->dtype, err));
    IAD_TRY(check_mat(op, "x", x, dy->dtype, err));
    if (x->rows != dy->rows)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: dy has %lld rows, x %lld", op, (long long)dy->rows, (long long)x->rows);
    return check_shape(op, "dw", dw, dy->cols, x->cols, err);
}

iad_status iad_grad_check_rmsnorm(const iad_mat *x, const float *weight, float eps, const iad_mat *dy, const iad_mat *dx, int set, iad_err *err) {
    const char *op = "rmsnorm_back";
    IAD_TRY(check_mat(op, "x", x, IAD_F32, err));
    IAD_TRY(check_shape(op, "dy", dy, x->rows, x->cols, err));
    IAD_TRY(check_shape(op, "dx", dx, x->rows, x->cols, err));
    IAD_TRY(iad_grad_check_array(op, "weight", weight, x->rows * x->cols, err));
    if (!set && dx->data == dy->data && dx->data != NULL) return IAD_FAIL(err, IAD_ERR_ARG, "%s: dx is dy and would be added to it", op);
    return isfinite(eps) && eps >= 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "%s: eps %g is negative or not finite", op, (double)eps);
}

iad_status iad_grad_check_silu_mul(const iad_mat *gate_up, const iad_mat *dy, const iad_mat *dgate_up, iad_err *err) {
    const char *op = "silu_mul_back";
    IAD_TRY(check_mat(op, "dy", dy, IAD_F32, err));
    IAD_TRY(check_shape(op, "gate_up", gate_up, dy->rows, 2 * dy->cols, err));
    return check_shape(op, "dgate_up", dgate_up, dy->rows, 2 * dy->cols, err);
}

iad_status iad_grad_check_same(const char *op, const iad_mat *x, const iad_mat *dy, const iad_mat *dx, iad_err *err) {
    IAD_TRY(check_mat(op, "x", x, IAD_F32, err));
    IAD_TRY(check_shape(op, dx != NULL ? "dy" : "y", dy, x->rows, x->cols, err));
    return dx != NULL ? check_shape(op, "dx", dx, x->rows, x->cols, err) : IAD_OK;
}

/* Rows of dk and dv that sequence s takes: inside the matrices. That two sequences do not share rows is the caller's word. */
static iad_status check_seq(const iad_attend_back *back, int64_t s, iad_err *err) {
    const char *op = "attend_back";
    const iad_attend_seq *seq = &back->job->seqs[s];
    if (seq->spans[0].k.rows > 0 && seq->spans[1].k.rows > 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: sequence %lld has two spans of keys", op, (long long)s);
    const iad_kv_span *keys = iad_grad_keys(seq);
    if (keys->k.rows == 0) return IAD_OK;
    if (keys->k.dtype != IAD_F32 || keys->v.dtype != IAD_F32)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: keys and values of sequence %lld are %s", op, (long long)s, iad_dtype_name(keys->k.dtype));
    if (back->kv_row[s] < 0 || back->kv_row[s] > back->dk.rows || keys->k.rows > back->dk.rows - back->kv_row[s])
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: keys of sequence %lld take rows %lld + %lld of %lld", op, (long long)s,
                        (long long)back->kv_row[s], (long long)keys->k.rows, (long long)back->dk.rows);
    if (back->probes == NULL || back->probes[s] == NULL) return IAD_OK;
    if (back->probe_grad == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "%s: the probe of sequence %lld has no gradient", op, (long long)s);
    const iad_probe *probe = back->probes[s];
    iad_probe as_given = *probe;
    as_given.out = back->probe_grad[s]; /* the forward pass' sums are not read */
    return iad_check_probe(back->job, s, &as_given, err);
}

iad_status iad_grad_check_attend(const iad_attend_back *back, iad_err *err) {
    const char *op = "attend_back";
    const iad_attend *job = back->job;
    if (job == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no forward pass", op);
    IAD_TRY(iad_check_attend(op, job, err));
    int64_t cols = (int64_t)job->n_head * job->d_head, kv_cols = (int64_t)job->n_kv_head * job->d_head;
    IAD_TRY(check_shape(op, "q", &job->q, job->q.rows, cols, err));
    IAD_TRY(check_shape(op, "out", &job->out, job->q.rows, cols, err));
    IAD_TRY(check_shape(op, "dout", &back->dout, job->q.rows, cols, err));
    IAD_TRY(check_shape(op, "dq", &back->dq, job->q.rows, cols, err));
    IAD_TRY(check_shape(op, "dk", &back->dk, back->dk.rows, kv_cols, err));
    IAD_TRY(check_shape(op, "dv", &back->dv, back->dk.rows, kv_cols, err));
    IAD_TRY(iad_grad_check_array(op, "kv_row", back->kv_row, job->n_seq, err));
    for (int64_t s = 0; s < job->n_seq; s++) IAD_TRY(check_seq(back, s, err));
    return IAD_OK;
}

iad_status iad_grad_check_fuse(const iad_fuse_back *back, iad_err *err) {
    const char *op = "fuse_back";
    const iad_fuse *job = back->job;
    if (job == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no forward pass", op);
    if (job->n_tap < 1 || job->n_tap > IAD_FUSE_MAX_TAPS) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %d taps", op, job->n_tap);
    IAD_TRY(check_mat(op, "dy", &back->dy, IAD_F32, err));
    int64_t rows = back->dy.rows, cols = back->dy.cols;
    for (int l = 0; l < job->n_tap; l++) {
        IAD_TRY(check_shape(op, "tap", &job->taps[l], rows, cols, err));
        if (back->dtaps[l].data != NULL) IAD_TRY(check_shape(op, "dtap", &back->dtaps[l], rows, cols, err));
    }
    IAD_TRY(iad_grad_check_array(op, "norm", job->norm, rows * cols, err));
    IAD_TRY(iad_grad_check_array(op, "gate_b", job->gate_b, rows * cols, err));
    IAD_TRY(iad_grad_check_array(op, "scale", job->scale, rows * cols, err));
    if (!isfinite(job->eps) || job->eps < 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: eps %g", op, (double)job->eps);
    if (back->dgate_w != NULL && job->gate_w == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "%s: dgate_w without gate_w", op);
    return IAD_OK;
}

iad_status iad_grad_check_scatter(const iad_mat *dy, const int32_t *index, const iad_mat *dtable, iad_err *err) {
    const char *op = "scatter_add";
    IAD_TRY(check_mat(op, "dy", dy, IAD_F32, err));
    IAD_TRY(check_shape(op, "dtable", dtable, dtable->rows, dy->cols, err));
    IAD_TRY(iad_grad_check_array(op, "index", index, dy->rows, err));
    for (int64_t i = 0; i < dy->rows; i++)
        if (index[i] < -1 || index[i] >= dtable->rows)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: index %d (entry %lld) is outside the %lld rows of the table", op, (int)index[i],
                            (long long)i, (long long)dtable->rows);
    return IAD_OK;
}

iad_status iad_grad_check_cross_entropy(const iad_mat *logits, const int32_t *target, const float *weight, const double *loss, iad_err *err) {
    const char *op = "cross_entropy";
    IAD_TRY(check_mat(op, "logits", logits, IAD_F32, err));
    IAD_TRY(iad_grad_check_array(op, "target", target, logits->rows, err));
    IAD_TRY(iad_grad_check_array(op, "weight", weight, logits->rows, err));
    IAD_TRY(iad_grad_check_array(op, "loss", loss, logits->rows, err));
    for (int64_t i = 0; i < logits->rows; i++)
        if (target[i] < 0 || target[i] >= logits->cols)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: target %d of row %lld is outside the %lld columns", op, (int)target[i], (long long)i,
                            (long long)logits->cols);
    return IAD_OK;
}

iad_status iad_grad_check_adamw(const iad_adamw *job, iad_err *err) {
    const char *op = "adamw";
    IAD_TRY(iad_grad_check_array(op, "high", job->high, job->n, err));
    IAD_TRY(iad_grad_check_array(op, "low", job->low, job->n, err));
    IAD_TRY(iad_grad_check_array(op, "grad", job->grad, job->n, err));
    if (job->m8 == NULL) {
        IAD_TRY(iad_grad_check_array(op, "m", job->m, job->n, err));
        return iad_grad_check_array(op, "v", job->v, job->n, err);
    }
    IAD_TRY(iad_grad_check_array(op, "v8", job->v8, job->n, err));
    IAD_TRY(iad_grad_check_array(op, "m_scale", job->m_scale, job->n, err));
    return iad_grad_check_array(op, "v_scale", job->v_scale, job->n, err);
}
