/* iad-bench report: report.html of a stored result. */
#include <stdio.h>

#include "base/file.h"
#include "bench/bench_cmd.h"
#include "bench/reasoning/reasonresult.h"
#include "bench/report/report.h"
#include "bench/results.h"

int iad_cmd_report(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *html = NULL;
    iad_report_options o = {0};
    int64_t gallery = 12, worst = 4, thumb = 200;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "html", .value = &html, .meta = "FILE", .help = "where to write (default DIR/report.html)"},
        {.kind = IAD_ARG_STRING, .name = "db", .value = &o.manifest, .meta = "FILE",
         .help = "manifest with the pictures (default: the one the result names)"},
        {.kind = IAD_ARG_STRING, .name = "title", .value = &o.title, .meta = "TEXT", .help = "heading (default: the data sets)"},
        {.kind = IAD_ARG_INT, .name = "gallery", .value = &gallery, .meta = "N", .help = "pictures per category", .lo = 1, .hi = 1000},
        {.kind = IAD_ARG_INT, .name = "worst", .value = &worst, .meta = "N",
         .help = "worst misses and false alarms per category", .lo = 1, .hi = 100},
        {.kind = IAD_ARG_INT, .name = "thumb", .value = &thumb, .meta = "PX", .help = "longer side of a thumbnail", .lo = 32, .hi = 2000},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "report", .usage = "DIR [options]", .help = "Writes one self-contained page of the result in DIR."};
    iad_strings operands = {0};
    json_t *results = NULL;
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n != 1) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "one result folder is wanted, %zu given", operands.n));
    if (code < 0) {
        char path[IAD_PATH_MAX];
        o.gallery = (int)gallery;
        o.worst = (int)worst;
        o.thumb = (int)thumb;
        iad_status status = iad_path_join(path, sizeof path, operands.items[0], "report.html", err);
        if (html && !iad_text_copy(path, sizeof path, html)) status = IAD_FAIL(err, IAD_ERR_LIMIT, "--html: the path is too long");
        if (status == IAD_OK) status = iad_reason_load(operands.items[0], &results, err);
        if (status == IAD_OK && results) status = iad_reason_page(results, path, o.gallery, o.thumb, err);
        else {
            if (status == IAD_OK) status = iad_results_load(operands.items[0], &results, err);
            if (status == IAD_OK) status = iad_report_write(results, operands.items[0], path, &o, err);
        }
        if (status == IAD_OK) fprintf(stderr, "report=%s\n", path);
        code = iad_app_exit_code(status);
    }
    json_decref(results);
    iad_strings_deinit(&operands);
    return code;
}
