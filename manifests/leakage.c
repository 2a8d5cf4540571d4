#include "manifests/leakage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/identity.h"
#include "manifests/query.h"

#define MAX_PICTURES 100000000u

/* Two hashes within 6 bits agree in at least one of 7 pieces of 9 or 10 bits (pigeonhole): only those are compared. */
enum { PIECES = IAD_LEAK_MAX_DISTANCE + 1, BUCKETS = 1024 };

/* A hash of a picture without structure has few set bits; half of them is normal. It would match every other blank
 * picture. */
enum { MIN_BITS = 16 };

typedef struct candidate {
    int64_t id, category_id;
    uint64_t hash[4];
} candidate;

typedef struct candidates {
    candidate *items;
    size_t n, cap;
} candidates;

void iad_leak_hits_deinit(iad_leak_hits *hits) {
    free(hits->items);
    memset(hits, 0, sizeof *hits);
}

static iad_status add_hit(iad_leak_hits *hits, const iad_leak_hit *hit, iad_err *err) {
    void *block = hits->items;
    IAD_TRY(iad_grow(&block, &hits->cap, hits->n + 1, sizeof *hits->items, MAX_PICTURES, "leaks", err));
    hits->items = block;
    hits->items[hits->n++] = *hit;
    return IAD_OK;
}

/* ---- equal pixels ---- */

#define IS_EVAL(i, d) "(" i ".part='test' OR " d ".eval_overlap<>'')"

