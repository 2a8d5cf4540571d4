#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/token/tokenizer_internal.h"

/* ---- bytes as characters (the map of GPT-2) ---- */

int iad_token_byte_of(uint32_t cp) {
    if ((cp >= 33 && cp <= 126) || (cp >= 161 && cp <= 172) || (cp >= 174 && cp <= 255)) return (int)cp;
    if (cp < 256 || cp >= 256 + 68) return -1;
    uint32_t k = cp - 256; /* the bytes without a printable character, in order: 0-32, 127-160, 173 */
    return (int)(k <= 32 ? k : k <= 66 ? k + 94 : 173);
}

uint32_t iad_token_char_of(uint8_t byte) {
    if (byte <= 32) return 256u + byte;
    if (byte >= 127 && byte <= 160) return 256u + byte - 94u;
    return byte == 173 ? 256u + 67u : byte;
}

/* Bytes of a vocabulary entry; one with a character outside the map stands for itself. */
static size_t plain_bytes(const char *text, size_t n, uint8_t *to) {
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        iad_utf8_state state;
        i += iad_utf8_next((const uint8_t *)text + i, n - i, &cp, &state);
        int byte = state == IAD_UTF8_OK ? iad_token_byte_of(cp) : -1;
        if (byte < 0) {
            memcpy(to, text, n);
            return n;
        }
        to[count++] = (uint8_t)byte;
    }
    return count;
}

/* ---- finding by bytes ---- */

static uint64_t hash_bytes(const void *bytes, size_t n) {
    uint64_t h = 0xcbf29ce484222325u ^ n;
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

/* Hash from the strings of the file to the place in set->vocab, only while loading. */
typedef struct name_index {
    uint32_t *slots; /* place + 1 */
    size_t mask;
    const iad_token_spec *vocab;
} name_index;

static uint32_t *name_slot(const name_index *index, const char *text, size_t n) {
    for (size_t i = hash_bytes(text, n) & index->mask;; i = (i + 1) & index->mask) {
        uint32_t at = index->slots[i];
        if (!at) return &index->slots[i];
        const iad_token_spec *spec = &index->vocab[at - 1];
        if (spec->n == n && !memcmp(spec->text, text, n)) return &index->slots[i];
    }
}

static iad_status name_index_init(name_index *index, const iad_token_spec_set *set, const char *name, iad_err *err) {
    size_t size = 16;
    while (size < 2 * set->n_vocab) size *= 2;
    index->slots = iad_calloc(size, sizeof *index->slots);
    if (!index->slots) return IAD_NOMEM(err, "vocabulary");
    index->mask = size - 1;
    index->vocab = set->vocab;
    for (size_t i = 0; i < set->n_vocab; i++) {
        uint32_t *slot = name_slot(index, set->vocab[i].text, set->vocab[i].n);
        if (*slot) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: token \"%.60s\" occurs twice", name, set->vocab[i].text);
        *slot = (uint32_t)i + 1;
    }
    return IAD_OK;
}

int32_t iad_tokenizer_id_bytes(const iad_tokenizer *tok, const char *bytes, size_t n) {
    for (size_t i = hash_bytes(bytes, n) & tok->by_bytes_mask;; i = (i + 1) & tok->by_bytes_mask) {
        int32_t id = tok->by_bytes[i];
        if (id < 0) return -1;
        size_t length = tok->offset[id + 1] - tok->offset[id];
        if (length == n && !memcmp(tok->arena + tok->offset[id], bytes, n)) return id;
    }
}

static iad_status index_by_bytes(iad_tokenizer *tok, iad_err *err) {
    size_t size = 16;
    while (size < 2 * (size_t)tok->size) size *= 2;
    tok->by_bytes = iad_alloc(size, sizeof *tok->by_bytes);
    if (!tok->by_bytes) return IAD_NOMEM(err, "vocabulary");
    memset(tok->by_bytes, 0xFF, size * sizeof *tok->by_bytes);
    tok->by_bytes_mask = size - 1;
    /* Added tokens first: they win where the bytes are equal. */
    for (int added = 1; added >= 0; added--)
        for (int32_t id = 0; id < tok->size; id++) {
            if (!(tok->flags[id] & IAD_TOKEN_IS_THERE) || ((tok->flags[id] & IAD_TOKEN_IS_ADDED) != 0) != added) continue;
            const uint8_t *bytes = tok->arena + tok->offset[id];
            size_t n = tok->offset[id + 1] - tok->offset[id];
            if (iad_tokenizer_id_bytes(tok, (const char *)bytes, n) >= 0) continue;
            size_t i = hash_bytes(bytes, n) & tok->by_bytes_mask;
            while (tok->by_bytes[i] >= 0) i = (i + 1) & tok->by_bytes_mask;
            tok->by_bytes[i] = id;
        }
    return IAD_OK;
}

