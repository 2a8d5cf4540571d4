#include "bench/metrics/curvebuild.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void iad_curve_measure(iad_curve_builder *b) { *b = (iad_curve_builder){0}; }

iad_status iad_curve_begin(iad_curve_builder *b, iad_curve *curve, size_t max_points, iad_err *err) {
    if (max_points && max_points < 8) return IAD_FAIL(err, IAD_ERR_ARG, "a curve needs at least 8 points, not %zu", max_points);
    size_t cap = max_points && max_points < b->seen ? max_points : b->seen;
    /* Each kept step may keep the vertex in front of it as well; the ends come on top. */
    double step = max_points && max_points < b->seen ? b->length / (double)(max_points / 2 - 2) : 0;
    *b = (iad_curve_builder){.curve = curve, .cap = cap, .step = step, .thin = step > 0};
    *curve = (iad_curve){0, iad_alloc(cap, sizeof(double)), iad_alloc(cap, sizeof(double)), iad_alloc(cap, sizeof(double))};
    if (curve->x && curve->y && curve->threshold) return IAD_OK;
    iad_curve_deinit(curve);
    return IAD_NOMEM(err, "curve");
}

static void keep(iad_curve_builder *b, const double v[3]) {
    iad_curve *c = b->curve;
    if (c->n == b->cap) c->n--; /* cannot happen with the step above; the end of the curve is worth most */
    c->x[c->n] = v[0];
    c->y[c->n] = v[1];
    c->threshold[c->n++] = v[2];
    memcpy(b->at, v, sizeof b->at);
}

static double far(const double a[3], const double b[3]) { return fabs(a[0] - b[0]) + fabs(a[1] - b[1]); }

void iad_curve_vertex(iad_curve_builder *b, double x, double y, double threshold) {
    const double v[3] = {x, y, threshold};
    if (b->seen) b->length += far(v, b->held);
    if (b->curve) {
        if (!b->seen || !b->thin || far(v, b->at) >= b->step) {
            if (b->held_free && far(v, b->held) > b->step / 4) keep(b, b->held); /* the corner in front of a long edge */
            keep(b, v);
            b->held_free = 0;
        } else {
            b->held_free = 1;
        }
    }
    memcpy(b->held, v, sizeof b->held);
    b->seen++;
}

void iad_curve_end(iad_curve_builder *b) {
    if (b->curve && b->held_free) keep(b, b->held);
    b->held_free = 0;
}

void iad_curve_deinit(iad_curve *curve) {
    free(curve->x);
    free(curve->y);
    free(curve->threshold);
    *curve = (iad_curve){0};
}
