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

iad_status iad_vision_block_forward(iad_queue *queue, const iad_model *model, int block, const iad_vision_plan *plan, const float *cosine,
                                    const float *sine, const iad_vision_acts *acts, const iad_attend_seq *seqs, int64_t n_seq, iad_mat x,
                                    iad_mat out, iad_err *err) {
    const iad_ops *ops = queue->ops;
    const iad_vision_config *config = &model->config.vision;
    const iad_vision_block *w = &model->blocks[block];
    int64_t n_dim = config->hidden;
    IAD_TRY(ops->rmsnorm(queue, x, w->norm1, config->rms_eps, acts->norm1, err));
    IAD_TRY(ops->linear(queue, acts->norm1, w->qkv, IAD_STORE_SET, acts->qkv, err));
    iad_mat q = iad_mat_cols(acts->qkv, 0, n_dim), k = iad_mat_cols(acts->qkv, n_dim, n_dim);
    IAD_TRY(ops->rope(queue, q, config->heads, config->head_dim, cosine, sine, err));
    IAD_TRY(ops->rope(queue, k, config->heads, config->head_dim, cosine, sine, err));
    const iad_attend job = {.n_head = config->heads, .n_kv_head = config->heads, .d_head = config->head_dim,
                            .scale = 1.0f / sqrtf((float)config->head_dim), .q = q, .out = acts->attn, .seqs = seqs, .n_seq = n_seq};
    IAD_TRY(ops->attend(queue, &job, err));
    iad_mat mid = acts->mid;
    if (mid.data != x.data) IAD_TRY(ops->copy(queue, x, mid, err));
    IAD_TRY(ops->linear(queue, acts->attn, w->proj, IAD_STORE_ADD, mid, err));
    IAD_TRY(ops->rmsnorm(queue, mid, w->norm2, config->rms_eps, acts->norm2, err));
    if (out.data != mid.data) IAD_TRY(ops->copy(queue, mid, out, err));
    for (int64_t row = 0; row < plan->n_patch; row += acts->gate_up.rows) {
        int64_t n = min64(acts->gate_up.rows, plan->n_patch - row);
        iad_mat gate_up = iad_mat_rows(acts->gate_up, 0, n), hidden = iad_mat_rows(acts->hidden, 0, n);
        IAD_TRY(ops->linear(queue, iad_mat_rows(acts->norm2, row, n), w->gate_up, IAD_STORE_SET, gate_up, err));
        IAD_TRY(ops->silu_mul(queue, gate_up, hidden, err));
        IAD_TRY(ops->linear(queue, hidden, w->down, IAD_STORE_ADD, iad_mat_rows(out, row, n), err));
    }
    return IAD_OK;
}

iad_status iad_vision_merge(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, iad_mat x, iad_mat tokens,
                            iad_err *err) {
    const iad_vision_config *config = &model->config.vision;
    int64_t n_group = plan->n_token, wide = (int64_t)config->hidden * config->merge * config->merge;
    iad_mat normed, inner, act, merged;
    IAD_TRY(iad_workspace_mat(ws, plan->n_patch, config->hidden, model->vision_act, &normed, err));
    IAD_TRY(iad_workspace_mat(ws, n_group, wide, IAD_F32, &inner, err));
    IAD_TRY(iad_workspace_mat(ws, n_group, wide, model->vision_act, &act, err));
    IAD_TRY(iad_workspace_mat(ws, n_group, config->out_hidden, IAD_F32, &merged, err));
    if (ws->base == NULL) return IAD_OK; /* counting: there is no queue either */
    const iad_ops *ops = queue->ops;
    IAD_TRY(ops->rmsnorm(queue, x, model->merge_norm, config->rms_eps, normed, err));
    /* merge^2 rows of a group are neighbours: the same memory is [T][M]. */
    iad_mat groups = {.data = normed.data, .rows = n_group, .cols = wide, .stride = wide, .dtype = normed.dtype};
    IAD_TRY(ops->linear(queue, groups, model->merge_in, IAD_STORE_SET, inner, err));
    IAD_TRY(ops->gelu(queue, inner, act, err));
    IAD_TRY(ops->linear(queue, act, model->merge_out, IAD_STORE_SET, merged, err));
    return ops->gather(queue, merged, plan->inverse, tokens, err);
}