static iad_status find_equal(iad_manifest *manifest, iad_leak_hits *hits, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "image",
        "SELECT t.id,min(e.id) FROM image t JOIN dataset dt ON dt.id=t.dataset_id"
        " JOIN image e ON e.pixel_sha256=t.pixel_sha256 AND e.id<>t.id JOIN dataset de ON de.id=e.dataset_id"
        " WHERE t.bad=0 AND e.bad=0 AND t.dup_of IS NULL AND t.part<>'test' AND t.pixel_sha256 IS NOT NULL"
        " AND CASE WHEN dt.eval_overlap='' THEN " IS_EVAL(
            "e", "de") " ELSE t.part='train' AND e.part='test' AND"
                       " e.dataset_id=t.dataset_id END GROUP BY t.id ORDER BY t.id",
        err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        iad_leak_hit hit = {iad_query_col_i64(&q, 0), iad_query_col_i64(&q, 1), IAD_LEAK_PIXELS, 0, 0};
        status = add_hit(hits, &hit, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- nearly equal ---- */

static uint64_t get_u64(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

static iad_status load(iad_manifest *manifest, int eval, candidates *list, iad_err *err) {
    static const char train_sql[] =
        "SELECT i.id,i.category_id,i.phash,i.phash_turns FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE i.bad=0"
        " AND i.dup_of IS NULL AND i.phash IS NOT NULL AND NOT " IS_EVAL("i", "d") " ORDER BY i.id";
    static const char eval_sql[] =
        "SELECT i.id,i.category_id,i.phash,i.phash_turns FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE i.bad=0"
        " AND i.phash IS NOT NULL AND " IS_EVAL("i", "d") " ORDER BY i.id";
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", eval ? eval_sql : train_sql, err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        uint8_t turns[24];
        candidate one = {
            iad_query_col_i64(&q, 0), iad_query_col_i64(&q, 1), {(uint64_t)iad_query_col_i64(&q, 2), 0, 0, 0}};
        if (!iad_query_col_bytes(&q, 3, turns, sizeof turns) || __builtin_popcountll(one.hash[0]) < MIN_BITS) continue;
        for (int i = 0; i < 3; i++) one.hash[i + 1] = get_u64(turns + 8 * i);
        void *block = list->items;
        status = iad_grow(&block, &list->cap, list->n + 1, sizeof *list->items, MAX_PICTURES, "pictures", err);
        if (status != IAD_OK) break;
        list->items = block;
        list->items[list->n++] = one;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static unsigned piece(uint64_t hash, int k) {
    return (unsigned)(hash >> (9 * k)) & (k == PIECES - 1 ? 1023u : 511u);
}

/* For each piece: the pictures sorted by its value (counting sort). */
typedef struct hash_index {
    uint32_t *order[PIECES];
    uint32_t start[PIECES][BUCKETS + 1];
} hash_index;

static void index_free(hash_index *index) {
    if (!index) return;
    for (int k = 0; k < PIECES; k++) free(index->order[k]);
    free(index);
}

static hash_index *index_new(const candidates *list) {
    hash_index *index = iad_calloc(1, sizeof *index);
    if (!index) return NULL;
    for (int k = 0; k < PIECES; k++) {
        index->order[k] = iad_alloc(list->n, sizeof *index->order[k]);
        if (!index->order[k]) {
            index_free(index);
            return NULL;
        }
        uint32_t *start = index->start[k];
        for (size_t i = 0; i < list->n; i++) start[piece(list->items[i].hash[0], k) + 1]++;
        for (int b = 0; b < BUCKETS; b++) start[b + 1] += start[b];
        uint32_t fill[BUCKETS];
        memcpy(fill, start, sizeof fill);
        for (size_t i = 0; i < list->n; i++) index->order[k][fill[piece(list->items[i].hash[0], k)]++] = (uint32_t)i;
    }
    return index;
}

/* The closest evaluation picture of one training picture; ties to the lower turn, then the lower id. 1 when there is
 * one. */
static int closest(const candidate *train, const candidates *eval, const hash_index *index, iad_leak_hit *hit) {
    int found = 0;
    for (int turn = 0; turn < 4; turn++) {
        for (int k = 0; k < PIECES; k++) {
            unsigned value = piece(train->hash[turn], k);
            for (uint32_t at = index->start[k][value]; at < index->start[k][value + 1]; at++) {
                const candidate *other = &eval->items[index->order[k][at]];
                if (other->category_id == train->category_id && train->category_id) continue;
                int distance = iad_hamming64(train->hash[turn], other->hash[0]);
                if (distance > IAD_LEAK_MAX_DISTANCE) continue;
                int better = !found || distance < hit->distance ||
                             (distance == hit->distance && turn == hit->turn && other->id < hit->eval_id);
                if (!better) continue;
                *hit = (iad_leak_hit){train->id, other->id, IAD_LEAK_NEAR, distance, turn};
                found = 1;
            }
        }
    }
    return found;
}

static int by_train(const void *a, const void *b) {
    const iad_leak_hit *x = a, *y = b;
    return (x->train_id > y->train_id) - (x->train_id < y->train_id);
}

static iad_status find_near(iad_manifest *manifest, iad_leak_hits *hits, iad_err *err) {
    candidates train = {0}, eval = {0};
    hash_index *index = NULL;
    size_t n_equal = hits->n;
    iad_status status = load(manifest, 0, &train, err);
    if (status == IAD_OK) status = load(manifest, 1, &eval, err);
    if (status == IAD_OK && !(index = index_new(&eval))) status = IAD_NOMEM(err, "an index of hashes");
    for (size_t i = 0; status == IAD_OK && i < train.n; i++) {
        iad_leak_hit hit, key = {.train_id = train.items[i].id};
        if (n_equal && bsearch(&key, hits->items, n_equal, sizeof key, by_train)) continue;
        if (closest(&train.items[i], &eval, index, &hit)) status = add_hit(hits, &hit, err);
    }
    index_free(index);
    free(train.items);
    free(eval.items);
    return status;
}

iad_status iad_leakage_find(iad_manifest *manifest, iad_leak_hits *hits, iad_err *err) {
    memset(hits, 0, sizeof *hits);
    iad_status status = find_equal(manifest, hits, err);
    if (status == IAD_OK) status = find_near(manifest, hits, err);
    if (status != IAD_OK) iad_leak_hits_deinit(hits);
    else if (hits->n) qsort(hits->items, hits->n, sizeof *hits->items, by_train);
    return status;
}

static iad_status store_all(iad_manifest *manifest, const iad_leak_hits *hits, iad_err *err) {
    for (size_t i = 0; i < hits->n; i++) {
        const iad_leak_hit *hit = &hits->items[i];
        char note[80];
        if (hit->kind == IAD_LEAK_PIXELS) snprintf(note, sizeof note, "leak: same pixels as an evaluation picture");
        else
            snprintf(note, sizeof note, "leak: %d bits from an evaluation picture, turned by %d", hit->distance,
                     90 * hit->turn);
        iad_query q;
        IAD_TRY(iad_query_open(
            &q, manifest, "image",
            "UPDATE image SET dup_of=?1,note=CASE WHEN coalesce(note,'')='' THEN ?2 ELSE note||'; '||?2 END"
            " WHERE id=?3",
            err));
        iad_query_i64(&q, hit->eval_id);
        iad_query_text(&q, note);
        iad_query_i64(&q, hit->train_id);
        IAD_TRY(iad_query_run(&q, note, err));
    }
    return IAD_OK;
}

iad_status iad_leakage_store(iad_manifest *manifest, const iad_leak_hits *hits, iad_err *err) {
    IAD_TRY(iad_manifest_begin(manifest, err));
    iad_status status = store_all(manifest, hits, err);
    if (status == IAD_OK) return iad_manifest_commit(manifest, err);
    iad_manifest_rollback(manifest);
    return status;
}
