/* Reading picture rows out of any query. For the library's own files. */
#ifndef IAD_MANIFESTS_RECORDS_IMAGE_H
#define IAD_MANIFESTS_RECORDS_IMAGE_H

#include "manifests/query.h"
#include "manifests/records.h"

/* The columns that iad_image_read expects first, in this order; the table must be called i. */
#define IAD_IMAGE_COLUMNS                                                                                              \
    "i.id,i.dataset_id,i.category_id,i.path,i.sha256,i.pixel_sha256,i.phash,i.phash_turns,i.bytes,i.mtime_ns,i.width," \
    "i.height,i.channels,i.depth,i.format,i.source_split,i.part,i.label,i.defect,i.object_key,i.view,i.light,"         \
    "i.exemplar_ok,i.source_url,i.licence,i.dup_of,i.bad,i.bad_reason,i.note"
#define IAD_IMAGE_N_COLUMNS 29

/* The present row; strings go into the arena. Errors: IAD_ERR_FORMAT (a damaged row), IAD_ERR_NOMEM. */
iad_status iad_image_read(iad_query *q, iad_arena *arena, iad_image_row *row, iad_err *err);

#endif
