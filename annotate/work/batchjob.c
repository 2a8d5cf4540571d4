#include "annotate/work/batchjob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/work/annotatestore.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/http/http.h"
#include "base/http/url.h"
#include "base/json.h"
#include "base/sha256.h"
#include "manifests/query.h"

#define MAX_REPLY (2047u * 1024u * 1024u)
#define BOUNDARY "iad-annotate-7f3c51d0b2"

/* ---- one call ---- */

typedef struct call {
    iad_http *http;
    const iad_annotate_options *o;
    char authorization[IAD_SECRET_MAX + 32];
    iad_buf body;
    int status, answered;
    char message[400];
} call;

static void called(void *user, const iad_http_answer *answer) {
    call *c = user;
    c->answered = 1;
    c->status = answer->error == IAD_HTTP_NONE ? answer->status : 0;
    iad_text_copy(c->message, sizeof c->message, answer->message);
    if (answer->body && answer->body->len && iad_buf_add(&c->body, answer->body->data, answer->body->len, NULL) != IAD_OK) c->status = 0;
    if (c->body.len && c->o->key) iad_secret_hide(c->o->key, c->body.data, c->body.len);
}

static iad_status call_open(call *c, const iad_annotate_options *o, iad_err *err) {
    memset(c, 0, sizeof *c);
    c->o = o;
    iad_buf_init(&c->body, MAX_REPLY);
    if (!o->url || !*o->url) return IAD_FAIL(err, IAD_ERR_ARG, "--url is needed");
    if (o->key && *o->key->text) snprintf(c->authorization, sizeof c->authorization, "Authorization: Bearer %s", o->key->text);
    return iad_http_new(&(iad_http_options){.user_agent = "iad-annotate/" IAD_VERSION, .allow_private = 1}, &c->http, err);
}

static void call_close(call *c) {
    iad_http_free(c->http);
    iad_buf_deinit(&c->body);
    explicit_bzero(c->authorization, sizeof c->authorization);
}

/* GET, or POST with a body; repeated on trouble that passes. The reply is in c->body. */
static iad_status talk(call *c, const char *path, const char *type, const void *body, size_t n, iad_err *err) {
    char url[IAD_URL_MAX], code[96], why[400], content[120];
    iad_rng rng;
    size_t base = strlen(c->o->url);
    while (base && c->o->url[base - 1] == '/') base--;
    snprintf(url, sizeof url, "%.*s%s", (int)base, c->o->url, path);
    snprintf(content, sizeof content, "Content-Type: %s", type ? type : "application/json");
    const char *headers[] = {content, c->authorization};
    iad_rng_init(&rng, (uint64_t)c->o->seed, 0x6261);
    for (int tries = 1;; tries++) {
        iad_buf_reset(&c->body);
        c->answered = 0;
        const iad_http_request request = {.url = url,
                                          .headers = headers,
                                          .n_headers = *c->authorization ? 2 : 1,
                                          .body = body,
                                          .n_body = n,
                                          .total_s = body ? 3600 : c->o->timeout_s,
                                          .stall_s = c->o->timeout_s,
                                          .stall_bytes = 1,
                                          .max_bytes = MAX_REPLY,
                                          .done = called,
                                          .user = c};
        IAD_TRY(iad_http_start(c->http, &request, err));
        while (!c->answered) {
            if (c->o->stop && atomic_load(c->o->stop)) {
                iad_http_cancel_all(c->http);
                (void)iad_http_poll(c->http, 0, NULL);
                return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; the same command goes on");
            }
            IAD_TRY(iad_http_poll(c->http, 500, err));
        }
        if (c->status >= 200 && c->status < 300) return IAD_OK;
        iad_lvlm_error_body(iad_buf_str(&c->body), c->body.len, code, why);
        if (!c->status) iad_text_copy(why, sizeof why, c->message);
        iad_lvlm_verdict v = iad_lvlm_classify(c->status, code, why);
        if ((v.action != IAD_LVLM_BACK_OFF && v.action != IAD_LVLM_RETRY) || tries >= c->o->tries)
            return IAD_FAIL(err, v.action == IAD_LVLM_STOP ? IAD_ERR_UNSUPPORTED : IAD_ERR_IO, "%s: %d %.90s %.250s", url, c->status, code, why);
        double wait = iad_lvlm_wait(v.class, tries, -1, c->o->backoff_s, &rng);
        IAD_TRY(iad_http_poll(c->http, (int)(wait * 1000) + 1, err));
    }
}

