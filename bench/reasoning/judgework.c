#include "bench/reasoning/judgework.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/client/chatanswer.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "bench/jsonwrite.h"
#include "bench/reasoning/judgereply.h"

/* ---- requests ---- */

static int wanted(const iad_scorebook *book, size_t i) {
    const iad_ask *ask = &book->asks->items[i];
    return book->said->items[i].text && ask->reference && (strcmp(ask->kind, "low") == 0 || strcmp(ask->kind, "complex") == 0);
}

iad_status iad_judge_work_text(const iad_judge_work *work, const iad_scorebook *book, size_t item, iad_buf *out, iad_err *err) {
    const iad_ask *ask = &book->asks->items[work->items[item].at];
    return iad_judge_prompt_fill(work->prompt, ask->category, ask->text, ask->reference, book->said->items[work->items[item].at].text, out, err);
}

static iad_status name_unit(iad_judge_work *work, const iad_scorebook *book, size_t item, iad_buf *text, iad_err *err) {
    uint8_t digest[IAD_SHA256_BYTES];
    iad_buf_reset(text);
    IAD_TRY(iad_buf_addf(text, err, "%s\n%s\n", work->prompt->sha256, work->model));
    IAD_TRY(iad_judge_work_text(work, book, item, text, err));
    IAD_TRY(iad_sha256_bytes(iad_buf_str(text), text->len, digest, err));
    iad_hex(digest, (IAD_JUDGE_UNIT - 1) / 2, work->items[item].unit);
    return IAD_OK;
}

static int by_unit(const void *a, const void *b) {
    const iad_judge_item *x = a, *y = b;
    int order = strcmp(x->unit, y->unit);
    return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

iad_status iad_judge_work_init(iad_judge_work *work, const iad_scorebook *book, const iad_judge_prompt *prompt, const char *model, iad_err *err) {
    iad_buf text;
    *work = (iad_judge_work){.prompt = prompt, .model = model};
    work->items = iad_calloc(book->asks->n, sizeof *work->items);
    if (!work->items) return IAD_NOMEM(err, "the judge's requests");
    iad_buf_init(&text, 8u * IAD_ASK_MAX_TEXT);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < book->asks->n && status == IAD_OK; i++) {
        if (!wanted(book, i)) continue;
        work->items[work->n++].at = i;
        status = name_unit(work, book, work->n - 1, &text, err);
    }
    iad_buf_deinit(&text);
    if (status != IAD_OK) iad_judge_work_deinit(work);
    else qsort(work->items, work->n, sizeof *work->items, by_unit);
    return status;
}

void iad_judge_work_deinit(iad_judge_work *work) {
    for (size_t i = 0; i < work->n; i++) free(work->items[i].reply);
    free(work->items);
    *work = (iad_judge_work){0};
}

iad_status iad_judge_work_body(const iad_judge_work *work, const iad_scorebook *book, size_t item, iad_buf *out, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, 8u * IAD_ASK_MAX_TEXT);
    iad_status status = iad_buf_add_str(out, "{\"model\":", err);
    if (status == IAD_OK) status = iad_json_quote(work->model, out, err);
    if (status == IAD_OK) status = iad_buf_add_str(out, ",\"messages\":[{\"role\":\"user\",\"content\":", err);
    if (status == IAD_OK) status = iad_judge_work_text(work, book, item, &text, err);
    if (status == IAD_OK) status = iad_json_quote(iad_buf_str(&text), out, err);
    if (status == IAD_OK)
        status = iad_buf_addf(out, err, "}],\"max_tokens\":%d,\"temperature\":%.3g}", work->prompt->max_tokens, work->prompt->temperature);
    iad_buf_deinit(&text);
    return status;
}

iad_status iad_judge_work_write(const iad_judge_work *work, const iad_scorebook *book, const char *path, size_t *written, iad_err *err) {
    iad_buf out;
    iad_buf_init(&out, IAD_ASK_MAX_FILE);
    iad_status status = IAD_OK;
    *written = 0;
    for (size_t i = 0; i < work->n && status == IAD_OK; i++) {
        if (work->items[i].reply || (i && strcmp(work->items[i - 1].unit, work->items[i].unit) == 0)) continue;
        status = iad_buf_addf(&out, err, "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":", work->items[i].unit);
        if (status == IAD_OK) status = iad_judge_work_body(work, book, i, &out, err);
        if (status == IAD_OK) status = iad_buf_add_str(&out, "}\n", err);
        ++*written;
    }
    if (status == IAD_OK) status = iad_file_write(path, iad_buf_str(&out), out.len, err);
    iad_buf_deinit(&out);
    return status;
}

/* ---- replies ---- */

int iad_judge_work_take(iad_judge_work *work, const char *unit, const char *reply, iad_err *err) {
    size_t lo = 0, hi = work->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(work->items[mid].unit, unit) < 0) lo = mid + 1;
        else hi = mid;
    }
    int found = lo < work->n && strcmp(work->items[lo].unit, unit) == 0;
    for (; lo < work->n && strcmp(work->items[lo].unit, unit) == 0; lo++) {
        if (work->items[lo].reply) continue;
        work->items[lo].reply = iad_strdup(reply);
        if (!work->items[lo].reply) return IAD_NOMEM(err, "a reply"), 0;
        work->replied++;
    }
    return found;
}

