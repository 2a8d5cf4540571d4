/* Reading a checkpoint at any world size: every rank maps the files, checks what it needs, then takes all weights and its own states. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "train/store/shardformat.h"
#include "train/store/storedir.h"
#include "train/store/storemanifest.h"

/* ---- which one ---- */

/* What can be seen without reading the data: the manifest, and files of the right size. */
static iad_status looks_whole(const char *dir, int64_t step, iad_err *err) {
    char folder[IAD_PATH_MAX], path[IAD_PATH_MAX], name[32];
    iad_store_manifest manifest;
    IAD_TRY(iad_store_step_path(dir, step, "", folder, err));
    IAD_TRY(iad_store_manifest_load(folder, &manifest, err));
    iad_status status = manifest.step == step ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: its manifest is of step %" PRId64, folder, manifest.step);
    for (int r = 0; r < manifest.world && status == IAD_OK; r++) {
        uint64_t bytes = 0;
        iad_store_file_name(r, name);
        status = iad_path_join(path, sizeof path, folder, name, err);
        if (status == IAD_OK) status = iad_file_size(path, &bytes, err);
        if (status == IAD_OK && bytes != manifest.files[r].bytes)
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: has %" PRIu64 " bytes, its manifest says %" PRIu64, path, bytes, manifest.files[r].bytes);
    }
    iad_store_manifest_deinit(&manifest);
    return status;
}

iad_status iad_train_store_latest(const char *dir, int64_t *step, iad_err *err) {
    int64_t *steps = NULL;
    size_t n;
    iad_err first = IAD_ERR_NONE;
    *step = -1;
    iad_status status = iad_store_candidates(dir, &steps, &n, err);
    for (size_t i = 0; i < n && status == IAD_OK && *step < 0; i++)
        if (looks_whole(dir, steps[i], i == 0 ? &first : NULL) == IAD_OK) *step = steps[i];
    free(steps);
    if (status != IAD_OK || n == 0 || *step >= 0) return status;
    if (err) *err = first; /* there are some, all damaged: starting over in silence would be wrong */
    return first.code;
}

/* ---- an opened checkpoint ---- */

typedef struct loading {
    const char *folder;
    iad_store_manifest manifest;
    iad_map *maps;       /* [world] */
    iad_shard *shards;   /* [world] */
    char (*paths)[IAD_PATH_MAX]; /* [world], for messages */
    uint8_t **checked;   /* [world][n_record] 1: checksums verified */
    iad_queue *queue;
    iad_params *params;
    iad_optimizer *optimizer; /* NULL: weights only */
    const iad_store_tensor **stored; /* [params->n_tensor] */
    int apply;           /* 0: only verify */
} loading;

static iad_status open_shard(loading *l, int r, iad_err *err) {
    char name[32];
    const iad_store_file *file = &l->manifest.files[r];
    iad_store_file_name(r, name);
    IAD_TRY(iad_path_join(l->paths[r], IAD_PATH_MAX, l->folder, name, err));
    IAD_TRY(iad_map_open(&l->maps[r], l->paths[r], err));
    iad_shard *s = &l->shards[r];
    IAD_TRY(iad_shard_parse(l->maps[r].data, l->maps[r].n, l->paths[r], s, err));
    if (l->maps[r].n != file->bytes || s->meta_crc != file->crc || (int)s->info.rank != r || (int)s->info.world != l->manifest.world ||
        s->info.step != l->manifest.step)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: belongs to another checkpoint than its manifest", l->paths[r]);
    if (!(l->checked[r] = iad_calloc(s->n_record, 1))) return IAD_NOMEM(err, l->folder);
    return IAD_OK;
}

static void close_all(loading *l) {
    for (int r = 0; r < l->manifest.world; r++) {
        if (l->shards) iad_shard_deinit(&l->shards[r]);
        if (l->maps) iad_map_close(&l->maps[r]);
        if (l->checked) free(l->checked[r]);
    }
    free(l->shards);
    free(l->maps);
    free(l->checked);
    free(l->paths);
    free(l->stored);
    iad_store_manifest_deinit(&l->manifest);
}

