/* The figures of a run as its metrics.jsonl has them (steplog.h): one JSON object per step. */
#ifndef IAD_TRAIN_CURVEDATA_H
#define IAD_TRAIN_CURVEDATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum iad_curve_metric {
    IAD_CURVE_LOSS = 0,
    IAD_CURVE_CE,
    IAD_CURVE_FOCAL,
    IAD_CURVE_DICE,
    IAD_CURVE_ACCURACY,
    IAD_CURVE_GRAD_NORM,
    IAD_CURVE_RATE,
    IAD_CURVE_TOKENS,      /* per second */
    IAD_CURVE_FLOPS,       /* per second */
    IAD_CURVE_SECONDS,
    IAD_CURVE_EVAL_CE,     /* these at some steps only */
    IAD_CURVE_EVAL_FOCAL,
    IAD_CURVE_EVAL_DICE,
    IAD_CURVE_EVAL_ACCURACY,
    IAD_CURVE_METRICS
} iad_curve_metric;

enum { IAD_CURVE_MAX_STEPS = 20000000, IAD_CURVE_MAX_RUNS = 64, IAD_CURVE_MAX_LINE = 1 << 16 };
#define IAD_CURVE_MAX_BYTES ((size_t)4 << 30)
#define IAD_CURVE_LAST_STEP ((int64_t)1 << 53) /* exact as a double */

/* The member's name in the file, "loss". */
const char *iad_curve_key(iad_curve_metric metric);

typedef struct iad_curve_run {
    char *name;            /* owned */
    int64_t stage;         /* of the first step; 0 when the file does not say */
    int64_t *step;         /* [n] rising */
    double *value[IAD_CURVE_METRICS]; /* [n], NaN where the file has none or null; NULL when it is nowhere */
    size_t n;
    double samples, skipped; /* sums */
} iad_curve_run;

/* path: a metrics.jsonl, or a folder with one. name NULL: the folder's name. A last line that is torn (no newline, no JSON) is left out; any other
 * line that is not an object with a rising "step" and numbers (or null) for the keys above is IAD_ERR_FORMAT with file and line. Keys beyond those
 * are ignored. IAD_ERR_FORMAT also for a file without a step. */
iad_status iad_curve_run_load(const char *path, const char *name, iad_curve_run *run, iad_err *err);
/* The same over n bytes; `where` stands for the file. */
iad_status iad_curve_run_parse(const char *text, size_t n, const char *where, const char *name, iad_curve_run *run, iad_err *err);
void iad_curve_run_deinit(iad_curve_run *run);

#endif
