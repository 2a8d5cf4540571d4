#include "train/run/trainconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#define CONFIG_MAX_BYTES (1u << 20)

/* One table says what a key is called, where it lies, and what it may hold: reader and writer walk it. */
typedef enum kind { INT, INT64, SEED, REAL, BOOL, WORD, PATTERNS, SIZE, LAYERS } kind;

typedef struct key {
    const char *name;
    kind kind;
    size_t at;         /* offset in iad_train_config */
    double lo, hi;     /* of numbers */
    const char *words; /* "none|norms", of WORD: values 0, 1, .. */
    const int *values; /* NULL: 0, 1, ... */
} key;

#define AT(member) offsetof(iad_train_config, member)
static const int dtypes[] = {IAD_F32, IAD_BF16};
static const char recompute[] = "none|norms|ffn|block";

static const key keys[] = {
    {"stage", INT, AT(stage), 1, 3, NULL, NULL},
    {"epochs", REAL, AT(epochs), 0, 1e6, NULL, NULL},
    {"steps", INT64, AT(steps), 0, 1e12, NULL, NULL},
    {"batch", INT, AT(batch), 1, IAD_TRAIN_MAX_BATCH, NULL, NULL},
    {"rate", REAL, AT(rate), 0, 10, NULL, NULL},
    {"rate_end", REAL, AT(rate_end), 0, 10, NULL, NULL},
    {"warmup", REAL, AT(warmup), 0, 1, NULL, NULL},
    {"beta1", REAL, AT(optimizer.beta1), 0, 0.999999, NULL, NULL},
    {"beta2", REAL, AT(optimizer.beta2), 0, 0.999999, NULL, NULL},
    {"eps", REAL, AT(optimizer.eps), 0, 1, NULL, NULL},
    {"decay", REAL, AT(decay), 0, 10, NULL, NULL},
    {"clip", REAL, AT(optimizer.clip), 0, 1e9, NULL, NULL},
    {"states", WORD, AT(optimizer.states8), 0, 0, "f32|8bit", NULL},
    {"skips", INT, AT(optimizer.max_skipped), 1, 1000, NULL, NULL},
    {"freeze", PATTERNS, AT(freeze), 0, 0, NULL, NULL},
    {"unfreeze", PATTERNS, AT(unfreeze), 0, 0, NULL, NULL},
    {"compute", WORD, AT(model.compute), 0, 0, "f32|bf16", dtypes},
    {"recompute_text", WORD, AT(model.recompute_text), 0, 0, recompute, NULL},
    {"recompute_vision", WORD, AT(model.recompute_vision), 0, 0, recompute, NULL},
    {"micro_rows", INT, AT(micro_rows), 1, 1 << 20, NULL, NULL},
    {"micro_samples", INT, AT(micro_samples), 1, IAD_TEXT_MAX_SEQS, NULL, NULL},
    {"replay", REAL, AT(replay), -1, 1, NULL, NULL},
    {"tasks", PATTERNS, AT(tasks), 0, 0, NULL, NULL},
    {"map_weight", REAL, AT(model.map_weight), 0, 1e6, NULL, NULL},
    {"map_norm", WORD, AT(model.map.norm), 0, 0, "lag|batch|image|share", NULL},
    {"map_focal", WORD, AT(model.map.focal), 0, 0, "two-maps|one-map|pair", NULL},
    {"map_gamma", REAL, AT(model.map.gamma), 0, 10, NULL, NULL},
    {"map_focal_weight", REAL, AT(model.map.w_focal), 0, 1e6, NULL, NULL},
    {"map_dice_weight", REAL, AT(model.map.w_dice_a), 0, 1e6, NULL, NULL},
    {"map_normal_weight", REAL, AT(model.map.w_dice_n), 0, 1e6, NULL, NULL},
    {"map_smooth", REAL, AT(model.map.dice_smooth), 1e-9, 1e6, NULL, NULL},
    {"map_gain", REAL, AT(model.map.gain), 1e-6, 1e6, NULL, NULL},
    {"map_clamp_gradient", BOOL, AT(model.map.pass_clamp), 0, 0, NULL, NULL},
    {"map_scale", INT, AT(map_scale), 1, 28, NULL, NULL},
    {"fusion", BOOL, AT(model.fusion), 0, 0, NULL, NULL},
    {"compression", BOOL, AT(model.compression), 0, 0, NULL, NULL},
    {"retention", REAL, AT(retention), -1, 1, NULL, NULL},
    {"map_layers", LAYERS, AT(map_layers), 0, IAD_CFG_MAX_LAYERS - 1, NULL, NULL},
    {"image", SIZE, AT(image_height), 0, IAD_CFG_MAX_SIDE, NULL, NULL},
    {"max_rows", INT, AT(max_rows), 1, 1 << 20, NULL, NULL},
    {"seed", SEED, AT(seed), 0, 0, NULL, NULL},
    {"save_every", INT64, AT(save_every), 1, 1e12, NULL, NULL},
    {"keep", INT, AT(keep), 1, 1000, NULL, NULL},
    {"keep_every", INT, AT(keep_every), 0, 1 << 30, NULL, NULL},
    {"eval_every", INT64, AT(eval_every), 0, 1e12, NULL, NULL},
    {"eval_records", INT, AT(eval_records), 1, 1 << 20, NULL, NULL},
    {"export", WORD, AT(export_dtype), 0, 0, "f32|bf16", dtypes},
};
enum { N_KEY = sizeof keys / sizeof *keys };

