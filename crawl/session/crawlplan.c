#include "crawl/session/crawlplan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "crawl/engine/urllist.h"
#include "crawl/session/crawlrows.h"
#include "crawl/session/strmap.h"
#include "manifests/query.h"
#include "manifests/records.h"

#define ROWS_PER_PAGE 10000

const char *iad_crawl_overlap(const char *slug) {
    static const struct {
        const char *slug, *benchmarks;
    } table[] = {{"clear_glass_bottle", "mvtec"},
                 {"soft_gel_capsule", "mvtec,visa"},
                 {"hard_gelatin_capsule", "mvtec"},
                 {"carpet", "mvtec"},
                 {"woven_wire_mesh", "mvtec"},
                 {"hazelnut", "mvtec"},
                 {"genuine_leather", "mvtec"},
                 {"hex_nut", "mvtec"},
                 {"round_tablet_pill", "mvtec"},
                 {"wood_screw", "mvtec"},
                 {"self_tapping_screw", "mvtec"},
                 {"ceramic_floor_tile", "mvtec"},
                 {"toothbrush", "mvtec,real_iad"},
                 {"to92_transistor", "mvtec,real_iad"},
                 {"pine_wood_board", "mvtec"},
                 {"zipper", "mvtec,real_iad"},
                 {"cashew_nut", "visa"},
                 {"chewing_gum", "visa"},
                 {"macaroni_pasta", "visa"},
                 {"ultrasonic_sensor_module", "visa"},
                 {"relay_module_board", "visa"},
                 {"assembled_pcb", "visa,real_iad"},
                 {"plastic_bottle_cap", "real_iad"},
                 {"button_cell_battery", "real_iad"},
                 {"pouch_lithium_cell", "real_iad"},
                 {"plastic_wall_plug", "real_iad"},
                 {"tactile_switch", "real_iad"},
                 {"packing_tape_roll", "real_iad"},
                 {"terminal_block", "real_iad"},
                 {"building_block_toy", "real_iad"},
                 {"usb_cable", "real_iad"},
                 {"beverage_can", "goodsad"},
                 {"pet_bottle", "goodsad"},
                 {"stamped_metal_bracket", "mpdd"},
                 {"motor_rotor", "ksdd"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].slug, slug)) return table[i].benchmarks;
    return "";
}

/* ---- queries ---- */

static const char *const tails_en[] = {"product photo", "close up photo", "isolated on white background", "surface texture close up",
                                       "macro",         "new unused"};
static const char *const tails_zh[] = {"产品实拍图", "高清特写 实物图", "白底产品图", "表面纹理 高清特写", "细节图"};

int iad_crawl_variant(const iad_product *product, const char *language, int v, iad_buf *out, iad_err *err) {
    int chinese = !strcmp(language, "zh");
    const char *query = chinese ? product->query_zh : product->query_en, *const *tails = chinese ? tails_zh : tails_en;
    int n = chinese ? (int)(sizeof tails_zh / sizeof *tails_zh) : (int)(sizeof tails_en / sizeof *tails_en), own = -1;
    size_t head = strlen(query);
    for (int i = 0; i < n; i++) /* the stored query's own tail is not tried again */
        if (iad_text_ends(query, tails[i]) && own < 0) own = i;
    if (own >= 0) head -= strlen(tails[own]);
    while (head && query[head - 1] == ' ') head--;
    iad_buf_reset(out);
    if (v == 0) return iad_buf_add_str(out, query, err) == IAD_OK;
    for (int i = 0, k = 0; i < n; i++)
        if (i != own && ++k == v) return iad_buf_addf(out, err, "%.*s %s", (int)head, query, tails[i]) == IAD_OK;
    return 0;
}

static iad_status add_query(iad_manifest *m, int64_t category_id, const iad_engine *engine, int variant, const char *text, const char *filters,
                            iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_query",
                           "INSERT INTO crawl_query(category_id,engine,variant,text,lang,filters,next_at,state) VALUES(?,?,?,?,?,?,?,'todo')"
                           " ON CONFLICT(category_id,engine,variant) DO NOTHING",
                           err));
    iad_query_i64(&q, category_id);
    iad_query_text(&q, engine->name);
    iad_query_i64(&q, variant);
    iad_query_text(&q, text);
    iad_query_text(&q, engine->language);
    iad_query_text(&q, filters);
    iad_query_i64(&q, engine->first);
    return iad_query_run(&q, text, err);
}

