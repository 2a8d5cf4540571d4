#include "synth/task/taskrun.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/sha256.h"
#include "manifests/pictures.h"
#include "manifests/query.h"
#include "synth/task/taskqueue.h"

#define ROWS_PER_COMMIT 20000     /* within a category */
#define ROWS_BETWEEN_COMMITS 2000 /* at its end: small ones share a transaction */
#define MAX_CONFIG_BYTES (256u * 1024u)

/* ---- configuration ---- */

static iad_status add_number(iad_buf *out, const char *name, double value, iad_err *err) {
    return iad_buf_addf(out, err, "\"%s\":%.6f,", name, value);
}

static iad_status add_triple(iad_buf *out, const char *name, const double value[3], iad_err *err) {
    return iad_buf_addf(out, err, "\"%s\":[%.6f,%.6f,%.6f],", name, value[0], value[1], value[2]);
}

static iad_status hash_phrasings(iad_sha256 *hash, const iad_phrasing *items, size_t n, iad_err *err) {
    for (size_t i = 0; i < n; i++) IAD_TRY(iad_sha256_add(hash, items[i].text, strlen(items[i].text) + 1, err));
    return iad_sha256_add(hash, "", 1, err);
}

static iad_status templates_digest(const iad_templates *templates, char hex[IAD_SHA256_HEX], iad_err *err) {
    iad_sha256 hash;
    size_t n = 0;
    const iad_template_form *forms = templates ? iad_templates_all(templates, &n) : NULL;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        char head[256];
        int length = snprintf(head, sizeof head, "%s/%s/%s/%s/%d/%d", forms[i].task, forms[i].form, forms[i].lang,
                              forms[i].yes_means ? forms[i].yes_means : "", forms[i].canonical, forms[i].version);
        status = iad_sha256_add(&hash, head, length < (int)sizeof head ? (size_t)length : sizeof head - 1, err);
        if (status == IAD_OK) status = hash_phrasings(&hash, forms[i].questions, forms[i].n_questions, err);
        if (status == IAD_OK) status = hash_phrasings(&hash, forms[i].answers, forms[i].n_answers, err);
    }
    return iad_sha256_end_hex(&hash, status, hex, err);
}

/* Keys in order of the alphabet: canonical. */
iad_status iad_task_run_config(const iad_task_run *run, iad_buf *out, iad_err *err) {
    const iad_task_options *o = &run->options;
    char hex[IAD_SHA256_HEX];
    IAD_TRY(templates_digest(run->templates, hex, err));
    IAD_TRY(iad_buf_add_str(out, "{", err));
    IAD_TRY(add_number(out, "bare_share", o->bare_share, err));
    IAD_TRY(add_number(out, "canonical_share", o->canonical_share, err));
    IAD_TRY(iad_buf_addf(out, err, "\"codec_jitter\":%d,", o->codec_jitter != 0));
    IAD_TRY(add_number(out, "irregular_normal_share", o->irregular_normal_share, err));
    IAD_TRY(add_number(out, "light_share", o->light_share, err));
    IAD_TRY(iad_buf_addf(out, err, "\"limit\":%zu,\"makers\":[", run->limit));
    for (size_t i = 0; run->makers && i < run->makers->n; i++) {
        if (i) IAD_TRY(iad_buf_add_str(out, ",", err));
        IAD_TRY(iad_json_quote(run->makers->items[i], out, err));
    }
    IAD_TRY(iad_buf_add_str(out, "],", err));
    /* Only when they are set: what was finished before they existed stays finished. */
    if (run->pool.min_area > 0) IAD_TRY(add_number(out, "min_area", run->pool.min_area, err));
    if (run->pool.min_change > 0) IAD_TRY(add_number(out, "min_change", run->pool.min_change, err));
    IAD_TRY(add_number(out, "none_share", o->none_share, err));
    IAD_TRY(add_number(out, "original_share", o->original_share, err));
    IAD_TRY(iad_buf_addf(out, err, "\"part\":\"%s\",", run->eval ? "eval" : "train"));
    IAD_TRY(add_number(out, "per_picture", o->per_picture, err));
    IAD_TRY(iad_buf_add_str(out, "\"preset\":", err));
    IAD_TRY(iad_json_quote(run->pool.preset ? run->pool.preset : "", out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"real\":%d,", run->pool.real != 0));
    IAD_TRY(add_number(out, "real_share", o->real_share, err));
    IAD_TRY(iad_buf_add_str(out, "\"scheme\":", err));
    IAD_TRY(iad_json_quote(run->pool.scheme ? run->pool.scheme : "", out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"seed\":\"%llu\",", (unsigned long long)o->seed));
    IAD_TRY(add_triple(out, "share", o->share, err));
    IAD_TRY(add_triple(out, "shots_share", o->shots_share, err));
    IAD_TRY(iad_buf_addf(out, err, "\"stage\":%d,", run->stage));
    IAD_TRY(add_triple(out, "stage3_share", o->stage3_share, err));
    return iad_buf_addf(out, err, "\"synthetic\":%d,\"templates\":\"%.16s\",\"zh_share\":%.6f}", run->pool.synthetic != 0, hex, o->zh_share);
}

