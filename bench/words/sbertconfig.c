#include "bench/words/sbertconfig.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

enum { MAX_VOCAB = 4 << 20, MAX_DIM = 8192, MAX_LAYERS = 200, MAX_HEADS = 256, MAX_FF = 65536, MAX_POSITIONS = 65536, MAX_TYPES = 16,
      MPNET_OFFSET = 2 };

const char *iad_encoder_kind_name(iad_encoder_kind kind) { return kind == IAD_ENCODER_MPNET ? "mpnet" : "bert"; }

const char *iad_pooling_name(iad_pooling pooling) {
    static const char *const names[IAD_POOL_KINDS] = {"mean", "cls", "max", "mean_sqrt_len"};
    return pooling < IAD_POOL_KINDS ? names[pooling] : "?";
}

static iad_status parse_object(const char *text, size_t n, const char *where, json_t **root, iad_err *err) {
    IAD_TRY(iad_json_parse(text, n, 0, where, root, err));
    if (json_is_object(*root)) return IAD_OK;
    json_decref(*root);
    *root = NULL;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no object", where);
}

/* ---- config.json ---- */

static iad_status get_size(const json_t *root, const char *key, int most, const char *where, int *value, iad_err *err) {
    int64_t size;
    IAD_TRY(iad_json_int(root, key, 1, INT64_MAX, where, &size, err));
    if (size > most) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: \"%s\" = %lld, at most %d is supported", where, key, (long long)size, most);
    *value = (int)size;
    return IAD_OK;
}

static iad_status read_encoder(const json_t *root, const char *where, iad_encoder_config *config, iad_err *err) {
    const char *type, *act, *positions;
    double eps;
    IAD_TRY(iad_json_string(root, "model_type", where, &type, err));
    if (!strcmp(type, "bert")) config->kind = IAD_ENCODER_BERT;
    else if (!strcmp(type, "mpnet")) config->kind = IAD_ENCODER_MPNET;
    else return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: model_type \"%.60s\": bert and mpnet are supported", where, type);
    IAD_TRY(iad_json_string_opt(root, "hidden_act", "gelu", where, &act, err));
    if (strcmp(act, "gelu")) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: hidden_act \"%.60s\": gelu is supported", where, act);
    IAD_TRY(iad_json_string_opt(root, "position_embedding_type", "absolute", where, &positions, err));
    if (strcmp(positions, "absolute"))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: position_embedding_type \"%.60s\": absolute is supported", where, positions);
    IAD_TRY(get_size(root, "vocab_size", MAX_VOCAB, where, &config->vocab, err));
    IAD_TRY(get_size(root, "hidden_size", MAX_DIM, where, &config->dim, err));
    IAD_TRY(get_size(root, "num_hidden_layers", MAX_LAYERS, where, &config->n_layer, err));
    IAD_TRY(get_size(root, "num_attention_heads", MAX_HEADS, where, &config->n_head, err));
    IAD_TRY(get_size(root, "intermediate_size", MAX_FF, where, &config->d_ff, err));
    IAD_TRY(get_size(root, "max_position_embeddings", MAX_POSITIONS, where, &config->n_pos, err));
    if (config->kind == IAD_ENCODER_BERT) IAD_TRY(get_size(root, "type_vocab_size", MAX_TYPES, where, &config->n_type, err));
    else if (json_object_get(root, "relative_attention_num_buckets") &&
             json_integer_value(json_object_get(root, "relative_attention_num_buckets")) != 32)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: relative_attention_num_buckets is not 32", where);
    IAD_TRY(iad_json_number(root, "layer_norm_eps", where, &eps, err));
    if (!(eps >= 0 && eps <= 1)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"layer_norm_eps\" = %g is outside 0..1", where, eps);
    config->eps = (float)eps;
    if (config->dim % config->n_head || config->dim / config->n_head > 256)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %d values cannot be cut into %d heads of 1 to 256", where, config->dim, config->n_head);
    if (iad_encoder_max_tokens(config) < 3)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"max_position_embeddings\" = %d is too small", where, config->n_pos);
    return IAD_OK;
}

iad_status iad_encoder_config_parse(const char *text, size_t n, const char *where, iad_encoder_config *config, iad_err *err) {
    json_t *root;
    memset(config, 0, sizeof *config);
    IAD_TRY(parse_object(text, n, where, &root, err));
    iad_status status = read_encoder(root, where, config, err);
    json_decref(root);
    return status;
}

int iad_encoder_max_tokens(const iad_encoder_config *config) {
    return config->kind == IAD_ENCODER_MPNET ? config->n_pos - MPNET_OFFSET : config->n_pos;
}

/* ---- modules.json ---- */

static iad_status read_modules(const json_t *root, const char *where, iad_sbert_config *config, iad_err *err) {
    const json_t *module;
    size_t i;
    int at = 0; /* Transformer, Pooling, Normalize: the last two may be missing */
    json_array_foreach(root, i, module) {
        const char *type, *path, *name;
        char place[600];
        snprintf(place, sizeof place, "%.500s: module %zu", where, i);
        IAD_TRY(iad_json_string(module, "type", place, &type, err));
        IAD_TRY(iad_json_string_opt(module, "path", "", place, &path, err));
        if (*path && !iad_path_safe(path)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: path \"%.100s\" leaves the folder", place, path);
        if (strlen(path) >= IAD_PATH_MAX / 2) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: its path is too long", place);
        name = strrchr(type, '.') ? strrchr(type, '.') + 1 : type;
        if (!strcmp(name, "Transformer") && at == 0) {
            iad_text_copy(config->encoder, sizeof config->encoder, path);
            at = 1;
        } else if (!strcmp(name, "Pooling") && at == 1) {
            iad_text_copy(config->pooling_dir, sizeof config->pooling_dir, path);
            if (!*path) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: Pooling without a folder", place);
            at = 2;
        } else if (!strcmp(name, "Normalize") && (at == 1 || at == 2)) {
            config->normalize = 1;
            at = 3;
        } else return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: type \"%.100s\": Transformer, Pooling, Normalize in this order are supported", place,
                               type);
    }
    return at ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no Transformer", where);
}

