/* The index: columns of words, and for each slot of 16 bits a table of the words in the order of the slot's value.
 *
 * Pigeonhole, twice. Codes within r bits have a word whose distance is at most that word's share of r, and in this word a slot whose
 * distance is at most the slot's share: shares plus one add up to r plus one. A share of -1 means that the part need not be looked at, 0 that it
 * must agree, 1 that it may differ in one bit; beyond that a word's column is read from end to end. */
#include "crawl/hash/hamming.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crawl/hash/hamming_scan.h"
#include "crawl/hash/slottable.h"

enum { MAX_WORDS = IAD_HAMMING_MAX_WORDS, MIN_TAIL = 4096, TAIL_PART = 16, TILE = 2048, SLOTS = IAD_SLOTS };

struct iad_hamming {
    int words;
    size_t n, cap, sorted;       /* the first `sorted` codes are in the tables */
    uint64_t *column[MAX_WORDS]; /* [cap] */
    iad_slot_table table[MAX_WORDS][SLOTS];
    iad_hamming_scan *scan;
};

void iad_hamming_hits_deinit(iad_hamming_hits *hits) {
    free(hits->items);
    memset(hits, 0, sizeof *hits);
}

iad_status iad_hamming_new(int words, iad_hamming **index, iad_err *err) {
    *index = NULL;
    if (words != 1 && words != MAX_WORDS) return IAD_FAIL(err, IAD_ERR_ARG, "Hamming index: codes of %d words, 1 or 4 are wanted", words);
    if (!(*index = iad_calloc(1, sizeof **index))) return IAD_NOMEM(err, "a Hamming index");
    (*index)->words = words;
    (*index)->scan = iad_hamming_scan_best();
    return IAD_OK;
}

void iad_hamming_free(iad_hamming *index) {
    if (!index) return;
    for (int w = 0; w < index->words; w++) {
        free(index->column[w]);
        for (int s = 0; s < SLOTS; s++) iad_slot_table_deinit(&index->table[w][s]);
    }
    free(index);
}

size_t iad_hamming_count(const iad_hamming *index) { return index->n; }

void iad_hamming_get(const iad_hamming *index, uint32_t position, uint64_t *code) {
    for (int w = 0; w < index->words; w++) code[w] = index->column[w][position];
}

static int distance_to(const iad_hamming *index, size_t position, const uint64_t *code) {
    int distance = 0;
    for (int w = 0; w < index->words; w++) distance += __builtin_popcountll(index->column[w][position] ^ code[w]);
    return distance;
}

/* Share of part k of `parts` in radius r: the shares plus one add up to r + 1, and differ by one at most. */
static int share_of(int r, int parts, int k) { return (r + 1) / parts + (k < (r + 1) % parts) - 1; }

/* ---- adding ---- */

static iad_status sort_tables(iad_hamming *index, iad_err *err) {
    /* A table whose making fails leaves all codes to the slow way; the next call tries again. */
    index->sorted = 0;
    for (int w = 0; w < index->words; w++)
        for (int s = 0; s < SLOTS; s++) IAD_TRY(iad_slot_table_fill(&index->table[w][s], index->column[w], index->n, s, err));
    index->sorted = index->n;
    return IAD_OK;
}

iad_status iad_hamming_add_many(iad_hamming *index, const uint64_t *codes, size_t n, iad_err *err) {
    if (n > IAD_HAMMING_MAX_CODES - index->n) return IAD_FAIL(err, IAD_ERR_LIMIT, "Hamming index: more than %u codes", IAD_HAMMING_MAX_CODES);
    if (index->n + n > index->cap) {
        size_t cap = index->cap ? index->cap : 1024;
        while (cap < index->n + n) cap *= 2;
        for (int w = 0; w < index->words; w++) {
            uint64_t *grown = iad_realloc(index->column[w], cap, sizeof *grown);
            if (!grown) return IAD_NOMEM(err, "the codes of a Hamming index");
            index->column[w] = grown;
        }
        index->cap = cap;
    }
    for (size_t i = 0; i < n; i++)
        for (int w = 0; w < index->words; w++) index->column[w][index->n + i] = *codes++;
    index->n += n;
    const size_t tail = index->sorted / TAIL_PART > MIN_TAIL ? index->sorted / TAIL_PART : MIN_TAIL;
    if (index->n - index->sorted <= tail) return IAD_OK;
    const iad_status status = sort_tables(index, err);
    if (status != IAD_OK) index->n -= n;
    return status;
}

iad_status iad_hamming_add(iad_hamming *index, const uint64_t *code, iad_err *err) { return iad_hamming_add_many(index, code, 1, err); }

/* ---- asking ---- */

typedef struct question {
    const iad_hamming *index;
    const uint64_t *code;
    int radius;
    iad_hamming_hits *hits;
} question;