/* ---- what there is to do ---- */

typedef struct run_plan {
    iad_task_queue_unit *units; /* by category */
    size_t n;
    const iad_task_maker *makers[IAD_TASK_RUN_MAX_MAKERS];
    size_t n_makers;
    char config[17]; /* start of the configuration's hash */
    iad_category_list categories;
    iad_dataset_list datasets;
} run_plan;

static int wanted(const iad_strings *names, const char *name) {
    if (!names || names->n == 0) return 1;
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i], name) == 0) return 1;
    return 0;
}

static iad_status choose_makers(const iad_task_run *run, run_plan *plan, iad_err *err) {
    size_t n, asked = run->makers ? run->makers->n : 0;
    const iad_task_maker *const *all = iad_task_makers(&n);
    for (size_t k = 0; k < asked; k++) {
        const iad_task_maker *found = NULL;
        for (size_t i = 0; i < n && !found; i++)
            if (strcmp(all[i]->name, run->makers->items[k]) == 0) found = all[i];
        if (!found) return IAD_FAIL(err, IAD_ERR_ARG, "no maker of records \"%.60s\"", run->makers->items[k]);
        if (found->stage != run->stage)
            return IAD_FAIL(err, IAD_ERR_ARG, "\"%.60s\" makes records of stage %d, not %d", found->name, found->stage, run->stage);
    }
    for (size_t i = 0; i < n; i++)
        if (all[i]->stage == run->stage && wanted(run->makers, all[i]->name) && plan->n_makers < IAD_TASK_RUN_MAX_MAKERS)
            plan->makers[plan->n_makers++] = all[i];
    return IAD_OK;
}

static const iad_dataset_row *dataset_of(const run_plan *plan, int64_t id) {
    for (size_t i = 0; i < plan->datasets.n; i++)
        if (plan->datasets.items[i].id == id) return &plan->datasets.items[i];
    return NULL;
}

/* Every name of a filter must exist. */
static iad_status check_filters(const iad_task_run *run, const run_plan *plan, iad_err *err) {
    for (size_t k = 0; run->datasets && k < run->datasets->n; k++) {
        int found = 0;
        for (size_t i = 0; i < plan->datasets.n; i++) found |= strcmp(plan->datasets.items[i].name, run->datasets->items[k]) == 0;
        if (!found) return IAD_FAIL(err, IAD_ERR_ARG, "the manifest has no data set \"%.100s\"", run->datasets->items[k]);
    }
    for (size_t k = 0; run->categories && k < run->categories->n; k++) {
        int found = 0;
        for (size_t i = 0; i < plan->categories.n; i++) found |= strcmp(plan->categories.items[i].name, run->categories->items[k]) == 0;
        if (!found) return IAD_FAIL(err, IAD_ERR_ARG, "the manifest has no category \"%.100s\"", run->categories->items[k]);
    }
    return IAD_OK;
}