/* ---- added tokens ---- */

static int compare_added(const void *a, const void *b) {
    const iad_token_added *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = memcmp(x->bytes, y->bytes, n);
    if (order) return order;
    return x->n != y->n ? (x->n < y->n ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

static void added_set_finish(iad_token_added_set *set) {
    if (set->n) qsort(set->items, set->n, sizeof *set->items, compare_added);
    for (size_t i = 0; i < set->n; i++) set->first[set->items[i].bytes[0]] = 1;
}

const iad_token_added *iad_token_added_find(const iad_token_added_set *set, const uint8_t *text, size_t at, size_t n) {
    const iad_token_added *found = NULL;
    size_t lo = 0, hi = set->n; /* the tokens whose first `depth` bytes are equal to the text's */
    for (size_t depth = 0; lo < hi && at + depth < n; depth++) {
        uint8_t byte = text[at + depth];
        size_t a = lo, b = hi;
        while (a < b) { /* first token with a byte >= ours; a token that ends here counts as less */
            size_t m = a + (b - a) / 2;
            if (set->items[m].n <= depth || set->items[m].bytes[depth] < byte) a = m + 1;
            else b = m;
        }
        lo = a;
        b = hi;
        while (a < b) {
            size_t m = a + (b - a) / 2;
            if (set->items[m].bytes[depth] <= byte) a = m + 1;
            else b = m;
        }
        hi = a;
        if (lo < hi && set->items[lo].n == depth + 1) found = &set->items[lo];
    }
    return found;
}

/* ---- putting it together ---- */

static iad_status check_id(const iad_token_spec *spec, const char *name, iad_err *err) {
    if (spec->id < 0 || spec->id >= IAD_TOKEN_MAX_VOCAB)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: token \"%.60s\": id %d is not in 0..%d", name, spec->text, spec->id,
                        IAD_TOKEN_MAX_VOCAB - 1);
    if (!spec->n || spec->n > IAD_TOKEN_MAX_BYTES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: token %d has %zu bytes", name, spec->id, spec->n);
    return IAD_OK;
}

static iad_status place_tokens(iad_tokenizer *tok, const iad_token_spec_set *set, const char *name, iad_err *err) {
    size_t total = 0;
    for (size_t i = 0; i < set->n_vocab + set->n_added; i++) {
        const iad_token_spec *spec = i < set->n_vocab ? &set->vocab[i] : &set->added[i - set->n_vocab];
        IAD_TRY(check_id(spec, name, err));
        if (spec->id >= tok->size) tok->size = spec->id + 1;
        total += spec->n;
    }
    if (total > UINT32_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: vocabulary of %zu bytes", name, total);
    const iad_token_spec **by_id = iad_calloc((size_t)tok->size, sizeof *by_id);
    tok->arena = iad_alloc(total + 8, 1);
    tok->offset = iad_calloc((size_t)tok->size + 1, sizeof *tok->offset);
    tok->flags = iad_calloc((size_t)tok->size, 1);
    iad_status status = by_id && tok->arena && tok->offset && tok->flags ? IAD_OK : IAD_NOMEM(err, "vocabulary");
    for (size_t i = 0; i < set->n_vocab && status == IAD_OK; i++) {
        const iad_token_spec *spec = &set->vocab[i];
        if (by_id[spec->id])
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tokens \"%.60s\" and \"%.60s\" share id %d", name, by_id[spec->id]->text,
                              spec->text, spec->id);
        by_id[spec->id] = spec;
    }
    for (size_t i = 0; i < set->n_added && status == IAD_OK; i++) {
        const iad_token_spec *spec = &set->added[i], *old = by_id[spec->id];
        if (old && (old->n != spec->n || memcmp(old->text, spec->text, spec->n) || (tok->flags[spec->id] & IAD_TOKEN_IS_ADDED)))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: added token \"%.60s\" has the id %d of \"%.60s\"", name, spec->text, spec->id,
                              old->text);
        by_id[spec->id] = spec;
        tok->flags[spec->id] = (uint8_t)(IAD_TOKEN_IS_ADDED | (spec->special ? IAD_TOKEN_IS_SPECIAL : 0) |
                                         (spec->normalised ? IAD_TOKEN_IS_NORMALISED : 0));
    }
    uint32_t at = 0;
    for (int32_t id = 0; id < tok->size && status == IAD_OK; id++) {
        tok->offset[id] = at;
        if (!by_id[id]) continue;
        if (tok->flags[id] & IAD_TOKEN_IS_ADDED) {
            memcpy(tok->arena + at, by_id[id]->text, by_id[id]->n);
            at += (uint32_t)by_id[id]->n;
        } else {
            at += (uint32_t)plain_bytes(by_id[id]->text, by_id[id]->n, tok->arena + at);
        }
        tok->flags[id] |= IAD_TOKEN_IS_THERE;
    }
    if (status == IAD_OK) tok->offset[tok->size] = at;
    free(by_id);
    return status;
}

static iad_status place_merges(iad_tokenizer *tok, const iad_token_spec_set *set, const name_index *index, const char *name,
                               iad_err *err) {
    char joined[2 * IAD_TOKEN_MAX_BYTES];
    for (size_t i = 0; i < set->n_merges; i++) {
        const iad_token_pair *pair = &set->merges[i];
        if (pair->n_left > IAD_TOKEN_MAX_BYTES || pair->n_right > IAD_TOKEN_MAX_BYTES)
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: merge %zu is too long", name, i);
        memcpy(joined, pair->left, pair->n_left);
        memcpy(joined + pair->n_left, pair->right, pair->n_right);
        uint32_t left = *name_slot(index, pair->left, pair->n_left), right = *name_slot(index, pair->right, pair->n_right);
        uint32_t both = *name_slot(index, joined, pair->n_left + pair->n_right);
        if (!left || !right || !both)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: merge %zu: \"%.60s\" is not in the vocabulary", name, i,
                            !left ? pair->left : !right ? pair->right : "the two together");
        /* Hugging Face lets a later one win; no trainer writes one. */
        iad_status status = iad_bpe_table_add(&tok->merges, set->vocab[left - 1].id, set->vocab[right - 1].id, (uint32_t)i,
                                              set->vocab[both - 1].id, err);
        if (status == IAD_ERR_EXISTS)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: merge %zu (\"%.60s\" \"%.60s\") repeats an earlier one", name, i, pair->left,
                            pair->right);
        IAD_TRY(status);
    }
    for (int byte = 0; byte < 256; byte++) {
        uint32_t c = iad_token_char_of((uint8_t)byte);
        char text[3] = {(char)c, 0, 0};
        if (c >= 0x80) {
            text[0] = (char)(0xC0 | c >> 6);
            text[1] = (char)(0x80 | (c & 63));
        }
        uint32_t at = *name_slot(index, text, strlen(text));
        if (!at) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the vocabulary lacks the token of byte 0x%02x", name, (unsigned)byte);
        tok->byte_id[byte] = set->vocab[at - 1].id;
    }
    return IAD_OK;
}