static iad_status add_queries(iad_manifest *m, const iad_crawl_options *o, const iad_crawl_plan *plan, const iad_product *product,
                              int64_t category_id, iad_err *err) {
    iad_buf text, filters;
    iad_buf_init(&text, 4096);
    iad_buf_init(&filters, 4096);
    iad_status status = iad_search_filters_text(&o->filters, &filters, err);
    for (const char *const *name = plan->engines; status == IAD_OK && *name; name++) {
        const iad_engine *engine = iad_engine_find(*name);
        if (!engine) status = IAD_FAIL(err, IAD_ERR_ARG, "no engine \"%.60s\"", *name);
        for (int v = 0; status == IAD_OK && engine && v < o->variants && iad_crawl_variant(product, engine->language, v, &text, err); v++)
            status = add_query(m, category_id, engine, v, iad_buf_str(&text), iad_buf_str(&filters), err);
    }
    iad_buf_deinit(&text);
    iad_buf_deinit(&filters);
    return status;
}

/* ---- data sets, categories, goals ---- */

static iad_status put_dataset(iad_manifest *m, const iad_crawl_options *o, int overlap, int64_t *id, iad_err *err) {
    char root[IAD_PATH_MAX], name[200];
    snprintf(name, sizeof name, "%.180s%s", o->dataset, overlap ? "-overlap" : "");
    IAD_TRY(iad_dir_make(o->out, err));
    IAD_TRY(iad_manifest_root_pack(m, o->out, root, sizeof root, err));
    iad_dataset_row row = {.name = name, .root = root, .licence = "various: see each picture's source", .origin = "web", .adapter = "crawl",
                           .eval_overlap = overlap ? "mvtec,visa,real_iad,goodsad,mpdd,ksdd" : "",
                           .citation = "pictures of web pages, found by search; addresses and hashes in the tables crawl_*"};
    return iad_dataset_put(m, &row, id, err);
}

/* Textures want more pixels: their defects are small in the whole. */
static int usual_min_side(const char *group) {
    return !strcmp(group, "textiles_leather") || !strcmp(group, "wood_paper_print") ? 400 : 256;
}

static iad_status put_goal(iad_manifest *m, int64_t category_id, int64_t target, int min_side, const char *overlap, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, m, "crawl_goal",
        "INSERT INTO crawl_goal(category_id,target,min_side,overlap,state) VALUES(?1,?2,?3,?4,'open') ON CONFLICT(category_id) DO UPDATE SET"
        " target=CASE WHEN excluded.target=0 OR target=0 THEN 0 ELSE max(target,excluded.target) END,min_side=excluded.min_side,"
        "state='open'",
        err));
    iad_query_i64(&q, category_id);
    iad_query_i64(&q, target);
    iad_query_i64(&q, min_side);
    iad_query_text(&q, overlap);
    return iad_query_run(&q, "a goal", err);
}

static iad_status put_category(iad_manifest *m, const iad_crawl_plan *plan, const int64_t dataset[2], const iad_product *product, int64_t *id,
                               iad_err *err) {
    char description[400];
    const char *overlap = iad_crawl_overlap(product->slug);
    snprintf(description, sizeof description, "%.100s; %.200s", product->group, product->name_zh);
    iad_category_row row = {.dataset_id = dataset[*overlap != 0],
                            .name = product->slug,
                            .display = product->name_en,
                            .kind = "object",
                            .grey = -1,
                            .aligned = 0,
                            .description = description};
    IAD_TRY(iad_category_put(m, &row, id, err));
    return put_goal(m, *id, plan->target, plan->min_side ? plan->min_side : usual_min_side(product->group), overlap, err);
}

