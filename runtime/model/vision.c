#include "runtime/model/vision.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/model/positions.h"
#include "runtime/model/preprocess.h"

/* Rows of the feed-forward part at a time: its wide buffer then stays near the caches, and memory does not grow with 2I * P. */
enum { MLP_ROWS = 1024 };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

iad_status iad_vision_block_forward(iad_queue *queue, const iad_model *model, int block, const float *cosine, const float *sine,
                                    const iad_block_acts *acts, const iad_attend_seq *seqs, int64_t n_seq, iad_mat x,
                                    iad_mat out, iad_err *err) {
    const iad_ops *ops = queue->ops;
    const iad_vision_config *config = &model->config.vision;
    const iad_block_weights *w = &model->blocks[block];
    int64_t n_dim = config->hidden;
    IAD_TRY(ops->rmsnorm(queue, x, w->norm1, config->rms_eps, acts->norm1, err));
    IAD_TRY(ops->linear(queue, acts->norm1, w->qkv, IAD_STORE_SET, acts->qkv, err));
    iad_mat q = iad_mat_cols(acts->qkv, 0, n_dim), k = iad_mat_cols(acts->qkv, n_dim, n_dim);
    IAD_TRY(ops->rope(queue, q, config->heads, config->head_dim, cosine, sine, err));
    IAD_TRY(ops->rope(queue, k, config->heads, config->head_dim, cosine, sine, err));
    const iad_attend job = {.n_head = config->heads, .n_kv_head = config->heads, .d_head = config->head_dim,
                            .scale = 1.0f / sqrtf((float)config->head_dim), .q = q, .out = acts->attn, .seqs = seqs, .n_seq = n_seq};
    IAD_TRY(ops->attend(queue, &job, err));
    return iad_block_finish(queue, w, config->rms_eps, acts, x, out, err);
}

int64_t iad_vision_seqs(const iad_vision_plan *plan, iad_mat qkv, int whole, iad_attend_seq *seqs) {
    int64_t n_dim = qkv.cols / 3, n_seq = whole ? plan->n_picture : plan->n_window;
    const int64_t *first = whole ? plan->picture : plan->window;
    iad_mat k = iad_mat_cols(qkv, n_dim, n_dim), v = iad_mat_cols(qkv, 2 * n_dim, n_dim);
    for (int64_t i = 0; i < n_seq; i++) {
        int64_t row = first[i], n = first[i + 1] - row;
        seqs[i] = (iad_attend_seq){
            .row = row, .n_row = n, .spans = {{iad_mat_rows(k, row, n), iad_mat_rows(v, row, n)}, {iad_mat_rows(k, 0, 0), iad_mat_rows(v, 0, 0)}}};
    }
    return n_seq;
}

iad_fuse iad_vision_fuse_job(const iad_model *model, const iad_mat *taps) {
    iad_fuse job = {.n_tap = model->config.paper.n_taps, .norm = model->fusion.norm, .gate_w = model->fusion.gate_w, .gate_b = model->fusion.gate_b,
                    .scale = model->fusion.scale, .eps = model->config.vision.rms_eps};
    for (int i = 0; i < job.n_tap; i++) job.taps[i] = taps[i];
    return job;
}

iad_status iad_vision_fuse(iad_queue *queue, const iad_model *model, const iad_mat *taps, iad_mat out, iad_err *err) {
    iad_fuse job = iad_vision_fuse_job(model, taps);
    job.out = out;
    return queue->ops->fuse(queue, &job, err);
}

iad_status iad_vision_merge_acts(const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, iad_merge_acts *acts, iad_err *err) {
    const iad_vision_config *config = &model->config.vision;
    int64_t wide = (int64_t)config->hidden * config->merge * config->merge;
    IAD_TRY(iad_workspace_mat(ws, plan->n_patch, config->hidden, model->vision_act, &acts->normed, err));
    IAD_TRY(iad_workspace_mat(ws, plan->n_token, wide, IAD_F32, &acts->inner, err));
    IAD_TRY(iad_workspace_mat(ws, plan->n_token, wide, model->vision_act, &acts->act, err));
    return iad_workspace_mat(ws, plan->n_token, config->out_hidden, IAD_F32, &acts->merged, err);
}

