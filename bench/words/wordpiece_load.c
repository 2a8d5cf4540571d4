/* The files of a tokenizer to its tables. */
#include "bench/words/wordpiece_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

enum { DEFAULT_MAX_WORD = 100 };

/* ---- the table of pieces ---- */

int32_t iad_piece_find(const iad_wordpiece *wp, const char *bytes, size_t n, uint64_t hash, int goes_on) {
    for (size_t at = (hash ^ hash >> 29) & (wp->n_slot - 1);; at = (at + 1) & (wp->n_slot - 1)) {
        if (!wp->slots[at]) return -1;
        const iad_piece *piece = &wp->pieces[wp->slots[at] - 1];
        if (piece->length == n && piece->goes_on == goes_on && !memcmp(wp->text + piece->at, bytes, n)) return piece->id;
    }
}

static iad_status add_entry(iad_wordpiece *wp, const char *bytes, size_t n, int32_t id, int goes_on, iad_err *err) {
    IAD_TRY(iad_grow((void **)&wp->pieces, &wp->cap, wp->n + 1, sizeof *wp->pieces, 2 * (size_t)IAD_WORDPIECE_MAX_VOCAB, "pieces of a vocabulary",
                     err));
    IAD_TRY(iad_grow((void **)&wp->text, &wp->cap_text, wp->n_text + n, 1, 2 * (size_t)IAD_WORDPIECE_MAX_FILE, "texts of a vocabulary", err));
    memcpy(wp->text + wp->n_text, bytes, n);
    wp->pieces[wp->n++] = (iad_piece){(uint32_t)wp->n_text, (uint32_t)n, id, goes_on};
    wp->n_text += n;
    if (n > wp->longest) wp->longest = n;
    if (id > wp->largest_id) wp->largest_id = id;
    return IAD_OK;
}

static iad_status add_to_vocabulary(iad_wordpiece *wp, const char *bytes, size_t n, int64_t id, const char *prefix, const char *where, iad_err *err) {
    size_t n_prefix = strlen(prefix);
    if (n > IAD_WORDPIECE_MAX_PIECE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: piece %lld has %zu bytes, at most %d are supported", where, (long long)id, n,
                        IAD_WORDPIECE_MAX_PIECE);
    if (id < 0 || id >= IAD_WORDPIECE_MAX_VOCAB)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: piece \"%.*s\" has the id %lld, outside 0..%d", where, (int)n, bytes, (long long)id,
                        IAD_WORDPIECE_MAX_VOCAB - 1);
    if (!n) return IAD_OK;
    IAD_TRY(add_entry(wp, bytes, n, (int32_t)id, 0, err));
    if (n_prefix && n > n_prefix && !memcmp(bytes, prefix, n_prefix)) return add_entry(wp, bytes + n_prefix, n - n_prefix, (int32_t)id, 1, err);
    return IAD_OK;
}

/* Of pieces with equal texts the last one counts, as in a Python dictionary. */
static iad_status build_slots(iad_wordpiece *wp, iad_err *err) {
    for (wp->n_slot = 64; wp->n_slot < 2 * wp->n;) wp->n_slot *= 2;
    if (!(wp->slots = iad_calloc(wp->n_slot, sizeof *wp->slots))) return IAD_NOMEM(err, "a vocabulary");
    for (size_t i = wp->n; i-- > 0;) {
        const iad_piece *piece = &wp->pieces[i];
        uint64_t hash = iad_piece_hash(IAD_PIECE_SEED, wp->text + piece->at, piece->length);
        if (iad_piece_find(wp, wp->text + piece->at, piece->length, hash, piece->goes_on) >= 0) continue;
        size_t at = (hash ^ hash >> 29) & (wp->n_slot - 1);
        while (wp->slots[at]) at = (at + 1) & (wp->n_slot - 1);
        wp->slots[at] = (uint32_t)i + 1;
    }
    return IAD_OK;
}

static int32_t find_text(const iad_wordpiece *wp, const char *text) {
    size_t n = strlen(text);
    return iad_piece_find(wp, text, n, iad_piece_hash(IAD_PIECE_SEED, text, n), 0);
}

/* ---- added tokens ---- */

