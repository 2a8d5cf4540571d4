/* What the benchmark can measure: a scorer takes a few normal pictures and then gives each query a score and a map. */
#ifndef IAD_BENCH_SCORER_H
#define IAD_BENCH_SCORER_H

#include "base/image/image.h"
#include "base/status.h"

typedef struct iad_scorer {
    const char *name, *summary;
    const char *version; /* stored with every result; changes whenever scores may change */
    /* exemplars[n] normal pictures, n >= 1, not kept. The model is immutable: score may be called from many threads. */
    iad_status (*prepare)(const iad_image *exemplars, int n, void **model, iad_err *err);
    /* *score: higher is more anomalous. *map: initialised here, covers the whole query in any resolution. */
    iad_status (*score)(const void *model, const iad_image *query, double *score, iad_plane *map, iad_err *err);
    void (*release)(void *model); /* NULL is fine */
} iad_scorer;

/* IAD_ERR_ARG lists the names there are. */
iad_status iad_scorer_find(const char *name, const iad_scorer **scorer, iad_err *err);

#endif
