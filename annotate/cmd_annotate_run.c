/* iad-annotate run */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/cmd_annotate.h"
#include "base/appprint.h"
#include "base/progress.h"

typedef struct run_view {
    iad_app *app;
    iad_progress progress;
} run_view;

static void show(void *user, const iad_annotate_counts *c) {
    run_view *view = user;
    uint64_t have = (uint64_t)c->answers, failed = (uint64_t)(c->filtered + c->unusable + c->troubled);
    iad_progress_add(&view->progress, have > view->progress.done ? have - view->progress.done : 0,
                     failed > view->progress.failed ? failed - view->progress.failed : 0);
}

static void say(void *user, const char *text) {
    IAD_WARN(&((run_view *)user)->app->log, "%s", text);
}

static int predict(iad_annotate_settings *s, iad_err *err) {
    iad_manifest *m = NULL;
    iad_annotate_estimate e;
    char text[1000];
    iad_status status = iad_manifest_open(s->db, IAD_MANIFEST_READ, &m, err);
    if (status == IAD_OK) status = iad_annotate_predict(m, &s->o, &e, err);
    iad_manifest_close(m);
    if (status != IAD_OK) return iad_app_exit_code(status);
    int n = snprintf(text, sizeof text,
                     "pictures\t%lld\nanswers there\t%lld\nto ask\t%lld\nrequests\t%.0f\nprompt tokens\t%lld\nanswer tokens\t%lld\ncost\t%.4f "
                     "%s\nhours\t%.3f\nlearnt from\t%lld answers\n",
                     (long long)e.pictures, (long long)e.had, (long long)e.units, e.requests, (long long)e.prompt_tokens,
                     (long long)e.completion_tokens, e.cost, *s->o.price.currency ? s->o.price.currency : "-", e.hours, (long long)e.learnt_from);
    return iad_app_exit_code(iad_app_print(text, (size_t)n, err));
}

static const char *word_of(int code) {
    return code == IAD_EXIT_OK ? "ok" : code == IAD_EXIT_PARTIAL ? "partial" : code == IAD_EXIT_INTERRUPTED ? "interrupted" : "failed";
}

static int run(iad_annotate_settings *s, iad_app *app, iad_err *err) {
    iad_manifest *m = NULL;
    iad_annotate_counts c = {0};
    run_view view = {.app = app};
    s->o.progress = show;
    s->o.say = say;
    s->o.user = &view;
    if (!s->o.url) return iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "--url is needed"));
    iad_status status = iad_manifest_open(s->db, IAD_MANIFEST_WRITE, &m, err);
    if (status == IAD_OK) status = iad_run_begin(m, "iad-annotate run", app->version, app->argv_text, NULL, (uint64_t)s->o.seed, &s->o.run_id, err);
    if (status == IAD_OK) {
        iad_progress_start(&view.progress, "answers", 0, app->quiet);
        status = iad_annotate_run(m, &s->o, &c, err);
        iad_progress_end(&view.progress);
    }
    int lacking = c.rejected || c.filtered || c.unusable || c.troubled || c.stopped_by_cost;
    int code = status != IAD_OK ? iad_app_exit_code(status) : lacking ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
    if (s->o.run_id) {
        json_t *j = json_pack("{s:I,s:I,s:f}", "answers", (json_int_t)c.answers, "requests", (json_int_t)c.requests, "cost", c.cost);
        char *dump = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        (void)iad_run_end(m, s->o.run_id, word_of(code), dump, NULL);
        free(dump);
        json_decref(j);
        fprintf(stderr,
                "%s run: pictures=%lld had=%lld answers=%lld ok=%lld rejected=%lld filtered=%lld unusable=%lld troubled=%lld requests=%lld "
                "retries=%lld rate_limited=%lld"
                " prompt_tokens=%lld completion_tokens=%lld cost=%.6f spent=%.6f stopped_by_cost=%d\n",
                app->program, (long long)c.pictures, (long long)c.had, (long long)c.answers, (long long)c.ok, (long long)c.rejected,
                (long long)c.filtered, (long long)c.unusable, (long long)c.troubled, (long long)c.requests, (long long)c.retries,
                (long long)c.rate_limited, (long long)c.prompt_tokens, (long long)c.completion_tokens, c.cost, c.spent, c.stopped_by_cost);
    }
    iad_manifest_close(m);
    return code;
}

int iad_cmd_annotate_run(iad_app *app, int argc, char **argv, iad_err *err) {
    iad_annotate_settings s = iad_annotate_settings_default();
    int dry_run = 0;
    iad_strings operands = {0};
    iad_arg table[IAD_ANNOTATE_MAX_ARGS];
    size_t n = iad_annotate_args(&s, "of one request on trouble that passes", "of one request", table);
    const iad_arg more[] = {
        {.kind = IAD_ARG_INT,
         .name = "concurrency",
         .value = &s.concurrency,
         .meta = "N",
         .help = "most requests at a time; 0: the profile's",
         .lo = 0,
         .hi = 1000},
        {.kind = IAD_ARG_FLOAT,
         .name = "rpm",
         .value = &s.o.flow.rpm,
         .meta = "N",
         .help = "requests per minute; 0: no quota, -1: the profile's",
         .flo = -1,
         .fhi = 1e9},
        {.kind = IAD_ARG_FLOAT,
         .name = "tpm",
         .value = &s.o.flow.tpm,
         .meta = "N",
         .help = "tokens per minute; 0: no quota, -1: the profile's",
         .flo = -1,
         .fhi = 1e12},
        {.kind = IAD_ARG_FLOAT,
         .name = "ramp",
         .value = &s.o.flow.ramp_s,
         .meta = "S",
         .help = "seconds from a tenth of the quotas to all of them",
         .flo = 0,
         .fhi = 3600},
        {.kind = IAD_ARG_FLOAT,
         .name = "max-cost",
         .value = &s.o.max_cost,
         .meta = "X",
         .help = "that all answers of the manifest may cost together; 0: no limit",
         .flo = 0,
         .fhi = 1e12},
        {.kind = IAD_ARG_FLAG, .name = "no-probe", .value = &s.no_probe, .help = "do not ask for the list of models first"},
        {.kind = IAD_ARG_FLAG, .name = "dry-run", .value = &dry_run, .help = "predict requests, tokens, money and hours; send nothing"},
        {.kind = IAD_ARG_END}};
    memcpy(table + n, more, sizeof more);
    const iad_command self = {
        .name = "run",
        .usage = "--db FILE --url BASE --model NAME [options]",
        .help = "Asks about every picture with every prompt that has no answer yet. Killed or stopped at any moment, the same command goes on."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_status status = iad_annotate_settle(&s, app, err);
        code = status != IAD_OK ? iad_app_exit_code(status) : dry_run ? predict(&s, err) : run(&s, app, err);
    }
    iad_strings_deinit(&operands);
    iad_annotate_settings_deinit(&s);
    return code;
}
