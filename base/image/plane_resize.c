/* Resampling of float planes: two or four taps per axis, no antialias. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/image/resize.h"

typedef struct taps {
    int n;       /* 2 or 4 per output */
    int *source; /* [out][n], inside the plane */
    float *weight;
} taps;

static void taps_deinit(taps *t) {
    free(t->source);
    free(t->weight);
    *t = (taps){0};
}

static iad_status taps_alloc(taps *t, int out, int n, iad_err *err) {
    *t = (taps){.n = n};
    t->source = iad_alloc((size_t)out * (size_t)n, sizeof *t->source);
    t->weight = iad_alloc((size_t)out * (size_t)n, sizeof *t->weight);
    if (t->source && t->weight) return IAD_OK;
    taps_deinit(t);
    return IAD_NOMEM(err, "resampling weights");
}

static int clamp(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

/* Without aligned corners positions are exact to double and only the weights are rounded to float: OpenCV agrees to 3e-7 of the
 * values' range, PyTorch's float positions are off by up to 1e-7 of the source coordinate. Aligned corners are PyTorch's alone, so
 * there we take its float positions. */
static iad_status linear_taps(taps *t, int in, int out, int align_corners, iad_err *err) {
    IAD_TRY(taps_alloc(t, out, 2, err));
    const double scale = (double)in / out;
    const float step = out > 1 ? (float)(in - 1) / (float)(out - 1) : 0.0f;
    for (int o = 0; o < out; o++) {
        double at = align_corners ? (float)o * step : (o + 0.5) * scale - 0.5;
        if (at < 0.0) at = 0.0;
        if (at > in - 1) at = in - 1;
        int i = (int)at;
        t->source[2 * o] = i;
        t->source[2 * o + 1] = clamp(i + 1, in);
        t->weight[2 * o + 1] = (float)(at - i);
        t->weight[2 * o] = 1.0f - t->weight[2 * o + 1];
    }
    return IAD_OK;
}

/* Keys' kernel with a = -3/4 at distance x >= 0. */
static double cubic(double x) {
    const double a = -0.75;
    if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
}

static iad_status cubic_taps(taps *t, int in, int out, iad_err *err) {
    IAD_TRY(taps_alloc(t, out, 4, err));
    double scale = (double)in / out;
    for (int o = 0; o < out; o++) {
        double at = (o + 0.5) * scale - 0.5;
        int i = (int)floor(at);
        double f = at - i;
        const double distance[4] = {1.0 + f, f, 1.0 - f, 2.0 - f};
        for (int k = 0; k < 4; k++) {
            t->source[4 * o + k] = clamp(i - 1 + k, in);
            t->weight[4 * o + k] = (float)cubic(distance[k]);
        }
    }
    return IAD_OK;
}

static void stretch_row(const float *row, const taps *x, int width, float *out) {
    if (x->n == 2) {
        for (int o = 0; o < width; o++)
            out[o] = row[x->source[2 * o]] * x->weight[2 * o] + row[x->source[2 * o + 1]] * x->weight[2 * o + 1];
        return;
    }
    for (int o = 0; o < width; o++) {
        const int *s = x->source + 4 * o;
        const float *w = x->weight + 4 * o;
        out[o] = row[s[0]] * w[0] + row[s[1]] * w[1] + row[s[2]] * w[2] + row[s[3]] * w[3];
    }
}

/* Along the rows first. Each source row is stretched once and kept while output rows need it. */
static iad_status separable(const iad_plane *src, const taps *x, const taps *y, iad_plane *dst, iad_err *err) {
    const size_t width = (size_t)dst->width;
    const int n = y->n;
    float *rows = iad_alloc(width * (size_t)n, sizeof *rows);
    if (!rows) return IAD_NOMEM(err, "resampled rows");
    int held[4] = {-1, -1, -1, -1};
    for (int o = 0; o < dst->height; o++) {
        const float *row[4];
        for (int k = 0; k < n; k++) {
            int source = y->source[n * o + k], slot = source % n; /* n consecutive rows fall into n different slots */
            float *kept = rows + (size_t)slot * width;
            if (held[slot] != source) {
                stretch_row(src->px + (size_t)source * (size_t)src->width, x, dst->width, kept);
                held[slot] = source;
            }
            row[k] = kept;
        }
        const float *w = y->weight + n * o;
        float *out = dst->px + (size_t)o * width;
        if (n == 2)
            for (size_t i = 0; i < width; i++) out[i] = row[0][i] * w[0] + row[1][i] * w[1];
        else
            for (size_t i = 0; i < width; i++) out[i] = row[0][i] * w[0] + row[1][i] * w[1] + row[2][i] * w[2] + row[3][i] * w[3];
    }
    free(rows);
    return IAD_OK;
}

typedef enum rule { RULE_LINEAR, RULE_LINEAR_ALIGNED, RULE_CUBIC } rule;

static iad_status axis_taps(taps *t, int in, int out, rule how, iad_err *err) {
    return how == RULE_CUBIC ? cubic_taps(t, in, out, err) : linear_taps(t, in, out, how == RULE_LINEAR_ALIGNED, err);
}

static iad_status resample(const iad_plane *src, int width, int height, rule how, iad_plane *dst, iad_err *err) {
    *dst = (iad_plane){0};
    if (!src->px || src->width < 1 || src->height < 1) return IAD_FAIL(err, IAD_ERR_ARG, "resampling an empty plane");
    if (width < 1 || height < 1) return IAD_FAIL(err, IAD_ERR_ARG, "resampling a plane to %d x %d", width, height);
    IAD_TRY(iad_plane_init(dst, width, height, err));
    taps x = {0}, y = {0};
    iad_status status = axis_taps(&x, src->width, width, how, err);
    if (status == IAD_OK) status = axis_taps(&y, src->height, height, how, err);
    if (status == IAD_OK) status = separable(src, &x, &y, dst, err);
    taps_deinit(&x);
    taps_deinit(&y);
    if (status != IAD_OK) iad_plane_deinit(dst);
    return status;
}

iad_status iad_plane_bilinear(const iad_plane *src, int width, int height, int align_corners, iad_plane *dst, iad_err *err) {
    return resample(src, width, height, align_corners ? RULE_LINEAR_ALIGNED : RULE_LINEAR, dst, err);
}

iad_status iad_plane_bicubic(const iad_plane *src, int width, int height, iad_plane *dst, iad_err *err) {
    return resample(src, width, height, RULE_CUBIC, dst, err);
}
