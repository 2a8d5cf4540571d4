#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/serve/bodypicture.h"

void iad_parts_deinit(iad_parts *parts) {
    for (size_t i = 0; i < parts->n; i++) {
        free(parts->items[i].field);
        free(parts->items[i].file);
        free(parts->items[i].bytes);
    }
    free(parts->items);
    *parts = (iad_parts){0};
}

static iad_status begin(iad_parts *parts, const char *field, const char *file, iad_err *err) {
    if (!field || !*field || strlen(field) > IAD_PART_MAX_NAME || (file && strlen(file) > IAD_PART_MAX_NAME))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "a part of a multipart body whose name is missing or longer than %d bytes", IAD_PART_MAX_NAME);
    IAD_TRY(iad_grow((void **)&parts->items, &parts->cap, parts->n + 1, sizeof *parts->items, IAD_PARTS_MAX, "parts of a multipart body", err));
    iad_part *part = &parts->items[parts->n++];
    *part = (iad_part){.field = iad_strdup(field), .file = file ? iad_strdup(file) : NULL, .bytes = iad_calloc(1, 1), .cap = 1};
    return part->field && part->bytes && (!file || part->file) ? IAD_OK : IAD_NOMEM(err, "a part");
}

/* libmicrohttpd hands a part out with no bytes when its header ends a piece of the body, and then begins it at 0 once more. */
static int announced(const iad_parts *parts, const char *field, const char *file) {
    const iad_part *last = parts->n > 0 ? &parts->items[parts->n - 1] : NULL;
    return last && last->n == 0 && field && strcmp(last->field, field) == 0 && (file ? last->file && strcmp(last->file, file) == 0 : !last->file);
}

iad_status iad_parts_take(iad_parts *parts, const char *field, const char *file, const char *bytes, uint64_t at, size_t n, size_t max, iad_err *err) {
    if (at == 0 && !(n > 0 && announced(parts, field, file))) IAD_TRY(begin(parts, field, file, err));
    if (parts->n == 0 || parts->items[parts->n - 1].n != at)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "a part of a multipart body that does not go on where it stopped");
    iad_part *part = &parts->items[parts->n - 1];
    if (parts->bytes + n > max) return IAD_FAIL(err, IAD_ERR_LIMIT, "a body of more than %zu bytes (--max-body)", max);
    IAD_TRY(iad_grow((void **)&part->bytes, &part->cap, part->n + n + 1, 1, max + 1, "bytes of a part", err));
    memcpy(part->bytes + part->n, bytes, n);
    part->n += n;
    part->bytes[part->n] = '\0';
    parts->bytes += n;
    return IAD_OK;
}

iad_status iad_parts_options(iad_body *body, const iad_parts *parts, const char *const *fields, const char **json, size_t *n, iad_err *err) {
    *json = NULL;
    for (size_t i = 0; i < parts->n; i++) {
        const iad_part *part = &parts->items[i];
        int known = 0;
        for (const char *const *field = fields; *field && part->file && !known; field++) known = strcmp(part->field, *field) == 0;
        if (known) continue;
        const size_t shown = iad_utf8_valid(part->field, strnlen(part->field, 60));
        memcpy(body->param, part->field, shown);
        body->param[shown] = '\0';
        if (strcmp(part->field, "options") != 0)
            return iad_body_fail(body, IAD_ERR_ARG, err, part->file ? "no file part of that name is wanted" : "the only text part is \"options\"");
        if (*json) return iad_body_fail(body, IAD_ERR_ARG, err, "given twice");
        *json = part->bytes;
        *n = part->n;
    }
    if (!*json) {
        *json = "{}";
        *n = 2;
    }
    return IAD_OK;
}
