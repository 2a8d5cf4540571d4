#include "manifests/ingest/scan_set.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define FIRST_SLOTS 256u

/* FNV-1a, 64 bits, with a last mix because only the low bits choose the slot. */
static size_t hash(const char *word) {
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *p = word; *p; p++) h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return (size_t)(h ^ (h >> 29));
}

/* The slot that holds the word, or the free one where it belongs. n_slots is a power of two and never full. */
static size_t find(const iad_scan_set *set, const char *word) {
    size_t at = hash(word) & (set->n_slots - 1);
    while (set->slots[at] && strcmp(set->words.items[set->slots[at] - 1], word) != 0) at = (at + 1) & (set->n_slots - 1);
    return at;
}

static iad_status resize(iad_scan_set *set, iad_err *err) {
    size_t n = set->n_slots ? set->n_slots * 2 : FIRST_SLOTS;
    size_t *slots = iad_calloc(n, sizeof *slots);
    if (!slots) return IAD_NOMEM(err, "a set of names");
    free(set->slots);
    set->slots = slots;
    set->n_slots = n;
    for (size_t i = 0; i < set->words.n; i++) set->slots[find(set, set->words.items[i])] = i + 1;
    return IAD_OK;
}

iad_status iad_scan_set_add(iad_scan_set *set, const char *word, int *added, iad_err *err) {
    if (added) *added = 0;
    if (set->words.n * 2 >= set->n_slots) IAD_TRY(resize(set, err));
    size_t at = find(set, word);
    if (set->slots[at]) return IAD_OK;
    IAD_TRY(iad_strings_add(&set->words, word, err));
    set->slots[at] = set->words.n;
    if (added) *added = 1;
    return IAD_OK;
}

int iad_scan_set_has(const iad_scan_set *set, const char *word) { return set->n_slots && set->slots[find(set, word)] != 0; }

void iad_scan_set_deinit(iad_scan_set *set) {
    iad_strings_deinit(&set->words);
    free(set->slots);
    *set = (iad_scan_set){{NULL, 0, 0}, NULL, 0};
}
