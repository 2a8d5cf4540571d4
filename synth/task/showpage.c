#include "synth/task/showpage.h"

#include <stdlib.h>
#include <string.h>

#include "base/html.h"
#include "base/image/draw.h"
#include "base/image/encode.h"
#include "base/image/resize.h"
#include "base/json.h"
#include "synth/recipe/synthrows.h"
#include "synth/task/boxslots.h"

enum { MAX_IMAGES = 64, MAX_SPANS = 64, MAX_JPEG = 1 << 24, MAX_TEXT = 1 << 22 };

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f8;--card:#fff;--ink:#1c2227;--dim:#66717c;--line:#dde2e7;--bad:#c8321f;--badbg:#fde3df;"
    "--good:#18794e;--goodbg:#ddf3e4;--chip:#e6edf5}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14181c;--card:#1d2329;--ink:#e6eaee;--dim:#98a4b0;--line:#323b44;--bad:#ff8d7c;"
    "--badbg:#4a1d17;--good:#6fdba1;--goodbg:#143a28;--chip:#2a3540}}*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:1180px;padding:16px;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}"
    "h1{font-size:20px;margin:8px 0 16px}"
    "article{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:0 0 18px}"
    "h2{font-size:15px;margin:0 0 10px;font-weight:600}h2 small{color:var(--dim);font-weight:400;margin-left:8px}"
    ".row{display:flex;flex-wrap:wrap;gap:10px;margin:0 0 12px}figure{margin:0}"
    "figure img{display:block;max-width:100%;border-radius:6px;border:2px solid transparent}figure.query img{border-color:#3b82f6}"
    "figcaption{font-size:12px;color:var(--dim);margin-top:3px}"
    ".broken{width:220px;height:140px;padding:10px;border:1px dashed var(--bad);border-radius:6px;color:var(--bad);font-size:12px;"
    "overflow:auto}.text{white-space:pre-wrap;overflow-wrap:anywhere;border-left:3px solid var(--line);padding:2px 0 2px 12px;margin:0 0 10px}"
    ".answer{border-left-color:var(--good)}mark{border-radius:3px;padding:0 3px;color:inherit}mark.a{background:var(--badbg);color:var(--bad)}"
    "mark.n{background:var(--goodbg);color:var(--good)}.chip{background:var(--chip);border-radius:9px;padding:0 8px;font-size:12px}"
    "details{font-size:13px}summary{cursor:pointer;color:var(--dim)}table{border-collapse:collapse;margin:6px 0}"
    "td{padding:1px 14px 1px 0;vertical-align:top}td:first-child{color:var(--dim)}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}";

iad_status iad_show_head(const char *title, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out,
                            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                            "content=\"width=device-width,initial-scale=1\"><title>",
                            err));
    IAD_TRY(iad_html_text(out, title, err));
    IAD_TRY(iad_buf_addf(out, err, "</title><style>%s</style></head><body><h1>", style));
    IAD_TRY(iad_html_text(out, title, err));
    return iad_buf_add_str(out, "</h1>\n", err);
}

iad_status iad_show_foot(iad_buf *out, iad_err *err) { return iad_buf_add_str(out, "</body></html>\n", err); }

/* ---- pictures ---- */

static iad_status add_picture(const iad_image *picture, const char *caption, const char *class_name, iad_buf *out, iad_err *err) {
    iad_buf jpeg;
    iad_buf_init(&jpeg, MAX_JPEG);
    iad_status status = iad_encode_jpeg(picture, NULL, &jpeg, err);
    if (status == IAD_OK)
        status = iad_buf_addf(out, err, "<figure class=\"%s\"><img width=\"%d\" height=\"%d\" alt=\"\" src=\"", class_name, picture->width,
                              picture->height);
    if (status == IAD_OK) status = iad_html_data_uri(out, "image/jpeg", jpeg.data, jpeg.len, err);
    if (status == IAD_OK) status = iad_buf_add_str(out, "\"><figcaption>", err);
    if (status == IAD_OK) status = iad_html_text(out, caption, err);
    iad_buf_deinit(&jpeg);
    return status == IAD_OK ? iad_buf_add_str(out, "</figcaption></figure>", err) : status;
}

