#include "manifests/gallery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/html.h"
#include "base/pool.h"
#include "manifests/gallery_thumb.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define MAX_THUMB_BYTES (4u * 1024u * 1024u)

typedef struct gallery {
    iad_manifest *manifest;
    const iad_gallery_options *options;
    iad_gallery_counts *counts;
    iad_buf *html;
    iad_manifest **readers; /* [threads]: a handle belongs to one thread */
    int threads;
    const iad_dataset_row *dataset;
    const iad_image_row **shown; /* the pictures of the category at hand */
} gallery;

typedef struct thumb {
    iad_buf jpeg;
    int width, height;
    iad_mask_state mask;
} thumb;

/* ---- which pictures ---- */

/* Pictures that are alike for the viewer: part, label, defect. */
static int group_order(const iad_image_row *a, const iad_image_row *b) {
    int order = (int)a->part - (int)b->part;
    if (!order) order = (int)a->label - (int)b->label;
    return order ? order : strcmp(a->defect ? a->defect : "", b->defect ? b->defect : "");
}

static int by_group(const void *a, const void *b) {
    const iad_image_row *x = *(const iad_image_row *const *)a, *y = *(const iad_image_row *const *)b;
    int order = group_order(x, y);
    return order ? order : strcmp(x->path, y->path);
}

/* Keeps at most `limit` of list[n], sorted by group: every group gets the same number as long as it has that many, its
 * pictures evenly spaced. */
static size_t thin_out(const iad_image_row **list, size_t n, size_t limit) {
    if (n <= limit) return n;
    size_t quota = 0, total = 0; /* largest quota that fits */
    for (;; quota++) {
        total = 0;
        for (size_t i = 0, end; i < n; i = end) {
            for (end = i + 1; end < n && group_order(list[i], list[end]) == 0;) end++;
            total += end - i < quota + 1 ? end - i : quota + 1;
        }
        if (total > limit) break;
    }
    size_t kept = 0, spare = limit;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && group_order(list[i], list[end]) == 0;) end++;
        spare -= end - i < quota ? end - i : quota;
    }
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && group_order(list[i], list[end]) == 0;) end++;
        size_t size = end - i, take = size < quota ? size : quota;
        if (size > take && spare) take++, spare--; /* what is left over goes to the first groups */
        for (size_t k = 0; k < take; k++) list[kept++] = list[i + k * size / take];
    }
    return kept;
}

/* ---- one picture ---- */

static iad_status make_thumb(void *user, size_t i, int thread, void *result, iad_err *err) {
    gallery *g = user;
    thumb *out = result;
    char path[IAD_PATH_MAX];
    iad_image mask = {0};
    iad_mask_facts facts = {0};
    iad_err why = IAD_ERR_NONE;
    iad_buf_init(&out->jpeg, MAX_THUMB_BYTES);
    IAD_TRY(iad_image_path_join(g->manifest, g->dataset->root, g->shown[i]->path, path, sizeof path, err));
    /* A mask that cannot be used does not hide the picture: it counts as unknown. */
    if (iad_image_mask(g->readers[thread], g->shown[i]->id, &mask, &facts, &why) != IAD_OK)
        facts.state = IAD_MASK_UNKNOWN;
    out->mask = facts.state;
    iad_status status = iad_gallery_thumb(path, facts.state == IAD_MASK_KNOWN ? &mask : NULL, g->options->side,
                                          g->options->quality, &out->jpeg, &out->width, &out->height, err);
    iad_image_deinit(&mask);
    return status;
}

static iad_status add_caption(gallery *g, const iad_image_row *row, const thumb *t, iad_err *err) {
    static const char *const classes[] = {"normal", "anomalous", "unknown"};
    iad_buf *out = g->html;
    IAD_TRY(iad_buf_addf(out, err, "<figcaption><b class=\"%s\">", classes[row->label]));
    IAD_TRY(iad_html_text(
        out, row->label == IAD_LABEL_ANOMALOUS && row->defect ? row->defect : iad_label_name(row->label), err));
    IAD_TRY(
        iad_buf_addf(out, err, "</b> %s%s<br><span>", iad_part_name(row->part),
                     t && t->mask == IAD_MASK_UNKNOWN && row->label == IAD_LABEL_ANOMALOUS ? " &middot; no mask" : ""));
    IAD_TRY(iad_html_text(out, iad_path_base(row->path), err));
    return iad_buf_addf(out, err, "</span> %d&times;%d</figcaption></figure>\n", row->width, row->height);
}

