#include "annotate/work/worksource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/client/chatrequest.h"
#include "base/alloc.h"
#include "base/sha256.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define PAGE 256

typedef struct picture {
    int64_t id;
    uint8_t sha256[32], of_unit[32];
    int has_of, anomalous, width, height;
    char *path, *root, *slug, *display, *group, *defect;
} picture;

struct iad_source {
    iad_manifest *m;
    const iad_annotate_options *o;
    iad_products products; /* for names in Chinese */
    picture page[PAGE];
    size_t n, at, prompt;
    int64_t last_id;
    int end;
};

void iad_work_deinit(iad_work *work) {
    free(work->text);
    work->text = NULL;
}

static void page_clear(iad_source *s) {
    for (size_t i = 0; i < s->n; i++) {
        picture *p = &s->page[i];
        free(p->path), free(p->root), free(p->slug), free(p->display), free(p->group), free(p->defect);
        memset(p, 0, sizeof *p);
    }
    s->n = s->at = s->prompt = 0;
}

iad_status iad_source_new(iad_manifest *m, const iad_annotate_options *options, iad_source **source, iad_err *err) {
    iad_source *s = iad_calloc(1, sizeof *s);
    *source = NULL;
    if (!s) return IAD_NOMEM(err, "the list of work");
    s->m = m;
    s->o = options;
    iad_status status = iad_products_builtin(&s->products, err);
    if (status == IAD_OK) *source = s;
    else free(s);
    return status;
}

void iad_source_free(iad_source *s) {
    if (!s) return;
    page_clear(s);
    iad_products_deinit(&s->products);
    free(s);
}

static int named(const iad_strings *list, const char *name) {
    for (size_t i = 0; list && i < list->n; i++)
        if (!strcmp(list->items[i], name)) return 1;
    return !list || !list->n;
}

#define COLUMNS                                                                                                                                      \
    "i.id,i.sha256,i.path,d.root,coalesce(c.name,''),coalesce(c.display,replace(c.name,'_',' "                                                       \
    "'),''),coalesce(i.defect,''),i.label='anomalous',i.width,i.height"
#define WHERE                                                                                                                                        \
    " JOIN dataset d ON d.id=i.dataset_id LEFT JOIN category c ON c.id=i.category_id WHERE i.bad=0 AND i.dup_of IS NULL AND (?2 IS NULL OR "         \
    "d.name=?2)"                                                                                                                                     \
    " AND (?3 OR (i.part<>'test' AND d.eval_overlap='')) AND NOT EXISTS(SELECT 1 FROM crawl_picture p WHERE p.image_id=i.id AND i.part='none')"

/* Pictures to describe, or answers to judge: those have a hash below the share. */
static iad_status page_load(iad_source *s, iad_err *err) {
    static const char pictures[] = "SELECT " COLUMNS ",i.id,NULL FROM image i" WHERE " AND i.id>?1 ORDER BY i.id LIMIT 256";
    static const char answers[] = "SELECT " COLUMNS ",a.id,a.unit FROM annotate_answer a JOIN image i ON i.id=a.image_id" WHERE
                                  " AND a.id>?1 AND a.state='ok' AND a.of_unit IS NULL AND a.model<>?4 ORDER BY a.id LIMIT 256";
    iad_query q;
    int audit = s->o->audit_share > 0;
    page_clear(s);
    IAD_TRY(iad_query_open(&q, s->m, "image", audit ? answers : pictures, err));
    iad_query_i64(&q, s->last_id);
    iad_query_text(&q, s->o->dataset);
    iad_query_i64(&q, s->o->all_parts);
    if (audit) iad_query_text(&q, s->o->model);
    int rows = 0;
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        picture *p = &s->page[s->n];
        rows++;
        s->last_id = iad_query_col_i64(&q, 10);
        const char *slug = iad_query_col_text(&q, 4);
        if (!slug || !named(s->o->categories, slug)) continue;
        p->id = iad_query_col_i64(&q, 0);
        if (!iad_query_col_bytes(&q, 1, p->sha256, 32)) continue;
        p->has_of = iad_query_col_bytes(&q, 11, p->of_unit, 32);
        if (audit && (double)((uint32_t)p->of_unit[0] << 24 | (uint32_t)p->of_unit[1] << 16 | (uint32_t)p->of_unit[2] << 8 | p->of_unit[3]) >=
                         s->o->audit_share * 4294967296.0)
            continue;
        p->anomalous = (int)iad_query_col_i64(&q, 7);
        p->width = (int)iad_query_col_i64(&q, 8);
        p->height = (int)iad_query_col_i64(&q, 9);
        char **targets[] = {&p->path, &p->root, &p->slug, &p->display, &p->defect};
        for (int i = 0; i < 5; i++) {
            const char *text = iad_query_col_text(&q, 2 + i);
            *targets[i] = iad_strdup(text ? text : "");
            if (!*targets[i]) status = IAD_NOMEM(err, "pictures");
        }
        const iad_product *product = iad_products_find(&s->products, slug);
        p->group = iad_strdup(product ? product->group : "");
        if (!p->group) status = IAD_NOMEM(err, "pictures");
        s->n++;
    }
    s->end = rows < PAGE;
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- where a defect is, in words ---- */

