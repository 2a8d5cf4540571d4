#include "train/model/trainspace.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Rows of the feed-forward part at a time in blocks without a backward pass. */
enum { CHUNK_ROWS = 1024 };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

#define MAT(rows, cols, dtype, mat) IAD_TRY(iad_workspace_mat(ws, rows, cols, dtype, mat, err))

static iad_status floats(iad_workspace *ws, int64_t n, float **data, iad_err *err) {
    void *made = NULL;
    IAD_TRY(iad_workspace_bytes(ws, (size_t)n * sizeof(float), &made, err));
    *data = made;
    return IAD_OK;
}

/* ---- a stack ---- */

static int keeps(const iad_train_stack *s) { return s->from < s->n_block; }

static iad_status take_angles(iad_train_stack *s, int d_head, iad_workspace *ws, iad_err *err) {
    int64_t n = s->n * (d_head / 2);
    IAD_TRY(floats(ws, n, &s->cosine, err));
    IAD_TRY(floats(ws, n, &s->sine, err));
    return floats(ws, keeps(s) ? n : 0, &s->back_sine, err);
}

/* Keys and values of a layer, the values right behind the keys as in an iad_kv of n rows. Nothing in the tower, which attends inside qkv. */
static iad_status take_kv(const iad_train_stack *s, int64_t kv_dim, iad_workspace *ws, iad_mat *keys, iad_mat *values, iad_err *err) {
    iad_mat both;
    if (kv_dim == 0) return IAD_OK;
    MAT(2 * s->n, kv_dim, IAD_F32, &both);
    *keys = iad_mat_rows(both, 0, s->n);
    *values = iad_mat_rows(both, s->n, s->n);
    return IAD_OK;
}

/* What lives until the backward pass. */
static iad_status take_kept(iad_train_stack *s, int64_t kv_dim, iad_workspace *ws, iad_err *err) {
    MAT(s->n, s->n_dim, IAD_F32, &s->x[0]);
    for (int i = 0; i < s->from; i++) s->x[i + 1] = s->x[i];
    for (int i = s->from; i < s->n_block; i++) {
        iad_block_acts *a = &s->acts[i];
        MAT(s->n, s->n_dim, IAD_F32, &s->x[i + 1]);
        if (s->level == IAD_RECOMPUTE_BLOCK) continue;
        MAT(s->n, s->qkv_dim, IAD_F32, &a->qkv);
        MAT(s->n, s->q_dim, s->act, &a->attn);
        MAT(s->n, s->n_dim, IAD_F32, &a->mid);
        IAD_TRY(take_kv(s, kv_dim, ws, &s->keys[i], &s->values[i], err));
        if (s->level == IAD_RECOMPUTE_FFN) continue;
        MAT(s->n, 2 * s->inter, IAD_F32, &a->gate_up);
        if (s->level == IAD_RECOMPUTE_NORMS) continue;
        MAT(s->n, s->n_dim, s->act, &a->norm1);
        MAT(s->n, s->n_dim, s->act, &a->norm2);
        MAT(s->n, s->inter, s->act, &a->hidden);
    }
    return keeps(s) ? iad_workspace_mat(ws, s->n, s->n_dim, IAD_F32, &s->grad, err) : IAD_OK;
}

/* The buffers that blocks share, given to all that have none of their own. */
static iad_status take_shared(iad_train_stack *s, int64_t kv_dim, iad_workspace *ws, iad_err *err) {
    iad_block_acts a = {0};
    iad_mat keys = {0}, values = {0};
    int frozen = s->from > 0, level = keeps(s) ? (int)s->level : -1;
    int64_t chunk = min64(s->n, CHUNK_ROWS);
    if (frozen || level >= IAD_RECOMPUTE_NORMS) MAT(s->n, s->n_dim, s->act, &a.norm1);
    if (level >= IAD_RECOMPUTE_NORMS) MAT(s->n, s->n_dim, s->act, &a.norm2);
    else a.norm2 = a.norm1;
    if (frozen || level == IAD_RECOMPUTE_BLOCK) {
        MAT(s->n, s->qkv_dim, IAD_F32, &a.qkv);
        MAT(s->n, s->q_dim, s->act, &a.attn);
        IAD_TRY(take_kv(s, kv_dim, ws, &keys, &values, err));
    }
    if (level == IAD_RECOMPUTE_BLOCK) MAT(s->n, s->n_dim, IAD_F32, &a.mid);
    if (frozen || level >= IAD_RECOMPUTE_FFN) MAT(level >= IAD_RECOMPUTE_FFN ? s->n : chunk, 2 * s->inter, IAD_F32, &a.gate_up);
    if (frozen || level >= IAD_RECOMPUTE_NORMS) MAT(level >= IAD_RECOMPUTE_NORMS ? s->n : chunk, s->inter, s->act, &a.hidden);
    for (int i = 0; i < s->n_block; i++) {
        iad_block_acts *b = &s->acts[i];
        int own = i >= s->from;
        if (!own || level >= IAD_RECOMPUTE_NORMS) b->norm1 = a.norm1, b->norm2 = a.norm2, b->hidden = a.hidden;
        if (!own || level >= IAD_RECOMPUTE_FFN) b->gate_up = a.gate_up;
        if (!own || level == IAD_RECOMPUTE_BLOCK) {
            b->qkv = a.qkv;
            b->attn = a.attn;
            b->mid = own ? a.mid : s->x[i];
            s->keys[i] = keys;
            s->values[i] = values;
        }
    }
    return IAD_OK;
}

