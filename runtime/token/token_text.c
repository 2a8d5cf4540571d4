#include "runtime/token/token_text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "runtime/token/tokenizer.h"

size_t iad_utf8_next(const uint8_t *p, size_t n, uint32_t *cp, iad_utf8_state *state) {
    uint8_t b = p[0], lo = 0x80, hi = 0xBF;
    size_t need;
    *state = IAD_UTF8_OK;
    if (b < 0x80) {
        *cp = b;
        return 1;
    }
    if (b >= 0xC2 && b <= 0xDF) {
        need = 1;
        *cp = b & 31;
    } else if (b >= 0xE0 && b <= 0xEF) {
        need = 2;
        *cp = b & 15;
        if (b == 0xE0) lo = 0xA0;
        if (b == 0xED) hi = 0x9F;
    } else if (b >= 0xF0 && b <= 0xF4) {
        need = 3;
        *cp = b & 7;
        if (b == 0xF0) lo = 0x90;
        if (b == 0xF4) hi = 0x8F;
    } else {
        *cp = 0xFFFD;
        *state = IAD_UTF8_BROKEN;
        return 1;
    }
    for (size_t i = 1; i <= need; i++) {
        if (i == n || p[i] < lo || p[i] > hi) {
            *cp = 0xFFFD;
            *state = i == n ? IAD_UTF8_CUT : IAD_UTF8_BROKEN;
            return i;
        }
        *cp = *cp << 6 | (p[i] & 63);
        lo = 0x80;
        hi = 0xBF;
    }
    return need + 1;
}

void iad_token_text_deinit(iad_token_text *text) {
    free(text->buffer);
    free(text->changes);
    free(text->points);
    free(text->sorted);
    memset(text, 0, sizeof *text);
}

/* Space for `more` bytes behind text->n of the buffer, and one: the buffer is never NULL afterwards. */
static iad_status reserve(iad_token_text *text, size_t more, iad_err *err) {
    return iad_grow((void **)&text->buffer, &text->cap, text->n + more + 1, 1, (size_t)IAD_TOKEN_MAX_TEXT + 1, "bytes of normalised text", err);
}

static iad_status add_point(iad_token_text *text, size_t *n, int32_t cp, iad_err *err) {
    IAD_TRY(iad_grow((void **)&text->points, &text->cap_points, *n + 1, sizeof *text->points, IAD_TOKEN_MAX_TEXT,
                     "code points of one stretch", err));
    text->points[(*n)++] = cp;
    return IAD_OK;
}

/* Canonical ordering (UAX 15, D109): a stable sort by combining class of every run of marks. Counting, so that a million marks
 * on one letter cost no more than on many. */
static iad_status order_marks(iad_token_text *text, size_t n, iad_err *err) {
    for (size_t i = 0; i < n;) {
        if (!utf8proc_get_property(text->points[i])->combining_class) {
            i++;
            continue;
        }
        size_t end = i, start[257] = {0};
        int sorted = 1, before = 0;
        for (; end < n; end++) {
            int c = utf8proc_get_property(text->points[end])->combining_class & 255;
            if (!c) break;
            if (c < before) sorted = 0;
            before = c;
            start[c + 1]++;
        }
        if (!sorted) {
            IAD_TRY(iad_grow((void **)&text->sorted, &text->cap_sorted, end - i, sizeof *text->sorted, IAD_TOKEN_MAX_TEXT,
                             "code points of one stretch", err));
            for (int c = 0; c < 256; c++) start[c + 1] += start[c];
            for (size_t k = i; k < end; k++) {
                int c = utf8proc_get_property(text->points[k])->combining_class & 255;
                text->sorted[start[c]++] = text->points[k];
            }
            memcpy(text->points + i, text->sorted, (end - i) * sizeof *text->points);
        }
        i = end;
    }
    return IAD_OK;
}

