/* The three JSON files of a model directory as text. */
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "runtime/model/config.h"

/* jansson prints a float widened to double with all its digits; the shortest decimal that reads back as the same float is kinder. */
static json_t *real_of(float value) {
    char text[40];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        double back;
        if (iad_parse_f64(text, -1e300, 1e300, "", &back, NULL) == IAD_OK && (float)back == value) return json_real(back);
    }
    return json_real((double)value);
}

static json_t *ints_of(const int *values, int n) {
    json_t *array = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(array, json_integer(values[i]));
    return array;
}

static json_t *reals_of(const double *values, int n) {
    json_t *array = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(array, json_real(values[i]));
    return array;
}

static json_t *words_of(const char words[][IAD_CFG_WORD_BYTES], int n) {
    json_t *array = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(array, json_string(words[i]));
    return array;
}

static void put_int(json_t *o, const char *key, int64_t value) { json_object_set_new(o, key, json_integer(value)); }
static void put_bool(json_t *o, const char *key, int value) { json_object_set_new(o, key, json_boolean(value)); }
static void put_text(json_t *o, const char *key, const char *value) { json_object_set_new(o, key, json_string(value)); }

/* -1 stands for "none" and is left out. */
static void put_id(json_t *o, const char *key, int id) {
    if (id >= 0) put_int(o, key, id);
}

static void put_eos(json_t *o, const iad_token_ids *ids, int always_array) {
    if (ids->n_eos == 1 && !always_array) put_int(o, "eos_token_id", ids->eos[0]);
    else if (ids->n_eos) json_object_set_new(o, "eos_token_id", ints_of(ids->eos, ids->n_eos));
}

static void put_text_keys(json_t *o, const iad_model_config *c, const char *dtype_name) {
    const iad_text_config *t = &c->text;
    put_text(o, "hidden_act", "silu");
    put_int(o, "hidden_size", t->hidden);
    json_object_set_new(o, "initializer_range", real_of(t->init_range));
    put_int(o, "intermediate_size", t->intermediate);
    put_int(o, "max_position_embeddings", t->max_positions);
    put_int(o, "num_attention_heads", t->heads);
    put_int(o, "num_hidden_layers", t->layers);
    put_int(o, "num_key_value_heads", t->kv_heads);
    json_object_set_new(o, "rms_norm_eps", real_of(t->rms_eps));
    json_object_set_new(o, "rope_theta", json_real(t->rope_theta));
    json_t *rope = json_object();
    put_text(rope, "type", "mrope");
    json_object_set_new(rope, "mrope_section", ints_of(t->mrope_section, 3));
    json_object_set_new(o, "rope_scaling", rope);
    put_text(o, "torch_dtype", dtype_name);
    put_bool(o, "tie_word_embeddings", t->tie);
    put_bool(o, "use_cache", 1);
    put_bool(o, "use_sliding_window", 0);
    put_int(o, "vocab_size", t->vocab);
    put_id(o, "bos_token_id", c->ids.bos);
    put_id(o, "pad_token_id", c->ids.pad);
    put_eos(o, &c->ids, 0);
}

static json_t *vision_of(const iad_vision_config *v) {
    json_t *o = json_object();
    put_int(o, "depth", v->depth);
    json_object_set_new(o, "fullatt_block_indexes", ints_of(v->fullatt, v->n_fullatt));
    put_text(o, "hidden_act", "silu");
    put_int(o, "hidden_size", v->hidden);
    put_int(o, "in_channels", v->in_channels);
    put_int(o, "in_chans", v->in_channels);
    json_object_set_new(o, "initializer_range", real_of(v->init_range));
    put_int(o, "intermediate_size", v->intermediate);
    put_text(o, "model_type", "qwen2_5_vl");
    put_int(o, "num_heads", v->heads);
    put_int(o, "out_hidden_size", v->out_hidden);
    put_int(o, "patch_size", v->patch);
    put_int(o, "spatial_merge_size", v->merge);
    put_int(o, "spatial_patch_size", v->patch);
    put_int(o, "temporal_patch_size", v->temporal);
    put_int(o, "tokens_per_second", 2);
    put_int(o, "window_size", v->window);
    return o;
}

static json_t *paper_of(const iad_paper_config *p) {
    static const char *const modes[] = {"token", "global", "off"}, *const sims[] = {"best", "aligned"};
    json_t *o = json_object(), *part = json_object();
    put_text(part, "mode", modes[p->fusion]);
    json_object_set_new(part, "taps", ints_of(p->taps, p->n_taps));
    json_object_set_new(o, "fusion", part);
    part = json_object();
    json_object_set_new(part, "retention", json_real(p->retention));
    put_text(part, "similarity", sims[p->similarity]);
    put_bool(part, "query", p->compress_query);
    json_object_set_new(o, "compression", part);
    part = json_object();
    json_object_set_new(part, "layers", ints_of(p->map_layers, p->n_map_layers));
    json_object_set_new(part, "anomaly_words", words_of(p->anomaly_words, p->n_anomaly_words));
    json_object_set_new(part, "normal_words", words_of(p->normal_words, p->n_normal_words));
    json_object_set_new(o, "maps", part);
    part = json_object();
    put_int(part, "height", p->image_height);
    put_int(part, "width", p->image_width);
    json_object_set_new(o, "image", part);
    part = json_object();
    put_text(part, "yes", p->yes);
    put_text(part, "no", p->no);
    json_object_set_new(o, "score", part);
    return o;
}

