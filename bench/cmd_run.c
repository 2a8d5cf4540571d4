/* iad-bench run: every category of a manifest, for every number of shots and exemplar seed, through one scorer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "bench/bench_cmd.h"
#include "bench/benchoptions.h"
#include "bench/jsonwrite.h"
#include "bench/reasoning/asktask.h"
#include "bench/results.h"
#include "bench/runner.h"
#include "manifests/query.h"

#define MAX_LIST 64

typedef struct run_options {
    iad_bench_options bench;
    iad_scorer_options model;
    const char *db, *scorer, *rule, *scheme;
    iad_strings datasets, categories, shots, seeds;
    int64_t limit;
    int restart, drop_maps, dry_run;
} run_options;

/* Everything a run holds open. */
typedef struct run_state {
    iad_app *app;
    run_options *options;
    iad_runner runner;
    iad_manifest *manifest;
    iad_manifest *readers[IAD_RUNNER_MAX_THREADS];
    iad_dataset_list datasets;
    iad_category_list categories;
    int64_t shots[MAX_LIST], seeds[MAX_LIST];
    size_t n_shots, n_seeds;
    json_t *results, *units, *failed;
    int64_t run_id;
    size_t planned; /* --dry-run: pictures */
} run_state;

static int listed(const iad_strings *list, const char *name) {
    if (list->n == 0) return 1;
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], name) == 0) return 1;
    return 0;
}

static iad_status numbers(const iad_strings *list, const char *what, int64_t lo, int64_t hi, int64_t fallback, int64_t *values, size_t *n,
                          iad_err *err) {
    if (list->n > MAX_LIST) return IAD_FAIL(err, IAD_ERR_ARG, "%s: at most %d values", what, MAX_LIST);
    *n = list->n;
    for (size_t i = 0; i < list->n; i++) {
        IAD_TRY(iad_parse_i64(list->items[i], lo, hi, what, &values[i], err));
        for (size_t k = 0; k < i; k++)
            if (values[k] == values[i]) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %s is given twice", what, list->items[i]);
    }
    if (*n == 0) {
        values[0] = fallback;
        *n = 1;
    }
    return IAD_OK;
}

static const iad_dataset_row *dataset_of(const run_state *s, int64_t id) {
    for (size_t i = 0; i < s->datasets.n; i++)
        if (s->datasets.items[i].id == id) return &s->datasets.items[i];
    return NULL;
}

static iad_status count_bad(run_state *s, int64_t category_id, int64_t *n, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, s->manifest, "image", "SELECT count(*) FROM image WHERE category_id = ? AND bad = 1 AND part = 'test'", err));
    iad_query_i64(&q, category_id);
    if (iad_query_next(&q)) *n = iad_query_col_i64(&q, 0);
    return iad_query_close(&q, err);
}

/* Pictures of the whole run, for the progress line. */
static iad_status count_total(run_state *s, uint64_t *total, iad_err *err) {
    for (size_t i = 0; i < s->categories.n; i++) {
        const iad_category_row *category = &s->categories.items[i];
        const iad_dataset_row *dataset = dataset_of(s, category->dataset_id);
        if (!dataset || !listed(&s->options->datasets, dataset->name) || !listed(&s->options->categories, category->name)) continue;
        iad_image_list tests = {0};
        IAD_TRY(iad_image_tests(s->manifest, category->id, s->options->scheme, &tests, err));
        size_t n = s->options->limit > 0 && (size_t)s->options->limit < tests.n ? (size_t)s->options->limit : tests.n;
        *total += n * s->n_shots * s->n_seeds;
        iad_image_list_deinit(&tests);
    }
    return IAD_OK;
}

/* One category with one number of shots and one seed. Failures of the unit are kept in `failed`; only what ends the run is returned. */
static iad_status run_unit(run_state *s, iad_runner_unit *unit, iad_err *err) {
    iad_refs refs = {0};
    iad_refs_options options = {.scheme = s->options->scheme, .seed = unit->seed};
    iad_err unit_err = IAD_ERR_NONE;
    unit->refs = &refs;
    iad_status status = iad_refs_make(s->manifest, unit->category->id, s->options->rule, unit->shots, &options, &refs, &unit_err);
    if (status == IAD_OK && s->options->dry_run) {
        printf("%s\t%s\t%d\t%llu\t%zu\n", unit->dataset, unit->category->name, unit->shots, (unsigned long long)unit->seed, unit->tests->n);
        s->planned += unit->tests->n;
    } else if (status == IAD_OK) {
        status = iad_runner_run(&s->runner, unit, s->units, s->failed, &unit_err);
    }
    iad_refs_deinit(&refs);
    switch (status) {
        case IAD_OK: return IAD_OK;
        case IAD_ERR_INTERRUPTED:
        case IAD_ERR_NOMEM:
        case IAD_ERR_EXISTS:
        case IAD_ERR_IO:
        case IAD_ERR_DB:
        case IAD_ERR_INTERNAL:
        case IAD_ERR_ARG: /* these are not the category's fault and would only repeat themselves */
            if (err) *err = unit_err;
            return status;
        default: return iad_runner_fail(s->failed, unit, NULL, unit_err.msg, err);
    }
}

