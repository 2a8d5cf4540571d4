#include "runtime/program/inspectrun.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/program/calibratefile.h"
#include "runtime/program/inspectout.h"
#include "runtime/program/program.h"

enum { MAX_BATCH = 64 };

typedef struct run run;
typedef iad_status (*result_fn)(run *r, const char *path, const char *name, const iadgpt_result *result, int batch, iad_err *err);

struct run {
    iad_app *app;
    const iad_inspect_args *args;
    iad_opened opened;
    iadgpt_exemplars *exemplars;
    iad_picture_list queries, goods;
    iad_calibration_file calibration;
    int has_calibration;
    double *scores;        /* of the good pictures, in order of names */
    char **score_names;
    size_t n_scores;
    iad_inspect_out out;
    iad_progress progress;
    size_t failed, inspected, skipped;
    int calibrating;
};

/* ---- scoring ---- */

static iad_status report_failure(run *r, const char *path, const char *message, iad_err *err) {
    /* Messages of the library name what is wrong; the file must be named as well. */
    if (strstr(message, path)) IAD_ERROR(&r->app->log, "%s", message);
    else IAD_ERROR(&r->app->log, "%s: %s", path, message);
    r->failed++;
    iad_progress_add(&r->progress, 1, 1);
    return r->calibrating ? IAD_OK : iad_inspect_out_error(&r->out, path, message, err);
}

/* A fault of the picture, or of everything? */
static int blames_picture(iadgpt_status status) {
    return status == IADGPT_ERR_ARG || status == IADGPT_ERR_FORMAT || status == IADGPT_ERR_LIMIT || status == IADGPT_ERR_UNSUPPORTED ||
        status == IADGPT_ERR_NOT_FOUND ||
           status == IADGPT_ERR_IO;
}

static iad_status score(run *r, char *const *paths, char *const *names, const iadgpt_picture *pictures, size_t n, result_fn take, iad_err *err) {
    iadgpt_result results[MAX_BATCH];
    iadgpt_error error;
    iadgpt_status status = iadgpt_inspect(r->opened.session, r->exemplars, pictures, (int32_t)n, results, &error);
    if (status == IADGPT_OK) {
        for (size_t i = 0; i < n; i++) {
            IAD_TRY(take(r, paths[i], names[i], &results[i], (int)n, err));
            iad_progress_add(&r->progress, 1, 0);
        }
        return IAD_OK;
    }
    if (!blames_picture(status)) return iad_from_public(status, &error, err);
    if (n == 1) return report_failure(r, paths[0], error.message, err);
    for (size_t i = 0; i < n; i++) IAD_TRY(score(r, paths + i, names + i, pictures + i, 1, take, err)); /* one of them spoils the batch: which? */
    return IAD_OK;
}

static iad_status check_good(run *r, const char *path, const iadgpt_picture *picture, iad_err *err) {
    int is = 0;
    if (!r->calibrating || iad_is_exemplar(r->exemplars, picture, &is, NULL) != IAD_OK || !is) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "%s is one of the exemplars: its score is too good to set a threshold by; take it out of --calibrate", path);
}

static iad_status score_some(run *r, char *const *paths, char *const *names, size_t n, result_fn take, iad_err *err) {
    iadgpt_picture pictures[MAX_BATCH] = {{0}};
    iadgpt_status statuses[MAX_BATCH];
    char *good_paths[MAX_BATCH], *good_names[MAX_BATCH];
    size_t good = 0;
    iadgpt_error *errors = iad_calloc(n, sizeof *errors);
    if (!errors) return IAD_NOMEM(err, "a batch");
    iad_pictures_load(paths, n, (int)r->app->threads, pictures, statuses, errors);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        if (statuses[i] != IADGPT_OK) {
            status = report_failure(r, paths[i], errors[i].message, err);
            continue;
        }
        status = check_good(r, paths[i], &pictures[i], err);
        iadgpt_picture swap = pictures[good];
        pictures[good] = pictures[i];
        pictures[i] = swap;
        good_paths[good] = paths[i];
        good_names[good++] = names[i];
    }
    if (status == IAD_OK && good) status = score(r, good_paths, good_names, pictures, good, take, err);
    for (size_t i = 0; i < n; i++) iadgpt_picture_free(&pictures[i]);
    free(errors);
    return status;
}

static iad_status score_all(run *r, const iad_picture_list *list, size_t n, result_fn take, iad_err *err) {
    size_t batch = (size_t)r->args->batch;
    for (size_t i = 0; i < n; i += batch) {
        if (atomic_load(&r->app->stop)) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted after %zu of %zu pictures", i, n);
        IAD_TRY(score_some(r, list->paths.items + i, list->names.items + i, n - i < batch ? n - i : batch, take, err));
    }
    return IAD_OK;
}

/* ---- threshold ---- */

