#include "manifests/ingest/ingest.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/progress.h"
#include "manifests/ingest/ingest_known.h"
#include "manifests/ingest/ingest_picture.h"
#include "manifests/ingest/ingest_write.h"
#include "manifests/ingest/scan.h"

#define BATCH_ROWS 2000     /* rows per transaction, at most */
#define BATCH_SECONDS 1.0   /* and its age: what a kill can cost, and how long other writers wait */

typedef struct ingest_run {
    const iad_ingest_options *options;
    iad_ingest_result *result;
    iad_manifest *manifest;
    iad_ingest_root root;
    iad_ingest_list list;
    iad_known_pictures known;
    iad_ingest_writer writer;
    size_t in_batch;
    double batch_started;
} ingest_run;

static void trouble(ingest_run *run, iad_ingest_trouble what, const char *name, const char *reason) {
    iad_ingest_list_trouble(&run->list, what, name, reason);
    run->result->refused = run->list.refused;
    run->result->rejected = run->list.rejected;
}

/* ---- options ---- */

static iad_status check_options(const iad_ingest_options *options, iad_err *err) {
    if (!options->adapter || !options->root) return IAD_FAIL(err, IAD_ERR_ARG, "ingest needs an adapter and a folder");
    if (options->origin && !iad_scan_in_list("real rendered web generated", options->origin))
        return IAD_FAIL(err, IAD_ERR_ARG, "origin \"%.40s\" is none of real, rendered, web, generated", options->origin);
    if (options->name && (!*options->name || strlen(options->name) >= sizeof ((iad_ingest_result *)NULL)->name))
        return IAD_FAIL(err, IAD_ERR_ARG, "the name of a data set has 1 to %zu bytes", sizeof ((iad_ingest_result *)NULL)->name - 1);
    if (!iad_file_is_dir(options->root)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such folder", options->root);
    const char *key;
    json_t *value;
    const char *known = options->adapter->options ? options->adapter->options : "";
    json_object_foreach(options->adapter_options, key, value) {
        if (!iad_scan_in_list(known, key))
            return IAD_FAIL(err, IAD_ERR_ARG, "adapter %s has no option \"%.60s\"; it has: %s", options->adapter->name, key,
                            *known ? known : "none");
        if (!json_is_string(value)) return IAD_FAIL(err, IAD_ERR_ARG, "option %s: not a text", key);
    }
    return IAD_OK;
}

/* ---- scan and counts ---- */

static iad_status scan(ingest_run *run, iad_err *err) {
    const iad_ingest_options *options = run->options;
    const iad_adapter *adapter = options->adapter, *facts = NULL;
    if (adapter->resolve) facts = adapter->resolve(options->root, options->adapter_options);
    run->result->facts = facts ? facts : adapter;
    if (options->name) iad_text_copy(run->result->name, sizeof run->result->name, options->name);
    else if (run->result->facts->generic) iad_scan_root_name(options->root, run->result->name, sizeof run->result->name);
    else iad_text_copy(run->result->name, sizeof run->result->name, run->result->facts->name);
    iad_ingest_sink sink = iad_ingest_list_sink(&run->list);
    IAD_TRY(run->result->facts->scan(options->root, options->adapter_options, &sink, err));
    if (run->list.repeated) iad_scan_remark(&sink, "%zu records name a picture that was named before: the first one counts", run->list.repeated);
    if (options->limit && run->list.n > options->limit) run->list.n = options->limit;
    run->result->pictures = run->list.n;
    run->result->repeated = run->list.repeated;
    run->result->refused = run->list.refused;
    run->result->rejected = run->list.rejected;
    if (!run->list.n && !run->list.n_tasks)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no picture found (%s expects %s)", options->root, run->result->facts->name,
                        run->result->facts->layout);
    return IAD_OK;
}

/* from_masks: pictures whose label only their mask tells count too. */
static iad_status count(ingest_run *run, int from_masks, iad_err *err) {
    size_t left_out = 0;
    iad_counts_deinit(&run->result->counts);
    for (size_t i = 0; i < run->list.n; i++) {
        const iad_ingest_item *item = &run->list.items[i].item;
        if (item->label_from_mask && !from_masks) {
            left_out++;
            continue;
        }
        IAD_TRY(iad_counts_add(&run->result->counts, run->result->facts, item->category, item->split, item->label, item->defect, err));
    }
    if (left_out && run->options->dry_run) {
        iad_ingest_sink sink = iad_ingest_list_sink(&run->list);
        iad_scan_remark(&sink, "%zu pictures get their label from their mask: not counted in a dry run", left_out);
    }
    IAD_TRY(iad_counts_finish(&run->result->counts, run->result->facts, err));
    if (!run->result->counts.n_extra || run->options->any_count) return IAD_OK;
    char what[300];
    iad_counts_complain(&run->result->counts, what, sizeof what);
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not %s as published, there is more: %s", run->options->root, run->result->facts->title, what);
}

