/* From a rule to exemplar sets: gathers the eligible pictures per view, asks the rule, verifies what it says, keeps it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/refs_rule.h"

#define MAX_SETS 1000000u

typedef struct gather {
    iad_image_list train, normals, tests;
    iad_strings views;
    const iad_image_row **slots; /* backing store of the pool's arrays */
} gather;

static void gather_deinit(gather *g) {
    iad_image_list_deinit(&g->train);
    iad_image_list_deinit(&g->normals);
    iad_image_list_deinit(&g->tests);
    iad_strings_deinit(&g->views);
    free(g->slots);
}

static const char *view_of(const iad_image_row *row) {
    return row->view ? row->view : "";
}

static iad_status add_view(iad_strings *views, const char *view, iad_err *err) {
    for (size_t i = 0; i < views->n; i++)
        if (!strcmp(views->items[i], view)) return IAD_OK;
    return iad_strings_add(views, view, err);
}

/* All pictures of the category that matter. Views are those of the queries; without queries those of the training
 * normals. */
static iad_status gather_pictures(iad_manifest *manifest, int64_t category_id, const char *scheme, gather *g,
                                  iad_err *err) {
    iad_picture_filter normals = {.category_id = category_id, .any_part = 1, .exemplars_only = 1};
    iad_picture_filter tests = {.category_id = category_id, .scheme = scheme, .part = IAD_PART_TEST};
    IAD_TRY(iad_image_train_normals(manifest, category_id, scheme, &g->train, err));
    IAD_TRY(iad_image_select(manifest, &tests, &g->tests, err));
    IAD_TRY(iad_image_select(manifest, &normals, &g->normals, err));
    for (size_t i = 0; i < g->tests.n; i++) IAD_TRY(add_view(&g->views, view_of(&g->tests.items[i]), err));
    if (!g->views.n)
        for (size_t i = 0; i < g->train.n; i++) IAD_TRY(add_view(&g->views, view_of(&g->train.items[i]), err));
    iad_strings_sort(&g->views);
    size_t total = 2 * g->train.n + g->normals.n + g->tests.n;
    g->slots = iad_alloc(total, sizeof *g->slots);
    if (!g->slots) return IAD_NOMEM(err, "lists of pictures");
    return IAD_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted keys of all objects that are shown to be judged. */
static iad_status test_objects(const gather *g, const char ***keys, size_t *n, iad_err *err) {
    *keys = iad_alloc(g->tests.n, sizeof **keys);
    *n = 0;
    if (!*keys) return IAD_NOMEM(err, "object keys");
    for (size_t i = 0; i < g->tests.n; i++)
        if (g->tests.items[i].object_key) (*keys)[(*n)++] = g->tests.items[i].object_key;
    qsort(*keys, *n, sizeof **keys, by_text);
    return IAD_OK;
}

static int is_test(const gather *g, int64_t id) {
    for (size_t i = 0; i < g->tests.n; i++)
        if (g->tests.items[i].id == id) return 1;
    return 0;
}

static iad_status fill_pool(gather *g, const char *view, const char *scheme, iad_refs_pool *pool, iad_err *err) {
    const char **objects = NULL;
    size_t n_objects = 0, at = 0;
    IAD_TRY(test_objects(g, &objects, &n_objects, err));
    pool->view = view;
    pool->train = g->slots;
    pool->n_train = pool->n_train_all = pool->n_normals = pool->n_tests = 0;
    for (size_t i = 0; i < g->train.n; i++) {
        const iad_image_row *row = &g->train.items[i];
        if (strcmp(view_of(row), view) != 0) continue;
        if (row->object_key && bsearch(&row->object_key, objects, n_objects, sizeof *objects, by_text)) continue;
        pool->train[pool->n_train++] = row;
    }
    at += g->train.n;
    pool->train_all = g->slots + at;
    for (size_t i = 0; i < g->train.n; i++)
        if (!strcmp(view_of(&g->train.items[i]), view)) pool->train_all[pool->n_train_all++] = &g->train.items[i];
    at += g->train.n;
    pool->normals = g->slots + at;
    for (size_t i = 0; i < g->normals.n; i++) {
        const iad_image_row *row = &g->normals.items[i];
        if (strcmp(view_of(row), view) != 0 || (scheme ? is_test(g, row->id) : row->part == IAD_PART_TEST)) continue;
        pool->normals[pool->n_normals++] = row;
    }
    at += g->normals.n;
    pool->tests = g->slots + at;
    for (size_t i = 0; i < g->tests.n; i++)
        if (!strcmp(view_of(&g->tests.items[i]), view)) pool->tests[pool->n_tests++] = &g->tests.items[i];
    free(objects);
    return IAD_OK;
}

/* ---- the promise ---- */

static iad_status verify_picks(const iad_refs_pool *pool, const iad_refs_rule *rule, const iad_image_row *const *picks,
                               size_t n, const iad_image_row *query, int same_object_fine, iad_err *err) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            if (picks[i] == picks[k])
                return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s: names %s twice", rule->canonical,
                                pool->dataset, pool->category, picks[i]->path);
        size_t n_others = same_object_fine || !picks[i]->object_key ? 0 : query ? 1 : pool->n_tests;
        for (size_t t = 0; t < n_others; t++) {
            const iad_image_row *other = query ? query : pool->tests[t];
            if (!other->object_key || strcmp(other->object_key, picks[i]->object_key) != 0) continue;
            return IAD_FAIL(
                err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s: exemplar %s shows the same object (%s) as the test picture %s",
                rule->canonical, pool->dataset, pool->category, picks[i]->path, picks[i]->object_key, other->path);
        }
    }
    return IAD_OK;
}

