/* Where the lines of an inspection go, and how they survive an interruption.
 *
 * On stdout, lines come at once when the range of maps is fixed, else at the end. A file (--out) is its own journal: each finished picture
 * is appended at once with its exact map and without boxes; at the end of a run the whole file is written anew with the boxes of the final
 * range, under another name, then renamed. Opened again, finished pictures are kept, failed ones and a torn last line dropped. */
#ifndef IAD_PROGRAM_INSPECTOUT_H
#define IAD_PROGRAM_INSPECTOUT_H

#include <stdio.h>

#include "base/log.h"
#include "runtime/program/inspectrecord.h"
#include "runtime/program/mapfiles.h"

typedef struct iad_inspect_out_options {
    const iad_log *log;
    const char *path;      /* NULL: stdout */
    const char *range;     /* "run", "calibration", "LO:HI" */
    float calibration_lo, calibration_hi; /* lo > hi: there is none */
    iad_record_context context;
    iad_map_output map;    /* lo, hi and the threshold are filled in here */
    int threads;
} iad_inspect_out_options;

typedef struct iad_inspect_out {
    iad_inspect_out_options options;
    int open, fixed;       /* fixed: the range is known */
    FILE *journal;
    iad_record *records;   /* kept for the end; those of an earlier run first */
    size_t n, cap, n_old;
    char **known;          /* files of the earlier run, sorted, borrowed */
    iad_buf line, entries, errors;
    size_t n_entries, spoiled;
    FILE *final;
} iad_inspect_out;

iad_status iad_inspect_out_open(iad_inspect_out *out, const iad_inspect_out_options *options, iad_err *err);
/* 1 when the file holds this picture's result already. */
int iad_inspect_out_has(const iad_inspect_out *out, const char *path);
/* Takes the record over (it is empty afterwards). */
iad_status iad_inspect_out_add(iad_inspect_out *out, iad_record *record, iad_err *err);
iad_status iad_inspect_out_error(iad_inspect_out *out, const char *path, const char *message, iad_err *err);
/* Boxes, maps, overlays, lines. *spoiled: pictures whose map or overlay could not be written (logged). */
iad_status iad_inspect_out_finish(iad_inspect_out *out, size_t *spoiled, iad_err *err);
void iad_inspect_out_close(iad_inspect_out *out);

#endif
