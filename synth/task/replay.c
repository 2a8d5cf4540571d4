#include "synth/task/replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "manifests/query.h"

int iad_replay_keep(uint64_t seed, int stage, const char *external_id, double share) {
    char name[256]; /* iad_rng_subseed reads so many bytes of a name */
    snprintf(name, sizeof name, "replay%d/%s", stage, external_id);
    double u = (double)(iad_rng_subseed(seed, name, 0) >> 11) * 0x1p-53;
    return u < share;
}

double iad_replay_share(int stage) { return stage == 2 ? 0.5 : stage == 3 ? 0.8 : 0; }

typedef struct id_list {
    int64_t *items;
    size_t n, cap;
} id_list;

/* Training records of one stage by id; those that keep says no to are only counted. */
static iad_status collect(iad_manifest *manifest, int own_stage, int stage, uint64_t seed, double share, id_list *ids, int64_t *seen, iad_err *err) {
    iad_query q;
    *seen = 0;
    IAD_TRY(iad_query_open(&q, manifest, "task", "SELECT id,coalesce(external_id,id) FROM task WHERE stage=? AND part='train' ORDER BY id", err));
    iad_query_i64(&q, own_stage);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *external = iad_query_col_text(&q, 1);
        ++*seen;
        if (own_stage != stage && !iad_replay_keep(seed, stage, external ? external : "", share)) continue;
        status = iad_grow((void **)&ids->items, &ids->cap, ids->n + 1, sizeof *ids->items, (size_t)1 << 32, "records of a stage", err);
        if (status == IAD_OK) ids->items[ids->n++] = iad_query_col_i64(&q, 0);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status both(iad_manifest *manifest, int stage, uint64_t seed, double share, id_list *ids, iad_stage_counts *counts, iad_err *err) {
    int64_t seen;
    *counts = (iad_stage_counts){0};
    IAD_TRY(collect(manifest, stage, stage, seed, share, ids, &seen, err));
    counts->own = (int64_t)ids->n;
    if (stage <= 1 || !(share > 0)) return IAD_OK;
    IAD_TRY(collect(manifest, stage - 1, stage, seed, share, ids, &counts->replay_of, err));
    counts->replay = (int64_t)ids->n - counts->own;
    return IAD_OK;
}

iad_status iad_stage_count(iad_manifest *manifest, int stage, uint64_t seed, double share, iad_stage_counts *counts, iad_err *err) {
    id_list ids = {0};
    iad_status status = both(manifest, stage, seed, share, &ids, counts, err);
    free(ids.items);
    return status;
}

iad_status iad_stage_each(iad_manifest *manifest, int stage, uint64_t seed, double share,
                          iad_status (*fn)(void *user, int64_t task_id, int replayed, iad_err *err), void *user, iad_err *err) {
    id_list ids = {0};
    iad_stage_counts counts;
    iad_status status = both(manifest, stage, seed, share, &ids, &counts, err);
    for (size_t i = 0; status == IAD_OK && i < ids.n; i++) status = fn(user, ids.items[i], (int64_t)i >= counts.own, err);
    free(ids.items);
    return status;
}