static iad_status verify(const iad_refs_pool *pool, const iad_refs_rule *rule, const iad_refs_choice *choice,
                         iad_err *err) {
    IAD_TRY(verify_picks(pool, rule, choice->picks, choice->n, NULL, choice->same_object_fine, err));
    for (size_t i = 0; i < choice->n_own; i++)
        IAD_TRY(verify_picks(pool, rule, choice->own[i].picks, choice->own[i].n, choice->own[i].query,
                             choice->same_object_fine, err));
    return IAD_OK;
}

/* ---- keeping it ---- */

/* A row whose strings belong to the result. */
static iad_status copy_row(iad_arena *arena, const iad_image_row *from, iad_image_row *to, iad_err *err) {
    *to = *from;
    const char **texts[] = {&to->path,  &to->format,     &to->source_split, &to->defect,     &to->object_key, &to->view,
                            &to->light, &to->source_url, &to->licence,      &to->bad_reason, &to->note};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *copy = iad_arena_str(arena, *texts[i]);
        if (*texts[i] && !copy) return IAD_NOMEM(err, "exemplars");
        *texts[i] = copy;
    }
    return IAD_OK;
}

static int by_query(const void *a, const void *b) {
    const iad_refs_own *x = a, *y = b;
    return (x->query->id > y->query->id) - (x->query->id < y->query->id);
}

