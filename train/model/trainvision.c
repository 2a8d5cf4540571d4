#include "train/model/trainpass.h"

/* ---- forward ---- */

static iad_status upload_angles(iad_train_pass *p, iad_err *err) {
    const iad_train_stack *v = &p->space.vision;
    const iad_vision_plan *plan = &p->batch.plan;
    size_t n = (size_t)plan->n_patch * (size_t)(p->model->params->config.vision.head_dim / 2);
    IAD_TRY(p->queue->ops->upload(p->queue, v->cosine, plan->cosine, n * sizeof(float), err));
    IAD_TRY(p->queue->ops->upload(p->queue, v->sine, plan->sine, n * sizeof(float), err));
    if (v->from == v->n_block) return IAD_OK;
    for (size_t i = 0; i < n; i++) plan->sine[i] = -plan->sine[i]; /* the plan is not needed any more */
    return p->queue->ops->upload(p->queue, v->back_sine, plan->sine, n * sizeof(float), err);
}

static iad_status embed_patches(iad_train_pass *p, iad_err *err) {
    const iad_ops *ops = p->queue->ops;
    const iad_train_space *t = &p->space;
    for (int i = 0; i < p->batch.n_picture; i++) {
        const iad_patches *patches = &p->batch.pictures[i].source->patches;
        iad_mat rows = iad_mat_rows(t->raw, p->batch.pictures[i].patch, patches->n_row);
        IAD_TRY(ops->upload(p->queue, rows.data, patches->rows, (size_t)patches->n_row * (size_t)patches->n_col * sizeof(float), err));
    }
    IAD_TRY(ops->gather(p->queue, t->raw, p->batch.plan.order, t->input, err));
    return ops->linear(p->queue, t->input, p->model->binding->model->patch, IAD_STORE_SET, t->vision.x[0], err);
}

static int tap_of(const iad_model *m, int block) {
    for (int i = 0; m->fusion.scale != NULL && i + 1 < m->config.paper.n_taps; i++)
        if (m->config.paper.taps[i] == block) return i;
    return -1;
}

static iad_status block_forward(iad_train_pass *p, int i, iad_err *err) {
    const iad_model *m = p->model->binding->model;
    const iad_train_stack *v = &p->space.vision;
    int64_t n_seq = iad_vision_seqs(&p->batch.plan, v->acts[i].qkv, iad_model_config_is_fullatt(&m->config, i), p->seqs);
    return iad_vision_block_forward(p->queue, m, i, v->cosine, v->sine, &v->acts[i], p->seqs, n_seq, v->x[i], v->x[i + 1], err);
}

iad_status iad_pass_vision(iad_train_pass *p, iad_err *err) {
    const iad_model *m = p->model->binding->model;
    const iad_train_space *t = &p->space;
    if (p->batch.n_picture == 0) return IAD_OK;
    IAD_TRY(upload_angles(p, err));
    IAD_TRY(embed_patches(p, err));
    for (int i = 0; i < t->vision.n_block; i++) {
        IAD_TRY(block_forward(p, i, err));
        int tap = tap_of(m, i);
        if (tap >= 0 && t->taps[tap].data != t->vision.x[i + 1].data) IAD_TRY(p->queue->ops->copy(p->queue, t->vision.x[i + 1], t->taps[tap], err));
    }
    if (m->fusion.scale != NULL) IAD_TRY(iad_vision_fuse(p->queue, m, t->taps, t->fused, err));
    return iad_vision_merge(p->queue, m, &p->batch.plan, &t->merge, t->fused, t->tokens, err);
}

/* ---- backward ---- */

static iad_status merger_back(iad_train_pass *p, iad_err *err) {
    const iad_binding *b = p->model->binding;
    const iad_params *params = p->model->params;
    const iad_train_space *t = &p->space;
    const iad_merge_acts *a = &t->merge;
    iad_mat groups = iad_merge_groups(a), patches = t->vision.grad;
    iad_mat dgroups = {.data = patches.data, .rows = groups.rows, .cols = groups.cols, .stride = groups.cols, .dtype = IAD_F32};
    IAD_TRY(iad_linear_back(p->queue, params, b->merge_out, t->dmerged, a->act, t->ones, t->narrow_merge, t->dact, err));
    IAD_TRY(params->grad_ops->gelu_back(p->queue, a->inner, t->dact, t->dact, err));
    IAD_TRY(iad_linear_back(p->queue, params, b->merge_in, t->dact, groups, t->ones, t->narrow_merge, dgroups, err));
    return params->grad_ops->rmsnorm_back(p->queue, t->fused, b->model->merge_norm, params->config.vision.rms_eps, patches, patches, 1,
                                          iad_param_grad(params, b->merge_norm), err);
}

