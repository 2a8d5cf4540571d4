#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "runtime/engine/engine.h"
#include "runtime/model/positions.h"

iad_status iad_session_new(iadgpt_engine *engine, iadgpt_session **session, iad_err *err) {
    *session = NULL;
    iadgpt_session *s = iad_calloc(1, sizeof *s);
    if (s == NULL) return IAD_NOMEM(err, "the session");
    s->engine = engine;
    iad_workspace_init(&s->ws, engine->device);
    iad_kv_init(&s->tail, engine->model);
    for (int i = 0; i < IAD_MAX_BATCH; i++) iad_kv_init(&s->batch[i], engine->model);
    iad_buf_init(&s->answer, 64u << 20);
    s->logits = iad_alloc((size_t)engine->model->config.text.vocab, sizeof(float));
    iad_status status = s->logits == NULL ? IAD_NOMEM(err, "the session") : IAD_OK;
    if (status == IAD_OK) status = engine->device->ops->queue_new(engine->device, &s->queue, err);
    if (status == IAD_OK) status = iad_token_scratch_new(&s->scratch, err);
    if (status != IAD_OK) {
        iad_session_free(s);
        return status;
    }
    *session = s;
    return IAD_OK;
}

void iad_session_free(iadgpt_session *s) {
    if (s == NULL) return;
    const iad_ops *ops = s->engine->device->ops;
    iad_exemplars_release(s->prefix);
    iad_timeline_deinit(&s->line);
    iad_kv_deinit(&s->tail);
    for (int i = 0; i < IAD_MAX_BATCH; i++) iad_kv_deinit(&s->batch[i]);
    ops->release(s->engine->device, s->x.data);
    ops->release(s->engine->device, s->map_out);
    iad_workspace_deinit(&s->ws);
    if (s->queue != NULL) ops->queue_free(s->queue);
    iad_token_scratch_free(s->scratch);
    for (int i = 0; i < 3; i++) free(s->feed.pos[i]);
    free(s->cosine);
    free(s->sine);
    free(s->logits);
    free(s->rows_logits);
    free(s->prompt_ids);
    free(s->maps);
    iad_buf_deinit(&s->answer);
    iad_token_list_deinit(&s->answer_ids);
    free(s);
}

void iad_session_reset(iadgpt_session *s) {
    iad_exemplars_release(s->prefix);
    s->prefix = NULL;
    iad_timeline_cut(&s->line, 0);
    s->tail.len = 0;
    s->ready = 0;
}

/* ---- the feed ---- */

iad_status iad_feed_start(iadgpt_session *s, int64_t rows, iad_err *err) {
    const iad_ops *ops = s->queue->ops;
    int64_t d = s->engine->model->config.text.hidden;
    if (rows < 0 || rows > IAD_MAX_PROMPT_TOKENS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "a prompt of %lld tokens, at most %d can be", (long long)rows, IAD_MAX_PROMPT_TOKENS);
    if (rows > s->x.rows) {
        ops->release(s->engine->device, s->x.data);
        s->x = (iad_mat){.cols = d, .stride = d, .dtype = IAD_F32};
        IAD_TRY(ops->alloc(s->engine->device, (size_t)rows * (size_t)d * sizeof(float), &s->x.data, err));
        s->x.rows = rows;
    }
    for (int i = 0; i < 3 && rows > s->feed.cap_pos; i++) {
        free(s->feed.pos[i]);
        s->feed.pos[i] = iad_alloc((size_t)rows, sizeof(int32_t));
        if (s->feed.pos[i] == NULL) {
            s->feed.cap_pos = 0;
            return IAD_NOMEM(err, "the positions of a prompt");
        }
    }
    if (rows > s->feed.cap_pos) s->feed.cap_pos = rows;
    s->feed.n_row = 0;
    s->feed.x = iad_mat_rows(s->x, 0, 0);
    return IAD_OK;
}

