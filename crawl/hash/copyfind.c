#include "crawl/hash/copyfind.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/phash.h"
#include "crawl/hash/hamming.h"

/* White grounds make different parts alike: a copy is what both hashes call one, at distances well inside the published ones. */
enum { SAME_PDQ = 24, SAME_DCT = 4 };

typedef struct known {
    int64_t id;
    uint64_t dct;
    int quality;
} known;

struct iad_copies {
    iad_hamming *index; /* of the PDQ hashes */
    known *items;       /* [n] by position in the index */
    size_t n, cap;
    iad_hamming_hits hits;
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
    free(copies);
}

size_t iad_copies_count(const iad_copies *copies) { return copies->n; }

iad_status iad_copies_add(iad_copies *copies, int64_t id, const iad_signature *signature, iad_err *err) {
    void *block = copies->items;
    IAD_TRY(iad_grow(&block, &copies->cap, copies->n + 1, sizeof *copies->items, IAD_HAMMING_MAX_CODES, "signatures of pictures", err));
    copies->items = block;
    IAD_TRY(iad_hamming_add(copies->index, signature->pdq.word, err));
    copies->items[copies->n++] = (known){id, signature->dct, signature->quality};
    return IAD_OK;
}

static int better(const iad_copy_hit *a, const iad_copy_hit *b) {
    if (a->kind != b->kind) return a->kind > b->kind;
    return a->pdq < b->pdq; /* equal: the smaller turn, the earlier picture, which come first */
}

iad_status iad_copies_find(iad_copies *copies, const iad_signature turn[IAD_PDQ_TURNS], iad_copy_hit *hit, iad_err *err) {
    memset(hit, 0, sizeof *hit);
    if (turn[0].quality < IAD_PDQ_MIN_QUALITY) return IAD_OK;
    for (int t = 0; t < IAD_PDQ_TURNS; t++) {
        IAD_TRY(iad_hamming_find(copies->index, turn[t].pdq.word, IAD_PDQ_SAME, &copies->hits, err));
        for (size_t i = 0; i < copies->hits.n; i++) {
            const known *other = &copies->items[copies->hits.items[i].position];
            if (other->quality < IAD_PDQ_MIN_QUALITY) continue;
            iad_copy_hit now = {.id = other->id, .turn = t, .pdq = copies->hits.items[i].distance, .dct = iad_hamming64(turn[t].dct, other->dct)};
            now.kind = now.pdq <= SAME_PDQ && now.dct <= SAME_DCT ? IAD_COPY_SAME : IAD_COPY_ALIKE;
            if (better(&now, hit)) *hit = now;
        }
    }
    return IAD_OK;
}
