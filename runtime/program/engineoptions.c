#include "runtime/program/engineoptions.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/program/program.h"

enum { MAX_NORMALS = 16, MAX_MAP_LAYERS = 16 };

void iad_engine_args_init(iad_engine_args *args) {
    *args = (iad_engine_args){.device = "cpu", .weights = "auto", .vision_weights = "auto", .fusion = "auto"};
}
void iad_engine_args_deinit(iad_engine_args *args) { iad_strings_deinit(&args->map_layers); }

int iad_engine_args_rows(iad_engine_args *a, iad_arg *rows) {
    const iad_arg all[IAD_ENGINE_ROWS] = {
        {.kind = IAD_ARG_STRING, .name = "model", .value = &a->model, .meta = "DIR", .help = "checkpoint folder", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "device", .value = &a->device, .meta = "NAME", .help = "cpu, reference, cuda or cuda:N"},
        {.kind = IAD_ARG_CHOICE, .name = "weights", .value = &a->weights, .choices = "auto|f32|bf16|int8",
         .help = "number format of the language model"},
        {.kind = IAD_ARG_CHOICE, .name = "vision-weights", .value = &a->vision_weights, .choices = "auto|f32|bf16|int8",
         .help = "number format of the vision tower"},
        {.kind = IAD_ARG_CHOICE, .name = "fusion", .value = &a->fusion, .choices = "auto|off",
         .help = "multi-layer visual embedding, as the checkpoint has it or off"},
        {.kind = IAD_ARG_LIST, .name = "map-layers", .value = &a->map_layers, .meta = "0,1,..",
         .help = "layers whose attention makes the maps (default: as the checkpoint says)"}};
    memcpy(rows, all, sizeof all);
    return IAD_ENGINE_ROWS;
}

void iad_settings_args_init(iad_settings_args *args) { *args = (iad_settings_args){0}; }

int iad_settings_args_rows(iad_settings_args *a, iad_arg *rows) {
    const iad_arg all[IAD_SETTINGS_ROWS] = {
        {.kind = IAD_ARG_STRING, .name = "image-size", .value = &a->image_size, .meta = "WxH|native",
         .help = "size that pictures are brought to (default: as the checkpoint says, else 448x448)"},
        {.kind = IAD_ARG_INT, .name = "min-pixels", .value = &a->min_pixels, .meta = "N",
         .help = "smallest area of a resized picture, 0: as the checkpoint says", .lo = 0, .hi = 268435456},
        {.kind = IAD_ARG_INT, .name = "max-pixels", .value = &a->max_pixels, .meta = "N",
         .help = "largest area, 0: as the checkpoint says", .lo = 0, .hi = 268435456},
        {.kind = IAD_ARG_FLOAT, .name = "retention", .value = &a->retention, .meta = "SHARE",
         .help = "tokens kept of every good picture but the first; 1: all; 0: as the checkpoint says", .flo = 0, .fhi = 1},
        {.kind = IAD_ARG_CHOICE, .name = "similarity", .value = &a->similarity, .choices = "best|aligned",
         .help = "how tokens are compared for that (default: as the checkpoint says)"},
        {.kind = IAD_ARG_FLAG, .name = "compress-query", .value = &a->compress_query, .help = "the inspected picture too; there is no map then"},
        {.kind = IAD_ARG_STRING, .name = "question", .value = &a->question, .meta = "TEXT", .help = "another question than the trained one"},
        {.kind = IAD_ARG_CHOICE, .name = "yes-means", .value = &a->yes_means, .choices = "normal|defective",
         .help = "what the answer Yes to your question says (default normal)"}};
    memcpy(rows, all, sizeof all);
    return IAD_SETTINGS_ROWS;
}

iad_status iad_settings_args_resolve(const iad_settings_args *a, iadgpt_settings *s, iad_err *err) {
    iadgpt_settings_defaults(s);
    if (a->image_size) {
        int width = 0, height = 0;
        IAD_TRY(iad_parse_size(a->image_size, "--image-size", &width, &height, err));
        s->image_width = width;
        s->image_height = height;
    }
    s->min_pixels = a->min_pixels;
    s->max_pixels = a->max_pixels;
    s->retention = a->retention;
    s->similarity = a->similarity;
    if (a->compress_query) s->compress_query = 1;
    s->question = a->question;
    s->yes_means = a->yes_means;
    return IAD_OK;
}

static int32_t loading(void *user, uint64_t done, uint64_t total) {
    iad_opened *o = user;
    o->progress.total = total >> 20;
    uint64_t mib = done >> 20;
    if (mib > o->progress.done) iad_progress_add(&o->progress, mib - o->progress.done, 0);
    return atomic_load(&o->app->stop);
}

