/* Scaling, whitening, quantisation. */
#include "bench/patchnn/pn_space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/patchnn/pn_search.h"

#define RANGE 1500.0 /* coordinates of the bank; queries may go beyond, up to IAD_PN_LIMIT */

void iad_pn_space_init(iad_pn_space *space, const iad_pn_grid *grids, int n, int n_planes, const iad_pn_params *params) {
    int dims = grids[0].dims;
    memset(space, 0, sizeof *space);
    space->dims = dims;
    space->scale = 1.0;
    double mean[IAD_PN_MAX_DIMS] = {0}, variance[IAD_PN_MAX_DIMS] = {0}, group[IAD_PN_MAX_DIMS] = {0}, count = 0.0;
    for (int pass = 0; pass < 2; pass++) {
        for (int e = 0; e < n; e++) {
            size_t cells = (size_t)grids[e].width * (size_t)grids[e].height;
            if (pass == 0) count += (double)cells;
            for (size_t i = 0; i < cells; i++) {
                const float *v = grids[e].v + i * (size_t)dims;
                for (int k = 0; k < dims; k++) {
                    double d = (double)v[k] - mean[k];
                    if (pass == 0) variance[k] += (double)v[k];
                    else variance[k] += d * d;
                }
            }
        }
        for (int k = 0; k < dims; k++) {
            if (pass == 0) mean[k] = variance[k] / count, variance[k] = 0.0;
            else group[iad_pn_describe_group(n_planes, k)] += variance[k] / count;
        }
    }
    for (int k = 0; k < dims; k++) {
        space->mean[k] = (float)mean[k];
        space->weight[k] = (float)(1.0 / sqrt(group[iad_pn_describe_group(n_planes, k)] + params->noise * params->noise));
        space->matrix[k][k] = 1.0f;
    }
}

/* Lower triangular factor of a positive definite matrix, in place (the upper part keeps its old values). */
static int cholesky(double *a, int n) {
    for (int j = 0; j < n; j++) {
        for (int i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (int k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i == j) {
                if (!(sum > 0.0)) return 0;
                a[i * n + i] = sqrt(sum);
            } else a[i * n + j] = sum / a[j * n + j];
        }
    }
    return 1;
}

/* Inverse of the lower triangular factor. */
static void invert_lower(const double *a, int n, double *inverse) {
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < n; i++) {
            if (i < j) {
                inverse[i * n + j] = 0.0;
                continue;
            }
            double sum = i == j ? 1.0 : 0.0;
            for (int k = j; k < i; k++) sum -= a[i * n + k] * inverse[k * n + j];
            inverse[i * n + j] = sum / a[i * n + i];
        }
    }
}

static double length(const float *v, int n) {
    double sum = 0.0;
    for (int k = 0; k < n; k++) sum += (double)v[k] * (double)v[k];
    return sqrt(sum);
}

/* The differences' weighted covariance, shrunk; 0 when there is no variation to speak of. */
static int covariance(const float *difference, size_t count, int dims, double shrink, double *cov) {
    double trace = 0.0;
    for (int i = 0; i < dims * dims; i++) cov[i] = 0.0;
    for (size_t r = 0; r < count; r++) {
        const float *d = difference + r * (size_t)dims;
        double weight = 1.0 / (length(d, dims) + 1e-6);
        for (int i = 0; i < dims; i++) {
            double di = weight * (double)d[i];
            for (int j = 0; j <= i; j++) cov[i * dims + j] += di * (double)d[j];
        }
    }
    for (int i = 0; i < dims; i++) trace += cov[i * dims + i] / (double)count;
    if (!(trace > 1e-9)) return 0;
    for (int i = 0; i < dims; i++) {
        for (int j = 0; j <= i; j++) cov[i * dims + j] /= (double)count;
        cov[i * dims + i] += shrink * trace / dims;
        for (int j = 0; j < i; j++) cov[j * dims + i] = cov[i * dims + j];
    }
    return 1;
}

iad_status iad_pn_space_whiten(iad_pn_space *space, const float *difference, size_t count, const iad_pn_params *params, iad_err *err) {
    int n = space->dims;
    if (count == 0) return IAD_OK;
    double *cov = iad_alloc((size_t)n * (size_t)n, sizeof *cov), *inverse = iad_alloc((size_t)n * (size_t)n, sizeof *inverse);
    iad_status status = cov && inverse ? IAD_OK : IAD_NOMEM(err, "whitening");
    if (status == IAD_OK && covariance(difference, count, n, params->shrink, cov)) {
        if (!cholesky(cov, n)) status = IAD_FAIL(err, IAD_ERR_INTERNAL, "patchnn: the nuisance covariance is not positive");
        else {
            invert_lower(cov, n, inverse);
            double mean = 0.0;
            for (size_t r = 0; r < count; r++) {
                const float *d = difference + r * (size_t)n;
                double square = 0.0;
                for (int i = 0; i < n; i++) {
                    double sum = 0.0;
                    for (int j = 0; j <= i; j++) sum += inverse[i * n + j] * (double)d[j];
                    square += sum * sum;
                }
                mean += sqrt(square) / (double)count;
            }
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++) space->matrix[i][j] = (float)(inverse[i * n + j] / mean);
        }
    }
    free(cov);
    free(inverse);
    return status;
}

void iad_pn_space_map(const iad_pn_space *space, const float *feature, float *out) {
    float x[IAD_PN_MAX_DIMS];
    for (int k = 0; k < space->dims; k++) x[k] = (feature[k] - space->mean[k]) * space->weight[k];
    for (int i = 0; i < space->dims; i++) {
        float sum = 0.0f;
        for (int j = 0; j <= i; j++) sum += space->matrix[i][j] * x[j];
        out[i] = sum;
    }
}

void iad_pn_space_fit_range(iad_pn_space *space, const iad_pn_grid *grids, int n) {
    float out[IAD_PN_MAX_DIMS], most = 0.0f;
    for (int e = 0; e < n; e++) {
        size_t cells = (size_t)grids[e].width * (size_t)grids[e].height;
        for (size_t i = 0; i < cells; i++) {
            iad_pn_space_map(space, grids[e].v + i * (size_t)space->dims, out);
            for (int k = 0; k < space->dims; k++)
                if (fabsf(out[k]) > most) most = fabsf(out[k]);
        }
    }
    /* A flat bank still leaves room for queries that are not flat. */
    space->scale = RANGE / (most > 1.0f ? (double)most : 1.0);
}

void iad_pn_space_quantise(const iad_pn_space *space, const float *feature, int16_t *out, int row_dims) {
    float x[IAD_PN_MAX_DIMS];
    iad_pn_space_map(space, feature, x);
    for (int k = 0; k < space->dims; k++) {
        double v = floor((double)x[k] * space->scale + 0.5);
        out[k] = (int16_t)(v < -IAD_PN_LIMIT ? -IAD_PN_LIMIT : v > IAD_PN_LIMIT ? IAD_PN_LIMIT : v);
    }
    for (int k = space->dims; k < row_dims; k++) out[k] = 0;
}
