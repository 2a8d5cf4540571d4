/* report.html: one self-contained file that shows a result to a person. */
#ifndef IAD_BENCH_REPORT_H
#define IAD_BENCH_REPORT_H

#include <jansson.h>

#include "base/status.h"

typedef struct iad_report_options {
    int gallery;        /* pictures per category in the gallery, 0: 12 */
    int worst;          /* worst misses and false alarms per category, 0: 4 */
    int thumb;          /* pixels of a thumbnail's longer side, 0: 200 */
    const char *manifest; /* manifest with the pictures, NULL: the one named in the results */
    const char *title;  /* NULL: made from the data sets */
} iad_report_options;

/* Writes `path` atomically from results (bench/results.h) and the map caches below out_dir (bench/metrics/mapcache.h, found by
 * iad_runner_unit_path's rule). Pictures or maps that cannot be read are replaced by a box that says so. options may be NULL. */
iad_status iad_report_write(const json_t *results, const char *out_dir, const char *path, const iad_report_options *options, iad_err *err);

#endif