iad_mat iad_merge_groups(const iad_merge_acts *acts) {
    return (iad_mat){
        .data = acts->normed.data, .rows = acts->inner.rows, .cols = acts->inner.cols, .stride = acts->inner.cols, .dtype = acts->normed.dtype};
}

iad_status iad_vision_merge(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, const iad_merge_acts *acts, iad_mat x,
                            iad_mat tokens, iad_err *err) {
    const iad_ops *ops = queue->ops;
    IAD_TRY(ops->rmsnorm(queue, x, model->merge_norm, model->config.vision.rms_eps, acts->normed, err));
    IAD_TRY(ops->linear(queue, iad_merge_groups(acts), model->merge_in, IAD_STORE_SET, acts->inner, err));
    IAD_TRY(ops->gelu(queue, acts->inner, acts->act, err));
    IAD_TRY(ops->linear(queue, acts->act, model->merge_out, IAD_STORE_SET, acts->merged, err));
    return ops->gather(queue, acts->merged, plan->inverse, tokens, err);
}

/* Everything one forward pass takes from the workspace. */
typedef struct layout {
    iad_block_acts acts;
    iad_mat raw;                       /* [P][patch values] f32, in the picture's order */
    iad_mat input;                     /* the same in window order and input type */
    iad_mat x;                         /* [P][C] */
    iad_mat taps[IAD_FUSE_MAX_TAPS];
    float *cosine, *sine;
} layout;

static iad_status take(const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, layout *l, iad_err *err) {
    const iad_vision_config *config = &model->config.vision;
    int64_t n_patch = plan->n_patch, n_dim = config->hidden, m = min64(n_patch, MLP_ROWS);
    int64_t values = (int64_t)config->in_channels * config->temporal * config->patch * config->patch;
    void *angles[2];
    for (int i = 0; i < 2; i++) IAD_TRY(iad_workspace_bytes(ws, (size_t)n_patch * (size_t)(config->head_dim / 2) * sizeof(float), &angles[i], err));
    l->cosine = angles[0];
    l->sine = angles[1];
    IAD_TRY(iad_workspace_mat(ws, n_patch, n_dim, IAD_F32, &l->x, err));
    l->acts.mid = l->x;
    if (model->fusion.scale != NULL)
        for (int i = 0; i + 1 < model->config.paper.n_taps; i++) IAD_TRY(iad_workspace_mat(ws, n_patch, n_dim, IAD_F32, &l->taps[i], err));
    size_t mark = ws->used; /* the picture's rows and the blocks' buffers are never needed together */
    IAD_TRY(iad_workspace_mat(ws, n_patch, values, IAD_F32, &l->raw, err));
    IAD_TRY(iad_workspace_mat(ws, n_patch, values, model->patch == NULL || model->vision_act == IAD_F32 ? IAD_F32 : IAD_BF16, &l->input, err));
    ws->used = mark;
    IAD_TRY(iad_workspace_mat(ws, n_patch, n_dim, model->vision_act, &l->acts.norm1, err));
    l->acts.norm2 = l->acts.norm1;
    IAD_TRY(iad_workspace_mat(ws, n_patch, n_dim, model->vision_act, &l->acts.attn, err));
    size_t inner = ws->used; /* nor are q, k, v and the feed-forward buffers */
    IAD_TRY(iad_workspace_mat(ws, n_patch, 3 * n_dim, IAD_F32, &l->acts.qkv, err));
    ws->used = inner;
    IAD_TRY(iad_workspace_mat(ws, m, 2 * (int64_t)config->intermediate, IAD_F32, &l->acts.gate_up, err));
    IAD_TRY(iad_workspace_mat(ws, m, config->intermediate, model->vision_act, &l->acts.hidden, err));
    ws->used = mark; /* the merger's, later */
    return IAD_OK;
}

