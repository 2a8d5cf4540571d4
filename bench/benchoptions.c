#include "bench/benchoptions.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/appprint.h"
#include "base/file.h"
#include "base/json.h"
#include "bench/jsonwrite.h"
#include "bench/metrics/pixelmetrics.h"
#include "bench/report/report.h"
#include "bench/results.h"

void iad_bench_options_init(iad_bench_options *options) {
    *options = (iad_bench_options){.bootstrap = 200, .round = -1, .format = "table"};
}

size_t iad_bench_options_rows(iad_bench_options *o, iad_arg *table) {
    const iad_arg rows[] = {
        {.kind = IAD_ARG_LIST, .name = "preset", .value = &o->presets, .meta = "NAME,...",
         .help = "evaluation protocols: sizes, mask rule, smoothing (default iadgpt-224; iad-bench presets lists them)"},
        {.kind = IAD_ARG_STRING, .name = "map-size", .value = &o->map_size, .meta = "N|WxH|mask|map", .help = "override the preset's size"},
        {.kind = IAD_ARG_STRING, .name = "mask-rule", .value = &o->mask_rule, .meta = "RULE",
         .help = "override: pil:0.1, pil:0.5, nearest, cv-nearest"},
        {.kind = IAD_ARG_STRING, .name = "sigma", .value = &o->sigma, .meta = "X", .help = "override: Gaussian smoothing of the map, 0 for none"},
        {.kind = IAD_ARG_STRING, .name = "interp", .value = &o->interp, .meta = "NAME", .help = "override: bilinear, align, bicubic, nearest"},
        {.kind = IAD_ARG_STRING, .name = "image-score", .value = &o->image_score, .meta = "RULE", .help = "override: model, max, top:0.01"},
        {.kind = IAD_ARG_STRING, .name = "connectivity", .value = &o->connectivity, .meta = "4|8", .help = "override: of defect regions"},
        {.kind = IAD_ARG_LIST, .name = "pro-limit", .value = &o->pro_limits, .meta = "X,...", .help = "false positive limits of AUPRO (default 0.3)"},
        {.kind = IAD_ARG_INT, .name = "bootstrap", .value = &o->bootstrap, .meta = "N",
         .help = "replicates for pixel intervals, 0 for none", .lo = 0, .hi = 100000},
        {.kind = IAD_ARG_FLAG, .name = "legacy", .value = &o->legacy, .help = "the labelled legacy variants of other code bases too"},
        {.kind = IAD_ARG_FLAG, .name = "aupimo", .value = &o->aupimo, .help = "AUPIMO too"},
        {.kind = IAD_ARG_INT, .name = "round-per-category", .value = &o->round, .meta = "D",
         .help = "round each category to D decimals of a percent before the mean; -1: do not", .lo = -1, .hi = 6},
        {.kind = IAD_ARG_LIST, .name = "min", .value = &o->gates, .meta = "METRIC=VALUE",
         .help = "exit 1 when a mean is below, e.g. image_auroc=0.9"},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o->out, .meta = "DIR", .help = "results, maps and report.html go here", .required = 1},
        {.kind = IAD_ARG_CHOICE, .name = "format", .value = &o->format, .choices = "table|tsv|markdown|json", .help = "of the tables on stdout"},
        {.kind = IAD_ARG_FLAG, .name = "no-report", .value = &o->no_report, .help = "do not write report.html"},
    };
    _Static_assert(sizeof rows / sizeof *rows <= IAD_BENCH_N_OPTIONS, "IAD_BENCH_N_OPTIONS is too small");
    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

static iad_status override(iad_protocol *protocol, const char *key, const char *value, iad_err *err) {
    return value ? iad_protocol_override(protocol, key, value, err) : IAD_OK;
}

