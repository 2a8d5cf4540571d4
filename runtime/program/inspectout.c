#include "runtime/program/inspectout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/text.h"
#include "runtime/program/program.h"

enum { MAX_RECORDS = 10000000 };

/* ---- range ---- */

static iad_status set_range(iad_inspect_out *out, iad_err *err) {
    iad_inspect_out_options *o = &out->options;
    if (strcmp(o->range, "run") == 0) return IAD_OK;
    out->fixed = 1;
    if (strcmp(o->range, "calibration") == 0) {
        if (!(o->calibration_lo <= o->calibration_hi))
            return IAD_FAIL(err, IAD_ERR_ARG, "--map-range calibration needs --calibrate or --calibration with maps in it");
        o->map.lo = o->calibration_lo;
        o->map.hi = o->calibration_hi;
        return IAD_OK;
    }
    const char *colon = strchr(o->range, ':');
    char low[64];
    double lo = 0, hi = 0;
    if (!colon || (size_t)(colon - o->range) >= sizeof low)
        return IAD_FAIL(err, IAD_ERR_ARG, "--map-range: \"%.60s\" is not run, calibration or LO:HI", o->range);
    memcpy(low, o->range, (size_t)(colon - o->range));
    low[colon - o->range] = 0;
    IAD_TRY(iad_parse_f64(low, -1e30, 1e30, "--map-range", &lo, err));
    IAD_TRY(iad_parse_f64(colon + 1, -1e30, 1e30, "--map-range", &hi, err));
    if (!(lo < hi)) return IAD_FAIL(err, IAD_ERR_ARG, "--map-range: %g is not below %g", lo, hi);
    o->map.lo = (float)lo;
    o->map.hi = (float)hi;
    return IAD_OK;
}

static void range_of_run(iad_inspect_out *out) {
    float lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < out->n; i++) {
        if (!out->records[i].grid) continue;
        lo = fminf(lo, out->records[i].lo);
        hi = fmaxf(hi, out->records[i].hi);
    }
    out->options.map.lo = lo <= hi ? lo : 0;
    out->options.map.hi = lo <= hi ? hi : 0;
}

/* ---- the file of an earlier run ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static iad_status keep(iad_inspect_out *out, iad_record *record, iad_err *err) {
    IAD_TRY(iad_grow((void **)&out->records, &out->cap, out->n + 1, sizeof *out->records, MAX_RECORDS, "pictures of one run", err));
    out->records[out->n++] = *record;
    *record = (iad_record){0};
    return IAD_OK;
}

static iad_status read_lines(iad_inspect_out *out, const char *text, size_t n, iad_err *err) {
    size_t number = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        if (!end) break; /* torn by a kill: that picture is inspected again */
        char where[IAD_PATH_MAX + 32];
        snprintf(where, sizeof where, "%s:%zu", out->options.path, ++number);
        iad_record record;
        int failed = 0;
        IAD_TRY(iad_record_read(text + at, (size_t)(end - text) - at, where, out->options.context.key, &record, &failed, err));
        if (!failed) {
            iad_status status = keep(out, &record, err);
            iad_record_deinit(&record);
            IAD_TRY(status);
        }
        at = (size_t)(end - text) + 1;
    }
    return IAD_OK;
}

static iad_status read_earlier(iad_inspect_out *out, iad_err *err) {
    if (!iad_file_exists(out->options.path)) return IAD_OK;
    iad_map map = {0};
    IAD_TRY(iad_map_open(&map, out->options.path, err));
    iad_status status = read_lines(out, (const char *)map.data, map.n, err);
    iad_map_close(&map);
    IAD_TRY(status);
    out->n_old = out->n;
    out->known = iad_alloc(out->n, sizeof *out->known);
    if (!out->known) return IAD_NOMEM(err, "the earlier results");
    for (size_t i = 0; i < out->n; i++) out->known[i] = out->records[i].file;
    qsort(out->known, out->n, sizeof *out->known, by_name);
    return IAD_OK;
}

int iad_inspect_out_has(const iad_inspect_out *out, const char *path) {
    if (!out->n_old) return 0;
    iad_buf clean; /* the file holds names as JSON can */
    iad_buf_init(&clean, 1u << 20);
    int found = 0;
    if (iad_clean_name(path, &clean, NULL) == IAD_OK) {
        const char *name = iad_buf_str(&clean);
        char *const *at = bsearch(&name, out->known, out->n_old, sizeof *out->known, by_name);
        found = at != NULL;
    }
    iad_buf_deinit(&clean);
    return found;
}

/* ---- writing ---- */

static iad_status put(FILE *file, const char *path, iad_buf *text, iad_err *err) {
    size_t n = text->len, written = n ? fwrite(text->data, 1, n, file) : 0;
    iad_buf_reset(text);
    if (written != n || fflush(file) != 0) return IAD_FAIL(err, IAD_ERR_IO, "%s cannot be written", path);
    return IAD_OK;
}

static iad_status put_line(iad_inspect_out *out, const iad_record *record, FILE *file, iad_err *err) {
    IAD_TRY(iad_record_write(record, &out->options.context, &out->line, err));
    return file ? put(file, out->options.path, &out->line, err) : iad_print(&out->line, err);
}