/* ---- transactions ---- */

static iad_status open_batch(ingest_run *run, iad_err *err) {
    if (iad_manifest_in_transaction(run->manifest)) return IAD_OK;
    IAD_TRY(iad_manifest_begin(run->manifest, err));
    run->in_batch = 0;
    run->batch_started = iad_clock();
    return IAD_OK;
}

static iad_status close_batch(ingest_run *run, int now, iad_err *err) {
    if (!iad_manifest_in_transaction(run->manifest)) return IAD_OK;
    if (!now && ++run->in_batch < BATCH_ROWS && iad_clock() - run->batch_started < BATCH_SECONDS) return IAD_OK;
    return iad_manifest_commit(run->manifest, err);
}

/* ---- pictures ---- */

static iad_status work(void *user, size_t i, int thread, void *result, iad_err *err) {
    const ingest_run *run = user;
    (void)thread;
    const iad_ingest_entry *entry = &run->list.items[i];
    const iad_known_picture *known = iad_known_pictures_find(&run->known, entry->item.path);
    /* Ground truth that came later must be read although the picture did not change. */
    iad_picture_before before = {0};
    if (known)
        before = (iad_picture_before){known->bytes, known->mtime_ns,
                                      run->options->rehash ||
                                      (entry->item.n_masks && !known->has_mask && !known->bad && !entry->item.label_from_mask)};
    return iad_picture_read(&run->root, entry, known ? &before : NULL, result, err);
}

static iad_status store(ingest_run *run, iad_ingest_entry *entry, iad_picture *picture, iad_known_picture *known, iad_err *err) {
    iad_label label = picture->row.label;
    IAD_TRY(open_batch(run, err));
    if (picture->outcome == IAD_PICTURE_KNOWN) IAD_TRY(iad_ingest_write_known(&run->writer, entry, known, &label, err));
    else IAD_TRY(iad_ingest_write_picture(&run->writer, entry, picture, known, err));
    entry->item.label = label; /* what the mask told, for the table of counts */
    if (label != IAD_LABEL_ANOMALOUS) entry->item.defect = NULL;
    return close_batch(run, 0, err);
}

static iad_status emit(void *user, size_t i, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    ingest_run *run = user;
    iad_ingest_entry *entry = &run->list.items[i];
    iad_picture *picture = result;
    if (status != IAD_OK) {
        if (err) *err = *item_err;
        return status;
    }
    iad_known_picture *known = iad_known_pictures_find(&run->known, entry->item.path);
    if (known) known->seen = 1;
    if (picture->outcome == IAD_PICTURE_OUTSIDE) {
        trouble(run, IAD_INGEST_REFUSED, entry->item.path, picture->reason);
    } else if (picture->outcome == IAD_PICTURE_MISSING) {
        trouble(run, IAD_INGEST_REJECTED, entry->item.path, picture->reason);
    } else {
        if (picture->outcome == IAD_PICTURE_READ && picture->row.bad) trouble(run, IAD_INGEST_BAD, entry->item.path, picture->reason);
        if (picture->masks_failed) trouble(run, IAD_INGEST_BAD, entry->item.path, picture->note);
        IAD_TRY(store(run, entry, picture, known, err));
    }
    if (run->options->progress) {
        const iad_ingest_result *r = run->result;
        run->options->progress(run->options->progress_user, i + 1, run->list.n, r->refused + r->rejected + r->bad);
    }
    return IAD_OK;
}

static void drop(void *user, void *result) {
    (void)user;
    iad_picture_deinit(result);
}

/* ---- questions ---- */

static iad_status write_tasks(ingest_run *run, iad_err *err) {
    for (size_t i = 0; i < run->list.n_tasks; i++) {
        const char *why = NULL;
        if (run->options->stop && atomic_load(run->options->stop)) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
        IAD_TRY(open_batch(run, err));
        IAD_TRY(iad_ingest_write_task(&run->writer, &run->list.tasks[i], &why, err));
        IAD_TRY(close_batch(run, 0, err));
        /* With a limit most pictures are missing on purpose. */
        if (why && !run->options->limit) trouble(run, IAD_INGEST_REJECTED, run->list.tasks[i].task.external_id, why);
    }
    return IAD_OK;
}