static iad_status room(const iadgpt_session *s, int64_t n, iad_err *err) {
    if (s->feed.n_row + n > s->x.rows || s->feed.n_row + n > s->feed.cap_pos)
        return IAD_FAIL(err, IAD_ERR_INTERNAL, "the prompt is longer than planned");
    return IAD_OK;
}

static void advance(iadgpt_session *s, int64_t n) {
    s->feed.n_row += n;
    s->feed.x = iad_mat_rows(s->x, 0, s->feed.n_row);
}

iad_status iad_feed_text(iadgpt_session *s, const int32_t *ids, int64_t n, int64_t *pos, iad_err *err) {
    IAD_TRY(room(s, n, err));
    int64_t row = s->feed.n_row;
    iad_positions at = {*pos};
    IAD_TRY(iad_positions_add_text(&at, n, s->feed.pos[0] + row, s->feed.pos[1] + row, s->feed.pos[2] + row, err));
    IAD_TRY(s->queue->ops->gather(s->queue, s->engine->model->embed, ids, iad_mat_rows(s->x, row, n), err));
    *pos = at.next;
    advance(s, n);
    return IAD_OK;
}

iad_status iad_feed_image(iadgpt_session *s, const iad_encoded *e, const int32_t *kept, int64_t n_kept, int64_t *pos, iad_err *err) {
    int64_t n = kept != NULL ? n_kept : e->tokens.rows;
    IAD_TRY(room(s, n, err));
    iad_positions at = {*pos};
    int64_t row = s->feed.n_row;
    IAD_TRY(iad_positions_add_kept(&at, e->lh, e->lw, kept, n, s->feed.pos[0] + row, s->feed.pos[1] + row, s->feed.pos[2] + row, err));
    *pos = at.next;
    iad_mat rows = iad_mat_rows(s->x, row, n);
    if (kept != NULL) IAD_TRY(s->queue->ops->gather(s->queue, e->tokens, kept, rows, err));
    else IAD_TRY(s->queue->ops->copy(s->queue, e->tokens, rows, err));
    advance(s, n);
    return IAD_OK;
}

/* ---- through the model ---- */

enum { MAX_PROBE_ROWS = 4096 };

/* The part of a probe that lies in rows [begin, end) of its sequence. */
static int part_of_probe(const iad_probe *whole, int64_t begin, int64_t end, int64_t *rows, int *classes, float *weights, iad_probe *part) {
    int n = 0;
    for (int i = 0; i < whole->n_row && n < MAX_PROBE_ROWS; i++) {
        if (whole->row[i] < begin || whole->row[i] >= end) continue;
        rows[n] = whole->row[i] - begin;
        classes[n] = whole->row_class[i];
        weights[n++] = whole->weight[i];
    }
    *part = *whole;
    part->n_row = n;
    part->row = rows;
    part->row_class = classes;
    part->weight = weights;
    return n;
}