/* A checkpoint of another model is IAD_ERR_ARG: the one before would not fit either. */
static iad_status match_tensors(loading *l, iad_err *err) {
    const iad_params *p = l->params;
    const iad_store_manifest *m = &l->manifest;
    char got[200], want[200];
    if (!(l->stored = iad_calloc((size_t)p->n_tensor, sizeof *l->stored))) return IAD_NOMEM(err, l->folder);
    for (int i = 0; i < p->n_tensor; i++) {
        const iad_param *t = &p->tensors[i];
        /* Both lists have the order of iad_model_tensors. */
        if ((size_t)i >= m->n_tensor || strcmp(m->tensors[i].name, t->name) != 0)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: holds another model: tensor %d is %.100s there and %.100s here", l->folder, i,
                            (size_t)i < m->n_tensor ? m->tensors[i].name : "missing", t->name);
        l->stored[i] = &m->tensors[i];
        if (m->tensors[i].rank != t->rank || memcmp(m->tensors[i].shape, t->shape, (size_t)t->rank * sizeof *t->shape) != 0)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: holds another model: tensor %.100s has the shape %s there and %s here", l->folder, t->name,
                            iad_tensor_shape_text(m->tensors[i].rank, m->tensors[i].shape, got, sizeof got),
                            iad_tensor_shape_text(t->rank, t->shape, want, sizeof want));
    }
    /* A model whose fusion is switched off leaves the fusion's tensors, the last ones, where they are. */
    size_t n_used = (size_t)p->n_tensor;
    while (p->config.paper.fusion == IAD_FUSION_OFF && n_used < m->n_tensor && strncmp(m->tensors[n_used].name, "iadgpt.fusion.", 14) == 0) n_used++;
    if (m->n_tensor > n_used)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: holds another model: tensor %.100s is not part of this one", l->folder, m->tensors[n_used].name);
    return IAD_OK;
}

static iad_status open_all(loading *l, iad_err *err) {
    IAD_TRY(iad_store_manifest_load(l->folder, &l->manifest, err));
    const size_t world = (size_t)l->manifest.world;
    l->maps = iad_calloc(world, sizeof *l->maps);
    l->shards = iad_calloc(world, sizeof *l->shards);
    l->checked = iad_calloc(world, sizeof *l->checked);
    l->paths = iad_calloc(world, sizeof *l->paths);
    if (!l->maps || !l->shards || !l->checked || !l->paths) return IAD_NOMEM(err, l->folder);
    IAD_TRY(match_tensors(l, err));
    for (int r = 0; r < l->manifest.world; r++) IAD_TRY(open_shard(l, r, err));
    return IAD_OK;
}

/* ---- ranges ---- */

/* Elements [begin, end) of a tensor, of one kind, to `dst` on the device (apply), or only their checksums. */
static iad_status take(loading *l, int tensor, iad_shard_kind kind, int64_t begin, int64_t end, void *dst, iad_err *err) {
    const iad_store_tensor *t = l->stored[tensor];
    for (size_t k = 0; k < t->n_range; k++) {
        const iad_store_range *range = &t->ranges[k];
        int64_t from = range->begin > begin ? range->begin : begin, to = range->end < end ? range->end : end;
        if (from >= to) continue;
        const iad_shard *s = &l->shards[range->file];
        const iad_shard_record *r = iad_shard_find(s, (uint32_t)tensor, kind, range->begin);
        if (!r || r->count != range->end - range->begin)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: has no %s of elements %" PRId64 " to %" PRId64 " of %.100s", l->paths[range->file],
                            iad_shard_kind_name(kind),
                            range->begin, range->end, t->name);
        uint8_t *checked = &l->checked[range->file][r - s->records];
        if (!*checked) IAD_TRY(iad_shard_verify(s, r, t->name, err));
        *checked = 1;
        /* Scales come by blocks: a piece of one that begins inside would need another scale. */
        if ((from - begin) % IAD_PARAM_ALIGN || (from - range->begin) % IAD_PARAM_ALIGN)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the ranges of %.100s do not begin at multiples of %d", l->paths[range->file], t->name,
                            (int)IAD_PARAM_ALIGN);
        if (!l->apply) continue;
        const uint8_t *src = s->bytes + r->at + iad_shard_bytes(kind, from - range->begin);
        char *to_device = (char *)dst + iad_shard_bytes(kind, from - begin);
        IAD_TRY(l->params->device->ops->upload(l->queue, to_device, src, (size_t)iad_shard_bytes(kind, to - from), err));
    }
    return IAD_OK;
}