static iad_status take_backward(iad_train_stack *s, iad_workspace *ws, iad_err *err) {
    if (!keeps(s)) return IAD_OK;
    MAT(s->n, s->n_dim, IAD_F32, &s->dnorm);
    if (s->act == IAD_BF16) MAT(s->n, max64(max64(2 * s->inter, s->qkv_dim), s->n_dim), IAD_BF16, &s->narrow);
    size_t mark = ws->used; /* the feed-forward part is done before the attention begins */
    MAT(s->n, s->inter, IAD_F32, &s->dhidden);
    ws->used = mark;
    MAT(s->n, s->q_dim, IAD_F32, &s->dattn);
    MAT(s->n, s->qkv_dim, IAD_F32, &s->dqkv);
    return s->act == IAD_BF16 ? iad_workspace_mat(ws, s->n, s->q_dim, IAD_F32, &s->attn, err) : IAD_OK;
}

/* ---- everything ---- */

static iad_status host_arrays(iad_train_space *t, iad_err *err) {
    size_t v = (size_t)t->vision.n_block, l = (size_t)t->text.n_block;
    iad_mat *mats = iad_calloc(3 * (v + l) + 2, sizeof *mats);
    t->host = mats;
    t->vision.acts = iad_calloc(v, sizeof *t->vision.acts);
    t->text.acts = iad_calloc(l, sizeof *t->text.acts);
    if (mats == NULL || t->vision.acts == NULL || t->text.acts == NULL) return IAD_NOMEM(err, "the plan of a batch");
    t->vision.x = mats;
    t->vision.keys = mats + v + 1;
    t->vision.values = t->vision.keys + v;
    t->text.x = t->vision.values + v;
    t->text.keys = t->text.x + l + 1;
    t->text.values = t->text.keys + l;
    return IAD_OK;
}

static int has_fusion(const iad_model *m) { return m->fusion.scale != NULL; }

/* Taps that lie in shared buffers are copied; the others are inputs of later blocks. */
static iad_status take_taps(const iad_model *m, iad_train_space *t, iad_workspace *ws, iad_err *err) {
    const iad_train_stack *v = &t->vision;
    const iad_paper_config *paper = &m->config.paper;
    t->fused = v->x[v->n_block];
    if (!has_fusion(m)) return IAD_OK;
    for (int i = 0; i + 1 < paper->n_taps; i++) {
        if (paper->taps[i] + 1 >= v->from) t->taps[i] = v->x[paper->taps[i] + 1];
        else MAT(v->n, v->n_dim, IAD_F32, &t->taps[i]);
    }
    t->taps[paper->n_taps - 1] = v->x[v->n_block];
    return iad_workspace_mat(ws, v->n, v->n_dim, IAD_F32, &t->fused, err);
}

static iad_status take_dtaps(const iad_model *m, iad_train_space *t, iad_workspace *ws, iad_err *err) {
    const iad_train_stack *v = &t->vision;
    for (int i = 0; has_fusion(m) && i + 1 < m->config.paper.n_taps; i++)
        if (m->config.paper.taps[i] >= v->from) MAT(v->n, v->n_dim, IAD_F32, &t->dtaps[i]);
    return IAD_OK;
}

static iad_status take_kept_all(const iad_model *m, iad_train_space *t, iad_workspace *ws, iad_err *err) {
    const iad_vision_config *vc = &m->config.vision;
    int64_t group = (int64_t)vc->merge * vc->merge, values = (int64_t)vc->in_channels * vc->temporal * vc->patch * vc->patch;
    int64_t n_token = t->rows.n_patch / group, kv_dim = (int64_t)m->config.text.kv_heads * m->config.text.head_dim;
    const iad_vision_plan plan = {.n_patch = t->rows.n_patch, .n_token = n_token};
    IAD_TRY(iad_workspace_bytes(ws, (size_t)max64(t->rows.n_patch, t->rows.n_row) * iad_dtype_size(m->text_act), &t->ones, err));
    IAD_TRY(floats(ws, t->rows.n_cell, &t->map, err));
    IAD_TRY(floats(ws, t->reach.backward ? t->rows.n_cell : 0, &t->dmap, err));
    IAD_TRY(take_angles(&t->vision, vc->head_dim, ws, err));
    IAD_TRY(take_angles(&t->text, m->config.text.head_dim, ws, err));
    if (keeps(&t->vision)) MAT(t->rows.n_patch, values, m->vision_act, &t->input);
    IAD_TRY(take_kept(&t->vision, 0, ws, err));
    IAD_TRY(take_taps(m, t, ws, err));
    IAD_TRY(iad_vision_merge_acts(m, &plan, ws, &t->merge, err));
    MAT(n_token, vc->out_hidden, IAD_F32, &t->tokens);
    IAD_TRY(take_kept(&t->text, kv_dim, ws, err));
    MAT(t->rows.n_supervised, m->config.text.hidden, IAD_F32, &t->last);
    MAT(t->rows.n_supervised, m->config.text.hidden, m->text_act, &t->normed);
    if (t->reach.tokens) MAT(n_token, vc->out_hidden, IAD_F32, &t->dmerged);
    t->kept = ws->used;
    return IAD_OK;
}

