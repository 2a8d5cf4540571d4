#include "tests/endpoint/endpointbatch.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

typedef struct stored {
    char name[96];
    char *bytes; /* NULL: deleted */
    size_t n;
} stored;

typedef struct batch {
    int input, output, errors; /* files; -1: none */
    double made;
    const char *end; /* how it will end */
    char why[200];   /* of a failed one */
    int lines, good, bad, worked, cancelled;
} batch;

struct iad_ep_batches {
    iad_ep_rules rules;
    iad_ep_batch_hooks hooks;
    double seconds;
    const iad_strings *ends;
    stored files[IAD_EP_MAX_FILES];
    batch items[IAD_EP_MAX_FILES];
    int n_files, n_items;
    int64_t number; /* of answers */
};

iad_status iad_ep_batches_new(const iad_ep_rules *rules, const iad_ep_batch_hooks *hooks, double seconds, const iad_strings *ends,
                              iad_ep_batches **batches, iad_err *err) {
    iad_ep_batches *b = *batches = iad_calloc(1, sizeof *b);
    if (!b) return IAD_NOMEM(err, "batches");
    b->rules = *rules;
    b->hooks = *hooks;
    b->seconds = seconds;
    b->ends = ends;
    return IAD_OK;
}

void iad_ep_batches_free(iad_ep_batches *b) {
    for (int i = 0; b && i < b->n_files; i++) free(b->files[i].bytes);
    free(b);
}

static int store(iad_ep_batches *b, const char *name, char *bytes, size_t n) {
    if (b->n_files == IAD_EP_MAX_FILES || !bytes) return free(bytes), -1;
    iad_text_copy(b->files[b->n_files].name, sizeof b->files->name, name);
    b->files[b->n_files].bytes = bytes;
    b->files[b->n_files].n = n;
    return b->n_files++;
}

/* ---- working ---- */

static iad_status put_line(iad_buf *out, const char *custom_id, int64_t number, int status, const iad_buf *body, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, "{\"id\":\"batch_req_%lld\",\"custom_id\":", (long long)number));
    IAD_TRY(iad_json_quote(custom_id, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"response\":{\"status_code\":%d,\"request_id\":\"req-%lld\",\"body\":", status, (long long)number));
    if (body->len && *body->data == '{')
        IAD_TRY(iad_buf_add(out, body->data, body->len, err));
    else
        IAD_TRY(iad_buf_add_str(out, "{}", err));
    return iad_buf_add_str(out, "},\"error\":null}\n", err);
}

static iad_status work_line(iad_ep_batches *b, batch *item, const char *custom_id, const json_t *body, iad_buf *good, iad_buf *bad, iad_err *err) {
    iad_ep_work work;
    int fault;
    char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) return IAD_NOMEM(err, "a line");
    iad_buf answer;
    iad_buf_init(&answer, IAD_EP_MAX_BODY);
    iad_status status = iad_ep_work_read(&b->rules, text, strlen(text), &work, &fault, err);
    if (status == IAD_ERR_FORMAT) fault = iad_ep_kind_find("parameter"), status = IAD_OK;
    free(text);
    iad_ep_batch_line line = {.custom_id = custom_id, .work = &work, .kind = fault >= 0 ? fault : b->hooks.draw(b->hooks.user, work.body)};
    const int refused = line.kind >= 0 && iad_ep_kinds[line.kind].family < IAD_EP_FLOW;
    if (status == IAD_OK && refused)
        status = iad_ep_error_body(&iad_ep_kinds[line.kind], b->number, &answer, err);
    else if (status == IAD_OK)
        status = iad_ep_work_answer(&b->rules, &work, line.kind, b->number, &answer, &line.completion, err);
    if (status == IAD_OK)
        status = put_line(refused ? bad : good, custom_id, b->number++, refused ? iad_ep_kinds[line.kind].status : 200, &answer, err);
    if (status == IAD_OK) (*(refused ? &item->bad : &item->good))++, b->hooks.worked(b->hooks.user, &line);
    iad_buf_deinit(&answer);
    return status;
}

/* The lines of a file, the last first (order means nothing); `most`: only so many. */
static iad_status work_lines(iad_ep_batches *b, batch *item, const json_t *lines, int most, iad_err *err) {
    iad_buf good, bad;
    iad_buf_init(&good, IAD_EP_MAX_FILE);
    iad_buf_init(&bad, IAD_EP_MAX_FILE);
    iad_status status = IAD_OK;
    for (size_t i = json_array_size(lines); status == IAD_OK && i-- > 0 && most-- > 0;) {
        const json_t *line = json_array_get(lines, i);
        status = work_line(b, item, json_string_value(json_object_get(line, "custom_id")), json_object_get(line, "body"), &good, &bad, err);
    }
    const size_t n_good = good.len, n_bad = bad.len; /* read before the buffers are emptied: arguments have no order */
    if (status == IAD_OK && item->good) item->output = store(b, "output.jsonl", iad_buf_take(&good, NULL), n_good);
    if (status == IAD_OK && item->bad) item->errors = store(b, "errors.jsonl", iad_buf_take(&bad, NULL), n_bad);
    iad_buf_deinit(&good);
    iad_buf_deinit(&bad);
    return status;
}

