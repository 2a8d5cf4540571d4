#include "synth/recipe/picturestore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "base/image/resize.h"
#include "base/sha256.h"
#include "base/text.h"
#include "manifests/identity.h"
#include "manifests/pictures.h"
#include "manifests/query.h"
#include "synth/recipe/jitter.h"
#include "synth/recipe/pictureshelf.h"
#include "synth/recipe/synthrows.h"

struct iad_picture_store {
    iad_picture_shelf *shelf;
    int max_side;
};

struct iad_picture_loader {
    iad_picture_store *store;
    iad_manifest *manifest;
};

iad_status iad_picture_store_new(size_t budget, int max_side, iad_picture_store **store, iad_err *err) {
    *store = iad_calloc(1, sizeof **store);
    if (!*store) return IAD_NOMEM(err, "a store of pictures");
    (*store)->max_side = max_side;
    iad_status status = iad_picture_shelf_new(budget, &(*store)->shelf, err);
    if (status != IAD_OK) {
        free(*store);
        *store = NULL;
    }
    return status;
}

void iad_picture_store_free(iad_picture_store *store) {
    if (!store) return;
    iad_picture_shelf_free(store->shelf);
    free(store);
}

iad_status iad_picture_loader_new(iad_picture_store *store, iad_manifest *manifest, iad_picture_loader **loader, iad_err *err) {
    *loader = iad_calloc(1, sizeof **loader);
    if (!*loader) return IAD_NOMEM(err, "a loader of pictures");
    **loader = (iad_picture_loader){store, manifest};
    return IAD_OK;
}

void iad_picture_loader_free(iad_picture_loader *loader) { free(loader); }

void iad_loaded_deinit(iad_loaded *loaded) {
    iad_image_deinit(&loaded->picture);
    iad_image_deinit(&loaded->mask);
    *loaded = (iad_loaded){0};
}

/* ---- what the manifest says of a picture ---- */

typedef struct picture_facts {
    char path[IAD_PATH_MAX];
    uint8_t pixels[32];
    int width, height, anomalous;
    char fg_rule[128];
} picture_facts;

static iad_status facts_of(iad_manifest *manifest, int64_t image_id, picture_facts *f, iad_err *err) {
    static const char sql[] = "SELECT i.pixel_sha256,i.width,i.height,i.label='anomalous',d.name,c.name,c.kind,c.fg_method,c.fg_params FROM image i "
                              "JOIN dataset d ON d.id=i.dataset_id"
                              " LEFT JOIN category c ON c.id=i.category_id WHERE i.id=?";
    iad_query q;
    iad_foreground_rule rule;
    IAD_TRY(iad_image_path(manifest, image_id, f->path, sizeof f->path, err));
    IAD_TRY(iad_query_open(&q, manifest, "image", sql, err));
    iad_query_i64(&q, image_id);
    iad_status status = IAD_OK;
    if (!iad_query_next(&q)) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "picture %lld does not exist", (long long)image_id);
    else if (!iad_query_col_bytes(&q, 0, f->pixels, 32))
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: the manifest has no pixel hash of it", f->path);
    else {
        f->width = (int)iad_query_col_i64(&q, 1);
        f->height = (int)iad_query_col_i64(&q, 2);
        f->anomalous = (int)iad_query_col_i64(&q, 3);
        status = iad_foreground_rule_for(iad_query_col_text(&q, 4), iad_query_col_text(&q, 5), iad_query_col_text(&q, 6), iad_query_col_text(&q, 7),
                                         iad_query_col_text(&q, 8), &rule, err);
        if (status == IAD_OK) iad_foreground_rule_text(&rule, f->fg_rule);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- pictures out of the shelf, or onto it ---- */

/* Decodes the file and holds its pixels against what the manifest says; then to work size and channels (0: as stored). */
static iad_status decode_into(const picture_facts *f, int w, int h, int channels, iad_shelf_item *item, iad_err *err) {
    iad_image decoded, shaped = {0};
    IAD_TRY(iad_image_load(f->path, NULL, &decoded, NULL, err));
    iad_status status = iad_pixel_sha256(&decoded, item->pixels, err);
    if (status == IAD_OK && memcmp(item->pixels, f->pixels, 32) != 0) {
        char is[9], was[9];
        iad_hex(item->pixels, 4, is);
        iad_hex(f->pixels, 4, was);
        status = IAD_FAIL(err, IAD_ERR_EXISTS, "%s: its pixels have changed (%s..., the manifest says %s...): ingest again, or restore the file",
                          f->path, is, was);
    }
    if (status == IAD_OK && channels && channels != decoded.channels) {
        status = channels == 3 ? iad_image_to_rgb(&decoded, &shaped, err) : iad_image_to_grey(&decoded, &shaped, err);
        if (status == IAD_OK) {
            iad_image_deinit(&decoded);
            decoded = shaped;
            shaped = (iad_image){0};
        }
    }
    if (status == IAD_OK && (decoded.width != w || decoded.height != h)) {
        status = iad_resize(&decoded, w, h, IAD_FILTER_BICUBIC, &shaped, err);
        iad_image_deinit(&decoded);
        decoded = shaped;
    }
    if (status != IAD_OK) {
        iad_image_deinit(&decoded);
        return status;
    }
    item->picture = decoded;
    item->grey = iad_picture_is_grey(&decoded);
    return IAD_OK;
}

/* limit: longest side (0: none). channels 0: as stored. */
static iad_status take_picture(iad_picture_loader *loader, int64_t image_id, const picture_facts *f, int limit, int channels, iad_shelf_item **item,
                               iad_err *err) {
    iad_shelf_key key = {.image_id = image_id, .channels = channels};
    iad_work_size(f->width, f->height, limit, &key.w, &key.h);
    if ((*item = iad_picture_shelf_find(loader->store->shelf, &key)) != NULL) return IAD_OK;
    iad_shelf_item *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, "a picture");
    made->key = key;
    iad_status status = decode_into(f, key.w, key.h, channels, made, err);
    if (status != IAD_OK) {
        free(made);
        return status;
    }
    *item = iad_picture_shelf_add(loader->store->shelf, made);
    return IAD_OK;
}