static iad_status place_added(iad_tokenizer *tok, const iad_token_spec_set *set, iad_err *err) {
    size_t total = 0;
    tok->raw.items = iad_calloc(set->n_added, sizeof *tok->raw.items);
    tok->normalised.items = iad_calloc(set->n_added, sizeof *tok->normalised.items);
    for (size_t i = 0; i < set->n_added; i++) total += 4 * set->added[i].n;
    tok->normalised_arena = iad_alloc(total, 1);
    if (!tok->raw.items || !tok->normalised.items || !tok->normalised_arena) return IAD_NOMEM(err, "added tokens");
    size_t used = 0;
    iad_token_text text = {0};
    iad_status status = IAD_OK;
    for (size_t i = 0; i < set->n_added && status == IAD_OK; i++) {
        const iad_token_spec *spec = &set->added[i];
        if (!spec->normalised || !tok->nfc) {
            tok->raw.items[tok->raw.n++] = (iad_token_added){tok->arena + tok->offset[spec->id], spec->n, spec->id};
            continue;
        }
        status = iad_token_normalise(&tok->classes, (const uint8_t *)spec->text, spec->n, 1, &text, err);
        if (status == IAD_OK && used + text.n > total) status = IAD_FAIL(err, IAD_ERR_LIMIT, "added token %d grows too much", spec->id);
        if (status != IAD_OK) break;
        memcpy(tok->normalised_arena + used, text.data, text.n);
        tok->normalised.items[tok->normalised.n++] = (iad_token_added){tok->normalised_arena + used, text.n, spec->id};
        used += text.n;
    }
    iad_token_text_deinit(&text);
    added_set_finish(&tok->raw);
    added_set_finish(&tok->normalised);
    return status;
}

static iad_status hash_u32(iad_sha256 *hash, uint32_t v, iad_err *err) {
    uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    return iad_sha256_add(hash, bytes, 4, err);
}

