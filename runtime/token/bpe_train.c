#include "runtime/token/bpe_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/token/bpe_train_internal.h"

/* ---- different strings ---- */

static uint64_t hash_bytes(const uint8_t *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325u ^ n;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h ^ h >> 31;
}

static iad_status strings_grow(iad_bpe_strings *strings, iad_err *err) {
    size_t size = strings->slots ? 2 * (strings->mask + 1) : 1024;
    uint32_t *slots = iad_calloc(size, sizeof *slots);
    if (!slots) return IAD_NOMEM(err, "pieces");
    for (size_t k = 0; k < strings->n; k++) {
        size_t n = strings->offset[k + 1] - strings->offset[k];
        size_t i = hash_bytes(strings->arena + strings->offset[k], n) & (size - 1);
        while (slots[i]) i = (i + 1) & (size - 1);
        slots[i] = (uint32_t)k + 1;
    }
    free(strings->slots);
    strings->slots = slots;
    strings->mask = size - 1;
    return IAD_OK;
}

iad_status iad_bpe_strings_add(iad_bpe_strings *strings, const uint8_t *bytes, size_t n, uint32_t *number, iad_err *err) {
    if (!strings->slots || 2 * (strings->n + 1) > strings->mask + 1) IAD_TRY(strings_grow(strings, err));
    size_t i = hash_bytes(bytes, n) & strings->mask;
    for (; strings->slots[i]; i = (i + 1) & strings->mask) {
        size_t k = strings->slots[i] - 1;
        if (strings->offset[k + 1] - strings->offset[k] == n && !memcmp(strings->arena + strings->offset[k], bytes, n)) {
            *number = (uint32_t)k;
            return IAD_OK;
        }
    }
    IAD_TRY(iad_grow((void **)&strings->offset, &strings->cap_offset, strings->n + 2, sizeof *strings->offset,
                     IAD_BPE_MAX_PIECES, "different pieces", err));
    IAD_TRY(iad_grow((void **)&strings->arena, &strings->cap_arena, strings->used + n, 1, (size_t)UINT32_MAX, "bytes of pieces", err));
    strings->offset[strings->n] = strings->used;
    if (n) memcpy(strings->arena + strings->used, bytes, n);
    strings->used += n;
    strings->offset[strings->n + 1] = strings->used;
    *number = (uint32_t)strings->n++;
    strings->slots[i] = *number + 1;
    return IAD_OK;
}

void iad_bpe_strings_deinit(iad_bpe_strings *strings) {
    free(strings->arena);
    free(strings->offset);
    free(strings->slots);
    memset(strings, 0, sizeof *strings);
}

/* ---- texts ---- */

iad_status iad_bpe_train_new(iad_bpe_train **train, iad_err *err) {
    *train = NULL;
    iad_bpe_train *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, "a trainer");
    iad_status status = iad_token_classes_init(&made->classes, err);
    if (status == IAD_OK) *train = made;
    else free(made);
    return status;
}

void iad_bpe_train_free(iad_bpe_train *train) {
    if (!train) return;
    iad_token_classes_deinit(&train->classes);
    iad_token_text_deinit(&train->text);
    iad_bpe_strings_deinit(&train->pieces);
    iad_bpe_strings_deinit(&train->tokens);
    free(train->counts);
    free(train->rules);
    free(train);
}

iad_status iad_bpe_train_add(iad_bpe_train *train, const char *text, size_t n, iad_err *err) {
    IAD_TRY(iad_token_normalise(&train->classes, (const uint8_t *)text, n, 1, &train->text, err));
    const uint8_t *data = train->text.data;
    for (size_t at = 0, next = 0; at < train->text.n; at = next) {
        next = iad_pretok_qwen2(&train->classes, data, at, train->text.n);
        if (next - at > IAD_BPE_MAX_PIECE) continue;
        uint32_t number;
        size_t before = train->pieces.n;
        IAD_TRY(iad_bpe_strings_add(&train->pieces, data + at, next - at, &number, err));
        IAD_TRY(iad_grow((void **)&train->counts, &train->cap_counts, train->pieces.n, sizeof *train->counts, IAD_BPE_MAX_PIECES + 1,
                         "different pieces", err));
        if (number == before) train->counts[number] = 0;
        train->counts[number]++;
    }
    return IAD_OK;
}

iad_status iad_bpe_train_add_file(iad_bpe_train *train, const char *path, iad_err *err) {
    uint8_t *data;
    size_t n;
    IAD_TRY(iad_file_read(path, IAD_TOKEN_MAX_TEXT, &data, &n, err));
    iad_status status = iad_bpe_train_add(train, (const char *)data, n, err);
    free(data);
    return status;
}

/* ---- the result ---- */

iad_status iad_bpe_rule_add(iad_bpe_train *train, int32_t left, int32_t right, iad_err *err) {
    const iad_bpe_strings *tokens = &train->tokens;
    size_t a = tokens->offset[left + 1] - tokens->offset[left], b = tokens->offset[right + 1] - tokens->offset[right];
    uint8_t joined[2 * IAD_BPE_MAX_PIECE];
    if (a + b > sizeof joined) return IAD_FAIL(err, IAD_ERR_LIMIT, "a token of %zu bytes", a + b);
    memcpy(joined, tokens->arena + tokens->offset[left], a);
    memcpy(joined + a, tokens->arena + tokens->offset[right], b);
    uint32_t merged;
    IAD_TRY(iad_bpe_strings_add(&train->tokens, joined, a + b, &merged, err));
    IAD_TRY(iad_grow((void **)&train->rules, &train->cap_rules, train->n_rules + 1, sizeof *train->rules, 4 * IAD_BPE_MAX_VOCAB,
                     "merges", err));
    train->rules[train->n_rules++] = (iad_bpe_rule){left, right, (int32_t)merged};
    return IAD_OK;
}