/* What a category holds, so that one that has grown is looked at again. */
static iad_status fingerprint(iad_manifest *manifest, int64_t category_id, char text[160], iad_err *err) {
    static const char sql[] =
        "SELECT (SELECT count(*)||':'||coalesce(max(id),0) FROM image WHERE category_id=?1)||'/'||"
        "(SELECT count(*)||':'||coalesce(max(y.id),0) FROM image i JOIN synth y ON y.dst_image=i.id WHERE i.category_id=?1)||'/'||"
        "(SELECT count(*) FROM image i JOIN image_mask x ON x.image_id=i.id AND x.role='gt' WHERE i.category_id=?1)||'/'||"
        "(SELECT count(*)||':'||coalesce(max(c.id),0) FROM image i JOIN caption c ON c.image_id=i.id WHERE i.category_id=?1)";
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", sql, err));
    iad_query_i64(&q, category_id);
    text[0] = 0;
    if (iad_query_next(&q) && iad_query_col_text(&q, 0)) iad_text_copy(text, 160, iad_query_col_text(&q, 0));
    return iad_query_close(&q, err);
}

static iad_status marker_key(const run_plan *plan, const iad_task_queue_unit *unit, char key[800], iad_err *err) {
    int n = snprintf(key, 800, "tasks/%s/%s/%s", plan->config, unit->dataset, unit->category);
    return n < 800 ? IAD_OK : IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s: name too long", unit->category);
}

static iad_status done_before(const iad_task_run *run, const run_plan *plan, iad_task_queue_unit *unit, int *done, iad_err *err) {
    char key[800], stored[200];
    IAD_TRY(fingerprint(run->manifest, unit->category_id, unit->fingerprint, err));
    IAD_TRY(marker_key(plan, unit, key, err));
    IAD_TRY(iad_manifest_meta_get(run->manifest, key, stored, sizeof stored, err));
    *done = strcmp(stored, unit->fingerprint) == 0;
    return IAD_OK;
}

static iad_status hash_config(const iad_task_run *run, run_plan *plan, iad_err *err) {
    iad_buf text;
    uint8_t digest[IAD_SHA256_BYTES];
    iad_buf_init(&text, MAX_CONFIG_BYTES);
    iad_status status = iad_task_run_config(run, &text, err);
    if (status == IAD_OK) status = iad_sha256_bytes(text.data, text.len, digest, err);
    if (status == IAD_OK) iad_hex(digest, 8, plan->config);
    iad_buf_deinit(&text);
    return status;
}

static iad_status make_plan(const iad_task_run *run, run_plan *plan, iad_task_counts *counts, iad_err *err) {
    IAD_TRY(choose_makers(run, plan, err));
    IAD_TRY(hash_config(run, plan, err));
    IAD_TRY(iad_dataset_all(run->manifest, &plan->datasets, err));
    IAD_TRY(iad_category_all(run->manifest, 0, &plan->categories, err));
    IAD_TRY(check_filters(run, plan, err));
    plan->units = iad_calloc(plan->categories.n, sizeof *plan->units);
    if (!plan->units) return IAD_NOMEM(err, "categories");
    for (size_t i = 0; i < plan->categories.n; i++) {
        const iad_category_row *category = &plan->categories.items[i];
        const iad_dataset_row *dataset = dataset_of(plan, category->dataset_id);
        if (!dataset || !wanted(run->datasets, dataset->name) || !wanted(run->categories, category->name)) continue;
        if (!run->eval && dataset->eval_overlap && *dataset->eval_overlap) {
            counts->eval_left_out++;
            continue;
        }
        iad_task_queue_unit *unit = &plan->units[plan->n];
        *unit = (iad_task_queue_unit){.category_id = category->id, .dataset = dataset->name, .category = category->name};
        int done = 0;
        if (!run->dry_run) IAD_TRY(done_before(run, plan, unit, &done, err));
        counts->categories++;
        if (done) counts->done_before++;
        else plan->n++;
    }
    return IAD_OK;
}

static void plan_deinit(run_plan *plan) {
    free(plan->units);
    iad_category_list_deinit(&plan->categories);
    iad_dataset_list_deinit(&plan->datasets);
}

/* ---- workers ---- */

typedef struct run_state {
    const iad_task_run *run;
    const run_plan *plan;
    iad_task_queue *queue;
} run_state;