static iad_status take_vision_scratch(const iad_model *m, iad_train_space *t, iad_workspace *ws, iad_err *err) {
    const iad_vision_config *vc = &m->config.vision;
    int64_t values = (int64_t)vc->in_channels * vc->temporal * vc->patch * vc->patch, wide = (int64_t)vc->hidden * vc->merge * vc->merge;
    size_t start = ws->used;
    MAT(t->rows.n_patch, values, IAD_F32, &t->raw);
    if (!keeps(&t->vision)) MAT(t->rows.n_patch, values, m->vision_act, &t->input);
    ws->used = start; /* patches are read before the first block writes */
    IAD_TRY(take_shared(&t->vision, 0, ws, err));
    if (!t->reach.tokens) return IAD_OK;
    IAD_TRY(take_dtaps(m, t, ws, err));
    /* The merger's gradients and those of the blocks are never needed together, but for grad and dtaps. */
    if (!keeps(&t->vision)) MAT(t->rows.n_patch, vc->hidden, IAD_F32, &t->vision.grad);
    size_t mark = ws->used;
    MAT(t->dmerged.rows, wide, IAD_F32, &t->dact);
    if (m->vision_act == IAD_BF16) MAT(t->dmerged.rows, max64(wide, vc->out_hidden), IAD_BF16, &t->narrow_merge);
    ws->used = mark;
    return take_backward(&t->vision, ws, err);
}

static iad_status take_text_scratch(const iad_model *m, iad_train_space *t, iad_workspace *ws, iad_err *err) {
    const iad_text_config *tc = &m->config.text;
    int64_t kv_dim = (int64_t)tc->kv_heads * tc->head_dim, chunk = min64(t->rows.n_supervised, IAD_HEAD_ROWS);
    IAD_TRY(take_shared(&t->text, kv_dim, ws, err));
    size_t mark = ws->used; /* the head is done before the first layer's backward pass */
    MAT(chunk, tc->vocab, IAD_F32, &t->logits);
    if (t->reach.backward) {
        MAT(chunk, tc->hidden, IAD_F32, &t->dnormed);
        if (m->text_act == IAD_BF16) MAT(chunk, tc->vocab, IAD_BF16, &t->narrow_logits);
    }
    ws->used = mark;
    return take_backward(&t->text, ws, err);
}

iad_status iad_train_space_take(const iad_model *m, const iad_train_model_options *options, const iad_train_reach *reach, const iad_train_rows *rows,
                                iad_workspace *ws, iad_train_space *t, iad_err *err) {
    const iad_vision_config *vc = &m->config.vision;
    const iad_text_config *tc = &m->config.text;
    int64_t q_dim = (int64_t)tc->heads * tc->head_dim, kv_dim = (int64_t)tc->kv_heads * tc->head_dim;
    *t = (iad_train_space){.reach = *reach, .rows = *rows};
    t->vision = (iad_train_stack){.n_block = vc->depth,
                                  .from = reach->backward ? reach->vision_from : vc->depth,
                                  .level = options->recompute_vision,
                                  .act = m->vision_act,
                                  .n = rows->n_patch,
                                  .n_dim = vc->hidden,
                                  .q_dim = vc->hidden,
                                  .qkv_dim = 3 * (int64_t)vc->hidden,
                                  .inter = vc->intermediate};
    t->text = (iad_train_stack){.n_block = tc->layers,
                                .from = reach->backward ? reach->text_from : tc->layers,
                                .level = options->recompute_text,
                                .act = m->text_act,
                                .n = rows->n_row,
                                .n_dim = tc->hidden,
                                .q_dim = q_dim,
                                .qkv_dim = q_dim + 2 * kv_dim,
                                .inter = tc->intermediate};
    iad_status status = host_arrays(t, err);
    if (status == IAD_OK) status = take_kept_all(m, t, ws, err);
    size_t mark = ws->used;
    if (status == IAD_OK) status = take_vision_scratch(m, t, ws, err);
    ws->used = mark; /* the tower and the language model take turns */
    if (status == IAD_OK) status = take_text_scratch(m, t, ws, err);
    if (status != IAD_OK) iad_train_space_deinit(t);
    return status;
}

void iad_train_space_deinit(iad_train_space *t) {
    free(t->host);
    free(t->vision.acts);
    free(t->text.acts);
    *t = (iad_train_space){0};
}