static iad_status run_category(run_state *s, const iad_category_row *category, iad_err *err) {
    const iad_dataset_row *dataset = dataset_of(s, category->dataset_id);
    if (!dataset || !listed(&s->options->datasets, dataset->name) || !listed(&s->options->categories, category->name)) return IAD_OK;
    iad_image_list tests = {0};
    iad_runner_unit unit = {.dataset = dataset->name, .root = dataset->root, .category = category, .tests = &tests, .rule = s->options->rule};
    iad_status status = iad_image_tests(s->manifest, category->id, s->options->scheme, &tests, err);
    if (status == IAD_OK) status = count_bad(s, category->id, &unit.n_bad, err);
    if (status == IAD_OK && tests.n == 0) {
        IAD_WARN(&s->app->log, "%s/%s: no labelled test picture, left out", dataset->name, category->name);
    } else if (status == IAD_OK) {
        if (s->options->limit > 0 && (size_t)s->options->limit < tests.n) tests.n = (size_t)s->options->limit;
        for (size_t k = 0; k < s->n_shots && status == IAD_OK; k++)
            for (size_t i = 0; i < s->n_seeds && status == IAD_OK; i++) {
                unit.shots = (int)s->shots[k];
                unit.seed = (uint64_t)s->seeds[i];
                status = run_unit(s, &unit, err);
            }
    }
    iad_image_list_deinit(&tests);
    return status;
}

/* ---- opening and closing ---- */

static iad_status open_manifest(run_state *s, iad_err *err) {
    iad_err ignored = IAD_ERR_NONE;
    /* Writing is only for the run's own row: a manifest on a read-only disk can be measured too. */
    if (s->options->dry_run || iad_manifest_open(s->options->db, IAD_MANIFEST_WRITE, &s->manifest, &ignored) != IAD_OK) {
        s->manifest = NULL;
        IAD_TRY(iad_manifest_open(s->options->db, IAD_MANIFEST_READ, &s->manifest, err));
        if (!s->options->dry_run) IAD_WARN(&s->app->log, "%s: cannot be written (%s); this run is not recorded in it", s->options->db, ignored.msg);
    }
    for (int i = 0; i < s->runner.threads; i++) IAD_TRY(iad_manifest_open(s->options->db, IAD_MANIFEST_READ, &s->readers[i], err));
    IAD_TRY(iad_dataset_all(s->manifest, &s->datasets, err));
    IAD_TRY(iad_category_all(s->manifest, 0, &s->categories, err));
    if (iad_manifest_writable(s->manifest))
        IAD_TRY(iad_run_begin(s->manifest, "iad-bench run", s->app->version, s->app->argv_text, NULL, (uint64_t)s->seeds[0], &s->run_id, err));
    return IAD_OK;
}

static void close_all(run_state *s, iad_status status) {
    if (s->run_id) {
        char counts[160];
        size_t failed = json_array_size(s->failed);
        snprintf(counts, sizeof counts, "{\"units\":%zu,\"failed\":%zu,\"scored\":%zu}", json_array_size(s->units), failed, s->runner.scored);
        iad_run_end(s->manifest, s->run_id, status == IAD_ERR_INTERRUPTED ? "interrupted" : status != IAD_OK ? "failed" : failed ? "partial" : "ok",
                    counts, NULL);
    }
    for (int i = 0; i < s->runner.threads; i++) iad_manifest_close(s->readers[i]);
    iad_dataset_list_deinit(&s->datasets);
    iad_category_list_deinit(&s->categories);
    iad_manifest_close(s->manifest);
    if (s->runner.scorer.close != NULL) s->runner.scorer.close(s->runner.scorer.context);
    json_decref(s->results);
}