/* The gradient of the fused rows becomes that of the tower's output (in place, by way of dnorm) and of the taps. */
static iad_status fusion_back(iad_train_pass *p, iad_err *err) {
    const iad_binding *b = p->model->binding;
    const iad_params *params = p->model->params;
    const iad_train_space *t = &p->space;
    const iad_ops *ops = p->queue->ops;
    const iad_train_stack *v = &t->vision;
    const iad_fuse job = iad_vision_fuse_job(b->model, t->taps);
    iad_fuse_back back = {.job = &job,
                          .dy = v->grad,
                          .dnorm = iad_param_grad(params, b->fuse_norm),
                          .dgate_w = iad_param_grad(params, b->fuse_gate_w),
                          .dgate_b = iad_param_grad(params, b->fuse_gate_b),
                          .dscale = iad_param_grad(params, b->fuse_scale)};
    for (int i = 0; i + 1 < job.n_tap; i++) {
        back.dtaps[i] = t->dtaps[i];
        if (t->dtaps[i].data != NULL) IAD_TRY(ops->zero(p->queue, t->dtaps[i].data, (size_t)(v->n * v->n_dim) * sizeof(float), err));
    }
    if (v->from == v->n_block) return params->grad_ops->fuse_back(p->queue, &back, err);
    back.dtaps[job.n_tap - 1] = v->dnorm;
    IAD_TRY(ops->zero(p->queue, v->dnorm.data, (size_t)(v->n * v->n_dim) * sizeof(float), err));
    IAD_TRY(params->grad_ops->fuse_back(p->queue, &back, err));
    return ops->copy(p->queue, v->dnorm, v->grad, err);
}

static iad_status block_back(iad_train_pass *p, int i, iad_err *err) {
    const iad_binding *b = p->model->binding;
    const iad_vision_config *config = &p->model->params->config.vision;
    const iad_train_stack *v = &p->space.vision;
    if (v->level == IAD_RECOMPUTE_BLOCK) IAD_TRY(block_forward(p, i, err));
    else IAD_TRY(iad_block_restore(p->queue, v, i, &b->model->blocks[i], config->rms_eps, err));
    int64_t n_seq = iad_vision_seqs(&p->batch.plan, v->acts[i].qkv, iad_model_config_is_fullatt(&p->model->params->config, i), p->seqs);
    for (int64_t s = 0; s < n_seq; s++) p->kv_row[s] = p->seqs[s].row;
    const iad_block_attention attention = {
        .n_head = config->heads, .n_kv_head = config->heads, .d_head = config->head_dim, .seqs = p->seqs, .n_seq = n_seq, .kv_row = p->kv_row};
    return iad_block_back(p->queue, p->model->params, v, i, &b->model->blocks[i], &b->blocks[i], config->rms_eps, &attention, p->space.ones, err);
}

iad_status iad_pass_vision_back(iad_train_pass *p, iad_err *err) {
    const iad_binding *b = p->model->binding;
    const iad_train_space *t = &p->space;
    const iad_train_stack *v = &t->vision;
    const iad_mat none = {0};
    if (p->batch.n_picture == 0 || !t->reach.tokens) return IAD_OK;
    IAD_TRY(merger_back(p, err));
    if (b->model->fusion.scale != NULL) IAD_TRY(fusion_back(p, err));
    for (int i = v->n_block - 1; i >= v->from; i--) {
        int tap = tap_of(b->model, i);
        if (tap >= 0) IAD_TRY(p->model->params->grad_ops->add(p->queue, t->dtaps[tap], v->grad, err));
        IAD_TRY(block_back(p, i, err));
    }
    if (v->from > 0 || !b->patch->trainable) return IAD_OK;
    return iad_linear_back(p->queue, p->model->params, b->patch, v->grad, t->input, t->ones, v->narrow, none, err);
}
