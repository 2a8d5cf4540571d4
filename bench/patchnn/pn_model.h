/* The model's inside: bank, probe (a turned and described query) and the two distance maps. Tests and experiments use it. */
#ifndef IAD_BENCH_PATCHNN_PN_MODEL_H
#define IAD_BENCH_PATCHNN_PN_MODEL_H

#include "bench/patchnn/patchnn.h"
#include "bench/patchnn/pn_align.h"
#include "bench/patchnn/pn_search.h"
#include "bench/patchnn/pn_space.h"

/* One exemplar. */
typedef struct iad_pn_exemplar {
    int width, height;            /* working picture */
    int grid_width, grid_height;
    double step_x, step_y;
    iad_pn_bank bank;             /* [grid_height][grid_width] */
} iad_pn_exemplar;

struct iad_patchnn {
    iad_pn_params params;
    const iad_pn_kernels *kernels;
    iad_pn_fft fft;
    int n, n_planes;
    double alignment;             /* 0..1: how far the exemplars agree in layout; 0 for a single one */
    iad_pn_space space;
    iad_pn_template *templates;   /* [n] */
    iad_pn_exemplar *exemplars;   /* [n] */
};

iad_status iad_patchnn_new_with(const iad_image *exemplars, int n, const iad_pn_params *params, int force_scalar, iad_patchnn **out,
                                iad_err *err);

/* Distances of every grid cell of a query, in units of normal variation. */
typedef struct iad_pn_maps {
    int width, height;
    float *anywhere;    /* to the nearest patch of any exemplar, owned */
    float *in_place;    /* to the nearest patch at the aligned position; = anywhere where nothing is aligned, owned */
    double alignment;   /* 0..1: how much the place says */
    double correlation[IAD_PATCHNN_MAX_EXEMPLARS];
    double degrees[IAD_PATCHNN_MAX_EXEMPLARS];
} iad_pn_maps;

iad_status iad_pn_maps_init(const iad_patchnn *model, const iad_image *query, iad_pn_maps *maps, iad_err *err);
void iad_pn_maps_deinit(iad_pn_maps *maps);

/* 0 below low, 1 above high, smooth between. */
double iad_pn_ramp(double v, double low, double high);

#endif