/* Times belong to the machine, not to the result: they get a file of their own. */
static iad_status write_timings(const run_state *s, double wall, iad_err *err) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    iad_jsonw w = iad_jsonw_new();
    size_t n = s->runner.scored;
    iad_jsonw_str(&w, "scorer", s->runner.scorer.name);
    iad_jsonw_int(&w, "threads", s->runner.threads);
    iad_jsonw_int(&w, "pictures_scored", (long long)n);
    iad_jsonw_num(&w, "wall_seconds", wall);
    iad_jsonw_num(&w, "pictures_per_second", n && wall > 0 ? (double)n / wall : NAN);
    iad_jsonw_num(&w, "score_ms_per_picture", n ? 1000 * s->runner.score_seconds / (double)n : NAN);
    iad_jsonw_int(&w, "peak_rss_kib", usage.ru_maxrss);
    json_t *timings = NULL;
    IAD_TRY(iad_jsonw_finish(&w, &timings, err));
    if (s->runner.scorer.timings != NULL && s->runner.scorer.timings(s->runner.scorer.context, timings, err) != IAD_OK) {
        json_decref(timings);
        return IAD_ERR_NOMEM;
    }
    char path[IAD_PATH_MAX];
    iad_buf text;
    iad_buf_init(&text, 1u << 16);
    iad_status status = iad_path_join(path, sizeof path, s->options->bench.out, "timings.json", err);
    if (status == IAD_OK) status = iad_json_pretty(timings, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    if (status == IAD_OK && n)
        IAD_INFO(&s->app->log, "%zu pictures in %.1f s: %.1f pictures/s, %.1f ms of scoring each, %ld MiB peak", n, wall, (double)n / wall,
                 1000 * s->runner.score_seconds / (double)n, usage.ru_maxrss / 1024);
    iad_buf_deinit(&text);
    json_decref(timings);
    return status;
}

static iad_status describe(run_state *s, iad_err *err) {
    iad_jsonw w = {s->results, 0};
    iad_jsonw_take(&w, "scorer", json_pack("{ss ss}", "name", s->runner.scorer.name, "version", s->runner.scorer.version));
    iad_jsonw_str(&w, "refs", s->options->rule);
    iad_jsonw_str(&w, "manifest", s->options->db);
    return w.failed ? IAD_NOMEM(err, "the result") : IAD_OK;
}

static int stopped(void *user) { return atomic_load(&((iad_app *)user)->stop); }

static iad_status open_scorer(run_state *s, iad_err *err) {
    iad_scorer *scorer = &s->runner.scorer;
    iad_scorer_options *o = &s->options->model;
    o->threads = (int)s->app->threads;
    o->stopped = stopped;
    o->user = s->app;
    /* A dry run measures nothing. */
    if (scorer->open == NULL || s->options->dry_run) return IAD_OK;
    return scorer->open(o, scorer, err);
}

static int run(run_state *s, iad_err *err) {
    double started = iad_clock();
    iad_progress progress;
    iad_progress_start(&progress, "scoring", 0, s->app->quiet || s->options->dry_run);
    s->runner.progress = &progress;
    iad_status status = open_manifest(s, err);
    if (status == IAD_OK) status = open_scorer(s, err);
    if (status == IAD_OK) status = count_total(s, &progress.total, err);
    if (status == IAD_OK) status = describe(s, err);
    for (size_t i = 0; i < s->categories.n && status == IAD_OK; i++) status = run_category(s, &s->categories.items[i], err);
    iad_progress_end(&progress);
    if (status != IAD_OK) {
        if (status == IAD_ERR_INTERRUPTED)
            IAD_FAIL(err, status, "interrupted after %zu pictures; the same command goes on from here", s->runner.scored);
        return close_all(s, status), iad_app_exit_code(status);
    }
    if (s->options->dry_run) {
        fprintf(stderr, "pictures=%zu dry_run=1\n", s->planned);
        return close_all(s, IAD_OK), IAD_EXIT_OK;
    }
    if (json_array_size(s->units) == 0 && json_array_size(s->failed) == 0) {
        IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: nothing to measure (check --dataset and --category; iad-manifest stats shows what is there)",
                 s->options->db);
        return close_all(s, IAD_ERR_NOT_FOUND), IAD_EXIT_FAILED;
    }
    status = write_timings(s, iad_clock() - started, err);
    int code = status == IAD_OK ? iad_bench_finish(s->app, &s->options->bench, s->results, err) : iad_app_exit_code(status);
    return close_all(s, status), code;
}

static iad_status prepare(run_state *s, iad_err *err) {
    run_options *o = s->options;
    IAD_TRY(iad_bench_options_resolve(&o->bench, err));
    IAD_TRY(numbers(&o->shots, "--shots", 1, IAD_REFS_MAX_SHOTS, 1, s->shots, &s->n_shots, err));
    IAD_TRY(numbers(&o->seeds, "--seed", 0, INT64_MAX, 0, s->seeds, &s->n_seeds, err));
    const char *colon = strrchr(o->rule, ':');
    if (s->n_seeds > 1 && colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1))
        return IAD_FAIL(err, IAD_ERR_ARG, "--refs %s fixes the seed, so --seed cannot give several; write --refs %.*s", o->rule,
                        (int)(colon - o->rule), o->rule);
    IAD_TRY(iad_scorer_find(o->scorer, &s->runner.scorer, err));
    IAD_TRY(iad_bench_results_new(s->app, &o->bench, &s->results, err));
    s->units = json_object_get(s->results, "units");
    s->failed = json_object_get(s->results, "failed");
    s->runner.out_dir = o->bench.out;
    s->runner.protocols = o->bench.protocols;
    s->runner.n_protocols = o->bench.n_protocols;
    s->runner.eval = o->bench.eval;
    s->runner.readers = s->readers;
    s->runner.threads = s->runner.scorer.serial ? 1 : (int)s->app->threads;
    s->runner.restart = o->restart;
    s->runner.drop_maps = o->drop_maps;
    s->runner.stop = &s->app->stop;
    return IAD_OK;
}

