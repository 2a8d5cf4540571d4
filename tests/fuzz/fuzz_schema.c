/* Schemas of constrained answers: the first line is the schema, the rest steers a walk of random bytes. Whatever the
 * schema, an answer that the automaton calls whole is JSON, and the shortest completion of any beginning is whole. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/engine/constrain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static iad_constrain_vocab *byte_vocab(void) {
    uint8_t bytes[256];
    iad_token_bytes tokens[257];
    const int32_t eos = 256;
    iad_constrain_vocab *vocab = NULL;
    for (int b = 0; b < 256; b++) {
        bytes[b] = (uint8_t)b;
        tokens[b] = (iad_token_bytes){&bytes[b], 1};
    }
    tokens[256] = (iad_token_bytes){NULL, 0};
    if (iad_constrain_vocab_new(tokens, 257, &eos, 1, &vocab, NULL) != IAD_OK) abort();
    return vocab;
}

static void walk(const iad_constrain_vocab *vocab, const iad_constraint *constraint, const uint8_t *steer, size_t n, size_t flags) {
    iad_matcher *matcher = NULL;
    iad_err err = IAD_ERR_NONE;
    iad_buf text;
    iad_buf_init(&text, 1u << 20);
    if (iad_matcher_new(vocab, constraint, iad_constraint_shortest(constraint) + (int64_t)(n / 2), &matcher, &err) !=
        IAD_OK)
        abort();
    for (size_t i = 0; i < n && i < 300 && !iad_matcher_done(matcher); i++) {
        const uint64_t *mask = iad_matcher_mask(matcher);
        int id = steer[i], tries = 0;
        while (!(mask[id / 64] >> (id % 64) & 1) && tries++ < 256) id = (id + 1) % 256;
        if (tries > 256) break; /* only the end of text is allowed */
        const char byte = (char)id;
        if (iad_matcher_accept(matcher, id, &err) != IAD_OK || iad_buf_add(&text, &byte, 1, &err) != IAD_OK) abort();
    }
    if (iad_matcher_shortest(matcher, &text, &err) != IAD_OK) abort();
    if (iad_constraint_check(constraint, iad_buf_str(&text), text.len) != 1) abort();
    json_t *value = json_loadb(iad_buf_str(&text), text.len, JSON_DECODE_ANY | flags, NULL);
    if (!value) abort();
    json_decref(value);
    iad_matcher_free(matcher);
    iad_buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_constraint *constraint = NULL;
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    const size_t n = line ? (size_t)(line - data) : size;
    if (iad_constraint_json((const char *)data, n, &constraint, &err) != IAD_OK)
        return constraint != NULL || err.msg[0] == 0 ? abort(), 0 : 0;
    if (iad_constraint_shortest(constraint) < 1) abort();
    if (iad_constraint_shortest(constraint) < 20000) {
        iad_constrain_vocab *vocab = byte_vocab();
        walk(vocab, constraint, data + n, size - n, memmem(data, n, "additional", 10) ? 0 : JSON_REJECT_DUPLICATES); /* free names may come twice */
        iad_constrain_vocab_free(vocab);
    }
    iad_constraint_free(constraint);
    return 0;
}
