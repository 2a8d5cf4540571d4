#include "train/store/shardwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/file.h"

/* ---- the plan ---- */

static void add(iad_shard_plan *plan, int tensor, iad_shard_kind kind, int64_t begin, int64_t count, const void *source) {
    if (!source) return;
    plan->sources[plan->n_record] = source;
    plan->records[plan->n_record++] = (iad_shard_record){.tensor = (uint32_t)tensor, .kind = kind, .begin = begin, .count = count};
}

static void add_tensor(iad_shard_plan *plan, const iad_params *p, int tensor, int64_t begin, int64_t end, const iad_optimizer_span *span) {
    const iad_param *t = &p->tensors[tensor];
    add(plan, tensor, IAD_SHARD_HIGH, begin - t->offset, end - begin, p->high + begin);
    add(plan, tensor, IAD_SHARD_LOW, begin - t->offset, end - begin, p->low + begin);
    if (!span) return;
    add(plan, tensor, IAD_SHARD_M, begin - t->offset, end - begin, span->m);
    add(plan, tensor, IAD_SHARD_V, begin - t->offset, end - begin, span->v);
    add(plan, tensor, IAD_SHARD_M8, begin - t->offset, end - begin, span->m8);
    add(plan, tensor, IAD_SHARD_V8, begin - t->offset, end - begin, span->v8);
    add(plan, tensor, IAD_SHARD_M_SCALE, begin - t->offset, end - begin, span->m_scale);
    add(plan, tensor, IAD_SHARD_V_SCALE, begin - t->offset, end - begin, span->v_scale);
}

iad_status iad_shard_plan_init(iad_shard_plan *plan, const iad_params *p, const iad_optimizer *optimizer, const iad_comm *comm, int64_t step,
                               iad_queue *queue,
                               iad_err *err) {
    const iad_optimizer_span *spans = NULL;
    int n_span = optimizer ? iad_optimizer_spans(optimizer, &spans) : 0, next = 0;
    *plan = (iad_shard_plan){.info = {(uint32_t)comm->rank, (uint32_t)comm->world, step}, .device = p->device, .queue = queue};
    plan->records = iad_calloc((size_t)p->n_tensor, 6 * sizeof *plan->records); /* a tensor has six kinds at most */
    plan->sources = iad_calloc((size_t)p->n_tensor, 6 * sizeof *plan->sources);
    if (!plan->records || !plan->sources) return IAD_NOMEM(err, "a checkpoint");
    for (int i = 0; i < p->n_tensor; i++) {
        const iad_param *t = &p->tensors[i];
        int64_t begin, end;
        iad_params_piece(p, t->bucket, comm->rank, comm->world, &begin, &end);
        if (begin < t->offset) begin = t->offset;
        if (end > t->offset + t->n) end = t->offset + t->n;
        if (begin >= end) continue;
        int has_states = next < n_span && spans[next].begin == begin;
        add_tensor(plan, p, i, begin, end, has_states ? &spans[next] : NULL);
        next += has_states;
    }
    iad_shard_place(plan->records, plan->n_record, &plan->data, &plan->crcs);
    return next == n_span ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "the optimizer's states do not fit the parameters");
}

void iad_shard_plan_deinit(iad_shard_plan *plan) {
    free(plan->records);
    free(plan->sources);
    free(plan->copy);
    *plan = (iad_shard_plan){0};
}

static uint64_t data_begin(const iad_shard_plan *plan) { return IAD_SHARD_HEADER + (uint64_t)plan->n_record * IAD_SHARD_RECORD; }

iad_status iad_shard_plan_copy(iad_shard_plan *plan, iad_err *err) {
    if (!(plan->copy = iad_alloc((size_t)plan->data, 1))) return IAD_NOMEM(err, "a copy of the parameters");
    for (size_t i = 0; i < plan->n_record; i++) {
        const iad_shard_record *r = &plan->records[i];
        IAD_TRY(plan->device->ops->download(plan->queue, plan->copy + (r->at - data_begin(plan)), plan->sources[i], (size_t)r->bytes, err));
    }
    plan->queue = NULL;
    return IAD_OK;
}

/* ---- the file ---- */

typedef struct output {
    int fd;
    const char *path;
    uint8_t *buffer;  /* [IAD_SHARD_CHUNK], when data comes from the device */
    uint8_t *head;    /* header and records, then the checksums */
} output;

static iad_status put(const output *o, const uint8_t *bytes, size_t n, iad_err *err) {
    while (n) {
        ssize_t k = write(o->fd, bytes, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %s", o->path, strerror(errno));
        bytes += k;
        n -= (size_t)k;
    }
    return IAD_OK;
}

static iad_status put_record(const iad_shard_plan *plan, const output *o, size_t i, uint8_t *crcs, iad_err *err) {
    const iad_shard_record *r = &plan->records[i];
    uint8_t *crc_at = crcs + 4 * r->first_crc;
    for (uint64_t at = 0; at < r->bytes; at += IAD_SHARD_CHUNK) {
        size_t n = r->bytes - at < IAD_SHARD_CHUNK ? (size_t)(r->bytes - at) : IAD_SHARD_CHUNK;
        const uint8_t *bytes = plan->copy ? plan->copy + (r->at - data_begin(plan)) + at : o->buffer;
        if (!plan->copy) IAD_TRY(plan->device->ops->download(plan->queue, o->buffer, (const char *)plan->sources[i] + at, n, err));
        uint32_t crc = iad_crc32c(0, bytes, n);
        for (int b = 0; b < 4; b++) *crc_at++ = (uint8_t)(crc >> (8 * b));
        IAD_TRY(put(o, bytes, n, err));
    }
    return IAD_OK;
}

static iad_status write_file(iad_shard_plan *plan, output *o, iad_err *err) {
    const size_t head = (size_t)data_begin(plan), tail = 4 * (size_t)plan->crcs;
    o->head = iad_alloc(head + tail + 4, 1);
    o->buffer = plan->copy ? NULL : iad_alloc(IAD_SHARD_CHUNK, 1);
    if (!o->head || (!plan->copy && !o->buffer)) return IAD_NOMEM(err, o->path);
    iad_shard_encode(&plan->info, plan->records, plan->n_record, plan->data, plan->crcs, o->head);
    IAD_TRY(put(o, o->head, head, err));
    for (size_t i = 0; i < plan->n_record; i++) IAD_TRY(put_record(plan, o, i, o->head + head, err));
    uint32_t crc = iad_crc32c(0, o->head, head + tail);
    for (int b = 0; b < 4; b++) o->head[head + tail + (size_t)b] = (uint8_t)(crc >> (8 * b));
    IAD_TRY(put(o, o->head + head, tail + 4, err));
    if (fsync(o->fd) != 0 && errno != EINVAL && errno != EROFS) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %s", o->path, strerror(errno));
    return IAD_OK;
}

iad_status iad_shard_write(iad_shard_plan *plan, const char *path, iad_err *err) {
    char part[IAD_PATH_MAX];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
    output o = {.path = path};
    o.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (o.fd < 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot create: %s", part, strerror(errno));
    iad_status status = write_file(plan, &o, err);
    if (close(o.fd) != 0 && status == IAD_OK) status = IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    if (status == IAD_OK && rename(part, path) != 0) status = IAD_FAIL(err, IAD_ERR_IO, "%s: cannot rename to: %s", path, strerror(errno));
    if (status != IAD_OK) unlink(part);
    free(o.head);
    free(o.buffer);
    return status;
}
