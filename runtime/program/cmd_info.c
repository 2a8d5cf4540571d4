/* iadgpt info: what a checkpoint is, and the memory that a request over it needs, without loading the weights. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/appprint.h"
#include "runtime/model/checkpoint.h"
#include "runtime/model/newmodel.h"
#include "runtime/program/memoryplan.h"
#include "runtime/program/program.h"
#include "runtime/token/tokenizer.h"

typedef struct options {
    const char *model, *config, *image_size, *weights, *vision_weights;
    int64_t k, batch, max_tokens;
    double retention;
    int json;
} options;

typedef struct facts {
    iad_model_config config;
    iad_checkpoint_info info;
    int has_weights;
    uint64_t tensors, parameters, vision;
    int tokenizer_size; /* -1: none */
    iad_memory_plan plan;
} facts;

static iad_dtype storage_of(const char *name, iad_dtype automatic) {
    return strcmp(name, "f32") == 0 ? IAD_F32 : strcmp(name, "bf16") == 0 ? IAD_BF16 : strcmp(name, "int8") == 0 ? IAD_I8 : automatic;
}

static iad_status gather(iad_app *app, const options *o, facts *f, iad_err *err) {
    f->tokenizer_size = -1;
    if (o->config) {
        IAD_TRY(iad_newmodel_config(o->config, &f->config, err));
    } else {
        iad_checkpoint *checkpoint = NULL;
        iad_err no_weights = IAD_ERR_NONE, no_tokenizer = IAD_ERR_NONE;
        iad_tokenizer *tok = NULL;
        IAD_TRY(iad_model_config_load(o->model, &f->config, err));
        if (iad_checkpoint_open(o->model, &checkpoint, &f->info, &no_weights) == IAD_OK) f->has_weights = 1;
        else IAD_WARN(&app->log, "the weights cannot be used: %s", no_weights.msg);
        iad_checkpoint_close(checkpoint);
        if (iad_tokenizer_load(o->model, &tok, &no_tokenizer) == IAD_OK) f->tokenizer_size = iad_tokenizer_size(tok);
        else IAD_WARN(&app->log, "no tokenizer can be used: %s", no_tokenizer.msg);
        iad_tokenizer_free(tok);
    }
    iad_model_count(&f->config, !f->has_weights || f->info.has_fusion, &f->tensors, &f->parameters, &f->vision);
    iad_dtype stored = !f->has_weights ? IAD_BF16 : f->info.has_quantised ? IAD_I8 : f->info.dtype;
    iad_memory_request request = {.k = (int)o->k, .batch = (int)o->batch, .max_tokens = o->max_tokens,
                                  .fusion = !f->has_weights || f->info.has_fusion};
    request.text_storage = storage_of(o->weights, stored == IAD_F32 || stored == IAD_I8 ? stored : IAD_BF16);
    request.vision_storage = storage_of(o->vision_weights, request.text_storage == IAD_I8 ? IAD_BF16 : request.text_storage);
    request.embed_stored = f->has_weights ? f->info.dtype : IAD_BF16;
    request.retention = o->retention > 0 ? o->retention : f->config.paper.retention;
    request.width = f->config.paper.image_width;
    request.height = f->config.paper.image_height;
    if (o->image_size) IAD_TRY(iad_parse_size(o->image_size, "--image-size", &request.width, &request.height, err));
    if (request.width == 0) return IAD_FAIL(err, IAD_ERR_ARG, "the plan needs a picture size: --image-size WxH");
    return iad_memory_plan_make(&f->config, &request, &f->plan, err);
}

static json_t *ints(const int *values, int n) {
    json_t *array = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(array, json_integer(values[i]));
    return array;
}

