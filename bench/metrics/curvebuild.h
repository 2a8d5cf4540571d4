/* Collects the vertices of a curve and thins them evenly along the curve. Internal. */
#ifndef IAD_METRICS_CURVEBUILD_H
#define IAD_METRICS_CURVEBUILD_H

#include "bench/metrics/imagemetrics.h"

/* Use twice with the same vertices: first with curve NULL to measure the length, then to fill. */
typedef struct iad_curve_builder {
    iad_curve *curve;
    size_t cap;
    int thin;
    double length, step;  /* |dx| + |dy| summed; distance between kept vertices */
    double at[3];         /* last kept vertex: x, y, threshold */
    double held[3];       /* last vertex seen */
    size_t seen;          /* vertices seen */
    int held_free;        /* 1: held is not kept yet */
} iad_curve_builder;

/* Begins measuring. */
void iad_curve_measure(iad_curve_builder *builder);
/* Begins filling after measuring; max_points 0: keeps every vertex, else >= 8. */
iad_status iad_curve_begin(iad_curve_builder *builder, iad_curve *curve, size_t max_points, iad_err *err);
void iad_curve_vertex(iad_curve_builder *builder, double x, double y, double threshold);
/* Keeps the last vertex. */
void iad_curve_end(iad_curve_builder *builder);

#endif
