/* A set of anomaly maps with their masks, whatever holds them: memory, a memory-mapped cache, or files.
 * Pictures of one set may differ in size. Scores are used exactly as they are: never scaled, clamped or squashed. */
#ifndef IAD_METRICS_MAPSET_H
#define IAD_METRICS_MAPSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_MAPSET_MAX_PICTURES 4000000u

/* One picture at evaluation size. */
typedef struct iad_map_view {
    const float *map;    /* [height][width], higher = more anomalous; NaN and Inf are refused by every metric */
    const uint8_t *mask; /* [height][width], non-zero = defect; NULL = no defect pixel */
    int width, height;   /* >= 1 */
    int label;           /* 0 normal, 1 anomalous, -1 unknown: 1 iff the mask has a defect pixel */
    int source_regions;  /* connected regions of the mask before it was brought to evaluation size, -1 unknown */
    const char *name;    /* for messages; NULL: the index is used */
    void *hold;          /* whatever release() needs, NULL if nothing */
    int skip_mask;       /* set by the caller BEFORE get(): 1 = mask is not looked at, the source may leave it NULL */
} iad_map_view;

/* get() fills a view that is zero but for skip_mask, for picture index 0..count-1; its pointers stay valid until release()
 * (which may be NULL). Every picture is asked for several times. With n_threads > 1 both are called from several threads
 * at once. */
typedef struct iad_map_source {
    void *ctx;
    size_t count;
    iad_status (*get)(void *ctx, size_t index, iad_map_view *view, iad_err *err);
    void (*release)(void *ctx, iad_map_view *view);
} iad_map_source;

/* A source over an array of views that the caller keeps alive. */
iad_map_source iad_map_source_array(const iad_map_view *views, size_t count);

/* A source over the pictures `index[0..count)` of another one (a category, a defect type). All kept by the caller. */
typedef struct iad_map_subset {
    const iad_map_source *base;
    const size_t *index;
} iad_map_subset;
iad_map_source iad_map_source_subset(iad_map_subset *subset, size_t count);

#endif