static iad_status take_foreground(iad_picture_loader *loader, const iad_shelf_item *picture, const char *rule_text, iad_shelf_item **item,
                                  iad_err *err) {
    iad_shelf_key key = picture->key;
    iad_foreground_rule rule;
    iad_text_copy(key.fg_rule, sizeof key.fg_rule, rule_text);
    if ((*item = iad_picture_shelf_find(loader->store->shelf, &key)) != NULL) return IAD_OK;
    IAD_TRY(iad_foreground_rule_parse(rule_text, &rule, err));
    iad_shelf_item *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, "a foreground");
    made->key = key;
    iad_status status = iad_foreground_find(&picture->picture, &rule, &made->fg, err);
    if (status != IAD_OK) {
        free(made);
        return status;
    }
    *item = iad_picture_shelf_add(loader->store->shelf, made);
    return IAD_OK;
}

/* ---- scenes ---- */

enum { HELD_DST, HELD_SRC, HELD_TEX, HELD_FG, HELD_SRC_FG };

void iad_picture_scene_release(iad_picture_loader *loader, iad_loaded_scene *scene) {
    for (int i = 0; i < 5; i++) iad_picture_shelf_release(loader->store->shelf, scene->held[i]);
    *scene = (iad_loaded_scene){0};
}

/* src and tex are worked on with the same limit as dst, so that a recipe says all that is needed to get them again. */
static iad_status beside(iad_picture_loader *loader, int64_t image_id, int limit, int channels, iad_shelf_item **item, uint8_t pixels[32],
                         iad_err *err) {
    picture_facts f;
    *item = NULL;
    if (!image_id) return IAD_OK;
    IAD_TRY(facts_of(loader->manifest, image_id, &f, err));
    IAD_TRY(take_picture(loader, image_id, &f, limit, channels, item, err));
    memcpy(pixels, (*item)->pixels, 32);
    return IAD_OK;
}

