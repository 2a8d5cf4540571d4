/* iad-bench score: metrics of scores and maps that any other tool wrote. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/image/decode.h"
#include "bench/bench_cmd.h"
#include "bench/benchoptions.h"
#include "bench/jsonwrite.h"
#include "bench/metrics/mapreader.h"
#include "bench/scoreset.h"

typedef struct score_options {
    iad_bench_options bench;
    const char *scores, *maps, *masks, *name;
    int64_t shots, seed;
} score_options;

/* One category under one protocol. */
typedef struct score_unit {
    iad_app *app;
    const score_options *options;
    const iad_protocol *protocol;
    const iad_score_row *rows;
    size_t n;
    iad_eval_test *tests; /* [n] */
    iad_mapcache_writer *writer;
    iad_progress *progress;
    size_t odd_masks;     /* masks with values other than 0 and 255 */
} score_unit;

typedef struct score_item {
    iad_eval_picture picture;
    double score;
} score_item;

static iad_status file_of(const score_options *o, const char *dir, const char *name, char path[IAD_PATH_MAX], iad_err *err) {
    char folder[IAD_PATH_MAX];
    if (!dir) {
        iad_path_dir(folder, sizeof folder, o->scores);
        dir = folder;
    }
    if (*name == '/') return iad_text_copy(path, IAD_PATH_MAX, name) ? IAD_OK : IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s: the path is too long", name);
    return iad_path_join(path, IAD_PATH_MAX, dir, name, err);
}

static iad_status read_item(void *user, size_t item, int thread, void *result, iad_err *err) {
    const score_unit *u = user;
    const iad_score_row *row = &u->rows[item];
    score_item *out = result;
    char path[IAD_PATH_MAX];
    iad_plane map = {0};
    iad_image mask = {0};
    (void)thread;
    IAD_TRY(file_of(u->options, u->options->maps, row->map, path, err));
    IAD_TRY(iad_mapreader_load(path, &map, err));
    iad_status status = IAD_OK;
    if (*row->mask) {
        status = file_of(u->options, u->options->masks, row->mask, path, err);
        if (status == IAD_OK) status = iad_image_load(path, &(iad_decode_options){.channels = 1, .raw_values = 1}, &mask, NULL, err);
    }
    if (status == IAD_OK)
        status = iad_protocol_apply(u->protocol, &map, mask.px ? &mask : NULL, mask.width, mask.height, row->path, &out->picture, err);
    if (status == IAD_OK) status = iad_protocol_image_score(u->protocol, &map, &out->picture.map, row->score, &out->score, err);
    if (status == IAD_OK && isnan(out->score))
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "no score given and preset %s takes the model's", u->protocol->name);
    iad_image_deinit(&mask);
    iad_plane_deinit(&map);
    return status;
}

static iad_status store_item(void *user, size_t item, void *result, iad_status item_status, const iad_err *item_err, iad_err *err) {
    score_unit *u = user;
    const iad_score_row *row = &u->rows[item];
    const score_item *out = result;
    if (item_status != IAD_OK) return IAD_FAIL(err, item_status, "row %zu (%s): %s", row->line, row->path, item_err->msg);
    u->tests[item].score = out->score;
    u->odd_masks += out->picture.odd_values > 0;
    iad_mapcache_entry entry = {.name = row->path, .map = out->picture.map.px, .mask = out->picture.mask.px, .width = out->picture.map.width,
                                .height = out->picture.map.height, .label = row->label, .source_regions = out->picture.source_regions,
                                .image_score = out->score};
    iad_progress_add(u->progress, 1, 0);
    return iad_mapcache_append(u->writer, &entry, err);
}

static void drop_item(void *user, void *result) {
    (void)user;
    iad_eval_picture_deinit(&((score_item *)result)->picture);
}

/* Maps to evaluation geometry, into a cache that is written anew: the maps are on disk already, so nothing is lost by that. */
static iad_status fill_cache(score_unit *u, const char *path, iad_err *err) {
    char dir[IAD_PATH_MAX];
    iad_path_dir(dir, sizeof dir, path);
    IAD_TRY(iad_dir_make(dir, err));
    unlink(path);
    IAD_TRY(iad_mapcache_append_open(path, "iad-bench score", &u->writer, err));
    iad_pool_job job = {.work = read_item, .emit = store_item, .drop = drop_item, .user = u, .result_size = sizeof(score_item)};
    iad_status status = iad_pool_run(&job, u->n, (int)u->app->threads, 2 * (size_t)u->app->threads, &u->app->stop, err);
    iad_status closed = iad_mapcache_append_close(u->writer, status == IAD_OK ? err : NULL);
    return status == IAD_OK ? closed : status;
}

static iad_status describe(const score_unit *u, json_t **unit, iad_err *err) {
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_str(&w, "dataset", u->rows[0].dataset);
    iad_jsonw_str(&w, "category", u->rows[0].category);
    iad_jsonw_int(&w, "shots", u->options->shots);
    iad_jsonw_int(&w, "seed", u->options->seed);
    iad_jsonw_str(&w, "preset", u->protocol->name);
    iad_jsonw_take(&w, "exemplars", json_array());
    return iad_jsonw_finish(&w, unit, err);
}

