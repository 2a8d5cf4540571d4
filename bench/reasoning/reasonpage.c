/* The page for people: tables first, then pictures with what was asked and said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/html.h"
#include "base/image/decode.h"
#include "base/image/encode.h"
#include "base/image/resize.h"
#include "bench/reasoning/reasonresult.h"
#include "bench/reasoning/scoretable.h"
#include "bench/report/reportview.h"

#define MAX_PAGE (512u << 20)

typedef struct page {
    const json_t *results;
    iad_report report; /* for its style and buffer */
    iad_buf *html;
    int thumb, per_category;
} page;

static const char style[] = "<style>.asked{display:grid;grid-template-columns:minmax(120px,220px) 1fr;gap:16px;border-top:1px solid "
                            "var(--line);padding:14px 0}.asked .note{overflow-wrap:anywhere}.asked img{width:100%;border-radius:6px;display:block}\n"
                            ".turn{margin:0 0 12px}.turn p{margin:2px 0;white-space:pre-wrap;overflow-wrap:anywhere}.turn .q{color:var(--soft)}.turn "
                            ".ref{border-left:3px solid var(--line);padding-left:10px;color:var(--soft)}\n"
                            ".asked .chips{margin:4px 0 0}@media(max-width:600px){.asked{grid-template-columns:1fr}}</style>\n";

static const char *text_of(const json_t *object, const char *key) { return iad_report_text(object, key); }

static iad_status add(page *p, const char *markup, iad_err *err) { return iad_buf_add_str(p->html, markup, err); }

/* <tag class=name>text</tag> */
static iad_status add_text(page *p, const char *open, const char *text, const char *close, iad_err *err) {
    IAD_TRY(add(p, open, err));
    IAD_TRY(iad_html_text(p->html, text, err));
    return add(p, close, err);
}

/* ---- tables ---- */

static iad_status add_row(page *p, const json_t *columns, const json_t *row, iad_err *err) {
    size_t i;
    json_t *column;
    IAD_TRY(add(p, json_is_true(json_object_get(row, "mean")) ? "<tr class=mean>" : "<tr>", err));
    IAD_TRY(add_text(p, "<td>", text_of(row, "name"), "</td>", err));
    json_array_foreach(columns, i, column) {
        char cell[64];
        iad_score_cell(cell, sizeof cell, json_array_get(json_object_get(row, "values"), i), text_of(column, "form"));
        IAD_TRY(add_text(p, "<td>", cell, "</td>", err));
    }
    return add(p, "</tr>\n", err);
}

static iad_status add_table(page *p, const json_t *table, iad_err *err) {
    size_t i;
    json_t *column, *row;
    IAD_TRY(add_text(p, "<section><h2>", text_of(table, "name"), "</h2><div class=scroll><table><thead><tr><th></th>", err));
    json_array_foreach(json_object_get(table, "columns"), i, column) IAD_TRY(add_text(p, "<th>", text_of(column, "title"), "</th>", err));
    IAD_TRY(add(p, "</tr></thead><tbody>\n", err));
    json_array_foreach(json_object_get(table, "rows"), i, row) IAD_TRY(add_row(p, json_object_get(table, "columns"), row, err));
    IAD_TRY(add(p, "</tbody></table></div>", err));
    if (*text_of(table, "note")) IAD_TRY(add_text(p, "<p class=note>", text_of(table, "note"), "</p>", err));
    return add(p, "</section>\n", err);
}

/* ---- pictures ---- */

static iad_status load_thumb(const page *p, const char *path, iad_buf *jpeg, iad_err *err) {
    iad_image full = {0}, rgb = {0}, small = {0};
    IAD_TRY(iad_image_load(path, NULL, &full, NULL, err));
    double scale = (double)p->thumb / (full.width > full.height ? full.width : full.height);
    int w = (int)(full.width * (scale < 1 ? scale : 1) + 0.5), h = (int)(full.height * (scale < 1 ? scale : 1) + 0.5);
    iad_status status = iad_image_to_rgb(&full, &rgb, err);
    if (status == IAD_OK) status = iad_resize(&rgb, w < 1 ? 1 : w, h < 1 ? 1 : h, IAD_FILTER_BICUBIC, &small, err);
    if (status == IAD_OK) status = iad_encode_jpeg(&small, &(iad_jpeg_options){.quality = 82, .subsample = 1}, jpeg, err);
    iad_image_deinit(&small);
    iad_image_deinit(&rgb);
    iad_image_deinit(&full);
    return status;
}

