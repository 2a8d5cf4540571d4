/* Pictures of a category: picture, truth, map overlay on one fixed scale, score; then the worst misses and false alarms. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/html.h"
#include "base/image/decode.h"
#include "base/image/draw.h"
#include "base/image/encode.h"
#include "base/image/resize.h"
#include "bench/jsonwrite.h"
#include "bench/metrics/mapcache.h"
#include "bench/report/reportview.h"
#include "bench/runner.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

typedef struct shown {
    const char *path, *defect;
    int label;
    double score;
} shown;

typedef struct gallery {
    iad_report *r;
    const json_t *unit;
    iad_mapcache *cache; /* NULL: no maps */
    double lo, hi;       /* the category's scale */
    shown *items;        /* [n] in the order of the paths */
    size_t n;
} gallery;

/* ---- the category's scale ---- */

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* From the median over pictures of their mean to the 90th percentile of their maximum: one scale for all pictures of the category, so that a
 * good picture looks calm beside a bad one, and a single outlier does not hide the rest. */
static iad_status find_scale(gallery *g, iad_err *err) {
    size_t n = iad_mapcache_count(g->cache);
    float *means = iad_calloc(n, sizeof *means), *maxima = iad_calloc(n, sizeof *maxima);
    iad_status status = means && maxima ? IAD_OK : IAD_NOMEM(err, "the scale");
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        iad_mapcache_entry entry;
        int has_mask;
        status = iad_mapcache_entry_at(g->cache, i, &entry, &has_mask, err);
        size_t pixels = status == IAD_OK ? (size_t)entry.width * (size_t)entry.height : 0;
        double sum = 0;
        float max = -INFINITY;
        for (size_t k = 0; k < pixels; k++) {
            sum += (double)entry.map[k];
            if (entry.map[k] > max) max = entry.map[k];
        }
        means[i] = pixels ? (float)(sum / (double)pixels) : 0;
        maxima[i] = max;
    }
    if (status == IAD_OK && n) {
        qsort(means, n, sizeof *means, by_value);
        qsort(maxima, n, sizeof *maxima, by_value);
        g->lo = (double)means[n / 2];
        g->hi = (double)maxima[(n - 1) * 9 / 10];
        if (!(g->hi > g->lo)) g->hi = g->lo + 1;
    }
    free(means);
    free(maxima);
    return status;
}

/* ---- one picture ---- */

static iad_status find_image(iad_report *r, const char *dataset, const char *path, int64_t *id, iad_err *err) {
    int64_t dataset_id = 0;
    *id = 0;
    IAD_TRY(iad_dataset_find(r->manifest, dataset, &dataset_id, err));
    return dataset_id ? iad_image_find(r->manifest, dataset_id, path, id, err) : IAD_OK;
}

static void fit(int width, int height, int side, int *w, int *h) {
    double scale = (double)side / (width > height ? width : height);
    if (scale > 1) scale = 1;
    *w = (int)(width * scale + 0.5);
    *h = (int)(height * scale + 0.5);
    if (*w < 1) *w = 1;
    if (*h < 1) *h = 1;
}

/* The picture as a small RGB image and its truth at the same size (px NULL when unknown). */
static iad_status load_thumb(const gallery *g, const char *path, iad_image *thumb, iad_image *truth, iad_err *err) {
    iad_report *r = g->r;
    char file[IAD_PATH_MAX];
    iad_image full = {0}, rgb = {0}, mask = {0};
    iad_mask_facts facts = {IAD_MASK_UNKNOWN, IAD_MASK_EXACT, 0};
    int64_t id;
    int w, h;
    if (!r->manifest) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no manifest");
    IAD_TRY(find_image(r, iad_report_text(g->unit, "dataset"), path, &id, err));
    if (!id) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "not in the manifest");
    IAD_TRY(iad_image_path(r->manifest, id, file, sizeof file, err));
    IAD_TRY(iad_image_load(file, NULL, &full, NULL, err));
    fit(full.width, full.height, r->options.thumb, &w, &h);
    iad_status status = iad_image_to_rgb(&full, &rgb, err);
    if (status == IAD_OK) status = iad_resize(&rgb, w, h, IAD_FILTER_BICUBIC, thumb, err);
    if (status == IAD_OK) status = iad_image_mask(r->manifest, id, &mask, &facts, err);
    if (status == IAD_OK && facts.state == IAD_MASK_KNOWN) {
        status = iad_resize(&mask, w, h, IAD_FILTER_BOX, truth, err);
        for (size_t i = 0; status == IAD_OK && i < (size_t)w * (size_t)h; i++) truth->px[i] = truth->px[i] ? 255 : 0;
    }
    iad_image_deinit(&mask);
    iad_image_deinit(&rgb);
    iad_image_deinit(&full);
    if (status != IAD_OK) iad_image_deinit(thumb);
    return status;
}

