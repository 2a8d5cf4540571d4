/* The forward operations in double, written from their formulas: what the tests of the backward operations differentiate. */
#ifndef IAD_TEST_GRAD_FORWARD_H
#define IAD_TEST_GRAD_FORWARD_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "runtime/ops.h"

#define FORWARD __attribute__((unused)) static

/* y [n][n_out] = x w^T + b */
FORWARD void forward_linear(int64_t n, int64_t n_in, int64_t n_out, const double *x, const double *w, const double *b, double *y) {
    for (int64_t r = 0; r < n; r++)
        for (int64_t o = 0; o < n_out; o++) {
            double sum = b[o];
            for (int64_t i = 0; i < n_in; i++) sum += x[r * n_in + i] * w[o * n_in + i];
            y[r * n_out + o] = sum;
        }
}

FORWARD double forward_rms(const double *x, int64_t n, double eps) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum / (double)n + eps);
}

FORWARD void forward_rmsnorm(int64_t n, const double *x, const double *w, double eps, double *y) {
    double rms = forward_rms(x, n, eps);
    for (int64_t i = 0; i < n; i++) y[i] = w[i] * x[i] / rms;
}

FORWARD void forward_silu_mul(int64_t m, const double *gate_up, double *y) {
    for (int64_t i = 0; i < m; i++) y[i] = gate_up[i] / (1 + exp(-gate_up[i])) * gate_up[m + i];
}

FORWARD void forward_gelu(int64_t n, const double *x, double *y) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * 0.5 * (1 + erf(x[i] / sqrt(2)));
}

typedef struct forward_attention {
    int n_head, n_kv_head, d_head, causal;
    double scale;
    int64_t n_row, n_key;
    /* probe; n_probe 0: none */
    int n_probe, n_class;
    const int64_t *probe_row;
    const int *probe_class;
    const float *probe_weight;
    int64_t col, n_col;
} forward_attention;

/* out [n_row][n_head d], maps [n_class][n_col] (added to; NULL without a probe). q, k, v are dense. */
FORWARD void forward_attend(const forward_attention *a, const double *q, const double *k, const double *v, double *out, double *maps) {
    int d = a->d_head, group = a->n_head / a->n_kv_head;
    int64_t q_cols = (int64_t)a->n_head * d, kv_cols = (int64_t)a->n_kv_head * d;
    double *p = iad_calloc((size_t)a->n_key + 1, sizeof *p);
    for (int64_t r = 0; r < a->n_row; r++)
        for (int h = 0; h < a->n_head; h++) {
            int64_t n = a->causal ? a->n_key - a->n_row + r + 1 : a->n_key, kv = (int64_t)(h / group) * d;
            double total = 0;
            for (int64_t j = 0; j < n; j++) {
                double s = 0;
                for (int i = 0; i < d; i++) s += q[r * q_cols + (int64_t)h * d + i] * k[j * kv_cols + kv + i];
                total += p[j] = exp(s * a->scale);
            }
            for (int i = 0; i < d; i++) {
                double sum = 0;
                for (int64_t j = 0; j < n; j++) sum += p[j] / total * v[j * kv_cols + kv + i];
                out[r * q_cols + (int64_t)h * d + i] = sum;
            }
            for (int m = 0; m < a->n_probe; m++)
                for (int64_t c = 0; a->probe_row[m] == r && c < a->n_col && a->col + c < n; c++)
                    maps[a->probe_class[m] * a->n_col + c] += (double)a->probe_weight[m] / a->n_head * p[a->col + c] / total;
        }
    free(p);
}

/* One row of iad_fuse: taps [n_tap][n], norm [n_tap][n], gate_w [n_tap][n_tap n] or NULL, gate_b [n_tap], scale [1]. */
FORWARD void forward_fuse(int n_tap, int64_t n, double eps, const double *taps, const double *norm, const double *gate_w,
                          const double *gate_b, const double *scale, double *out) {
    double a[IAD_FUSE_MAX_TAPS], total = 0;
    const double *last = taps + (n_tap - 1) * n;
    for (int g = 0; g < n_tap; g++) {
        a[g] = gate_b[g];
        for (int l = 0; l < n_tap && gate_w != NULL; l++)
            for (int64_t c = 0; c < n; c++)
                a[g] += gate_w[(g * n_tap + l) * n + c] * taps[l * n + c] / forward_rms(taps + l * n, n, eps) * norm[l * n + c];
        total += a[g] = exp(a[g]);
    }
    double rms = forward_rms(last, n, eps);
    for (int64_t c = 0; c < n; c++) {
        double mixed = 0;
        for (int l = 0; l < n_tap; l++) mixed += a[l] / total * taps[l * n + c] / forward_rms(taps + l * n, n, eps) * norm[l * n + c];
        out[c] = last[c] + scale[0] * (rms * mixed - last[c]);
    }
}

FORWARD double forward_cross_entropy(int64_t n, const double *logits, int32_t target) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += exp(logits[i]);
    return log(total) - logits[target];
}

#endif