iad_status iad_sbert_modules_parse(const char *text, size_t n, const char *where, iad_sbert_config *config, iad_err *err) {
    json_t *root;
    IAD_TRY(iad_json_parse(text, n, 0, where, &root, err));
    iad_status status = json_is_array(root) ? read_modules(root, where, config, err) : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no list", where);
    json_decref(root);
    return status;
}

static iad_status read_pooling(const json_t *root, int dim, const char *where, iad_sbert_config *config, iad_err *err) {
    static const char *const keys[IAD_POOL_KINDS] = {"pooling_mode_mean_tokens", "pooling_mode_cls_token", "pooling_mode_max_tokens",
                                                     "pooling_mode_mean_sqrt_len_tokens"};
    static const char *const others[] = {"pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"};
    int64_t width = dim;
    int chosen = 0;
    if (json_object_get(root, "word_embedding_dimension")) IAD_TRY(iad_json_int(root, "word_embedding_dimension", 1, MAX_DIM, where, &width, err));
    if (width != dim) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: pools %lld values, the encoder has %d", where, (long long)width, dim);
    for (int i = 0; i < IAD_POOL_KINDS; i++)
        if (json_is_true(json_object_get(root, keys[i]))) {
            config->pooling = (iad_pooling)i;
            chosen++;
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (json_is_true(json_object_get(root, others[i]))) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: %s is not supported", where, others[i]);
    if (chosen != 1) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: %d ways of pooling, one is supported", where, chosen);
    return IAD_OK;
}

iad_status iad_sbert_pooling_parse(const char *text, size_t n, int dim, const char *where, iad_sbert_config *config, iad_err *err) {
    json_t *root;
    IAD_TRY(parse_object(text, n, where, &root, err));
    iad_status status = read_pooling(root, dim, where, config, err);
    json_decref(root);
    return status;
}

static iad_status read_limits(const json_t *root, const char *where, iad_sbert_config *config, iad_err *err) {
    const json_t *length = json_object_get(root, "max_seq_length"), *lower = json_object_get(root, "do_lower_case");
    if (length && !json_is_null(length)) IAD_TRY(iad_json_int(root, "max_seq_length", 3, INT32_MAX, where, &config->max_pieces, err));
    if (lower && !json_is_null(lower) && !json_is_boolean(lower))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"do_lower_case\" is neither true nor false", where);
    config->lower = json_is_true(lower);
    return IAD_OK;
}

iad_status iad_sbert_limits_parse(const char *text, size_t n, const char *where, iad_sbert_config *config, iad_err *err) {
    json_t *root;
    IAD_TRY(parse_object(text, n, where, &root, err));
    iad_status status = read_limits(root, where, config, err);
    json_decref(root);
    return status;
}

/* ---- a folder ---- */

/* dir/below/name; *text stays NULL when it is not there. */
static iad_status read_below(const char *dir, const char *below, const char *name, char path[IAD_PATH_MAX], char **text, size_t *n, iad_err *err) {
    char folder[IAD_PATH_MAX];
    uint8_t *bytes;
    *text = NULL;
    if (*below) IAD_TRY(iad_path_join(folder, sizeof folder, dir, below, err));
    IAD_TRY(iad_path_join(path, IAD_PATH_MAX, *below ? folder : dir, name, err));
    if (!iad_file_exists(path)) return IAD_OK;
    IAD_TRY(iad_file_read(path, IAD_SBERT_MAX_JSON, &bytes, n, err));
    *text = (char *)bytes;
    return IAD_OK;
}

iad_status iad_sbert_config_load(const char *dir, iad_sbert_config *config, iad_encoder_config *encoder, iad_err *err) {
    char path[IAD_PATH_MAX], *text;
    size_t n;
    iad_status status = IAD_OK;
    memset(config, 0, sizeof *config);
    if (!iad_file_is_dir(dir)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such folder", dir);
    IAD_TRY(read_below(dir, "", "modules.json", path, &text, &n, err));
    if (text) status = iad_sbert_modules_parse(text, n, path, config, err);
    free(text);
    if (status != IAD_OK) return status;
    IAD_TRY(read_below(dir, config->encoder, "config.json", path, &text, &n, err));
    if (!text) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s is missing", path);
    status = iad_encoder_config_parse(text, n, path, encoder, err);
    free(text);
    if (status != IAD_OK) return status;
    IAD_TRY(read_below(dir, config->encoder, "sentence_bert_config.json", path, &text, &n, err));
    if (text) status = iad_sbert_limits_parse(text, n, path, config, err);
    free(text);
    if (status != IAD_OK || !*config->pooling_dir) return status;
    IAD_TRY(read_below(dir, config->pooling_dir, "config.json", path, &text, &n, err));
    if (!text) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s is missing", path);
    status = iad_sbert_pooling_parse(text, n, encoder->dim, path, config, err);
    free(text);
    return status;
}