static iad_status add_image(iad_report *r, const iad_image *image, const char *alt, iad_err *err) {
    iad_buf jpeg;
    iad_buf_init(&jpeg, 64u << 20);
    iad_status status = iad_encode_jpeg(image, &(iad_jpeg_options){.quality = 82, .subsample = 1}, &jpeg, err);
    if (status == IAD_OK) status = iad_buf_addf(&r->html, err, "<img alt=\"%s\" loading=lazy src=\"", alt);
    if (status == IAD_OK) status = iad_html_data_uri(&r->html, "image/jpeg", jpeg.data, jpeg.len, err);
    if (status == IAD_OK) status = iad_buf_add_str(&r->html, "\">", err);
    iad_buf_deinit(&jpeg);
    return status;
}

/* Map of the picture over `thumb` (or over grey when there is no picture). */
static iad_status add_overlay(const gallery *g, const char *path, const iad_image *thumb, iad_err *err) {
    ptrdiff_t at = g->cache ? iad_mapcache_find(g->cache, path) : -1;
    if (at < 0) return iad_buf_add_str(&g->r->html, "<div class=gone>no map stored</div>", err);
    iad_mapcache_entry entry;
    int has_mask, w, h;
    IAD_TRY(iad_mapcache_entry_at(g->cache, (size_t)at, &entry, &has_mask, err));
    iad_plane map = {0}, sized = {0};
    iad_image canvas = {0};
    IAD_TRY(iad_plane_init(&map, entry.width, entry.height, err));
    memcpy(map.px, entry.map, (size_t)entry.width * (size_t)entry.height * sizeof(float));
    if (thumb->px) w = thumb->width, h = thumb->height;
    else fit(entry.width, entry.height, g->r->options.thumb, &w, &h);
    iad_status status = iad_plane_bilinear(&map, w, h, 0, &sized, err);
    if (status == IAD_OK) status = thumb->px ? iad_image_copy(thumb, &canvas, err) : iad_image_init(&canvas, w, h, 3, err);
    if (status == IAD_OK) status = iad_draw_heat(&canvas, &sized, g->lo, g->hi, thumb->px ? 0.65 : 1, err);
    if (status == IAD_OK) status = add_image(g->r, &canvas, "anomaly map", err);
    iad_image_deinit(&canvas);
    iad_plane_deinit(&sized);
    iad_plane_deinit(&map);
    return status;
}

static iad_status add_pictures(const gallery *g, const shown *item, iad_err *err) {
    iad_image thumb = {0}, truth = {0};
    iad_err why = IAD_ERR_NONE;
    iad_status status = load_thumb(g, item->path, &thumb, &truth, &why);
    if (status == IAD_ERR_NOMEM) return IAD_FAIL(err, status, "%s", why.msg);
    if (status != IAD_OK) {
        IAD_TRY(iad_buf_add_str(&g->r->html, "<div class=gone title=\"", err));
        IAD_TRY(iad_html_text(&g->r->html, why.msg, err));
        IAD_TRY(iad_buf_add_str(&g->r->html, "\">picture not available</div>", err));
        return add_overlay(g, item->path, &thumb, err);
    }
    status = add_image(g->r, &thumb, "picture", err);
    if (status == IAD_OK) status = add_overlay(g, item->path, &thumb, err);
    if (status == IAD_OK && truth.px) {
        status = iad_draw_contour(&thumb, &truth, (iad_rgb){255, 64, 48}, 2, err);
        if (status == IAD_OK) status = add_image(g->r, &thumb, "ground truth", err);
    } else if (status == IAD_OK) {
        status = iad_buf_add_str(&g->r->html, item->label ? "<div class=gone>no mask</div>" : "<div class=gone>no defect</div>", err);
    }
    iad_image_deinit(&truth);
    iad_image_deinit(&thumb);
    return status;
}

static iad_status add_item(const gallery *g, const shown *item, iad_err *err) {
    iad_buf *html = &g->r->html;
    IAD_TRY(iad_buf_add_str(html, "<div class=shot3><div class=pics>", err));
    IAD_TRY(add_pictures(g, item, err));
    IAD_TRY(iad_buf_add_str(html, "</div><div class=cap><span title=\"", err));
    IAD_TRY(iad_html_text(html, item->path, err));
    IAD_TRY(iad_buf_add_str(html, "\">", err));
    IAD_TRY(iad_html_text(html, iad_path_base(item->path), err));
    IAD_TRY(iad_buf_addf(html, err, "</span><span class=%s>", item->label ? "bad" : "good"));
    IAD_TRY(iad_html_text(html, item->label ? item->defect : "good", err));
    return iad_buf_addf(html, err, " %.4g</span></div></div>\n", item->score);
}

/* ---- which pictures ---- */

static int path_order(const void *a, const void *b) { return strcmp(((const shown *)a)->path, ((const shown *)b)->path); }
static int kind_order(const void *a, const void *b) {
    const shown *x = a, *y = b;
    if (x->label != y->label) return y->label - x->label;
    int order = strcmp(x->defect, y->defect);
    return order ? order : path_order(a, b);
}
static int rising(const void *a, const void *b) {
    const shown *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score) - (x->score < y->score) : path_order(a, b);
}