static const char *third(double x, const char *a, const char *b, const char *c) {
    return x < 1.0 / 3 ? a : x < 2.0 / 3 ? b : c;
}

/* The box around all boxes that are known: of masks, or drawn. */
static iad_status known_box(iad_manifest *m, int64_t image_id, double box[4], int *known, iad_err *err) {
    iad_query q;
    *known = 0;
    IAD_TRY(iad_query_open(
        &q, m, "mask",
        "SELECT min(x0),min(y0),max(x1),max(y1) FROM (SELECT json_extract(b.value,'$[0]') AS x0,json_extract(b.value,'$[1]') AS y0,"
        "json_extract(b.value,'$[2]') AS x1,json_extract(b.value,'$[3]') AS y1 FROM image_mask x JOIN mask k ON k.id=x.mask_id,json_each(k.boxes) b"
        " WHERE x.image_id=?1 AND x.role='gt' UNION ALL SELECT x0,y0,x1,y1 FROM image_box WHERE image_id=?1)",
        err));
    iad_query_i64(&q, image_id);
    if (iad_query_next(&q) && !iad_query_col_null(&q, 0)) {
        *known = 1;
        for (int i = 0; i < 4; i++) box[i] = iad_query_col_f64(&q, i);
    }
    return iad_query_close(&q, err);
}

static iad_status place_text(iad_manifest *m, const picture *p, const char *lang, char *out, size_t size, iad_err *err) {
    double b[4];
    int known, zh = !strcmp(lang, "zh");
    IAD_TRY(known_box(m, p->id, b, &known, err));
    if (!known || p->width < 1 || p->height < 1) {
        iad_text_copy(out, size, zh ? "未知" : "unknown");
        return IAD_OK;
    }
    double x = (b[0] + b[2]) / 2 / p->width, y = (b[1] + b[3]) / 2 / p->height;
    const int v[4] = {(int)(100 * b[0] / p->width), (int)(100 * b[1] / p->height), (int)(100 * b[2] / p->width + 0.5),
                      (int)(100 * b[3] / p->height + 0.5)};
    if (zh)
        snprintf(out, size, "%s%s，宽度的 %d%% 到 %d%%，高度的 %d%% 到 %d%%", third(y, "上部", "中部", "下部"), third(x, "偏左", "居中", "偏右"),
                 v[0], v[2], v[1], v[3]);
    else
        snprintf(out, size, "%s %s, from %d to %d percent of the width and from %d to %d percent of the height", third(y, "upper", "middle", "lower"),
                 third(x, "left", "centre", "right"), v[0], v[2], v[1], v[3]);
    return IAD_OK;
}

/* ---- one unit ---- */

