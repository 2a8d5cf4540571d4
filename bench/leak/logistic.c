#include "bench/leak/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { STEPS = 50, WIDTH = IAD_LOGISTIC_MAX + 1 };

static void standardise(const double *x, const uint8_t *use, size_t n, iad_logistic *m) {
    for (int j = 0; j < m->n_feature; j++) {
        double sum = 0, squares = 0;
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            if (!use || use[i]) sum += x[i * (size_t)m->n_feature + (size_t)j], count++;
        m->mean[j] = sum / (double)count;
        for (size_t i = 0; i < n; i++) {
            double d = x[i * (size_t)m->n_feature + (size_t)j] - m->mean[j];
            if (!use || use[i]) squares += d * d;
        }
        double sd = sqrt(squares / (double)count);
        m->scale[j] = sd > 1e-9 * (1 + fabs(m->mean[j])) ? 1 / sd : 0;
    }
}

/* Solves a[n][n] v = v in place (a symmetric, positive definite: a ridge stands on its diagonal), by Cholesky. */
static void solve(double a[WIDTH][WIDTH], double *v, int n) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double s = a[i][j];
            for (int k = 0; k < j; k++) s -= a[i][k] * a[j][k];
            a[i][j] = i == j ? sqrt(s > 1e-12 ? s : 1e-12) : s / a[j][j];
        }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) v[i] -= a[i][k] * v[k];
        v[i] /= a[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) v[i] -= a[k][i] * v[k];
        v[i] /= a[i][i];
    }
}

typedef struct fit {
    double h[WIDTH][WIDTH], g[WIDTH], z[WIDTH];
} fit;

/* One Newton step; returns its largest component. The last column is the bias. */
static double newton_step(fit *f, const double *x, const uint8_t *label, const uint8_t *use, size_t n, double ridge, iad_logistic *m) {
    int d = m->n_feature;
    memset(f, 0, sizeof *f);
    for (int j = 0; j < d; j++) {
        f->h[j][j] = ridge;
        f->g[j] = -ridge * m->weight[j];
    }
    f->h[d][d] = 1e-9;
    for (size_t i = 0; i < n; i++) {
        if (use && !use[i]) continue;
        const double *row = x + i * (size_t)d;
        for (int j = 0; j < d; j++) f->z[j] = (row[j] - m->mean[j]) * m->scale[j];
        f->z[d] = 1;
        double p = 1 / (1 + exp(-iad_logistic_score(m, row))), w = p * (1 - p), e = label[i] - p;
        for (int j = 0; j <= d; j++) {
            f->g[j] += e * f->z[j];
            for (int k = 0; k <= j; k++) f->h[j][k] += w * f->z[j] * f->z[k];
        }
    }
    solve(f->h, f->g, d + 1);
    double most = 0;
    for (int j = 0; j <= d; j++) most = fabs(f->g[j]) > most ? fabs(f->g[j]) : most;
    double cut = most > 5 ? 5 / most : 1; /* far from the optimum the quadratic model overshoots */
    for (int j = 0; j < d; j++) m->weight[j] += cut * f->g[j];
    m->bias += cut * f->g[d];
    return most;
}

iad_status iad_logistic_fit(const double *x, const uint8_t *label, const uint8_t *use, size_t n, int n_feature, double ridge, iad_logistic *model,
                            iad_err *err) {
    if (n_feature < 1 || n_feature > IAD_LOGISTIC_MAX || !(ridge > 0)) return IAD_FAIL(err, IAD_ERR_ARG, "%d features, ridge %g", n_feature, ridge);
    size_t count[2] = {0};
    for (size_t i = 0; i < n; i++)
        if (!use || use[i]) count[label[i] != 0]++;
    if (!count[0] || !count[1]) return IAD_FAIL(err, IAD_ERR_ARG, "%zu rows of one class, %zu of the other: both are needed", count[0], count[1]);
    *model = (iad_logistic){.n_feature = n_feature};
    standardise(x, use, n, model);
    fit *f = iad_alloc(1, sizeof *f);
    if (!f) return IAD_NOMEM(err, "a regression");
    for (int step = 0; step < STEPS && newton_step(f, x, label, use, n, ridge, model) > 1e-8; step++) {}
    free(f);
    return IAD_OK;
}

double iad_logistic_score(const iad_logistic *model, const double *row) {
    double s = model->bias;
    for (int j = 0; j < model->n_feature; j++) s += model->weight[j] * (row[j] - model->mean[j]) * model->scale[j];
    return s;
}