static json_t *plan_json(const iad_memory_plan *p) {
    return json_pack("{s:i,s:i,s:s,s:s,s:i,s:i,s:I,s:I,s:I,s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I},s:I,s:I,s:s}", "k", p->request.k, "batch",
                     p->request.batch, "weights", iad_dtype_name(p->request.text_storage), "vision_weights",
                     iad_dtype_name(p->request.vision_storage), "image_width", p->width, "image_height", p->height, "tokens_per_picture",
                     (json_int_t)p->image_tokens, "prefix_tokens", (json_int_t)p->prefix_tokens, "query_tokens",
                     (json_int_t)p->query_tokens, "bytes", "text_weights", (json_int_t)p->text_weights, "vision_weights",
                     (json_int_t)p->vision_weights, "prefix_kv", (json_int_t)p->prefix_kv, "query_kv", (json_int_t)p->query_kv, "workspace",
                     (json_int_t)p->workspace, "buffers", (json_int_t)p->buffers, "pictures", (json_int_t)p->pictures, "total", (json_int_t)p->total,
                     "mapped_file", (json_int_t)p->mapped, "note",
                     "estimates, but for workspace and key/value rows, which are computed as the engine does");
}

static iad_status print_json(const facts *f, const options *o, iad_err *err) {
    const iad_text_config *t = &f->config.text;
    const iad_vision_config *v = &f->config.vision;
    const iad_paper_config *p = &f->config.paper;
    static const char *const modes[] = {"token", "global", "off"};
    json_t *root = json_pack("{s:s,s:{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:b,s:f,s:f},s:{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:o},s:{s:s,s:o,s:o,s:f,s:i,s:i},s:I,"
                             "s:I,s:I}", "model",
                             o->config ? o->config : o->model, "text", "hidden", t->hidden, "layers", t->layers, "heads", t->heads, "kv_heads",
                             t->kv_heads, "head_dim", t->head_dim, "intermediate", t->intermediate, "vocab", t->vocab, "tied_head", t->tie, "rms_eps",
                             (double)t->rms_eps, "rope_theta", t->rope_theta, "vision", "depth", v->depth, "hidden", v->hidden, "heads", v->heads,
                             "intermediate", v->intermediate, "patch", v->patch,
                             "merge", v->merge, "window", v->window, "full_attention", ints(v->fullatt, v->n_fullatt), "iadgpt", "fusion",
                             modes[p->fusion], "taps", ints(p->taps, p->n_taps), "map_layers", ints(p->map_layers, p->n_map_layers), "retention",
                             p->retention, "image_width", p->image_width, "image_height", p->image_height, "tensors", (json_int_t)f->tensors,
                             "parameters", (json_int_t)f->parameters, "vision_parameters",
                             (json_int_t)f->vision);
    if (!root) return IAD_NOMEM(err, "the facts");
    json_t *weights = f->has_weights
        ? json_pack("{s:I,s:I,s:I,s:I,s:s,s:b,s:b}", "files", (json_int_t)f->info.files, "tensors", (json_int_t)f->info.tensors, "unexpected",
                                                 (json_int_t)f->info.unexpected, "bytes", (json_int_t)f->info.bytes, "dtype",
                                                 iad_dtype_name(f->info.dtype), "fusion", f->info.has_fusion, "quantised", f->info.has_quantised)
                                     : json_null();
    int bad = json_object_set_new(root, "weights", weights);
    bad |= json_object_set_new(root, "tokenizer_ids", f->tokenizer_size < 0 ? json_null() : json_integer(f->tokenizer_size));
    bad |= json_object_set_new(root, "plan", plan_json(&f->plan));
    iad_status status = bad ? IAD_NOMEM(err, "the facts") : iad_app_print_json(root, err);
    json_decref(root);
    return status;
}

static void row(const char *name, uint64_t bytes, const char *note) { printf("  %-22s%12.1f MiB  %s\n", name, (double)bytes / 1048576, note); }

