#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annotate/client/chatrequest.h"
#include "annotate/work/batchjob.h"
#include "annotate/work/worksource.h"
#include "base/alloc.h"
#include "base/sha256.h"
#include "manifests/query.h"

typedef struct maker {
    iad_manifest *m;
    const iad_annotate_options *o;
    const char *dir;
    iad_batch_counts *c;
    FILE *file;
    char path[IAD_PATH_MAX], tmp[IAD_PATH_MAX + 8], name[40];
    int64_t bytes, lines, max_bytes, max_lines;
} maker;

static iad_status open_file(maker *k, const char *unit_hex, iad_err *err) {
    char file[64];
    int64_t n;
    /* Units of a batch that failed are made again: under another name, or its row would take in the old units. */
    IAD_TRY(iad_query_scalar(k->m, "SELECT count(*) FROM annotate_batch", 0, &n, err));
    snprintf(k->name, sizeof k->name, "%04lld-%.12s", (long long)n, unit_hex);
    snprintf(file, sizeof file, "%s.jsonl", k->name);
    IAD_TRY(iad_path_join(k->path, sizeof k->path, k->dir, file, err));
    snprintf(k->tmp, sizeof k->tmp, "%s.tmp", k->path);
    k->bytes = k->lines = 0;
    k->file = fopen(k->tmp, "wb");
    return k->file ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s: %m", k->tmp);
}

/* The file is whole before its row says so: rows of its units wait in the open transaction. */
static iad_status close_file(maker *k, iad_err *err) {
    iad_query q;
    if (!k->file) return IAD_OK;
    int bad = fflush(k->file) != 0 || fsync(fileno(k->file)) != 0;
    bad |= fclose(k->file) != 0;
    k->file = NULL;
    if (bad || rename(k->tmp, k->path) != 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: %m", k->path);
    IAD_TRY(iad_query_open(&q, k->m, "annotate_batch", "UPDATE annotate_batch SET requests=?,bytes=? WHERE name=?", err));
    iad_query_i64(&q, k->lines);
    iad_query_i64(&q, k->bytes);
    iad_query_text(&q, k->name);
    IAD_TRY(iad_query_run(&q, k->name, err));
    k->c->batches++;
    return iad_manifest_commit(k->m, err);
}

static iad_status begin_rows(maker *k, iad_err *err) {
    char now[32];
    iad_query q;
    iad_annotate_now(now);
    IAD_TRY(iad_manifest_begin(k->m, err));
    IAD_TRY(
        iad_query_open(&q, k->m, "annotate_batch", "INSERT INTO annotate_batch(name,model,requests,bytes,state,at) VALUES(?,?,0,0,'made',?)", err));
    iad_query_text(&q, k->name);
    iad_query_text(&q, k->o->model);
    iad_query_text(&q, now);
    return iad_query_run(&q, k->name, err);
}

static iad_status put_unit(maker *k, const iad_work *w, const char *colour, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, k->m, "annotate_batch_unit",
        "INSERT INTO annotate_batch_unit(unit,batch,image_id,prompt_sha256,params,round,of_unit,predicted,colour) VALUES(?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT(unit) DO UPDATE SET batch=excluded.batch,predicted=excluded.predicted,colour=excluded.colour",
        err));
    iad_query_blob(&q, w->unit, 32);
    iad_query_text(&q, k->name);
    iad_query_i64(&q, w->image_id);
    iad_query_blob(&q, w->prompt->sha256, 32);
    iad_query_text(&q, w->params);
    iad_query_i64(&q, w->round);
    if (w->has_of) iad_query_blob(&q, w->of_unit, 32);
    else iad_query_null(&q);
    iad_query_i64(&q, w->predicted);
    iad_query_text(&q, colour);
    return iad_query_run(&q, "a unit of a batch", err);
}

static iad_status unusable(maker *k, const iad_work *w, const char *detail, iad_err *err) {
    const iad_answer_row row = {.unit = w->unit,
                                .image_sha256 = w->image_sha256,
                                .of_unit = w->has_of ? w->of_unit : NULL,
                                .image_id = w->image_id,
                                .run_id = k->o->run_id,
                                .prompt = w->prompt,
                                .model = k->o->model,
                                .params = w->params,
                                .round = w->round,
                                .attempts = 1};
    int mine = !iad_manifest_in_transaction(k->m);
    if (mine) IAD_TRY(iad_manifest_begin(k->m, err));
    IAD_TRY(iad_annotate_final_put(k->m, &row, "unusable", detail, err));
    return mine ? iad_manifest_commit(k->m, err) : IAD_OK;
}

