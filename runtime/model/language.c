#include "runtime/model/language.h"

#include <math.h>

/* Rows of the feed-forward part at a time: [256][37888] f32 is 39 MB at the 7B sizes. */
enum { MLP_ROWS = 512 };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static int is_map_layer(const iad_model *model, int layer) {
    for (int i = 0; i < model->config.paper.n_map_layers; i++)
        if (model->config.paper.map_layers[i] == layer) return 1;
    return 0;
}

iad_status iad_text_layer_forward(iad_queue *queue, const iad_model *model, int layer, const iad_block_acts *acts, const float *cosine,
                                  const float *sine, const iad_text_seq *seqs, int n_seq, iad_mat x, iad_mat out, iad_err *err) {
    const iad_ops *ops = queue->ops;
    const iad_text_config *config = &model->config.text;
    const iad_block_weights *w = &model->layers[layer];
    int64_t q_dim = (int64_t)config->heads * config->head_dim, kv_dim = (int64_t)config->kv_heads * config->head_dim;
    if (n_seq < 1 || n_seq > IAD_TEXT_MAX_SEQS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d sequences in one pass, 1 to %d can be", n_seq, IAD_TEXT_MAX_SEQS);
    IAD_TRY(ops->rmsnorm(queue, x, w->norm1, config->rms_eps, acts->norm1, err));
    IAD_TRY(ops->linear(queue, acts->norm1, w->qkv, IAD_STORE_SET, acts->qkv, err));
    iad_mat q = iad_mat_cols(acts->qkv, 0, q_dim), k = iad_mat_cols(acts->qkv, q_dim, kv_dim), v = iad_mat_cols(acts->qkv, q_dim + kv_dim, kv_dim);
    IAD_TRY(ops->rope(queue, q, config->heads, config->head_dim, cosine, sine, err));
    IAD_TRY(ops->rope(queue, k, config->kv_heads, config->head_dim, cosine, sine, err));

    iad_attend_seq parts[IAD_TEXT_MAX_SEQS];
    for (int i = 0; i < n_seq; i++) {
        const iad_text_seq *s = &seqs[i];
        int64_t len = s->tail->len, prefix = s->prefix != NULL ? s->prefix->len : 0;
        IAD_TRY(ops->copy(queue, iad_mat_rows(k, s->row, s->n_row), iad_kv_keys(s->tail, layer, len, s->n_row), err));
        IAD_TRY(ops->copy(queue, iad_mat_rows(v, s->row, s->n_row), iad_kv_values(s->tail, layer, len, s->n_row), err));
        iad_kv_span tail = {iad_kv_keys(s->tail, layer, 0, len + s->n_row), iad_kv_values(s->tail, layer, 0, len + s->n_row)};
        iad_kv_span front = {iad_mat_rows(tail.k, 0, 0), iad_mat_rows(tail.v, 0, 0)};
        if (prefix > 0) front = (iad_kv_span){iad_kv_keys(s->prefix, layer, 0, prefix), iad_kv_values(s->prefix, layer, 0, prefix)};
        parts[i] = (iad_attend_seq){.row = s->row, .n_row = s->n_row, .causal = 1, .spans = {front, tail}};
    }
    const iad_attend job = {.n_head = config->heads, .n_kv_head = config->kv_heads, .d_head = config->head_dim,
                            .scale = 1.0f / sqrtf((float)config->head_dim), .q = q, .out = acts->attn, .seqs = parts, .n_seq = n_seq};
    IAD_TRY(ops->attend(queue, &job, err));
    if (is_map_layer(model, layer))
        for (int i = 0; i < n_seq; i++)
            if (seqs[i].probe != NULL && seqs[i].probe->n_row > 0) IAD_TRY(ops->probe(queue, &job, i, seqs[i].probe, err));
    return iad_block_finish(queue, w, config->rms_eps, acts, x, out, err);
}

iad_status iad_text_head(iad_queue *queue, const iad_model *model, iad_mat last, iad_mat normed, iad_mat logits, iad_err *err) {
    IAD_TRY(queue->ops->rmsnorm(queue, last, model->norm, model->config.text.rms_eps, normed, err));
    return queue->ops->linear(queue, normed, model->head, IAD_STORE_SET, logits, err);
}

typedef struct layout {
    iad_block_acts acts;
    float *cosine, *sine;
    iad_mat last, normed, logits;
} layout;

static iad_status take(const iad_model *model, int64_t n, int64_t n_logit, iad_workspace *ws, layout *l, iad_err *err) {
    const iad_text_config *config = &model->config.text;
    int64_t q_dim = (int64_t)config->heads * config->head_dim, kv_dim = (int64_t)config->kv_heads * config->head_dim;
    int64_t n_dim = config->hidden, m = min64(n, MLP_ROWS);
    void *angles[2];
    for (int i = 0; i < 2; i++) IAD_TRY(iad_workspace_bytes(ws, (size_t)n * (size_t)(config->head_dim / 2) * sizeof(float), &angles[i], err));
    l->cosine = angles[0];
    l->sine = angles[1];
    IAD_TRY(iad_workspace_mat(ws, n, n_dim, model->text_act, &l->acts.norm1, err));
    l->acts.norm2 = l->acts.norm1;
    IAD_TRY(iad_workspace_mat(ws, n, q_dim, model->text_act, &l->acts.attn, err));
    size_t inner = ws->used; /* q, k, v and the feed-forward buffers are never needed together */
    IAD_TRY(iad_workspace_mat(ws, n, q_dim + 2 * kv_dim, IAD_F32, &l->acts.qkv, err));
    ws->used = inner;
    IAD_TRY(iad_workspace_mat(ws, m, 2 * (int64_t)config->intermediate, IAD_F32, &l->acts.gate_up, err));
    IAD_TRY(iad_workspace_mat(ws, m, config->intermediate, model->text_act, &l->acts.hidden, err));
    ws->used = inner;
    IAD_TRY(iad_workspace_mat(ws, n_logit, n_dim, IAD_F32, &l->last, err));
    IAD_TRY(iad_workspace_mat(ws, n_logit, n_dim, model->text_act, &l->normed, err));
    return iad_workspace_mat(ws, n_logit, config->vocab, IAD_F32, &l->logits, err);
}

iad_status iad_text_bytes(const iad_model *model, int64_t n, int64_t n_logit, size_t *bytes, iad_err *err) {
    iad_workspace count = {.device = model->device};
    layout l;
    IAD_TRY(take(model, n, n_logit, &count, &l, err));
    *bytes = count.high;
    return IAD_OK;
}

iad_status iad_text_forward(iad_queue *queue, const iad_model *model, iad_workspace *ws, iad_mat x, const float *cosine, const float *sine,
                            const iad_text_seq *seqs, int n_seq, const int32_t *logit_row, int64_t n_logit, float *logits, const iad_trace *trace,
                            iad_err *err) {
    const iad_ops *ops = queue->ops;
    size_t bytes = 0;
    layout l;
    IAD_TRY(iad_text_bytes(model, x.rows, n_logit, &bytes, err));
    IAD_TRY(iad_workspace_reserve(ws, bytes, err));
    IAD_TRY(take(model, x.rows, n_logit, ws, &l, err));
    l.acts.mid = x;
    size_t angles = (size_t)x.rows * (size_t)(model->config.text.head_dim / 2) * sizeof(float);
    IAD_TRY(ops->upload(queue, l.cosine, cosine, angles, err));
    IAD_TRY(ops->upload(queue, l.sine, sine, angles, err));
    IAD_TRY(iad_trace_see(trace, queue, "text.input", 0, x, err));
    for (int i = 0; i < model->config.text.layers; i++) {
        IAD_TRY(iad_text_layer_forward(queue, model, i, &l.acts, l.cosine, l.sine, seqs, n_seq, x, x, err));
        IAD_TRY(iad_trace_see(trace, queue, "text.layer", i, x, err));
    }
    for (int i = 0; i < n_seq; i++) seqs[i].tail->len += seqs[i].n_row;
    if (n_logit == 0) return IAD_OK;
    IAD_TRY(ops->gather(queue, x, logit_row, l.last, err));
    IAD_TRY(iad_text_head(queue, model, l.last, l.normed, l.logits, err));
    IAD_TRY(iad_trace_see(trace, queue, "text.logits", 0, l.logits, err));
    return ops->download(queue, logits, l.logits.data, (size_t)(n_logit * l.logits.cols) * sizeof(float), err);
}
