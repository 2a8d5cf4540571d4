#include "runtime/ops_check.h"

#include <math.h>

/* Far above anything real, low enough that no product of two of them overflows. */
static const int64_t MAX_DIM = (int64_t)1 << 31;

enum { F32 = 1, BF16 = 2, F16 = 4 };

static int kind_of(iad_dtype dtype) { return dtype == IAD_F32 ? F32 : dtype == IAD_BF16 ? BF16 : dtype == IAD_F16 ? F16 : 0; }

static iad_status check_mat(const char *op, const char *what, const iad_mat *m, int kinds, iad_err *err) {
    if (m->rows < 0 || m->cols < 0 || m->rows > MAX_DIM || m->cols > MAX_DIM || m->stride > MAX_DIM)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is [%lld][%lld], stride %lld", op, what, (long long)m->rows, (long long)m->cols,
                        (long long)m->stride);
    if (m->stride < m->cols)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s has stride %lld below its %lld columns", op, what, (long long)m->stride,
                        (long long)m->cols);
    if ((kind_of(m->dtype) & kinds) == 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s may not be %s", op, what, iad_dtype_name(m->dtype));
    if (m->data == NULL && m->rows > 0 && m->cols > 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s has no data", op, what);
    return IAD_OK;
}

static iad_status check_shape(const char *op, const char *what, const iad_mat *m, int64_t rows, int64_t cols, iad_err *err) {
    if (m->rows == rows && m->cols == cols) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is [%lld][%lld], expected [%lld][%lld]", op, what, (long long)m->rows,
                    (long long)m->cols, (long long)rows, (long long)cols);
}

static iad_status check_pointer(const char *op, const char *what, const void *pointer, int64_t needed, iad_err *err) {
    return pointer != NULL || needed == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is missing", op, what);
}

static iad_status check_eps(const char *op, float eps, iad_err *err) {
    return isfinite(eps) && eps >= 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "%s: eps %g is negative or not finite", op, (double)eps);
}

iad_status iad_check_linear(int64_t n_in, int64_t n_out, iad_dtype storage, const iad_mat *x, iad_store store, const iad_mat *y, iad_err *err) {
    if (x->rows < 0 || x->rows != y->rows || x->cols != n_in || y->cols != n_out || x->stride < x->cols || y->stride < y->cols)
        return IAD_FAIL(err, IAD_ERR_ARG, "linear: [%lld][%lld] x weights of %lld -> %lld into [%lld][%lld]", (long long)x->rows,
                        (long long)x->cols, (long long)n_in, (long long)n_out, (long long)y->rows, (long long)y->cols);
    int x_fits = storage == IAD_I8 ? x->dtype == IAD_F32 || x->dtype == IAD_BF16 : x->dtype == storage;
    if (!x_fits)
        return IAD_FAIL(err, IAD_ERR_ARG, "linear: inputs of type %s for weights of type %s", iad_dtype_name(x->dtype), iad_dtype_name(storage));
    if (store == IAD_STORE_ADD ? y->dtype != IAD_F32 : y->dtype != IAD_F32 && y->dtype != IAD_BF16)
        return IAD_FAIL(err, IAD_ERR_ARG, "linear: outputs of type %s", iad_dtype_name(y->dtype));
    return IAD_OK;
}

iad_status iad_check_rmsnorm(const iad_mat *x, const float *weight, float eps, const iad_mat *y, iad_err *err) {
    const char *op = "rmsnorm";
    IAD_TRY(check_mat(op, "x", x, F32, err));
    IAD_TRY(check_mat(op, "y", y, F32 | BF16, err));
    IAD_TRY(check_shape(op, "y", y, x->rows, x->cols, err));
    IAD_TRY(check_pointer(op, "weight", weight, x->rows * x->cols, err));
    return check_eps(op, eps, err);
}