/* Pixels of the stored boxes: a real picture's own size, a recipe's work size. */
static iad_status stored_size(iad_manifest *manifest, const iad_task_image *image, int *w, int *h, iad_err *err) {
    iad_arena arena = {0};
    iad_image_row row;
    iad_synth_row recipe;
    if (image->synth_id) {
        IAD_TRY(iad_synth_get(manifest, image->synth_id, &recipe, err));
        *w = recipe.recipe.work_w;
        *h = recipe.recipe.work_h;
        iad_synth_row_deinit(&recipe);
        return IAD_OK;
    }
    iad_status status = iad_image_get(manifest, image->image_id, &arena, &row, err);
    *w = status == IAD_OK ? row.width : 0;
    *h = status == IAD_OK ? row.height : 0;
    iad_arena_deinit(&arena);
    return status;
}

static iad_status shrink(const iad_image *from, int side, iad_filter filter, iad_image *to, iad_err *err) {
    int w, h;
    iad_work_size(from->width, from->height, side, &w, &h);
    return iad_resize(from, w, h, filter, to, err);
}

/* The picture, and a second time with outline and boxes where there are any. */
static iad_status add_views(const iad_loaded *loaded, const iad_box_slots *boxes, int pos, int stored_w, int stored_h, int side, const char *caption,
                            const char *role, int outline, iad_buf *out, iad_err *err) {
    iad_image small = {0}, mask = {0};
    int any = 0;
    iad_status status = shrink(&loaded->picture, side, IAD_FILTER_BICUBIC, &small, err);
    if (status == IAD_OK) status = add_picture(&small, caption, role, out, err);
    if (status == IAD_OK && outline && loaded->mask.px) {
        status = shrink(&loaded->mask, side, IAD_FILTER_NEAREST_PIL, &mask, err);
        if (status == IAD_OK && memchr(mask.px, 255, (size_t)mask.width * (size_t)mask.height)) {
            any = 1;
            status = iad_draw_contour(&small, &mask, (iad_rgb){255, 40, 40}, 1, err);
        }
    }
    for (size_t i = 0; status == IAD_OK && i < boxes->n; i++) {
        const int *b = boxes->items[i].box;
        if (boxes->items[i].image != pos || stored_w < 1 || stored_h < 1) continue;
        any = 1;
        iad_draw_rect(&small, b[0] * small.width / stored_w, b[1] * small.height / stored_h, b[2] * small.width / stored_w + 1,
                      b[3] * small.height / stored_h + 1, (iad_rgb){255, 190, 0}, 2);
    }
    if (status == IAD_OK && any) status = add_picture(&small, "mask red, boxes yellow", role, out, err);
    iad_image_deinit(&small);
    iad_image_deinit(&mask);
    return status;
}

static iad_status add_image(iad_manifest *manifest, iad_picture_loader *loader, const iad_task_view *view, const iad_box_slots *boxes, int pos,
                            int side, size_t *broken, iad_buf *out, iad_err *err) {
    const iad_task_image *image = &view->row.images[pos];
    iad_loaded loaded;
    iad_err why = IAD_ERR_NONE;
    char caption[200];
    int w = 0, h = 0, is_query = pos == view->row.query_pos;
    snprintf(caption, sizeof caption, "image %d, %s, %s %lld", pos + 1, image->role, image->synth_id ? "recipe" : "picture",
             (long long)(image->synth_id ? image->synth_id : image->image_id));
    iad_status status = stored_size(manifest, image, &w, &h, &why);
    if (status == IAD_OK) status = iad_picture_load(loader, image->image_id, image->synth_id, image->jitter, &loaded, &why);
    if (status != IAD_OK) {
        ++*broken;
        IAD_TRY(iad_buf_add_str(out, "<figure><div class=\"broken\">", err));
        IAD_TRY(iad_html_text(out, why.msg, err));
        IAD_TRY(iad_buf_add_str(out, "</div><figcaption>", err));
        IAD_TRY(iad_html_text(out, caption, err));
        return iad_buf_add_str(out, "</figcaption></figure>", err);
    }
    status = add_views(&loaded, boxes, pos, w, h, side, caption, is_query ? "query" : "ref", is_query || strcmp(image->role, "group") == 0, out, err);
    iad_loaded_deinit(&loaded);
    return status;
}