/* Normalises in[begin, end), which begins and ends at boundaries that no composition crosses, and appends it. */
static iad_status stretch(const uint8_t *in, size_t begin, size_t end, int nfc, iad_token_text *text, iad_err *err) {
    size_t n = 0;
    for (size_t i = begin; i < end;) {
        uint32_t cp;
        iad_utf8_state state;
        i += iad_utf8_next(in + i, end - i, &cp, &state);
        if (!nfc) {
            IAD_TRY(add_point(text, &n, (int32_t)cp, err));
            continue;
        }
        int32_t parts[32];
        int boundary = 0;
        utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)cp, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
        if (count < 1 || count > 32) return IAD_FAIL(err, IAD_ERR_INTERNAL, "U+%04X does not decompose", (unsigned)cp);
        for (utf8proc_ssize_t k = 0; k < count; k++) IAD_TRY(add_point(text, &n, parts[k], err));
    }
    if (nfc) {
        IAD_TRY(order_marks(text, n, err));
        utf8proc_ssize_t count = utf8proc_normalize_utf32(text->points, (utf8proc_ssize_t)n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        if (count < 0) return IAD_FAIL(err, IAD_ERR_INTERNAL, "composition failed: %s", utf8proc_errmsg(count));
        n = (size_t)count;
    }
    if (n > IAD_TOKEN_MAX_TEXT / 4) return IAD_FAIL(err, IAD_ERR_LIMIT, "normalised text is too long");
    IAD_TRY(reserve(text, 4 * n, err));
    size_t at = text->n;
    for (size_t k = 0; k < n; k++)
        text->n += (size_t)utf8proc_encode_char(text->points[k], text->buffer + text->n);
    if (text->n - at == end - begin && !memcmp(text->buffer + at, in + begin, end - begin)) return IAD_OK;
    IAD_TRY(iad_grow((void **)&text->changes, &text->cap_changes, text->n_changes + 1, sizeof *text->changes, IAD_TOKEN_MAX_TEXT,
                     "changes of the text", err));
    text->changes[text->n_changes++] =
        (iad_token_change){(uint32_t)begin, (uint32_t)end, (uint32_t)at, (uint32_t)text->n};
    return IAD_OK;
}

iad_status iad_token_normalise(const iad_token_classes *classes, const uint8_t *in, size_t n, int nfc, iad_token_text *text,
                               iad_err *err) {
    if (n > IAD_TOKEN_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "text of %zu bytes: more than %u", n, IAD_TOKEN_MAX_TEXT);
    size_t copied = 0;  /* in[0, copied) is in the buffer */
    size_t starter = 0; /* the last boundary: a character that composes with nothing before it */
    text->n = 0;
    text->n_changes = 0;
    for (size_t i = 0; i < n;) {
        uint64_t eight;
        while (i + 8 <= n && (memcpy(&eight, in + i, 8), !(eight & 0x8080808080808080u))) starter = (i += 8) - 1;
        if (i >= n) break;
        if (in[i] < 0x80) {
            starter = i++;
            continue;
        }
        uint32_t cp;
        iad_utf8_state state;
        size_t length = iad_utf8_next(in + i, n - i, &cp, &state);
        int unsafe = nfc && (iad_token_class(classes, cp) & IAD_CP_UNSAFE);
        if (state == IAD_UTF8_OK && !unsafe) {
            starter = i;
            i += length;
            continue;
        }
        if (!unsafe) starter = i; /* U+FFFD starts a stretch of its own */
        size_t end = i + length;
        while (end < n && nfc) { /* all that may hang together with it */
            length = iad_utf8_next(in + end, n - end, &cp, &state);
            if (!(iad_token_class(classes, cp) & IAD_CP_UNSAFE)) break;
            end += length;
        }
        if (starter < copied) starter = copied;
        IAD_TRY(reserve(text, starter - copied, err));
        memcpy(text->buffer + text->n, in + copied, starter - copied);
        text->n += starter - copied;
        IAD_TRY(stretch(in, starter, end, nfc, text, err));
        copied = starter = i = end;
    }
    if (!text->n_changes) {
        text->data = in;
        text->n = n;
        return IAD_OK;
    }
    IAD_TRY(reserve(text, n - copied, err));
    memcpy(text->buffer + text->n, in + copied, n - copied);
    text->n += n - copied;
    text->data = text->buffer;
    return IAD_OK;
}

void iad_token_map_back(const iad_token_text *text, size_t begin, size_t end, size_t *hint, uint32_t *in_begin, uint32_t *in_end) {
    size_t k = *hint;
    while (k < text->n_changes && text->changes[k].out_end <= begin) k++;
    *hint = k;
    /* Positions after change k - 1 are shifted by what the changes so far added. */
    int64_t shift = k ? (int64_t)text->changes[k - 1].in_end - text->changes[k - 1].out_end : 0;
    *in_begin = k < text->n_changes && text->changes[k].out_begin <= begin ? text->changes[k].in_begin
                                                                          : (uint32_t)((int64_t)begin + shift);
    while (k < text->n_changes && text->changes[k].out_end < end) k++;
    if (k < text->n_changes && text->changes[k].out_begin < end) {
        *in_end = text->changes[k].in_end;
    } else {
        shift = k ? (int64_t)text->changes[k - 1].in_end - text->changes[k - 1].out_end : 0;
        *in_end = (uint32_t)((int64_t)end + shift);
    }
}
