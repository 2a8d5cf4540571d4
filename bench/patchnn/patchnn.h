/* A training-free anomaly scorer: classical multi-scale patch descriptors, exact nearest neighbour in the
 * bank of a few normal pictures. No weights, no training, no parameters per category.
 *
 * The model object is immutable after iad_patchnn_new: any number of threads may score with it at the same
 * time; all scratch belongs to the call. The same pictures give the same bytes for any number of threads.
 * The method, with what was tried and what failed, is described in bench/patchnn/README.md. */
#ifndef IAD_BENCH_PATCHNN_PATCHNN_H
#define IAD_BENCH_PATCHNN_PATCHNN_H

#include "base/image/image.h"
#include "base/status.h"

/* Goes into every stored result: it changes whenever scores or maps change. */
#define IAD_PATCHNN_VERSION "patchnn-1"

#define IAD_PATCHNN_MAX_EXEMPLARS 64

typedef struct iad_patchnn iad_patchnn;

/* Zero means the default; NULL options mean all defaults. */
typedef struct iad_patchnn_options {
    int work_side;   /* pixels of the working picture's side (square root of its area); 0: the default */
    int force_scalar; /* 1: only the plain C kernels (the oracle in tests); 0: the best the CPU has */
} iad_patchnn_options;

/* Builds the bank from n exemplars (1..IAD_PATCHNN_MAX_EXEMPLARS normal pictures of any sizes, 1 or 3 channels, mixed
 * freely). The pictures are not kept. opts may be NULL. *out is freed by iad_patchnn_free.
 * Errors: IAD_ERR_ARG (n, a picture without pixels, an option), IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_patchnn_new(const iad_image *exemplars, int n, const iad_patchnn_options *opts, iad_patchnn **out,
                           iad_err *err);

/* NULL is allowed. */
void iad_patchnn_free(iad_patchnn *model);

/* Scores one query picture (any size, 1 or 3 channels).
 * *score: higher is more anomalous, >= 0, unbounded, comparable between queries of one model.
 * *map (initialised here, freed by the caller with iad_plane_deinit; NULL: not wanted): the working grid, NOT the query's size.
 *   It covers the whole query: cell (x, y) of a w x h map stands for the query's pixels [x, x+1) * width / w, [y, y+1) * height / h,
 *   so a half-pixel-centred resampling (align_corners = 0) brings it to any geometry. Values are distances on the score's scale.
 * Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
iad_status iad_patchnn_score(const iad_patchnn *model, const iad_image *query, double *score, iad_plane *map,
                             iad_err *err);

#endif
