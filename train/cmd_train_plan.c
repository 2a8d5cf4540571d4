/* iad-train plan: what a run will need, before anything is allocated. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/appprint.h"
#include "base/file.h"
#include "manifests/manifest.h"
#include "runtime/model/newmodel.h"
#include "synth/task/replay.h"
#include "train/run/stagerun.h"
#include "train/run/trainplan.h"
#include "train/train_cmd.h"

typedef struct options {
    const char *config, *model, *db;
    int64_t world;
    double memory_gib, tera;
    int json;
} options;

static const char help[] =
    "Prints memory by kind, computation and, at a given rate, the time of a run. With --memory it says whether\n"
    "one rank fits, and names the nearest options that do; the exit code is then 1. The model is a folder, an\n"
    "earlier stage's OUT, or the name of a preset (tiny, mini, small, 3b, 7b): nothing is loaded.";

static iad_status take_model(const char *name, iad_model_config *model, iad_err *err) {
    char dir[IAD_PATH_MAX];
    int exact;
    if (!iad_file_is_dir(name)) return iad_newmodel_config(name, model, err);
    IAD_TRY(iad_stage_init_dir(name, dir, sizeof dir, &exact, err));
    return iad_model_config_load(dir, model, err);
}

static iad_status count_records(const char *db, const iad_train_config *config, int64_t *records, iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_stage_counts counts = {0};
    IAD_TRY(iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err));
    iad_status status =
        iad_stage_count(manifest, config->stage, config->seed, config->replay < 0 ? iad_replay_share(config->stage) : config->replay, &counts, err);
    iad_manifest_close(manifest);
    *records = counts.own + counts.replay;
    if (status == IAD_OK && *records == 0)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no records of stage %d (iad-synth tasks makes them)", db, config->stage);
    return status;
}

static void print_text(const iad_plan *p, const options *o) {
    const double gib = 1024.0 * 1024 * 1024;
    printf("parameters %" PRIu64 ", trainable %" PRIu64 "\n\nmemory of one rank of %d, GiB\n", p->parameters, p->trainable, (int)o->world);
    for (int i = 0; i < p->n_memory; i++) printf("  %-28s %9.3f\n", p->memory[i].name, p->memory[i].bytes / gib);
    printf("  %-28s %9.3f\n\n", "together", p->total / gib);
    printf("a mean record: %.0f rows of the language model, %.0f patches, %.3g TFLOP forward and backward\n", p->sample_rows, p->sample_patches,
           1e-12 * p->sample_flops);
    printf("%" PRId64 " steps, %.3g FLOP", p->steps, p->flops);
    if (p->seconds > 0) printf(": %.1f hours at %.3g TFLOP/s a rank", p->seconds / 3600, o->tera);
    printf("\n");
    if (p->fits) return;
    printf("\ndoes not fit into %.1f GiB; this would:\n", o->memory_gib);
    for (int i = 0; i < 3; i++)
        if (p->advice[i][0]) printf("  %s\n", p->advice[i]);
}

static iad_status print_json(const iad_plan *p, iad_err *err) {
    json_t *memory = json_object(), *advice = json_array();
    for (int i = 0; i < p->n_memory; i++) json_object_set_new(memory, p->memory[i].name, json_real(p->memory[i].bytes));
    for (int i = 0; i < 3; i++)
        if (p->advice[i][0]) json_array_append_new(advice, json_string(p->advice[i]));
    json_t *root =
        json_pack("{s:I,s:I,s:o,s:f,s:f,s:f,s:f,s:I,s:f,s:f,s:b,s:o}", "parameters", (json_int_t)p->parameters, "trainable", (json_int_t)p->trainable,
                  "memory", memory, "total", p->total, "sample_flops", p->sample_flops, "sample_rows", p->sample_rows, "sample_patches",
                  p->sample_patches, "steps", (json_int_t)p->steps, "flops", p->flops, "seconds", p->seconds, "fits", p->fits, "advice", advice);
    if (!root) return IAD_NOMEM(err, "the plan");
    iad_status status = iad_app_print_json(root, err);
    json_decref(root);
    return status;
}

static int plan(const options *o, iad_err *err) {
    iad_train_config config;
    iad_model_config model;
    iad_plan result = {.fits = 1};
    iad_plan_request request = {
        .model = &model, .config = &config, .world = (int)o->world, .flops_per_s = 1e12 * o->tera, .budget = o->memory_gib * 1024 * 1024 * 1024};
    iad_status status = iad_train_config_load(o->config, &config, err);
    if (status == IAD_OK) status = take_model(o->model, &model, err);
    if (status == IAD_OK && o->db) status = count_records(o->db, &config, &request.records, err);
    if (status == IAD_OK) status = iad_train_plan(&request, &result, err);
    if (status == IAD_OK && o->json) status = print_json(&result, err);
    else if (status == IAD_OK) print_text(&result, o);
    return status != IAD_OK ? iad_app_exit_code(status) : result.fits ? IAD_EXIT_OK : IAD_EXIT_FAILED;
}

int iad_cmd_train_plan(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {.model = "7b", .world = 1};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "config", .value = &o.config, .meta = "FILE", .help = "hyper-parameters (train/configs)", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o.model, .meta = "DIR|NAME",
         .help = "model folder, OUT of a stage, or tiny, mini, small, 3b, 7b"},
        {.kind = IAD_ARG_STRING, .name = "db", .value = &o.db, .meta = "FILE",
         .help = "manifest whose records are counted (else the config's steps)"},
        {.kind = IAD_ARG_INT, .name = "world", .value = &o.world, .meta = "N", .help = "number of processes", .lo = 1, .hi = 1 << 20},
        {.kind = IAD_ARG_FLOAT, .name = "memory", .value = &o.memory_gib, .meta = "GIB",
         .help = "what one rank may use, 0: no limit", .flo = 0, .fhi = 1e6},
        {.kind = IAD_ARG_FLOAT, .name = "tflops", .value = &o.tera, .meta = "X",
         .help = "rate of one rank in TFLOP/s, 0: no time", .flo = 0, .fhi = 1e6},
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &o.json, .help = "as JSON"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "plan", .usage = "[options]", .help = help};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "\"%.80s\": only options are taken", operands.items[0]));
    if (code < 0) code = plan(&o, err);
    iad_strings_deinit(&operands);
    return code;
}