/* Starts the journal: the lines that are kept, and from here on what comes. */
static iad_status start_journal(iad_inspect_out *out, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, (size_t)1 << 34);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < out->n && status == IAD_OK; i++) status = iad_record_write(&out->records[i], &out->options.context, &text, err);
    if (status == IAD_OK) status = iad_file_write(out->options.path, text.data, text.len, err);
    iad_buf_deinit(&text);
    IAD_TRY(status);
    out->journal = fopen(out->options.path, "ae");
    return out->journal ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s cannot be written", out->options.path);
}

iad_status iad_inspect_out_open(iad_inspect_out *out, const iad_inspect_out_options *options, iad_err *err) {
    *out = (iad_inspect_out){.options = *options, .open = 1};
    iad_buf_init(&out->line, (size_t)1 << 30);
    iad_buf_init(&out->entries, (size_t)1 << 33);
    iad_buf_init(&out->errors, (size_t)1 << 30);
    out->options.map.has_threshold = options->context.has_threshold;
    out->options.map.threshold = options->context.threshold;
    IAD_TRY(set_range(out, err));
    if (options->map.map_dir) IAD_TRY(iad_dir_make(options->map.map_dir, err));
    if (options->map.overlay_dir) IAD_TRY(iad_dir_make(options->map.overlay_dir, err));
    if (!options->path) return IAD_OK;
    IAD_TRY(read_earlier(out, err));
    return start_journal(out, err);
}

/* ---- the last step of each record, on several threads, lines in order ---- */

static iad_status finish_work(void *user, size_t item, int thread, void *result, iad_err *err) {
    (void)thread, (void)result;
    iad_inspect_out *out = user;
    return iad_record_finish(&out->records[item], &out->options.map, err);
}

static iad_status finish_emit(void *user, size_t item, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    (void)result;
    iad_inspect_out *out = user;
    iad_record *record = &out->records[item];
    if (status != IAD_OK) {
        IAD_ERROR(out->options.log, "%s: %s", record->file, item_err->msg);
        out->spoiled++;
    }
    if (out->options.map.map_dir && record->grid) IAD_TRY(iad_map_entry(record, out->n_entries++ == 0, &out->entries, err));
    return put_line(out, record, out->final, err);
}

static iad_status finish_records(iad_inspect_out *out, iad_err *err) {
    const iad_pool_job job = {.work = finish_work, .emit = finish_emit, .user = out, .result_size = 1};
    return iad_pool_run(&job, out->n, out->options.threads, 0, NULL, err);
}

iad_status iad_inspect_out_add(iad_inspect_out *out, iad_record *record, iad_err *err) {
    IAD_TRY(keep(out, record, err));
    if (out->journal) return put_line(out, &out->records[out->n - 1], out->journal, err);
    if (!out->fixed) return IAD_OK;
    IAD_TRY(finish_records(out, err));
    iad_record_deinit(&out->records[--out->n]);
    return IAD_OK;
}

iad_status iad_inspect_out_error(iad_inspect_out *out, const char *path, const char *message, iad_err *err) {
    IAD_TRY(iad_record_write_error(path, message, &out->line, err));
    IAD_TRY(iad_buf_add_str(&out->errors, out->journal ? iad_buf_str(&out->line) : "", err));
    return out->journal ? put(out->journal, out->options.path, &out->line, err) : iad_print(&out->line, err);
}

static iad_status finish_file(iad_inspect_out *out, iad_err *err) {
    char temporary[IAD_PATH_MAX];
    const char *path = out->options.path;
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: path too long", path);
    out->final = fopen(temporary, "we");
    if (!out->final) return IAD_FAIL(err, IAD_ERR_IO, "%s cannot be written", temporary);
    iad_status status = finish_records(out, err);
    if (status == IAD_OK) status = put(out->final, temporary, &out->errors, err);
    if (status == IAD_OK && fsync(fileno(out->final)) != 0) status = IAD_FAIL(err, IAD_ERR_IO, "%s cannot be written", temporary);
    if (fclose(out->final) != 0 && status == IAD_OK) status = IAD_FAIL(err, IAD_ERR_IO, "%s cannot be written", temporary);
    out->final = NULL;
    if (status == IAD_OK && rename(temporary, path) != 0) status = IAD_FAIL(err, IAD_ERR_IO, "%s cannot be replaced", path);
    if (status != IAD_OK) unlink(temporary);
    return status;
}

iad_status iad_inspect_out_finish(iad_inspect_out *out, size_t *spoiled, iad_err *err) {
    if (!out->fixed) range_of_run(out);
    if (out->journal && fclose(out->journal) != 0) {
        out->journal = NULL;
        return IAD_FAIL(err, IAD_ERR_IO, "%s cannot be written", out->options.path);
    }
    out->journal = NULL;
    iad_status status = out->options.path ? finish_file(out, err) : finish_records(out, err);
    *spoiled = out->spoiled;
    if (status == IAD_OK && out->options.map.map_dir)
        status = iad_map_sidecar(&out->options.map, out->options.range, out->options.context.key, &out->entries, err);
    return status;
}

void iad_inspect_out_close(iad_inspect_out *out) {
    if (!out->open) return;
    if (out->journal) fclose(out->journal);
    for (size_t i = 0; i < out->n; i++) iad_record_deinit(&out->records[i]);
    free(out->records);
    free(out->known);
    iad_buf_deinit(&out->line);
    iad_buf_deinit(&out->entries);
    iad_buf_deinit(&out->errors);
    *out = (iad_inspect_out){0};
}