static iad_status add_picture(page *p, const json_t *item, iad_err *err) {
    iad_buf jpeg;
    iad_err why = IAD_ERR_NONE;
    iad_buf_init(&jpeg, 16u << 20);
    iad_status status = *text_of(item, "path") ? load_thumb(p, text_of(item, "path"), &jpeg, &why) : IAD_ERR_NOT_FOUND;
    if (status == IAD_OK) {
        status = add_text(p, "<img loading=lazy alt=\"", text_of(item, "image"), "\" src=\"", err);
        if (status == IAD_OK) status = iad_html_data_uri(p->html, "image/jpeg", jpeg.data, jpeg.len, err);
        if (status == IAD_OK) status = add(p, "\">", err);
    } else status = status == IAD_ERR_NOMEM ? IAD_NOMEM(err, "a picture") : add(p, "<div class=gone>no picture</div>", err);
    iad_buf_deinit(&jpeg);
    return status;
}

static iad_status add_chip(page *p, const json_t *item, const char *key, const char *title, const char *form, iad_err *err) {
    char cell[64];
    const json_t *value = json_object_get(item, key);
    if (!json_is_number(value)) return IAD_OK;
    iad_score_cell(cell, sizeof cell, value, form);
    return iad_buf_addf(p->html, err, "<span class=chip>%s<i>%s</i></span>", cell, title);
}

static iad_status add_turn(page *p, const json_t *item, iad_err *err) {
    const json_t *right = json_object_get(item, "right");
    IAD_TRY(add_text(p, "<div class=turn><p class=q>", text_of(item, "question"), "</p>", err));
    IAD_TRY(add_text(p,
                     json_is_false(right)  ? "<p class=bad>"
                     : json_is_true(right) ? "<p class=good>"
                                           : "<p>",
                     json_object_get(item, "answer") ? text_of(item, "answer") : "", "</p>", err));
    if (*text_of(item, "reference")) IAD_TRY(add_text(p, "<p class=ref>", text_of(item, "reference"), "</p>", err));
    IAD_TRY(add(p, "<p class=chips>", err));
    IAD_TRY(add_text(p, "<span class=chip>", text_of(item, "kind"), "</span>", err));
    if (*text_of(item, "truth")) IAD_TRY(add_text(p, "<span class=chip>", text_of(item, "truth"), "<i>truth</i></span>", err));
    IAD_TRY(add_chip(p, item, "rouge_l", "ROUGE-L", "fraction", err));
    IAD_TRY(add_chip(p, item, "sbert", "SBERT", "fraction", err));
    IAD_TRY(add_chip(p, item, "judge", "judge", "score", err));
    IAD_TRY(add_chip(p, item, "judge_reference", "judge, reference", "score", err));
    IAD_TRY(add_chip(p, item, "iou", "IoU", "fraction", err));
    return add(p, "</p></div>\n", err);
}

/* A picture with all its questions; they stand together in the list. */
static iad_status add_asked(page *p, const json_t *items, size_t from, size_t to, iad_err *err) {
    const json_t *first = json_array_get(items, from);
    IAD_TRY(add(p, "<div class=asked><div>", err));
    IAD_TRY(add_picture(p, first, err));
    IAD_TRY(add_text(p, "<p class=note>", text_of(first, "image"), "</p></div><div>\n", err));
    for (size_t i = from; i < to; i++) IAD_TRY(add_turn(p, json_array_get(items, i), err));
    return add(p, "</div></div>\n", err);
}

typedef struct span {
    size_t from, to;
    int wrong;
} span;

static int wrong_first(const void *a, const void *b) {
    const span *x = a, *y = b;
    return x->wrong != y->wrong ? y->wrong - x->wrong : x->from < y->from ? -1 : x->from > y->from;
}

static int same(const json_t *a, const json_t *b, const char *key) { return json_equal(json_object_get(a, key), json_object_get(b, key)); }

static iad_status add_category(page *p, const json_t *items, span *spans, size_t n, iad_err *err) {
    const json_t *first = json_array_get(items, spans[0].from);
    qsort(spans, n, sizeof *spans, wrong_first);
    IAD_TRY(add_text(p, "<section><h2>", text_of(first, "category"), " <small>", err));
    IAD_TRY(add_text(p, "", text_of(first, "dataset"), strcmp(text_of(first, "kind"), "detection") == 0 ? ", detection" : "", err));
    IAD_TRY(iad_buf_addf(p->html, err, ", %zu of %zu pictures</small></h2>\n", n < (size_t)p->per_category ? n : (size_t)p->per_category, n));
    for (size_t i = 0; i < n && i < (size_t)p->per_category; i++) IAD_TRY(add_asked(p, items, spans[i].from, spans[i].to, err));
    return add(p, "</section>\n", err);
}

