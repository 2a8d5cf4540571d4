/* iad-train export: a checkpoint as a model folder. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "runtime/device.h"
#include "train/run/stagerun.h"
#include "train/store/trainstore.h"
#include "train/train_cmd.h"

typedef struct options {
    const char *run, *model, *out, *dtype;
    int64_t step, shard_mib;
    int force;
} options;

static const char help[] =
    "Writes the weights of a checkpoint as config.json, safetensors and tokenizer: what iadgpt and transformers\n"
    "load. A finished stage has such a folder already (OUT/model); this is for checkpoints in between, and for\n"
    "f32. --model is the folder that the run began with: it has the shapes and the tokenizer.";

/* The run's config decides sizes and rules that the weights were trained for. */
static iad_status adjust(const char *run, iad_params *params, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_train_config config;
    IAD_TRY(iad_path_join(path, sizeof path, run, IAD_STAGE_CONFIG, err));
    IAD_TRY(iad_train_config_load(path, &config, err));
    return iad_train_config_adjust(&config, &params->config, err);
}

/* Everything on the CPU: nothing is computed. */
static iad_status export_step(iad_app *app, const options *o, iad_err *err) {
    char dir[IAD_PATH_MAX], note[512] = "";
    int exact;
    iad_device *device = NULL;
    iad_queue *queue = NULL;
    iad_checkpoint *checkpoint = NULL;
    iad_params *params = NULL;
    iad_comm *comm = NULL;
    iad_train_state state;
    iad_status status = iad_stage_init_dir(o->model ? o->model : o->run, dir, sizeof dir, &exact, err);
    if (status == IAD_OK) status = iad_comm_self_new(&comm, err);
    if (status == IAD_OK) status = iad_device_new("cpu", (int)app->threads, &device, err);
    if (status == IAD_OK) status = device->ops->queue_new(device, &queue, err);
    if (status == IAD_OK) status = iad_checkpoint_open(dir, &checkpoint, NULL, err);
    if (status == IAD_OK) status = iad_params_load(checkpoint, device, NULL, &params, err);
    if (status == IAD_OK) status = adjust(o->run, params, err);
    if (status == IAD_OK) status = iad_train_store_load(o->run, o->step, comm, queue, params, NULL, &state, note, sizeof note, err);
    if (status == IAD_OK && note[0]) IAD_WARN(&app->log, "%s", note);
    if (status == IAD_OK)
        status = iad_train_store_export(params, queue, dir, o->out, strcmp(o->dtype, "f32") == 0 ? IAD_F32 : IAD_BF16, (uint64_t)o->shard_mib << 20,
                                        o->force, &app->stop, err);
    if (status == IAD_OK) fprintf(stderr, "iad-train export: stage=%d step=%" PRId64 " dir=%s\n", state.stage, state.step, o->out);
    iad_params_free(params);
    iad_checkpoint_close(checkpoint);
    if (queue) device->ops->queue_free(queue);
    iad_device_free(device);
    iad_comm_free(comm);
    return status;
}

int iad_cmd_train_export(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {.dtype = "bf16", .step = -1, .shard_mib = 4096};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "run", .value = &o.run, .meta = "DIR", .help = "OUT of a run", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o.out, .meta = "DIR", .help = "the model folder to write", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o.model, .meta = "DIR",
         .help = "folder that the run began with (a finished run needs none)"},
        {.kind = IAD_ARG_INT, .name = "step", .value = &o.step, .meta = "N", .help = "which checkpoint, -1: the newest", .lo = -1, .hi = INT64_MAX},
        {.kind = IAD_ARG_CHOICE, .name = "dtype", .value = &o.dtype, .choices = "bf16|f32", .help = "number format of the weights"},
        {.kind = IAD_ARG_INT, .name = "shard-mib", .value = &o.shard_mib, .meta = "N",
         .help = "largest weight file in MiB, 0 for one file", .lo = 0, .hi = 1 << 20},
        {.kind = IAD_ARG_FLAG, .name = "force", .value = &o.force, .help = "replace a model that is there"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "export", .usage = "[options]", .help = help};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "\"%.80s\": only options are taken", operands.items[0]));
    if (code < 0) code = iad_app_exit_code(export_step(app, &o, err));
    iad_strings_deinit(&operands);
    return code;
}