iad_status iad_crawl_plan_products(iad_manifest *m, const iad_crawl_options *o, const iad_crawl_plan *plan, const iad_product *const *products,
                                   size_t n, int64_t **ids, iad_err *err) {
    int64_t dataset[2];
    *ids = iad_alloc(n, sizeof **ids);
    if (!*ids) return IAD_NOMEM(err, "categories");
    iad_status status = iad_manifest_begin(m, err);
    if (status == IAD_OK) status = put_dataset(m, o, 0, &dataset[0], err);
    if (status == IAD_OK) status = put_dataset(m, o, 1, &dataset[1], err);
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        status = put_category(m, plan, dataset, products[i], &(*ids)[i], err);
        if (status == IAD_OK) status = add_queries(m, o, plan, products[i], (*ids)[i], err);
    }
    if (status == IAD_OK) status = iad_manifest_commit(m, err);
    else iad_manifest_rollback(m);
    if (status != IAD_OK) {
        free(*ids);
        *ids = NULL;
    }
    return status;
}

/* ---- lists of addresses ---- */

typedef struct url_import {
    iad_manifest *m;
    const iad_crawl_options *o;
    const iad_crawl_plan *plan;
    const char *path, *stem;
    int64_t dataset[2];
    iad_products products;
    iad_strmap categories; /* name -> place in ids + 1 */
    int64_t *ids;
    size_t n, cap;
    int64_t bad;
} url_import;

/* A category's name as a slug: letters, digits, "_". */
static void slug_of(const char *text, char out[65]) {
    size_t n = 0;
    for (; *text && n < 64; text++) {
        if (isalnum((unsigned char)*text)) out[n++] = (char)tolower((unsigned char)*text);
        else if (n && out[n - 1] != '_') out[n++] = '_';
    }
    while (n && out[n - 1] == '_') n--;
    out[n] = 0;
    if (!n) memcpy(out, "unnamed", 8);
}

static iad_status category_of(url_import *x, const char *name, int64_t *id, iad_err *err) {
    char slug[65];
    slug_of(name && *name ? name : x->stem, slug);
    uintptr_t place = (uintptr_t)iad_strmap_get(&x->categories, slug);
    if (place) {
        *id = x->ids[place - 1];
        return IAD_OK;
    }
    const iad_product *known = iad_products_find(&x->products, slug);
    iad_product fresh = {.group = "list", .slug = slug, .name_en = slug, .query_en = slug, .name_zh = slug, .query_zh = slug};
    IAD_TRY(put_category(x->m, x->plan, x->dataset, known ? known : &fresh, id, err));
    void *ids = x->ids;
    IAD_TRY(iad_grow(&ids, &x->cap, x->n + 1, sizeof *x->ids, 1000000, "categories of a list", err));
    x->ids = ids;
    x->ids[x->n++] = *id;
    return iad_strmap_put(&x->categories, slug, (void *)(uintptr_t)x->n, err);
}

/* The query row of this file in a category; its variant is the number of files before it. */
static iad_status file_query(url_import *x, int64_t category_id, int64_t *id, iad_err *err) {
    iad_query q;
    const char *name = iad_path_base(x->path);
    *id = 0;
    IAD_TRY(iad_query_open(&q, x->m, "crawl_query", "SELECT id FROM crawl_query WHERE category_id=? AND engine='urllist' AND text=?", err));
    iad_query_i64(&q, category_id);
    iad_query_text(&q, name);
    if (iad_query_next(&q)) *id = iad_query_col_i64(&q, 0);
    IAD_TRY(iad_query_close(&q, err));
    if (*id) return IAD_OK;
    IAD_TRY(iad_query_open(
        &q, x->m, "crawl_query",
        "INSERT INTO crawl_query(category_id,engine,variant,text,lang,filters,next_at,state) SELECT ?1,'urllist',count(*),?2,'','',0,'done'"
        " FROM crawl_query WHERE category_id=?1 AND engine='urllist'",
        err));
    iad_query_i64(&q, category_id);
    iad_query_text(&q, name);
    IAD_TRY(iad_query_run(&q, name, err));
    *id = iad_query_last_id(x->m);
    return IAD_OK;
}

