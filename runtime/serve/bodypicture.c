#include "runtime/serve/bodypicture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/decode.h"
#include "runtime/serve/allowedfile.h"

/* ---- where pictures come from ---- */

iad_status iad_body_address(iad_body *body, const char *address, iad_source *source, iad_err *err) {
    *source = (iad_source){.address = address};
    snprintf(source->param, sizeof source->param, "%.39s", body->param);
    if (iad_text_starts(address, "data:") || iad_text_starts(address, "file://")) return IAD_OK;
    if (iad_text_starts(address, "http://") || iad_text_starts(address, "https://"))
        return iad_body_fail(body, IAD_ERR_UNSUPPORTED, err, "this server fetches no addresses; send the picture as a data: URI");
    return iad_body_fail(body, IAD_ERR_FORMAT, err, "neither a data: URI nor a file:// address");
}

static iad_status one_picture(iad_body *body, const json_t *value, const char *place, iad_source *source, iad_err *err) {
    static const char *const names[] = {"image", "name", NULL};
    const char *address = NULL, *name = NULL;
    snprintf(body->param, sizeof body->param, "%s", place);
    if (json_is_string(value)) return iad_body_address(body, json_string_value(value), source, err);
    IAD_TRY(iad_body_known(body, value, place, names, err));
    IAD_TRY(iad_body_text(body, value, place, "name", IAD_PART_MAX_NAME, &name, err));
    IAD_TRY(iad_body_text(body, value, place, "image", SIZE_MAX, &address, err));
    if (!address) return iad_body_fail(body, IAD_ERR_FORMAT, err, "is missing");
    snprintf(body->param, sizeof body->param, "%s", place);
    IAD_TRY(iad_body_address(body, address, source, err));
    source->name = name;
    return IAD_OK;
}

static iad_status from_parts(const iad_parts *parts, const char *key, iad_source *sources, size_t *n) {
    for (size_t i = 0; i < parts->n; i++) {
        const iad_part *part = &parts->items[i];
        if (!part->file || strcmp(part->field, key) != 0) continue;
        if (sources) {
            sources[*n] = (iad_source){.bytes = part->bytes, .n = part->n, .name = *part->file ? part->file : NULL};
            snprintf(sources[*n].param, sizeof sources[*n].param, "%s[%zu]", key, *n);
        }
        ++*n;
    }
    return IAD_OK;
}

iad_status iad_body_pictures(iad_body *body, const json_t *root, const iad_parts *parts, const char *key, int64_t max, iad_source **sources,
                             size_t *n, iad_err *err) {
    const json_t *list = iad_body_member(body, root, "", key);
    size_t count = 0, files = 0;
    *sources = NULL;
    *n = 0;
    if (list && !json_is_array(list)) return iad_body_fail(body, IAD_ERR_FORMAT, err, "not a list of pictures");
    if (list && parts) return iad_body_fail(body, IAD_ERR_ARG, err, "in a multipart body pictures are file parts");
    if (parts) from_parts(parts, key, NULL, &files);
    count = list ? json_array_size(list) : files;
    if (count > (size_t)max) return iad_body_fail(body, IAD_ERR_LIMIT, err, "%zu pictures, at most %lld in one request", count, (long long)max);
    if (!(*sources = iad_calloc(count, sizeof **sources))) return IAD_NOMEM(err, "the pictures");
    if (parts) return from_parts(parts, key, *sources, n);
    for (; *n < count; ++*n) {
        char place[40];
        snprintf(place, sizeof place, "%s[%zu]", key, *n);
        IAD_TRY(one_picture(body, json_array_get(list, *n), place, &(*sources)[*n], err));
    }
    return IAD_OK;
}

/* ---- their bytes ---- */

iad_status iad_base64_decode(const char *text, size_t n, iad_buf *out, iad_err *err) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int8_t value[256];
    uint8_t block[3 * 1024];
    size_t held = 0, filled = 0;
    uint32_t bits = 0;
    memset(value, -1, sizeof value);
    for (int i = 0; i < 64; i++) value[(unsigned char)alphabet[i]] = (int8_t)i;
    for (int pads = 0; n > 0 && text[n - 1] == '=' && pads < 2; pads++) n--;
    if (n % 4 == 1) return IAD_FAIL(err, IAD_ERR_FORMAT, "base64 text that ends too early");
    for (size_t i = 0; i < n; i++) {
        const int8_t v = value[(unsigned char)text[i]];
        if (v < 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "a character at %zu that is not base64", i);
        bits = bits << 6 | (uint32_t)v;
        if (++held == 4 || i + 1 == n) {
            bits <<= 6u * (unsigned)(4 - held);
            for (size_t k = 0; k + 1 < held; k++) block[filled++] = (uint8_t)(bits >> (16 - 8 * k));
            held = 0;
            bits = 0;
        }
        if (filled + 3 > sizeof block || i + 1 == n) {
            IAD_TRY(iad_buf_add(out, block, filled, err));
            filled = 0;
        }
    }
    return IAD_OK;
}

static iad_status data_uri(const char *address, const iad_serve_limits *limits, iad_buf *out, iad_err *err) {
    const char *comma = strchr(address, ',');
    if (!comma || comma - address < 12 || memcmp(comma - 7, ";base64", 7) != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "a data: URI without \";base64,\"");
    iad_buf_init(out, (size_t)limits->body_bytes);
    return iad_base64_decode(comma + 1, strlen(comma + 1), out, err);
}

static iad_status decode(const void *bytes, size_t n, const iad_serve_limits *limits, int64_t *room, iad_image *image, iad_err *err) {
    iad_image_info info;
    IAD_TRY(iad_image_probe(bytes, n, NULL, &info, err));
    const int64_t pixels = (int64_t)info.width * info.height;
    if (pixels > limits->pixels)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%lld pixels, at most %lld (--max-pixels)", (long long)pixels, (long long)limits->pixels);
    if (pixels > *room) return IAD_FAIL(err, IAD_ERR_LIMIT, "all pictures of a request together: at most %lld pixels", 4 * (long long)limits->pixels);
    *room -= pixels;
    const iad_decode_options options = {.max_pixels = (uint64_t)limits->pixels};
    return iad_image_decode(bytes, n, NULL, &options, image, NULL, err);
}

iad_status iad_source_decode(const iad_source *source, const iad_strings *roots, const iad_serve_limits *limits, int64_t *room, iad_image *image,
                             iad_err *err) {
    iad_buf bytes;
    iad_buf_init(&bytes, 0);
    *image = (iad_image){0};
    iad_status status = IAD_OK;
    if (!source->address) status = decode(source->bytes, source->n, limits, room, image, err);
    else {
        if (*source->address == 'd') status = data_uri(source->address, limits, &bytes, err);
        else status = iad_allowed_file_read(roots, source->address, (size_t)limits->body_bytes, &bytes, err);
        if (status == IAD_OK) status = decode(bytes.data, bytes.len, limits, room, image, err);
    }
    iad_buf_deinit(&bytes);
    return status == IAD_OK ? IAD_OK : iad_err_prefix(err, "%s", source->param);
}