static iad_status add_pictures(page *p, iad_err *err) {
    const json_t *items = json_object_get(p->results, "items");
    size_t n = json_array_size(items), n_span = 0;
    span *spans = iad_calloc(n, sizeof *spans);
    iad_status status = spans ? IAD_OK : IAD_NOMEM(err, "the page");
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        const json_t *item = json_array_get(items, i);
        int fresh = !n_span || !same(item, json_array_get(items, spans[n_span - 1].from), "image");
        if (fresh && n_span &&
            !(same(item, json_array_get(items, spans[0].from), "category") && same(item, json_array_get(items, spans[0].from), "dataset"))) {
            status = add_category(p, items, spans, n_span, err);
            n_span = 0;
        }
        if (fresh) spans[n_span++] = (span){i, i, 0};
        spans[n_span - 1].to = i + 1;
        spans[n_span - 1].wrong |= json_is_false(json_object_get(item, "right"));
    }
    if (status == IAD_OK && n_span) status = add_category(p, items, spans, n_span, err);
    free(spans);
    return status;
}

/* ---- the page ---- */

static iad_status add_fact(page *p, const char *name, const char *value, iad_err *err) {
    if (!*value) return IAD_OK;
    IAD_TRY(iad_buf_addf(p->html, err, "<div class=fact><span>%s</span><b>", name));
    return add_text(p, "", value, "</b></div>", err);
}

static iad_status add_head(page *p, iad_err *err) {
    const json_t *r = p->results, *judge = json_object_get(r, "judge"), *sbert = json_object_get(r, "sbert");
    char text[300];
    size_t i;
    json_t *note;
    IAD_TRY(add(
        p, "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\"><title>", err));
    IAD_TRY(add_text(p, "", text_of(r, "task"), " · iad-bench</title>\n", err));
    IAD_TRY(iad_report_style(&p->report, err));
    IAD_TRY(add(p, style, err));
    IAD_TRY(add_text(p, "</head><body><main><header><p class=kicker>iad-bench</p><h1>", text_of(r, "task"), "</h1><div class=facts>", err));
    IAD_TRY(add_fact(p, "answers of", text_of(r, "system"), err));
    snprintf(text, sizeof text, "%lld of %lld questions", iad_report_int(r, "answered"), iad_report_int(r, "questions"));
    IAD_TRY(add_fact(p, "answered", text, err));
    IAD_TRY(add_fact(p, "sentence model", text_of(sbert, "model"), err));
    snprintf(text, sizeof text, "%.120s, prompt %.60s, %.12s", text_of(judge, "name"), text_of(judge, "prompt"), text_of(judge, "prompt_sha256"));
    if (judge) IAD_TRY(add_fact(p, "judge", text, err));
    IAD_TRY(add(p, "</div>", err));
    IAD_TRY(add_text(p, "<pre class=command>", text_of(r, "command"), "</pre></header>\n", err));
    json_array_foreach(json_object_get(r, "notes"), i, note) IAD_TRY(
        add_text(p, i ? "<p class=\"note warn\">" : "<section><h2>Notes</h2><p class=\"note warn\">", json_string_value(note), "</p>\n", err));
    return json_array_size(json_object_get(r, "notes")) ? add(p, "</section>\n", err) : IAD_OK;
}

static iad_status add_failures(page *p, iad_err *err) {
    enum { SHOWN = 200 };
    const json_t *failed = json_object_get(p->results, "failed");
    size_t i, n = json_array_size(failed);
    json_t *failure;
    if (!n) return IAD_OK;
    IAD_TRY(iad_buf_addf(p->html, err, "<section><h2>Failed <small>%zu%s</small></h2><ul class=failures>\n", n, n > SHOWN ? ", the first 200" : ""));
    json_array_foreach(failed, i, failure) {
        if (i == SHOWN) break;
        IAD_TRY(add_text(p, "<li><b>", text_of(failure, "item"), "</b> ", err));
        IAD_TRY(add_text(p, "", text_of(failure, "reason"), "</li>\n", err));
    }
    return add(p, "</ul></section>\n", err);
}

static iad_status build(page *p, iad_err *err) {
    size_t i;
    json_t *table;
    IAD_TRY(add_head(p, err));
    json_array_foreach(json_object_get(p->results, "tables"), i, table) IAD_TRY(add_table(p, table, err));
    IAD_TRY(add_pictures(p, err));
    IAD_TRY(add_failures(p, err));
    return add(p, "</main></body></html>\n", err);
}

iad_status iad_reason_page(const json_t *results, const char *path, int per_category, int thumb, iad_err *err) {
    page p = {.results = results, .per_category = per_category, .thumb = thumb};
    iad_buf_init(&p.report.html, MAX_PAGE);
    p.html = &p.report.html;
    iad_status status = build(&p, err);
    if (status == IAD_OK) status = iad_file_write(path, p.html->data, p.html->len, err);
    iad_buf_deinit(&p.report.html);
    return status;
}