static iad_status emit_thumb(void *user, size_t i, void *result, iad_status status, const iad_err *item_err,
                             iad_err *err) {
    gallery *g = user;
    const thumb *t = result;
    const iad_image_row *row = g->shown[i];
    g->counts->pictures++;
    g->counts->failed += status != IAD_OK;
    IAD_TRY(iad_buf_addf(g->html, err, "<figure class=\"%s\" title=\"", iad_label_name(row->label)));
    IAD_TRY(iad_html_text(g->html, row->path, err));
    IAD_TRY(iad_buf_add_str(g->html, "\">", err));
    if (status == IAD_OK) {
        IAD_TRY(iad_buf_addf(g->html, err, "<div class=\"box\"><img width=\"%d\" height=\"%d\" alt=\"\" src=\"",
                             t->width, t->height));
        IAD_TRY(iad_html_data_uri(g->html, "image/jpeg", t->jpeg.data, t->jpeg.len, err));
        IAD_TRY(iad_buf_add_str(g->html, "\"></div>", err));
    } else {
        IAD_TRY(iad_buf_add_str(g->html, "<div class=\"box bad\">", err));
        IAD_TRY(iad_html_text(g->html, item_err->msg, err));
        IAD_TRY(iad_buf_add_str(g->html, "</div>", err));
    }
    IAD_TRY(add_caption(g, row, status == IAD_OK ? t : NULL, err));
    if (g->options->progress) g->options->progress(g->options->user, 1, status != IAD_OK);
    return IAD_OK;
}

static void drop_thumb(void *user, void *result) {
    (void)user;
    iad_buf_deinit(&((thumb *)result)->jpeg);
}

/* ---- one category ---- */

static iad_status add_category(gallery *g, const iad_category_row *category, iad_err *err) {
    iad_image_list rows = {0};
    iad_picture_filter filter = {.category_id = category->id, .scheme = g->options->scheme, .any_part = 1};
    IAD_TRY(iad_image_select(g->manifest, &filter, &rows, err));
    g->shown = iad_alloc(rows.n, sizeof *g->shown);
    iad_status status = g->shown ? IAD_OK : IAD_NOMEM(err, "a list of pictures");
    if (status == IAD_OK && rows.n) {
        size_t normal = 0, anomalous = 0;
        for (size_t i = 0; i < rows.n; i++) {
            g->shown[i] = &rows.items[i];
            normal += rows.items[i].label == IAD_LABEL_NORMAL;
            anomalous += rows.items[i].label == IAD_LABEL_ANOMALOUS;
        }
        qsort(g->shown, rows.n, sizeof *g->shown, by_group);
        size_t n = thin_out(g->shown, rows.n, (size_t)g->options->per_category);
        g->counts->categories++;
        status = iad_buf_add_str(g->html, "<section>\n<h2>", err);
        if (status == IAD_OK) status = iad_html_text(g->html, g->dataset->name, err);
        if (status == IAD_OK) status = iad_buf_add_str(g->html, " / ", err);
        if (status == IAD_OK) status = iad_html_text(g->html, category->name, err);
        if (status == IAD_OK)
            status = iad_buf_addf(
                g->html, err, "</h2>\n<p>%zu normal, %zu anomalous, %zu unlabelled%s</p>\n<div class=\"sheet\">\n",
                normal, anomalous, rows.n - normal - anomalous, n < rows.n ? "; a selection is shown" : "");
        iad_pool_job job = {
            .work = make_thumb, .emit = emit_thumb, .drop = drop_thumb, .user = g, .result_size = sizeof(thumb)};
        if (status == IAD_OK) status = iad_pool_run(&job, n, g->threads, 0, g->options->stop, err);
        if (status == IAD_OK) status = iad_buf_add_str(g->html, "</div>\n</section>\n", err);
    }
    free(g->shown);
    g->shown = NULL;
    iad_image_list_deinit(&rows);
    return status;
}

static int wanted(const iad_gallery_options *options, const char *name) {
    if (!options->categories || !options->categories->n) return 1;
    for (size_t i = 0; i < options->categories->n; i++)
        if (!strcmp(options->categories->items[i], name)) return 1;
    return 0;
}

static iad_status add_dataset(gallery *g, iad_err *err) {
    iad_category_list categories = {0};
    iad_status status = iad_category_all(g->manifest, g->dataset->id, &categories, err);
    for (size_t i = 0; status == IAD_OK && i < categories.n; i++)
        if (wanted(g->options, categories.items[i].name)) status = add_category(g, &categories.items[i], err);
    iad_category_list_deinit(&categories);
    return status;
}

/* ---- the page ---- */

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\""
    " content=\"width=device-width\">\n<title>";
