#include "bench/reasoning/reasonresult.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "bench/jsonwrite.h"

static const char *says(iad_yesno y) { return y == IAD_SAYS_YES ? "yes" : y == IAD_SAYS_NO ? "no" : "neither"; }

static void letter(iad_jsonw *w, const char *key, char c) {
    char text[2] = {c, 0};
    iad_jsonw_str(w, key, c ? text : NULL);
}

static void number(iad_jsonw *w, const char *key, double value) {
    if (isfinite(value)) iad_jsonw_num(w, key, value);
}

/* What was read out of the answer and what it is worth. */
static void add_scores(iad_jsonw *w, const iad_scorebook *book, size_t i) {
    const iad_ask *ask = &book->asks->items[i];
    const iad_item_score *item = &book->items[i];
    if (ask->n_options) {
        letter(w, "letter", item->letter);
        letter(w, "strict_letter", item->strict_letter);
        iad_jsonw_take(w, "right", json_boolean(item->strict_letter == ask->reference[0]));
    } else if (strcmp(ask->kind, "detection") == 0) {
        int called = item->strict == (book->yes_is_defective ? IAD_SAYS_YES : IAD_SAYS_NO);
        iad_jsonw_str(w, "says", says(item->strict));
        if (ask->anomalous >= 0) iad_jsonw_take(w, "right", json_boolean(item->strict != IAD_SAYS_NEITHER && called == ask->anomalous));
    } else if (strcmp(ask->kind, "boxes") == 0) {
        iad_jsonw_int(w, "boxes", (long long)item->n_boxes);
        number(w, "iou", item->iou);
        iad_jsonw_take(w, "right", json_boolean(ask->n_boxes ? item->n_hit == ask->n_boxes && item->n_boxes == ask->n_boxes : item->n_boxes == 0));
    }
    number(w, "rouge_l", item->rouge);
    number(w, "sbert", item->sbert);
    number(w, "judge", item->judge);
    number(w, "judge_reference", item->judge_reference);
}

static json_t *true_boxes(const iad_ask *ask) {
    json_t *list = json_array();
    for (size_t i = 0; i < ask->n_boxes && list; i++)
        if (json_array_append_new(list, json_pack("[ffff]", ask->boxes[i].x0, ask->boxes[i].y0, ask->boxes[i].x1, ask->boxes[i].y1)) != 0)
            return json_decref(list), NULL;
    return list;
}

static iad_status make_item(const iad_scorebook *book, size_t i, json_t **out, iad_err *err) {
    const iad_ask *ask = &book->asks->items[i];
    const iad_said *said = &book->said->items[i];
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_str(&w, "id", ask->id);
    iad_jsonw_str(&w, "dataset", ask->dataset);
    iad_jsonw_str(&w, "category", ask->category);
    iad_jsonw_str(&w, "image", ask->image);
    if (!ask->task_id) iad_jsonw_str(&w, "path", ask->path);
    iad_jsonw_str(&w, "kind", ask->kind);
    iad_jsonw_str(&w, "question", ask->text);
    iad_jsonw_str(&w, "answer", said->text);
    iad_jsonw_str(&w, "reference", ask->reference);
    if (ask->anomalous >= 0) iad_jsonw_str(&w, "truth", ask->anomalous ? "defective" : "good");
    if (strcmp(ask->kind, "boxes") == 0) iad_jsonw_take(&w, "true_boxes", true_boxes(ask));
    if (said->text) add_scores(&w, book, i);
    if (said->there) iad_jsonw_int(&w, "tokens", (long long)said->tokens);
    number(&w, "nll", said->nll);
    if (ask->faulty) iad_jsonw_take(&w, "faulty", json_true());
    return iad_jsonw_finish(&w, out, err);
}

iad_status iad_reason_items(const iad_scorebook *book, json_t *results, iad_err *err) {
    json_t *items = json_array();
    size_t cut_off = 0;
    iad_status status = items ? IAD_OK : IAD_NOMEM(err, "the results");
    for (size_t i = 0; i < book->asks->n && status == IAD_OK; i++) {
        json_t *item = NULL;
        cut_off += strcmp(book->said->items[i].finish, "length") == 0;
        status = make_item(book, i, &item, err);
        if (status == IAD_OK && json_array_append_new(items, item) != 0) status = IAD_NOMEM(err, "the results");
    }
    iad_jsonw w = {results, 0};
    iad_jsonw_int(&w, "questions", (long long)book->asks->n);
    iad_jsonw_int(&w, "answered", (long long)book->said->there);
    iad_jsonw_int(&w, "cut_off", (long long)cut_off);
    iad_jsonw_take(&w, "items", items);
    return status != IAD_OK ? status : w.failed ? IAD_NOMEM(err, "the results") : IAD_OK;
}

/* ---- files ---- */

iad_status iad_reason_write(const json_t *results, const char *dir, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_buf text;
    iad_buf_init(&text, IAD_JSON_MAX_BYTES);
    iad_status status = iad_path_join(path, sizeof path, dir, "results.json", err);
    if (status == IAD_OK) status = iad_json_pretty(results, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}

iad_status iad_reason_load(const char *path, json_t **results, iad_err *err) {
    char file[IAD_PATH_MAX];
    json_t *root;
    *results = NULL;
    if (!iad_file_is_dir(path)) {
        if (!iad_text_copy(file, sizeof file, path)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
    } else IAD_TRY(iad_path_join(file, sizeof file, path, "results.json", err));
    IAD_TRY(iad_json_load(file, 0, &root, err));
    const char *format = json_string_value(json_object_get(root, "format"));
    if (format && strcmp(format, IAD_REASON_FORMAT) == 0) *results = root;
    else json_decref(root);
    return IAD_OK;
}

iad_status iad_reason_gate(const json_t *results, const char *gate, int *failed, iad_buf *text, iad_err *err) {
    char key[64];
    const char *equals = strchr(gate, '=');
    double wanted;
    if (!equals || (size_t)(equals - gate) >= sizeof key) return IAD_FAIL(err, IAD_ERR_ARG, "--min %s: FIGURE=VALUE wanted", gate);
    memcpy(key, gate, (size_t)(equals - gate));
    key[equals - gate] = 0;
    IAD_TRY(iad_parse_f64(equals + 1, -1e12, 1e12, "--min", &wanted, err));
    double value = iad_json_num_or_nan(json_object_get(results, "figures"), key);
    if (value >= wanted) return IAD_OK;
    ++*failed;
    return isnan(value) ? iad_buf_addf(text, err, "%s: there is no such figure\n", key)
                        : iad_buf_addf(text, err, "%s is %.6g, below %.6g\n", key, value, wanted);
}