static iad_train_config defaults(void) {
    iad_train_config c = {.epochs = 1,
                          .batch = 32,
                          .rate = 1e-5,
                          .warmup = 0.03,
                          .optimizer = iad_optimizer_defaults(),
                          .micro_rows = 4096,
                          .micro_samples = 32,
                          .replay = -1,
                          .map_scale = 2,
                          .retention = -1,
                          .image_height = -1,
                          .image_width = -1,
                          .max_rows = 32768,
                          .save_every = 500,
                          .keep = 2,
                          .eval_records = 64,
                          .export_dtype = IAD_BF16};
    c.model = (iad_train_model_options){.compute = IAD_BF16,
                                        .recompute_text = IAD_RECOMPUTE_NORMS,
                                        .recompute_vision = IAD_RECOMPUTE_NORMS,
                                        .map = iad_map_options_default(),
                                        .map_weight = 1,
                                        .fusion = 1,
                                        .compression = 1};
    return c;
}

static void *place(const iad_train_config *config, const key *k) { return (char *)(uintptr_t)config + k->at; }

/* ---- reading ---- */

static iad_status wrong(const key *k, const char *where, const char *what, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" %s", where, k->name, what);
}

static iad_status take_word(const key *k, const json_t *value, const char *where, int *out, iad_err *err) {
    if (!json_is_string(value)) return wrong(k, where, "is no text", err);
    const char *word = json_string_value(value), *at = k->words;
    for (int i = 0; *at; i++) {
        size_t n = strcspn(at, "|");
        if (strlen(word) == n && memcmp(word, at, n) == 0) {
            *out = k->values ? k->values[i] : i;
            return IAD_OK;
        }
        at += n + (at[n] == '|');
    }
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is \"%.40s\"; one of %s", where, k->name, word, k->words);
}

static iad_status take_patterns(const key *k, const json_t *value, const char *where, iad_patterns *out, iad_err *err) {
    if (!json_is_array(value) || json_array_size(value) > IAD_TRAIN_MAX_PATTERNS) return wrong(k, where, "is no list of at most 16 texts", err);
    *out = (iad_patterns){.n = (int)json_array_size(value)};
    for (int i = 0; i < out->n; i++) {
        const char *text = json_string_value(json_array_get(value, (size_t)i));
        if (!text || !*text || strlen(text) >= IAD_TRAIN_PATTERN_BYTES)
            return wrong(k, where, "holds something that is no text of 1 to 95 bytes", err);
        snprintf(out->text[i], sizeof out->text[i], "%s", text);
    }
    return IAD_OK;
}

static iad_status take_ints(const key *k, const json_t *value, const char *where, size_t lo_n, size_t hi_n, int *out, int *n, iad_err *err) {
    if (!json_is_array(value) || json_array_size(value) < lo_n || json_array_size(value) > hi_n)
        return wrong(k, where, "is no list of so many numbers", err);
    *n = (int)json_array_size(value);
    for (int i = 0; i < *n; i++) {
        const json_t *item = json_array_get(value, (size_t)i);
        if (!json_is_integer(item) || (double)json_integer_value(item) < k->lo || (double)json_integer_value(item) > k->hi)
            return wrong(k, where, "holds something that is no whole number in its range", err);
        out[i] = (int)json_integer_value(item);
    }
    return IAD_OK;
}

static iad_status take(const key *k, const json_t *value, const char *where, iad_train_config *config, iad_err *err) {
    void *at = place(config, k);
    int n = 0;
    if (k->kind == INT || k->kind == INT64 || k->kind == REAL) {
        double number = json_number_value(value);
        if (!json_is_number(value) || (k->kind != REAL && !json_is_integer(value)) || !(number >= k->lo && number <= k->hi))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is no %s from %g to %g", where, k->name, k->kind == REAL ? "number" : "whole number",
                            k->lo, k->hi);
        if (k->kind == INT) *(int *)at = (int)json_integer_value(value);
        else if (k->kind == INT64) *(int64_t *)at = json_integer_value(value);
        else *(double *)at = number;
        return IAD_OK;
    }
    switch (k->kind) {
    case SEED:
        if (!json_is_integer(value) || json_integer_value(value) < 0) return wrong(k, where, "is no whole number from 0 on", err);
        *(uint64_t *)at = (uint64_t)json_integer_value(value);
        return IAD_OK;
    case BOOL:
        if (!json_is_boolean(value)) return wrong(k, where, "is neither true nor false", err);
        *(int *)at = json_is_true(value);
        return IAD_OK;
    case WORD: return take_word(k, value, where, at, err);
    case PATTERNS: return take_patterns(k, value, where, at, err);
    case SIZE: return take_ints(k, value, where, 2, 2, at, &n, err); /* height and width are neighbours */
    default: return take_ints(k, value, where, 1, IAD_CFG_MAX_TAPS, at, &config->n_map_layers, err);
    }
}

