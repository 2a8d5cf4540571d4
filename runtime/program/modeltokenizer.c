#include "runtime/program/modeltokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/program/builtin_words.h"
#include "runtime/token/bpe_train.h"
#include "runtime/token/tokenizer.h"

enum { MAX_BUILTIN_BASE = 8192, N_BASE_BYTES = 256 };

/* Places of the added tokens that a config can name, in Qwen's order of 22. */
enum { END_OF_TEXT = 0, IM_START = 1, IM_END = 2, VISION_START = 9, VISION_END = 10, VISION_PAD = 11, IMAGE_PAD = 12, VIDEO_PAD = 13 };

static const char *const added_names[] = {[END_OF_TEXT] = "<|endoftext|>", [IM_START] = "<|im_start|>", [IM_END] = "<|im_end|>",
                                          [VISION_START] = "<|vision_start|>", [VISION_END] = "<|vision_end|>", [VISION_PAD] = "<|vision_pad|>",
                                          [IMAGE_PAD] = "<|image_pad|>", [VIDEO_PAD] = "<|video_pad|>"};

/* id[i] of added token i as the config says, -1 where it says nothing. */
static void named_ids(const iad_model_config *config, int id[IAD_BPE_ADDED]) {
    for (int i = 0; i < IAD_BPE_ADDED; i++) id[i] = -1;
    const iad_token_ids *t = &config->ids;
    id[IMAGE_PAD] = t->image;
    id[VIDEO_PAD] = t->video;
    id[VISION_START] = t->vision_start;
    id[VISION_END] = t->vision_end;
    id[VISION_PAD] = t->vision_pad;
    if (t->n_eos > 0) id[IM_END] = t->eos[0];
    if (t->n_eos > 1) id[END_OF_TEXT] = t->eos[1];
    else if (t->bos >= 0 && t->bos != id[IM_END]) id[END_OF_TEXT] = t->bos;
}

/* All ids: the named ones, then the rest in order into what is free behind the lowest named id. -1: left out. */
static iad_status place_ids(const iad_model_config *config, int id[IAD_BPE_ADDED], int *lowest, iad_err *err) {
    named_ids(config, id);
    *lowest = config->text.vocab;
    for (int i = 0; i < IAD_BPE_ADDED; i++) {
        if (id[i] < 0) continue;
        if (id[i] >= config->text.vocab)
            return IAD_FAIL(err, IAD_ERR_ARG, "token %s has id %d, the vocabulary only %d", added_names[i], id[i], config->text.vocab);
        for (int k = 0; k < i; k++)
            if (id[k] == id[i])
                return IAD_FAIL(err, IAD_ERR_ARG, "config.json gives %s and %s the same id %d", added_names[k], added_names[i], id[i]);
        if (id[i] < *lowest) *lowest = id[i];
    }
    /* <|im_start|> is in no config; the chat template needs it, so it is placed before the optional ones. */
    static const int order[] = {IM_START, IM_END, END_OF_TEXT, VISION_START, VISION_END, IMAGE_PAD, VIDEO_PAD, VISION_PAD};
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < (pass ? IAD_BPE_ADDED : (int)(sizeof order / sizeof *order)); k++) {
            int i = pass ? k : order[k], at = *lowest;
            if (id[i] >= 0) continue;
            /* Where Qwen's own order leaves this token's place free, it takes it. */
            int own = id[IM_END] - IM_END + i, taken = own < *lowest || own >= config->text.vocab;
            for (int j = 0; j < IAD_BPE_ADDED; j++) taken |= id[j] == own;
            if (!taken) {
                id[i] = own;
                continue;
            }
            for (int clash = 1; clash && at < config->text.vocab; at += clash) {
                clash = 0;
                for (int j = 0; j < IAD_BPE_ADDED; j++) clash |= id[j] == at;
            }
            if (at < config->text.vocab) id[i] = at;
        }
    for (int k = 0; k < 6; k++)
        if (id[order[k]] < 0)
            return IAD_FAIL(err, IAD_ERR_ARG, "the vocabulary of %d has no room for the chat's control tokens behind id %d", config->text.vocab,
                            *lowest);
    if (*lowest < N_BASE_BYTES)
        return IAD_FAIL(err, IAD_ERR_ARG, "the lowest special id of config.json is %d; 256 are needed for the bytes below it", *lowest);
    return IAD_OK;
}

