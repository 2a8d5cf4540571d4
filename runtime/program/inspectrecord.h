/* One inspected picture: as it is kept during a run, and as a line of JSON. */
#ifndef IAD_PROGRAM_INSPECTRECORD_H
#define IAD_PROGRAM_INSPECTRECORD_H

#include "base/buf.h"
#include "runtime/iadgpt.h"

enum { IAD_RECORD_MAX_BOXES = 8, IAD_RECORD_MAX_GRID = 1 << 22 };

typedef struct iad_record {
    char *file, *name;     /* owned; see iad_picture_list */
    char *words, *finish;  /* owned; of --explain, or NULL */
    double score;
    float logit_yes, logit_no;
    int source_w, source_h, resized_w, resized_h, grid_w, grid_h; /* grid 0, 0: there is no map */
    float *grid;           /* [grid_h][grid_w] anomaly map, owned */
    float lo, hi;          /* its extremes */
    int batch;
    iadgpt_timings timings;
    int finished;          /* 1: boxes are known */
    int n_boxes;
    iadgpt_box boxes[IAD_RECORD_MAX_BOXES];
} iad_record;
void iad_record_deinit(iad_record *record);

/* What all lines of a run share. */
typedef struct iad_record_context {
    const char *key;       /* of the exemplar set */
    int has_threshold;
    double threshold;
    int raw_map;           /* 1: the line carries the map's values (base64 of little-endian f32) */
} iad_record_context;

/* Copies what a call gave. */
iad_status iad_record_fill(iad_record *record, const char *file, const char *name, const iadgpt_result *result, int batch, iad_err *err);
/* Appends the line with its line end. */
iad_status iad_record_write(const iad_record *record, const iad_record_context *context, iad_buf *out, iad_err *err);
/* {"file": .., "error": ..} */
iad_status iad_record_write_error(const char *file, const char *message, iad_buf *out, iad_err *err);
/* Reads a line back. *error = 1 for the line of a picture that failed (the record is empty then). key: must be the line's, IAD_ERR_EXISTS
 * otherwise. IAD_ERR_FORMAT: not a line of ours. */
iad_status iad_record_read(const char *line, size_t n, const char *where, const char *key, iad_record *record, int *error, iad_err *err);

#endif
