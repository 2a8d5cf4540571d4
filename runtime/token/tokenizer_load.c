/* The file forms of a tokenizer: what they may say, and what of it we do. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/token/tokenizer_internal.h"

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* 1 when the member is missing, null or has the value that changes nothing. */
static int is_off(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return !v || json_is_null(v) || json_is_false(v) || (json_is_string(v) && !json_string_length(v));
}

static iad_status refuse(const char *name, const char *part, const char *what, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: %s %.80s: not what this tokenizer does", name, part, what);
}

static iad_status check_byte_level(const json_t *part, const char *name, const char *where, int use_regex, iad_err *err) {
    if (strcmp(text_of(part, "type"), "ByteLevel")) return refuse(name, where, text_of(part, "type"), err);
    if (!use_regex && !json_is_false(json_object_get(part, "add_prefix_space")))
        return refuse(name, where, "ByteLevel with add_prefix_space", err);
    if (!use_regex && !json_is_false(json_object_get(part, "use_regex"))) return refuse(name, where, "ByteLevel with use_regex", err);
    return IAD_OK;
}

static iad_status read_pre_tokenizer(const json_t *root, const char *name, iad_token_spec_set *set, iad_err *err) {
    const json_t *pre = json_object_get(root, "pre_tokenizer"), *list = json_object_get(pre, "pretokenizers");
    if (strcmp(text_of(pre, "type"), "Sequence") || json_array_size(list) != 2)
        return refuse(name, "pre_tokenizer", "other than Split and ByteLevel", err);
    const json_t *split = json_array_get(list, 0);
    if (strcmp(text_of(split, "type"), "Split")) return refuse(name, "pre_tokenizer", text_of(split, "type"), err);
    if (strcmp(text_of(split, "behavior"), "Isolated")) return refuse(name, "pre_tokenizer Split", text_of(split, "behavior"), err);
    if (!is_off(split, "invert")) return refuse(name, "pre_tokenizer Split", "inverted", err);
    set->pattern = json_string_value(json_object_get(json_object_get(split, "pattern"), "Regex"));
    if (!set->pattern || !*set->pattern) return refuse(name, "pre_tokenizer Split", "without a Regex", err);
    return check_byte_level(json_array_get(list, 1), name, "pre_tokenizer", 0, err);
}

static iad_status check_parts(const json_t *root, const char *name, iad_token_spec_set *set, iad_err *err) {
    if (!json_is_object(root)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a JSON object", name);
    const json_t *model = json_object_get(root, "model"), *normalizer = json_object_get(root, "normalizer");
    if (!json_is_object(model)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"model\" is missing", name);
    const char *type = text_of(model, "type");
    if (*type && strcmp(type, "BPE")) return refuse(name, "model", type, err);
    static const char *const off[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        if (!is_off(model, off[i])) return refuse(name, "model with", off[i], err);
    if (normalizer && !json_is_null(normalizer)) {
        if (strcmp(text_of(normalizer, "type"), "NFC")) return refuse(name, "normalizer", text_of(normalizer, "type"), err);
        set->nfc = 1;
    }
    IAD_TRY(read_pre_tokenizer(root, name, set, err));
    IAD_TRY(check_byte_level(json_object_get(root, "decoder"), name, "decoder", 1, err));
    const json_t *post = json_object_get(root, "post_processor");
    if (post && !json_is_null(post)) IAD_TRY(check_byte_level(post, name, "post_processor", 1, err));
    return IAD_OK;
}

static iad_status read_id(const json_t *value, const char *name, const char *token, int32_t *id, iad_err *err) {
    json_int_t v = json_is_integer(value) ? json_integer_value(value) : -1;
    if (v < 0 || v >= IAD_TOKEN_MAX_VOCAB)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: token \"%.60s\": id is not a number in 0..%d", name, token, IAD_TOKEN_MAX_VOCAB - 1);
    *id = (int32_t)v;
    return IAD_OK;
}

static iad_status read_vocab(json_t *vocab, const char *name, iad_token_spec_set *set, iad_err *err) {
    if (!json_is_object(vocab)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no vocabulary", name);
    if (json_object_size(vocab) > IAD_TOKEN_MAX_VOCAB)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d tokens", name, IAD_TOKEN_MAX_VOCAB);
    set->vocab = iad_calloc(json_object_size(vocab), sizeof *set->vocab);
    if (!set->vocab) return IAD_NOMEM(err, "vocabulary");
    const char *key;
    size_t n;
    json_t *value;
    json_object_keylen_foreach(vocab, key, n, value) {
        iad_token_spec *spec = &set->vocab[set->n_vocab++];
        spec->text = key;
        spec->n = n;
        IAD_TRY(read_id(value, name, key, &spec->id, err));
    }
    return IAD_OK;
}

static iad_status split_merge(const char *line, size_t n, const char *name, size_t number, iad_token_pair *pair, iad_err *err) {
    const char *space = memchr(line, ' ', n);
    if (!space || space == line || space + 1 == line + n || memchr(space + 1, ' ', n - (size_t)(space + 1 - line)))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: merge %zu is not two tokens with a blank between", name, number);
    *pair = (iad_token_pair){line, space + 1, (size_t)(space - line), n - (size_t)(space + 1 - line)};
    return IAD_OK;
}

static iad_status read_merges(const json_t *merges, const char *name, iad_token_spec_set *set, iad_err *err) {
    if (!json_is_array(merges)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no merges", name);
    size_t n = json_array_size(merges);
    if (n > IAD_TOKEN_MAX_VOCAB) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d merges", name, IAD_TOKEN_MAX_VOCAB);
    set->merges = iad_calloc(n, sizeof *set->merges);
    if (!set->merges) return IAD_NOMEM(err, "merges");
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(merges, i), *a = json_array_get(item, 0), *b = json_array_get(item, 1);
        if (json_is_string(item)) {
            IAD_TRY(split_merge(json_string_value(item), json_string_length(item), name, i, &set->merges[i], err));
        } else if (json_array_size(item) == 2 && json_is_string(a) && json_is_string(b)) {
            set->merges[i] = (iad_token_pair){json_string_value(a), json_string_value(b), json_string_length(a), json_string_length(b)};
        } else {
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: merge %zu is neither \"a b\" nor [\"a\", \"b\"]", name, i);
        }
        set->n_merges++;
    }
    return IAD_OK;
}

/* One added token; `id` apart because tokenizer_config.json has it as the key. */
static iad_status read_added(const json_t *item, const json_t *id, const char *name, iad_token_spec_set *set, iad_err *err) {
    const json_t *content = json_object_get(item, "content");
    if (!json_is_string(content)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: an added token without \"content\"", name);
    iad_token_spec *spec = &set->added[set->n_added];
    spec->text = json_string_value(content);
    spec->n = json_string_length(content);
    static const char *const off[] = {"lstrip", "rstrip", "single_word"};
    for (size_t i = 0; i < 3; i++)
        if (!is_off(item, off[i]))
            return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: added token \"%.60s\" with %s", name, spec->text, off[i]);
    IAD_TRY(read_id(id, name, spec->text, &spec->id, err));
    spec->special = json_is_true(json_object_get(item, "special"));
    spec->normalised = json_is_true(json_object_get(item, "normalized"));
    set->n_added++;
    return IAD_OK;
}