/* ---- rewriting the written files ---- */

static iad_status save_json(const json_t *root, const char *path, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, (size_t)1 << 30);
    iad_status status = iad_json_pretty(root, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}

/* New id of the added token whose trained id is `old`; -1 when it is left out. */
static int moved_id(const int id[IAD_BPE_ADDED], int base, int64_t old) { return old >= base && old < base + IAD_BPE_ADDED ? id[old - base] : -1; }

static int by_id(const void *a, const void *b) {
    const json_t *const *x = a, *const *y = b;
    json_int_t i = json_integer_value(json_object_get(*x, "id")), k = json_integer_value(json_object_get(*y, "id"));
    return i < k ? -1 : i > k;
}

static iad_status move_tokenizer_json(const char *dir, int base, const int id[IAD_BPE_ADDED], iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, dir, "tokenizer.json", err));
    json_t *root = NULL, *added = NULL, *kept = json_array();
    json_t *sorted[IAD_BPE_ADDED];
    int n = 0;
    iad_status status = iad_json_load(path, 0, &root, err);
    if (status == IAD_OK) status = iad_json_array(root, "added_tokens", path, &added, err);
    for (size_t i = 0; status == IAD_OK && i < json_array_size(added); i++) {
        json_t *entry = json_array_get(added, i);
        int to = moved_id(id, base, json_integer_value(json_object_get(entry, "id")));
        if (to < 0 || n == IAD_BPE_ADDED) continue;
        if (json_object_set_new(entry, "id", json_integer(to)) != 0) status = IAD_NOMEM(err, "tokenizer.json");
        sorted[n++] = entry;
    }
    if (status == IAD_OK) {
        qsort(sorted, (size_t)n, sizeof *sorted, by_id);
        for (int i = 0; i < n && status == IAD_OK; i++)
            if (json_array_append(kept, sorted[i]) != 0) status = IAD_NOMEM(err, "tokenizer.json");
    }
    if (status == IAD_OK && json_object_set(root, "added_tokens", kept) != 0) status = IAD_NOMEM(err, "tokenizer.json");
    if (status == IAD_OK) status = save_json(root, path, err);
    json_decref(kept);
    json_decref(root);
    return status;
}

static iad_status move_config_json(const char *dir, int base, const int id[IAD_BPE_ADDED], iad_err *err) {
    char path[IAD_PATH_MAX], key[16];
    IAD_TRY(iad_path_join(path, sizeof path, dir, "tokenizer_config.json", err));
    json_t *root = NULL, *decoder = NULL, *moved = json_object();
    iad_status status = iad_json_load(path, 0, &root, err);
    if (status == IAD_OK) status = iad_json_object(root, "added_tokens_decoder", path, &decoder, err);
    for (int i = 0; status == IAD_OK && i < IAD_BPE_ADDED; i++) {
        snprintf(key, sizeof key, "%d", base + i);
        json_t *entry = json_object_get(decoder, key);
        if (!entry || id[i] < 0) continue;
        snprintf(key, sizeof key, "%d", id[i]);
        if (json_object_set(moved, key, entry) != 0) status = IAD_NOMEM(err, "tokenizer_config.json");
    }
    if (status == IAD_OK && json_object_set(root, "added_tokens_decoder", moved) != 0) status = IAD_NOMEM(err, "tokenizer_config.json");
    if (status == IAD_OK) status = save_json(root, path, err);
    json_decref(moved);
    json_decref(root);
    return status;
}

/* ---- training ---- */