static iad_status add_added(iad_wordpiece *wp, const char *text, int32_t id, int any_case, iad_err *err) {
    for (size_t i = 0; i < wp->n_added; i++)
        if (!strcmp(wp->added[i].text, text)) return IAD_OK;
    if (!*text) return IAD_OK;
    IAD_TRY(iad_grow((void **)&wp->added, &wp->cap_added, wp->n_added + 1, sizeof *wp->added, IAD_WORDPIECE_MAX_ADDED, "added tokens", err));
    iad_added_token token = {iad_strdup(text), strlen(text), id, any_case};
    if (!token.text) return IAD_NOMEM(err, "an added token");
    wp->added[wp->n_added++] = token;
    if (id > wp->largest_id) wp->largest_id = id;
    return IAD_OK;
}

static int longer_first(const void *a, const void *b) {
    const iad_added_token *x = a, *y = b;
    return x->length != y->length ? (x->length < y->length) - (x->length > y->length) : strcmp(x->text, y->text);
}

static void finish_added(iad_wordpiece *wp) {
    if (wp->n_added) qsort(wp->added, wp->n_added, sizeof *wp->added, longer_first);
    for (size_t i = 0; i < wp->n_added; i++) {
        unsigned char c = (unsigned char)wp->added[i].text[0];
        wp->added_first[c] = 1;
        if (wp->added[i].any_case && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) wp->added_first[c ^ 32] = 1;
    }
}

/* ---- tokenizer.json ---- */

/* A member that is true or false; `missing` when it is absent or null. */
static iad_status get_bool(const json_t *object, const char *key, int missing, const char *where, int *value, iad_err *err) {
    const json_t *v = json_object_get(object, key);
    if (v && !json_is_null(v) && !json_is_boolean(v)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is neither true nor false", where, key);
    *value = v && json_is_boolean(v) ? json_is_true(v) : missing;
    return IAD_OK;
}

/* The type of the object `key`, "" without one. */
static iad_status get_type(const json_t *root, const char *key, const char *where, const json_t **object, const char **type, iad_err *err) {
    *object = json_object_get(root, key);
    *type = "";
    if (!*object || json_is_null(*object)) return IAD_OK;
    if (!json_is_object(*object)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is no object", where, key);
    return iad_json_string_opt(*object, "type", "", where, type, err);
}

static iad_status read_model(iad_wordpiece *wp, const json_t *root, const char *where, const char **unknown, iad_err *err) {
    const json_t *model;
    const char *type, *prefix;
    int64_t max_word = DEFAULT_MAX_WORD;
    IAD_TRY(get_type(root, "model", where, &model, &type, err));
    if (!json_is_object(model)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"model\" is missing", where);
    if (*type && strcmp(type, "WordPiece"))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: tokenizer of type \"%.60s\", WordPiece is supported", where, type);
    IAD_TRY(iad_json_string_opt(model, "unk_token", "[UNK]", where, unknown, err));
    IAD_TRY(iad_json_string_opt(model, "continuing_subword_prefix", "##", where, &prefix, err));
    if (json_object_get(model, "max_input_chars_per_word"))
        IAD_TRY(iad_json_int(model, "max_input_chars_per_word", 1, IAD_WORDPIECE_MAX_WORD, where, &max_word, err));
    wp->max_word = (int)max_word;
    json_t *vocab;
    IAD_TRY(iad_json_object(model, "vocab", where, &vocab, err));
    const char *text;
    json_t *id;
    json_object_foreach(vocab, text, id) {
        if (!json_is_integer(id)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the id of piece \"%.60s\" is no whole number", where, text);
        IAD_TRY(add_to_vocabulary(wp, text, strlen(text), json_integer_value(id), prefix, where, err));
    }
    return IAD_OK;
}

static iad_status read_normalizer(iad_wordpiece *wp, const json_t *root, const char *where, int *strip_known, iad_err *err) {
    const json_t *normalizer, *pre;
    const char *type;
    IAD_TRY(get_type(root, "pre_tokenizer", where, &pre, &type, err));
    if (strcmp(type, "BertPreTokenizer"))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: pre-tokenizer \"%.60s\", BertPreTokenizer is supported", where, type);
    IAD_TRY(get_type(root, "normalizer", where, &normalizer, &type, err));
    if (strcmp(type, "BertNormalizer"))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: normalizer \"%.60s\", BertNormalizer is supported", where, type);
    IAD_TRY(get_bool(normalizer, "clean_text", 1, where, &wp->clean, err));
    IAD_TRY(get_bool(normalizer, "handle_chinese_chars", 1, where, &wp->ideographs, err));
    IAD_TRY(get_bool(normalizer, "lowercase", 1, where, &wp->lower, err));
    *strip_known = json_is_boolean(json_object_get(normalizer, "strip_accents"));
    return get_bool(normalizer, "strip_accents", 0, where, &wp->strip, err);
}

