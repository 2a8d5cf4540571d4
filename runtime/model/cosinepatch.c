#include "runtime/model/cosinepatch.h"

#include <math.h>
#include <stdlib.h>

#include "base/fmath.h"

static const double PI = 3.14159265358979323846;

/* Rows are orthonormal. */
static const double colours[3][3] = {{0.57735026918962576, 0.57735026918962576, 0.57735026918962576},
                                     {0.70710678118654752, 0, -0.70710678118654752},
                                     {0.40824829046386302, -0.81649658092772604, 0.40824829046386302}};

static double frequency(const iad_cosine_filter *f) { return sqrt((double)(f->v * f->v + f->h * f->h)); }

/* Root mean square of a coefficient over normalised photographs: the mean apart, amplitudes fall as 1 / frequency; colour has a fifth of them. */
static double usual_size(const iad_cosine_filter *f) {
    double at = frequency(f);
    if (at == 0) return f->colour == 0 ? 20 : 4;
    return (f->colour == 0 ? 2.6 : 0.5) / at;
}

/* Fine colour is worth less than fine luminance: it stands further back. */
static double place(const iad_cosine_filter *f) { return (frequency(f) + 0.7) * (f->colour == 0 ? 1 : 2.2); }

static int by_place(const void *a, const void *b) {
    const iad_cosine_filter *x = a, *y = b;
    double p = place(x), q = place(y);
    if (p != q) return p < q ? -1 : 1;
    if (x->colour != y->colour) return x->colour - y->colour;
    return x->v != y->v ? x->v - y->v : x->h - y->h;
}

iad_status iad_cosine_filters(const iad_vision_config *v, iad_cosine_filter *filters, iad_err *err) {
    iad_cosine_filter all[IAD_COSINE_MAX_FILTERS];
    if (v->in_channels != 3 || v->patch < 1 || 3 * v->patch * v->patch > IAD_COSINE_MAX_FILTERS)
        return IAD_FAIL(err, IAD_ERR_ARG, "cosine patches want 3 channels and patches of at most 32 x 32, not %d and %d x %d", v->in_channels,
                        v->patch, v->patch);
    int n = 0;
    for (int colour = 0; colour < 3; colour++)
        for (int y = 0; y < v->patch; y++)
            for (int x = 0; x < v->patch; x++) all[n++] = (iad_cosine_filter){.colour = colour, .v = y, .h = x};
    if (v->hidden > n)
        return IAD_FAIL(err, IAD_ERR_ARG, "a patch of %d x %d has %d cosine coefficients, too few for a tower of width %d", v->patch, v->patch, n,
                        v->hidden);
    qsort(all, (size_t)n, sizeof *all, by_place);
    for (int i = 0; i < v->hidden; i++) {
        filters[i] = all[i];
        filters[i].gain = 1 / (usual_size(&all[i]) + 0.05); /* what hardly ever occurs is mostly noise */
    }
    return IAD_OK;
}

static double wave(int frequency_of, int at, int patch) {
    return iad_cos(PI * (at + 0.5) * frequency_of / patch) * sqrt((frequency_of ? 2.0 : 1.0) / patch);
}

void iad_cosine_patch(const iad_vision_config *v, const iad_cosine_filter *filters, uint64_t first, size_t n, float *dst) {
    uint64_t side = (uint64_t)v->patch, plane = side * side, picture = plane * (uint64_t)v->temporal;
    for (size_t i = 0; i < n; i++) {
        uint64_t e = first + i;
        const iad_cosine_filter *f = &filters[e / (picture * 3)];
        int channel = (int)(e / picture % 3), y = (int)(e / side % side), x = (int)(e % side);
        /* a still picture stands in all frames */
        dst[i] = (float)(colours[f->colour][channel] * wave(f->v, y, v->patch) * wave(f->h, x, v->patch) * f->gain / v->temporal);
    }
}
