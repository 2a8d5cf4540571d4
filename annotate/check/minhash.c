#include "annotate/check/minhash.h"

#include <stdlib.h>
#include <string.h>

#include "annotate/check/quality.h"
#include "base/alloc.h"

#define BANDS 16 /* of 4 rows: pairs of 0.9 are missed with a probability below 1e-7 */
#define ROWS (IAD_MINHASH_N / BANDS)

static uint64_t mix(uint64_t h) {
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

void iad_minhash_text(const char *text, uint32_t signature[IAD_MINHASH_N]) {
    uint32_t words[IAD_QUALITY_MAX_WORDS];
    size_t n = iad_quality_words(text, words, IAD_QUALITY_MAX_WORDS);
    memset(signature, 0xff, IAD_MINHASH_N * sizeof *signature);
    for (size_t i = 0; i == 0 || i + 2 < n; i++) {
        uint64_t h = mix(n > i ? words[i] : 0);
        h = mix(h ^ (n > i + 1 ? words[i + 1] : 0));
        h = mix(h ^ (n > i + 2 ? words[i + 2] : 0));
        for (uint32_t k = 0; k < IAD_MINHASH_N; k++) {
            uint32_t v = (uint32_t)(mix(h + k * 0x9e3779b97f4a7c15u) >> 32);
            if (v < signature[k]) signature[k] = v;
        }
    }
}

double iad_minhash_similarity(const uint32_t a[IAD_MINHASH_N], const uint32_t b[IAD_MINHASH_N]) {
    int same = 0;
    for (int k = 0; k < IAD_MINHASH_N; k++) same += a[k] == b[k];
    return (double)same / IAD_MINHASH_N;
}

uint64_t iad_minhash_normal(const char *text) {
    uint32_t words[IAD_QUALITY_MAX_WORDS];
    size_t n = iad_quality_words(text, words, IAD_QUALITY_MAX_WORDS);
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) h = mix(h ^ words[i]);
    return h;
}

typedef struct band_entry {
    uint64_t key;
    uint32_t item;
} band_entry;

static int by_key(const void *a, const void *b) {
    const band_entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static uint32_t root(uint32_t *group, uint32_t i) {
    while (group[i] != i) i = group[i] = group[group[i]];
    return i;
}

iad_status iad_minhash_groups(const uint32_t *signatures, size_t n, uint32_t *group, iad_err *err) {
    band_entry *entries = iad_alloc(n ? n : 1, sizeof *entries);
    if (!entries) return IAD_NOMEM(err, "signatures");
    for (size_t i = 0; i < n; i++) group[i] = (uint32_t)i;
    for (int band = 0; band < BANDS; band++) {
        for (size_t i = 0; i < n; i++) {
            uint64_t h = (uint64_t)band;
            for (int r = 0; r < ROWS; r++) h = mix(h ^ signatures[i * IAD_MINHASH_N + (size_t)(band * ROWS + r)]);
            entries[i] = (band_entry){h, (uint32_t)i};
        }
        qsort(entries, n, sizeof *entries, by_key);
        /* Each is compared with the first of its bucket and with its neighbour: linear, and what is alike is alike to one of them. */
        for (size_t i = 1, first = 0; i < n; i++) {
            if (entries[i].key != entries[first].key) {
                first = i;
                continue;
            }
            const size_t others[2] = {first, i - 1};
            for (int o = 0; o < 2; o++) {
                uint32_t a = root(group, entries[i].item), b = root(group, entries[others[o]].item);
                if (a == b || iad_minhash_similarity(&signatures[entries[i].item * (size_t)IAD_MINHASH_N],
                                                     &signatures[entries[others[o]].item * (size_t)IAD_MINHASH_N]) < 0.9)
                    continue;
                if (a < b) group[b] = a;
                else group[a] = b;
            }
        }
    }
    for (size_t i = 0; i < n; i++) group[i] = root(group, (uint32_t)i);
    free(entries);
    return IAD_OK;
}
