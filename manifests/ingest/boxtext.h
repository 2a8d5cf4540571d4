/* Boxes in small text files, one box a line: "x0 y0 x1 y1 [type]", numbers separated by spaces, tabs or commas. */
#ifndef IAD_MANIFESTS_BOXTEXT_H
#define IAD_MANIFESTS_BOXTEXT_H

#include <stddef.h>

#include "base/status.h"
#include "manifests/ingest/adapter.h"

#define IAD_BOXTEXT_MAX_BYTES (1u << 20)
#define IAD_BOXTEXT_MAX_BOXES 10000u

typedef struct iad_boxtext {
    iad_ingest_box *items; /* owned; names point into `text` */
    size_t n, cap;
    char *text;
} iad_boxtext;

/* Corners are inclusive pixels, in any order; x1 and y1 become exclusive. `names` (may be NULL): names of the types 1, 2, ...
 * separated by commas; a type without a name there stays as it is written. Blank lines are skipped.
 * Errors: IAD_ERR_FORMAT with the line, IAD_ERR_LIMIT, IAD_ERR_NOMEM. Free with iad_boxtext_deinit in every case. */
iad_status iad_boxtext_parse(iad_boxtext *boxes, const char *text, size_t n, const char *names, const char *file, iad_err *err);
void iad_boxtext_deinit(iad_boxtext *boxes);

#endif