static iad_status has_page(iad_manifest *m, int64_t query_id, int number, int *there, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_page", "SELECT 1 FROM crawl_page WHERE query_id=? AND number=?", err));
    iad_query_i64(&q, query_id);
    iad_query_i64(&q, number);
    *there = iad_query_next(&q);
    return iad_query_close(&q, err);
}

/* The rows of one chunk of the file, sorted into pages of their categories. */
static iad_status add_chunk(url_import *x, int number, const iad_hits *hits, iad_err *err) {
    int64_t *of = iad_alloc(hits->n, sizeof *of);
    iad_hits part = {0};
    iad_status status = of ? IAD_OK : IAD_NOMEM(err, "a list of addresses");
    for (size_t i = 0; i < hits->n && status == IAD_OK; i++) status = category_of(x, hits->items[i].category, &of[i], err);
    part.items = status == IAD_OK ? iad_alloc(hits->n, sizeof *part.items) : NULL;
    if (status == IAD_OK && !part.items) status = IAD_NOMEM(err, "a list of addresses");
    for (size_t c = 0; c < x->n && status == IAD_OK; c++) {
        iad_page_row page = {.category_id = x->ids[c], .number = number, .start_at = (int64_t)number * ROWS_PER_PAGE};
        int there = 0, fresh;
        part.n = 0;
        for (size_t i = 0; i < hits->n; i++)
            if (of[i] == x->ids[c]) part.items[part.n++] = hits->items[i];
        if (!part.n) continue;
        status = file_query(x, x->ids[c], &page.query_id, err);
        if (status == IAD_OK) status = has_page(x->m, page.query_id, number, &there, err);
        if (status == IAD_OK && !there) status = iad_page_row_add(x->m, &page, &part, x->o->check_pages, &fresh, err);
    }
    free(part.items);
    free(of);
    return status;
}

static iad_status import_text(url_import *x, const iad_map *map, iad_err *err) {
    iad_urllist_header header = {0};
    size_t at = 0;
    for (int number = 0; at < map->n; number++) {
        iad_page page;
        IAD_TRY(iad_urllist_read((const char *)map->data, map->n, &at, ROWS_PER_PAGE, &header, &page, err));
        x->bad += (int64_t)page.bad_items;
        if (x->o->stop && *x->o->stop) {
            iad_page_deinit(&page);
            return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
        }
        iad_status status = iad_manifest_begin(x->m, err);
        if (status == IAD_OK) status = add_chunk(x, number, &page.hits, err);
        if (status == IAD_OK) status = iad_manifest_commit(x->m, err);
        else iad_manifest_rollback(x->m);
        iad_page_deinit(&page);
        IAD_TRY(status);
    }
    return IAD_OK;
}

iad_status iad_crawl_plan_urls(iad_manifest *m, const iad_crawl_options *o, const iad_crawl_plan *plan, const char *path, int64_t **ids, size_t *n,
                               int64_t *bad, iad_err *err) {
    char stem[IAD_PATH_MAX];
    iad_map map = {0};
    url_import x = {.m = m, .o = o, .plan = plan, .path = path, .stem = stem};
    iad_path_stem(stem, sizeof stem, path);
    iad_status status = iad_map_open(&map, path, err);
    if (status == IAD_OK && map.n > IAD_URLLIST_MAX_BYTES)
        status = IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes", path, IAD_URLLIST_MAX_BYTES);
    if (status == IAD_OK) status = iad_products_builtin(&x.products, err);
    if (status == IAD_OK) status = put_dataset(m, o, 0, &x.dataset[0], err);
    if (status == IAD_OK) status = put_dataset(m, o, 1, &x.dataset[1], err);
    if (status == IAD_OK) {
        status = import_text(&x, &map, err);
        if (status == IAD_ERR_FORMAT) iad_err_prefix(err, "%s", path);
    }
    iad_products_deinit(&x.products);
    iad_strmap_deinit(&x.categories);
    iad_map_close(&map);
    *ids = x.ids;
    *n = x.n;
    *bad = x.bad;
    return status;
}