static iad_status reply_json(call *c, const char *what, json_t **root, iad_err *err) {
    return iad_json_parse(iad_buf_str(&c->body), c->body.len, 32, what, root, err);
}

/* ---- rows ---- */

typedef struct batch_row {
    char name[64], input[200], id[200], output[200], error[200];
} batch_row;

/* The first batch of a state whose name comes after `after`. */
static iad_status next_batch(iad_manifest *m, const char *model, const char *state, const char *after, batch_row *row, int *found, iad_err *err) {
    iad_query q;
    memset(row, 0, sizeof *row);
    IAD_TRY(iad_query_open(&q, m, "annotate_batch",
                           "SELECT name,coalesce(input_file,''),coalesce(provider_id,''),coalesce(output_file,''),coalesce(error_file,'') FROM "
                           "annotate_batch WHERE model=? AND state=?"
                           " AND name>? ORDER BY name LIMIT 1",
                           err));
    iad_query_text(&q, model);
    iad_query_text(&q, state);
    iad_query_text(&q, after);
    *found = iad_query_next(&q);
    char *targets[] = {row->name, row->input, row->id, row->output, row->error};
    for (int i = 0; *found && i < 5; i++) iad_text_copy(targets[i], i ? 200 : 64, iad_query_col_text(&q, i));
    return iad_query_close(&q, err);
}

static iad_status set_batch(iad_manifest *m, const batch_row *row, const char *state, const char *detail, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, m, "annotate_batch",
        "UPDATE annotate_batch SET state=?,input_file=nullif(?,''),provider_id=nullif(?,''),output_file=nullif(?,''),error_file=nullif(?,''),"
        "detail=? WHERE name=?",
        err));
    iad_query_text(&q, state);
    iad_query_text(&q, row->input);
    iad_query_text(&q, row->id);
    iad_query_text(&q, row->output);
    iad_query_text(&q, row->error);
    iad_query_text(&q, detail);
    iad_query_text(&q, row->name);
    return iad_query_run(&q, row->name, err);
}

static void take_word(const json_t *root, const char *key, char out[200]) {
    const char *text = json_string_value(json_object_get(root, key));
    if (text) iad_text_copy(out, 200, text);
}

static iad_status count_states(iad_manifest *m, iad_batch_counts *c, iad_err *err) {
    IAD_TRY(iad_query_scalar(m, "SELECT count(*) FROM annotate_batch WHERE state IN('made','uploaded','submitted')", 0, &c->waiting, err));
    IAD_TRY(iad_query_scalar(m, "SELECT count(*) FROM annotate_batch WHERE state IN('done','collected')", 0, &c->done, err));
    return iad_query_scalar(m, "SELECT count(*) FROM annotate_batch WHERE state='failed'", 0, &c->failed, err);
}

/* ---- submit ---- */

static iad_status upload(call *c, iad_manifest *m, const char *dir, batch_row *row, iad_err *err) {
    char path[IAD_PATH_MAX], file[80];
    uint8_t *text = NULL;
    size_t n = 0;
    json_t *root = NULL;
    iad_buf body;
    snprintf(file, sizeof file, "%s.jsonl", row->name);
    IAD_TRY(iad_path_join(path, sizeof path, dir, file, err));
    IAD_TRY(iad_file_read(path, 1u << 30, &text, &n, err));
    iad_buf_init(&body, (1u << 30) + 4096);
    iad_status status = iad_buf_addf(&body, err,
                                     "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--" BOUNDARY
                                     "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: application/jsonl\r\n\r\n",
                                     file);
    if (status == IAD_OK) status = iad_buf_add(&body, text, n, err);
    if (status == IAD_OK) status = iad_buf_add_str(&body, "\r\n--" BOUNDARY "--\r\n", err);
    free(text);
    if (status == IAD_OK) status = talk(c, "/files", "multipart/form-data; boundary=" BOUNDARY, body.data, body.len, err);
    iad_buf_deinit(&body);
    if (status == IAD_OK) status = reply_json(c, "the answer to an upload", &root, err);
    if (status == IAD_OK) take_word(root, "id", row->input);
    json_decref(root);
    if (status == IAD_OK && !*row->input) status = IAD_FAIL(err, IAD_ERR_FORMAT, "the answer to an upload names no file");
    return status == IAD_OK ? set_batch(m, row, "uploaded", NULL, err) : status;
}

