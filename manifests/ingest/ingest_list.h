/* Everything that an adapter delivered, copied: the work list of one ingest run. */
#ifndef IAD_MANIFESTS_INGEST_LIST_H
#define IAD_MANIFESTS_INGEST_LIST_H

#include <stddef.h>

#include "manifests/arena.h"
#include "manifests/ingest/adapter.h"
#include "manifests/ingest/scan_set.h"

#define IAD_INGEST_MAX_ITEMS 50000000u

/* What became of a picture or record that cannot be used. */
typedef enum iad_ingest_trouble {
    IAD_INGEST_REFUSED = 0, /* its path leaves the root, or is not UTF-8 */
    IAD_INGEST_REJECTED,    /* broken record, file that is not there or cannot be read */
    IAD_INGEST_BAD          /* stored as a bad picture, or its mask cannot be decoded */
} iad_ingest_trouble;

/* Who hears of it at once. */
typedef struct iad_ingest_news {
    void *user;
    void (*trouble)(void *user, iad_ingest_trouble what, const char *name, const char *reason); /* may be NULL */
    void (*remark)(void *user, const char *text);                                               /* may be NULL */
} iad_ingest_news;

typedef struct iad_ingest_entry {
    iad_ingest_item item;  /* strings in the arena; mask_values is not kept */
    const char *value_map; /* canonical JSON of mask_values, NULL */
} iad_ingest_entry;

typedef struct iad_ingest_question {
    iad_ingest_task task; /* `turns` is not kept */
    const char *turns;    /* canonical JSON, NULL */
} iad_ingest_question;

typedef struct iad_ingest_list {
    iad_ingest_entry *items;
    size_t n, cap;
    iad_ingest_question *tasks;
    size_t n_tasks, cap_tasks;
    size_t refused, rejected, repeated; /* repeated: a path that was delivered before; the first one counts */
    const iad_ingest_news *news;
    iad_arena arena;
    iad_scan_set paths;
    json_t *last_values; /* owned; with last_map the translation of the newest mask_values */
    const char *last_map;
} iad_ingest_list;

/* news may be NULL. */
void iad_ingest_list_init(iad_ingest_list *list, const iad_ingest_news *news);
void iad_ingest_list_deinit(iad_ingest_list *list);

/* A sink that fills the list. Unsafe paths and texts that are not UTF-8 are refused by name here. */
iad_ingest_sink iad_ingest_list_sink(iad_ingest_list *list);

/* Counts and passes on. */
void iad_ingest_list_trouble(iad_ingest_list *list, iad_ingest_trouble what, const char *name, const char *reason);

#endif