static iad_status make_unit(run_state *state, iad_manifest *manifest, iad_task_queue_unit *unit, iad_err *err) {
    iad_task_pool pool;
    iad_task_pool_options options = state->run->pool;
    options.eval = state->run->eval;
    options.threads = state->run->threads / (int)(state->plan->n > 0 ? state->plan->n : 1);
    iad_status status = iad_task_pool_load(manifest, unit->category_id, &options, &pool, err);
    for (size_t m = 0; status == IAD_OK && m < state->plan->n_makers; m++) {
        iad_task_writer writer;
        iad_task_writer_init(&writer, state->queue, unit, (int)m, state->run->limit);
        iad_task_sink sink = {iad_task_writer_emit, iad_task_writer_skip, &writer};
        status = state->plan->makers[m]->make(manifest, &pool, &state->run->options, &sink, err);
        if (status == IAD_OK) status = iad_task_writer_flush(&writer, err);
        iad_task_writer_deinit(&writer);
    }
    iad_task_pool_deinit(&pool);
    return status;
}

static void *work(void *user) {
    run_state *state = user;
    iad_err err = IAD_ERR_NONE;
    iad_manifest *manifest = NULL;
    iad_status opened = iad_manifest_open(iad_manifest_path(state->run->manifest), IAD_MANIFEST_READ, &manifest, &err);
    for (iad_task_queue_unit *unit; (unit = iad_task_queue_take(state->queue)) != NULL;) {
        iad_status status = opened;
        if (status == IAD_OK) {
            err = IAD_ERR_NONE;
            status = make_unit(state, manifest, unit, &err);
        }
        iad_task_queue_finish(state->queue, unit, status, &err);
    }
    iad_manifest_close(manifest);
    return NULL;
}

/* ---- writing ---- */

static void count_skip(iad_task_counts *counts, const char *maker, const char *reason, size_t n) {
    size_t at = 0;
    for (; at < counts->n_skips; at++) {
        int order = strcmp(counts->skips[at].maker, maker);
        if (order == 0) order = strcmp(counts->skips[at].reason, reason);
        if (order == 0) {
            counts->skips[at].n += n;
            return;
        }
        if (order > 0) break;
    }
    if (counts->n_skips == IAD_TASK_RUN_MAX_SKIPS) return;
    memmove(&counts->skips[at + 1], &counts->skips[at], (counts->n_skips - at) * sizeof counts->skips[0]);
    counts->skips[at] = (iad_task_skip){maker, reason, n};
    counts->n_skips++;
}

typedef struct run_write {
    size_t in_transaction;
    size_t categories;
} run_write;

static iad_status begin(const iad_task_run *run, iad_err *err) {
    return run->dry_run || iad_manifest_in_transaction(run->manifest) ? IAD_OK : iad_manifest_begin(run->manifest, err);
}

static iad_status commit(const iad_task_run *run, run_write *write, iad_err *err) {
    write->in_transaction = 0;
    return run->dry_run || !iad_manifest_in_transaction(run->manifest) ? IAD_OK : iad_manifest_commit(run->manifest, err);
}

static iad_status write_batch(const iad_task_run *run, run_write *write, const iad_task_batch *batch, iad_task_counts *counts, iad_err *err) {
    iad_task_count *count = &counts->makers[batch->maker];
    count->made += batch->n;
    counts->made += batch->n;
    if (run->dry_run) return IAD_OK;
    for (size_t i = 0; i < batch->n; i++) {
        int64_t id;
        int added;
        IAD_TRY(begin(run, err));
        IAD_TRY(iad_task_put(run->manifest, &batch->rows[i], &id, &added, err));
        if (added) count->added++, counts->added++;
        else count->present++, counts->present++;
        if (++write->in_transaction >= ROWS_PER_COMMIT) IAD_TRY(commit(run, write, err));
    }
    return IAD_OK;
}