/* A batch of this file may have begun before we were killed: then it is taken over. */
static iad_status adopt(call *c, batch_row *row, iad_err *err) {
    json_t *root = NULL;
    IAD_TRY(talk(c, "/batches?limit=100", NULL, NULL, 0, err));
    IAD_TRY(reply_json(c, "the list of batches", &root, err));
    const json_t *list = json_object_get(root, "data");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *input = json_string_value(json_object_get(item, "input_file_id"));
        if (input && !strcmp(input, row->input)) take_word(item, "id", row->id);
    }
    json_decref(root);
    return IAD_OK;
}

static iad_status begin(call *c, iad_manifest *m, batch_row *row, iad_err *err) {
    json_t *root = NULL;
    IAD_TRY(adopt(c, row, err));
    if (!*row->id) {
        iad_buf body;
        iad_buf_init(&body, 4096);
        iad_status status = iad_buf_add_str(&body, "{\"input_file_id\":", err);
        if (status == IAD_OK) status = iad_json_quote(row->input, &body, err);
        if (status == IAD_OK) status = iad_buf_add_str(&body, ",\"endpoint\":\"/v1/chat/completions\",\"completion_window\":\"24h\"}", err);
        if (status == IAD_OK) status = talk(c, "/batches", NULL, body.data, body.len, err);
        iad_buf_deinit(&body);
        if (status == IAD_OK) status = reply_json(c, "the answer to a batch", &root, err);
        if (status == IAD_OK) take_word(root, "id", row->id);
        json_decref(root);
        IAD_TRY(status);
        if (!*row->id) return IAD_FAIL(err, IAD_ERR_FORMAT, "the answer to a batch names none");
    }
    return set_batch(m, row, "submitted", NULL, err);
}

iad_status iad_batch_submit(iad_manifest *m, const iad_annotate_options *o, const char *dir, iad_batch_counts *counts, iad_err *err) {
    call c;
    batch_row row = {0};
    memset(counts, 0, sizeof *counts);
    iad_status status = call_open(&c, o, err);
    static const char *const states[] = {"made", "uploaded"};
    for (int s = 0; s < 2 && status == IAD_OK; s++) {
        char after[64] = "";
        for (int found = 1; status == IAD_OK;) {
            status = next_batch(m, o->model, states[s], after, &row, &found, err);
            if (status != IAD_OK || !found) break;
            iad_text_copy(after, sizeof after, row.name);
            if (s == 0) status = upload(&c, m, dir, &row, err);
            else if ((status = begin(&c, m, &row, err)) == IAD_OK) counts->batches++;
        }
    }
    call_close(&c);
    return status == IAD_OK ? count_states(m, counts, err) : status;
}

/* Calls `each` for every batch of the model in this state, in the order of their names, then counts. */
static iad_status each_batch(iad_manifest *m, const iad_annotate_options *o, const char *state, iad_batch_counts *counts,
                             iad_status (*each)(call *c, iad_manifest *m, batch_row *row, iad_batch_counts *counts, iad_err *err), iad_err *err) {
    call c;
    batch_row row = {0};
    char after[64] = "";
    memset(counts, 0, sizeof *counts);
    iad_status status = call_open(&c, o, err);
    for (int found = 1; status == IAD_OK;) {
        status = next_batch(m, o->model, state, after, &row, &found, err);
        if (status != IAD_OK || !found) break;
        iad_text_copy(after, sizeof after, row.name);
        status = each(&c, m, &row, counts, err);
        counts->batches++;
    }
    call_close(&c);
    return status == IAD_OK ? count_states(m, counts, err) : status;
}

/* ---- poll ---- */

