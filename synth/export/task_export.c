#include "synth/export/task_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "manifests/canonical.h"
#include "manifests/query.h"
#include "synth/export/task_export_size.h"
#include "synth/export/task_export_writers.h"
#include "synth/task/replay.h"

static int find_name(const char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return (int)i;
    return -1;
}

int iad_export_format_parse(const char *name, iad_export_format *format) {
    static const char *const names[] = {"llava", "qwen", "llama-factory", "ms-swift", "webdataset", "hf", "mmad", "grpo"};
    int at = find_name(names, sizeof names / sizeof *names, name);
    if (at >= 0) *format = (iad_export_format)at;
    return at >= 0;
}

int iad_export_files_parse(const char *name, iad_export_files *files) {
    static const char *const names[] = {"none", "copy", "hardlink", "symlink", "render"};
    int at = find_name(names, sizeof names / sizeof *names, name);
    if (at >= 0) *files = (iad_export_files)at;
    return at >= 0;
}

/* ---- which records ---- */

typedef struct chosen {
    int64_t id;
    int replayed;
} chosen;
typedef struct choice {
    chosen *items;
    size_t n, cap, limit;
} choice;

static iad_status choose(void *user, int64_t task_id, int replayed, iad_err *err) {
    choice *c = user;
    if (c->limit && c->n >= c->limit) return IAD_OK;
    IAD_TRY(iad_grow((void **)&c->items, &c->cap, c->n + 1, sizeof *c->items, (size_t)1 << 32, "records", err));
    c->items[c->n++] = (chosen){task_id, replayed};
    return IAD_OK;
}

static iad_status choose_eval(iad_manifest *manifest, int stage, choice *c, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "task", "SELECT id FROM task WHERE stage=? AND part='eval' ORDER BY id", err));
    iad_query_i64(&q, stage);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = choose(c, iad_query_col_i64(&q, 0), 0, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* A canonical question stands for one meaning of Yes; with two the model would learn neither. */
static iad_status check_polarity(iad_manifest *manifest, const choice *c, iad_err *err) {
    char meaning[32] = "";
    int64_t first = 0;
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "task",
                           "SELECT coalesce(t.yes_means,p.yes_means,''),coalesce(p.canonical,0),t.question FROM task t LEFT JOIN template p ON "
                           "p.id=t.template_id WHERE t.id=?",
                           err));
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < c->n; i++) {
        iad_query_reset(&q);
        iad_query_i64(&q, c->items[i].id);
        if (!iad_query_next(&q)) continue;
        const char *means = iad_query_col_text(&q, 0), *question = iad_query_col_text(&q, 2);
        if (!iad_query_col_i64(&q, 1) && !strstr(question, IAD_CANONICAL_QUESTION) && !strstr(question, IAD_CANONICAL_QUESTION_ALONE)) continue;
        if (!first) {
            first = c->items[i].id;
            iad_text_copy(meaning, sizeof meaning, means);
        } else if (strcmp(meaning, means) != 0) {
            status = IAD_FAIL(err, IAD_ERR_FORMAT,
                              "canonical questions disagree: Yes means \"%s\" in record t%lld and \"%.20s\" in record t%lld; export them apart, or "
                              "correct yes_means",
                              meaning, (long long)first, means, (long long)c->items[i].id);
        }
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- the export ---- */

static int refuses_one(iad_status status) { return status == IAD_ERR_FORMAT || status == IAD_ERR_NOT_FOUND || status == IAD_ERR_EXISTS; }

static iad_status write_all(const iad_task_export *run, const choice *c, iad_export_pictures *pictures, iad_export_writer *writer,
                            iad_export_counts *counts, iad_err *err) {
    iad_export_frame *frame = iad_calloc(1, sizeof *frame);
    if (!frame) return IAD_NOMEM(err, "a record");
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < c->n; i++) {
        iad_err why = IAD_ERR_NONE;
        if (run->stop && atomic_load(run->stop)) {
            status =
                IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted after %zu of %zu records; picture files are kept, the call can be repeated", i, c->n);
            break;
        }
        status = iad_export_frame_load(pictures, c->items[i].id, c->items[i].replayed, frame, &why);
        if (status == IAD_OK) {
            status = iad_export_writer_add(writer, frame, &why);
            if (status != IAD_OK && err) *err = why;
        } else if (refuses_one(status)) {
            char message[640];
            snprintf(message, sizeof message, "record t%lld left out: %s", (long long)c->items[i].id, why.msg);
            if (run->trouble) run->trouble(run->user, message);
            counts->refused++;
            status = IAD_OK;
        } else if (err) {
            *err = why;
        }
        iad_export_frame_deinit(frame);
        if (run->progress) run->progress(run->user, i + 1, c->n);
    }
    free(frame);
    return status;
}

static iad_status export_chosen(const iad_task_export *run, const choice *c, iad_export_counts *counts, iad_err *err) {
    iad_export_pictures pictures;
    iad_export_writer writer;
    IAD_TRY(iad_dir_make(run->out, err));
    IAD_TRY(iad_export_pictures_open(&pictures, run, counts, err));
    iad_status status = iad_export_writer_open(&writer, run, counts, err);
    if (status == IAD_OK) status = write_all(run, c, &pictures, &writer, counts, err);
    if (status == IAD_OK) status = iad_dir_flush(run->out, err); /* pictures first, then what names them */
    if (status == IAD_OK) status = iad_export_writer_finish(&writer, err);
    iad_export_writer_drop(&writer);
    iad_export_pictures_close(&pictures);
    return status;
}

iad_status iad_task_export_run(const iad_task_export *given, iad_export_counts *counts, iad_err *err) {
    iad_task_export run = *given;
    choice c = {.limit = run.limit};
    int w, h;
    *counts = (iad_export_counts){0};
    if (run.stage < 0 || run.stage > 3) return IAD_FAIL(err, IAD_ERR_ARG, "stage %d is none of 0 to 3", run.stage);
    if (run.max_side < 16 || run.max_side > IAD_IMAGE_MAX_SIDE) return IAD_FAIL(err, IAD_ERR_ARG, "a work size of %d pixels", run.max_side);
    IAD_TRY(iad_export_resized(28, 28, run.min_pixels, run.max_pixels, &w, &h, err));
    /* imagefolder reads only what lies in its folder */
    if (run.format == IAD_EXPORT_HF && run.files == IAD_EXPORT_REFERENCE) run.files = IAD_EXPORT_COPY;
    double share = run.replay < 0 ? iad_replay_share(run.stage) : run.replay;
    iad_status status =
        run.eval ? choose_eval(run.manifest, run.stage, &c, err) : iad_stage_each(run.manifest, run.stage, run.seed, share, choose, &c, err);
    counts->records = c.n;
    if (status == IAD_OK && c.n == 0)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no %s records of stage %d in the manifest", run.eval ? "eval" : "training", run.stage);
    if (status == IAD_OK) status = check_polarity(run.manifest, &c, err);
    if (status == IAD_OK) status = export_chosen(&run, &c, counts, err);
    free(c.items);
    return status;
}