/* Everything one forward pass takes from the workspace. */
typedef struct layout {
    iad_vision_acts acts;
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
    iad_mat none = {0};
    IAD_TRY(take(model, plan, &count, &l, err));
    IAD_TRY(iad_vision_merge(NULL, model, plan, &count, none, none, err));
    *bytes = count.high;
    return IAD_OK;
}

static int tap_of(const iad_model *model, int block) {
    for (int i = 0; i < model->config.paper.n_taps; i++)
        if (model->config.paper.taps[i] == block) return i;
    return -1;
}

static iad_status fuse(iad_queue *queue, const iad_model *model, const layout *l, iad_err *err) {
    const iad_paper_config *paper = &model->config.paper;
    iad_fuse job = {.n_tap = paper->n_taps, .norm = model->fusion.norm, .gate_w = model->fusion.gate_w, .gate_b = model->fusion.gate_b,
                    .scale = model->fusion.scale, .eps = model->config.vision.rms_eps, .out = l->x};
    for (int i = 0; i + 1 < paper->n_taps; i++) job.taps[i] = l->taps[i];
    job.taps[paper->n_taps - 1] = l->x;
    return queue->ops->fuse(queue, &job, err);
}

static iad_status run(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, const float *rows, iad_mat tokens,
                      const iad_trace *trace, iad_attend_seq *windows, iad_err *err) {
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

    int64_t n_dim = model->config.vision.hidden;
    iad_mat k = iad_mat_cols(l.acts.qkv, n_dim, n_dim), v = iad_mat_cols(l.acts.qkv, 2 * n_dim, n_dim);
    for (int64_t i = 0; i < plan->n_window; i++) {
        int64_t row = plan->window[i], n = plan->window[i + 1] - row;
        windows[i] = (iad_attend_seq){.row = row, .n_row = n, .spans = {{iad_mat_rows(k, row, n), iad_mat_rows(v, row, n)}, {iad_mat_rows(k, 0, 0), iad_mat_rows(v, 0, 0)}}};
    }
    const iad_attend_seq whole = {.row = 0, .n_row = plan->n_patch, .spans = {{k, v}, {iad_mat_rows(k, 0, 0), iad_mat_rows(v, 0, 0)}}};
    int last_tap = model->config.paper.n_taps - 1;
    for (int i = 0; i < model->config.vision.depth; i++) {
        int full = iad_model_config_is_fullatt(&model->config, i);
        IAD_TRY(iad_vision_block_forward(queue, model, i, plan, l.cosine, l.sine, &l.acts, full ? &whole : windows, full ? 1 : plan->n_window, l.x, l.x, err));
        IAD_TRY(iad_trace_see(trace, queue, "vision.block", i, l.x, err));
        int tap = model->fusion.scale != NULL ? tap_of(model, i) : -1;
        if (tap >= 0 && tap < last_tap) IAD_TRY(ops->copy(queue, l.x, l.taps[tap], err));
    }
    if (model->fusion.scale != NULL) {
        IAD_TRY(fuse(queue, model, &l, err));
        IAD_TRY(iad_trace_see(trace, queue, "vision.fused", 0, l.x, err));
    }
    IAD_TRY(iad_vision_merge(queue, model, plan, ws, l.x, tokens, err));
    return iad_trace_see(trace, queue, "vision.tokens", 0, tokens, err);
}

iad_status iad_vision_forward(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, const float *rows,
                              iad_mat tokens, const iad_trace *trace, iad_err *err) {
    size_t bytes = 0;
    IAD_TRY(iad_vision_bytes(model, plan, &bytes, err));
    IAD_TRY(iad_workspace_reserve(ws, bytes, err));
    iad_attend_seq *windows = iad_calloc((size_t)plan->n_window, sizeof *windows);
    if (windows == NULL) return IAD_NOMEM(err, "the windows of a picture");
    iad_status status = run(queue, model, plan, ws, rows, tokens, trace, windows, err);
    free(windows);
    return status;
}