static iad_status add_bytes(iad_bpe_train *train, iad_err *err) {
    for (int printable = 1; printable >= 0; printable--)
        for (int b = 0; b < 256; b++) {
            uint8_t byte = (uint8_t)b;
            uint32_t number;
            if ((iad_token_char_of(byte) == byte) == printable) IAD_TRY(iad_bpe_strings_add(&train->tokens, &byte, 1, &number, err));
        }
    return IAD_OK;
}

/* Cuts the result down to its first n_rules rules. */
static iad_status keep_rules(iad_bpe_train *train, const iad_bpe_rule *rules, size_t n_rules, iad_err *err) {
    iad_bpe_strings_deinit(&train->tokens);
    train->n_rules = 0;
    IAD_TRY(add_bytes(train, err));
    for (size_t i = 0; i < n_rules; i++) IAD_TRY(iad_bpe_rule_add(train, rules[i].left, rules[i].right, err));
    return IAD_OK;
}

/* Rules behind all others that make the word one token: its first two parts are joined until one is left. A rule of the lowest
 * priority changes nothing in words that were one token before. */
static iad_status make_whole(iad_bpe_train *train, const char *word, iad_bpe_table *table, iad_bpe_work *work, iad_err *err) {
    int32_t ids[IAD_BPE_MAX_PIECE];
    size_t length = strlen(word);
    for (;;) {
        size_t n = length;
        for (size_t i = 0; i < length; i++) {
            uint32_t id;
            uint8_t byte = (uint8_t)word[i];
            IAD_TRY(iad_bpe_strings_add(&train->tokens, &byte, 1, &id, err));
            ids[i] = (int32_t)id;
        }
        IAD_TRY(iad_bpe_merge(table, work, ids, &n, err));
        if (n == 1) return IAD_OK;
        IAD_TRY(iad_bpe_rule_add(train, ids[0], ids[1], err));
        const iad_bpe_rule *rule = &train->rules[train->n_rules - 1];
        IAD_TRY(iad_bpe_table_add(table, ids[0], ids[1], (uint32_t)train->n_rules, rule->merged, err));
    }
}

static iad_status make_words(iad_bpe_train *train, const iad_bpe_options *options, iad_err *err) {
    iad_bpe_table table;
    iad_bpe_work work = {0};
    IAD_TRY(iad_bpe_table_init(&table, train->n_rules + 64, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < train->n_rules && status == IAD_OK; i++)
        status = iad_bpe_table_add(&table, train->rules[i].left, train->rules[i].right, (uint32_t)i, train->rules[i].merged, err);
    for (size_t i = 0; i < options->n_words && status == IAD_OK; i++) status = make_whole(train, options->words[i], &table, &work, err);
    iad_bpe_table_deinit(&table);
    iad_bpe_work_deinit(&work);
    return status;
}

static iad_status check_word(iad_bpe_train *train, const char *word, iad_err *err) {
    size_t n = strlen(word);
    if (!n || n > IAD_BPE_MAX_PIECE) return IAD_FAIL(err, IAD_ERR_ARG, "the word \"%.60s\" has %zu bytes", word, n);
    IAD_TRY(iad_token_normalise(&train->classes, (const uint8_t *)word, n, 1, &train->text, err));
    if (train->text.n_changes) return IAD_FAIL(err, IAD_ERR_ARG, "the word \"%.60s\" is not in NFC", word);
    if (iad_pretok_qwen2(&train->classes, train->text.data, 0, n) != n)
        return IAD_FAIL(err, IAD_ERR_ARG, "\"%.60s\" cannot be one token: the pattern cuts it", word);
    return IAD_OK;
}

iad_status iad_bpe_train_run(iad_bpe_train *train, const iad_bpe_options *options, iad_err *err) {
    if (options->vocab_size < IAD_BPE_MIN_VOCAB || options->vocab_size > IAD_BPE_MAX_VOCAB)
        return IAD_FAIL(err, IAD_ERR_ARG, "vocabulary of %d: between %d and %d", options->vocab_size, IAD_BPE_MIN_VOCAB, IAD_BPE_MAX_VOCAB);
    for (size_t i = 0; i < options->n_words; i++) IAD_TRY(check_word(train, options->words[i], err));
    size_t target = (size_t)options->vocab_size - IAD_BPE_ADDED;
    train->done = 0;
    IAD_TRY(keep_rules(train, NULL, 0, err));
    IAD_TRY(iad_bpe_learn(train, target, options->min_count ? options->min_count : 2, err));
    size_t n = train->n_rules, keep = n;
    iad_bpe_rule *learned = iad_alloc(n, sizeof *learned);
    if (!learned) return IAD_NOMEM(err, "merges");
    if (n) memcpy(learned, train->rules, n * sizeof *learned);
    iad_status status = make_words(train, options, err);
    /* Too many with the words: learned rules give way from the end. */
    while (status == IAD_OK && train->tokens.n > target) {
        size_t over = train->tokens.n - target;
        if (!keep) status = IAD_FAIL(err, IAD_ERR_ARG, "a vocabulary of %d is too small for the words", options->vocab_size);
        keep = over < keep ? keep - over : 0;
        if (status == IAD_OK) status = keep_rules(train, learned, keep, err);
        if (status == IAD_OK) status = make_words(train, options, err);
    }
    free(learned);
    train->done = status == IAD_OK;
    return status;
}

int32_t iad_bpe_train_size(const iad_bpe_train *train) { return train->done ? (int32_t)train->tokens.n + IAD_BPE_ADDED : 0; }