static iad_status read_added(iad_wordpiece *wp, const json_t *root, const char *where, iad_err *err) {
    json_t *list = json_object_get(root, "added_tokens"), *item;
    size_t i;
    if (list && !json_is_null(list) && !json_is_array(list)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"added_tokens\" is no list", where);
    json_array_foreach(list, i, item) {
        char place[600];
        const char *text;
        int64_t id;
        int single = 0, normalized = 0;
        snprintf(place, sizeof place, "%.500s: added_tokens[%zu]", where, i);
        IAD_TRY(iad_json_string(item, "content", place, &text, err));
        IAD_TRY(iad_json_int(item, "id", 0, IAD_WORDPIECE_MAX_VOCAB - 1, place, &id, err));
        IAD_TRY(get_bool(item, "single_word", 0, place, &single, err));
        IAD_TRY(get_bool(item, "normalized", 0, place, &normalized, err));
        if (single) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s (\"%.60s\"): single_word is not supported", place, text);
        IAD_TRY(add_added(wp, text, (int32_t)id, normalized, err));
    }
    return IAD_OK;
}

/* ---- vocab.txt ---- */

static iad_status read_lines(iad_wordpiece *wp, const char *text, size_t n, const char *where, iad_err *err) {
    int64_t id = 0;
    for (size_t at = 0; at < n; id++) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t next = end ? (size_t)(end - text) + 1 : n, length = (end ? next - 1 : n) - at;
        if (length && text[at + length - 1] == '\r') length--;
        if (iad_utf8_valid(text + at, length) != length || memchr(text + at, 0, length))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %lld is no UTF-8 text", where, (long long)id + 1);
        IAD_TRY(add_to_vocabulary(wp, text + at, length, id, "##", where, err));
        at = next;
    }
    return IAD_OK;
}

/* ---- all together ---- */

/* A token of tokenizer_config.json: a string, or an object with "content". */
static iad_status token_name(const json_t *config, const char *key, const char *fallback, const char *where, const char **name, iad_err *err) {
    const json_t *v = json_object_get(config, key);
    if (json_is_object(v)) return iad_json_string(v, "content", where, name, err);
    return iad_json_string_opt(config, key, fallback, where, name, err);
}

static iad_status frame(iad_wordpiece *wp, const json_t *config, const char *kind, const char *unknown, int add, const char *where, iad_err *err) {
    int mpnet = !strcmp(kind, "mpnet");
    struct { const char *key, *fallback; int32_t *id; } tokens[] = {{"cls_token", mpnet ? "<s>" : "[CLS]", &wp->cls},
                                                                   {"sep_token", mpnet ? "</s>" : "[SEP]", &wp->sep},
                                                                   {"unk_token", unknown, &wp->unknown},
                                                                   {"pad_token", mpnet ? "<pad>" : "[PAD]", NULL},
                                                                   {"mask_token", mpnet ? "<mask>" : "[MASK]", NULL}};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        const char *name;
        IAD_TRY(token_name(config, tokens[i].key, tokens[i].fallback, where, &name, err));
        if (i == 2 && unknown) name = unknown; /* what the model itself says */
        if (!name) name = "[UNK]";
        int32_t id = find_text(wp, name);
        for (size_t k = 0; k < wp->n_added && id < 0; k++)
            if (!strcmp(wp->added[k].text, name)) id = wp->added[k].id;
        if (id < 0 && tokens[i].id)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the vocabulary has no piece \"%.60s\" (%s)", where, name, tokens[i].key);
        if (tokens[i].id) *tokens[i].id = id;
        if (add && id >= 0) IAD_TRY(add_added(wp, name, id, 0, err));
    }
    return IAD_OK;
}