static void print_text(const facts *f, const options *o) {
    const iad_text_config *t = &f->config.text;
    const iad_vision_config *v = &f->config.vision;
    const iad_memory_plan *p = &f->plan;
    printf("model        %s\n", o->config ? o->config : o->model);
    printf("language     %d layers, hidden %d, %d heads over %d, head %d, intermediate %d, vocabulary %d%s\n", t->layers, t->hidden, t->heads,
           t->kv_heads, t->head_dim, t->intermediate, t->vocab, t->tie ? ", shared head" : "");
    printf("vision       %d blocks, hidden %d, %d heads, intermediate %d, patch %d, window %d, whole picture in %d blocks\n", v->depth, v->hidden,
           v->heads, v->intermediate, v->patch, v->window, v->n_fullatt);
    printf("parameters   %llu in %llu tensors, %llu of them vision\n", (unsigned long long)f->parameters, (unsigned long long)f->tensors,
           (unsigned long long)f->vision);
    if (f->has_weights)
        printf("weights      %s, %zu files, %.1f MiB%s%s\n", iad_dtype_name(f->info.dtype), f->info.files, (double)f->info.bytes / 1048576,
               f->info.has_quantised ? ", 8-bit matrices" : "",
               f->info.has_fusion ? ", with the paper's additions" : ", without the paper's additions");
    if (f->info.unexpected) printf("unused       %zu tensors, such as %s\n", f->info.unexpected, f->info.first_unexpected);
    if (f->tokenizer_size >= 0) printf("tokenizer    %d ids\n", f->tokenizer_size);
    printf("\nmemory for %d good pictures and batches of %d at %d x %d, answers of %lld tokens, weights %s, vision %s:\n", p->request.k,
           p->request.batch, p->width, p->height, (long long)p->request.max_tokens, iad_dtype_name(p->request.text_storage),
           iad_dtype_name(p->request.vision_storage));
    row("language model", p->text_weights, "estimate: packed layout");
    row("vision tower", p->vision_weights, "estimate: packed layout");
    char note[96];
    snprintf(note, sizeof note, "%lld tokens (text estimated)", (long long)p->prefix_tokens);
    row("good pictures", p->prefix_kv, note);
    snprintf(note, sizeof note, "%d x %lld tokens (text estimated)", p->request.batch, (long long)p->query_tokens);
    row("queries and answer", p->query_kv, note);
    row("workspace", p->workspace, "as the engine reserves it");
    row("embedded rows, logits", p->buffers, "");
    row("pictures", p->pictures, "decoded and cut, estimate");
    row("total", p->total, "");
    printf("  %.1f MiB of the weight file stay mapped: the table of embeddings, paged in as needed\n", (double)p->mapped / 1048576);
}

int iad_cmd_info(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {.k = 4, .batch = 1, .max_tokens = 256, .weights = "auto", .vision_weights = "auto"};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o.model, .meta = "DIR", .help = "checkpoint folder; its weights are checked, not loaded"},
        {.kind = IAD_ARG_STRING, .name = "config", .value = &o.config, .meta = "NAME|FILE",
         .help = "instead: tiny, mini, small, 3b, 7b or a config.json"},
        {.kind = IAD_ARG_INT, .name = "k", .value = &o.k, .meta = "N", .help = "good pictures", .lo = 0, .hi = 16},
        {.kind = IAD_ARG_INT, .name = "batch", .value = &o.batch, .meta = "N", .help = "queries in one pass", .lo = 1, .hi = 64},
        {.kind = IAD_ARG_STRING, .name = "image-size", .value = &o.image_size, .meta = "WxH",
         .help = "size of pictures (default: as the checkpoint says)"},
        {.kind = IAD_ARG_INT, .name = "max-tokens", .value = &o.max_tokens, .meta = "N", .help = "longest answer", .lo = 0, .hi = 1 << 20},
        {.kind = IAD_ARG_FLOAT, .name = "retention", .value = &o.retention, .meta = "SHARE",
         .help = "tokens kept of good pictures 2..k, 0: as the checkpoint says", .flo = 0, .fhi = 1},
        {.kind = IAD_ARG_CHOICE, .name = "weights", .value = &o.weights, .choices = "auto|f32|bf16|int8",
         .help = "number format of the language model"},
        {.kind = IAD_ARG_CHOICE, .name = "vision-weights", .value = &o.vision_weights, .choices = "auto|f32|bf16|int8",
         .help = "number format of the vision tower"},
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &o.json, .help = "as one JSON object"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "info", .usage = "(--model DIR | --config NAME) [options]",
                              .help = "Describes a model and plans the memory of a request."};
    iad_strings operands = {0};
    facts f = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%s\"", operands.items[0]));
    if (code < 0 && !o.model == !o.config) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "give --model DIR or --config NAME"));
    if (code < 0) {
        iad_status status = gather(app, &o, &f, err);
        if (status == IAD_OK && o.json) status = print_json(&f, &o, err);
        else if (status == IAD_OK) print_text(&f, &o);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
