#include "runtime/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "runtime/device.h"

static iad_status storage_of(const char *text, const char *what, iad_dtype stored, iad_dtype *storage, iad_err *err) {
    if (text == NULL || strcmp(text, "auto") == 0) *storage = stored == IAD_F32 || stored == IAD_I8 ? stored : IAD_BF16;
    else if (strcmp(text, "f32") == 0) *storage = IAD_F32;
    else if (strcmp(text, "bf16") == 0) *storage = IAD_BF16;
    else if (strcmp(text, "int8") == 0) *storage = IAD_I8;
    else return IAD_FAIL(err, IAD_ERR_ARG, "%s \"%.40s\": auto, f32, bf16 or int8", what, text);
    return IAD_OK;
}

typedef struct progress {
    const iadgpt_engine_options *options;
    atomic_int stop;
} progress;

static void report(void *user, uint64_t done, uint64_t total) {
    progress *p = user;
    if (p->options->progress(p->options->user, done, total) != 0) atomic_store(&p->stop, 1);
}

static iad_status identity_fields(iadgpt_engine *engine, iad_sha256 *hash, iad_err *err) {
    const iad_model *model = engine->model;
    uint8_t digest[IAD_SHA256_BYTES];
    IAD_TRY(iad_key_field(hash, "format", "1", 1, err));
    IAD_TRY(iad_checkpoint_sha256(engine->checkpoint, 0, 1, digest, err));
    IAD_TRY(iad_key_field(hash, "weights", digest, sizeof digest, err));
    iad_tokenizer_sha256(engine->tokenizer, digest);
    IAD_TRY(iad_key_field(hash, "tokenizer", digest, sizeof digest, err));
    int32_t kinds[4] = {(int32_t)model->text_storage, (int32_t)model->vision_storage, (int32_t)model->kv, model->fusion.scale != NULL};
    IAD_TRY(iad_key_field(hash, "kinds", kinds, sizeof kinds, err));
    return iad_key_field(hash, "device", engine->device->ops->name, strlen(engine->device->ops->name), err);
}

static iad_status identify(iadgpt_engine *engine, iad_err *err) {
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = identity_fields(engine, &hash, err);
    return iad_sha256_end(&hash, status, engine->identity.bytes, err);
}

static iad_status check_ids(iadgpt_engine *engine, iad_err *err) {
    const iad_model_config *config = &engine->model->config;
    IAD_TRY(iad_chat_ids_find(engine->tokenizer, &engine->ids, err));
    if (engine->ids.image_pad != config->ids.image)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "config.json says that pictures are token %d, but <|image_pad|> of the tokenizer is %d",
                        config->ids.image, engine->ids.image_pad);
    if (iad_tokenizer_size(engine->tokenizer) > config->text.vocab)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "the tokenizer has %d ids, but the model's vocabulary only %d rows",
                        iad_tokenizer_size(engine->tokenizer), config->text.vocab);
    engine->yes = iad_tokenizer_id(engine->tokenizer, config->paper.yes);
    engine->no = iad_tokenizer_id(engine->tokenizer, config->paper.no);
    return IAD_OK;
}

