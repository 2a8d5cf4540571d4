/* Speed of the pixel metrics beside scikit-learn on the same synthetic maps. */
#ifndef IAD_SPEED_METRICS_H
#define IAD_SPEED_METRICS_H

#include <stdio.h>

#include "base/status.h"

/* Makes n_maps (0: 115) synthetic maps of size x size (0: 518), about 1.1 % defect pixels, in a temporary folder, times our
 * exact metrics, then scikit-learn's roc_auc_score on the same bytes through `python` (NULL: not run), and prints a table
 * with ns per pixel, extra peak memory and ratios. Errors: IAD_ERR_ARG, IAD_ERR_IO, IAD_ERR_NOMEM; a Python that cannot run
 * is reported in the table, not an error. */
iad_status iad_speed_metrics(FILE *out, const char *python, int n_maps, int size, iad_err *err);

#endif