static iad_status read_all(iad_wordpiece *wp, const iad_wordpiece_files *files, const json_t *root, const json_t *config, const char *kind,
                           const char *where, iad_err *err) {
    const char *unknown = NULL;
    int strip_known = 0;
    wp->max_word = DEFAULT_MAX_WORD;
    wp->clean = wp->ideographs = wp->lower = 1;
    if (root) {
        IAD_TRY(read_model(wp, root, where, &unknown, err));
        IAD_TRY(read_normalizer(wp, root, where, &strip_known, err));
        IAD_TRY(read_added(wp, root, where, err));
    } else IAD_TRY(read_lines(wp, files->vocab, files->n_vocab, where, err));
    if (config) {
        IAD_TRY(get_bool(config, "do_lower_case", wp->lower, where, &wp->lower, err));
        IAD_TRY(get_bool(config, "tokenize_chinese_chars", wp->ideographs, where, &wp->ideographs, err));
        if (json_is_boolean(json_object_get(config, "strip_accents"))) strip_known = 1;
        IAD_TRY(get_bool(config, "strip_accents", wp->strip, where, &wp->strip, err));
        double length = json_number_value(json_object_get(config, "model_max_length")); /* 1e30 stands for "none" */
        wp->max_length = length >= 1 && length <= 1e9 ? (int64_t)length : 0;
    }
    if (!strip_known) wp->strip = wp->lower;
    IAD_TRY(build_slots(wp, err));
    IAD_TRY(frame(wp, config, kind, unknown, root == NULL, where, err));
    finish_added(wp);
    return IAD_OK;
}

iad_status iad_wordpiece_parse(const iad_wordpiece_files *files, const char *kind, const char *where, iad_wordpiece **wordpiece, iad_err *err) {
    json_t *root = NULL, *config = NULL;
    *wordpiece = NULL;
    if (!files->tokenizer && !files->vocab) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: neither tokenizer.json nor vocab.txt", where);
    iad_wordpiece *wp = iad_calloc(1, sizeof *wp);
    if (!wp) return IAD_NOMEM(err, "a tokenizer");
    iad_status status = files->tokenizer ? iad_json_parse(files->tokenizer, files->n_tokenizer, 0, where, &root, err) : IAD_OK;
    if (status == IAD_OK && files->config) status = iad_json_parse(files->config, files->n_config, 0, where, &config, err);
    if (status == IAD_OK && ((root && !json_is_object(root)) || (config && !json_is_object(config))))
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a tokenizer's file is no object", where);
    if (status == IAD_OK) status = read_all(wp, files, root, config, kind, where, err);
    json_decref(root);
    json_decref(config);
    if (status == IAD_OK) *wordpiece = wp;
    else iad_wordpiece_free(wp);
    return status;
}

static iad_status read_if_there(const char *dir, const char *name, char **text, size_t *n, iad_err *err) {
    char path[IAD_PATH_MAX];
    uint8_t *bytes;
    IAD_TRY(iad_path_join(path, sizeof path, dir, name, err));
    if (!iad_file_exists(path)) return IAD_OK;
    IAD_TRY(iad_file_read(path, IAD_WORDPIECE_MAX_FILE, &bytes, n, err));
    *text = (char *)bytes;
    return IAD_OK;
}

iad_status iad_wordpiece_load(const char *dir, const char *kind, iad_wordpiece **wordpiece, iad_err *err) {
    char *tokenizer = NULL, *vocab = NULL, *config = NULL;
    iad_wordpiece_files files = {0};
    *wordpiece = NULL;
    iad_status status = read_if_there(dir, "tokenizer.json", &tokenizer, &files.n_tokenizer, err);
    if (status == IAD_OK && !tokenizer) status = read_if_there(dir, "vocab.txt", &vocab, &files.n_vocab, err);
    if (status == IAD_OK) status = read_if_there(dir, "tokenizer_config.json", &config, &files.n_config, err);
    files.tokenizer = tokenizer;
    files.vocab = vocab;
    files.config = config;
    if (status == IAD_OK) status = iad_wordpiece_parse(&files, kind, dir, wordpiece, err);
    free(tokenizer);
    free(vocab);
    free(config);
    return status;
}

void iad_wordpiece_free(iad_wordpiece *wp) {
    if (!wp) return;
    for (size_t i = 0; i < wp->n_added; i++) free(wp->added[i].text);
    free(wp->added);
    free(wp->text);
    free(wp->pieces);
    free(wp->slots);
    free(wp);
}

void iad_wordpiece_lower(iad_wordpiece *wp) { wp->lower = 1; }
int32_t iad_wordpiece_largest_id(const iad_wordpiece *wp) { return wp->largest_id; }
int64_t iad_wordpiece_max_length(const iad_wordpiece *wp) { return wp->max_length; }
