#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/engine/engine.h"

iadgpt_exemplars *iad_exemplars_retain(iadgpt_exemplars *set) {
    if (set != NULL) atomic_fetch_add(&set->references, 1);
    return set;
}

void iad_exemplars_release(iadgpt_exemplars *set) {
    if (set == NULL || atomic_fetch_sub(&set->references, 1) != 1) return;
    iad_kv_deinit(&set->kv);
    iad_encoded_deinit(&set->first);
    iad_timeline_deinit(&set->line);
    free(set->map_mean);
    iad_request_deinit(&set->request);
    free(set);
}

uint64_t iad_exemplars_bytes(const iadgpt_exemplars *set) {
    uint64_t first = (uint64_t)set->first.tokens.rows * (uint64_t)set->first.tokens.cols * sizeof(float);
    return (uint64_t)set->kv.cap * iad_kv_row_bytes(&set->kv) + first + set->line.n * sizeof(iad_unit);
}

void iad_shelf_init(iad_shelf *shelf, uint64_t budget) {
    *shelf = (iad_shelf){.budget = budget};
    pthread_mutex_init(&shelf->lock, NULL);
}

void iad_shelf_deinit(iad_shelf *shelf) {
    for (size_t i = 0; i < shelf->n; i++) iad_exemplars_release(shelf->sets[i]);
    free(shelf->sets);
    pthread_mutex_destroy(&shelf->lock);
}

/* The most recently used stands last. */
static void move_last(iad_shelf *shelf, size_t i) {
    iadgpt_exemplars *set = shelf->sets[i];
    memmove(shelf->sets + i, shelf->sets + i + 1, (shelf->n - i - 1) * sizeof *shelf->sets);
    shelf->sets[shelf->n - 1] = set;
}

iadgpt_exemplars *iad_shelf_find(iad_shelf *shelf, const iad_hash *key) {
    iadgpt_exemplars *found = NULL;
    pthread_mutex_lock(&shelf->lock);
    for (size_t i = 0; i < shelf->n && found == NULL; i++)
        if (memcmp(&shelf->sets[i]->key, key, sizeof *key) == 0) {
            found = iad_exemplars_retain(shelf->sets[i]);
            move_last(shelf, i);
        }
    pthread_mutex_unlock(&shelf->lock);
    return found;
}

void iad_shelf_put(iad_shelf *shelf, iadgpt_exemplars *set) {
    uint64_t bytes = iad_exemplars_bytes(set);
    if (bytes > shelf->budget) return;
    pthread_mutex_lock(&shelf->lock);
    for (size_t i = 0; i < shelf->n; i++)
        if (memcmp(&shelf->sets[i]->key, &set->key, sizeof set->key) == 0) {
            pthread_mutex_unlock(&shelf->lock);
            return;
        }
    while (shelf->n > 0 && shelf->bytes + bytes > shelf->budget) {
        shelf->bytes -= iad_exemplars_bytes(shelf->sets[0]);
        iad_exemplars_release(shelf->sets[0]);
        memmove(shelf->sets, shelf->sets + 1, (shelf->n - 1) * sizeof *shelf->sets);
        shelf->n--;
    }
    void *sets = shelf->sets;
    if (iad_grow(&sets, &shelf->cap, shelf->n + 1, sizeof *shelf->sets, 1 << 20, "exemplar sets in memory", NULL) == IAD_OK) {
        shelf->sets = sets;
        shelf->sets[shelf->n++] = iad_exemplars_retain(set);
        shelf->bytes += bytes;
    }
    pthread_mutex_unlock(&shelf->lock);
}

iadgpt_exemplars *iad_shelf_longest(iad_shelf *shelf, const iad_timeline *line, size_t floor) {
    iadgpt_exemplars *best = NULL;
    pthread_mutex_lock(&shelf->lock);
    for (size_t i = 0; i < shelf->n; i++) {
        const iad_timeline *stored = &shelf->sets[i]->line;
        if (stored->n <= floor || stored->n > line->n || (best != NULL && stored->n <= best->line.n)) continue;
        size_t same = 0;
        while (same < stored->n && iad_unit_same(&stored->units[same], &line->units[same])) same++;
        if (same == stored->n) best = shelf->sets[i];
    }
    iad_exemplars_retain(best);
    pthread_mutex_unlock(&shelf->lock);
    return best;
}