static iad_status add_unit(maker *k, iad_work *w, iad_buf *line, iad_err *err) {
    const iad_chat_params params = {k->o->model, w->temperature, w->seed};
    iad_chat_picture picture;
    iad_err why = IAD_ERR_NONE;
    char hex[IAD_SHA256_HEX];
    iad_hex(w->unit, 32, hex);
    if (iad_chat_picture_load(&picture, w->path, k->o->profile, k->o->max_pixels, k->o->quality, IAD_CHAT_WHOLE, &why) != IAD_OK)
        return unusable(k, w, why.msg, err);
    w->predicted = iad_profile_image_tokens(k->o->profile, k->o->model, picture.width, picture.height) + iad_profile_text_tokens(w->text);
    iad_buf_reset(line);
    iad_status status = iad_buf_addf(line, err, "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":", hex);
    if (status == IAD_OK) status = iad_chat_request(k->o->profile, w->prompt, &params, w->text, &picture.jpeg, line, err);
    if (status == IAD_OK) status = iad_buf_add(line, "}\n", 2, err);
    iad_chat_picture_deinit(&picture);
    if (status == IAD_OK && (int64_t)line->len > k->o->profile->batch_line_bytes) return unusable(k, w, "larger than a line of a batch may be", err);
    if (status == IAD_OK && k->file && (k->bytes + (int64_t)line->len > k->max_bytes || k->lines >= k->max_lines)) status = close_file(k, err);
    if (status == IAD_OK && !k->file) {
        status = open_file(k, hex, err);
        if (status == IAD_OK) status = begin_rows(k, err);
    }
    if (status == IAD_OK && fwrite(line->data, 1, line->len, k->file) != line->len) status = IAD_FAIL(err, IAD_ERR_IO, "%s: %m", k->tmp);
    if (status == IAD_OK) status = put_unit(k, w, picture.colour, err);
    if (status == IAD_OK) {
        k->bytes += (int64_t)line->len;
        k->lines++;
        k->c->requests++;
        k->c->bytes += (int64_t)line->len;
    }
    return status;
}

iad_status iad_batch_make(iad_manifest *m, const iad_annotate_options *o, const char *dir, int64_t max_bytes, int64_t max_lines, iad_batch_counts *c,
                          iad_err *err) {
    maker k = {.m = m, .o = o, .dir = dir, .c = c, .max_bytes = o->profile->batch_bytes, .max_lines = o->profile->batch_lines};
    iad_source *source = NULL;
    iad_buf line;
    memset(c, 0, sizeof *c);
    if (!k.max_bytes) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "servers of the kind %s have no batch service", o->profile->name);
    if (max_bytes > 0 && max_bytes < k.max_bytes) k.max_bytes = max_bytes;
    if (max_lines > 0 && max_lines < k.max_lines) k.max_lines = max_lines;
    IAD_TRY(iad_dir_make(dir, err));
    iad_buf_init(&line, IAD_CHAT_MAX_BODY);
    iad_status status = iad_manifest_begin(m, err);
    for (size_t i = 0; status == IAD_OK && i < o->n_prompts; i++) status = iad_annotate_prompt_put(m, o->prompts[i], err);
    if (status == IAD_OK && o->audit) status = iad_annotate_prompt_put(m, o->audit, err);
    if (status == IAD_OK) status = iad_manifest_commit(m, err);
    if (status == IAD_OK) status = iad_source_new(m, o, &source, err);
    for (int found = 1; status == IAD_OK && found;) {
        iad_work w;
        if (o->stop && atomic_load(o->stop)) {
            status = close_file(&k, err);
            if (status == IAD_OK) status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; the same command goes on");
            break;
        }
        status = iad_source_next(source, &w, &found, &c->answers, err);
        if (status != IAD_OK || !found) break;
        status = add_unit(&k, &w, &line, err);
        iad_work_deinit(&w);
    }
    if (status == IAD_OK) status = close_file(&k, err);
    if (status != IAD_OK && k.file) {
        fclose(k.file);
        unlink(k.tmp);
    }
    if (status != IAD_OK) iad_manifest_rollback(m);
    iad_source_free(source);
    iad_buf_deinit(&line);
    return status;
}
