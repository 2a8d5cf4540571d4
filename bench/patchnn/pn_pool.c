/* Separable Gaussian sums at arbitrary positions. */
#include "bench/patchnn/pn_pool.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fmath.h"

static int mirror(int i, int n) {
    int period = 2 * n;
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - 1 - i;
}

iad_status iad_pn_axis_init(iad_pn_axis *axis, int n_in, int n_out, double step, double sigma, iad_err *err) {
    int reach = (int)ceil(3.0 * sigma);
    *axis = (iad_pn_axis){n_in, n_out, 2 * reach + 1, NULL, NULL};
    /* Windows between two samples take one tap more on one side; the far tap weighs almost nothing. */
    int between = step != 1.0;
    if (between) axis->n_taps++;
    size_t n = (size_t)n_out * (size_t)axis->n_taps;
    axis->index = iad_alloc(n, sizeof *axis->index);
    axis->weight = iad_alloc(n, sizeof *axis->weight);
    if (!axis->index || !axis->weight) {
        iad_pn_axis_deinit(axis);
        return IAD_NOMEM(err, "pooling weights");
    }
    for (int i = 0; i < n_out; i++) {
        double centre = (i + 0.5) * step - 0.5, sum = 0.0;
        int first = (int)floor(centre) - reach;
        if (!between) first = i - reach;
        int *index = axis->index + (size_t)i * (size_t)axis->n_taps;
        float *weight = axis->weight + (size_t)i * (size_t)axis->n_taps;
        for (int pass = 0; pass < 2; pass++) {
            for (int t = 0; t < axis->n_taps; t++) {
                double d = (first + t - centre) / sigma, w = iad_exp(-0.5 * d * d);
                if (pass == 0) sum += w;
                else {
                    index[t] = mirror(first + t, n_in);
                    weight[t] = (float)(w / sum);
                }
            }
        }
    }
    return IAD_OK;
}

void iad_pn_axis_deinit(iad_pn_axis *axis) {
    free(axis->index);
    free(axis->weight);
    *axis = (iad_pn_axis){0};
}

void iad_pn_pool(const float *src, const iad_pn_axis *x, const iad_pn_axis *y, float *row, float *dst, int stride) {
    size_t width = (size_t)x->n_in;
    for (int j = 0; j < y->n_out; j++) {
        const int *index = y->index + (size_t)j * (size_t)y->n_taps;
        const float *weight = y->weight + (size_t)j * (size_t)y->n_taps;
        for (size_t i = 0; i < width; i++) row[i] = 0.0f;
        for (int t = 0; t < y->n_taps; t++) {
            const float *line = src + (size_t)index[t] * width;
            float w = weight[t];
            for (size_t i = 0; i < width; i++) row[i] += w * line[i];
        }
        float *out = dst + (size_t)j * (size_t)x->n_out * (size_t)stride;
        for (int i = 0; i < x->n_out; i++) {
            const int *column = x->index + (size_t)i * (size_t)x->n_taps;
            const float *w = x->weight + (size_t)i * (size_t)x->n_taps;
            float sum = 0.0f;
            for (int t = 0; t < x->n_taps; t++) sum += w[t] * row[column[t]];
            out[(size_t)i * (size_t)stride] = sum;
        }
    }
}

void iad_pn_halve(const float *src, int width, int height, float *row, float *dst) {
    int half_w = (width + 1) / 2, half_h = (height + 1) / 2;
    for (int j = 0; j < half_h; j++) {
        const float *line[4];
        for (int t = 0; t < 4; t++) line[t] = src + (size_t)mirror(2 * j - 1 + t, height) * (size_t)width;
        for (int i = 0; i < width; i++)
            row[i] = (line[0][i] + line[3][i]) * 0.125f + (line[1][i] + line[2][i]) * 0.375f;
        float *out = dst + (size_t)j * (size_t)half_w;
        for (int i = 0; i < half_w; i++) {
            float a = row[mirror(2 * i - 1, width)], b = row[2 * i], c = row[mirror(2 * i + 1, width)], d = row[mirror(2 * i + 2, width)];
            out[i] = (a + d) * 0.125f + (b + c) * 0.375f;
        }
    }
}