static iad_status poll_one(call *c, iad_manifest *m, batch_row *row, iad_batch_counts *counts, iad_err *err) {
    (void)counts;
    char path[300], detail[300];
    json_t *root = NULL;
    snprintf(path, sizeof path, "/batches/%.200s", row->id);
    IAD_TRY(talk(c, path, NULL, NULL, 0, err));
    IAD_TRY(reply_json(c, "the state of a batch", &root, err));
    char state[200] = "";
    take_word(root, "status", state);
    take_word(root, "output_file_id", row->output);
    take_word(root, "error_file_id", row->error);
    json_decref(root);
    snprintf(detail, sizeof detail, "%.200s", state);
    int over = !strcmp(state, "failed") || !strcmp(state, "expired") || !strcmp(state, "cancelled");
    int some = *row->output || *row->error; /* an expired batch has the answers that it came to */
    return set_batch(m, row, !strcmp(state, "completed") || (over && some) ? "done" : over ? "failed" : "submitted", detail, err);
}

iad_status iad_batch_poll(iad_manifest *m, const iad_annotate_options *o, iad_batch_counts *counts, iad_err *err) {
    return each_batch(m, o, "submitted", counts, poll_one, err);
}

/* ---- collect ---- */

typedef struct unit_row {
    uint8_t unit[32], image_sha256[32], of_unit[32];
    int64_t image_id, predicted;
    int found, has_of, round, anomalous;
    char params[160], colour[16], category[200];
    iad_prompt prompt;
} unit_row;