static iad_status alloc_added(size_t n, const char *name, iad_token_spec_set *set, iad_err *err) {
    if (n > IAD_TOKEN_MAX_ADDED) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d added tokens", name, IAD_TOKEN_MAX_ADDED);
    set->added = iad_calloc(n, sizeof *set->added);
    return set->added ? IAD_OK : IAD_NOMEM(err, "added tokens");
}

static iad_status read_json(json_t *root, const char *name, iad_token_spec_set *set, iad_tokenizer **tok, iad_err *err) {
    IAD_TRY(check_parts(root, name, set, err));
    json_t *model = json_object_get(root, "model"), *added = json_object_get(root, "added_tokens");
    IAD_TRY(read_vocab(json_object_get(model, "vocab"), name, set, err));
    IAD_TRY(read_merges(json_object_get(model, "merges"), name, set, err));
    if (added && !json_is_null(added) && !json_is_array(added))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"added_tokens\" is not an array", name);
    IAD_TRY(alloc_added(json_array_size(added), name, set, err));
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *item = json_array_get(added, i);
        IAD_TRY(read_added(item, json_object_get(item, "id"), name, set, err));
    }
    return iad_tokenizer_build(set, name, tok, err);
}

static void set_deinit(iad_token_spec_set *set) {
    free(set->vocab);
    free(set->added);
    free(set->merges);
}

iad_status iad_tokenizer_load_bytes(const char *json, size_t n, const char *name, iad_tokenizer **tok, iad_err *err) {
    *tok = NULL;
    if (n > IAD_TOKEN_MAX_FILE) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes", name, IAD_TOKEN_MAX_FILE);
    json_t *root;
    IAD_TRY(iad_json_parse(json, n, 32, name, &root, err));
    iad_token_spec_set set = {0};
    iad_status status = read_json(root, name, &set, tok, err);
    set_deinit(&set);
    json_decref(root);
    return status;
}

/* ---- vocab.json and merges.txt ---- */

static iad_status read_merge_lines(const char *text, size_t n, const char *name, iad_token_spec_set *set, iad_err *err) {
    size_t lines = 0;
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    if (lines > IAD_TOKEN_MAX_VOCAB) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d merges", name, IAD_TOKEN_MAX_VOCAB);
    set->merges = iad_calloc(lines + 1, sizeof *set->merges);
    if (!set->merges) return IAD_NOMEM(err, "merges");
    for (size_t at = 0; at < n;) {
        const char *line = text + at, *newline = memchr(line, '\n', n - at);
        size_t length = newline ? (size_t)(newline - line) : n - at;
        at += length + 1;
        if (length && line[length - 1] == '\r') length--;
        if (!length || (line == text && length >= 8 && !memcmp(line, "#version", 8))) continue;
        IAD_TRY(split_merge(line, length, name, set->n_merges, &set->merges[set->n_merges], err));
        set->n_merges++;
    }
    return IAD_OK;
}

