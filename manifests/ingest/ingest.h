/* The ingest engine: what an adapter finds becomes rows of the manifest.
 *
 * Scan -> list -> [read, SHA-256, decode, pixel hash, perceptual hashes, masks] on worker threads -> one writer, in the order of the
 * scan, in transactions of a second. The rows (ids too) are the same for any number of threads, and after any interruption: the
 * same call goes on where the last one stopped. See README.md in this folder. */
#ifndef IAD_MANIFESTS_INGEST_H
#define IAD_MANIFESTS_INGEST_H

#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "manifests/ingest/adapter.h"
#include "manifests/ingest/ingest_counts.h"
#include "manifests/ingest/ingest_list.h"
#include "manifests/manifest.h"

typedef struct iad_ingest_options {
    const iad_adapter *adapter; /* required */
    const char *root;           /* required: a folder */
    json_t *adapter_options;    /* object of texts, borrowed, or NULL */
    const char *name;           /* of the data set; NULL: the adapter's name, the folder's for generic adapters */
    const char *licence, *origin, *eval_overlap, *version; /* NULL: what the adapter says */
    int threads;                /* 1..256; 0 means 1 */
    size_t limit;               /* first so many pictures of the scan; 0: all */
    int rehash;                 /* 1: read every file again, whatever its size and time say */
    int any_count;              /* 1: more, or other labels, than were published are fine */
    int dry_run;                /* 1: scan and count only; the manifest may be NULL */
    const atomic_int *stop;     /* may be NULL */
    const iad_ingest_news *news; /* may be NULL */
    void (*progress)(void *user, size_t done, size_t total, size_t troubled); /* after every picture, in order; may be NULL */
    void *progress_user;
} iad_ingest_options;

typedef struct iad_ingest_result {
    const iad_adapter *facts;  /* the data set as recognised: the adapter, or what it resolved to */
    char name[256];            /* of the data set */
    size_t pictures;           /* found by the scan (after the limit) */
    size_t added, changed, same; /* same: the row was right already */
    size_t not_read;           /* of `same` and `changed`: size and time said that the file need not be read */
    size_t bad;                /* pictures of the scan whose row is bad, also from earlier runs */
    size_t masks, masks_failed; /* ground truths stored in this run; ground truths that could not be read */
    size_t refused, rejected;  /* paths that leave the root; broken records, missing files */
    size_t repeated;           /* named a second time by the source */
    size_t gone;               /* rows of the data set that the scan did not meet (not with a limit) */
    size_t tasks_added, tasks_same;
    uint64_t bytes;            /* read */
    iad_counts counts;
} iad_ingest_result;

/* Runs. `result` is filled as far as the run came, also on failure; free it with iad_ingest_result_deinit.
 * Errors: IAD_ERR_ARG (options), IAD_ERR_NOT_FOUND (root, or no picture of this layout in it), IAD_ERR_FORMAT (extra labels; a broken
 * list), IAD_ERR_INTERRUPTED (everything up to the last finished picture is stored), IAD_ERR_IO / IAD_ERR_DB (disk full, read-only: the
 * open transaction is lost). Pictures that are broken or refused are no error: see the counters. */
iad_status iad_ingest_run(iad_manifest *manifest, const iad_ingest_options *options, iad_ingest_result *result, iad_err *err);
void iad_ingest_result_deinit(iad_ingest_result *result);

#endif