/* ---- texts ---- */

typedef struct word_span {
    size_t start, end;
    char kind; /* a or n */
} word_span;

static int by_start(const void *a, const void *b) {
    const word_span *p = a, *q = b;
    return (p->start > q->start) - (p->start < q->start);
}

static iad_status read_spans(const char *json, char kind, size_t length, word_span *spans, size_t *n, iad_err *err) {
    json_t *root;
    if (!json) return IAD_OK;
    IAD_TRY(iad_json_parse(json, strlen(json), 8, "spans", &root, err));
    for (size_t i = 0; i < json_array_size(root) && *n < MAX_SPANS; i++) {
        const json_t *one = json_array_get(root, i);
        json_int_t start = json_integer_value(json_array_get(one, 0)), end = json_integer_value(json_array_get(one, 1));
        if (start >= 0 && end > start && (uint64_t)end <= length) spans[(*n)++] = (word_span){(size_t)start, (size_t)end, kind};
    }
    json_decref(root);
    return IAD_OK;
}

/* Escaped text from `from` to `to`, image marks as numbered chips. */
static iad_status add_piece(const char *text, size_t from, size_t to, int *image, iad_buf *out, iad_err *err) {
    iad_buf piece;
    iad_status status = IAD_OK;
    iad_buf_init(&piece, MAX_TEXT);
    while (status == IAD_OK && from < to) {
        const char *mark = strstr(text + from, "<image>");
        size_t end = mark && (size_t)(mark - text) < to ? (size_t)(mark - text) : to;
        iad_buf_reset(&piece);
        status = iad_buf_add(&piece, text + from, end - from, err);
        if (status == IAD_OK) status = iad_html_text(out, iad_buf_str(&piece), err);
        from = end;
        if (status == IAD_OK && from < to) {
            status = iad_buf_addf(out, err, "<span class=\"chip\">image %d</span> ", ++*image);
            from += strlen("<image>");
        }
    }
    iad_buf_deinit(&piece);
    return status;
}

static iad_status add_question(const iad_task_view *view, iad_buf *out, iad_err *err) {
    word_span spans[MAX_SPANS];
    size_t n = 0, at = 0, length = strlen(view->row.question);
    int image = 0;
    IAD_TRY(read_spans(view->row.anomaly_spans, 'a', length, spans, &n, err));
    IAD_TRY(read_spans(view->row.normal_spans, 'n', length, spans, &n, err));
    qsort(spans, n, sizeof *spans, by_start);
    IAD_TRY(iad_buf_add_str(out, "<div class=\"text\">", err));
    for (size_t i = 0; i < n; i++) {
        if (spans[i].start < at) continue;
        IAD_TRY(add_piece(view->row.question, at, spans[i].start, &image, out, err));
        IAD_TRY(iad_buf_addf(out, err, "<mark class=\"%c\">", spans[i].kind));
        IAD_TRY(add_piece(view->row.question, spans[i].start, spans[i].end, &image, out, err));
        IAD_TRY(iad_buf_add_str(out, "</mark>", err));
        at = spans[i].end;
    }
    IAD_TRY(add_piece(view->row.question, at, length, &image, out, err));
    return iad_buf_add_str(out, "</div>\n", err);
}

