/* iad-manifest check */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/check.h"
#include "manifests/cmd.h"

#define MAX_LINE (1u << 20)
enum { MAX_RULES = 64 };

typedef struct check_view {
    int json;
    int64_t limit;
    struct {
        const char *rule;
        int64_t n;
    } seen[MAX_RULES];
    size_t n_seen;
} check_view;

/* How often this rule has fired, this time included. */
static int64_t count_rule(check_view *view, const char *rule) {
    size_t i = 0;
    while (i < view->n_seen && strcmp(view->seen[i].rule, rule) != 0) i++;
    if (i == view->n_seen) {
        if (i == MAX_RULES) return 1;
        view->seen[view->n_seen++].rule = rule; /* rule names are static */
    }
    return ++view->seen[i].n;
}

static iad_status add_line(const check_view *view, iad_buf *line, const char *rule, const char *item, const char *text,
                           iad_err *err) {
    if (!view->json) {
        IAD_TRY(iad_buf_addf(line, err, "%s\t%s\t%s\n", rule, item, text));
        for (size_t i = 0, tabs = 0; i + 1 < line->len;
             i++) { /* control bytes from outside would break the table or the terminal */
            unsigned char c = (unsigned char)line->data[i];
            if (c == '\t' && tabs < 2) tabs++;
            else if (c < 0x20 || c == 0x7f) line->data[i] = '?';
        }
        return IAD_OK;
    }
    IAD_TRY(iad_buf_add_str(line, "{\"rule\":", err));
    IAD_TRY(iad_json_quote(rule, line, err));
    IAD_TRY(iad_buf_add_str(line, ",\"item\":", err));
    IAD_TRY(iad_json_quote(item, line, err));
    IAD_TRY(iad_buf_add_str(line, ",\"text\":", err));
    IAD_TRY(iad_json_quote(text, line, err));
    return iad_buf_add_str(line, "}\n", err);
}

static iad_status print_violation(void *user, const char *rule, const char *item, const char *text, iad_err *err) {
    check_view *view = user;
    int64_t n = count_rule(view, rule);
    if (view->limit && n > view->limit) return IAD_OK;
    iad_buf line;
    iad_buf_init(&line, MAX_LINE);
    iad_status status = add_line(view, &line, rule, item, text, err);
    if (status == IAD_OK) status = iad_app_print(line.data, line.len, err);
    iad_buf_deinit(&line);
    return status;
}

static iad_status list_rules(iad_err *err) {
    iad_check_rule_info rules[MAX_RULES];
    size_t n = iad_check_rules(rules, MAX_RULES);
    for (size_t i = 0; i < n && i < MAX_RULES; i++)
        if (printf("%-20s%s\n", rules[i].name, rules[i].text) < 0)
            return IAD_FAIL(err, IAD_ERR_IO, "cannot write the output: %m");
    return IAD_OK;
}

static int check(iad_app *app, const char *db, iad_check_options *options, check_view *view, iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_check_counts counts = {0};
    iad_check_sink sink = {view, print_violation};
    int64_t run_id = 0;
    iad_status status =
        iad_manifest_open(db, options->store_leaks ? IAD_MANIFEST_WRITE : IAD_MANIFEST_READ, &manifest, err);
    if (status == IAD_OK && options->store_leaks)
        status = iad_run_begin(manifest, "iad-manifest check", app->version, app->argv_text, NULL, 0, &run_id, err);
    if (status == IAD_OK) {
        status = iad_check_run(manifest, options, &sink, &counts, err);
        for (size_t i = 0; i < view->n_seen; i++)
            if (view->limit && view->seen[i].n > view->limit)
                IAD_WARN(&app->log, "%s: %lld violations, the first %lld are shown (--limit)", view->seen[i].rule,
                         (long long)view->seen[i].n, (long long)view->limit);
        fprintf(stderr,
                "%s check: rules=%lld violations=%lld leaks=%lld leaks_stored=%lld files=%lld masks=%lld complete=%d\n",
                app->program, (long long)counts.rules, (long long)counts.violations, (long long)counts.leaks,
                (long long)counts.leaks_stored, (long long)counts.files, (long long)counts.masks, status == IAD_OK);
    }
    int code = status != IAD_OK ? iad_app_exit_code(status) : counts.violations ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
    iad_cmd_end_run(manifest, run_id, code,
                    json_pack("{s:I,s:I}", "violations", (json_int_t)counts.violations, "leaks_stored",
                              (json_int_t)counts.leaks_stored));
    iad_manifest_close(manifest);
    return code;
}

int iad_cmd_check(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL;
    int rules = 0;
    iad_check_options options = {0};
    check_view view = {.limit = 100};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest"},
                             {.kind = IAD_ARG_FLAG,
                              .name = "files",
                              .value = &options.files,
                              .help = "read every picture's file again and compare its hash"},
                             {.kind = IAD_ARG_FLAG,
                              .name = "masks",
                              .value = &options.masks,
                              .help = "decode every mask and compare its hash and area"},
                             {.kind = IAD_ARG_FLAG,
                              .name = "no-leakage",
                              .value = &options.no_leakage,
                              .help = "do not compare training with evaluation pictures"},
                             {.kind = IAD_ARG_FLAG,
                              .name = "store-leaks",
                              .value = &options.store_leaks,
                              .help = "mark leaking training pictures as doubles instead of reporting them"},
                             {.kind = IAD_ARG_INT,
                              .name = "limit",
                              .value = &view.limit,
                              .meta = "N",
                              .help = "lines per rule, 0: all",
                              .lo = 0,
                              .hi = INT64_MAX},
                             {.kind = IAD_ARG_FLAG,
                              .name = "json",
                              .value = &view.json,
                              .help = "one JSON object per violation instead of tab-separated text"},
                             {.kind = IAD_ARG_FLAG, .name = "rules", .value = &rules, .help = "list the rules and end"},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "check",
        .usage = "--db FILE [options]",
        .help =
            "Prints one line per violation: rule, item, what is wrong. Ends with 0 when there is none, with 3"
            " otherwise."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 0, 0, "", err);
    if (code < 0 && rules) code = iad_app_exit_code(list_rules(err));
    if (code < 0 && !db) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "check wants --db FILE"));
    if (code < 0) {
        options.threads = (int)app->threads;
        options.stop = &app->stop;
        code = check(app, db, &options, &view, err);
    }
    iad_strings_deinit(&operands);
    return code;
}