/* Looks at words[n], whose codes stand at positions[] (NULL: at first, first + 1, ...), and keeps those whose whole code is near. */
static iad_status look(const question *q, int w, int share, const uint64_t *words, const uint32_t *positions, size_t first, size_t n, iad_err *err) {
    if (q->index->scan(q->code[w], words, n) > share) return IAD_OK;
    for (size_t i = 0; i < n; i++) {
        if (__builtin_popcountll(q->code[w] ^ words[i]) > share) continue;
        const size_t position = positions ? positions[i] : first + i;
        const int distance = distance_to(q->index, position, q->code);
        if (distance > q->radius) continue;
        void *block = q->hits->items;
        IAD_TRY(iad_grow(&block, &q->hits->cap, q->hits->n + 1, sizeof *q->hits->items, (size_t)IAD_HAMMING_MAX_CODES * 16, "near codes", err));
        q->hits->items = block;
        q->hits->items[q->hits->n++] = (iad_hamming_hit){(uint32_t)position, distance};
    }
    return IAD_OK;
}

static iad_status look_through(const question *q, int w, int share, size_t from, size_t to, iad_err *err) {
    for (size_t at = from; at < to; at += TILE) IAD_TRY(look(q, w, share, q->index->column[w] + at, NULL, at, to - at < TILE ? to - at : TILE, err));
    return IAD_OK;
}

/* Codes that the slots of word w would have to look at. */
static size_t slot_work(const question *q, int w, int share) {
    size_t work = 0;
    for (int s = 0; s < SLOTS; s++) {
        const int near = share_of(share, SLOTS, s);
        if (near < 0) continue;
        const iad_slot_table *table = &q->index->table[w][s];
        const uint32_t value = iad_slot_value(q->code[w], s);
        work += iad_slot_count(table, value);
        for (int bit = 0; near == 1 && bit < IAD_SLOT_BITS; bit++) work += iad_slot_count(table, value ^ 1u << bit);
    }
    return work;
}

static iad_status look_up(const question *q, int w, int share, iad_err *err) {
    for (int s = 0; s < SLOTS; s++) {
        const int near = share_of(share, SLOTS, s);
        if (near < 0) continue;
        const iad_slot_table *table = &q->index->table[w][s];
        const uint32_t value = iad_slot_value(q->code[w], s);
        for (int bit = -1; bit < (near == 1 ? IAD_SLOT_BITS : 0); bit++) {
            const uint32_t bucket = bit < 0 ? value : value ^ 1u << bit, first = table->start[bucket];
            IAD_TRY(look(q, w, share, table->word + first, table->position + first, 0, iad_slot_count(table, bucket), err));
        }
    }
    return IAD_OK;
}

static int by_position(const void *a, const void *b) {
    const iad_hamming_hit *x = a, *y = b;
    return (x->position > y->position) - (x->position < y->position);
}

/* A code is found once for every slot that it is near in. */
static void sort_hits(iad_hamming_hits *hits) {
    if (hits->n < 2) return;
    qsort(hits->items, hits->n, sizeof *hits->items, by_position);
    size_t kept = 1;
    for (size_t i = 1; i < hits->n; i++)
        if (hits->items[i].position != hits->items[kept - 1].position) hits->items[kept++] = hits->items[i];
    hits->n = kept;
}

static iad_status check_radius(const iad_hamming *index, int radius, iad_err *err) {
    if (radius >= 0 && radius <= 64 * index->words) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "Hamming index: radius %d, 0..%d is wanted", radius, 64 * index->words);
}

iad_status iad_hamming_find(const iad_hamming *index, const uint64_t *code, int radius, iad_hamming_hits *hits, iad_err *err) {
    hits->n = 0;
    IAD_TRY(check_radius(index, radius, err));
    const question q = {index, code, radius, hits};
    for (int w = 0; w < index->words; w++) {
        const int share = share_of(radius, index->words, w);
        if (share < 0) continue;
        if (share >= 2 * SLOTS || !index->sorted || slot_work(&q, w, share) > index->sorted)
            IAD_TRY(look_through(&q, w, share, 0, index->sorted, err));
        else IAD_TRY(look_up(&q, w, share, err));
        IAD_TRY(look_through(&q, w, share, index->sorted, index->n, err));
    }
    sort_hits(hits);
    return IAD_OK;
}

/* ---- all pairs ---- */

typedef struct join {
    const iad_hamming *index;
    int radius, word, share, slot; /* slot -1: the column from end to end */
    iad_hamming_visit *visit;
    void *user;
} join;

/* A pair is told where it is found first: in the first word within its share, in the first slot there within its own. */
static int found_before(const join *j, uint32_t a, uint32_t b) {
    for (int w = 0; w < j->word; w++)
        if (__builtin_popcountll(j->index->column[w][a] ^ j->index->column[w][b]) <= share_of(j->radius, j->index->words, w)) return 1;
    const uint64_t differ = j->index->column[j->word][a] ^ j->index->column[j->word][b];
    for (int s = 0; s < j->slot; s++)
        if (__builtin_popcount(iad_slot_value(differ, s)) <= share_of(j->share, SLOTS, s)) return 1;
    return 0;
}

