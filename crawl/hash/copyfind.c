/* Asking goes from the many to the few: every kept picture's 16 coarse grey levels and PDQ hash, in all eight positions of the asking one; then the
 * small grey pictures of the nearest as they are; then, for fewer still, with a search for the alignment. */
#include "crawl/hash/copyfind.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/phash.h"
#include "crawl/hash/gridmatch.h"
#include "crawl/hash/hamming.h"

/* COARSE_NEAR: sum of the differences of 16 grey levels, and a part of their spread: a cut moves more where there is more contrast. LOOKS, SEARCHES:
 * candidates that are compared as they are and with alignment, the nearest first. For pictures too flat to compare: distances well inside the
 * published ones. */
enum {
    FINE = IAD_MATCH_FINE,
    CELLS = IAD_MATCH_CELLS,
    COARSE = 16,
    COARSE_NEAR = 128,
    COARSE_PART = 4,
    LOOKS = 64,
    SEARCHES = 8,
    FLAT_PDQ = 16,
    FLAT_DCT = 2,
    MAX_CANDIDATES = 1 << 24
};

typedef struct known {
    int64_t id;
    uint64_t dct;
    int quality;
    uint8_t cells[CELLS][CELLS];
} known;

typedef struct candidate {
    uint32_t position;
    int turn, far; /* coarse distance; -1 when the hash brought it */
} candidate;

struct iad_copies {
    iad_hamming *index;        /* of the PDQ hashes */
    known *items;              /* [n] by position in the index */
    uint8_t (*coarse)[COARSE]; /* [n] */
    size_t n, cap, cap_coarse;
    iad_hamming_hits hits;
    candidate *found;
    size_t n_found, cap_found;
};

iad_status iad_copies_new(iad_copies **copies, iad_err *err) {
    *copies = iad_calloc(1, sizeof **copies);
    if (!*copies) return IAD_NOMEM(err, "the signatures of pictures");
    const iad_status status = iad_hamming_new(4, &(*copies)->index, err);
    if (status != IAD_OK) {
        free(*copies);
        *copies = NULL;
    }
    return status;
}

void iad_copies_free(iad_copies *copies) {
    if (!copies) return;
    iad_hamming_free(copies->index);
    iad_hamming_hits_deinit(&copies->hits);
    free(copies->items);
    free(copies->coarse);
    free(copies->found);
    free(copies);
}

size_t iad_copies_count(const iad_copies *copies) { return copies->n; }

static void coarse_of(const uint8_t grey[FINE][FINE], uint8_t coarse[COARSE]) {
    enum { PART = FINE / 4 };
    uint32_t sum[COARSE] = {0};
    for (int y = 0; y < FINE; y++)
        for (int x = 0; x < FINE; x++) sum[y / PART * 4 + x / PART] += grey[y][x];
    for (int k = 0; k < COARSE; k++) coarse[k] = (uint8_t)((sum[k] + PART * PART / 2) / (PART * PART));
}

iad_status iad_copies_add(iad_copies *copies, int64_t id, const iad_signature *signature, iad_err *err) {
    enum { PART = FINE / CELLS };
    void *items = copies->items, *coarse = copies->coarse;
    IAD_TRY(iad_grow(&items, &copies->cap, copies->n + 1, sizeof *copies->items, IAD_HAMMING_MAX_CODES, "signatures of pictures", err));
    copies->items = items;
    IAD_TRY(iad_grow(&coarse, &copies->cap_coarse, copies->n + 1, sizeof *copies->coarse, IAD_HAMMING_MAX_CODES, "signatures of pictures", err));
    copies->coarse = coarse;
    IAD_TRY(iad_hamming_add(copies->index, signature->pdq[0].word, err));
    known *item = &copies->items[copies->n];
    *item = (known){.id = id, .dct = signature->dct[0], .quality = signature->quality};
    for (int y = 0; y < CELLS; y++)
        for (int x = 0; x < CELLS; x++) {
            int sum = 0;
            for (int k = 0; k < PART * PART; k++) sum += signature->grey[y * PART + k / PART][x * PART + k % PART];
            item->cells[y][x] = (uint8_t)((sum + PART * PART / 2) / (PART * PART));
        }
    coarse_of(signature->grey, copies->coarse[copies->n++]);
    return IAD_OK;
}

/* grey turned clockwise by 90 * (turn % 4) degrees, mirrored left to right first when turn is 4 or more. */
static void turn_grey(const uint8_t from[FINE][FINE], int turn, uint8_t to[FINE][FINE]) {
    for (int y = 0; y < FINE; y++)
        for (int x = 0; x < FINE; x++) {
            int sx = x, sy = y;
            for (int k = 0; k < turn % 4; k++) { /* pixel (x, y) of a turned picture was at (y, side - 1 - x) */
                const int old = sx;
                sx = sy;
                sy = FINE - 1 - old;
            }
            to[y][x] = from[sy][turn >= 4 ? FINE - 1 - sx : sx];
        }
}