static iad_status keep(const iad_refs_pool *pool, const iad_refs_rule *rule, const iad_refs_method *method, int shots,
                       iad_refs_choice *choice, iad_refs *refs, iad_refs_set **result, iad_err *err) {
    void *block = refs->sets;
    IAD_TRY(iad_grow(&block, &refs->cap, refs->n + 1, sizeof *refs->sets, MAX_SETS, "exemplar sets", err));
    refs->sets = block;
    iad_refs_set *set = &refs->sets[refs->n];
    memset(set, 0, sizeof *set);
    size_t total = choice->n;
    for (size_t i = 0; i < choice->n_own; i++) total += choice->own[i].n;
    set->category_id = pool->category_id;
    set->dataset = iad_arena_str(&refs->arena, pool->dataset);
    set->category = iad_arena_str(&refs->arena, pool->category);
    set->view = iad_arena_str(&refs->arena, pool->view);
    set->rule = iad_arena_str(&refs->arena, rule->canonical);
    set->note = *choice->note ? iad_arena_str(&refs->arena, choice->note) : NULL;
    set->pictures = iad_arena_take(&refs->arena, total * sizeof *set->pictures);
    set->queries = iad_arena_take(&refs->arena, choice->n_own * sizeof *set->queries);
    if (!set->dataset || !set->category || !set->view || !set->rule || !set->pictures || !set->queries)
        return IAD_NOMEM(err, "exemplars");
    set->shots = shots;
    set->seed = method->arg == IAD_REFS_SEED || rule->has_arg ? rule->number : 0;
    set->nested = method->nested < 0 ? rule->number == 0 : method->nested;
    set->n_unpaired = choice->n_unpaired;
    for (size_t i = 0; i < choice->n; i++)
        IAD_TRY(copy_row(&refs->arena, choice->picks[i], &set->pictures[set->n_pictures++], err));
    set->n_common = choice->n;
    if (choice->n_own) qsort(choice->own, choice->n_own, sizeof *choice->own, by_query);
    for (size_t i = 0; i < choice->n_own; i++) {
        const iad_refs_own *own = &choice->own[i];
        iad_refs_query *query = &set->queries[set->n_queries++];
        *query =
            (iad_refs_query){own->query->id, iad_arena_str(&refs->arena, own->query->path), set->n_pictures, own->n};
        if (!query->query_path) return IAD_NOMEM(err, "exemplars");
        for (size_t k = 0; k < own->n; k++)
            IAD_TRY(copy_row(&refs->arena, own->picks[k], &set->pictures[set->n_pictures++], err));
    }
    refs->n++;
    *result = set;
    return IAD_OK;
}

static iad_status make_set(iad_refs_pool *pool, const iad_refs_rule *rule, const iad_refs_method *method, int shots,
                           const iad_refs_options *options, iad_refs *refs, iad_err *err) {
    iad_refs_choice *choice = iad_calloc(1, sizeof *choice);
    iad_refs_set *set = NULL;
    if (!choice) return IAD_NOMEM(err, "exemplars");
    iad_status status = method->choose(pool, rule, shots, options->strict, choice, err);
    if (status == IAD_OK) status = verify(pool, rule, choice, err);
    if (status == IAD_OK) status = keep(pool, rule, method, shots, choice, refs, &set, err);
    if (status == IAD_OK && options->store)
        status = iad_refs_store(pool->manifest, set, options->scheme ? options->scheme : "", err);
    free(choice->own);
    free(choice);
    return status;
}

iad_status iad_refs_make(iad_manifest *manifest, int64_t category_id, const char *rule_text, int shots,
                         const iad_refs_options *options, iad_refs *refs, iad_err *err) {
    static const iad_refs_options defaults = {0};
    if (!options) options = &defaults;
    if (shots < 1 || shots > IAD_REFS_MAX_SHOTS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d shots: 1 to %d are possible", shots, IAD_REFS_MAX_SHOTS);
    iad_refs_rule *rule = iad_calloc(1, sizeof *rule);
    if (!rule) return IAD_NOMEM(err, "a rule");
    const iad_refs_method *method = NULL;
    gather g = {0};
    iad_arena arena = {0};
    iad_category_row category;
    iad_dataset_row dataset;
    char root[IAD_PATH_MAX];
    iad_status status = iad_refs_rule_parse(rule_text, options->seed, rule, &method, err);
    if (status == IAD_OK) status = iad_category_get(manifest, category_id, &arena, &category, err);
    if (status == IAD_OK) status = iad_dataset_get(manifest, category.dataset_id, &arena, &dataset, err);
    if (status == IAD_OK) status = iad_manifest_root_unpack(manifest, dataset.root, root, sizeof root, err);
    if (status == IAD_OK) status = gather_pictures(manifest, category_id, options->scheme, &g, err);
    if (status == IAD_OK && !g.views.n)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s has no training normals and no test pictures",
                          rule->canonical, dataset.name, category.name);
    for (size_t i = 0; status == IAD_OK && i < g.views.n; i++) {
        iad_refs_pool pool = {.manifest = manifest,
                              .dataset = dataset.name,
                              .category = category.name,
                              .root = root,
                              .category_id = category_id};
        status = fill_pool(&g, g.views.items[i], options->scheme, &pool, err);
        if (status == IAD_OK) status = make_set(&pool, rule, method, shots, options, refs, err);
    }
    gather_deinit(&g);
    iad_arena_deinit(&arena);
    free(rule);
    return status;
}
