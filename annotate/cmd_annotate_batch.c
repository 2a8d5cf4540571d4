/* iad-annotate batch make | submit | poll | collect */
#include <stdio.h>
#include <string.h>

#include "annotate/cmd_annotate.h"
#include "annotate/work/batchjob.h"

static iad_status step(iad_annotate_settings *s, iad_manifest *m, const char *what, const char *dir, int64_t max_bytes, int64_t max_lines,
                       iad_batch_counts *c, iad_err *err) {
    if (!strcmp(what, "make")) return iad_batch_make(m, &s->o, dir, max_bytes, max_lines, c, err);
    if (!strcmp(what, "submit")) return iad_batch_submit(m, &s->o, dir, c, err);
    if (!strcmp(what, "poll")) return iad_batch_poll(m, &s->o, c, err);
    return iad_batch_collect(m, &s->o, c, err);
}

static int batch(iad_annotate_settings *s, iad_app *app, const char *what, const char *dir, int64_t max_bytes, int64_t max_lines, iad_err *err) {
    iad_manifest *m = NULL;
    iad_batch_counts c = {0};
    char tool[40];
    snprintf(tool, sizeof tool, "iad-annotate batch %s", what);
    iad_status status = iad_manifest_open(s->db, IAD_MANIFEST_WRITE, &m, err);
    if (status == IAD_OK) status = iad_run_begin(m, tool, app->version, app->argv_text, NULL, (uint64_t)s->o.seed, &s->o.run_id, err);
    if (status == IAD_OK) status = step(s, m, what, dir, max_bytes, max_lines, &c, err);
    int code = status != IAD_OK ? iad_app_exit_code(status) : c.failed ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
    if (s->o.run_id)
        (void)iad_run_end(m, s->o.run_id,
                          code == IAD_EXIT_OK            ? "ok"
                          : code == IAD_EXIT_PARTIAL     ? "partial"
                          : code == IAD_EXIT_INTERRUPTED ? "interrupted"
                                                         : "failed",
                          NULL, NULL);
    if (status == IAD_OK)
        fprintf(stderr,
                "%s batch: step=%s batches=%lld requests=%lld bytes=%lld waiting=%lld done=%lld failed=%lld answers=%lld ok=%lld rejected=%lld "
                "troubled=%lld cost=%.6f\n",
                app->program, what, (long long)c.batches, (long long)c.requests, (long long)c.bytes, (long long)c.waiting, (long long)c.done,
                (long long)c.failed, (long long)c.answers.answers, (long long)c.answers.ok, (long long)c.answers.rejected,
                (long long)c.answers.troubled, c.answers.cost);
    iad_manifest_close(m);
    return code;
}

int iad_cmd_annotate_batch(iad_app *app, int argc, char **argv, iad_err *err) {
    iad_annotate_settings s = iad_annotate_settings_default();
    const char *dir = NULL;
    int64_t max_bytes = 0, max_lines = 0;
    iad_strings operands = {0};
    iad_arg table[IAD_ANNOTATE_MAX_ARGS];
    size_t n = iad_annotate_args(&s, "of one call on trouble that passes", "of one call that uploads nothing", table);
    const iad_arg more[] = {
        {.kind = IAD_ARG_STRING, .name = "dir", .value = &dir, .meta = "DIR", .help = "folder of the files of requests (make, submit)"},
        {.kind = IAD_ARG_INT,
         .name = "max-bytes",
         .value = &max_bytes,
         .meta = "N",
         .help = "of a file; 0: the profile's",
         .lo = 0,
         .hi = 1000000000},
        {.kind = IAD_ARG_INT, .name = "max-lines", .value = &max_lines, .meta = "N", .help = "of a file; 0: the profile's", .lo = 0, .hi = 50000},
        {.kind = IAD_ARG_FLOAT,
         .name = "batch-price",
         .value = &s.batch_price,
         .meta = "SHARE",
         .help = "of the price of single requests; -1: from the table, else 0.5",
         .flo = -1,
         .fhi = 1},
        {.kind = IAD_ARG_END}};
    memcpy(table + n, more, sizeof more);
    const iad_command self = {.name = "batch",
                              .usage = "make|submit|poll|collect --db FILE --model NAME [--dir DIR] [options]",
                              .help = "make writes files of what is missing, submit uploads them, poll asks after them until they are done, collect "
                                      "takes the answers in. Each step can be repeated."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        const char *what = operands.n == 1 ? operands.items[0] : "";
        iad_status status = IAD_OK;
        if (strcmp(what, "make") != 0 && strcmp(what, "submit") != 0 && strcmp(what, "poll") != 0 && strcmp(what, "collect") != 0)
            status = IAD_FAIL(err, IAD_ERR_ARG, "wanted one of make, submit, poll, collect");
        else if (!dir && (*what == 'm' || *what == 's')) status = IAD_FAIL(err, IAD_ERR_ARG, "--dir is needed");
        if (status == IAD_OK) status = iad_annotate_settle(&s, app, err);
        code = status != IAD_OK ? iad_app_exit_code(status) : batch(&s, app, what, dir, max_bytes, max_lines, err);
    }
    iad_strings_deinit(&operands);
    iad_annotate_settings_deinit(&s);
    return code;
}