/* Reads the file; what is wrong with it goes to item->why. */
static json_t *read_lines(const stored *file, batch *item) {
    json_t *lines = json_array(), *ids = json_object();
    const char *model = NULL;
    for (const char *at = file->bytes, *stop = at + file->n; at < stop && !*item->why; item->lines++) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        const size_t n = (size_t)((end ? end : stop) - at);
        json_t *line = n <= IAD_EP_MAX_LINE ? json_loadb(at, n, 0, NULL) : NULL;
        const char *id = json_string_value(json_object_get(line, "custom_id")), *url = json_string_value(json_object_get(line, "url")),
                   *method = json_string_value(json_object_get(line, "method")),
                   *named = json_string_value(json_object_get(json_object_get(line, "body"), "model"));
        if (n > IAD_EP_MAX_LINE)
            snprintf(item->why, sizeof item->why, "line %d: more than 6 MB", item->lines + 1);
        else if (item->lines == IAD_EP_MAX_LINES)
            snprintf(item->why, sizeof item->why, "more than 50000 lines");
        else if (!id || !named || !url || strcmp(url, "/v1/chat/completions") || !method || strcmp(method, "POST"))
            snprintf(item->why, sizeof item->why, "line %d: not a request", item->lines + 1);
        else if (json_object_get(ids, id))
            snprintf(item->why, sizeof item->why, "line %d: custom_id is not unique", item->lines + 1);
        else if (model && strcmp(model, named))
            snprintf(item->why, sizeof item->why, "line %d: a second model", item->lines + 1);
        else {
            model = model ? model : named;
            json_object_set_new(ids, id, json_true());
            json_array_append(lines, line);
        }
        json_decref(line);
        at += n + 1;
    }
    if (!item->lines) snprintf(item->why, sizeof item->why, "the file is empty");
    json_decref(ids);
    return lines;
}

static iad_status finish(iad_ep_batches *b, batch *item, iad_err *err) {
    item->worked = 1;
    json_t *lines = read_lines(&b->files[item->input], item);
    iad_status status = IAD_OK;
    if (*item->why)
        item->end = "failed";
    else if (!strcmp(item->end, "failed"))
        iad_text_copy(item->why, sizeof item->why, "the service has failed");
    else
        status = work_lines(b, item, lines, !strcmp(item->end, "expired") ? (item->lines + 1) / 2 : item->lines, err);
    json_decref(lines);
    return status;
}

/* ---- asking ---- */

static iad_status put_file(const iad_ep_batches *b, int file, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err,
                         "{\"id\":\"file-%d\",\"object\":\"file\",\"bytes\":%zu,\"created_at\":1700000000,\"purpose\":\"batch\",\"status\":"
                         "\"processed\",\"filename\":",
                         file, b->files[file].n));
    IAD_TRY(iad_json_quote(b->files[file].name, out, err));
    return iad_buf_add_str(out, "}", err);
}

static iad_status put_batch(iad_ep_batches *b, double now, int at, iad_buf *out, iad_err *err) {
    batch *item = &b->items[at];
    const double age = now - item->made;
    if (!item->cancelled && !item->worked && age >= b->seconds) IAD_TRY(finish(b, item, err));
    const char *state = item->cancelled ? "cancelled" : item->worked ? item->end : age < b->seconds / 4 ? "validating" : "in_progress";
    IAD_TRY(iad_buf_addf(
        out, err,
        "{\"id\":\"batch-%d\",\"object\":\"batch\",\"endpoint\":\"/v1/chat/completions\",\"input_file_id\":\"file-%d\",\"completion_window\":\"24h\","
        "\"status\":\"%s\",\"created_at\":1700000000,\"request_counts\":{\"total\":%d,\"completed\":%d,\"failed\":%d}",
        at, item->input, state, item->lines, item->good, item->bad));
    if (item->output >= 0) IAD_TRY(iad_buf_addf(out, err, ",\"output_file_id\":\"file-%d\"", item->output));
    if (item->errors >= 0) IAD_TRY(iad_buf_addf(out, err, ",\"error_file_id\":\"file-%d\"", item->errors));
    if (*item->why)
        IAD_TRY(iad_buf_addf(out, err, ",\"errors\":{\"object\":\"list\",\"data\":[{\"code\":\"invalid_file\",\"message\":\"%s\",\"line\":null}]}",
                             item->why));
    return iad_buf_add_str(out, "}", err);
}

