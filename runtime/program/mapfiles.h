/* What a map gives once the scale of the run is known: boxes, a 16-bit picture, an overlay. */
#ifndef IAD_PROGRAM_MAPFILES_H
#define IAD_PROGRAM_MAPFILES_H

#include "runtime/program/inspectrecord.h"

typedef struct iad_map_output {
    const char *map_dir, *overlay_dir; /* NULL: not wanted */
    double box_threshold;              /* of the map scaled to 0..1 by the run's range */
    float lo, hi;                      /* the range */
    int has_threshold;
    double threshold;                  /* of the score; decides the colour of the overlay's label */
} iad_map_output;

/* Fills record->boxes and writes map_dir/<name>.png and overlay_dir/<name>.jpg. Nothing is written for a record without a map. Thread-safe.
 * The 16-bit value of a map is round(65535 * clamp((v - lo) / (hi - lo))). */
iad_status iad_record_finish(iad_record *record, const iad_map_output *output, iad_err *err);

/* Appends this record's entry of maps.json. */
iad_status iad_map_entry(const iad_record *record, int first, iad_buf *out, iad_err *err);
/* Writes map_dir/maps.json around the entries: the range, how to get values back, every map's exact values. */
iad_status iad_map_sidecar(const iad_map_output *output, const char *range, const char *key, const iad_buf *entries, iad_err *err);

#endif
