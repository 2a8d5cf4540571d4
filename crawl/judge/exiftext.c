#include "crawl/judge/exiftext.h"

#include <string.h>

#include "base/image/decode.h"
#include "base/text.h"

static uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t le32(const uint8_t *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* ---- where the block is ---- */

static const uint8_t *in_jpeg(const uint8_t *p, size_t n, size_t *size) {
    for (size_t at = 2; at + 4 <= n && p[at] == 0xff;) {
        uint8_t marker = p[at + 1];
        if (marker == 0xff) {
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) return NULL;
        size_t length = (size_t)p[at + 2] << 8 | p[at + 3];
        if (length < 2 || length > n - at - 2) return NULL;
        if (marker == 0xe1 && length >= 8 && !memcmp(p + at + 4, "Exif\0\0", 6)) {
            *size = length - 8;
            return p + at + 10;
        }
        at += 2 + length;
    }
    return NULL;
}

static const uint8_t *in_png(const uint8_t *p, size_t n, size_t *size) {
    for (size_t at = 8; at + 12 <= n;) {
        size_t length = be32(p + at);
        if (length > n - at - 12) return NULL;
        if (!memcmp(p + at + 4, "eXIf", 4)) {
            *size = length;
            return p + at + 8;
        }
        at += 12 + length;
    }
    return NULL;
}

static const uint8_t *in_webp(const uint8_t *p, size_t n, size_t *size) {
    for (size_t at = 12; at + 8 <= n;) {
        size_t length = le32(p + at + 4);
        if (length > n - at - 8) return NULL;
        if (!memcmp(p + at, "EXIF", 4)) {
            const uint8_t *block = p + at + 8;
            int prefixed = length >= 6 && !memcmp(block, "Exif\0\0", 6);
            *size = length - (prefixed ? 6 : 0);
            return block + (prefixed ? 6 : 0);
        }
        at += 8 + length + (length & 1);
    }
    return NULL;
}

/* ---- what it says ---- */

static void copy_text(char out[IAD_EXIF_TEXT], const uint8_t *text, size_t n) {
    const uint8_t *end = memchr(text, 0, n);
    if (end) n = (size_t)(end - text);
    if (n > IAD_EXIF_TEXT - 1) n = IAD_EXIF_TEXT - 1;
    size_t kept = 0, valid = iad_utf8_valid((const char *)text, n);
    for (size_t i = 0; i < n; i++) out[kept++] = text[i] < 0x20 || text[i] == 0x7f || (text[i] >= 0x80 && i >= valid) ? ' ' : (char)text[i];
    while (kept && out[kept - 1] == ' ') kept--;
    out[kept] = 0;
}

static void read_directory(const uint8_t *p, size_t n, iad_exif_text *text) {
    if (n < 8) return;
    int little = p[0] == 'I' && p[1] == 'I';
    if (!little && !(p[0] == 'M' && p[1] == 'M')) return;
    uint32_t (*read32)(const uint8_t *) = little ? le32 : be32;
    size_t at = read32(p + 4);
    if (at > n - 2 || n < 2) return;
    size_t count = little ? (size_t)p[at] | (size_t)p[at + 1] << 8 : (size_t)p[at] << 8 | p[at + 1];
    at += 2;
    for (size_t i = 0; i < count && at + 12 <= n; i++, at += 12) {
        const uint8_t *e = p + at;
        unsigned tag = little ? e[0] | (unsigned)e[1] << 8 : (unsigned)e[0] << 8 | e[1];
        unsigned type = little ? e[2] | (unsigned)e[3] << 8 : (unsigned)e[2] << 8 | e[3];
        size_t length = read32(e + 4), from = read32(e + 8);
        char *out = tag == 0x010f   ? text->maker
                    : tag == 0x0110 ? text->model
                    : tag == 0x0131 ? text->software
                    : tag == 0x013b ? text->artist
                    : tag == 0x8298 ? text->copyright
                                    : NULL;
        if (!out || type != 2 || length == 0) continue;
        if (length <= 4) copy_text(out, e + 8, length);
        else if (from < n && length <= n - from) copy_text(out, p + from, length);
    }
}

void iad_exif_text_read(const void *file, size_t n, iad_exif_text *text) {
    size_t size = 0;
    const uint8_t *block = NULL;
    memset(text, 0, sizeof *text);
    switch (iad_image_sniff(file, n)) {
    case IAD_IMAGE_JPEG: block = in_jpeg(file, n, &size); break;
    case IAD_IMAGE_PNG: block = in_png(file, n, &size); break;
    case IAD_IMAGE_WEBP: block = in_webp(file, n, &size); break;
    case IAD_IMAGE_BMP:
    case IAD_IMAGE_UNKNOWN: break;
    }
    if (block) read_directory(block, size, text);
}