iad_status iad_opened_open(iad_opened *o, iad_app *app, const iad_engine_args *args, iad_err *err) {
    iadgpt_engine_options options;
    iadgpt_engine_defaults(&options);
    int32_t layers[MAX_MAP_LAYERS];
    if (args->map_layers.n > MAX_MAP_LAYERS) return IAD_FAIL(err, IAD_ERR_ARG, "--map-layers: at most %d", MAX_MAP_LAYERS);
    for (size_t i = 0; i < args->map_layers.n; i++) {
        int64_t layer = 0;
        IAD_TRY(iad_parse_i64(args->map_layers.items[i], 0, 10000, "--map-layers", &layer, err));
        layers[i] = (int32_t)layer;
    }
    o->app = app;
    options.device = args->device;
    options.threads = (int32_t)app->threads;
    options.weights = args->weights;
    options.vision_weights = args->vision_weights;
    options.fusion = args->fusion;
    options.map_layers = args->map_layers.n ? layers : NULL;
    options.n_map_layers = (int32_t)args->map_layers.n;
    options.progress = loading;
    options.user = o;
    iadgpt_error error;
    iad_progress_start(&o->progress, "loading (MiB)", 0, app->quiet);
    double started = iad_clock();
    iadgpt_status status = iadgpt_engine_open(args->model, &options, &o->engine, &error);
    iad_progress_end(&o->progress);
    if (status == IADGPT_OK) {
        iadgpt_memory memory;
        iadgpt_engine_memory(o->engine, &memory);
        IAD_INFO(&app->log, "%s is loaded: %.1f MiB of weights on %s in %.2f s", args->model, (double)memory.weights / 1048576, args->device,
                 iad_clock() - started);
        status = iadgpt_session_new(o->engine, &o->session, &error);
    }
    return iad_from_public(status, &error, err);
}

void iad_opened_close(iad_opened *o) {
    iadgpt_session_free(o->session);
    iadgpt_engine_close(o->engine);
    o->session = NULL;
    o->engine = NULL;
}

iad_status iad_prepare_normals(iad_opened *o, const iad_strings *normals, const iadgpt_settings *settings, iadgpt_exemplars **exemplars,
                               iad_err *err) {
    iad_picture_list list = {0};
    iadgpt_picture pictures[MAX_NORMALS] = {{0}};
    iadgpt_status statuses[MAX_NORMALS];
    iadgpt_error *errors = iad_calloc(MAX_NORMALS, sizeof *errors);
    iad_status status = errors ? iad_picture_list_expand(normals, "--normal", &list, err) : IAD_NOMEM(err, "the good pictures");
    size_t n = list.paths.n;
    if (status == IAD_OK && n > MAX_NORMALS)
        status = IAD_FAIL(err, IAD_ERR_LIMIT, "--normal names %zu pictures, at most %d can be exemplars", n, MAX_NORMALS);
    if (status == IAD_OK) {
        iad_pictures_load(list.paths.items, n, (int)o->app->threads, pictures, statuses, errors);
        for (size_t i = 0; i < n && status == IAD_OK; i++) status = iad_from_public(statuses[i], &errors[i], err);
        if (status == IAD_OK)
            status = iad_from_public(iadgpt_exemplars_prepare(o->session, pictures, (int32_t)n, settings, exemplars, &errors[0]), &errors[0], err);
        for (size_t i = 0; i < n; i++) iadgpt_picture_free(&pictures[i]);
    }
    iad_picture_list_deinit(&list);
    free(errors);
    return status;
}

iad_status iad_exemplars_json(const iadgpt_exemplars *exemplars, iad_buf *out, iad_err *err) {
    iadgpt_exemplars_info info;
    iadgpt_exemplars_describe(exemplars, &info);
    return iad_buf_addf(out, err,
                        "{\"key\":\"%s\",\"k\":%d,\"tokens\":%lld,\"image_tokens\":%lld,\"image_tokens_kept\":%lld,\"bytes\":%llu,"
                        "\"image_width\":%d,\"image_height\":%d,\"retention\":%.9g}",
                        iadgpt_exemplars_key(exemplars), info.k, (long long)info.tokens, (long long)info.image_tokens,
                        (long long)info.image_tokens_kept, (unsigned long long)info.bytes, info.image_width, info.image_height, info.retention);
}

iad_status iad_timings_json(const iadgpt_timings *t, iad_buf *out, iad_err *err) {
    return iad_buf_addf(out, err,
                        "{\"preprocess_ms\":%.3f,\"vision_ms\":%.3f,\"prefill_ms\":%.3f,\"decode_ms\":%.3f,\"prompt_tokens\":%lld,"
                        "\"reused_tokens\":%lld,\"generated_tokens\":%lld}",
                        t->preprocess, t->vision, t->prefill, t->decode, (long long)t->prompt_tokens, (long long)t->reused_tokens,
                        (long long)t->generated_tokens);
}
