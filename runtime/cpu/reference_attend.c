/* Attention as the formula reads: all scores of a row, their maximum, exp, the weighted sum; double throughout. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "runtime/cpu/reference.h"
#include "runtime/ops_check.h"

/* Element col of key row j (k) or value row j (v), counted over both spans. */
static double kv_at(const iad_attend_seq *seq, int value, int64_t j, int64_t col) {
    const iad_kv_span *span = &seq->spans[0];
    if (j >= span->k.rows) {
        j -= span->k.rows;
        span = &seq->spans[1];
    }
    return iad_ref_get(value ? &span->v : &span->k, j, col);
}

/* Probabilities of (row of the sequence, head) over the n keys that it sees. */
static void probabilities(const iad_attend *job, const iad_attend_seq *seq, int64_t row, int head, double *p, int64_t n) {
    int kv = head / (job->n_head / job->n_kv_head), d = job->d_head;
    double top = -INFINITY, total = 0;
    for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int i = 0; i < d; i++)
            sum += iad_ref_get(&job->q, seq->row + row, (int64_t)head * d + i) * kv_at(seq, 0, j, (int64_t)kv * d + i);
        p[j] = sum * (double)job->scale;
        top = fmax(top, p[j]);
    }
    for (int64_t j = 0; j < n; j++) total += p[j] = exp(p[j] - top);
    for (int64_t j = 0; j < n; j++) p[j] /= total;
}

static double *row_of_keys(const iad_attend_seq *seq, iad_err *err) {
    int64_t n = seq->spans[0].k.rows + seq->spans[1].k.rows;
    double *p = iad_alloc((size_t)n, sizeof *p);
    if (p == NULL) (void)IAD_NOMEM(err, "the scores of a row");
    return p;
}

iad_status iad_ref_attend(iad_queue *queue, const iad_attend *job, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_attend("attend", job, err));
    for (int64_t s = 0; s < job->n_seq; s++) {
        const iad_attend_seq *seq = &job->seqs[s];
        double *p = row_of_keys(seq, err);
        if (p == NULL) return IAD_ERR_NOMEM;
        for (int64_t row = 0; row < seq->n_row; row++)
            for (int h = 0; h < job->n_head; h++) {
                int64_t n = iad_attend_visible(seq, row);
                int kv = h / (job->n_head / job->n_kv_head);
                probabilities(job, seq, row, h, p, n);
                for (int i = 0; i < job->d_head; i++) {
                    double sum = 0;
                    for (int64_t j = 0; j < n; j++) sum += p[j] * kv_at(seq, 1, j, (int64_t)kv * job->d_head + i);
                    iad_ref_put(&job->out, seq->row + row, (int64_t)h * job->d_head + i, sum);
                }
            }
        free(p);
    }
    return IAD_OK;
}

iad_status iad_ref_probe(iad_queue *queue, const iad_attend *job, int64_t seq_index, const iad_probe *probe, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_probe(job, seq_index, probe, err));
    if (probe->n_row == 0 || probe->n_col == 0) return IAD_OK;
    const iad_attend_seq *seq = &job->seqs[seq_index];
    double *p = row_of_keys(seq, err), *mean = iad_alloc((size_t)probe->n_col, sizeof *mean);
    iad_status status = p == NULL || mean == NULL ? IAD_NOMEM(err, "a probe") : IAD_OK;
    for (int r = 0; status == IAD_OK && r < probe->n_row; r++) {
        int64_t n = iad_attend_visible(seq, probe->row[r]);
        for (int64_t c = 0; c < probe->n_col; c++) mean[c] = 0;
        for (int h = 0; h < job->n_head; h++) {
            probabilities(job, seq, probe->row[r], h, p, n);
            for (int64_t c = 0; c < probe->n_col && probe->col + c < n; c++) mean[c] += p[probe->col + c] / job->n_head;
        }
        for (int64_t c = 0; c < probe->n_col; c++)
            iad_ref_put(&probe->out, probe->row_class[r], c,
                        iad_ref_get(&probe->out, probe->row_class[r], c) + (double)probe->weight[r] * mean[c]);
    }
    free(p);
    free(mean);
    return status;
}