/* rule: of the recipe, or NULL for the category's; limit: longest side of dst. */
static iad_status fill_scene(iad_picture_loader *loader, int64_t dst, int64_t src, int64_t tex, const char *rule, int limit, iad_loaded_scene *s,
                             iad_err *err) {
    picture_facts f;
    iad_shelf_item *items[5] = {NULL};
    *s = (iad_loaded_scene){0};
    IAD_TRY(facts_of(loader->manifest, dst, &f, err));
    iad_text_copy(s->fg_rule, sizeof s->fg_rule, rule ? rule : f.fg_rule);
    iad_status status = take_picture(loader, dst, &f, limit, 0, &items[HELD_DST], err);
    if (status == IAD_OK) {
        const iad_image *p = &items[HELD_DST]->picture;
        int longer = p->width > p->height ? p->width : p->height;
        memcpy(s->dst_pixels, items[HELD_DST]->pixels, 32);
        status = beside(loader, src, longer, p->channels, &items[HELD_SRC], s->src_pixels, err);
        if (status == IAD_OK) status = beside(loader, tex, longer, p->channels, &items[HELD_TEX], s->tex_pixels, err);
        if (status == IAD_OK && *s->fg_rule) status = take_foreground(loader, items[HELD_DST], s->fg_rule, &items[HELD_FG], err);
        if (status == IAD_OK && *s->fg_rule && items[HELD_SRC])
            status = take_foreground(loader, items[HELD_SRC], s->fg_rule, &items[HELD_SRC_FG], err);
    }
    for (int i = 0; i < 5; i++) s->held[i] = items[i];
    if (status != IAD_OK) {
        iad_picture_scene_release(loader, s);
        return status;
    }
    s->scene = (iad_defect_scene){.dst = &items[HELD_DST]->picture, .grey = items[HELD_DST]->grey};
    if (items[HELD_SRC]) s->scene.src = &items[HELD_SRC]->picture;
    if (items[HELD_TEX]) s->scene.tex = &items[HELD_TEX]->picture;
    if (items[HELD_FG]) s->scene.fg = &items[HELD_FG]->fg;
    if (items[HELD_SRC_FG]) s->scene.src_fg = &items[HELD_SRC_FG]->fg;
    return IAD_OK;
}

iad_status iad_picture_scene(iad_picture_loader *loader, int64_t dst, int64_t src, int64_t tex, iad_loaded_scene *scene, iad_err *err) {
    return fill_scene(loader, dst, src, tex, NULL, loader->store->max_side, scene, err);
}

/* The scene of a stored recipe, checked against the hashes that it was drawn with. */
static iad_status scene_of_row(iad_picture_loader *loader, const iad_synth_row *row, iad_loaded_scene *s, iad_err *err) {
    const iad_recipe *r = &row->recipe;
    int longer = r->work_w > r->work_h ? r->work_w : r->work_h;
    IAD_TRY(fill_scene(loader, row->dst_image, row->src_image, row->tex_image, r->fg_rule, longer, s, err));
    const struct {
        const uint8_t *is, *was;
        const char *what;
    } pairs[] = {{s->dst_pixels, r->dst_pixels, "destination"}, {s->src_pixels, r->src_pixels, "source"}, {s->tex_pixels, r->tex_pixels, "texture"}};
    for (int i = 0; i < 3; i++)
        if (memcmp(pairs[i].is, pairs[i].was, 32) != 0) {
            iad_picture_scene_release(loader, s);
            return IAD_FAIL(err, IAD_ERR_EXISTS, "synth %lld: its %s picture is not the one that it was drawn for any more", (long long)row->id,
                            pairs[i].what);
        }
    return IAD_OK;
}

/* ---- loading ---- */

static iad_status to_rgb(iad_image *picture, iad_err *err) {
    iad_image rgb;
    if (picture->channels == 3) return IAD_OK;
    IAD_TRY(iad_image_to_rgb(picture, &rgb, err));
    iad_image_deinit(picture);
    *picture = rgb;
    return IAD_OK;
}

/* A mask in another size than the picture's is brought to it, 0 or 255 as before. */
static iad_status fit_mask(iad_image *mask, int w, int h, iad_err *err) {
    iad_image fitted;
    if (!mask->px || (mask->width == w && mask->height == h)) return IAD_OK;
    IAD_TRY(iad_resize(mask, w, h, IAD_FILTER_NEAREST_PIL, &fitted, err));
    iad_image_deinit(mask);
    *mask = fitted;
    return IAD_OK;
}