static iad_status take_weights(loading *l, iad_err *err) {
    for (int i = 0; i < l->params->n_tensor; i++) {
        const iad_param *t = &l->params->tensors[i];
        IAD_TRY(take(l, i, IAD_SHARD_HIGH, 0, t->n, l->params->high + t->offset, err));
        IAD_TRY(take(l, i, IAD_SHARD_LOW, 0, t->n, l->params->low + t->offset, err));
    }
    return IAD_OK;
}

static iad_status take_span(loading *l, int tensor, const iad_optimizer_span *span, iad_err *err) {
    const int64_t offset = l->params->tensors[tensor].offset, begin = span->begin - offset, end = span->end - offset;
    if (!l->stored[tensor]->has_states)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: has no optimizer states of %.100s: it was frozen then and is trained now", l->folder,
                        l->stored[tensor]->name);
    if ((l->manifest.states == IAD_STORE_8BIT_STATES) != (span->m8 != NULL))
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: has optimizer states in %s, this run in %s", l->folder, span->m8 ? "f32" : "8 bits",
                        span->m8 ? "8 bits" : "f32");
    if (span->m) IAD_TRY(take(l, tensor, IAD_SHARD_M, begin, end, span->m, err));
    if (span->v) IAD_TRY(take(l, tensor, IAD_SHARD_V, begin, end, span->v, err));
    if (span->m8) IAD_TRY(take(l, tensor, IAD_SHARD_M8, begin, end, span->m8, err));
    if (span->v8) IAD_TRY(take(l, tensor, IAD_SHARD_V8, begin, end, span->v8, err));
    if (span->m_scale) IAD_TRY(take(l, tensor, IAD_SHARD_M_SCALE, begin, end, span->m_scale, err));
    if (span->v_scale) IAD_TRY(take(l, tensor, IAD_SHARD_V_SCALE, begin, end, span->v_scale, err));
    return IAD_OK;
}

static iad_status take_states(loading *l, iad_err *err) {
    const iad_optimizer_span *spans;
    int n = iad_optimizer_spans(l->optimizer, &spans), tensor = 0;
    if (l->manifest.states == IAD_STORE_NO_STATES) return IAD_FAIL(err, IAD_ERR_ARG, "%s: holds weights only, no optimizer states", l->folder);
    for (int i = 0; i < n; i++) {
        while (l->params->tensors[tensor].offset + l->params->tensors[tensor].n <= spans[i].begin) tensor++;
        IAD_TRY(take_span(l, tensor, &spans[i], err));
    }
    return IAD_OK;
}

static iad_status take_all(loading *l, iad_err *err) {
    for (l->apply = 0; l->apply < 2; l->apply++) { /* nothing is changed before everything is known to be good */
        IAD_TRY(take_weights(l, err));
        if (l->optimizer) IAD_TRY(take_states(l, err));
    }
    return IAD_OK;
}

/* ---- loading ---- */

static iad_status load_one(const char *dir, int64_t step, iad_queue *queue, iad_params *params, iad_optimizer *optimizer, iad_train_state *state,
                           iad_err *err) {
    char folder[IAD_PATH_MAX];
    loading l = {.folder = folder, .queue = queue, .params = params, .optimizer = optimizer};
    IAD_TRY(iad_store_step_path(dir, step, "", folder, err));
    iad_status status = open_all(&l, err);
    if (status == IAD_OK && l.manifest.step != step)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: its manifest is of step %" PRId64, folder, l.manifest.step);
    if (status == IAD_OK) status = take_all(&l, err);
    if (status == IAD_OK && state) *state = l.manifest.state;
    if (status == IAD_OK && optimizer) iad_optimizer_clock_set(optimizer, &l.manifest.state.clock);
    close_all(&l);
    return status;
}