static iad_status read_items(gallery *g, iad_err *err) {
    const json_t *pictures = json_object_get(g->unit, "pictures");
    size_t i;
    json_t *picture;
    g->items = iad_calloc(json_array_size(pictures), sizeof *g->items);
    if (!g->items) return IAD_NOMEM(err, "the gallery");
    json_array_foreach(pictures, i, picture)
        g->items[g->n++] = (shown){iad_report_text(picture, "path"), iad_report_text(picture, "defect"), iad_report_int(picture, "label") != 0,
                                   iad_json_num_or_nan(picture, "score")};
    return IAD_OK;
}

/* An even walk over the kinds: all kinds of defects first, then good pictures for a quarter of the places. */
static iad_status add_overview(gallery *g, iad_err *err) {
    qsort(g->items, g->n, sizeof *g->items, kind_order);
    size_t bad = 0, want = (size_t)g->r->options.gallery;
    while (bad < g->n && g->items[bad].label) bad++;
    size_t good = g->n - bad, show_good = want / 4 < good ? want / 4 : good, show_bad = want - show_good < bad ? want - show_good : bad;
    IAD_TRY(iad_buf_add_str(&g->r->html, "<div class=gallery>\n", err));
    for (size_t i = 0; i < show_bad; i++) IAD_TRY(add_item(g, &g->items[i * bad / show_bad], err));
    for (size_t i = 0; i < show_good; i++) IAD_TRY(add_item(g, &g->items[bad + i * good / show_good], err));
    return iad_buf_add_str(&g->r->html, "</div>\n", err);
}

/* Bad pictures with the lowest scores, good ones with the highest; only those on the wrong side of some picture of the other class. */
static iad_status add_worst(gallery *g, int label, iad_err *err) {
    qsort(g->items, g->n, sizeof *g->items, rising);
    double lowest_bad = INFINITY, highest_good = -INFINITY;
    for (size_t i = 0; i < g->n; i++) {
        if (g->items[i].label && g->items[i].score < lowest_bad) lowest_bad = g->items[i].score;
        if (!g->items[i].label && g->items[i].score > highest_good) highest_good = g->items[i].score;
    }
    int open = 0, left = g->r->options.worst;
    for (size_t k = 0; k < g->n && left > 0; k++) {
        const shown *item = &g->items[label ? k : g->n - 1 - k];
        if (item->label != label || (label ? item->score > highest_good : item->score < lowest_bad)) continue;
        if (!open)
            IAD_TRY(iad_buf_addf(&g->r->html, err, "<h4>%s</h4><div class=gallery>\n",
                                 label ? "Worst misses: defects that score no higher than a good picture"
                                 : "Worst false alarms: good pictures that score no lower than a defect"));
        open = 1;
        left--;
        IAD_TRY(add_item(g, item, err));
    }
    return open ? iad_buf_add_str(&g->r->html, "</div>\n", err) : IAD_OK;
}

static iad_status add_scale(const gallery *g, iad_err *err) {
    iad_image bar = {0};
    IAD_TRY(iad_image_init(&bar, 160, 10, 3, err));
    for (int x = 0; x < 160; x++) {
        iad_rgb c = iad_colormap(x / 159.0);
        iad_draw_fill(&bar, x, 0, x + 1, 10, c);
    }
    iad_status status = iad_buf_addf(&g->r->html, err, "<div class=scale><span>map scale of this category: %.3g</span>", g->lo);
    if (status == IAD_OK) status = add_image(g->r, &bar, "colours", err);
    if (status == IAD_OK) status = iad_buf_addf(&g->r->html, err, "<span>%.3g</span></div>\n", g->hi);
    iad_image_deinit(&bar);
    return status;
}

iad_status iad_report_gallery(iad_report *r, const json_t *unit, iad_err *err) {
    gallery g = {.r = r, .unit = unit};
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_runner_unit_path(r->out_dir, iad_report_text(unit, "dataset"), iad_report_text(unit, "category"), iad_report_text(unit, "preset"),
                                 (int)iad_report_int(unit, "shots"), (uint64_t)iad_report_int(unit, "seed"), ".maps", path, sizeof path, err));
    iad_err ignored = IAD_ERR_NONE;
    if (iad_file_exists(path) && iad_mapcache_open(path, 0, &g.cache, &ignored) != IAD_OK) g.cache = NULL;
    iad_status status = read_items(&g, err);
    if (status == IAD_OK && g.cache) status = find_scale(&g, err);
    if (status == IAD_OK && (g.cache || r->manifest)) status = add_overview(&g, err);
    if (status == IAD_OK && g.cache) status = add_scale(&g, err);
    if (status == IAD_OK && (g.cache || r->manifest)) status = add_worst(&g, 1, err);
    if (status == IAD_OK && (g.cache || r->manifest)) status = add_worst(&g, 0, err);
    free(g.items);
    iad_mapcache_close(g.cache);
    return status;
}