static iad_status found(iad_copies *copies, uint32_t position, int turn, int far, iad_err *err) {
    void *block = copies->found;
    IAD_TRY(iad_grow(&block, &copies->cap_found, copies->n_found + 1, sizeof *copies->found, MAX_CANDIDATES, "candidates of copies", err));
    copies->found = block;
    copies->found[copies->n_found++] = (candidate){position, turn, far};
    return IAD_OK;
}

static int coarse_distance(const uint8_t *a, const uint8_t *b) {
    int sum = 0;
    for (int k = 0; k < COARSE; k++) sum += abs(a[k] - b[k]);
    return sum;
}

/* Sum of the distances from the mean. */
static int spread(const uint8_t coarse[COARSE]) {
    int sum = 0, away = 0;
    for (int k = 0; k < COARSE; k++) sum += coarse[k];
    for (int k = 0; k < COARSE; k++) away += abs(coarse[k] - sum / COARSE);
    return away;
}

static int by_nearness(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->far != y->far) return x->far < y->far ? -1 : 1;
    if (x->position != y->position) return x->position < y->position ? -1 : 1;
    return (x->turn > y->turn) - (x->turn < y->turn);
}

/* Candidates of one position of the asking picture. */
static iad_status gather(iad_copies *copies, const iad_signature *signature, int turn, const uint8_t grey[FINE][FINE], iad_err *err) {
    uint8_t coarse[COARSE];
    coarse_of(grey, coarse);
    if (signature->quality >= IAD_PDQ_MIN_QUALITY) {
        IAD_TRY(iad_hamming_find(copies->index, signature->pdq[turn].word, IAD_PDQ_SAME, &copies->hits, err));
        for (size_t i = 0; i < copies->hits.n; i++) IAD_TRY(found(copies, copies->hits.items[i].position, turn, -1, err));
    }
    const int near = COARSE_NEAR + spread(coarse) / COARSE_PART;
    for (size_t i = 0; i < copies->n; i++) {
        const int far = coarse_distance(coarse, copies->coarse[i]);
        if (far <= near) IAD_TRY(found(copies, (uint32_t)i, turn, far, err));
    }
    return IAD_OK;
}

static void judge(iad_copy_hit *hit, int both_clear) {
    const int near = both_clear && hit->pdq <= IAD_PDQ_SAME, flat = hit->likeness == IAD_MATCH_UNKNOWN;
    const int same = hit->likeness >= IAD_COPY_LIKENESS || (near && hit->likeness >= IAD_COPY_LIKENESS_NEAR) ||
                     (near && flat && hit->pdq <= FLAT_PDQ && hit->dct <= FLAT_DCT);
    hit->kind = same ? IAD_COPY_SAME : near ? IAD_COPY_ALIKE : IAD_COPY_NONE;
}

static int better(const iad_copy_hit *a, const iad_copy_hit *b) {
    if (a->kind != b->kind) return a->kind > b->kind;
    if (a->likeness != b->likeness) return a->likeness > b->likeness;
    return a->pdq < b->pdq;
}

iad_status iad_copies_find(iad_copies *copies, const iad_signature *signature, iad_copy_hit *hit, iad_err *err) {
    uint8_t grey[IAD_PDQ_TURNS][FINE][FINE];
    iad_grey_sums sums;
    memset(hit, 0, sizeof *hit);
    copies->n_found = 0;
    for (int t = 0; t < IAD_PDQ_TURNS; t++) {
        turn_grey(signature->grey, t, grey[t]);
        IAD_TRY(gather(copies, signature, t, (const uint8_t(*)[FINE])grey[t], err));
    }
    if (!copies->n_found) return IAD_OK;
    qsort(copies->found, copies->n_found, sizeof *copies->found, by_nearness);
    for (int search = 0; search < 2 && hit->kind != IAD_COPY_SAME; search++) {
        const size_t most = search ? SEARCHES : LOOKS;
        for (size_t i = 0, done = 0; i < copies->n_found && done < most; i++, done++) {
            const candidate *c = &copies->found[i];
            const known *other = &copies->items[c->position];
            iad_grey_sums_make((const uint8_t(*)[FINE])grey[c->turn], &sums);
            iad_copy_hit now = {.id = other->id, .turn = c->turn, .dct = iad_hamming64(signature->dct[c->turn], other->dct)};
            uint64_t code[4];
            iad_hamming_get(copies->index, c->position, code);
            for (int w = 0; w < 4; w++) now.pdq += __builtin_popcountll(code[w] ^ signature->pdq[c->turn].word[w]);
            now.likeness = iad_grid_match(&sums, (const uint8_t(*)[CELLS])other->cells, !search);
            judge(&now, signature->quality >= IAD_PDQ_MIN_QUALITY && other->quality >= IAD_PDQ_MIN_QUALITY);
            if (now.kind && better(&now, hit)) *hit = now;
        }
    }
    return IAD_OK;
}