static iad_status no(iad_buf *out, int *status, int code, const char *what, iad_err *err) {
    *status = code;
    return iad_buf_addf(out, err, "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"%s\"}}", what,
                        code == 404 ? "not_found" : "invalid_request");
}

static iad_status new_batch(iad_ep_batches *b, double now, const char *bytes, size_t n, int *status, iad_buf *out, iad_err *err) {
    json_t *root = json_loadb(bytes, n, 0, NULL);
    const char *id = json_string_value(json_object_get(root, "input_file_id")), *url = json_string_value(json_object_get(root, "endpoint")),
               *window = json_string_value(json_object_get(root, "completion_window"));
    int64_t file = -1;
    const int known =
        id && iad_text_starts(id, "file-") && iad_parse_i64(id + 5, 0, b->n_files - 1, "file", &file, NULL) == IAD_OK && b->files[file].bytes;
    const int whole = url && window && !strcmp(url, "/v1/chat/completions");
    json_decref(root);
    if (!whole) return no(out, status, 400, "input_file_id, endpoint and completion_window are wanted", err);
    if (!known || b->n_items == IAD_EP_MAX_FILES) return no(out, status, 404, "no such file", err);
    const char *end = b->ends && (size_t)b->n_items < b->ends->n ? b->ends->items[b->n_items] : "completed";
    b->items[b->n_items] = (batch){.input = (int)file, .output = -1, .errors = -1, .made = now, .end = end};
    return put_batch(b, now, b->n_items++, out, err);
}

/* "/files/file-7/content" -> 7 and "/content"; -1: there is none. */
static int64_t item_of(const char *path, const char *prefix, int n, const char **rest) {
    char number[24];
    int64_t value;
    if (!iad_text_starts(path, prefix)) return -1;
    path += strlen(prefix);
    const size_t digits = strspn(path, "0123456789");
    *rest = path + digits;
    snprintf(number, sizeof number, "%.*s", (int)(digits < 20 ? digits : 20), path);
    return iad_parse_i64(number, 0, n - 1, "item", &value, NULL) == IAD_OK ? value : -1;
}

iad_status iad_ep_batches_answer(iad_ep_batches *b, double now, const char *method, const char *path, const char *name, const char *bytes, size_t n,
                                 int *status, iad_buf *out, iad_err *err) {
    const char *rest = "";
    const int post = !strcmp(method, "POST");
    int64_t at;
    *status = 200;
    if (!strcmp(path, "/files") && post) {
        if (!n) return no(out, status, 400, "a file is wanted", err);
        if (n > IAD_EP_MAX_FILE) return no(out, status, 413, "the file is larger than 500 MB", err);
        char *copy = iad_alloc(n, 1);
        if (copy) memcpy(copy, bytes, n);
        const int file = store(b, name, copy, n);
        return file < 0 ? no(out, status, 507, "no room", err) : put_file(b, file, out, err);
    }
    if (!strcmp(path, "/batches") && post) return new_batch(b, now, bytes, n, status, out, err);
    if ((at = item_of(path, "/files/file-", b->n_files, &rest)) >= 0 && b->files[at].bytes) {
        if (!strcmp(method, "DELETE")) {
            free(b->files[at].bytes);
            b->files[at].bytes = NULL;
            return iad_buf_addf(out, err, "{\"id\":\"file-%d\",\"object\":\"file\",\"deleted\":true}", (int)at);
        }
        if (!strcmp(rest, "/content")) return iad_buf_add(out, b->files[at].bytes, b->files[at].n, err);
        return put_file(b, (int)at, out, err);
    }
    if ((at = item_of(path, "/batches/batch-", b->n_items, &rest)) >= 0) {
        if (post && !strcmp(rest, "/cancel") && !b->items[at].worked) b->items[at].cancelled = 1;
        return put_batch(b, now, (int)at, out, err);
    }
    if (!strcmp(path, "/batches")) {
        IAD_TRY(iad_buf_add_str(out, "{\"object\":\"list\",\"data\":[", err));
        for (int i = 0; i < b->n_items; i++) {
            if (i) IAD_TRY(iad_buf_add_str(out, ",", err));
            IAD_TRY(put_batch(b, now, i, out, err));
        }
        return iad_buf_add_str(out, "],\"has_more\":false}", err);
    }
    return no(out, status, 404, "no such thing", err);
}