static iad_status add_fact(const char *name, const char *value, iad_buf *out, iad_err *err) {
    if (!value || !*value) return IAD_OK;
    IAD_TRY(iad_buf_addf(out, err, "<tr><td>%s</td><td>", name));
    IAD_TRY(iad_html_text(out, value, err));
    return iad_buf_add_str(out, "</td></tr>", err);
}

static iad_status add_facts(iad_manifest *manifest, const iad_task_view *view, iad_buf *out, iad_err *err) {
    const iad_task_row *r = &view->row;
    char text[64];
    IAD_TRY(iad_buf_add_str(out, "<details><summary>facts</summary><table>", err));
    IAD_TRY(add_fact("record", r->external_id, out, err));
    snprintf(text, sizeof text, "%llu", (unsigned long long)r->seed);
    IAD_TRY(add_fact("seed", text, out, err));
    snprintf(text, sizeof text, "%lld", (long long)r->template_id);
    IAD_TRY(add_fact("phrasing", r->template_id ? text : NULL, out, err));
    IAD_TRY(add_fact("Yes means", r->yes_means, out, err));
    IAD_TRY(add_fact("part", r->part, out, err));
    IAD_TRY(add_fact("boxes", r->boxes, out, err));
    IAD_TRY(add_fact("later turns", r->turns, out, err));
    for (size_t i = 0; i < r->n_images; i++) {
        iad_synth_row recipe;
        iad_buf json;
        snprintf(text, sizeof text, "image %zu", i + 1);
        IAD_TRY(add_fact(text, r->images[i].jitter, out, err));
        if (!r->images[i].synth_id || iad_synth_get(manifest, r->images[i].synth_id, &recipe, NULL) != IAD_OK) continue;
        iad_buf_init(&json, IAD_RECIPE_MAX_BYTES);
        iad_status status = iad_recipe_json(&recipe.recipe, &json, err);
        if (status == IAD_OK) status = add_fact("recipe", iad_buf_str(&json), out, err);
        iad_buf_deinit(&json);
        iad_synth_row_deinit(&recipe);
        IAD_TRY(status);
    }
    return iad_buf_add_str(out, "</table></details>", err);
}

iad_status iad_show_record(iad_manifest *manifest, iad_picture_loader *loader, const iad_task_view *view, int side, size_t *broken, iad_buf *out,
                           iad_err *err) {
    const iad_task_row *r = &view->row;
    iad_box_slots boxes;
    int image = 0;
    if (iad_box_slots_parse(r->boxes, &boxes, err) != IAD_OK) return iad_err_prefix(err, "task %lld", (long long)r->id);
    IAD_TRY(iad_buf_addf(out, err, "<article id=\"task%lld\"><h2>%lld ", (long long)r->id, (long long)r->id));
    IAD_TRY(iad_html_text(out, r->task, err));
    IAD_TRY(iad_buf_addf(out, err, "<small>stage %d, ", r->stage));
    IAD_TRY(iad_html_text(out, view->category ? view->category : "no category", err));
    if (r->shots) IAD_TRY(iad_buf_addf(out, err, ", %d-shot", r->shots));
    IAD_TRY(
        iad_buf_addf(out, err, "%s%s%s%s</small></h2><div class=\"row\">", *view->form ? ", " : "", view->form, *view->lang ? ", " : "", view->lang));
    for (size_t i = 0; i < r->n_images && i < MAX_IMAGES; i++) IAD_TRY(add_image(manifest, loader, view, &boxes, (int)i, side, broken, out, err));
    IAD_TRY(iad_buf_add_str(out, "</div>\n", err));
    if (add_question(view, out, err) != IAD_OK) return iad_err_prefix(err, "task %lld", (long long)r->id);
    IAD_TRY(iad_buf_add_str(out, "<div class=\"text answer\">", err));
    IAD_TRY(add_piece(r->answer, 0, strlen(r->answer), &image, out, err));
    IAD_TRY(iad_buf_add_str(out, "</div>\n", err));
    IAD_TRY(add_facts(manifest, view, out, err));
    return iad_buf_add_str(out, "</article>\n", err);
}