/* Everything of one category, then its mark. */
static iad_status write_unit(run_state *state, run_write *write, size_t number, iad_task_counts *counts, iad_err *err) {
    const iad_task_run *run = state->run;
    iad_task_queue_unit *unit = &state->plan->units[number];
    for (iad_task_batch *batch; (batch = iad_task_queue_next(state->queue, unit)) != NULL;) {
        for (size_t i = 0; run->run_id && i < batch->n; i++) batch->rows[i].run_id = run->run_id;
        iad_status status = write_batch(run, write, batch, counts, err);
        iad_task_batch_free(batch);
        IAD_TRY(status);
        if (run->progress) run->progress(run->user, counts->made, write->categories, state->plan->n);
        if (run->stop && atomic_load(run->stop)) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "stopped");
    }
    for (size_t i = 0; i < unit->n_skips; i++)
        count_skip(counts, state->plan->makers[unit->skips[i].maker]->name, unit->skips[i].reason, unit->skips[i].n);
    if (unit->status != IAD_OK) {
        counts->failed++;
        if (run->trouble) run->trouble(run->user, unit->err.msg);
    } else if (!run->dry_run) {
        char key[800];
        IAD_TRY(marker_key(state->plan, unit, key, err));
        IAD_TRY(begin(run, err));
        IAD_TRY(iad_manifest_meta_set(run->manifest, key, unit->fingerprint, err));
        if (write->in_transaction >= ROWS_BETWEEN_COMMITS) IAD_TRY(commit(run, write, err));
    }
    write->categories++;
    if (run->progress) run->progress(run->user, counts->made, write->categories, state->plan->n);
    return run->stop && atomic_load(run->stop) ? IAD_FAIL(err, IAD_ERR_INTERRUPTED, "stopped") : IAD_OK;
}

static iad_status write_all(run_state *state, iad_task_counts *counts, iad_err *err) {
    run_write write = {0, 0};
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < state->plan->n; i++) status = write_unit(state, &write, i, counts, err);
    iad_task_queue_abort(state->queue); /* no effect on what is finished */
    if (status == IAD_OK || status == IAD_ERR_INTERRUPTED) {
        iad_err commit_err = IAD_ERR_NONE;
        iad_status committed = commit(state->run, &write, &commit_err);
        if (committed != IAD_OK) {
            if (err) *err = commit_err;
            status = committed;
        }
    } else {
        iad_manifest_rollback(state->run->manifest);
    }
    return status;
}

static iad_status run_threads(run_state *state, iad_task_counts *counts, iad_err *err) {
    pthread_t workers[256];
    int n = state->run->threads < 1 ? 1 : state->run->threads > 256 ? 256 : state->run->threads, started = 0;
    if ((size_t)n > state->plan->n) n = (int)state->plan->n;
    while (started < n && pthread_create(&workers[started], NULL, work, state) == 0) started++;
    iad_status status = IAD_OK;
    if (n > 0 && started == 0) status = IAD_FAIL(err, IAD_ERR_NOMEM, "no thread could be started");
    else status = write_all(state, counts, err);
    iad_task_queue_abort(state->queue);
    for (int i = 0; i < started; i++) pthread_join(workers[i], NULL);
    return status;
}

iad_status iad_task_run_all(const iad_task_run *run, iad_task_counts *counts, iad_err *err) {
    run_plan plan = {0};
    memset(counts, 0, sizeof *counts);
    iad_status status = make_plan(run, &plan, counts, err);
    counts->n_makers = plan.n_makers;
    for (size_t m = 0; m < plan.n_makers; m++) counts->makers[m].maker = plan.makers[m]->name;
    if (status == IAD_OK && !run->dry_run) {
        /* A larger page cache keeps the indexes at hand while rows arrive in no order of theirs; the log is folded in less often. */
        status = iad_query_exec(run->manifest, "PRAGMA cache_size=-262144", err);
        if (status == IAD_OK) status = iad_query_exec(run->manifest, "PRAGMA wal_autocheckpoint=20000", err);
        if (status == IAD_OK) status = iad_manifest_begin(run->manifest, err);
        if (status == IAD_OK) status = iad_templates_store(run->templates, run->manifest, err);
        if (status == IAD_OK) status = iad_manifest_commit(run->manifest, err);
        else iad_manifest_rollback(run->manifest);
    }
    run_state state = {run, &plan, NULL};
    if (status == IAD_OK) status = iad_task_queue_new(plan.units, plan.n, &state.queue, err);
    if (status == IAD_OK) status = run_threads(&state, counts, err);
    iad_task_queue_free(state.queue);
    plan_deinit(&plan);
    return status;
}
