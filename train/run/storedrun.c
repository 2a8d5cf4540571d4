#include "train/run/storedrun.h"

#include "runtime/device.h"
#include "train/run/stagerun.h"

/* The run's config decides sizes and rules that the weights were trained for. */
static iad_status adjust(const char *run, iad_params *params, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_train_config config;
    IAD_TRY(iad_path_join(path, sizeof path, run, IAD_STAGE_CONFIG, err));
    IAD_TRY(iad_train_config_load(path, &config, err));
    return iad_train_config_adjust(&config, &params->config, err);
}

iad_status iad_stored_run_open(iad_stored_run *s, const char *run, const char *model, int64_t step, int threads, iad_err *err) {
    int exact;
    *s = (iad_stored_run){0};
    IAD_TRY(iad_stage_init_dir(model ? model : run, s->model_dir, sizeof s->model_dir, &exact, err));
    IAD_TRY(iad_comm_self_new(&s->comm, err));
    IAD_TRY(iad_device_new("cpu", threads, &s->device, err));
    IAD_TRY(s->device->ops->queue_new(s->device, &s->queue, err));
    IAD_TRY(iad_checkpoint_open(s->model_dir, &s->checkpoint, NULL, err));
    IAD_TRY(iad_params_load(s->checkpoint, s->device, NULL, &s->params, err));
    IAD_TRY(adjust(run, s->params, err));
    return iad_train_store_load(run, step, s->comm, s->queue, s->params, NULL, &s->state, s->note, sizeof s->note, err);
}

void iad_stored_run_close(iad_stored_run *s) {
    iad_params_free(s->params);
    iad_checkpoint_close(s->checkpoint);
    if (s->queue) s->device->ops->queue_free(s->queue);
    iad_device_free(s->device);
    iad_comm_free(s->comm);
    *s = (iad_stored_run){0};
}
