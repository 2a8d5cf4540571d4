#include "train/data/loaderlist.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/query.h"
#include "synth/task/replay.h"

enum { MAX_RECORDS = 1 << 30 };

static iad_status add(iad_loader_list *list, int64_t id, iad_err *err) {
    IAD_TRY(iad_grow((void **)&list->id, &list->cap, (size_t)list->n + 1, sizeof *list->id, MAX_RECORDS, "records of a stage", err));
    list->id[list->n++] = id;
    return IAD_OK;
}

static int is_wanted(const iad_loader_options *o, const char *task) {
    for (int i = 0; i < o->n_task; i++)
        if (strcmp(o->tasks[i], task) == 0) return 1;
    return o->n_task == 0;
}

/* Ids, rising, of the training records with a wanted task, of this stage and the one before. */
static iad_status read_wanted(const iad_loader_options *o, iad_manifest *manifest, iad_loader_list *wanted, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "task", "SELECT id,task FROM task WHERE stage IN(?1,?1-1) AND part='train' ORDER BY id", err));
    iad_query_i64(&q, o->stage);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q))
        if (is_wanted(o, iad_query_col_text(&q, 1))) status = add(wanted, iad_query_col_i64(&q, 0), err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

typedef struct reading {
    iad_loader_list *list;
    const iad_loader_list *wanted; /* NULL: all */
} reading;

static int compare_ids(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static iad_status take(void *user, int64_t task_id, int replayed, iad_err *err) {
    const reading *r = user;
    const iad_loader_list *w = r->wanted;
    if (w && (w->n == 0 || !bsearch(&task_id, w->id, (size_t)w->n, sizeof *w->id, compare_ids))) return IAD_OK;
    r->list->n_own += !replayed;
    return add(r->list, task_id, err);
}

static iad_status read_train(const iad_loader_options *o, iad_manifest *manifest, iad_loader_list *list, iad_err *err) {
    iad_loader_list wanted = {0};
    reading r = {list, o->n_task > 0 ? &wanted : NULL};
    double share = o->replay_share < 0 ? iad_replay_share(o->stage) : o->replay_share;
    iad_status status = o->n_task > 0 ? read_wanted(o, manifest, &wanted, err) : IAD_OK;
    if (status == IAD_OK) status = iad_stage_each(manifest, o->stage, o->seed, share, take, &r, err);
    iad_loader_list_deinit(&wanted);
    return status;
}

static iad_status read_eval(const iad_loader_options *o, iad_manifest *manifest, iad_loader_list *list, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "task", "SELECT id,task FROM task WHERE stage=? AND part='eval' ORDER BY id", err));
    iad_query_i64(&q, o->stage);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q))
        if (is_wanted(o, iad_query_col_text(&q, 1))) status = add(list, iad_query_col_i64(&q, 0), err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    list->n_own = list->n;
    return status != IAD_OK ? status : closed;
}

iad_status iad_loader_list_read(const iad_loader_options *o, iad_manifest *manifest, iad_loader_list *list, iad_err *err) {
    const char *part = o->part ? o->part : "train";
    int eval = strcmp(part, "eval") == 0;
    *list = (iad_loader_list){0};
    if (!eval && strcmp(part, "train") != 0) return IAD_FAIL(err, IAD_ERR_ARG, "part \"%.40s\": train or eval", part);
    iad_status status = eval ? read_eval(o, manifest, list, err) : read_train(o, manifest, list, err);
    if (status == IAD_OK && list->n == 0)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s has no %s records of stage %d%s: iad-synth tasks --stage %d makes them",
                          iad_manifest_path(manifest), part, o->stage, o->n_task > 0 ? " with these tasks" : "", o->stage);
    if (status != IAD_OK) iad_loader_list_deinit(list);
    return status;
}

void iad_loader_list_deinit(iad_loader_list *list) {
    free(list->id);
    *list = (iad_loader_list){0};
}