/* Rows [begin, end) of the feed as one pass. */
static iad_status pass(iadgpt_session *s, const iad_text_seq *seqs, int n_seq, int64_t begin, int64_t end, float *logits, iad_err *err) {
    const iad_model *model = s->engine->model;
    int half = model->config.text.head_dim / 2, n = 0, n_logit = 0, *classes = NULL;
    iad_text_seq *part = iad_calloc((size_t)n_seq, sizeof *part);
    iad_probe *probes = iad_calloc((size_t)n_seq, sizeof *probes);
    int32_t *last = iad_calloc((size_t)n_seq, sizeof *last);
    int64_t *rows = NULL, n_probe = 0;
    float *weights = NULL;
    int first_logit = -1;
    iad_status status = part == NULL || probes == NULL || last == NULL ? IAD_NOMEM(err, "a pass") : IAD_OK;
    for (int i = 0; i < n_seq; i++) n_probe += seqs[i].probe != NULL ? seqs[i].probe->n_row : 0;
    rows = iad_alloc((size_t)n_probe, sizeof *rows);
    classes = iad_alloc((size_t)n_probe, sizeof *classes);
    weights = iad_alloc((size_t)n_probe, sizeof *weights);
    if (status == IAD_OK && (rows == NULL || classes == NULL || weights == NULL)) status = IAD_NOMEM(err, "a pass");
    for (int64_t used = 0, i = 0; status == IAD_OK && i < n_seq; i++) {
        int64_t from = seqs[i].row > begin ? seqs[i].row : begin, to = seqs[i].row + seqs[i].n_row < end ? seqs[i].row + seqs[i].n_row : end;
        if (from >= to) continue;
        part[n] = seqs[i];
        part[n].row = from - begin;
        part[n].n_row = to - from;
        part[n].probe = NULL;
        if (seqs[i].probe != NULL) {
            int64_t at = from - seqs[i].row;
            int found = part_of_probe(seqs[i].probe, at, at + (to - from), rows + used, classes + used, weights + used, &probes[n]);
            if (found > 0) part[n].probe = &probes[n];
            used += found;
        }
        if (logits != NULL && to == seqs[i].row + seqs[i].n_row) {
            if (first_logit < 0) first_logit = (int)i;
            last[n_logit++] = (int32_t)(to - 1 - begin);
        }
        n++;
    }
    size_t angles = (size_t)(end - begin) * (size_t)half;
    if (status == IAD_OK && angles > s->cap_angle) {
        free(s->cosine);
        free(s->sine);
        s->cosine = iad_alloc(angles, sizeof(float));
        s->sine = iad_alloc(angles, sizeof(float));
        s->cap_angle = s->cosine != NULL && s->sine != NULL ? angles : 0;
        if (s->cap_angle == 0) status = IAD_NOMEM(err, "the rotary angles of a pass");
    }
    if (status == IAD_OK)
        status = iad_mrope_angles(s->feed.pos[0] + begin, s->feed.pos[1] + begin, s->feed.pos[2] + begin, end - begin, model->config.text.head_dim,
                                  model->config.text.mrope_section, model->config.text.rope_theta, s->cosine, s->sine, err);
    if (status == IAD_OK)
        status = iad_text_forward(s->queue, model, &s->ws, iad_mat_rows(s->x, begin, end - begin), s->cosine, s->sine, part, n, last, n_logit,
                                  n_logit > 0 ? logits + (size_t)first_logit * (size_t)model->config.text.vocab : NULL, s->trace, err);
    free(part);
    free(probes);
    free(last);
    free(rows);
    free(classes);
    free(weights);
    return status;
}

iad_status iad_feed_run(iadgpt_session *s, const iad_text_seq *seqs, int n_seq, float *logits, iad_err *err) {
    double start = iad_clock();
    int64_t base[IAD_MAX_BATCH];
    if (n_seq < 1 || n_seq > IAD_MAX_BATCH) return IAD_FAIL(err, IAD_ERR_ARG, "%d sequences at once, at most %d can be", n_seq, IAD_MAX_BATCH);
    for (int i = 0; i < n_seq; i++) {
        base[i] = seqs[i].tail->len;
        IAD_TRY(iad_kv_reserve(seqs[i].tail, s->queue, base[i] + seqs[i].n_row, err));
    }
    iad_status status = IAD_OK;
    for (int64_t row = 0; status == IAD_OK && row < s->feed.n_row; row += IAD_PREFILL_ROWS) {
        int64_t end = row + IAD_PREFILL_ROWS < s->feed.n_row ? row + IAD_PREFILL_ROWS : s->feed.n_row;
        status = pass(s, seqs, n_seq, row, end, logits, err);
    }
    if (status != IAD_OK)
        for (int i = 0; i < n_seq; i++) seqs[i].tail->len = base[i]; /* half a prompt is no prompt */
    s->timings.prefill += 1e3 * (iad_clock() - start);
    return status;
}
