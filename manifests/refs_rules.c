/* The table of rules, and those that need only the sorted list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "manifests/refs_rule.h"

#define MAX_QUERIES 10000000u

iad_refs_own *iad_refs_own_add(iad_refs_choice *choice, const iad_image_row *query, iad_err *err) {
    void *block = choice->own;
    if (iad_grow(&block, &choice->cap_own, choice->n_own + 1, sizeof *choice->own, MAX_QUERIES,
                 "queries with exemplars of their own", err) != IAD_OK)
        return NULL;
    choice->own = block;
    iad_refs_own *own = &choice->own[choice->n_own++];
    own->query = query;
    own->n = 0;
    return own;
}

iad_status iad_refs_missing(const iad_refs_pool *pool, const iad_refs_rule *rule, const char *wanted, iad_err *err) {
    return IAD_FAIL(
        err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s%s%s: wants %s, which is not among its %zu eligible training normals",
        rule->canonical, pool->dataset, pool->category, *pool->view ? " view " : "", pool->view, wanted, pool->n_train);
}

iad_status iad_refs_take_slice(const iad_refs_pool *pool, const iad_refs_rule *rule, size_t first, int shots,
                               iad_refs_choice *choice, iad_err *err) {
    if (first >= pool->n_train || pool->n_train - first < (size_t)shots)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND,
                        "rule %s: %s/%s%s%s: wants training normals %zu to %zu of the sorted list, there are %zu",
                        rule->canonical, pool->dataset, pool->category, *pool->view ? " view " : "", pool->view, first,
                        first + (size_t)shots - 1, pool->n_train);
    for (size_t i = 0; i < (size_t)shots; i++) choice->picks[choice->n++] = pool->train[first + i];
    return IAD_OK;
}

const iad_image_row *iad_refs_by_stem(const iad_refs_pool *pool, const char *stem) {
    char name[256];
    for (size_t i = 0; i < pool->n_train; i++) {
        iad_path_stem(name, sizeof name, pool->train[i]->path);
        if (!strcmp(name, stem)) return pool->train[i];
    }
    return NULL;
}

static iad_status choose_first(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                               iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    return iad_refs_take_slice(pool, rule, 0, shots, choice, err);
}

static iad_status choose_univad(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    return iad_refs_take_slice(pool, rule, rule->number < SIZE_MAX / 2 ? (size_t)rule->number : SIZE_MAX / 2, shots,
                               choice, err);
}

static iad_status choose_anomalydino(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                     iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    size_t first =
        rule->number < SIZE_MAX / 2 / IAD_REFS_MAX_SHOTS ? (size_t)rule->number * (size_t)shots : SIZE_MAX / 2;
    return iad_refs_take_slice(pool, rule, first, shots, choice, err);
}

static iad_status choose_random(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    char name[1024];
    if (pool->n_train < (size_t)shots || pool->n_train > UINT32_MAX)
        return iad_refs_take_slice(pool, rule, 0, shots, choice, err);
    uint32_t n = (uint32_t)pool->n_train, *order = iad_alloc(n, sizeof *order);
    if (!order) return IAD_NOMEM(err, "an order of training normals");
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    /* The stream depends on the category's name, not on its row: the same choice in every manifest. */
    snprintf(name, sizeof name, "refs/%.400s/%.400s/%.200s", pool->dataset, pool->category, pool->view);
    iad_rng rng;
    iad_rng_init(&rng, iad_rng_subseed(rule->number, name, (uint64_t)shots), 0);
    iad_rng_shuffle(&rng, order, n);
    for (int i = 0; i < shots; i++) choice->picks[choice->n++] = pool->train[order[i]];
    free(order);
    return IAD_OK;
}

typedef struct keyed {
    uint8_t key[32];
    const iad_image_row *picture;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    int order = memcmp(x->key, y->key, 32);
    return order ? order : strcmp(x->picture->path, y->picture->path);
}

static iad_status choose_nested(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    if (pool->n_train < (size_t)shots) return iad_refs_take_slice(pool, rule, 0, shots, choice, err);
    keyed *list = iad_alloc(pool->n_train, sizeof *list);
    if (!list) return IAD_NOMEM(err, "an order of training normals");
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < pool->n_train; i++) {
        uint8_t text[40];
        for (int k = 0; k < 8; k++) text[k] = (uint8_t)(rule->number >> (8 * k));
        memcpy(text + 8, pool->train[i]->has_pixels ? pool->train[i]->pixel_sha256 : pool->train[i]->sha256, 32);
        list[i].picture = pool->train[i];
        status = iad_sha256_bytes(text, sizeof text, list[i].key, err);
    }
    if (status == IAD_OK) {
        qsort(list, pool->n_train, sizeof *list, by_key);
        for (int i = 0; i < shots; i++) choice->picks[choice->n++] = list[i].picture;
    }
    free(list);
    return status;
}

