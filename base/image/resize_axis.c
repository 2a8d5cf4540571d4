/* Weights of one axis. The order of every double operation below is Pillow's, because the rounding to 22 bits shows it. */
#include "base/image/resize_axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"

static const double PI = 3.14159265358979323846;

static double kernel_box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

static double kernel_bilinear(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic with a = -1/2. */
static double kernel_bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static double sinc(double x) {
    if (x == 0.0) return 1.0;
    x *= PI;
    return iad_sin(x) / x;
}

static double kernel_lanczos(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

void iad_axis_deinit(iad_axis *axis) {
    free(axis->first);
    free(axis->count);
    free(axis->weight);
    *axis = (iad_axis){0};
}

static iad_status axis_alloc(iad_axis *axis, int in, int out, int taps, iad_err *err) {
    *axis = (iad_axis){.in = in, .out = out, .taps = taps};
    axis->first = iad_alloc((size_t)out, sizeof *axis->first);
    axis->count = iad_alloc((size_t)out, sizeof *axis->count);
    axis->weight = iad_calloc((size_t)out * (size_t)taps, sizeof *axis->weight);
    if (axis->first && axis->count && axis->weight) return IAD_OK;
    iad_axis_deinit(axis);
    return IAD_NOMEM(err, "resize weights");
}

iad_status iad_axis_init(iad_axis *axis, int in, int out, iad_filter filter, iad_err *err) {
    *axis = (iad_axis){0};
    if (in < 1 || out < 1) return IAD_FAIL(err, IAD_ERR_ARG, "resize from %d to %d samples", in, out);
    if (in == out) {
        IAD_TRY(axis_alloc(axis, in, out, 1, err));
        for (int o = 0; o < out; o++) {
            axis->first[o] = o;
            axis->count[o] = 1;
            axis->weight[o] = 1 << IAD_RESIZE_BITS;
        }
        return IAD_OK;
    }

    double (*kernel)(double) = NULL;
    double radius = 0.0;
    switch (filter) {
    case IAD_FILTER_BOX: kernel = kernel_box, radius = 0.5; break;
    case IAD_FILTER_BILINEAR: kernel = kernel_bilinear, radius = 1.0; break;
    case IAD_FILTER_BICUBIC: kernel = kernel_bicubic, radius = 2.0; break;
    case IAD_FILTER_LANCZOS: kernel = kernel_lanczos, radius = 3.0; break;
    default: return IAD_FAIL(err, IAD_ERR_ARG, "filter %d has no weights", (int)filter);
    }

    double scale = (double)in / out;
    double stretch = scale < 1.0 ? 1.0 : scale; /* the filter widens when the picture shrinks: that is the antialias */
    double support = radius * stretch, shrink = 1.0 / stretch;
    int taps = (int)ceil(support) * 2 + 1;
    IAD_TRY(axis_alloc(axis, in, out, taps, err));
    double *w = iad_alloc((size_t)taps, sizeof *w);
    if (!w) {
        iad_axis_deinit(axis);
        return IAD_NOMEM(err, "resize weights");
    }
    for (int o = 0; o < out; o++) {
        double center = (o + 0.5) * scale;
        int lo = (int)(center - support + 0.5), hi = (int)(center + support + 0.5); /* toward zero, as Pillow */
        if (lo < 0) lo = 0;
        if (hi > in) hi = in;
        double sum = 0.0;
        for (int t = 0; t < hi - lo; t++) {
            w[t] = kernel((t + lo - center + 0.5) * shrink);
            sum += w[t];
        }
        int32_t *fixed = axis->weight + (size_t)o * (size_t)taps;
        for (int t = 0; t < hi - lo; t++) {
            if (sum != 0.0) w[t] /= sum;
            double scaled = w[t] * (1 << IAD_RESIZE_BITS);
            fixed[t] = (int32_t)(w[t] < 0 ? -0.5 + scaled : 0.5 + scaled);
        }
        axis->first[o] = lo;
        axis->count[o] = hi - lo;
    }
    free(w);
    return IAD_OK;
}

/* ---- packed forms ---- */

void iad_packed_axis_deinit(iad_packed_axis *packed) {
    free(packed->first);
    free(packed->count);
    free(packed->word);
    free(packed->block);
    *packed = (iad_packed_axis){0};
}

static void pack_bytes(const int32_t *w, uint32_t *word) {
    for (int t = 0; t < 4; t++) {
        /* w = d0 + 256 d1 + 65536 d2 with -128 <= d0, d1 <= 127; |w| < 1.5 * 2^22 keeps d2 in a byte as well. */
        int32_t rest = w[t];
        for (int k = 0; k < 3; k++) {
            int32_t digit = ((rest + 128) & 255) - 128;
            word[k] |= (uint32_t)(digit & 255) << (8 * t);
            rest = (rest - digit) / 256;
        }
    }
}

static void pack_pairs(const int32_t *w, uint32_t *word) {
    for (int t = 0; t < 4; t++) {
        int32_t low = ((w[t] + 2048) & 4095) - 2048, high = (w[t] - low) / 4096;
        int shift = t < 2 ? 0 : 16;
        uint32_t *pair = word + (t % 2) * 2;
        pair[0] |= ((uint32_t)low & 0xffffu) << shift;
        pair[1] |= ((uint32_t)high & 0xffffu) << shift;
    }
}

iad_status iad_packed_axis_init(iad_packed_axis *packed, const iad_axis *axis, iad_pack pack, iad_err *err) {
    size_t out = (size_t)axis->out, total = 0;
    *packed = (iad_packed_axis){.words = pack == IAD_PACK_BYTES ? 3 : 4};
    packed->first = iad_alloc(out, sizeof *packed->first);
    packed->count = iad_alloc(out, sizeof *packed->count);
    packed->word = iad_alloc(out, sizeof *packed->word);
    if (!packed->first || !packed->count || !packed->word) goto nomem;
    for (size_t o = 0; o < out; o++) {
        int first = axis->first[o] / 4, last = (axis->first[o] + axis->count[o] - 1) / 4;
        packed->first[o] = first;
        packed->count[o] = last - first + 1;
        if (packed->count[o] > packed->longest) packed->longest = packed->count[o];
        total += (size_t)packed->count[o];
    }
    packed->block = iad_calloc(total * (size_t)packed->words, sizeof *packed->block);
    if (!packed->block) goto nomem;
    uint32_t *word = packed->block;
    for (size_t o = 0; o < out; o++) {
        packed->word[o] = word;
        const int32_t *weight = axis->weight + o * (size_t)axis->taps;
        for (int q = 0; q < packed->count[o]; q++, word += packed->words) {
            int32_t four[4];
            for (int t = 0; t < 4; t++) {
                int tap = (packed->first[o] + q) * 4 + t - axis->first[o];
                four[t] = tap >= 0 && tap < axis->count[o] ? weight[tap] : 0;
            }
            if (pack == IAD_PACK_BYTES)
                pack_bytes(four, word);
            else
                pack_pairs(four, word);
        }
    }
    return IAD_OK;
nomem:
    iad_packed_axis_deinit(packed);
    return IAD_NOMEM(err, "resize weights");
}