static iad_status tell(const join *j, uint32_t a, uint32_t b, iad_err *err) {
    int distance = 0;
    for (int w = 0; w < j->index->words; w++) distance += __builtin_popcountll(j->index->column[w][a] ^ j->index->column[w][b]);
    if (distance > j->radius || found_before(j, a, b)) return IAD_OK;
    return a < b ? j->visit(j->user, a, b, distance, err) : j->visit(j->user, b, a, distance, err);
}

/* One word against many; positions as in look(). */
static iad_status meet(const join *j, uint64_t word, uint32_t position, const uint64_t *words, const uint32_t *positions, size_t first, size_t n,
                       iad_err *err) {
    if (j->index->scan(word, words, n) > j->share) return IAD_OK;
    for (size_t i = 0; i < n; i++)
        if (__builtin_popcountll(word ^ words[i]) <= j->share) IAD_TRY(tell(j, position, positions ? positions[i] : (uint32_t)(first + i), err));
    return IAD_OK;
}

static iad_status join_column(const join *j, iad_err *err) {
    const uint64_t *column = j->index->column[j->word];
    for (size_t tile = 0; tile < j->index->n; tile += TILE) {
        const size_t end = j->index->n - tile < TILE ? j->index->n : tile + TILE;
        for (size_t i = 0; i + 1 < end; i++) {
            const size_t from = i + 1 > tile ? i + 1 : tile;
            IAD_TRY(meet(j, column[i], (uint32_t)i, column + from, NULL, from, end - from, err));
        }
    }
    return IAD_OK;
}

/* Each bucket with itself and with those neighbours that have one bit more; what it has to meet is laid out in one piece first. */
static iad_status join_slot(const join *j, uint64_t *words, uint32_t *positions, iad_err *err) {
    const iad_slot_table *table = &j->index->table[j->word][j->slot];
    const int near = share_of(j->share, SLOTS, j->slot);
    for (uint32_t bucket = 0; bucket < IAD_SLOT_VALUES; bucket++) {
        const size_t own = iad_slot_count(table, bucket);
        size_t n = 0;
        if (!own) continue;
        for (int bit = -1; bit < (near == 1 ? IAD_SLOT_BITS : 0); bit++) {
            if (bit >= 0 && bucket >> bit & 1) continue;
            const uint32_t other = bit < 0 ? bucket : bucket ^ 1u << bit;
            const size_t count = iad_slot_count(table, other);
            if (!count) continue;
            memcpy(words + n, table->word + table->start[other], count * sizeof *words);
            memcpy(positions + n, table->position + table->start[other], count * sizeof *positions);
            n += count;
        }
        for (size_t i = 0; i < own; i++) IAD_TRY(meet(j, words[i], positions[i], words + i + 1, positions + i + 1, 0, n - i - 1, err));
    }
    return IAD_OK;
}

/* Pairs of words that the slots of word w would have to compare; *widest: the most that one bucket has to meet. */
static double join_work(const iad_hamming *index, int w, int share, size_t *widest) {
    double work = 0;
    for (int s = 0; s < SLOTS; s++) {
        const int near = share_of(share, SLOTS, s);
        for (uint32_t bucket = 0; near >= 0 && bucket < IAD_SLOT_VALUES; bucket++) {
            const size_t own = iad_slot_count(&index->table[w][s], bucket);
            size_t n = own;
            for (int bit = 0; near == 1 && bit < IAD_SLOT_BITS; bit++)
                if (!(bucket >> bit & 1)) n += iad_slot_count(&index->table[w][s], bucket ^ 1u << bit);
            work += (double)own * ((double)n - 0.5 * (double)own);
            if (n > *widest) *widest = n;
        }
    }
    return work;
}

static iad_status join_word(join *j, iad_err *err) {
    const double n = (double)j->index->n;
    size_t widest = 0;
    j->slot = -1;
    if (j->share >= 2 * SLOTS || join_work(j->index, j->word, j->share, &widest) > 0.5 * n * n) return join_column(j, err);
    uint64_t *words = iad_alloc(widest, sizeof *words);
    uint32_t *positions = iad_alloc(widest, sizeof *positions);
    iad_status status = words && positions ? IAD_OK : IAD_NOMEM(err, "the pairs of a Hamming index");
    for (int s = 0; s < SLOTS && status == IAD_OK; s++) {
        j->slot = s;
        if (share_of(j->share, SLOTS, s) >= 0) status = join_slot(j, words, positions, err);
    }
    free(words);
    free(positions);
    return status;
}

iad_status iad_hamming_join(iad_hamming *index, int radius, iad_hamming_visit *visit, void *user, iad_err *err) {
    IAD_TRY(check_radius(index, radius, err));
    if (index->sorted < index->n) IAD_TRY(sort_tables(index, err));
    for (int w = 0; index->n && w < index->words; w++) {
        join j = {.index = index, .radius = radius, .word = w, .share = share_of(radius, index->words, w), .visit = visit, .user = user};
        if (j.share >= 0) IAD_TRY(join_word(&j, err));
    }
    return IAD_OK;
}