static json_t *model_of(const iad_model_config *c, iad_config_layout layout, const char *dtype_name) {
    json_t *o = json_object(), *names = json_array();
    json_array_append_new(names, json_string("Qwen2_5_VLForConditionalGeneration"));
    json_object_set_new(o, "architectures", names);
    put_text(o, "model_type", "qwen2_5_vl");
    if (layout == IAD_CONFIG_FLAT) {
        put_text_keys(o, c, dtype_name);
    } else {
        json_t *text = json_object();
        put_text(text, "model_type", "qwen2_5_vl_text");
        put_text_keys(text, c, dtype_name);
        json_object_set_new(o, "text_config", text);
        put_text(o, "torch_dtype", dtype_name);
        put_bool(o, "tie_word_embeddings", c->text.tie); /* transformers reads either place, by version */
        put_id(o, "bos_token_id", c->ids.bos);
        put_id(o, "pad_token_id", c->ids.pad);
        put_eos(o, &c->ids, 0);
    }
    put_int(o, "image_token_id", c->ids.image);
    put_int(o, "video_token_id", c->ids.video);
    put_int(o, "vision_start_token_id", c->ids.vision_start);
    put_int(o, "vision_end_token_id", c->ids.vision_end);
    put_id(o, "vision_token_id", c->ids.vision_pad);
    json_object_set_new(o, "vision_config", vision_of(&c->vision));
    json_object_set_new(o, "iadgpt", paper_of(&c->paper));
    return o;
}

static json_t *generation_of(const iad_model_config *c) {
    json_t *o = json_object();
    put_id(o, "bos_token_id", c->ids.bos);
    put_id(o, "pad_token_id", c->ids.pad);
    put_eos(o, &c->ids, 1);
    put_bool(o, "do_sample", c->generation.do_sample);
    json_object_set_new(o, "repetition_penalty", json_real(c->generation.repetition_penalty));
    json_object_set_new(o, "temperature", json_real(c->generation.temperature));
    put_int(o, "top_k", c->generation.top_k);
    json_object_set_new(o, "top_p", json_real(c->generation.top_p));
    return o;
}

static json_t *preproc_of(const iad_model_config *c) {
    json_t *o = json_object();
    put_int(o, "min_pixels", c->preproc.min_pixels);
    put_int(o, "max_pixels", c->preproc.max_pixels);
    put_int(o, "patch_size", c->vision.patch);
    put_int(o, "temporal_patch_size", c->vision.temporal);
    put_int(o, "merge_size", c->vision.merge);
    json_object_set_new(o, "image_mean", reals_of(c->preproc.mean, 3));
    json_object_set_new(o, "image_std", reals_of(c->preproc.std, 3));
    put_text(o, "image_processor_type", "Qwen2VLImageProcessor");
    put_text(o, "processor_class", "Qwen2_5_VLProcessor");
    return o;
}

/* Takes `value`. */
static iad_status put_json(json_t *value, iad_buf *out, iad_err *err) {
    iad_status status = iad_json_pretty(value, out, err);
    json_decref(value);
    return status;
}

iad_status iad_model_config_format(const iad_model_config *config, iad_config_layout layout, const char *dtype_name, iad_buf *config_text,
                                   iad_buf *generation_text, iad_buf *preproc_text, iad_err *err) {
    IAD_TRY(iad_model_config_check(config, "config", err));
    if (config_text) IAD_TRY(put_json(model_of(config, layout, dtype_name), config_text, err));
    if (generation_text) IAD_TRY(put_json(generation_of(config), generation_text, err));
    if (preproc_text) IAD_TRY(put_json(preproc_of(config), preproc_text, err));
    return IAD_OK;
}

iad_status iad_model_config_write(const iad_model_config *config, iad_config_layout layout, const char *dtype_name, const char *dir, iad_err *err) {
    static const char *const names[3] = {"generation_config.json", "preprocessor_config.json", "config.json"};
    iad_buf texts[3];
    char path[IAD_PATH_MAX];
    for (int i = 0; i < 3; i++) iad_buf_init(&texts[i], IAD_CFG_MAX_BYTES);
    iad_status status = iad_model_config_format(config, layout, dtype_name, &texts[2], &texts[0], &texts[1], err);
    for (int i = 0; i < 3 && status == IAD_OK; i++) {
        status = iad_path_join(path, sizeof path, dir, names[i], err);
        if (status == IAD_OK) status = iad_file_write(path, texts[i].data, texts[i].len, err);
    }
    for (int i = 0; i < 3; i++) iad_buf_deinit(&texts[i]);
    return status;
}