/* 0: fine; 1: this checkpoint is damaged; 2: another one would not help. */
static double severity(iad_status status) {
    static const iad_status damage[] = {IAD_ERR_FORMAT, IAD_ERR_NOT_FOUND, IAD_ERR_IO, IAD_ERR_LIMIT, IAD_ERR_UNSUPPORTED};
    if (status == IAD_OK) return 0;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++)
        if (status == damage[i]) return 1;
    return 2;
}

/* The message of the first rank that has one, on every rank; "" when none has. */
static iad_status first_message(iad_comm *comm, const char mine[512], char first[512], int *rank, iad_err *err) {
    const size_t world = (size_t)comm->world, size = 512;
    char *all = iad_calloc(world, size);
    size_t *at = iad_calloc(world, sizeof *at), *bytes = iad_calloc(world, sizeof *bytes);
    iad_status status = all && at && bytes ? IAD_OK : IAD_NOMEM(err, "the messages of all ranks");
    for (size_t r = 0; r < world && status == IAD_OK; r++) at[r] = r * size, bytes[r] = size;
    if (status == IAD_OK) status = comm->ops->all_gather(comm, mine, all, at, bytes, err);
    *rank = 0;
    if (status == IAD_OK) {
        while (*rank + 1 < comm->world && !all[(size_t)*rank * size]) (*rank)++;
        memcpy(first, all + (size_t)*rank * size, size);
        first[size - 1] = 0;
    }
    free(all), free(at), free(bytes);
    return status;
}

/* One attempt on all ranks: they end with the same *worst, and with the failure of the first that had one. */
static iad_status attempt(const char *dir, int64_t step, iad_comm *comm, iad_queue *queue, iad_params *params, iad_optimizer *optimizer,
                          iad_train_state *state,
                          double *worst, iad_err *err) {
    char mine[512] = "", first[512];
    int rank;
    iad_err own = IAD_ERR_NONE;
    iad_status status = load_one(dir, step, queue, params, optimizer, state, &own);
    *worst = severity(status);
    if (status != IAD_OK) iad_text_copy(mine, sizeof mine, own.msg);
    IAD_TRY(iad_comm_fold(comm, worst, 1, IAD_FOLD_MAX, err));
    if (*worst <= 0) return IAD_OK;
    IAD_TRY(first_message(comm, mine, first, &rank, err));
    if (status == IAD_OK) status = *worst > 1 ? IAD_ERR_ARG : IAD_ERR_FORMAT;
    return comm->world > 1 ? IAD_FAIL(err, status, "rank %d: %s", rank, first) : IAD_FAIL(err, status, "%s", first);
}

iad_status iad_train_store_load(const char *dir, int64_t step, iad_comm *comm, iad_queue *queue, iad_params *params, iad_optimizer *optimizer,
                                iad_train_state *state,
                                char *note, size_t note_n, iad_err *err) {
    int64_t *steps = NULL;
    size_t n = 0;
    double worst = 1;
    iad_err tried = IAD_ERR_NONE, first = IAD_ERR_NONE;
    if (note && note_n) note[0] = 0;
    if (step >= 0) return attempt(dir, step, comm, queue, params, optimizer, state, &worst, err);
    iad_status listed = comm->rank == 0 ? iad_store_candidates(dir, &steps, &n, &first) : IAD_OK;
    iad_status status = IAD_ERR_NOT_FOUND;
    for (size_t i = 0; worst == 1; i++) {
        double next = comm->rank == 0 && listed == IAD_OK && i < n ? (double)steps[i] : -1; /* rank 0 decides; steps are far below 2^53 */
        iad_status folded = iad_comm_fold(comm, &next, 1, IAD_FOLD_MAX, &first);
        if (folded != IAD_OK) status = folded;
        if (folded != IAD_OK || next < 0) break;
        status = attempt(dir, (int64_t)next, comm, queue, params, optimizer, state, &worst, &tried);
        if (status == IAD_OK && i > 0 && note) snprintf(note, note_n, "went back to step %" PRId64 ": %s", (int64_t)next, first.msg);
        if (i == 0) first = tried;
    }
    free(steps);
    if (status == IAD_OK) return IAD_OK;
    if (first.code == IAD_OK) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: there is no training checkpoint (no step-*/%s)", dir, IAD_STORE_MANIFEST);
    if (err) *err = worst == 2 ? tried : first;
    return worst == 2 ? tried.code : first.code;
}