static iad_status read_line(iad_judge_work *work, const json_t *line, const char *where, iad_err *err) {
    const char *unit, *reply;
    const json_t *body = json_object_get(json_object_get(line, "response"), "body");
    IAD_TRY(iad_json_string_opt(line, "custom_id", NULL, where, &unit, err));
    if (!unit) IAD_TRY(iad_json_string(line, "unit", where, &unit, err));
    IAD_TRY(iad_json_string_opt(line, "reply", NULL, where, &reply, err));
    if (!reply && body)
        reply = json_string_value(json_object_get(json_object_get(json_array_get(json_object_get(body, "choices"), 0), "message"), "content"));
    if (!reply && (body || json_is_object(json_object_get(line, "error")))) return IAD_OK; /* the service says why it has none: still missing */
    if (!reply) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: neither \"reply\" nor a batch result", where);
    if (strlen(reply) > IAD_JUDGE_MAX_REPLY) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the reply is longer than %u bytes", where, IAD_JUDGE_MAX_REPLY);
    iad_err why = IAD_ERR_NONE;
    work->stale += !iad_judge_work_take(work, unit, reply, &why);
    if (why.code != IAD_OK && err) *err = why;
    return why.code;
}

iad_status iad_judge_work_read(iad_judge_work *work, const char *text, size_t n, const char *name, int torn, size_t *whole, iad_err *err) {
    size_t number = 0;
    for (*whole = 0; *whole < n;) {
        const char *from = text + *whole, *end = memchr(from, '\n', n - *whole);
        char where[IAD_PATH_MAX + 32];
        json_t *line;
        if (!end && torn) return IAD_OK;
        size_t bytes = end ? (size_t)(end - from) : n - *whole;
        snprintf(where, sizeof where, "%s:%zu", name, ++number);
        if (bytes > IAD_JUDGE_MAX_LINE) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the line is longer than %u bytes", where, IAD_JUDGE_MAX_LINE);
        *whole += bytes + (end != NULL);
        while (bytes && strchr(" \t\r", from[bytes - 1])) bytes--;
        if (!bytes) continue;
        IAD_TRY(iad_json_parse(from, bytes, 64, where, &line, err));
        iad_status status = read_line(work, line, where, err);
        json_decref(line);
        IAD_TRY(status);
    }
    return IAD_OK;
}

iad_status iad_judge_work_score(const iad_judge_work *work, iad_scorebook *book, json_t *results, iad_err *err) {
    size_t scored = 0, unreadable = 0;
    char name[100];
    for (size_t i = 0; i < work->n; i++) {
        double scores[2];
        iad_item_score *item = &book->items[work->items[i].at];
        if (!work->items[i].reply) continue;
        if (!iad_judge_reply(work->items[i].reply, work->prompt->scores, scores)) {
            unreadable++;
            continue;
        }
        item->judge = scores[work->prompt->scores - 1];
        if (work->prompt->scores == 2) item->judge_reference = scores[0];
        scored++;
    }
    iad_jsonw w = iad_jsonw_new();
    json_t *judge = NULL;
    snprintf(name, sizeof name, "%s@%d", work->prompt->id, work->prompt->version);
    iad_jsonw_str(&w, "name", work->model);
    iad_jsonw_str(&w, "prompt", name);
    iad_jsonw_str(&w, "prompt_sha256", work->prompt->sha256);
    iad_jsonw_int(&w, "asked", (long long)work->n);
    iad_jsonw_int(&w, "scored", (long long)scored);
    iad_jsonw_int(&w, "unreadable", (long long)unreadable);
    iad_jsonw_int(&w, "missing", (long long)(work->n - work->replied));
    IAD_TRY(iad_jsonw_finish(&w, &judge, err));
    if (unreadable)
        IAD_TRY(
            iad_scorebook_note(book, err, "%zu replies of the judge hold no score that could be read; they are left out of its means", unreadable));
    if (work->replied < work->n) IAD_TRY(iad_scorebook_note(book, err, "%zu answers have no reply of the judge", work->n - work->replied));
    if (work->stale) IAD_TRY(iad_scorebook_note(book, err, "%zu replies belong to other answers, another prompt or another judge", work->stale));
    return json_object_set_new(results, "judge", judge) == 0 ? IAD_OK : IAD_NOMEM(err, "the results");
}
