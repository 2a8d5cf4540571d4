#include <string.h>

#include "runtime/token/tokenizer_internal.h"

void iad_tokenizer_sha256(const iad_tokenizer *tok, uint8_t digest[IAD_SHA256_BYTES]) {
    memcpy(digest, tok->digest, IAD_SHA256_BYTES);
}

int32_t iad_tokenizer_size(const iad_tokenizer *tok) { return tok->size; }

int32_t iad_tokenizer_id(const iad_tokenizer *tok, const char *text) { return iad_tokenizer_id_bytes(tok, text, strlen(text)); }

const char *iad_tokenizer_bytes(const iad_tokenizer *tok, int32_t id, size_t *n) {
    if (id < 0 || id >= tok->size) {
        *n = 0;
        return "";
    }
    *n = tok->offset[id + 1] - tok->offset[id];
    return *n ? (const char *)tok->arena + tok->offset[id] : "";
}

static int has(const iad_tokenizer *tok, int32_t id, int flag) { return id >= 0 && id < tok->size && (tok->flags[id] & flag); }

int iad_tokenizer_is_added(const iad_tokenizer *tok, int32_t id) { return has(tok, id, IAD_TOKEN_IS_ADDED); }
int iad_tokenizer_is_special(const iad_tokenizer *tok, int32_t id) { return has(tok, id, IAD_TOKEN_IS_SPECIAL); }

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Hands out what the held bytes settle; with `last` nothing more follows. */
static iad_status settle(iad_token_stream *stream, int last, iad_buf *out, iad_err *err) {
    while (stream->n_tail) {
        uint32_t cp;
        iad_utf8_state state;
        size_t n = iad_utf8_next(stream->tail, (size_t)stream->n_tail, &cp, &state);
        if (state == IAD_UTF8_CUT && !last) return IAD_OK;
        IAD_TRY(state == IAD_UTF8_OK ? iad_buf_add(out, stream->tail, n, err) : iad_buf_add(out, REPLACEMENT, 3, err));
        stream->n_tail -= (int)n;
        memmove(stream->tail, stream->tail + n, (size_t)stream->n_tail);
    }
    return IAD_OK;
}

static iad_status add_bytes(iad_token_stream *stream, const uint8_t *bytes, size_t n, iad_buf *out, iad_err *err) {
    for (size_t i = 0; i < n;) {
        size_t plain = i;
        while (!stream->n_tail && plain < n && bytes[plain] < 0x80) plain++;
        if (plain > i) {
            IAD_TRY(iad_buf_add(out, bytes + i, plain - i, err));
            i = plain;
            continue;
        }
        stream->tail[stream->n_tail++] = bytes[i++];
        IAD_TRY(settle(stream, 0, out, err));
    }
    return IAD_OK;
}

iad_status iad_token_stream_add(iad_token_stream *stream, const iad_tokenizer *tok, int32_t id, iad_buf *out, iad_err *err) {
    if (stream->skip_special && iad_tokenizer_is_special(tok, id)) return IAD_OK;
    size_t n;
    const char *bytes = iad_tokenizer_bytes(tok, id, &n);
    return add_bytes(stream, (const uint8_t *)bytes, n, out, err);
}

iad_status iad_token_stream_end(iad_token_stream *stream, iad_buf *out, iad_err *err) { return settle(stream, 1, out, err); }

iad_status iad_tokenizer_decode(const iad_tokenizer *tok, const int32_t *ids, size_t n, int skip_special, iad_buf *out,
                                iad_err *err) {
    iad_token_stream stream = {.skip_special = skip_special};
    for (size_t i = 0; i < n; i++) IAD_TRY(iad_token_stream_add(&stream, tok, ids[i], out, err));
    return iad_token_stream_end(&stream, out, err);
}
