/* iad-train export: a checkpoint as a model folder. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "train/run/storedrun.h"
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

static iad_status export_step(iad_app *app, const options *o, iad_err *err) {
    const iad_dtype dtype = strcmp(o->dtype, "f32") == 0 ? IAD_F32 : IAD_BF16;
    iad_stored_run stored;
    iad_status status = iad_stored_run_open(&stored, o->run, o->model, o->step, (int)app->threads, err);
    if (status == IAD_OK && stored.note[0]) IAD_WARN(&app->log, "%s", stored.note);
    if (status == IAD_OK)
        status = iad_train_store_export(stored.params, stored.queue, stored.model_dir, o->out, dtype, (uint64_t)o->shard_mib << 20, o->force,
                                        &app->stop, err);
    if (status == IAD_OK) fprintf(stderr, "iad-train export: stage=%d step=%" PRId64 " dir=%s\n", stored.state.stage, stored.state.step, o->out);
    iad_stored_run_close(&stored);
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
