#include "synth/recipe/anomalyrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "manifests/identity.h"
#include "manifests/pictures.h"
#include "synth/recipe/synthrows.h"

enum { MAX_THREADS = 256, COMMIT_EVERY = 64 };

/* A good picture that a recipe may use. */
typedef struct good_picture {
    int64_t id;
    uint8_t key[32]; /* pixel_sha256 */
} good_picture;

typedef struct good_list {
    good_picture *items;
    size_t n, cap;
} good_list;

/* A destination and the lists that its sources and textures come from. */
typedef struct destination {
    good_picture picture;
    size_t category; /* number in run_state.categories */
} destination;

typedef struct category_goods {
    int64_t dataset_id;
    good_list goods;
} category_goods;

typedef struct run_state {
    const iad_anomaly_run *run;
    category_goods *categories;
    size_t n_categories, categories_cap;
    destination *destinations;
    size_t n_destinations, destinations_cap;
    good_list textures; /* of a data set of textures */
    int64_t texture_dataset;
    iad_picture_store *store;
    iad_manifest *manifests[MAX_THREADS];
    iad_picture_loader *loaders[MAX_THREADS];
    iad_anomaly_counts *counts;
    int in_batch;
} run_state;

/* What a worker hands over: recipes of one destination, each with its mask. */
typedef struct drawn_item {
    iad_synth_row row;
    iad_mask_row mask;
    int has_mask, twin;
} drawn_item;

typedef struct drawn {
    drawn_item *items;
    size_t n, gave_up, present, attempts;
} drawn;

/* ---- who takes part ---- */

static int named(const iad_strings *names, const char *name) {
    if (!names || names->n == 0) return 1;
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i], name) == 0) return 1;
    return 0;
}

static iad_status add_good(good_list *list, const iad_image_row *image, iad_err *err) {
    IAD_TRY(iad_grow((void **)&list->items, &list->cap, list->n + 1, sizeof *list->items, (size_t)1 << 31, "good pictures", err));
    list->items[list->n].id = image->id;
    memcpy(list->items[list->n++].key, image->pixel_sha256, 32);
    return IAD_OK;
}

/* Good pictures of a category, of the train part or of none, no doubles. */
static iad_status goods_of(run_state *s, int64_t category_id, good_list *list, iad_err *err) {
    static const iad_part parts[] = {IAD_PART_NONE, IAD_PART_TRAIN};
    iad_status status = IAD_OK;
    for (int p = 0; status == IAD_OK && p < 2; p++) {
        const iad_picture_filter filter = {.category_id = category_id, .scheme = s->run->scheme, .part = parts[p], .normals_only = 1};
        iad_image_list images = {0};
        status = iad_image_select(s->run->manifest, &filter, &images, err);
        for (size_t i = 0; status == IAD_OK && i < images.n; i++)
            if (images.items[i].has_pixels && !images.items[i].dup_of) status = add_good(list, &images.items[i], err);
        iad_image_list_deinit(&images);
    }
    return status;
}

static iad_status add_category(run_state *s, int64_t dataset_id, int64_t category_id, int wanted, iad_err *err) {
    IAD_TRY(iad_grow((void **)&s->categories, &s->categories_cap, s->n_categories + 1, sizeof *s->categories, 1u << 24, "categories", err));
    category_goods *c = &s->categories[s->n_categories++];
    *c = (category_goods){.dataset_id = dataset_id};
    IAD_TRY(goods_of(s, category_id, &c->goods, err));
    for (size_t i = 0; wanted && i < c->goods.n && !(s->run->limit && s->n_destinations >= s->run->limit); i++) {
        IAD_TRY(iad_grow((void **)&s->destinations, &s->destinations_cap, s->n_destinations + 1, sizeof *s->destinations, (size_t)1 << 31,
                         "destinations", err));
        s->destinations[s->n_destinations++] = (destination){c->goods.items[i], s->n_categories - 1};
    }
    return IAD_OK;
}