static iad_status measure_unit(score_unit *u, json_t *units, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_mapcache *cache = NULL;
    json_t *unit = NULL;
    size_t with_map = 0;
    u->tests = iad_calloc(u->n, sizeof *u->tests);
    if (!u->tests) return IAD_NOMEM(err, "the scores");
    iad_status status = IAD_OK;
    for (size_t i = 0; i < u->n && status == IAD_OK; i++) {
        const iad_score_row *row = &u->rows[i];
        u->tests[i] = (iad_eval_test){row->path, row->defect, row->label, row->score};
        with_map += *row->map != 0;
    }
    if (with_map && with_map < u->n)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s/%s: %zu of %zu pictures have a map; give all or none", u->rows[0].dataset, u->rows[0].category,
                          with_map, u->n);
    if (status == IAD_OK && with_map) {
        status = iad_runner_unit_path(u->options->bench.out, u->rows[0].dataset, u->rows[0].category, u->protocol->name, (int)u->options->shots,
                                      (uint64_t)u->options->seed, ".maps", path, sizeof path, err);
        if (status == IAD_OK) status = fill_cache(u, path, err);
        if (status == IAD_OK) status = iad_mapcache_open(path, 0, &cache, err);
    }
    iad_eval_options eval = u->options->bench.eval;
    eval.protocol = u->protocol;
    eval.threads = (int)u->app->threads;
    if (status == IAD_OK) status = describe(u, &unit, err);
    if (status == IAD_OK) status = iad_evalunit_measure(u->tests, u->n, cache, &eval, unit, err);
    if (status == IAD_OK && u->odd_masks)
        status = iad_evalunit_note(unit, err, "%zu masks hold values other than 0 and 255: every value above 0 counts as a defect", u->odd_masks);
    if (status == IAD_OK && json_array_append(units, unit) != 0) status = IAD_NOMEM(err, "the results");
    json_decref(unit);
    iad_mapcache_close(cache);
    free(u->tests);
    return status;
}

static iad_status measure_all(iad_app *app, const score_options *o, const iad_scoreset *set, json_t *units, iad_err *err) {
    iad_progress progress;
    iad_progress_start(&progress, "reading maps", set->n * o->bench.n_protocols, app->quiet);
    iad_status status = IAD_OK;
    for (size_t from = 0; from < set->n && status == IAD_OK;) {
        size_t to = from + 1;
        while (to < set->n && !strcmp(set->rows[to].dataset, set->rows[from].dataset) && !strcmp(set->rows[to].category, set->rows[from].category))
            to++;
        for (size_t p = 0; p < o->bench.n_protocols && status == IAD_OK; p++) {
            score_unit unit = {.app = app, .options = o, .protocol = &o->bench.protocols[p], .rows = set->rows + from, .n = to - from,
                               .progress = &progress};
            status = measure_unit(&unit, units, err);
        }
        from = to;
    }
    iad_progress_end(&progress);
    return status;
}

static int score(iad_app *app, score_options *o, iad_err *err) {
    iad_scoreset set = {0};
    json_t *results = NULL;
    iad_status status = iad_bench_options_resolve(&o->bench, err);
    if (status == IAD_OK) status = iad_scoreset_load(&set, o->scores, err);
    if (status == IAD_OK) status = iad_bench_results_new(app, &o->bench, &results, err);
    if (status == IAD_OK) {
        iad_jsonw w = {results, 0};
        iad_jsonw_take(&w, "scorer", json_pack("{ss ss}", "name", o->name, "version", ""));
        iad_jsonw_str(&w, "refs", NULL);
        if (w.failed) status = IAD_NOMEM(err, "the result");
    }
    if (status == IAD_OK) status = measure_all(app, o, &set, json_object_get(results, "units"), err);
    int code = status == IAD_OK ? iad_bench_finish(app, &o->bench, results, err) : iad_app_exit_code(status);
    json_decref(results);
    iad_scoreset_deinit(&set);
    return code;
}

int iad_cmd_score(iad_app *app, int argc, char **argv, iad_err *err) {
    score_options o = {.name = "scores"};
    iad_bench_options_init(&o.bench);
    enum { OWN = 6 };
    iad_arg table[OWN + IAD_BENCH_N_OPTIONS + 1] = {
        {.kind = IAD_ARG_STRING, .name = "scores", .value = &o.scores, .meta = "FILE",
         .help = "TSV or CSV: path, label, score and optional dataset, category, defect, map, mask", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "maps", .value = &o.maps, .meta = "DIR",
         .help = "folder of the map files (.npy, float TIFF, 16-bit PNG); default: the table's"},
        {.kind = IAD_ARG_STRING, .name = "masks", .value = &o.masks, .meta = "DIR", .help = "folder of the mask files; default: the table's"},
        {.kind = IAD_ARG_STRING, .name = "name", .value = &o.name, .meta = "TEXT", .help = "what made the scores, for the report"},
        {.kind = IAD_ARG_INT, .name = "shots", .value = &o.shots, .meta = "K",
         .help = "exemplars that were used, for the leaderboard", .lo = 0, .hi = 100000},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &o.seed, .meta = "N", .help = "exemplar seed that was used", .lo = 0, .hi = INT64_MAX}};
    table[OWN + iad_bench_options_rows(&o.bench, table + OWN)] = (iad_arg){.kind = IAD_ARG_END};
    const iad_command self = {.name = "score", .usage = "--scores FILE --out DIR [options]",
                              .help = "Measures what any other tool wrote. Scores are used as they are: never scaled, clamped or squashed."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%s\"", operands.items[0]));
    if (code < 0) code = score(app, &o, err);
    iad_strings_deinit(&operands);
    iad_bench_options_deinit(&o.bench);
    return code;
}
