#include "train/run/steplog.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "train/run/tbevents.h"

#define LOG_MAX_BYTES (1u << 30)
#define CSV_HEAD                                                                                                                                    \
    "stage,step,loss,ce,focal,dice,accuracy,grad_norm,rate,skipped,samples,maps,broken,tokens,rows,seconds,tokens_per_s,flops_per_s,share,eval_ce," \
    "eval_accuracy\n"
static const double show_every = 5; /* seconds between lines where there is no terminal */

struct iad_step_log {
    FILE *jsonl, *csv;
    iad_tb_writer *events;
    char dir[IAD_PATH_MAX];
    int quiet, tty;
    double started, last_shown;
    int64_t first_step;
};

static double wall_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- resuming: what lies before first_step stays ---- */

static int64_t step_of_json(const char *line, size_t n) {
    json_t *root = NULL;
    int64_t step = -1;
    if (iad_json_parse(line, n, 4, "metrics", &root, NULL) != IAD_OK) return -1; /* a torn last line */
    if (json_is_integer(json_object_get(root, "step"))) step = json_integer_value(json_object_get(root, "step"));
    json_decref(root);
    return step;
}

static int64_t step_of_csv(const char *line, size_t n) {
    const char *comma = memchr(line, ',', n);
    char *end = NULL;
    if (!comma) return -1;
    long long step = strtoll(comma + 1, &end, 10);
    return end != comma + 1 && *end == ',' ? step : -1;
}

static iad_status cut(const char *path, int64_t first_step, int head_lines, int64_t (*step_of)(const char *, size_t), iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0, keep = 0;
    if (!iad_file_exists(path)) return IAD_OK;
    IAD_TRY(iad_file_read(path, LOG_MAX_BYTES, &text, &n, err));
    for (size_t at = 0; at < n; head_lines--) {
        const uint8_t *end = memchr(text + at, '\n', n - at);
        if (!end) break;
        size_t length = (size_t)(end - text) - at;
        if (head_lines <= 0) {
            int64_t step = step_of((const char *)text + at, length);
            if (step < 0 || step >= first_step) break;
        }
        at = keep = (size_t)(end - text) + 1;
    }
    iad_status status = keep == n ? IAD_OK : iad_file_write(path, text, keep, err);
    free(text);
    return status;
}

static iad_status open_text(const char *dir, const char *name, int64_t first_step, const char *head, int64_t (*step_of)(const char *, size_t),
                            FILE **file, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, dir, name, err));
    IAD_TRY(cut(path, first_step, head != NULL, step_of, err));
    *file = fopen(path, "ae");
    if (!*file || fseek(*file, 0, SEEK_END) != 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: %s", path, strerror(errno));
    if (head && ftell(*file) == 0 && (fputs(head, *file) < 0 || fflush(*file) != 0))
        return IAD_FAIL(err, IAD_ERR_IO, "%s: %s", path, strerror(errno));
    return IAD_OK;
}

iad_status iad_step_log_open(const char *dir, int64_t first_step, int quiet, iad_step_log **log, iad_err *err) {
    iad_step_log *l = iad_calloc(1, sizeof *l);
    *log = NULL;
    if (!l) return IAD_NOMEM(err, "the log");
    *l = (iad_step_log){.quiet = quiet, .tty = isatty(STDERR_FILENO), .started = iad_clock(), .first_step = first_step};
    snprintf(l->dir, sizeof l->dir, "%s", dir);
    iad_status status = iad_dir_make(dir, err);
    if (status == IAD_OK) status = open_text(dir, "metrics.jsonl", first_step, NULL, step_of_json, &l->jsonl, err);
    if (status == IAD_OK) status = open_text(dir, "metrics.csv", first_step, CSV_HEAD, step_of_csv, &l->csv, err);
    if (status == IAD_OK) status = iad_tb_open(dir, wall_time(), first_step, &l->events, err);
    if (status != IAD_OK) {
        iad_step_log_close(l);
        return status;
    }
    *log = l;
    return IAD_OK;
}

void iad_step_log_close(iad_step_log *log) {
    if (!log) return;
    if (log->tty && !log->quiet && log->last_shown > 0) fputc('\n', stderr);
    if (log->jsonl) fclose(log->jsonl);
    if (log->csv) fclose(log->csv);
    iad_tb_close(log->events, NULL); /* every event was flushed when it was added */
    free(log);
}

/* ---- one step ---- */

