/* The writing half of ingest: one picture or one question into the open transaction. Single thread. */
#ifndef IAD_MANIFESTS_INGEST_WRITE_H
#define IAD_MANIFESTS_INGEST_WRITE_H

#include "manifests/ingest/ingest.h"
#include "manifests/ingest/ingest_known.h"
#include "manifests/ingest/ingest_picture.h"
#include "manifests/records.h"

typedef struct iad_ingest_writer {
    iad_manifest *manifest;
    int64_t dataset_id;
    const char *default_part; /* of questions that do not say */
    const iad_ingest_list *list;
    iad_ingest_result *result;
    struct iad_writer_category {
        const char *name; /* in the list's arena */
        int64_t id;
    } *categories;
    size_t n_categories, cap_categories;
} iad_ingest_writer;

void iad_ingest_writer_deinit(iad_ingest_writer *writer);

/* A picture that was read: adds or updates its row, masks, boxes, splits. known: its row before, NULL for a new one. */
iad_status iad_ingest_write_picture(iad_ingest_writer *writer, const iad_ingest_entry *entry, iad_picture *picture,
                                    const iad_known_picture *known, iad_err *err);
/* A picture that was not read: brings the facts of its row up to date. *label: what the row says (for the counts). */
iad_status iad_ingest_write_known(iad_ingest_writer *writer, const iad_ingest_entry *entry, const iad_known_picture *known, iad_label *label,
                                  iad_err *err);
/* *why (static text or NULL): why the question cannot be stored. */
iad_status iad_ingest_write_task(iad_ingest_writer *writer, const iad_ingest_question *question, const char **why, iad_err *err);
/* After the last picture: categories learn whether all their pictures are grey. */
iad_status iad_ingest_write_grey(iad_ingest_writer *writer, iad_err *err);

#endif