/* ---- the run ---- */

static iad_status put_dataset(ingest_run *run, iad_err *err) {
    const iad_ingest_options *o = run->options;
    const iad_adapter *facts = run->result->facts;
    char root[PATH_MAX];
    IAD_TRY(iad_manifest_root_pack(run->manifest, o->root, root, sizeof root, err));
    int64_t id = 0;
    IAD_TRY(iad_dataset_find(run->manifest, run->result->name, &id, err));
    if (id) {
        iad_arena arena = {0};
        iad_dataset_row old;
        iad_status status = iad_dataset_get(run->manifest, id, &arena, &old, err);
        if (status == IAD_OK && strcmp(old.root, root) != 0)
            status = IAD_FAIL(err, IAD_ERR_EXISTS, "data set %s is in the manifest already, from the folder %s: choose another --name",
                              run->result->name, old.root);
        iad_arena_deinit(&arena);
        if (status != IAD_OK) return status;
    }
    iad_dataset_row row = {.name = run->result->name,
                           .version = o->version,
                           .adapter = facts->name,
                           .root = root,
                           .licence = o->licence ? o->licence : facts->licence ? facts->licence : "",
                           .licence_url = o->licence ? NULL : facts->licence_url,
                           .citation = facts->citation,
                           .redistributable = o->licence ? 0 : facts->redistributable,
                           .commercial = o->licence ? 0 : facts->commercial,
                           .origin = o->origin ? o->origin : facts->origin,
                           .eval_overlap = o->eval_overlap ? o->eval_overlap : facts->eval_overlap};
    run->writer.default_part = *(row.eval_overlap ? row.eval_overlap : "") ? "eval" : "train";
    return iad_dataset_put(run->manifest, &row, &run->writer.dataset_id, err);
}

static iad_status run_all(ingest_run *run, iad_err *err) {
    IAD_TRY(open_batch(run, err));
    IAD_TRY(put_dataset(run, err));
    IAD_TRY(close_batch(run, 1, err));
    IAD_TRY(iad_known_pictures_load(run->manifest, run->writer.dataset_id, &run->known, err));
    iad_pool_job job = {work, emit, drop, run, sizeof(iad_picture)};
    iad_status status = iad_pool_run(&job, run->list.n, run->options->threads < 1 ? 1 : run->options->threads, 0, run->options->stop, err);
    if (status == IAD_OK) status = write_tasks(run, err);
    if (status == IAD_OK) status = open_batch(run, err);
    if (status == IAD_OK) status = iad_ingest_write_grey(&run->writer, err);
    if (status == IAD_OK || status == IAD_ERR_INTERRUPTED) {
        /* The interrupt keeps its message; a failing commit is the worse news. */
        iad_err commit_err = IAD_ERR_NONE;
        iad_status committed = close_batch(run, 1, &commit_err);
        if (committed != IAD_OK) {
            if (err) *err = commit_err;
            status = committed;
        }
    }
    return status;
}

iad_status iad_ingest_run(iad_manifest *manifest, const iad_ingest_options *options, iad_ingest_result *result, iad_err *err) {
    memset(result, 0, sizeof *result);
    IAD_TRY(check_options(options, err));
    ingest_run *run = iad_calloc(1, sizeof *run);
    if (!run) return IAD_NOMEM(err, "ingest");
    run->options = options, run->result = result, run->manifest = manifest;
    iad_ingest_list_init(&run->list, options->news);
    run->writer = (iad_ingest_writer){.manifest = manifest, .list = &run->list, .result = result};
    iad_status status = iad_ingest_root_open(&run->root, options->root, err);
    if (status == IAD_OK) status = scan(run, err);
    if (status == IAD_OK) status = count(run, 0, err);
    if (status == IAD_OK && !options->dry_run) {
        status = run_all(run, err);
        if (status != IAD_OK) iad_manifest_rollback(manifest);
        iad_status counted = status == IAD_OK ? count(run, 1, err) : IAD_OK;
        if (status == IAD_OK) status = counted;
        for (size_t i = 0; i < run->known.n && !options->limit && status == IAD_OK; i++) result->gone += !run->known.items[i].seen;
    }
    iad_ingest_root_close(&run->root);
    iad_known_pictures_deinit(&run->known);
    iad_ingest_writer_deinit(&run->writer);
    iad_ingest_list_deinit(&run->list);
    free(run);
    return status;
}

void iad_ingest_result_deinit(iad_ingest_result *result) {
    iad_counts_deinit(&result->counts);
}