static json_t *real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static iad_status add_json(iad_step_log *log, const iad_step_figures *f, iad_err *err) {
    iad_buf line;
    iad_buf_init(&line, 1u << 16);
    json_t *o = json_object();
    json_object_set_new(o, "stage", json_integer(f->stage));
    json_object_set_new(o, "step", json_integer(f->step));
    const struct {
        const char *name;
        double value;
    } reals[] = {{"loss", f->loss},
                 {"ce", f->ce},
                 {"focal", f->focal},
                 {"dice", f->dice},
                 {"accuracy", f->accuracy},
                 {"grad_norm", f->grad_norm},
                 {"rate", f->rate},
                 {"seconds", f->seconds},
                 {"wait_seconds", f->wait_seconds},
                 {"tokens_per_s", (double)f->rows / f->seconds},
                 {"flops_per_s", f->flops / f->seconds},
                 {"share", f->ceiling > 0 ? f->flops / f->seconds / f->ceiling : NAN},
                 {"memory", f->memory}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) json_object_set_new(o, reals[i].name, real(reals[i].value));
    const struct {
        const char *name;
        int64_t value;
    } whole[] = {{"samples", f->samples}, {"maps", f->maps}, {"broken", f->broken},
                 {"tokens", f->tokens},   {"rows", f->rows}, {"skipped", f->skipped}};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) json_object_set_new(o, whole[i].name, json_integer(whole[i].value));
    if (f->has_eval) {
        json_object_set_new(o, "eval_ce", real(f->eval_ce));
        json_object_set_new(o, "eval_accuracy", real(f->eval_accuracy));
        json_object_set_new(o, "eval_focal", real(f->eval_focal));
        json_object_set_new(o, "eval_dice", real(f->eval_dice));
    }
    iad_status status = iad_json_canonical(o, &line, err);
    json_decref(o);
    if (status == IAD_OK && (fprintf(log->jsonl, "%s\n", iad_buf_str(&line)) < 0 || fflush(log->jsonl) != 0))
        status = IAD_FAIL(err, IAD_ERR_IO, "%s/metrics.jsonl: %s", log->dir, strerror(errno));
    iad_buf_deinit(&line);
    return status;
}

static iad_status add_csv(iad_step_log *log, const iad_step_figures *f, iad_err *err) {
    char eval[64] = ",";
    if (f->has_eval) snprintf(eval, sizeof eval, "%.6g,%.6g", f->eval_ce, f->eval_accuracy);
    int n = fprintf(log->csv,
                    "%d,%" PRId64 ",%.8g,%.8g,%.8g,%.8g,%.6g,%.8g,%.8g,%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%.4f,%.6g,%.6g,"
                                                                                                                                    "%.4f,%s\n",
                    f->stage, f->step, f->loss, f->ce, f->focal, f->dice, f->accuracy, f->grad_norm, f->rate, f->skipped, f->samples, f->maps,
                    f->broken, f->tokens, f->rows, f->seconds, (double)f->rows / f->seconds, f->flops / f->seconds,
                    f->ceiling > 0 ? f->flops / f->seconds / f->ceiling : 0.0, eval);
    if (n < 0 || fflush(log->csv) != 0) return IAD_FAIL(err, IAD_ERR_IO, "%s/metrics.csv: %s", log->dir, strerror(errno));
    return IAD_OK;
}

static iad_status add_events(iad_step_log *log, const iad_step_figures *f, iad_err *err) {
    const iad_tb_scalar scalars[] = {{"loss/total", f->loss},
                                     {"loss/ce", f->ce},
                                     {"loss/focal", f->focal},
                                     {"loss/dice", f->dice},
                                     {"accuracy", f->accuracy},
                                     {"gradient/norm", f->grad_norm},
                                     {"rate", f->rate},
                                     {"speed/tokens_per_s", (double)f->rows / f->seconds},
                                     {"speed/flops_per_s", f->flops / f->seconds},
                                     {"eval/ce", f->eval_ce},
                                     {"eval/accuracy", f->eval_accuracy},
                                     {"eval/focal", f->eval_focal},
                                     {"eval/dice", f->eval_dice}};
    const int n = sizeof scalars / sizeof *scalars, n_eval = 4;
    return iad_tb_add(log->events, wall_time(), f->step, scalars, f->has_eval ? n : n - n_eval, err);
}

static void show(iad_step_log *log, const iad_step_figures *f) {
    double now = iad_clock(), done = (double)(f->step + 1 - log->first_step);
    int last = f->step + 1 == f->steps;
    if (log->quiet || (!last && !f->has_eval && now - log->last_shown < (log->tty ? 0.1 : show_every))) return;
    log->last_shown = now;
    double left = (now - log->started) / done * (double)(f->steps - f->step - 1);
    char line[320], share[24] = "", eval[48] = "", maps[48] = "";
    if (f->ceiling > 0) snprintf(share, sizeof share, " (%.0f %%)", 100 * f->flops / f->seconds / f->ceiling);
    if (f->has_eval) snprintf(eval, sizeof eval, "  held out %.4f", f->eval_ce);
    if (f->maps > 0) snprintf(maps, sizeof maps, " + map %.3f", f->focal + f->dice);
    snprintf(line, sizeof line,
             "stage %d  %" PRId64 "/%" PRId64 "  loss %.4f = words %.4f%s  right %.0f %%  gradient %.2g%s  rate %.2g  %.0f tok/s  %.1f GFLOP/s%s  "
                                              "%.2f GiB  %d:%02d left%s",
             f->stage, f->step + 1, f->steps, f->loss, f->ce, maps, 100 * f->accuracy, f->grad_norm, f->skipped ? " skipped" : "", f->rate,
             (double)f->rows / f->seconds, 1e-9 * f->flops / f->seconds, share, f->memory / (double)(1 << 30), (int)(left / 60), (int)left % 60,
             eval);
    fprintf(stderr, log->tty ? "\r\033[K%s" : "%s\n", line);
    fflush(stderr);
}

iad_status iad_step_log_add(iad_step_log *log, const iad_step_figures *figures, iad_err *err) {
    IAD_TRY(add_json(log, figures, err));
    IAD_TRY(add_csv(log, figures, err));
    IAD_TRY(add_events(log, figures, err));
    show(log, figures);
    return IAD_OK;
}