static const char style[] =
    "</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1c2328;--soft:#5b6770;--paper:#f6f7f8;--card:#fff;--line:#dfe3e6}\n"
    "@media(prefers-color-scheme:dark){"
    ":root{--ink:#e6eaed;--soft:#9aa6af;--paper:#14181b;--card:#1d2327;--line:#2c343a}}\n"
    "body{margin:0 auto;max-width:1500px;padding:1.5rem;background:var(--paper);color:var(--ink);font:15px/1.45"
    " system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .2rem}p{margin:.1rem 0"
    " .7rem;color:var(--soft)}\n"
    "label{margin-right:1.2rem}\n"
    ".sheet{display:flex;flex-wrap:wrap;gap:10px}\n"
    "figure{margin:0;padding:6px;background:var(--card);border:1px solid"
    " var(--line);border-radius:6px;width:min-content}\n"
    ".box{display:flex;align-items:center;justify-content:center}\n"
    ".bad{color:#b3261e;font-size:12px;padding:8px;overflow:auto;overflow-wrap:anywhere}\n"
    "img{display:block;border-radius:3px}\n"
    "figcaption{font-size:12px;line-height:1.35;margin-top:5px;color:var(--soft);overflow-wrap:anywhere}\n"
    "figcaption b{color:#fff;border-radius:3px;padding:0 5px;font-weight:600}\n"
    "figcaption span{color:var(--ink)}\n"
    "b.normal{background:#2e7d4f}b.anomalous{background:#b3261e}b.unknown{background:#6b7680}\n"
    "#n:not(:checked)~main .normal,#a:not(:checked)~main .anomalous,#u:not(:checked)~main .unknown{display:none}\n";

static iad_status add_head(gallery *g, iad_err *err) {
    iad_buf *out = g->html;
    const char *name = iad_path_base(iad_manifest_path(g->manifest));
    IAD_TRY(iad_buf_add_str(out, head, err));
    IAD_TRY(iad_html_text(out, name, err));
    IAD_TRY(iad_buf_add_str(out, style, err));
    IAD_TRY(iad_buf_addf(out, err, ".box{width:%dpx;height:%dpx}\n</style>\n<h1>", g->options->side, g->options->side));
    IAD_TRY(iad_html_text(out, name, err));
    return iad_buf_add_str(out,
                           "</h1>\n<p>Red lines are the stored ground truth.</p>\n"
                           "<input type=\"checkbox\" id=\"n\" checked> <label for=\"n\">normal</label>\n"
                           "<input type=\"checkbox\" id=\"a\" checked> <label for=\"a\">anomalous</label>\n"
                           "<input type=\"checkbox\" id=\"u\" checked> <label for=\"u\">unlabelled</label>\n<main>\n",
                           err);
}

/* One handle per worker; a manifest in memory has only the one, and so one worker. */
static iad_status open_readers(gallery *g, iad_err *err) {
    int threads = g->options->threads < 1 || !iad_file_exists(iad_manifest_path(g->manifest)) ? 1 : g->options->threads;
    g->readers = iad_calloc((size_t)threads, sizeof *g->readers);
    if (!g->readers) return IAD_NOMEM(err, "manifest handles");
    g->threads = threads;
    if (threads == 1) g->readers[0] = g->manifest;
    for (int i = 0; threads > 1 && i < threads; i++)
        IAD_TRY(iad_manifest_open(iad_manifest_path(g->manifest), IAD_MANIFEST_READ, &g->readers[i], err));
    return IAD_OK;
}

static iad_status write_page(gallery *g, iad_err *err) {
    iad_dataset_list datasets = {0};
    IAD_TRY(add_head(g, err));
    iad_status status = iad_dataset_all(g->manifest, &datasets, err);
    for (size_t i = 0; status == IAD_OK && i < datasets.n; i++) {
        if (g->options->dataset && strcmp(g->options->dataset, datasets.items[i].name) != 0) continue;
        g->dataset = &datasets.items[i];
        status = add_dataset(g, err);
    }
    iad_dataset_list_deinit(&datasets);
    if (status == IAD_OK && !g->counts->pictures)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no pictures of this data set and category",
                          iad_manifest_path(g->manifest));
    return status == IAD_OK ? iad_buf_add_str(g->html, "</main>\n</html>\n", err) : status;
}

iad_status iad_gallery_html(iad_manifest *manifest, const iad_gallery_options *options, iad_buf *html,
                            iad_gallery_counts *counts, iad_err *err) {
    gallery g = {.manifest = manifest, .options = options, .counts = counts, .html = html};
    memset(counts, 0, sizeof *counts);
    if (options->per_category < 1 || options->side < 16 || options->side > 1024 || options->quality < 1 ||
        options->quality > 100)
        return IAD_FAIL(err, IAD_ERR_ARG, "gallery: at least 1 picture, side 16 to 1024, quality 1 to 100");
    iad_status status = open_readers(&g, err);
    if (status == IAD_OK) status = write_page(&g, err);
    for (int i = 0; g.readers && g.threads > 1 && i < g.threads; i++) iad_manifest_close(g.readers[i]);
    free(g.readers);
    return status;
}
