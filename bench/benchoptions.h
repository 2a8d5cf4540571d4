/* Options that `run` and `score` share: protocol, metrics, gates, output. */
#ifndef IAD_BENCH_BENCHOPTIONS_H
#define IAD_BENCH_BENCHOPTIONS_H

#include "base/app.h"
#include "bench/evalunit.h"
#include "bench/runner.h"

typedef struct iad_bench_options {
    iad_strings presets, pro_limits, gates;
    const char *map_size, *mask_rule, *interp, *image_score, *connectivity;
    const char *sigma;
    int64_t bootstrap, round;
    int legacy, aupimo, no_report;
    const char *out, *format;
    iad_protocol protocols[IAD_RUNNER_MAX_PROTOCOLS]; /* filled by resolve */
    size_t n_protocols;
    iad_eval_options eval;
} iad_bench_options;

#define IAD_BENCH_N_OPTIONS 16

/* Defaults; then `table` receives the option rows (IAD_BENCH_N_OPTIONS at most, no end marker), returns their number. */
void iad_bench_options_init(iad_bench_options *options);
size_t iad_bench_options_rows(iad_bench_options *options, iad_arg *table);
/* After parsing: presets with their overrides, PRO limits. */
iad_status iad_bench_options_resolve(iad_bench_options *options, iad_err *err);
void iad_bench_options_deinit(iad_bench_options *options);

/* The part of results.json that says how it was made. The command is kept without options that change no number
 * (--threads, --quiet, --verbose), so that a result does not depend on the machine. */
iad_status iad_bench_results_new(const iad_app *app, const iad_bench_options *options, json_t **results, iad_err *err);

/* The command without words that change no number, as above. Appended. */
iad_status iad_bench_plain_command(const char *argv_text, iad_buf *out, iad_err *err);

/* Summary, results.json, tables on stdout, report.html (unless switched off), gates. Returns the exit code. */
int iad_bench_finish(const iad_app *app, const iad_bench_options *options, json_t *results, iad_err *err);

#endif
