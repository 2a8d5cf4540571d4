#include "train/run/curvedata.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

static const char *const keys[IAD_CURVE_METRICS] = {"loss",         "ce",          "focal",   "dice",    "accuracy",   "grad_norm", "rate",
                                                    "tokens_per_s", "flops_per_s", "seconds", "eval_ce", "eval_focal", "eval_dice", "eval_accuracy"};

const char *iad_curve_key(iad_curve_metric metric) { return keys[metric]; }

void iad_curve_run_deinit(iad_curve_run *run) {
    for (int m = 0; m < IAD_CURVE_METRICS; m++) free(run->value[m]);
    free(run->step);
    free(run->name);
    *run = (iad_curve_run){0};
}

/* A member that is a number or null; NaN for null and for none. */
static iad_status number(const json_t *object, const char *key, const char *where, double *value, iad_err *err) {
    const json_t *v = json_object_get(object, key);
    *value = NAN;
    if (!v || json_is_null(v)) return IAD_OK;
    return iad_json_number(object, key, where, value, err);
}

static iad_status add_step(iad_curve_run *run, const json_t *object, size_t cap, const char *where, iad_err *err) {
    double value, samples, skipped;
    IAD_TRY(iad_json_int(object, "step", 0, IAD_CURVE_LAST_STEP, where, &run->step[run->n], err));
    if (run->n && run->step[run->n] <= run->step[run->n - 1])
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: step %" PRId64 " behind step %" PRId64, where, run->step[run->n], run->step[run->n - 1]);
    if (!run->n && json_object_get(object, "stage")) IAD_TRY(iad_json_int(object, "stage", 0, INT64_MAX, where, &run->stage, err));
    for (int m = 0; m < IAD_CURVE_METRICS; m++) {
        IAD_TRY(number(object, keys[m], where, &value, err));
        if (isnan(value) && !run->value[m]) continue;
        if (!run->value[m]) {
            if (!(run->value[m] = iad_alloc(cap, sizeof **run->value))) return IAD_NOMEM(err, where);
            for (size_t i = 0; i < run->n; i++) run->value[m][i] = NAN;
        }
        run->value[m][run->n] = value;
    }
    IAD_TRY(number(object, "samples", where, &samples, err));
    IAD_TRY(number(object, "skipped", where, &skipped, err));
    if (!isnan(samples)) run->samples += samples;
    if (!isnan(skipped)) run->skipped += skipped;
    run->n++;
    return IAD_OK;
}

static iad_status parse_lines(iad_curve_run *run, const char *text, size_t n, const char *where, iad_err *err) {
    char place[300];
    size_t lines = 1, line = 0;
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    if (lines > IAD_CURVE_MAX_STEPS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %zu lines (limit %d)", where, lines, (int)IAD_CURVE_MAX_STEPS);
    if (!(run->step = iad_alloc(lines, sizeof *run->step))) return IAD_NOMEM(err, where);
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t length = end ? (size_t)(end - text) - at : n - at;
        json_t *object;
        line++;
        snprintf(place, sizeof place, "%.200s line %zu", where, line);
        if (length > IAD_CURVE_MAX_LINE) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu bytes long", place, length);
        iad_status status = iad_json_parse(text + at, length, 8, place, &object, err);
        if (status != IAD_OK && !end && status == IAD_ERR_FORMAT) break; /* the run was writing it, or was killed */
        if (status != IAD_OK) return status;
        status = json_is_object(object) ? add_step(run, object, lines, place, err) : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a JSON object", place);
        json_decref(object);
        if (status != IAD_OK) return status;
        at += length + 1;
    }
    if (err) *err = IAD_ERR_NONE;
    return run->n ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no step in it", where);
}

iad_status iad_curve_run_parse(const char *text, size_t n, const char *where, const char *name, iad_curve_run *run, iad_err *err) {
    *run = (iad_curve_run){0};
    iad_status status = (run->name = iad_strdup(name)) ? IAD_OK : IAD_NOMEM(err, where);
    if (status == IAD_OK) status = parse_lines(run, text, n, where, err);
    if (status != IAD_OK) iad_curve_run_deinit(run);
    return status;
}

iad_status iad_curve_run_load(const char *path, const char *name, iad_curve_run *run, iad_err *err) {
    char file[IAD_PATH_MAX], folder[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    *run = (iad_curve_run){0};
    if (iad_file_is_dir(path)) IAD_TRY(iad_path_join(file, sizeof file, path, "metrics.jsonl", err));
    else if (!iad_text_copy(file, sizeof file, path)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
    iad_path_dir(folder, sizeof folder, file);
    for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--) folder[end - 1] = 0;
    if (!name) name = strcmp(iad_path_base(folder), ".") == 0 ? iad_path_base(file) : iad_path_base(folder);
    IAD_TRY(iad_file_read(file, IAD_CURVE_MAX_BYTES, &text, &n, err));
    iad_status status = iad_curve_run_parse((const char *)text, n, file, name, run, err);
    free(text);
    return status;
}