static iad_status find_unit(iad_manifest *m, const char *hex, unit_row *u, iad_err *err) {
    iad_query q;
    memset(u, 0, sizeof *u);
    if (strlen(hex) != 64 || iad_unhex(hex, u->unit, 32, NULL) != IAD_OK) return IAD_OK;
    IAD_TRY(iad_query_open(
        &q, m, "annotate_batch_unit",
        "SELECT u.image_id,i.sha256,u.of_unit,u.round,u.predicted,u.params,u.colour,p.text,i.label='anomalous',coalesce(c.display,c.name,'') FROM "
        "annotate_batch_unit u"
        " JOIN image i ON i.id=u.image_id JOIN annotate_prompt p ON p.sha256=u.prompt_sha256 LEFT JOIN category c ON c.id=i.category_id WHERE "
        "u.unit=?",
        err));
    iad_query_blob(&q, u->unit, 32);
    iad_status status = IAD_OK;
    if (iad_query_next(&q) && iad_query_col_bytes(&q, 1, u->image_sha256, 32)) {
        const char *prompt = iad_query_col_text(&q, 7), *texts[3] = {iad_query_col_text(&q, 5), iad_query_col_text(&q, 6), iad_query_col_text(&q, 9)};
        u->image_id = iad_query_col_i64(&q, 0);
        u->has_of = iad_query_col_bytes(&q, 2, u->of_unit, 32);
        u->round = (int)iad_query_col_i64(&q, 3);
        u->predicted = iad_query_col_i64(&q, 4);
        iad_text_copy(u->params, sizeof u->params, texts[0] ? texts[0] : "");
        iad_text_copy(u->colour, sizeof u->colour, texts[1] ? texts[1] : "");
        iad_text_copy(u->category, sizeof u->category, texts[2] ? texts[2] : "");
        u->anomalous = (int)iad_query_col_i64(&q, 8);
        status = iad_prompt_parse(&u->prompt, prompt ? prompt : "", prompt ? strlen(prompt) : 0, "a stored prompt", err);
        u->found = status == IAD_OK;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status take_line(call *c, iad_manifest *m, const batch_row *batch, unit_row *u, const json_t *line, iad_annotate_counts *counts,
                            iad_err *err) {
    const json_t *response = json_object_get(line, "response"), *body = json_object_get(response, "body"), *error = json_object_get(line, "error");
    int status_code =
        json_is_integer(json_object_get(response, "status_code")) ? (int)json_integer_value(json_object_get(response, "status_code")) : 0;
    iad_answer_row row = {.unit = u->unit,
                          .image_sha256 = u->image_sha256,
                          .of_unit = u->has_of ? u->of_unit : NULL,
                          .image_id = u->image_id,
                          .run_id = c->o->run_id,
                          .prompt = &u->prompt,
                          .model = c->o->model,
                          .params = u->params,
                          .colour = u->colour,
                          .batch = batch->name,
                          .round = u->round,
                          .attempts = 1,
                          .predicted = u->predicted,
                          .feedback = c->o->feedback};
    char *text = json_dumps(body && !json_is_null(body) ? body : error ? error : json_null(), JSON_COMPACT | JSON_ENCODE_ANY), code[96], why[400];
    if (!text) return IAD_NOMEM(err, "a line");
    iad_chat_answer a;
    iad_status status;
    if (status_code == 200 && iad_chat_answer_parse(&a, text, strlen(text), NULL) == IAD_OK) {
        const iad_judge_facts facts = {.prompt = &u->prompt,
                                       .model = c->o->model,
                                       .names_differ = c->o->profile->names_differ,
                                       .category = u->category,
                                       .colour = u->colour,
                                       .anomalous = u->anomalous};
        iad_judged j;
        int added = 0;
        row.raw = text;
        row.n_raw = strlen(text);
        row.cost = iad_price_of(&c->o->price, a.prompt_tokens, a.cached_tokens, a.completion_tokens, 1);
        status = iad_judge_answer(&j, &facts, &a, err);
        if (status == IAD_OK) {
            status = iad_annotate_answer_put(m, &row, &a, &j, &added, err);
            if (added) counts->answers++, counts->ok += j.ok, counts->rejected += !j.ok, counts->cost += row.cost;
            iad_judged_deinit(&j);
        }
        iad_chat_answer_deinit(&a);
    } else {
        iad_lvlm_error_body(text, strlen(text), code, why);
        iad_lvlm_verdict v = iad_lvlm_classify(status_code ? status_code : 400, code, why);
        if (status_code == 200) v.class = IAD_LVLM_TRANSIENT;
        if (v.class == IAD_LVLM_FILTERED || v.class == IAD_LVLM_INPUT) {
            status = iad_annotate_final_put(m, &row, v.class == IAD_LVLM_FILTERED ? "filtered" : "unusable", why, err);
            counts->filtered++;
        } else {
            status = iad_annotate_trouble_put(m, &row, iad_lvlm_class_name(v.class), why, err);
            counts->troubled++;
        }
    }
    free(text);
    return status;
}

static iad_status take_file(call *c, iad_manifest *m, const batch_row *batch, const char *id, iad_batch_counts *counts, iad_err *err) {
    char path[300];
    snprintf(path, sizeof path, "/files/%.200s/content", id);
    IAD_TRY(talk(c, path, NULL, NULL, 0, err));
    iad_status status = IAD_OK;
    const char *p = iad_buf_str(&c->body), *end = p + c->body.len;
    while (p < end && status == IAD_OK) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p);
        json_t *line = NULL;
        /* A line that cannot be read costs its own unit only: that one is missing again. */
        if (n && iad_json_parse(p, n, 64, "a line of a batch", &line, NULL) == IAD_OK) {
            const char *hex = json_string_value(json_object_get(line, "custom_id"));
            unit_row u;
            status = find_unit(m, hex ? hex : "", &u, err);
            if (status == IAD_OK && u.found) {
                counts->requests++;
                status = take_line(c, m, batch, &u, line, &counts->answers, err);
            }
            if (u.found) iad_prompt_deinit(&u.prompt);
        }
        json_decref(line);
        p += n + 1;
    }
    return status;
}

/* The answers of a batch and the word that they were taken stand together or not at all. */
static iad_status collect_one(call *c, iad_manifest *m, batch_row *row, iad_batch_counts *counts, iad_err *err) {
    iad_status status = iad_manifest_begin(m, err);
    if (status == IAD_OK && *row->output) status = take_file(c, m, row, row->output, counts, err);
    if (status == IAD_OK && *row->error) status = take_file(c, m, row, row->error, counts, err);
    if (status == IAD_OK) status = set_batch(m, row, "collected", NULL, err);
    if (status == IAD_OK) return iad_manifest_commit(m, err);
    iad_manifest_rollback(m);
    return status;
}

iad_status iad_batch_collect(iad_manifest *m, const iad_annotate_options *o, iad_batch_counts *counts, iad_err *err) {
    return each_batch(m, o, "done", counts, collect_one, err);
}
