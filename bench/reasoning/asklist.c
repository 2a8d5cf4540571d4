#include "bench/reasoning/asklist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/textargs.h"

void iad_asks_deinit(iad_asks *asks) {
    free(asks->items);
    iad_arena_deinit(&asks->arena);
    iad_strings_deinit(&asks->notes);
    *asks = (iad_asks){0};
}

iad_status iad_asks_add(iad_asks *asks, const iad_ask *ask, iad_err *err) {
    void *block = asks->items;
    IAD_TRY(iad_grow(&block, &asks->cap, asks->n + 1, sizeof *asks->items, IAD_ASK_MAX, "questions", err));
    asks->items = block;
    asks->items[asks->n] = *ask;
    if (!asks->items[asks->n].lead) asks->items[asks->n].lead = "";
    if (!asks->items[asks->n].middle) asks->items[asks->n].middle = "";
    asks->missing += ask->path == NULL;
    asks->n++;
    return IAD_OK;
}

iad_status iad_asks_text(iad_asks *asks, const char *text, const char **out, iad_err *err) {
    *out = text ? iad_arena_str(&asks->arena, text) : NULL;
    return !text || *out ? IAD_OK : IAD_NOMEM(err, "a question");
}

iad_status iad_asks_textf(iad_asks *asks, iad_err *err, const char **out, const char *fmt, ...) {
    iad_buf text;
    va_list ap;
    iad_buf_init(&text, 8u * IAD_ASK_MAX_TEXT);
    va_start(ap, fmt);
    iad_status status = iad_buf_vaddf(&text, err, fmt, ap);
    va_end(ap);
    if (status == IAD_OK) status = iad_asks_text(asks, iad_buf_str(&text), out, err);
    iad_buf_deinit(&text);
    return status;
}

iad_status iad_asks_note(iad_asks *asks, iad_err *err, const char *fmt, ...) {
    char text[1024];
    IAD_TEXT_OF_ARGS(text, fmt);
    return iad_strings_add(&asks->notes, text, err);
}

static int by_id(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

iad_status iad_asks_check(const iad_asks *asks, iad_err *err) {
    const char **ids = iad_alloc(asks->n, sizeof *ids);
    if (!ids) return IAD_NOMEM(err, "the questions");
    for (size_t i = 0; i < asks->n; i++) ids[i] = asks->items[i].id;
    qsort(ids, asks->n, sizeof *ids, by_id);
    iad_status status = IAD_OK;
    for (size_t i = 1; i < asks->n && status == IAD_OK; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0) status = IAD_FAIL(err, IAD_ERR_FORMAT, "two questions have the id \"%.200s\"", ids[i]);
    free(ids);
    return status;
}

static iad_status try_file(iad_asks *asks, const char *root, const char *folder, const char *listed, const char **path, iad_err *err) {
    char full[IAD_PATH_MAX];
    int n = snprintf(full, sizeof full, "%s/%s%s%s", root, folder, *folder ? "/" : "", listed);
    if (n < 0 || (size_t)n >= sizeof full || !iad_file_exists(full) || iad_file_is_dir(full) || !iad_path_inside(root, full)) return IAD_OK;
    return iad_asks_text(asks, full, path, err);
}

iad_status iad_asks_locate(iad_asks *asks, const char *root, const char *const *folders, const char *listed, const char **path, iad_err *err) {
    *path = NULL;
    while (iad_text_starts(listed, "./")) listed += 2;
    if (!iad_path_safe(listed)) return IAD_OK;
    const char *slash = strchr(listed, '/');
    for (const char *const *f = folders; *f && !*path; f++) IAD_TRY(try_file(asks, root, *f, listed, path, err));
    for (const char *const *f = folders; *f && !*path && slash; f++) IAD_TRY(try_file(asks, root, *f, slash + 1, path, err));
    return IAD_OK;
}

/* Every field with its NUL, so that no two lists share their bytes. */
static iad_status add(iad_sha256 *hash, const char *text, iad_err *err) {
    text = text ? text : "";
    return iad_sha256_add(hash, text, strlen(text) + 1, err);
}

static iad_status add_ask(iad_sha256 *hash, const iad_asks *asks, const iad_ask *a, iad_err *err) {
    const char *const fields[] = {a->id, a->image, a->kind, a->lead, a->middle, a->text, a->previous >= 0 ? asks->items[a->previous].id : ""};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) IAD_TRY(add(hash, fields[i], err));
    for (size_t i = 0; i < a->n_shown; i++) IAD_TRY(add(hash, a->shown[i], err));
    return add(hash, "", err);
}

iad_status iad_asks_key(const iad_asks *asks, char hex[65], iad_err *err) {
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < asks->n && status == IAD_OK; i++) status = add_ask(&hash, asks, &asks->items[i], err);
    return iad_sha256_end_hex(&hash, status, hex, err);
}