static iad_status run(iad_bpe_train *train, int64_t vocab, int64_t min_count, const iad_strings *files, const iad_strings *words, iad_err *err) {
    /* Answers and the words of the maps: single tokens make scores and maps what the paper means. */
    static const char *const ours[] = {"Yes", "No", " normal", " defect", " abnormal"};
    enum { N_OURS = sizeof ours / sizeof *ours };
    size_t n = words ? words->n : 0;
    const char **all = iad_alloc(n + N_OURS, sizeof *all);
    if (!all) return IAD_NOMEM(err, "the words");
    for (int i = 0; i < N_OURS; i++) all[i] = ours[i];
    for (size_t i = 0; i < n; i++) all[N_OURS + i] = words->items[i];
    iad_status status = IAD_OK;
    int builtin = !files || files->n == 0;
    if (builtin) {
        iad_buf text;
        iad_buf_init(&text, (size_t)1 << 24);
        status = iad_builtin_text(&text, err);
        if (status == IAD_OK) status = iad_bpe_train_add(train, text.data, text.len, err);
        iad_buf_deinit(&text);
    }
    for (size_t i = 0; !builtin && i < files->n && status == IAD_OK; i++) status = iad_bpe_train_add_file(train, files->items[i], err);
    iad_bpe_options options = {.vocab_size = (int32_t)vocab, .min_count = (uint32_t)(min_count ? min_count : builtin ? 1 : 2), .words = all,
                               .n_words = n + N_OURS};
    if (status == IAD_OK) status = iad_bpe_train_run(train, &options, err);
    free((void *)all);
    return status;
}

iad_status iad_model_tokenizer_train(const iad_model_config *config, int64_t vocab, int64_t min_count, const iad_strings *files,
                                     const iad_strings *words, const char *dir, iad_model_tokenizer_info *info, iad_err *err) {
    int id[IAD_BPE_ADDED], lowest = 0;
    int64_t wanted = vocab;
    if (config) {
        IAD_TRY(place_ids(config, id, &lowest, err));
        int64_t most = lowest;
        if ((!files || files->n == 0) && most > MAX_BUILTIN_BASE) most = MAX_BUILTIN_BASE; /* the built-in text has not many more pairs */
        wanted = most + IAD_BPE_ADDED;
        if (vocab && vocab < wanted) wanted = vocab;
    }
    iad_bpe_train *train = NULL;
    IAD_TRY(iad_bpe_train_new(&train, err));
    iad_status status = run(train, wanted, min_count, files, words, err);
    if (status == IAD_OK) status = iad_bpe_train_write(train, dir, err);
    int base = iad_bpe_train_size(train) - IAD_BPE_ADDED;
    iad_bpe_train_free(train);
    *info = (iad_model_tokenizer_info){.base = base, .size = base + IAD_BPE_ADDED};
    if (status != IAD_OK || !config) return status;
    for (int i = 0; i < IAD_BPE_ADDED; i++) info->moved |= id[i] != base + i;
    if (!info->moved) return IAD_OK;
    info->size = 0;
    for (int i = 0; i < IAD_BPE_ADDED; i++)
        if (id[i] >= info->size) info->size = id[i] + 1;
    IAD_TRY(move_config_json(dir, base, id, err));
    return move_tokenizer_json(dir, base, id, err);
}

iad_status iad_model_tokenizer_fits(const iad_model_config *config, const char *dir, int *fits, char *why, size_t n_why, iad_err *err) {
    iad_tokenizer *tok = NULL;
    *fits = 1;
    IAD_TRY(iad_tokenizer_load(dir, &tok, err));
    int id[IAD_BPE_ADDED];
    named_ids(config, id);
    if (iad_tokenizer_size(tok) > config->text.vocab) {
        *fits = 0;
        snprintf(why, n_why, "it has %d ids, the model's vocabulary only %d rows", iad_tokenizer_size(tok), config->text.vocab);
    }
    for (int i = 0; i < IAD_BPE_ADDED && *fits; i++) {
        if (id[i] < 0 || i == END_OF_TEXT) continue;
        int32_t have = iad_tokenizer_id(tok, added_names[i]);
        if (have == id[i] || (have < 0 && (i == VIDEO_PAD || i == VISION_PAD))) continue;
        *fits = 0;
        snprintf(why, n_why, "%s is token %d in config.json and %d in the tokenizer", added_names[i], id[i], have);
    }
    iad_tokenizer_free(tok);
    return IAD_OK;
}