static iad_status take_dataset(run_state *s, const iad_dataset_row *dataset, size_t *seen, iad_err *err) {
    iad_category_list categories = {0};
    int texture = strcmp(dataset->name, s->run->textures) == 0, wanted = named(s->run->datasets, dataset->name);
    if (wanted && *dataset->eval_overlap && !s->run->allow_eval) {
        s->counts->eval_left_out++;
        wanted = 0;
    }
    if (!wanted && !texture) return IAD_OK;
    iad_status status = iad_category_all(s->run->manifest, dataset->id, &categories, err);
    for (size_t i = 0; status == IAD_OK && i < categories.n; i++) {
        int here = wanted && named(s->run->categories, categories.items[i].name);
        *seen += (size_t)here;
        /* the others of the set still serve as textures */
        if (wanted) status = add_category(s, dataset->id, categories.items[i].id, here, err);
        if (status == IAD_OK && texture) status = goods_of(s, categories.items[i].id, &s->textures, err);
    }
    if (texture) s->texture_dataset = dataset->id;
    iad_category_list_deinit(&categories);
    return status;
}

static iad_status take_all(run_state *s, iad_err *err) {
    iad_dataset_list datasets = {0};
    size_t seen = 0;
    iad_status status = iad_dataset_all(s->run->manifest, &datasets, err);
    for (size_t i = 0; status == IAD_OK && i < datasets.n; i++) status = take_dataset(s, &datasets.items[i], &seen, err);
    iad_dataset_list_deinit(&datasets);
    int own = strcmp(s->run->textures, "other") != 0 && strcmp(s->run->textures, "none") != 0;
    if (status == IAD_OK && own && !s->texture_dataset)
        status =
            IAD_FAIL(err, IAD_ERR_NOT_FOUND, "there is no data set \"%s\" to take textures from: ingest it, or other, or none", s->run->textures);
    if (status == IAD_OK && seen == 0)
        status =
            IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no such data set or category%s", s->counts->eval_left_out ? " (benchmarks' own are left out)" : "");
    return status;
}

/* ---- choosing pictures by hash ---- */

/* Weight of a candidate in the draw of a seed. The largest wins: the choice changes only if a new candidate beats the old winner. */
static uint64_t weight(uint64_t seed, const good_picture *p) {
    uint64_t z;
    memcpy(&z, p->key, sizeof z);
    z += seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void choose(const good_list *list, uint64_t seed, int64_t other_than, int64_t *best_id, uint64_t *best) {
    for (size_t i = 0; i < list->n; i++) {
        uint64_t w = weight(seed, &list->items[i]);
        if (list->items[i].id == other_than || (*best_id && w <= *best)) continue;
        *best = w;
        *best_id = list->items[i].id;
    }
}

static int64_t choose_texture(const run_state *s, const destination *d, uint64_t seed) {
    int64_t id = 0;
    uint64_t best = 0;
    if (strcmp(s->run->textures, "none") == 0) return 0;
    if (s->texture_dataset) choose(&s->textures, seed, d->picture.id, &id, &best);
    else
        for (size_t c = 0; c < s->n_categories; c++)
            if (c != d->category && s->categories[c].dataset_id == s->categories[d->category].dataset_id)
                choose(&s->categories[c].goods, seed, d->picture.id, &id, &best);
    return id;
}

/* ---- drawing ---- */

static void drop_item(drawn_item *item) {
    iad_synth_row_deinit(&item->row);
    if (item->has_mask) iad_mask_row_deinit(&item->mask);
}

static void drop(void *user, void *result) {
    drawn *d = result;
    (void)user;
    for (size_t i = 0; i < d->n; i++) drop_item(&d->items[i]);
    free(d->items);
}

/* The recipe becomes the item's; vis its mask. */
static iad_status keep(drawn *d, iad_recipe *recipe, iad_image *vis, const iad_recipe_facts *facts, int twin, iad_err *err) {
    drawn_item *item = &d->items[d->n];
    iad_status status = IAD_OK;
    *item = (drawn_item){.twin = twin};
    if (!recipe->generator->null_edit) {
        status = iad_mask_prepare(vis, NULL, IAD_MASK_EXACT, &item->mask, err);
        item->has_mask = status == IAD_OK;
    }
    item->row.recipe = *recipe;
    item->row.facts = *facts;
    item->row.label_conf = recipe->generator->null_edit ? 1 : iad_label_confidence(facts);
    *recipe = (iad_recipe){0};
    d->n++;
    return status;
}

static iad_status draw_one(run_state *s, const iad_loaded_scene *scene, uint64_t seed, drawn *d, iad_err *err) {
    iad_recipe recipe = {0}, twin = {0};
    iad_recipe_facts facts;
    iad_image vis = {0};
    iad_rng rng;
    int attempts = 0;
    iad_status status = iad_recipe_draw(s->run->preset, &scene->scene, seed, &recipe, &vis, &facts, &attempts, err);
    d->attempts += (size_t)attempts;
    if (status == IAD_ERR_NOT_FOUND) {
        d->gave_up++;
        return IAD_OK;
    }
    if (status != IAD_OK) return status;
    memcpy(recipe.dst_pixels, scene->dst_pixels, 32);
    memcpy(recipe.src_pixels, scene->src_pixels, 32);
    memcpy(recipe.tex_pixels, scene->tex_pixels, 32);
    memcpy(recipe.fg_rule, scene->fg_rule, sizeof recipe.fg_rule);
    iad_rng_init(&rng, seed, UINT64_MAX - 1);
    iad_image twin_vis = {0};
    iad_recipe_facts twin_facts;
    int with_twin = iad_rng_chance(&rng, s->run->twin_share) &&
                    iad_recipe_twin(s->run->preset, &scene->scene, &recipe, &twin, &twin_vis, &twin_facts, NULL) == IAD_OK;
    status = keep(d, &recipe, &vis, &facts, 0, err);
    d->items[d->n - 1].row.attempts = attempts;
    if (with_twin && status == IAD_OK) {
        status = keep(d, &twin, &twin_vis, &twin_facts, 1, err);
        d->items[d->n - 1].row.attempts = attempts;
    }
    iad_recipe_deinit(&recipe);
    iad_recipe_deinit(&twin);
    iad_image_deinit(&vis);
    iad_image_deinit(&twin_vis);
    return status;
}

/* Source, texture and scene of one recipe. The destination stays on the shelf between recipes. */
static iad_status one_recipe(run_state *s, const destination *d, uint64_t seed, int thread, drawn *out, iad_err *err) {
    const iad_defect_generator *generator = iad_preset_generator(s->run->preset, seed);
    iad_loaded_scene scene;
    int64_t src = 0, tex = generator->wants_tex ? choose_texture(s, d, seed) : 0;
    uint64_t best = 0;
    size_t first = out->n;
    if (generator->wants_src) choose(&s->categories[d->category].goods, seed, d->picture.id, &src, &best);
    IAD_TRY(iad_picture_scene(s->loaders[thread], d->picture.id, src, tex, &scene, err));
    iad_status status = draw_one(s, &scene, seed, out, err);
    for (size_t i = first; i < out->n; i++) {
        iad_synth_row *row = &out->items[i].row;
        row->dst_image = d->picture.id;
        row->src_image = src;
        row->tex_image = tex;
        snprintf(row->preset, sizeof row->preset, "%s", iad_preset_name(s->run->preset));
    }
    iad_picture_scene_release(s->loaders[thread], &scene);
    return status;
}

static iad_status work(void *user, size_t number, int thread, void *result, iad_err *err) {
    run_state *s = user;
    const destination *d = &s->destinations[number];
    drawn *out = result;
    char name[96] = "anomalies/";
    size_t n = strlen(name);
    n += (size_t)snprintf(name + n, 20, "%s/", iad_preset_name(s->run->preset));
    iad_hex(d->picture.key, 32, name + n);
    if (!(out->items = iad_calloc(2 * (size_t)s->run->per_image, sizeof *out->items))) return IAD_NOMEM(err, "recipes");
    for (int k = 0; k < s->run->per_image; k++) {
        uint64_t seed = iad_rng_subseed(s->run->seed, name, (uint64_t)k);
        int there;
        IAD_TRY(iad_synth_there(s->manifests[thread], d->picture.id, seed, &there, err));
        if (there) out->present++;
        else IAD_TRY(one_recipe(s, d, seed, thread, out, err));
        if (s->run->stop && atomic_load(s->run->stop)) break; /* what is drawn is kept, the rest comes next time */
    }
    return IAD_OK;
}

/* ---- writing ---- */

static iad_status store(run_state *s, drawn *d, iad_err *err) {
    iad_manifest *m = s->run->manifest;
    for (size_t i = 0; i < d->n; i++) {
        drawn_item *item = &d->items[i];
        int added = 0;
        if (!s->run->dry_run) {
            if (!iad_manifest_in_transaction(m)) IAD_TRY(iad_manifest_begin(m, err));
            IAD_TRY(iad_synth_put(m, &item->row, item->has_mask ? &item->mask : NULL, &added, err));
        }
        s->counts->recipes++;
        s->counts->added += (size_t)added;
        s->counts->twins += (size_t)item->twin;
    }
    if (++s->in_batch % COMMIT_EVERY == 0 && iad_manifest_in_transaction(m)) IAD_TRY(iad_manifest_commit(m, err));
    return IAD_OK;
}

static iad_status emit(void *user, size_t number, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    run_state *s = user;
    drawn *d = result;
    s->counts->pictures++;
    s->counts->gave_up += d->gave_up;
    s->counts->present += d->present;
    s->counts->attempts += d->attempts;
    if (status == IAD_ERR_NOMEM || status == IAD_ERR_DB) {
        if (err) *err = *item_err;
        return status;
    }
    if (status != IAD_OK) {
        s->counts->failed++;
        if (s->run->trouble) s->run->trouble(s->run->user, item_err->msg);
    }
    IAD_TRY(store(s, d, err)); /* recipes that were drawn before a failure are as good as any */
    if (s->run->progress) s->run->progress(s->run->user, number + 1, s->n_destinations);
    return IAD_OK;
}

static iad_status open_workers(run_state *s, iad_err *err) {
    const char *path = iad_manifest_path(s->run->manifest);
    IAD_TRY(iad_picture_store_new(s->run->budget, s->run->max_side, &s->store, err));
    for (int t = 0; t < s->run->threads; t++) {
        IAD_TRY(iad_manifest_open(path, IAD_MANIFEST_READ, &s->manifests[t], err));
        IAD_TRY(iad_picture_loader_new(s->store, s->manifests[t], &s->loaders[t], err));
    }
    return IAD_OK;
}

static void close_all(run_state *s) {
    for (int t = 0; t < MAX_THREADS; t++) {
        iad_picture_loader_free(s->loaders[t]);
        iad_manifest_close(s->manifests[t]);
    }
    iad_picture_store_free(s->store);
    for (size_t i = 0; i < s->n_categories; i++) free(s->categories[i].goods.items);
    free(s->categories);
    free(s->destinations);
    free(s->textures.items);
    free(s);
}

iad_status iad_anomaly_run_all(const iad_anomaly_run *run, iad_anomaly_counts *counts, iad_err *err) {
    *counts = (iad_anomaly_counts){0};
    if (run->per_image < 1 || run->per_image > IAD_ANOMALY_MAX_PER_IMAGE || run->threads < 1 || run->threads > MAX_THREADS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d recipes a picture on %d threads", run->per_image, run->threads);
    run_state *s = iad_calloc(1, sizeof *s);
    if (!s) return IAD_NOMEM(err, "a run");
    s->run = run;
    s->counts = counts;
    iad_status status = take_all(s, err);
    if (status == IAD_OK) status = open_workers(s, err);
    const iad_pool_job job = {.work = work, .emit = emit, .drop = drop, .user = s, .result_size = sizeof(drawn)};
    if (status == IAD_OK) status = iad_pool_run(&job, s->n_destinations, run->threads, 0, run->stop, err);
    if (iad_manifest_in_transaction(run->manifest)) {
        iad_status kept = iad_manifest_commit(run->manifest, status == IAD_OK ? err : NULL);
        if (status == IAD_OK) status = kept;
    }
    close_all(s);
    return status;
}