iad_status iad_check_rope(const iad_mat *x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err) {
    const char *op = "rope";
    IAD_TRY(check_mat(op, "x", x, F32, err));
    if (n_head < 0 || d_head < 2 || d_head % 2 != 0 || (int64_t)n_head * d_head != x->cols)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %d heads of %d do not make %lld columns", op, n_head, d_head, (long long)x->cols);
    IAD_TRY(check_pointer(op, "cosine", cosine, x->rows * x->cols, err));
    return check_pointer(op, "sine", sine, x->rows * x->cols, err);
}

iad_status iad_check_silu_mul(const iad_mat *gate_up, const iad_mat *y, iad_err *err) {
    const char *op = "silu_mul";
    IAD_TRY(check_mat(op, "gate_up", gate_up, F32 | BF16, err));
    IAD_TRY(check_mat(op, "y", y, F32 | BF16, err));
    return check_shape(op, "gate_up", gate_up, y->rows, 2 * y->cols, err);
}

iad_status iad_check_same(const char *op, const iad_mat *x, const iad_mat *y, iad_err *err) {
    IAD_TRY(check_mat(op, "x", x, F32 | BF16, err));
    IAD_TRY(check_mat(op, "y", y, F32 | BF16, err));
    return check_shape(op, "y", y, x->rows, x->cols, err);
}

iad_status iad_check_gather(const iad_mat *table, const int32_t *index, const iad_mat *y, iad_err *err) {
    const char *op = "gather";
    IAD_TRY(check_mat(op, "table", table, F32 | BF16 | F16, err));
    IAD_TRY(check_mat(op, "y", y, F32 | BF16, err));
    if (table->cols != y->cols)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: y has %lld columns, the table %lld", op, (long long)y->cols, (long long)table->cols);
    IAD_TRY(check_pointer(op, "index", index, y->rows, err));
    for (int64_t i = 0; i < y->rows; i++)
        if (index[i] < 0 || index[i] >= table->rows)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: index %d (entry %lld) is outside the %lld rows of the table", op, (int)index[i],
                            (long long)i, (long long)table->rows);
    return IAD_OK;
}

