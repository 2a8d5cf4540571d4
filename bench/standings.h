/* An own result among the published ones: same data set, same number of exemplars, optionally the same setting. */
#ifndef IAD_BENCH_STANDINGS_H
#define IAD_BENCH_STANDINGS_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"
#include "manifests/leaderboard.h"

enum { IAD_STANDINGS_CELLS = 3 }; /* image_auroc, pixel_auroc, aupro */

typedef struct iad_standing {
    const char *method, *setting, *source; /* borrowed from the board or the result */
    char cell[IAD_STANDINGS_CELLS][32];    /* as printed; "(94.0)" for a figure recalled only, "-" when none was found */
    double order;                          /* image AUROC in percent, -1 when unknown */
    int own;
} iad_standing;

typedef struct iad_standings {
    iad_standing *rows; /* falling image AUROC */
    size_t n;
    char warning[300];  /* why the own row is not comparable, or "" */
} iad_standings;

/* "MVTec" or "VisA" for a data set's name in a manifest; NULL when nothing is published under a name like this. */
const char *iad_standings_dataset(const char *name);

/* dataset: published name; shots 0..; setting NULL: all. results and row (a summary row of it) NULL: published rows only. */
iad_status iad_standings_make(const iad_leaderboard *board, const char *dataset, int shots, const char *setting, const json_t *results,
                              const json_t *row, iad_standings *standings, iad_err *err);
void iad_standings_deinit(iad_standings *standings);

#endif