static iad_status caption_texts(iad_manifest *m, const picture *p, iad_buf *out, iad_err *err) {
    char params[100], hex[65];
    iad_query q;
    iad_hex(p->of_unit, 32, hex);
    snprintf(params, sizeof params, "{\"unit\":\"%s\"}", hex);
    IAD_TRY(iad_query_open(&q, m, "caption", "SELECT text FROM caption WHERE image_id=? AND params=? ORDER BY id", err));
    iad_query_i64(&q, p->id);
    iad_query_text(&q, params);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *text = iad_query_col_text(&q, 0);
        status = iad_buf_addf(out, err, "%s%s", out->len ? "\n" : "", text ? text : "");
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status make_unit(const iad_annotate_options *o, iad_work *w, iad_err *err) {
    w->temperature = w->prompt->temperature + 0.2 * w->round;
    if (w->round && w->temperature > 1) w->temperature = 1;
    w->seed = (o->seed + w->round) & 0x7fffffff;
    iad_annotate_params(w->params, o->max_pixels, o->quality, w->prompt->temperature, o->seed);
    return iad_annotate_unit(w->image_sha256, w->prompt->sha256, o->model, w->params, w->round, w->has_of ? w->of_unit : NULL, w->unit, err);
}

iad_status iad_source_round(iad_manifest *m, const iad_annotate_options *o, iad_work *w, int *found, iad_err *err) {
    for (*found = 0; w->round <= o->rounds; w->round++) {
        iad_unit_state state;
        IAD_TRY(make_unit(o, w, err));
        IAD_TRY(iad_annotate_unit_state(m, w->unit, &state, err));
        *found = state == IAD_UNIT_MISSING;
        if (state != IAD_UNIT_REJECTED) return IAD_OK;
    }
    return IAD_OK;
}

static iad_status fill(iad_source *s, const picture *p, iad_work *w, int *usable, iad_err *err) {
    char place[200] = "";
    iad_buf texts, out;
    const iad_product *product = !strcmp(w->prompt->lang, "zh") ? iad_products_find(&s->products, p->slug) : NULL;
    int w_sent, h_sent;
    size_t n;
    iad_buf_init(&texts, 1 << 17);
    iad_buf_init(&out, 1 << 18);
    iad_status status = strstr(w->prompt->text, "{place}") ? place_text(s->m, p, w->prompt->lang, place, sizeof place, err) : IAD_OK;
    if (status == IAD_OK && w->has_of) status = caption_texts(s->m, p, &texts, err);
    *usable = !w->has_of || texts.len;
    const iad_prompt_values values = {.category = product       ? product->name_zh
                                                  : *p->display ? p->display
                                                                : "unknown",
                                      .group = p->group,
                                      .defect = *p->defect ? p->defect : "unknown",
                                      .place = place,
                                      .texts = iad_buf_str(&texts)};
    iad_text_copy(w->category, sizeof w->category, p->display);
    if (status == IAD_OK) status = iad_prompt_fill(w->prompt, &values, &out, err);
    if (status == IAD_OK) status = iad_image_path_join(s->m, p->root, p->path, w->path, sizeof w->path, err);
    if (status == IAD_OK) {
        iad_chat_picture_size(p->width, p->height, s->o->max_pixels, &w_sent, &h_sent);
        w->predicted = iad_profile_image_tokens(s->o->profile, s->o->model, w_sent, h_sent) + iad_profile_text_tokens(iad_buf_str(&out));
        w->text = iad_buf_take(&out, &n);
        if (!w->text) status = IAD_NOMEM(err, "a prompt");
    }
    iad_buf_deinit(&texts);
    iad_buf_deinit(&out);
    return status;
}

static int fits(const iad_prompt *prompt, const picture *p) {
    return !strcmp(prompt->pictures, "any") || (strcmp(prompt->pictures, "anomalous") == 0) == p->anomalous;
}

iad_status iad_source_next(iad_source *s, iad_work *w, int *found, iad_annotate_counts *counts, iad_err *err) {
    *found = 0;
    for (;;) {
        if (s->at == s->n) {
            if (s->end || (s->o->limit && counts->pictures >= s->o->limit)) return IAD_OK;
            IAD_TRY(page_load(s, err));
            continue;
        }
        const picture *p = &s->page[s->at];
        size_t n_prompts = s->o->audit_share > 0 ? 1 : s->o->n_prompts;
        if (!s->prompt) {
            if (s->o->limit && counts->pictures >= s->o->limit) return IAD_OK;
            counts->pictures++;
        }
        const iad_prompt *prompt = s->o->audit_share > 0 ? s->o->audit : s->o->prompts[s->prompt];
        if (++s->prompt == n_prompts) s->prompt = 0, s->at++;
        if (!fits(prompt, p)) continue;
        memset(w, 0, sizeof *w);
        w->prompt = prompt;
        w->image_id = p->id;
        w->has_of = p->has_of;
        w->anomalous = p->anomalous;
        w->width = p->width;
        w->height = p->height;
        memcpy(w->image_sha256, p->sha256, 32);
        memcpy(w->of_unit, p->of_unit, 32);
        IAD_TRY(iad_source_round(s->m, s->o, w, found, err));
        if (!*found) {
            counts->had++;
            continue;
        }
        int usable;
        iad_status status = fill(s, p, w, &usable, err);
        if (status != IAD_OK || usable) {
            if (status != IAD_OK) iad_work_deinit(w);
            return status;
        }
        iad_work_deinit(w);
        *found = 0;
    }
}
