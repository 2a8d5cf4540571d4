#include "base/html.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

iad_status iad_html_text(iad_buf *out, const char *text, iad_err *err) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        size_t plain = iad_utf8_valid(text + i, n - i), k = 0;
        for (; k < plain; k++) {
            unsigned char c = (unsigned char)text[i + k];
            if (c < 0x20 || c == 0x7f || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'') break;
        }
        IAD_TRY(iad_buf_add(out, text + i, k, err));
        i += k;
        if (i == n) break;
        const char *as = text[i] == '&' ? "&amp;" : text[i] == '<' ? "&lt;" : text[i] == '>' ? "&gt;" : text[i] == '"' ? "&quot;"
            : text[i] == '\'' ? "&#39;" : text[i] == '\n' ? "\n" : "?";
        IAD_TRY(iad_buf_add_str(out, as, err));
        i++;
    }
    return IAD_OK;
}

iad_status iad_base64(iad_buf *out, const void *bytes, size_t n, iad_err *err) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = bytes;
    char chunk[4 * 256];
    while (n >= 3) {
        const size_t whole = n / 3 < 256 ? n / 3 : 256;
        for (size_t i = 0; i < whole; i++, p += 3) {
            const uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
            chunk[4 * i] = digits[v >> 18];
            chunk[4 * i + 1] = digits[v >> 12 & 63];
            chunk[4 * i + 2] = digits[v >> 6 & 63];
            chunk[4 * i + 3] = digits[v & 63];
        }
        n -= 3 * whole;
        IAD_TRY(iad_buf_add(out, chunk, 4 * whole, err));
    }
    if (!n) return IAD_OK;
    const uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);
    const char rest[] = {digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=', '='};
    return iad_buf_add(out, rest, sizeof rest, err);
}

iad_status iad_html_data_uri(iad_buf *out, const char *mime, const void *bytes, size_t n, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, "data:%s;base64,", mime));
    return iad_base64(out, bytes, n, err);
}