static const iad_refs_method methods[] = {
    {"first", IAD_REFS_NO_ARG, 0, 1, "the first k of the sorted training normals", choose_first},
    {"random", IAD_REFS_SEED, 0, 0, "k drawn at random, anew for each k (random:SEED)", choose_random},
    {"random-nested", IAD_REFS_SEED, 0, 1, "ordered by SHA-256(seed, pixels); more shots only add (random-nested:SEED)",
     choose_nested},
    {"anomalygpt", IAD_REFS_ROUND, UINT64_MAX, 1, "AnomalyGPT: MVTec 012.png.., VisA round 14 (anomalygpt:ROUND)",
     iad_refs_choose_anomalygpt},
    {"kagprompt", IAD_REFS_NO_ARG, 0, 0, "KAG-prompt: MVTec from 195.png, VisA rounds 14, 57, 78 of split_csv/1cls.csv",
     iad_refs_choose_kagprompt},
    {"iipad", IAD_REFS_NO_ARG, 0, 1, "IIPAD: files 0, 3, 6, 9", iad_refs_choose_iipad},
    {"anomalydino", IAD_REFS_SEED, 0, -1,
     "AnomalyDINO: slice [seed k, (seed + 1) k) of the sorted list (anomalydino:SEED)", choose_anomalydino},
    {"univad", IAD_REFS_ROUND, 3, 1, "UniVAD: k from position 3 of the sorted list (univad:ROUND)", choose_univad},
    {"promptad-sorted", IAD_REFS_NO_ARG, 0, 0, "PromptAD's published numbers as positions in the sorted list",
     iad_refs_choose_promptad},
    {"metauas", IAD_REFS_SEED, 0, 0, "MetaUAS seed 1, the categories whose file is published in text (metauas:1)",
     iad_refs_choose_metauas},
    {"mmad", IAD_REFS_FILE, 0, 1, "MMAD: the first k of each query's random_templates (mmad or mmad:FILE)",
     iad_refs_choose_mmad},
    {"mmad-similar", IAD_REFS_FILE, 0, 1, "the same with similar_templates: an upper bound", iad_refs_choose_mmad},
    {"paired", IAD_REFS_NO_ARG, 0, 1, "the training normal with the query's number, then the first others",
     iad_refs_choose_paired},
    {"list", IAD_REFS_FILE, 0, 0, "pictures named by a file (list:FILE)", iad_refs_choose_list},
    {NULL, IAD_REFS_NO_ARG, 0, 0, NULL, NULL}};

const iad_refs_method *iad_refs_methods(void) {
    return methods;
}

static iad_status unknown_rule(const char *text, iad_err *err) {
    char known[400] = "";
    for (const iad_refs_method *m = methods; m->name; m++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", m->name);
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "unknown exemplar rule '%.60s'; known: %s", text, known);
}

iad_status iad_refs_rule_parse(const char *text, uint64_t seed, iad_refs_rule *rule, const iad_refs_method **method,
                               iad_err *err) {
    memset(rule, 0, sizeof *rule);
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    const iad_refs_method *m = methods;
    while (m->name && (strlen(m->name) != n || strncmp(m->name, text, n) != 0)) m++;
    if (!m->name) return unknown_rule(text, err);
    iad_text_copy(rule->name, sizeof rule->name, m->name);
    rule->has_arg = colon != NULL;
    if (colon && !iad_text_copy(rule->arg, sizeof rule->arg, colon + 1))
        return IAD_FAIL(err, IAD_ERR_LIMIT, "rule %s: name too long", m->name);
    if (m->arg == IAD_REFS_NO_ARG && colon)
        return IAD_FAIL(err, IAD_ERR_ARG, "rule %s takes nothing behind a colon", m->name);
    if (m->arg == IAD_REFS_SEED || m->arg == IAD_REFS_ROUND) {
        rule->number = m->arg == IAD_REFS_SEED ? seed : m->fallback;
        if (colon)
            IAD_TRY(iad_parse_u64(rule->arg, &rule->number, m->arg == IAD_REFS_SEED ? "rule seed" : "rule round", err));
    }
    if (m->arg == IAD_REFS_SEED || (m->arg == IAD_REFS_ROUND && colon))
        snprintf(rule->canonical, sizeof rule->canonical, "%s:%llu", m->name, (unsigned long long)rule->number);
    else if (m->arg == IAD_REFS_FILE && colon)
        snprintf(rule->canonical, sizeof rule->canonical, "%s:%.200s", m->name, iad_path_base(rule->arg));
    else snprintf(rule->canonical, sizeof rule->canonical, "%s", m->name);
    if (!strcmp(m->name, "list") && !*rule->arg) return IAD_FAIL(err, IAD_ERR_ARG, "rule list needs a file: list:FILE");
    *method = m;
    return IAD_OK;
}