/* tokenizer_config.json: {"added_tokens_decoder": {"151643": {..}}}; added_tokens.json: {"<|endoftext|>": 151643}. */
static iad_status read_config(json_t *config, const char *name, iad_token_spec_set *set, iad_err *err) {
    if (!config) return IAD_OK;
    if (!json_is_object(config)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the configuration is not a JSON object", name);
    json_t *decoder = json_object_get(config, "added_tokens_decoder"), *value;
    const char *key;
    if (json_is_object(decoder)) {
        IAD_TRY(alloc_added(json_object_size(decoder), name, set, err));
        json_object_foreach(decoder, key, value) {
            int64_t id;
            IAD_TRY(iad_parse_i64(key, 0, IAD_TOKEN_MAX_VOCAB - 1, "id of an added token", &id, err));
            json_t *number = json_integer(id);
            iad_status status = read_added(value, number, name, set, err);
            json_decref(number);
            IAD_TRY(status);
        }
        return IAD_OK;
    }
    size_t plain = 0;
    json_object_foreach(config, key, value) plain += json_is_integer(value) && !strncmp(key, "<", 1);
    if (!plain) return IAD_OK;
    IAD_TRY(alloc_added(plain, name, set, err));
    json_object_foreach(config, key, value) {
        if (!json_is_integer(value) || key[0] != '<') continue;
        iad_token_spec *spec = &set->added[set->n_added++];
        *spec = (iad_token_spec){key, strlen(key), 0, key[1] == '|', 0};
        IAD_TRY(read_id(value, name, key, &spec->id, err));
    }
    return IAD_OK;
}

iad_status iad_tokenizer_load_parts(const char *vocab, size_t vocab_n, const char *merges, size_t merges_n, const char *config,
                                    size_t config_n, const char *name, iad_tokenizer **tok, iad_err *err) {
    *tok = NULL;
    if (vocab_n > IAD_TOKEN_MAX_FILE || merges_n > IAD_TOKEN_MAX_FILE || config_n > IAD_TOKEN_MAX_FILE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: a file of more than %u bytes", name, IAD_TOKEN_MAX_FILE);
    json_t *vocab_root = NULL, *config_root = NULL;
    iad_token_spec_set set = {.pattern = IAD_PRETOK_QWEN2, .nfc = 1};
    iad_status status = iad_json_parse(vocab, vocab_n, 4, name, &vocab_root, err);
    if (status == IAD_OK && config) status = iad_json_parse(config, config_n, 32, name, &config_root, err);
    if (status == IAD_OK) status = read_vocab(vocab_root, name, &set, err);
    if (status == IAD_OK) status = read_merge_lines(merges, merges_n, name, &set, err);
    if (status == IAD_OK) status = read_config(config_root, name, &set, err);
    if (status == IAD_OK) status = iad_tokenizer_build(&set, name, tok, err);
    set_deinit(&set);
    json_decref(vocab_root);
    json_decref(config_root);
    return status;
}

static iad_status load_parts_of(const char *dir, iad_tokenizer **tok, iad_err *err) {
    static const char *const files[] = {"vocab.json", "merges.txt", "tokenizer_config.json", "added_tokens.json"};
    uint8_t *data[4] = {0};
    size_t n[4] = {0};
    char path[IAD_PATH_MAX];
    iad_status status = IAD_OK;
    for (int i = 0; i < 4 && status == IAD_OK; i++) {
        status = iad_path_join(path, sizeof path, dir, files[i], err);
        if (status != IAD_OK || (i >= 2 && !iad_file_exists(path))) continue;
        status = iad_file_read(path, IAD_TOKEN_MAX_FILE, &data[i], &n[i], err);
    }
    int config = data[2] && (!data[3] || strstr((const char *)data[2], "\"added_tokens_decoder\"")) ? 2 : 3;
    if (status == IAD_OK)
        status = iad_tokenizer_load_parts((const char *)data[0], n[0], (const char *)data[1], n[1], (const char *)data[config],
                                          n[config], dir, tok, err);
    for (int i = 0; i < 4; i++) free(data[i]);
    return status;
}

iad_status iad_tokenizer_load(const char *dir, iad_tokenizer **tok, iad_err *err) {
    char path[IAD_PATH_MAX];
    *tok = NULL;
    IAD_TRY(iad_path_join(path, sizeof path, dir, "tokenizer.json", err));
    if (!iad_file_exists(path)) {
        IAD_TRY(iad_path_join(path, sizeof path, dir, "vocab.json", err));
        if (!iad_file_exists(path))
            return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: neither tokenizer.json nor vocab.json with merges.txt", dir);
        return load_parts_of(dir, tok, err);
    }
    uint8_t *data;
    size_t n;
    IAD_TRY(iad_file_read(path, IAD_TOKEN_MAX_FILE, &data, &n, err));
    iad_status status = iad_tokenizer_load_bytes((const char *)data, n, path, tok, err);
    free(data);
    return status;
}