/* The value of --task, before there is a table to parse with: each task has its own. NULL: not given. */
static const char *task_of(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--task=", 7) == 0) return argv[i] + 7;
        if (strcmp(argv[i], "--task") == 0 && i + 1 < argc) return argv[i + 1];
    }
    return NULL;
}

int iad_cmd_run(iad_app *app, int argc, char **argv, iad_err *err) {
    run_options o = {.scorer = "patchnn", .rule = "first"};
    iad_bench_options_init(&o.bench);
    iad_scorer_options_init(&o.model);
    iad_ask_kind kind;
    const char *task = "detect", *asked = task_of(argc, argv);
    if (asked && iad_ask_kind_parse(asked, &kind)) return iad_cmd_run_questions(app, argc, argv, (int)kind, err);
    enum { OWN = 13 };
    iad_arg table[OWN + IAD_SCORER_N_OPTIONS + IAD_BENCH_N_OPTIONS + 1] = {
        {.kind = IAD_ARG_CHOICE, .name = "task", .value = &task, .choices = "detect|reasoning|mmad|yesno|boxes|instruct-loss",
         .help = "what is run; the others have options of their own: run --task mmad --help"},
        {.kind = IAD_ARG_STRING, .name = "db", .value = &o.db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "scorer", .value = &o.scorer, .meta = "NAME", .help = "what is measured"},
        {.kind = IAD_ARG_LIST, .name = "shots", .value = &o.shots, .meta = "1,2,4", .help = "numbers of exemplars (default 1)"},
        {.kind = IAD_ARG_STRING, .name = "refs", .value = &o.rule, .meta = "RULE",
         .help = "how exemplars are chosen; iad-manifest refs --help lists the rules"},
        {.kind = IAD_ARG_LIST, .name = "seed", .value = &o.seeds, .meta = "0,1,2",
         .help = "exemplar seeds; several give mean and spread (default 0)"},
        {.kind = IAD_ARG_LIST, .name = "dataset", .value = &o.datasets, .meta = "NAME,...", .help = "only these data sets"},
        {.kind = IAD_ARG_LIST, .name = "category", .value = &o.categories, .meta = "NAME,...", .help = "only these categories"},
        {.kind = IAD_ARG_STRING, .name = "split", .value = &o.scheme, .meta = "SCHEME",
         .help = "named split of the manifest instead of the source's"},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &o.limit, .meta = "N",
         .help = "at most N test pictures per category, 0 for all", .lo = 0, .hi = 1000000000},
        {.kind = IAD_ARG_FLAG, .name = "restart", .value = &o.restart, .help = "forget stored maps of the units"},
        {.kind = IAD_ARG_FLAG, .name = "drop-maps", .value = &o.drop_maps,
         .help = "delete a unit's maps once it is measured (the report then shows none)"},
        {.kind = IAD_ARG_FLAG, .name = "dry-run", .value = &o.dry_run, .help = "list the units and stop"}};
    int n_own = OWN + iad_scorer_options_rows(&o.model, table + OWN);
    table[n_own + iad_bench_options_rows(&o.bench, table + n_own)] = (iad_arg){.kind = IAD_ARG_END};
    const iad_command self = {.name = "run", .usage = "--db FILE --out DIR [options]",
                              .help = "Chooses exemplars, scores every test picture, prints the table per category and writes results.json and\n"
                                      "report.html. Interrupted or killed, the same command goes on where it stopped."};
    iad_strings operands = {0};
    run_state *s = iad_calloc(1, sizeof *s);
    int code = s ? iad_app_parse(app, &self, argc, argv, table, &operands, err) : iad_app_exit_code(IAD_NOMEM(err, "the run"));
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%s\"", operands.items[0]));
    if (code < 0) {
        s->app = app;
        s->options = &o;
        iad_status status = prepare(s, err);
        code = status == IAD_OK ? run(s, err) : (json_decref(s->results), iad_app_exit_code(status));
    }
    free(s);
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.datasets);
    iad_strings_deinit(&o.categories);
    iad_strings_deinit(&o.shots);
    iad_strings_deinit(&o.seeds);
    iad_bench_options_deinit(&o.bench);
    return code;
}