iad_status iad_bench_options_resolve(iad_bench_options *o, iad_err *err) {
    if (o->presets.n == 0) IAD_TRY(iad_strings_add(&o->presets, "iadgpt-224", err));
    if (o->presets.n > IAD_RUNNER_MAX_PROTOCOLS)
        return IAD_FAIL(err, IAD_ERR_ARG, "--preset: at most %d at once", IAD_RUNNER_MAX_PROTOCOLS);
    for (size_t i = 0; i < o->presets.n; i++) {
        iad_protocol *p = &o->protocols[i];
        if (iad_protocol_find(o->presets.items[i], p, err) != IAD_OK) return err->code = IAD_ERR_ARG;
        IAD_TRY(override(p, "map-size", o->map_size, err));
        IAD_TRY(override(p, "mask-rule", o->mask_rule, err));
        IAD_TRY(override(p, "sigma", o->sigma, err));
        IAD_TRY(override(p, "interp", o->interp, err));
        IAD_TRY(override(p, "image-score", o->image_score, err));
        IAD_TRY(override(p, "connectivity", o->connectivity, err));
        for (size_t k = 0; k < i; k++)
            if (strcmp(p->name, o->protocols[k].name) == 0) return IAD_FAIL(err, IAD_ERR_ARG, "--preset: %s is given twice", p->name);
    }
    o->n_protocols = o->presets.n;
    if (o->pro_limits.n > IAD_PRO_MAX_LIMITS) return IAD_FAIL(err, IAD_ERR_ARG, "--pro-limit: at most %d", IAD_PRO_MAX_LIMITS);
    for (size_t i = 0; i < o->pro_limits.n; i++)
        IAD_TRY(iad_parse_f64(o->pro_limits.items[i], 1e-6, 1, "--pro-limit", &o->eval.pro_limits[i], err));
    o->eval.n_pro_limits = o->pro_limits.n;
    o->eval.legacy = o->legacy;
    o->eval.aupimo = o->aupimo;
    o->eval.bootstrap = (int)o->bootstrap;
    return IAD_OK;
}

void iad_bench_options_deinit(iad_bench_options *o) {
    iad_strings_deinit(&o->presets);
    iad_strings_deinit(&o->pro_limits);
    iad_strings_deinit(&o->gates);
}

/* ---- results ---- */

iad_status iad_bench_plain_command(const char *argv_text, iad_buf *out, iad_err *err) {
    iad_strings words = {0};
    iad_status status = iad_strings_split(&words, argv_text, ' ', err);
    for (size_t i = 0; i < words.n && status == IAD_OK; i++) {
        const char *word = words.items[i];
        if (!strcmp(word, "--quiet") || !strcmp(word, "--verbose") || iad_text_starts(word, "--threads=")) continue;
        if (!strcmp(word, "--threads")) {
            i++;
            continue;
        }
        status = iad_buf_addf(out, err, "%s%s", out->len ? " " : "", word);
    }
    iad_strings_deinit(&words);
    return status;
}

static iad_status presets_json(const iad_bench_options *o, json_t **out, iad_err *err) {
    json_t *list = json_array();
    iad_status status = list ? IAD_OK : IAD_NOMEM(err, "the presets");
    for (size_t i = 0; i < o->n_protocols && status == IAD_OK; i++) {
        char hash[65];
        iad_buf text;
        iad_buf_init(&text, 1u << 16);
        status = iad_protocol_hash(&o->protocols[i], hash, err);
        if (status == IAD_OK) status = iad_protocol_text(&o->protocols[i], &text, err);
        iad_jsonw w = iad_jsonw_new();
        iad_jsonw_str(&w, "name", o->protocols[i].name);
        iad_jsonw_str(&w, "hash", hash);
        iad_jsonw_str(&w, "text", iad_buf_str(&text));
        iad_jsonw_str(&w, "note", iad_protocol_note(o->presets.items[i]));
        iad_buf_deinit(&text);
        json_t *preset = NULL;
        if (status == IAD_OK) status = iad_jsonw_finish(&w, &preset, err);
        else json_decref(w.object);
        if (status == IAD_OK && json_array_append_new(list, preset) != 0) status = IAD_NOMEM(err, "the presets");
    }
    if (status != IAD_OK) json_decref(list);
    else *out = list;
    return status;
}