iad_status iad_check_attend(const char *op, const iad_attend *job, iad_err *err) {
    if (job->n_head < 1 || job->n_head > IAD_ATTEND_MAX_HEADS || job->n_kv_head < 1 || job->n_head % job->n_kv_head != 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %d query heads over %d key heads", op, job->n_head, job->n_kv_head);
    if (job->d_head < 2 || job->d_head % 2 != 0 || job->d_head > IAD_ATTEND_MAX_HEAD)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: d_head %d is odd or outside 2..%d", op, job->d_head, IAD_ATTEND_MAX_HEAD);
    if (!isfinite(job->scale) || job->scale <= 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: scale %g is not positive", op, (double)job->scale);
    int64_t cols = (int64_t)job->n_head * job->d_head, kv_cols = (int64_t)job->n_kv_head * job->d_head;
    IAD_TRY(check_mat(op, "q", &job->q, F32 | BF16, err));
    IAD_TRY(check_mat(op, "out", &job->out, F32 | BF16, err));
    IAD_TRY(check_shape(op, "q", &job->q, job->q.rows, cols, err));
    IAD_TRY(check_shape(op, "out", &job->out, job->q.rows, cols, err));
    if (job->n_seq < 0 || (job->n_seq > 0 && job->seqs == NULL)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no sequences", op);
    for (int64_t s = 0; s < job->n_seq; s++) {
        const iad_attend_seq *seq = &job->seqs[s];
        if (seq->n_row < 0 || seq->row < 0 || seq->row > job->q.rows || seq->n_row > job->q.rows - seq->row)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: sequence %lld takes rows %lld + %lld of %lld", op, (long long)s, (long long)seq->row,
                            (long long)seq->n_row, (long long)job->q.rows);
        int64_t n_key = 0;
        for (int i = 0; i < 2; i++) {
            const iad_kv_span *span = &seq->spans[i];
            if (span->k.rows == 0 && span->v.rows == 0) continue; /* an unused span may be all zero */
            IAD_TRY(check_mat(op, "k", &span->k, F32 | BF16, err));
            IAD_TRY(check_mat(op, "v", &span->v, F32 | BF16, err));
            IAD_TRY(check_shape(op, "k", &span->k, span->k.rows, kv_cols, err));
            IAD_TRY(check_shape(op, "v", &span->v, span->k.rows, kv_cols, err));
            if (span->k.dtype != span->v.dtype)
                return IAD_FAIL(err, IAD_ERR_ARG, "%s: k is %s, v %s", op, iad_dtype_name(span->k.dtype), iad_dtype_name(span->v.dtype));
            n_key += span->k.rows;
        }
        if (seq->n_row > 0 && n_key < (seq->causal ? seq->n_row : 1))
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: sequence %lld has %lld rows and only %lld keys", op, (long long)s,
                            (long long)seq->n_row, (long long)n_key);
    }
    return IAD_OK;
}

iad_status iad_check_probe(const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err) {
    const char *op = "probe";
    IAD_TRY(iad_check_attend(op, job, err));
    if (seq < 0 || seq >= job->n_seq) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no sequence %lld", op, (long long)seq);
    const iad_attend_seq *s = &job->seqs[seq];
    int64_t n_key = s->spans[0].k.rows + s->spans[1].k.rows;
    if (probe->col < 0 || probe->n_col < 0 || probe->col > n_key || probe->n_col > n_key - probe->col)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: columns %lld + %lld of %lld keys", op, (long long)probe->col, (long long)probe->n_col,
                        (long long)n_key);
    if (probe->n_row < 0 || probe->n_class < 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: a negative count", op);
    IAD_TRY(check_mat(op, "out", &probe->out, F32, err));
    IAD_TRY(check_shape(op, "out", &probe->out, probe->n_class, probe->n_col, err));
    IAD_TRY(check_pointer(op, "row", probe->row, probe->n_row, err));
    IAD_TRY(check_pointer(op, "row_class", probe->row_class, probe->n_row, err));
    IAD_TRY(check_pointer(op, "weight", probe->weight, probe->n_row, err));
    for (int i = 0; i < probe->n_row; i++) {
        if (probe->row[i] < 0 || probe->row[i] >= s->n_row)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: row %lld of %lld", op, (long long)probe->row[i], (long long)s->n_row);
        if (probe->row_class[i] < 0 || probe->row_class[i] >= probe->n_class)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: class %d of %d", op, probe->row_class[i], probe->n_class);
    }
    return IAD_OK;
}

iad_status iad_check_fuse(const iad_fuse *job, iad_err *err) {
    const char *op = "fuse";
    if (job->n_tap < 1 || job->n_tap > IAD_FUSE_MAX_TAPS) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %d taps", op, job->n_tap);
    IAD_TRY(check_mat(op, "out", &job->out, F32, err));
    for (int i = 0; i < job->n_tap; i++) {
        IAD_TRY(check_mat(op, "tap", &job->taps[i], F32, err));
        IAD_TRY(check_shape(op, "tap", &job->taps[i], job->out.rows, job->out.cols, err));
    }
    int64_t work = job->out.rows * job->out.cols;
    IAD_TRY(check_pointer(op, "norm", job->norm, work, err));
    IAD_TRY(check_pointer(op, "gate_b", job->gate_b, work, err));
    IAD_TRY(check_pointer(op, "scale", job->scale, work, err));
    return check_eps(op, job->eps, err);
}

iad_status iad_check_best_match(const iad_mat *x, const iad_mat *ref, int aligned, const float *best, iad_err *err) {
    const char *op = "best_match";
    IAD_TRY(check_mat(op, "x", x, F32, err));
    IAD_TRY(check_mat(op, "ref", ref, F32, err));
    if (x->rows == 0) return IAD_OK;
    if (x->cols != ref->cols)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: x has %lld columns, ref %lld", op, (long long)x->cols, (long long)ref->cols);
    if (aligned ? ref->rows != x->rows : ref->rows < 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %lld rows against %lld%s", op, (long long)x->rows, (long long)ref->rows,
                        aligned ? " aligned ones" : "");
    return check_pointer(op, "best", best, x->rows, err);
}
