/* The inside of the merge, shared by merge*.c. */
#ifndef IAD_MANIFESTS_MERGE_ROWS_H
#define IAD_MANIFESTS_MERGE_ROWS_H

#include "manifests/merge.h"
#include "manifests/query.h"

/* ids there -> ids here, 0 for rows that were left out; sorted by the first, because rows are visited in that order. */
typedef struct iad_id_map {
    struct {
        int64_t from, to;
    } * pairs;
    size_t n, cap;
} iad_id_map;

enum {
    IAD_MAP_DATASET = 0,
    IAD_MAP_CATEGORY,
    IAD_MAP_IMAGE,
    IAD_MAP_MASK,
    IAD_MAP_TEMPLATE,
    IAD_MAP_SYNTH,
    IAD_MAP_RUN,
    IAD_MAP_SET,
    IAD_MAP_TASK,
    IAD_MAP_QUERY,
    IAD_MAP_PAGE,
    IAD_MAP_URL,
    IAD_MAP_PICTURE,
    IAD_MAP_HIT,
    IAD_N_MAPS
};
#define IAD_MERGE_LETTERS "dcimtsrekqpufh" /* one per map, in this order */

typedef struct iad_merge_state {
    iad_manifest *into, *from;
    const iad_merge_options *options;
    iad_merge_counts *counts;
    iad_id_map maps[IAD_N_MAPS];
} iad_merge_state;

iad_status iad_merge_map_add(iad_merge_state *state, int map, int64_t from, int64_t to, iad_err *err);
/* 0 for 0, for unknown ids and for rows that were left out. */
int64_t iad_merge_map_get(const iad_merge_state *state, int map, int64_t from);

void iad_merge_conflict(iad_merge_state *state, const char *item, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Copies columns first..last of the present row of `row` into an INSERT here. kinds[i] is one character per copied
 * column: '.' as it is, a letter for an id to be mapped: d data set, c category, i image, m mask, t template, s synth,
 * r run, e exemplar set, k task, q p u f h the
 * crawl's queries, pages, urls, pictures, hits. *id is the new row. 0 in *whole when a reference that is set there has no row here:
 * nothing is inserted. */
iad_status iad_merge_copy(iad_merge_state *state, iad_query *row, int first, const char *kinds, const char *table,
                          const char *insert, int64_t *id, int *whole, iad_err *err);

/* A table whose rows are the same when some columns are: how to look a row up here, and how to copy it. */
typedef struct iad_merge_kind {
    const char *table;
    int map;            /* which id map gets the row, -1: none */
    const char *select; /* there: id, then the columns in the order of the insert */
    const char *kinds;  /* see iad_merge_copy */
    const char *insert;
    const char *find;    /* here: SELECT id [, compared value] WHERE ... ; its parameters are columns of the row */
    const char *find_by; /* indices of those columns within kinds, as letters 'a' = 0 */
    int compare;         /* column (index within kinds) that must agree, -1: none */
} iad_merge_kind;
iad_status iad_merge_table(iad_merge_state *state, const iad_merge_kind *kind, iad_err *err);

/* merge_pictures.c */
iad_status iad_merge_datasets(iad_merge_state *state, iad_err *err);
iad_status iad_merge_categories(iad_merge_state *state, iad_err *err);
iad_status iad_merge_images(iad_merge_state *state, iad_err *err);
iad_status iad_merge_masks(iad_merge_state *state, iad_err *err);
iad_status iad_merge_annotations(iad_merge_state *state, iad_err *err);
/* merge_texts.c */
iad_status iad_merge_texts(iad_merge_state *state, iad_err *err);
iad_status iad_merge_sets(iad_merge_state *state, iad_err *err);
iad_status iad_merge_tasks(iad_merge_state *state, iad_err *err);
/* merge_crawl.c */
iad_status iad_merge_crawl(iad_merge_state *state, iad_err *err);
/* merge_annotate.c */
iad_status iad_merge_annotate(iad_merge_state *state, iad_err *err);

#endif