static iad_status take_good(run *r, const char *path, const char *name, const iadgpt_result *result, int batch, iad_err *err) {
    (void)name, (void)batch;
    if (!(r->score_names[r->n_scores] = iad_strdup(path))) return IAD_NOMEM(err, "the scores");
    r->scores[r->n_scores++] = result->score;
    for (int i = 0; result->anomaly && i < result->grid_width * result->grid_height; i++) {
        r->calibration.lo = fminf(r->calibration.lo, result->anomaly[i]);
        r->calibration.hi = fmaxf(r->calibration.hi, result->anomaly[i]);
    }
    return IAD_OK;
}

static iad_status keep_calibration(run *r, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, (size_t)1 << 31);
    iad_status status = iad_calibration_json(&r->calibration, r->score_names, r->scores, &text, err);
    if (status == IAD_OK) status = iad_buf_add_str(&text, "\n", err);
    if (status == IAD_OK) status = iad_file_write(r->args->calibration_out, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}

static iad_status print_calibration(run *r, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, 1u << 20);
    iad_status status = iad_buf_add_str(&text, "{\"calibration\":", err);
    if (status == IAD_OK) status = iad_calibration_json(&r->calibration, NULL, NULL, &text, err);
    if (status == IAD_OK) status = iad_buf_add_str(&text, "}\n", err);
    if (status == IAD_OK) status = iad_print(&text, err);
    iad_buf_deinit(&text);
    return status;
}

static iad_status calibrate(run *r, iad_err *err) {
    size_t n = r->goods.paths.n;
    r->calibration = (iad_calibration_file){.lo = INFINITY, .hi = -INFINITY};
    iad_text_copy(r->calibration.key, sizeof r->calibration.key, iadgpt_exemplars_key(r->exemplars));
    r->scores = iad_calloc(n, sizeof *r->scores);
    r->score_names = iad_calloc(n, sizeof *r->score_names);
    if (!r->scores || !r->score_names) return IAD_NOMEM(err, "the scores");
    size_t needed = iad_calibrate_needed(r->args->target_fpr, r->args->confidence);
    if (needed == 0 || n < needed)
        return IAD_FAIL(err, IAD_ERR_LIMIT,
                        "--calibrate names %zu good pictures; %zu are needed for at most %.4g %% false alarms with %.4g %% confidence", n, needed,
                        100 * r->args->target_fpr, 100 * r->args->confidence);
    r->calibrating = 1;
    iad_progress_start(&r->progress, "calibrating", n, r->app->quiet);
    iad_status status = score_all(r, &r->goods, n, take_good, err);
    iad_progress_end(&r->progress);
    r->calibrating = 0;
    IAD_TRY(status);
    IAD_TRY(iad_calibrate(r->scores, r->n_scores, r->args->target_fpr, r->args->confidence, &r->calibration.calibration, err));
    r->has_calibration = 1;
    const iad_calibration *c = &r->calibration.calibration;
    IAD_INFO(&r->app->log, "threshold %.6g from %zu good pictures: with %.4g %% confidence at most %.4g %% of good parts score above it",
             c->threshold, c->m, 100 * c->reached, 100 * c->target_fpr);
    if (r->args->calibration_out) IAD_TRY(keep_calibration(r, err));
    return print_calibration(r, err);
}

static iad_status settle_threshold(run *r, iad_record_context *context, iad_err *err) {
    const iad_inspect_args *a = r->args;
    if (a->calibration) {
        IAD_TRY(iad_calibration_load(a->calibration, iadgpt_exemplars_key(r->exemplars), &r->calibration, err));
        r->has_calibration = 1;
    } else if (a->calibrate.n) {
        IAD_TRY(calibrate(r, err));
    }
    context->has_threshold = r->has_calibration || !isnan(a->threshold);
    context->threshold = r->has_calibration ? r->calibration.calibration.threshold : a->threshold;
    return IAD_OK;
}

/* ---- queries ---- */

static int32_t stop_words(void *user, const char *text, size_t n) {
    (void)text, (void)n;
    return atomic_load(&((run *)user)->app->stop);
}

static iad_status explain(run *r, iad_record *record, iad_err *err) {
    static const char *const names[] = {"end", "length", "repetition", "stopped"};
    iadgpt_generate_options options;
    iadgpt_generate_defaults(&options);
    options.max_tokens = (int32_t)r->args->max_tokens;
    options.piece = stop_words;
    options.user = r;
    iadgpt_answer answer;
    iadgpt_error error;
    IAD_TRY(iad_from_public(iadgpt_generate(r->opened.session, &options, &answer, &error), &error, err));
    if (answer.finish == IADGPT_FINISH_STOPPED) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
    record->words = iad_strdup(answer.text);
    record->finish = iad_strdup(names[answer.finish]);
    record->timings.decode = answer.timings.decode;
    record->timings.generated_tokens = answer.timings.generated_tokens;
    return record->words && record->finish ? IAD_OK : IAD_NOMEM(err, "an answer");
}