static iad_status read_object(const json_t *root, const char *where, iad_train_config *config, iad_err *err) {
    const char *name;
    json_t *value;
    *config = defaults();
    if (!json_is_object(root)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a JSON object", where);
    json_object_foreach((json_t *)(uintptr_t)root, name, value) {
        int i = 0;
        while (i < N_KEY && strcmp(keys[i].name, name) != 0) i++;
        if (i == N_KEY) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: unknown key \"%.60s\"", where, name);
        IAD_TRY(take(&keys[i], value, where, config, err));
    }
    if (config->stage == 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"stage\" is missing", where);
    if (config->retention == 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"retention\" is 0: above 0, at most 1", where);
    if (config->model.map.norm == IAD_MAP_BATCH && config->micro_samples < config->batch)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"map_norm\" batch needs the whole batch in one pass: micro_samples at least %d", where,
                        config->batch);
    return IAD_OK;
}

iad_status iad_train_config_parse(const char *text, size_t n, const char *name, iad_train_config *config, iad_err *err) {
    json_t *root = NULL;
    if (n > CONFIG_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: longer than %u bytes", name, CONFIG_MAX_BYTES);
    IAD_TRY(iad_json_parse(text, n, 4, name, &root, err));
    iad_status status = read_object(root, name, config, err);
    json_decref(root);
    return status;
}

iad_status iad_train_config_load(const char *path, iad_train_config *config, iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(path, CONFIG_MAX_BYTES, &text, &n, err));
    iad_status status = iad_train_config_parse((const char *)text, n, path, config, err);
    free(text);
    return status;
}

/* ---- writing ---- */

static json_t *word_of(const key *k, int value) {
    const char *at = k->words;
    for (int i = 0; *at; i++) {
        size_t n = strcspn(at, "|");
        if ((k->values ? k->values[i] : i) == value) return json_stringn(at, n);
        at += n + (at[n] == '|');
    }
    return NULL;
}

static json_t *ints(const int *list, int n) {
    json_t *array = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(array, json_integer(list[i]));
    return array;
}

static json_t *value_of(const key *k, const iad_train_config *config) {
    const void *at = place(config, k);
    switch (k->kind) {
    case INT: return json_integer(*(const int *)at);
    case INT64: return json_integer(*(const int64_t *)at);
    case SEED: return json_integer((json_int_t) * (const uint64_t *)at);
    case REAL: return json_real(*(const double *)at);
    case BOOL: return json_boolean(*(const int *)at);
    case WORD: return word_of(k, *(const int *)at);
    case SIZE: return config->image_height < 0 ? json_null() : ints(at, 2);
    case LAYERS: return config->n_map_layers == 0 ? json_null() : ints(at, config->n_map_layers);
    case PATTERNS: break;
    }
    const iad_patterns *patterns = at;
    json_t *array = json_array();
    for (int i = 0; i < patterns->n; i++) json_array_append_new(array, json_string(patterns->text[i]));
    return array;
}

iad_status iad_train_config_format(const iad_train_config *config, iad_buf *out, iad_err *err) {
    json_t *root = json_object();
    for (int i = 0; i < N_KEY; i++) {
        json_t *value = value_of(&keys[i], config);
        if (json_is_null(value)) json_decref(value);
        else json_object_set_new(root, keys[i].name, value);
    }
    iad_status status = iad_json_canonical(root, out, err);
    json_decref(root);
    return status;
}

/* ---- use ---- */

iad_status iad_train_config_adjust(const iad_train_config *config, iad_model_config *model, iad_err *err) {
    iad_paper_config *paper = &model->paper;
    if (config->image_height >= 0) {
        paper->image_height = config->image_height;
        paper->image_width = config->image_width;
    }
    if (config->retention > 0) paper->retention = config->retention;
    if (config->n_map_layers > 0) {
        paper->n_map_layers = config->n_map_layers;
        memcpy(paper->map_layers, config->map_layers, sizeof paper->map_layers);
    }
    if (!config->model.fusion) paper->fusion = IAD_FUSION_OFF;
    if (!config->model.compression) paper->retention = 1;
    return iad_model_config_check(model, "the training config over the model's", err);
}

iad_param_rules iad_train_config_rules(const iad_train_config *config, const char **patterns) {
    const char **second = patterns + IAD_TRAIN_MAX_PATTERNS;
    for (int i = 0; i < config->freeze.n; i++) patterns[i] = config->freeze.text[i];
    for (int i = 0; i < config->unfreeze.n; i++) second[i] = config->unfreeze.text[i];
    return (iad_param_rules){
        .freeze = patterns, .n_freeze = config->freeze.n, .unfreeze = second, .n_unfreeze = config->unfreeze.n, .decay = (float)config->decay};
}
