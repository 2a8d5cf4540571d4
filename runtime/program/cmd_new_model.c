/* iadgpt new-model: a random checkpoint with a tokenizer, ready to run. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "runtime/model/newmodel.h"
#include "runtime/model/checkpoint.h"
#include "runtime/program/modeltokenizer.h"
#include "runtime/program/program.h"
#include "runtime/token/tokenizer_copy.h"

typedef struct options {
    const char *config, *dtype, *layout, *tokenizer, *patches, *start;
    int64_t seed, shard_mib;
    int golden, no_extras, new_names, force;
} options;

static void show(void *user, uint64_t done, uint64_t total) {
    iad_progress *progress = user;
    progress->total = total >> 20;
    iad_progress_add(progress, (done >> 20) - progress->done, 0);
}

static iad_status make_tokenizer(iad_app *app, const options *o, const iad_model_config *config, const char *dir, iad_err *err) {
    if (strcmp(o->tokenizer, "none") == 0) {
        IAD_WARN(&app->log, "%s has no tokenizer: train-tokenizer makes one", dir);
        return IAD_OK;
    }
    if (strcmp(o->tokenizer, "auto") == 0) {
        iad_model_tokenizer_info info;
        IAD_TRY(iad_model_tokenizer_train(config, 0, 0, NULL, NULL, dir, &info, err));
        IAD_INFO(&app->log, "tokenizer trained on the built-in text: %d ids of bytes and merges, highest id %d", info.base, info.size - 1);
    } else {
        IAD_TRY(iad_tokenizer_copy(o->tokenizer, dir, err));
    }
    int fits = 0;
    char why[256] = "";
    IAD_TRY(iad_model_tokenizer_fits(config, dir, &fits, why, sizeof why, err));
    return fits ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "the tokenizer does not fit the model: %s", why);
}

/* A tokenizer of another model must not be mixed in silently: it is made first, so that a folder with config.json is complete. */
static iad_status make(iad_app *app, const options *o, const char *dir, iad_err *err) {
    iad_model_config config;
    if (o->golden && (strcmp(o->patches, "cosine") == 0 || strcmp(o->start, "compare") == 0))
        return IAD_FAIL(err, IAD_ERR_ARG, "--golden writes known weights: neither --patches cosine nor --start compare goes with it");
    IAD_TRY(iad_newmodel_config(o->config, &config, err));
    iad_newmodel_options n = {.seed = (uint64_t)o->seed, .golden = o->golden, .cosine_patches = strcmp(o->patches, "cosine") == 0,
                              .compare = strcmp(o->start, "compare") == 0,
                              .extras = !o->no_extras, .new_names = o->new_names, .max_shard_bytes = (uint64_t)o->shard_mib << 20,
                              .threads = (int)app->threads, .force = o->force, .stop = &app->stop};
    n.dtype = strcmp(o->dtype, "f32") == 0 ? IAD_F32 : strcmp(o->dtype, "f16") == 0 ? IAD_F16 : IAD_BF16;
    n.layout = strcmp(o->layout, "nested") == 0 ? IAD_CONFIG_NESTED : IAD_CONFIG_FLAT;
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, dir, "config.json", err));
    if (iad_file_exists(path) && !o->force) return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: a model is there already; --force replaces it", dir);
    IAD_TRY(iad_dir_make(dir, err));
    IAD_TRY(make_tokenizer(app, o, &config, dir, err));
    iad_progress progress;
    iad_progress_start(&progress, "writing (MiB)", 0, app->quiet);
    iad_status status = iad_model_new(&config, &n, dir, show, &progress, err);
    iad_progress_end(&progress);
    if (status != IAD_OK) return status;
    uint64_t tensors = 0, parameters = 0;
    iad_model_count(&config, n.extras, &tensors, &parameters, NULL);
    fprintf(stderr, "tensors=%llu parameters=%llu vocab=%d dir=%s\n", (unsigned long long)tensors, (unsigned long long)parameters, config.text.vocab,
            dir);
    return IAD_OK;
}

int iad_cmd_new_model(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {.config = "small", .dtype = "bf16", .layout = "flat", .tokenizer = "auto", .patches = "random", .start = "random"};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "config", .value = &o.config, .meta = "NAME|FILE", .help = "tiny, mini, small, 3b, 7b, or a config.json"},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &o.seed, .meta = "N", .help = "seed of the weights", .lo = 0, .hi = INT64_MAX},
        {.kind = IAD_ARG_CHOICE, .name = "dtype", .value = &o.dtype, .choices = "f32|bf16|f16", .help = "number format of the weights"},
        {.kind = IAD_ARG_STRING, .name = "tokenizer", .value = &o.tokenizer, .meta = "auto|none|DIR",
         .help = "auto trains one on a small built-in text; DIR is copied from"},
        {.kind = IAD_ARG_CHOICE, .name = "patches", .value = &o.patches, .choices = "random|cosine",
         .help = "how patches are embedded at first; cosine sees fine detail at once and learns from fewer pictures"},
        {.kind = IAD_ARG_CHOICE, .name = "start", .value = &o.start, .choices = "random|compare",
         .help = "compare: cosine patches, measures of what is in them, and a first layer that subtracts a token's best match in the other pictures"},
        {.kind = IAD_ARG_FLAG, .name = "golden", .value = &o.golden, .help = "the weights of the known answers instead of random ones"},
        {.kind = IAD_ARG_FLAG, .name = "no-extras", .value = &o.no_extras, .help = "leave out the tensors of the paper's additions"},
        {.kind = IAD_ARG_FLAG, .name = "new-names", .value = &o.new_names, .help = "tensor names as newer libraries write them"},
        {.kind = IAD_ARG_CHOICE, .name = "layout", .value = &o.layout, .choices = "flat|nested", .help = "layout of config.json"},
        {.kind = IAD_ARG_INT, .name = "shard-mib", .value = &o.shard_mib, .meta = "N",
         .help = "largest weight file in MiB, 0 for one file", .lo = 0, .hi = 1 << 20},
        {.kind = IAD_ARG_FLAG, .name = "force", .value = &o.force, .help = "replace a model that is there"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "new-model", .usage = "[options] DIR",
                              .help = "Writes a model with random weights in the format of the published checkpoints, with a tokenizer: complete "
                                      "and\n"
                                      "runnable, but untrained. The same seed gives the same bytes on every machine."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n != 1)
        code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, operands.n ? "one folder only, not also \"%s\"" : "which folder? new-model DIR%s",
                                          operands.n ? operands.items[1] : ""));
    if (code < 0) code = iad_app_exit_code(make(app, &o, operands.items[0], err));
    iad_strings_deinit(&operands);
    return code;
}