static iad_status set_map_layers(iad_model *model, const iadgpt_engine_options *options, iad_err *err) {
    iad_paper_config *paper = &model->config.paper;
    if (options->map_layers == NULL || options->n_map_layers == 0) return IAD_OK;
    if (options->n_map_layers < 0 || options->n_map_layers > IAD_CFG_MAX_TAPS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d map layers, at most %d can be", options->n_map_layers, IAD_CFG_MAX_TAPS);
    for (int i = 0; i < options->n_map_layers; i++) {
        int layer = options->map_layers[i];
        if (layer < 0 || layer >= model->config.text.layers || (i > 0 && layer <= paper->map_layers[i - 1]))
            return IAD_FAIL(err, IAD_ERR_ARG, "map layer %d: layers are 0 to %d, in ascending order", layer, model->config.text.layers - 1);
        paper->map_layers[i] = layer;
    }
    paper->n_map_layers = options->n_map_layers;
    return IAD_OK;
}

static iad_status open_parts(const char *dir, const iadgpt_engine_options *options, iadgpt_engine *engine, iad_err *err) {
    iad_checkpoint_info info;
    IAD_TRY(iad_checkpoint_open(dir, &engine->checkpoint, &info, err));
    IAD_TRY(iad_tokenizer_load(dir, &engine->tokenizer, err));
    IAD_TRY(iad_device_new(options->device != NULL ? options->device : "cpu", options->threads, &engine->device, err));
    engine->threads = options->threads > 0 ? options->threads : iad_cpu_count();
    iad_model_options load = {0};
    iad_dtype stored = info.has_quantised ? IAD_I8 : info.dtype;
    IAD_TRY(storage_of(options->weights, "weights", stored, &load.text_storage, err));
    IAD_TRY(storage_of(options->vision_weights, "vision weights", load.text_storage == IAD_I8 ? IAD_BF16 : load.text_storage, &load.vision_storage,
                       err));
    progress p = {.options = options};
    if (options->progress != NULL) {
        load.progress = report;
        load.user = &p;
        load.stop = &p.stop;
    }
    IAD_TRY(iad_model_load(engine->checkpoint, engine->device, &load, &engine->model, err));
    const char *fusion = options->fusion != NULL ? options->fusion : "auto";
    if (strcmp(fusion, "off") == 0) engine->model->fusion = (iad_fusion){0};
    else if (strcmp(fusion, "auto") != 0) return IAD_FAIL(err, IAD_ERR_ARG, "fusion \"%.40s\": auto or off", fusion);
    IAD_TRY(set_map_layers(engine->model, options, err));
    IAD_TRY(check_ids(engine, err));
    return identify(engine, err);
}

iad_status iad_engine_open(const char *dir, const iadgpt_engine_options *options, iadgpt_engine **engine, iad_err *err) {
    *engine = NULL;
    iadgpt_engine *made = iad_calloc(1, sizeof *made);
    if (made == NULL) return IAD_NOMEM(err, "the engine");
    iad_shelf_init(&made->shelf, options->exemplar_cache);
    pthread_mutex_init(&made->lock, NULL);
    iad_status status = open_parts(dir, options, made, err);
    if (status != IAD_OK) {
        iad_engine_close(made);
        return status;
    }
    *engine = made;
    return IAD_OK;
}

void iad_engine_close(iadgpt_engine *engine) {
    if (engine == NULL) return;
    iad_shelf_deinit(&engine->shelf);
    iad_constrain_vocab_free(engine->constrain);
    free(engine->token_bytes);
    pthread_mutex_destroy(&engine->lock);
    iad_model_free(engine->model);
    iad_device_free(engine->device);
    iad_tokenizer_free(engine->tokenizer);
    iad_checkpoint_close(engine->checkpoint);
    free(engine);
}

static iad_status make_constrain(iadgpt_engine *engine, iad_err *err) {
    int32_t n = engine->model->config.text.vocab, n_known = iad_tokenizer_size(engine->tokenizer);
    engine->token_bytes = iad_calloc((size_t)n, sizeof *engine->token_bytes);
    if (engine->token_bytes == NULL) return IAD_NOMEM(err, "the vocabulary's index");
    for (int32_t i = 0; i < n_known && i < n; i++) {
        if (iad_tokenizer_is_added(engine->tokenizer, i)) continue; /* control tokens write nothing */
        size_t len = 0;
        const char *bytes = iad_tokenizer_bytes(engine->tokenizer, i, &len);
        engine->token_bytes[i] = (iad_token_bytes){(const uint8_t *)bytes, (uint32_t)len};
    }
    const iad_token_ids *ids = &engine->model->config.ids;
    return iad_constrain_vocab_new(engine->token_bytes, n, ids->eos, ids->n_eos, &engine->constrain, err);
}

iad_status iad_engine_constrain(iadgpt_engine *engine, const iad_constrain_vocab **vocab, iad_err *err) {
    iad_status status = IAD_OK;
    pthread_mutex_lock(&engine->lock);
    if (engine->constrain == NULL) {
        free(engine->token_bytes);
        engine->token_bytes = NULL;
        status = make_constrain(engine, err);
    }
    *vocab = engine->constrain;
    pthread_mutex_unlock(&engine->lock);
    return status;
}