static int compare_rank(const void *a, const void *b) {
    const iad_bpe_slot *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static iad_status digest_all(const iad_tokenizer *tok, const char *pattern, const iad_bpe_slot *merges, iad_sha256 *hash,
                             iad_err *err) {
    IAD_TRY(iad_sha256_add(hash, "iad tokenizer 1", 16, err));
    IAD_TRY(hash_u32(hash, (uint32_t)tok->nfc, err));
    IAD_TRY(hash_u32(hash, (uint32_t)strlen(pattern), err));
    IAD_TRY(iad_sha256_add(hash, pattern, strlen(pattern), err));
    IAD_TRY(hash_u32(hash, (uint32_t)tok->size, err));
    for (int32_t id = 0; id < tok->size; id++) {
        uint32_t n = tok->offset[id + 1] - tok->offset[id];
        IAD_TRY(hash_u32(hash, n, err));
        IAD_TRY(hash_u32(hash, tok->flags[id], err));
        IAD_TRY(iad_sha256_add(hash, tok->arena + tok->offset[id], n, err));
    }
    IAD_TRY(hash_u32(hash, (uint32_t)tok->merges.n, err));
    for (size_t i = 0; i < tok->merges.n; i++) {
        IAD_TRY(hash_u32(hash, (uint32_t)merges[i].left, err));
        IAD_TRY(hash_u32(hash, (uint32_t)merges[i].right, err));
        IAD_TRY(hash_u32(hash, (uint32_t)merges[i].merged, err));
    }
    return IAD_OK;
}

static iad_status make_digest(iad_tokenizer *tok, const char *pattern, iad_err *err) {
    iad_bpe_slot *merges = iad_alloc(tok->merges.n, sizeof *merges);
    if (!merges) return IAD_NOMEM(err, "merges");
    size_t n = 0;
    for (size_t i = 0; i <= tok->merges.mask; i++)
        if (tok->merges.slots[i].left >= 0) merges[n++] = tok->merges.slots[i];
    if (n) qsort(merges, n, sizeof *merges, compare_rank);
    iad_sha256 hash;
    iad_status status = iad_sha256_init(&hash, err);
    if (status == IAD_OK) {
        status = digest_all(tok, pattern, merges, &hash, err);
        status = iad_sha256_end(&hash, status, tok->digest, err);
    }
    free(merges);
    return status;
}

static iad_status build(iad_tokenizer *tok, const iad_token_spec_set *set, name_index *index, const char *name, iad_err *err) {
    if (set->n_vocab > IAD_TOKEN_MAX_VOCAB || set->n_merges > IAD_TOKEN_MAX_VOCAB || set->n_added > IAD_TOKEN_MAX_ADDED)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more tokens or merges than %d", name, IAD_TOKEN_MAX_VOCAB);
    tok->nfc = set->nfc;
    if (strcmp(set->pattern, IAD_PRETOK_QWEN2) != 0) {
        iad_status status = iad_pretok_regex_new(set->pattern, &tok->regex, err);
        if (status != IAD_OK) {
            iad_err_prefix(err, "%s", name);
            return status;
        }
    }
    IAD_TRY(iad_token_classes_init(&tok->classes, err));
    IAD_TRY(place_tokens(tok, set, name, err));
    IAD_TRY(name_index_init(index, set, name, err));
    IAD_TRY(iad_bpe_table_init(&tok->merges, set->n_merges, err));
    IAD_TRY(place_merges(tok, set, index, name, err));
    IAD_TRY(place_added(tok, set, err));
    IAD_TRY(index_by_bytes(tok, err));
    return make_digest(tok, set->pattern, err);
}

iad_status iad_tokenizer_build(const iad_token_spec_set *set, const char *name, iad_tokenizer **tok, iad_err *err) {
    *tok = NULL;
    iad_tokenizer *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, "a tokenizer");
    name_index index = {0};
    iad_status status = build(made, set, &index, name, err);
    free(index.slots);
    if (status == IAD_OK) *tok = made;
    else iad_tokenizer_free(made);
    return status;
}

void iad_tokenizer_free(iad_tokenizer *tok) {
    if (!tok) return;
    iad_token_classes_deinit(&tok->classes);
    iad_bpe_table_deinit(&tok->merges);
    iad_pretok_regex_free(tok->regex);
    free(tok->arena);
    free(tok->offset);
    free(tok->flags);
    free(tok->by_bytes);
    free(tok->raw.items);
    free(tok->normalised.items);
    free(tok->normalised_arena);
    free(tok);
}