iad_status iad_bench_results_new(const iad_app *app, const iad_bench_options *options, json_t **results, iad_err *err) {
    json_t *presets = NULL;
    iad_buf command;
    iad_buf_init(&command, 1u << 20);
    iad_status status = iad_bench_plain_command(app->argv_text, &command, err);
    if (status == IAD_OK) status = presets_json(options, &presets, err);
    if (status == IAD_OK) {
        iad_jsonw w = iad_jsonw_new();
        iad_jsonw_str(&w, "format", IAD_RESULTS_FORMAT);
        char program[64];
        snprintf(program, sizeof program, "%s %s", app->program, app->version);
        iad_jsonw_str(&w, "program", program);
        iad_jsonw_str(&w, "command", iad_buf_str(&command));
        iad_jsonw_take(&w, "presets", presets);
        iad_jsonw_take(&w, "units", json_array());
        iad_jsonw_take(&w, "failed", json_array());
        status = iad_jsonw_finish(&w, results, err);
    }
    iad_buf_deinit(&command);
    return status;
}

/* Has an earlier unit of the same category said the same? With several shots and seeds most notes repeat. */
static int said_before(const json_t *units, size_t at, const json_t *unit, const json_t *note) {
    for (size_t i = 0; i < at; i++) {
        const json_t *earlier = json_array_get(units, i);
        size_t k;
        json_t *other;
        if (!json_equal(json_object_get(earlier, "category"), json_object_get(unit, "category")) ||
            !json_equal(json_object_get(earlier, "dataset"), json_object_get(unit, "dataset")))
            continue;
        json_array_foreach(json_object_get(earlier, "notes"), k, other)
            if (json_equal(other, note)) return 1;
    }
    return 0;
}

static void show_notes(const iad_app *app, const json_t *results) {
    const json_t *units = json_object_get(results, "units");
    size_t i, k;
    json_t *unit, *note, *failure;
    json_array_foreach(units, i, unit) {
        json_array_foreach(json_object_get(unit, "notes"), k, note)
            if (!said_before(units, i, unit, note))
                IAD_WARN(&app->log, "%s/%s: %s", json_string_value(json_object_get(unit, "dataset")),
                         json_string_value(json_object_get(unit, "category")), json_string_value(note));
    }
    json_array_foreach(json_object_get(results, "failed"), i, failure) {
        const char *item = json_string_value(json_object_get(failure, "item"));
        IAD_ERROR(&app->log, "%s: %s%s%s", json_string_value(json_object_get(failure, "unit")), item ? item : "", item ? ": " : "",
                  json_string_value(json_object_get(failure, "reason")));
    }
}

int iad_bench_finish(const iad_app *app, const iad_bench_options *o, json_t *results, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, 1u << 28);
    iad_status status = iad_results_summarise(results, (int)o->round, err);
    if (status == IAD_OK) status = iad_results_write(results, o->out, err);
    if (status == IAD_OK && strcmp(o->format, "json") == 0) status = iad_json_pretty(results, &text, err);
    else if (status == IAD_OK) status = iad_results_format(results, o->format, &text, err);
    if (status == IAD_OK) status = iad_app_print(iad_buf_str(&text), text.len, err);
    show_notes(app, results);
    char report[IAD_PATH_MAX] = "";
    if (status == IAD_OK && !o->no_report) {
        status = iad_path_join(report, sizeof report, o->out, "report.html", err);
        if (status == IAD_OK) status = iad_report_write(results, o->out, report, NULL, err);
    }
    int below = 0;
    iad_buf_reset(&text);
    for (size_t i = 0; i < o->gates.n && status == IAD_OK; i++) status = iad_results_gate(results, o->gates.items[i], &below, &text, err);
    size_t units = json_array_size(json_object_get(results, "units")), failed = json_array_size(json_object_get(results, "failed"));
    int code = status != IAD_OK ? iad_app_exit_code(status) : below ? IAD_EXIT_FAILED : failed ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
    if (below) fputs(iad_buf_str(&text), stderr);
    fflush(stdout);
    if (status == IAD_OK)
        fprintf(stderr, "units=%zu failed=%zu below_gate=%d results=%s/results.json%s%s\n", units, failed, below, o->out, *report ? " report=" : "",
                report);
    iad_buf_deinit(&text);
    return code;
}