static iad_status load_real(iad_picture_loader *loader, int64_t image_id, iad_loaded *out, iad_err *err) {
    picture_facts f;
    iad_shelf_item *item;
    iad_mask_facts mask;
    IAD_TRY(facts_of(loader->manifest, image_id, &f, err));
    IAD_TRY(take_picture(loader, image_id, &f, loader->store->max_side, 0, &item, err));
    iad_status status = iad_image_copy(&item->picture, &out->picture, err);
    iad_picture_shelf_release(loader->store->shelf, item);
    if (status == IAD_OK) status = iad_image_mask(loader->manifest, image_id, &out->mask, &mask, err);
    if (status == IAD_OK) status = fit_mask(&out->mask, out->picture.width, out->picture.height, err);
    return status;
}

static iad_status load_synthetic(iad_picture_loader *loader, int64_t synth_id, iad_loaded *out, iad_err *err) {
    iad_synth_row row;
    iad_loaded_scene s;
    IAD_TRY(iad_synth_get(loader->manifest, synth_id, &row, err));
    iad_status status = scene_of_row(loader, &row, &s, err);
    if (status == IAD_OK) {
        status = iad_recipe_render(&row.recipe, &s.scene, &out->picture, NULL, NULL, NULL, err);
        iad_picture_scene_release(loader, &s);
    }
    if (status == IAD_OK && row.mask_vis) status = iad_mask_pixels(loader->manifest, row.mask_vis, &out->mask, err);
    else if (status == IAD_OK) status = iad_image_init(&out->mask, out->picture.width, out->picture.height, 1, err);
    if (status == IAD_OK && (out->mask.width != out->picture.width || out->mask.height != out->picture.height))
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "synth %lld: its mask has another size than its picture", (long long)synth_id);
    iad_synth_row_deinit(&row);
    return status;
}

iad_status iad_picture_load(iad_picture_loader *loader, int64_t image_id, int64_t synth_id, const char *jitter, iad_loaded *loaded, iad_err *err) {
    iad_jitter j;
    *loaded = (iad_loaded){0};
    if (!image_id == !synth_id) return IAD_FAIL(err, IAD_ERR_ARG, "a picture is real or synthetic, one of them");
    IAD_TRY(iad_jitter_parse(jitter, &j, err));
    iad_status status = image_id ? load_real(loader, image_id, loaded, err) : load_synthetic(loader, synth_id, loaded, err);
    if (status == IAD_OK) status = to_rgb(&loaded->picture, err);
    if (status == IAD_OK) {
        loaded->work_w = loaded->picture.width;
        loaded->work_h = loaded->picture.height;
        status = iad_jitter_apply(&j, &loaded->picture, loaded->mask.px ? &loaded->mask : NULL, err);
    }
    if (status != IAD_OK) iad_loaded_deinit(loaded);
    return status;
}

void iad_rendering_deinit(iad_rendering *r) {
    iad_image_deinit(&r->before);
    iad_image_deinit(&r->after);
    iad_image_deinit(&r->geom);
    iad_image_deinit(&r->vis);
    iad_recipe_deinit(&r->recipe);
    *r = (iad_rendering){0};
}

iad_status iad_picture_render(iad_picture_loader *loader, int64_t synth_id, iad_rendering *r, iad_err *err) {
    iad_synth_row row;
    iad_loaded_scene s;
    *r = (iad_rendering){0};
    IAD_TRY(iad_synth_get(loader->manifest, synth_id, &row, err));
    iad_status status = scene_of_row(loader, &row, &s, err);
    if (status == IAD_OK) {
        status = iad_image_copy(s.scene.dst, &r->before, err);
        if (status == IAD_OK) status = iad_recipe_render(&row.recipe, &s.scene, &r->after, &r->vis, &r->geom, &r->facts, err);
        iad_picture_scene_release(loader, &s);
    }
    if (status == IAD_OK) status = to_rgb(&r->before, err);
    if (status == IAD_OK) status = to_rgb(&r->after, err);
    r->recipe = row.recipe;
    row.recipe = (iad_recipe){0};
    iad_synth_row_deinit(&row);
    if (status != IAD_OK) iad_rendering_deinit(r);
    return status;
}
