/* Bodies that a server is sent. The first byte chooses: a chat, an inspection, an exemplar set, an addition to one, a stored set, or the parts of a
 * multipart body. What is taken must lie within the limits, and its pictures must decode or fail with a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/serve/bodychat.h"
#include "runtime/serve/bodyinspect.h"
#include "runtime/serve/setfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const iad_serve_limits limits = {.body_bytes = 1 << 16, .images = 4, .calibration_images = 5, .pixels = 10000, .answer_tokens = 100,
                                        .prompt_tokens = 100};

static void decode(const iad_source *sources, size_t n) {
    const iad_strings roots = {0};
    int64_t room = 4 * limits.pixels;
    for (size_t i = 0; i < n; i++) {
        iad_image image;
        iad_err err = IAD_ERR_NONE;
        if (sources[i].address && *sources[i].address != 'd' && *sources[i].address != 'f') abort();
        const iad_status status = iad_source_decode(&sources[i], &roots, &limits, &room, &image, &err);
        if (status == IAD_OK && (int64_t)image.width * image.height > limits.pixels) abort();
        if (status != IAD_OK && (image.px || !*err.msg)) abort();
        iad_image_deinit(&image);
    }
    if (room < 0) abort();
}

static void check(iad_status status, const iad_body *body, const iad_err *err) {
    if (strlen(body->param) >= sizeof body->param) abort();
    if (status != IAD_OK && !*err->msg) abort();
}

static void chat(const char *json, size_t n) {
    iad_body body = {.param = ""};
    iad_chat_body c;
    iad_err err = IAD_ERR_NONE;
    const iad_status status = iad_chat_body_read(&body, json, n, "m", &limits, &c, &err);
    check(status, &body, &err);
    if (status == IAD_OK) {
        if (c.n_sources > (size_t)limits.images || c.generate.max_tokens > limits.answer_tokens || c.n_messages < 1) abort();
        decode(c.sources, c.n_sources);
    }
    iad_chat_body_deinit(&c);
}

static void inspect(const char *json, size_t n, const iad_parts *parts) {
    iad_body body = {.param = ""};
    iad_inspect_body in;
    iad_err err = IAD_ERR_NONE;
    const iad_status status = iad_inspect_body_read(&body, json, n, parts, &limits, &in, &err);
    check(status, &body, &err);
    if (status == IAD_OK) {
        if (in.n_images < 1 || in.n_images > (size_t)limits.images || in.n_good > IAD_MAX_GOOD) abort();
        decode(in.images, in.n_images);
        decode(in.good, in.n_good);
    }
    iad_inspect_body_deinit(&in);
}

static void set(const char *json, size_t n, const iad_parts *parts, int addition) {
    iad_body body = {.param = ""};
    iad_set_body b;
    iad_err err = IAD_ERR_NONE;
    const iad_status status = iad_set_body_read(&body, json, n, parts, addition, &limits, &b, &err);
    check(status, &body, &err);
    if (status == IAD_OK &&
        (b.n_images > IAD_MAX_GOOD || b.n_calibration > (size_t)limits.calibration_images || !b.category || (!addition && !b.name)))
        abort();
    iad_set_body_deinit(&b);
}

static void stored(const char *json, size_t n) {
    iad_set s, again;
    iad_err err = IAD_ERR_NONE;
    iad_buf text;
    if (iad_set_read(json, n, "fuzz", &s, &err) != IAD_OK) {
        if (s.name || s.scores) abort();
        return;
    }
    iad_buf_init(&text, 1 << 26);
    if (iad_set_write(&s, &text, &err) != IAD_OK || iad_set_read(text.data, text.len, "fuzz", &again, &err) != IAD_OK) abort();
    if (strcmp(s.id, again.id) != 0 || s.n_scores != again.n_scores) abort();
    iad_set_clear(&again);
    iad_set_clear(&s);
    iad_buf_deinit(&text);
}

/* Records of: field (4 bits), file or text, begins or goes on, length; then so many bytes. */
static void multipart(const uint8_t *data, size_t size) {
    static const char *const fields[] = {"options", "images", "good", "calibration", "other", ""};
    iad_parts parts = {0};
    uint64_t at = 0;
    while (size >= 2) {
        const size_t n = data[1] < size - 2 ? data[1] : size - 2;
        if (data[0] & 128) at = 0;
        if (iad_parts_take(&parts, fields[(data[0] & 15) % 6], data[0] & 64 ? "a.png" : NULL, (const char *)data + 2, at, n, 1 << 12, NULL) != IAD_OK)
            break;
        at += n;
        data += 2 + n;
        size -= 2 + n;
    }
    for (size_t i = 0; i < parts.n; i++)
        if (parts.items[i].bytes[parts.items[i].n] != '\0') abort();
    inspect(NULL, 0, &parts);
    set(NULL, 0, &parts, 0);
    set(NULL, 0, &parts, 1);
    iad_parts_deinit(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    const char *json = (const char *)data + 1;
    switch (*data) {
        case 'c': chat(json, size - 1); break;
        case 'i': inspect(json, size - 1, NULL); break;
        case 's': set(json, size - 1, NULL, 0); break;
        case 'a': set(json, size - 1, NULL, 1); break;
        case 'f': stored(json, size - 1); break;
        default: multipart(data + 1, size - 1); break;
    }
    return 0;
}