iad_status iad_vision_bytes(const iad_model *model, const iad_vision_plan *plan, size_t *bytes, iad_err *err) {
    iad_workspace count = {.device = model->device};
    layout l;
    iad_merge_acts merge;
    IAD_TRY(take(model, plan, &count, &l, err));
    IAD_TRY(iad_vision_merge_acts(model, plan, &count, &merge, err));
    *bytes = count.high;
    return IAD_OK;
}

static int tap_of(const iad_model *model, int block) {
    for (int i = 0; i < model->config.paper.n_taps; i++)
        if (model->config.paper.taps[i] == block) return i;
    return -1;
}

static iad_status run(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, const float *rows, iad_mat tokens,
                      const iad_trace *trace, iad_attend_seq *seqs, iad_err *err) {
    const iad_ops *ops = queue->ops;
    layout l;
    IAD_TRY(take(model, plan, ws, &l, err));
    size_t angles = (size_t)plan->n_patch * (size_t)(model->config.vision.head_dim / 2) * sizeof(float);
    IAD_TRY(ops->upload(queue, l.cosine, plan->cosine, angles, err));
    IAD_TRY(ops->upload(queue, l.sine, plan->sine, angles, err));
    IAD_TRY(ops->upload(queue, l.raw.data, rows, (size_t)(l.raw.rows * l.raw.cols) * sizeof(float), err));
    IAD_TRY(ops->gather(queue, l.raw, plan->order, l.input, err));
    IAD_TRY(ops->linear(queue, l.input, model->patch, IAD_STORE_SET, l.x, err));
    IAD_TRY(iad_trace_see(trace, queue, "vision.patch", 0, l.x, err));

    iad_attend_seq *windows = seqs, *whole = seqs + iad_vision_seqs(plan, l.acts.qkv, 0, seqs);
    (void)iad_vision_seqs(plan, l.acts.qkv, 1, whole);
    int last_tap = model->config.paper.n_taps - 1;
    for (int i = 0; i < model->config.vision.depth; i++) {
        int full = iad_model_config_is_fullatt(&model->config, i);
        IAD_TRY(iad_vision_block_forward(queue, model, i, l.cosine, l.sine, &l.acts, full ? whole : windows,
                                         full ? plan->n_picture : plan->n_window, l.x, l.x, err));
        IAD_TRY(iad_trace_see(trace, queue, "vision.block", i, l.x, err));
        int tap = model->fusion.scale != NULL ? tap_of(model, i) : -1;
        if (tap >= 0 && tap < last_tap) IAD_TRY(ops->copy(queue, l.x, l.taps[tap], err));
    }
    if (model->fusion.scale != NULL) {
        l.taps[last_tap] = l.x;
        IAD_TRY(iad_vision_fuse(queue, model, l.taps, l.x, err));
        IAD_TRY(iad_trace_see(trace, queue, "vision.fused", 0, l.x, err));
    }
    iad_merge_acts merge;
    IAD_TRY(iad_vision_merge_acts(model, plan, ws, &merge, err));
    IAD_TRY(iad_vision_merge(queue, model, plan, &merge, l.x, tokens, err));
    return iad_trace_see(trace, queue, "vision.tokens", 0, tokens, err);
}

iad_status iad_vision_forward(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, const float *rows,
                              iad_mat tokens, const iad_trace *trace, iad_err *err) {
    size_t bytes = 0;
    IAD_TRY(iad_vision_bytes(model, plan, &bytes, err));
    IAD_TRY(iad_workspace_reserve(ws, bytes, err));
    iad_attend_seq *seqs = iad_calloc((size_t)plan->n_window + (size_t)plan->n_picture, sizeof *seqs);
    if (seqs == NULL) return IAD_NOMEM(err, "the windows of a picture");
    iad_status status = run(queue, model, plan, ws, rows, tokens, trace, seqs, err);
    free(seqs);
    return status;
}
