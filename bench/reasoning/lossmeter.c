#include "bench/reasoning/lossmeter.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "runtime/device.h"
#include "runtime/model/checkpoint.h"
#include "train/data/loader.h"
#include "train/model/trainmodel.h"

enum { MAX_ROWS = 32768, PICTURE_BUDGET = 256 << 20 };

struct iad_lossmeter {
    iad_device *device;
    iad_queue *queue;
    iad_checkpoint *checkpoint;
    iad_params *params;
    iad_train_model *model;
    iad_loader *loader;
    char name[120];
};

static iad_status open_parts(iad_lossmeter *m, const iad_loss_options *o, iad_err *err) {
    const char *all[] = {"*"};
    const iad_param_rules rules = {.freeze = all, .n_freeze = 1};
    IAD_TRY(iad_device_new(o->device, o->threads, &m->device, err));
    IAD_TRY(m->device->ops->queue_new(m->device, &m->queue, err));
    IAD_TRY(iad_checkpoint_open(o->model, &m->checkpoint, NULL, err));
    IAD_TRY(iad_params_load(m->checkpoint, m->device, &rules, &m->params, err));
    const iad_model_config *config = &m->params->config;
    const iad_train_model_options options = {.compute = strcmp(o->compute, "bf16") == 0 ? IAD_BF16 : IAD_F32,
                                             .map = iad_map_options_default(),
                                             .fusion = config->paper.fusion != IAD_FUSION_OFF,
                                             .compression = 1};
    IAD_TRY(iad_train_model_new(m->params, &options, &m->model, err));
    const iad_loader_options loader = {.db = o->db,
                                       .model_dir = o->model,
                                       .stage = o->stage,
                                       .replay_share = -1,
                                       .part = "eval",
                                       .batch = 1,
                                       .world = 1,
                                       .threads = 1,
                                       .picture_budget = PICTURE_BUDGET,
                                       .mask_scale = 2,
                                       .max_rows = MAX_ROWS,
                                       .retention = -1,
                                       .compress = 1};
    IAD_TRY(iad_loader_new(&loader, config, &m->loader, err));
    uint8_t digest[IAD_SHA256_BYTES];
    IAD_TRY(iad_checkpoint_sha256(m->checkpoint, 1, o->threads, digest, err));
    iad_hex(digest, sizeof digest, m->name);
    snprintf(m->name + strlen(m->name), sizeof m->name - strlen(m->name), ", %s", o->compute);
    return IAD_OK;
}

iad_status iad_lossmeter_open(const iad_loss_options *options, iad_lossmeter **meter, iad_err *err) {
    iad_lossmeter *m = iad_calloc(1, sizeof *m);
    if (!m) return IAD_NOMEM(err, "the model");
    iad_status status = open_parts(m, options, err);
    if (status == IAD_OK) *meter = m;
    else iad_lossmeter_close(m);
    return status;
}

void iad_lossmeter_close(iad_lossmeter *m) {
    if (!m) return;
    iad_loader_free(m->loader);
    iad_train_model_free(m->model);
    iad_params_free(m->params);
    iad_checkpoint_close(m->checkpoint);
    if (m->queue) m->device->ops->queue_free(m->queue);
    iad_device_free(m->device);
    free(m);
}

const char *iad_lossmeter_name(const iad_lossmeter *m) { return m->name; }

iad_status iad_lossmeter_measure(iad_lossmeter *m, int64_t task_id, double *nll, int64_t *tokens, iad_err *err) {
    iad_sample sample = {0};
    iad_train_sums sums = {.map_min = {INFINITY, INFINITY}, .map_max = {-INFINITY, -INFINITY}};
    const iad_sample *list[1] = {&sample};
    iad_status status = iad_loader_sample(m->loader, task_id, &sample, err);
    if (status == IAD_OK && sample.n_target == 0) status = IAD_FAIL(err, IAD_ERR_FORMAT, "record %" PRId64 ": nothing to foresee", task_id);
    sample.weight = 1;
    if (status == IAD_OK) status = iad_train_model_eval(m->model, m->queue, list, 1, NULL, &sums, err);
    *nll = sums.ce;
    *tokens = sample.n_target;
    iad_sample_deinit(&sample);
    if (status == IAD_OK && !isfinite(*nll)) status = IAD_FAIL(err, IAD_ERR_FORMAT, "record %" PRId64 ": the loss is not finite", task_id);
    return status;
}