static iad_status take_query(run *r, const char *path, const char *name, const iadgpt_result *result, int batch, iad_err *err) {
    iad_record record;
    iad_status status = iad_record_fill(&record, path, name, result, batch, err);
    if (status == IAD_OK && r->args->explain) status = explain(r, &record, err);
    if (status == IAD_OK) status = iad_inspect_out_add(&r->out, &record, err);
    iad_record_deinit(&record);
    if (status == IAD_OK) r->inspected++;
    return status;
}

/* Takes out what the output file holds already. */
static void skip_done(run *r) {
    iad_picture_list *list = &r->queries;
    size_t kept = 0;
    for (size_t i = 0; i < list->paths.n; i++) {
        if (iad_inspect_out_has(&r->out, list->paths.items[i])) {
            free(list->paths.items[i]);
            free(list->names.items[i]);
            r->skipped++;
            continue;
        }
        list->paths.items[kept] = list->paths.items[i];
        list->names.items[kept++] = list->names.items[i];
    }
    list->paths.n = list->names.n = kept;
}

static iad_status inspect_queries(run *r, iad_err *err) {
    skip_done(r);
    size_t n = r->queries.paths.n;
    if (r->args->limit > 0 && (size_t)r->args->limit < n) n = (size_t)r->args->limit;
    iad_progress_start(&r->progress, "inspecting", n + r->skipped, r->app->quiet);
    r->progress.skipped = r->skipped;
    double started = iad_clock();
    iad_status status = score_all(r, &r->queries, n, take_query, err);
    double seconds = iad_clock() - started;
    iad_progress_end(&r->progress);
    /* What is finished is written whatever ended the loop; the first error is the one to tell. */
    iad_err late = IAD_ERR_NONE;
    size_t spoiled = 0;
    iad_status end = iad_inspect_out_finish(&r->out, &spoiled, &late);
    r->failed += spoiled;
    if (status == IAD_OK && end != IAD_OK) {
        if (err) *err = late;
        status = end;
    }
    fprintf(stderr, "pictures=%zu inspected=%zu skipped=%zu failed=%zu seconds=%.3f per_second=%.3f\n", n + r->skipped, r->inspected, r->skipped,
            r->failed, seconds, seconds > 0 ? (double)r->inspected / seconds : 0);
    return status;
}

static iad_status get_exemplars(run *r, iad_err *err) {
    const iad_inspect_args *a = r->args;
    iadgpt_error error;
    if (a->exemplars) return iad_from_public(iadgpt_exemplars_load(r->opened.engine, a->exemplars, &r->exemplars, &error), &error, err);
    iadgpt_settings settings;
    IAD_TRY(iad_settings_args_resolve(&a->settings, &settings, err));
    if (a->zero_shot) return iad_from_public(iadgpt_exemplars_prepare(r->opened.session, NULL, 0, &settings, &r->exemplars, &error), &error, err);
    return iad_prepare_normals(&r->opened, &a->normals, &settings, &r->exemplars, err);
}

static iad_status run_all(run *r, const iad_strings *queries, iad_err *err) {
    const iad_inspect_args *a = r->args;
    IAD_TRY(iad_picture_list_expand(queries, "QUERY", &r->queries, err));
    IAD_TRY(iad_picture_list_expand(&a->calibrate, "--calibrate", &r->goods, err));
    IAD_TRY(iad_opened_open(&r->opened, r->app, &a->engine, err));
    IAD_TRY(get_exemplars(r, err));
    iad_inspect_out_options options = {.log = &r->app->log, .path = a->out, .threads = (int)r->app->threads, .range = a->range};
    options.map = (iad_map_output){.map_dir = a->map_dir, .overlay_dir = a->overlay_dir, .box_threshold = a->box_threshold};
    options.context = (iad_record_context){.key = iadgpt_exemplars_key(r->exemplars), .raw_map = a->raw_map || a->out};
    IAD_TRY(settle_threshold(r, &options.context, err));
    if (queries->n == 0) return IAD_OK;
    options.calibration_lo = r->has_calibration ? r->calibration.lo : 1;
    options.calibration_hi = r->has_calibration ? r->calibration.hi : 0;
    IAD_TRY(iad_inspect_out_open(&r->out, &options, err));
    return inspect_queries(r, err);
}

int iad_inspect_run(iad_app *app, const iad_inspect_args *args, const iad_strings *queries, iad_err *err) {
    run *r = iad_calloc(1, sizeof *r);
    if (!r) return iad_app_exit_code(IAD_NOMEM(err, "the run"));
    r->app = app;
    r->args = args;
    iad_status status = run_all(r, queries, err);
    int code = status == IAD_OK && r->failed ? IAD_EXIT_PARTIAL : iad_app_exit_code(status);
    iad_inspect_out_close(&r->out);
    iadgpt_exemplars_free(r->exemplars);
    iad_opened_close(&r->opened);
    iad_picture_list_deinit(&r->queries);
    iad_picture_list_deinit(&r->goods);
    for (size_t i = 0; i < r->n_scores; i++) free(r->score_names[i]);
    free(r->scores);
    free(r->score_names);
    free(r);
    return code;
}
