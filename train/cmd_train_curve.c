/* iad-train curve: loss curves of runs, beside each other. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "train/run/curvepage.h"
#include "train/train_cmd.h"

enum { MAX_PAGE = 64 << 20 };

typedef struct options {
    const char *out, *svg, *title;
    iad_strings names;
    double smooth;
    int log_scale;
} options;

static const char help[] =
    "Reads the metrics of finished or running stages (OUT folders, or metrics.jsonl files) and writes a page\n"
    "without scripts, or one metric as an SVG figure. TensorBoard reads the event files that lie in the same\n"
    "folders.";

static iad_status write_one(const char *path, const iad_buf *text, iad_err *err) {
    return iad_file_write(path, iad_buf_str(text), strlen(iad_buf_str(text)), err);
}

static iad_status find_metric(const char *name, iad_curve_metric *metric, iad_err *err) {
    for (int i = 0; i < IAD_CURVE_METRICS; i++)
        if (strcmp(iad_curve_key((iad_curve_metric)i), name) == 0) {
            *metric = (iad_curve_metric)i;
            return IAD_OK;
        }
    return IAD_FAIL(err, IAD_ERR_ARG, "\"%.60s\" is no metric: loss, ce, focal, dice, accuracy, grad_norm, rate ...", name);
}

static iad_status draw(const options *o, const iad_strings *runs, iad_err *err) {
    const char *files[IAD_CURVE_MAX_RUNS], *names[IAD_CURVE_MAX_RUNS];
    if (runs->n < 1 || runs->n > IAD_CURVE_MAX_RUNS) return IAD_FAIL(err, IAD_ERR_ARG, "which runs? 1 to %d folders", IAD_CURVE_MAX_RUNS);
    if (o->names.n && o->names.n != runs->n) return IAD_FAIL(err, IAD_ERR_ARG, "%zu names for %zu runs", o->names.n, runs->n);
    for (size_t i = 0; i < runs->n; i++) {
        files[i] = runs->items[i];
        names[i] = o->names.n ? o->names.items[i] : NULL;
    }
    iad_curve_options curve = {.names = names, .title = o->title, .smooth = o->smooth, .log_scale = o->log_scale};
    iad_buf text;
    if (o->svg) IAD_TRY(find_metric(o->svg, &curve.metric, err));
    iad_buf_init(&text, MAX_PAGE);
    iad_status status = o->svg ? iad_curve_svg(files, (int)runs->n, &curve, &text, err) : iad_curve_page(files, (int)runs->n, &curve, &text, err);
    if (status == IAD_OK) status = write_one(o->out, &text, err);
    iad_buf_deinit(&text);
    return status;
}

int iad_cmd_train_curve(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o.out, .meta = "FILE", .help = "page to write (HTML), or the figure", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "svg", .value = &o.svg, .meta = "METRIC",
         .help = "a figure of this metric (loss, ce, dice ...) instead of the page"},
        {.kind = IAD_ARG_LIST, .name = "names", .value = &o.names, .meta = "A,B",
         .help = "what the runs are called (their folders' names when not given)"},
        {.kind = IAD_ARG_STRING, .name = "title", .value = &o.title, .meta = "TEXT", .help = "heading of the page"},
        {.kind = IAD_ARG_FLOAT, .name = "smooth", .value = &o.smooth, .meta = "N",
         .help = "steps averaged to both sides, 0: a fiftieth of the run, -1: none", .flo = -1, .fhi = 1e6},
        {.kind = IAD_ARG_FLAG, .name = "log", .value = &o.log_scale, .help = "logarithmic"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "curve", .usage = "[options] RUN...", .help = help};
    iad_strings runs = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &runs, err);
    if (code < 0) code = iad_app_exit_code(draw(&o, &runs, err));
    if (code == IAD_EXIT_OK && runs.n) fprintf(stderr, "iad-train curve: runs=%zu file=%s\n", runs.n, o.out);
    iad_strings_deinit(&runs);
    iad_strings_deinit(&o.names);
    return code;
}
