#include "train/param/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

iad_status iad_exchange_init(iad_exchange *x, iad_params *params, iad_comm *comm, iad_err *err) {
    *x = (iad_exchange){.params = params, .comm = comm};
    if (comm->world > 1 && !params->device->ops->host_memory && !comm->ops->device_memory)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%d ranks on cards: the %s transport reaches processors' memory only (--comm nccl:FILE)",
                        comm->world, comm->ops->name);
    x->active = iad_calloc((size_t)params->n_bucket, 1);
    x->tables = iad_calloc((size_t)comm->world, 4 * sizeof *x->tables);
    if (!x->active || !x->tables) return IAD_NOMEM(err, "the exchange of gradients");
    for (int i = 0; i < params->n_tensor; i++)
        if (params->tensors[i].trainable) x->active[params->tensors[i].bucket] = 1;
    if (comm->world == 1) return IAD_OK;
    for (int b = 0; b < params->n_bucket; b++) {
        int64_t begin, end;
        iad_params_piece(params, b, comm->rank, comm->world, &begin, &end);
        if (x->active[b] && end - begin > x->largest) x->largest = end - begin;
    }
    void *data = NULL;
    if (x->largest) IAD_TRY(params->device->ops->alloc(params->device, (size_t)x->largest * (size_t)comm->world * sizeof(float), &data, err));
    x->scratch = data;
    return IAD_OK;
}

void iad_exchange_deinit(iad_exchange *x) {
    if (x->scratch) x->params->device->ops->release(x->params->device, x->scratch);
    free(x->active);
    free(x->tables);
    *x = (iad_exchange){0};
}

static iad_mat row(float *data, int64_t n) { return (iad_mat){.data = data, .rows = 1, .cols = n, .stride = n, .dtype = IAD_F32}; }

static iad_status sum_bucket(iad_exchange *x, iad_queue *queue, int bucket, iad_err *err) {
    const iad_params *p = x->params;
    const int world = x->comm->world;
    size_t *send_at = x->tables, *send_n = send_at + world, *recv_at = send_n + world, *recv_n = recv_at + world;
    int64_t begin, end;
    iad_params_piece(p, bucket, x->comm->rank, world, &begin, &end);
    for (int r = 0; r < world; r++) {
        int64_t from, to;
        iad_params_piece(p, bucket, r, world, &from, &to);
        send_at[r] = (size_t)from * sizeof(float);
        send_n[r] = (size_t)(to - from) * sizeof(float);
        recv_at[r] = (size_t)(end - begin) * (size_t)r * sizeof(float);
        recv_n[r] = (size_t)(end - begin) * sizeof(float);
    }
    IAD_TRY(x->comm->ops->all_to_all(x->comm, p->grad, send_at, send_n, x->scratch, recv_at, recv_n, err));
    if (begin == end) return IAD_OK;
    iad_mat sum = row(p->grad + begin, end - begin);
    IAD_TRY(p->device->ops->copy(queue, row(x->scratch, end - begin), sum, err));
    for (int r = 1; r < world; r++) IAD_TRY(p->grad_ops->add(queue, row(x->scratch + (end - begin) * r, end - begin), sum, err));
    return IAD_OK;
}

iad_status iad_exchange_gradients(iad_exchange *x, iad_queue *queue, iad_err *err) {
    for (int b = 0; b < x->params->n_bucket && x->comm->world > 1; b++)
        if (x->active[b]) IAD_TRY(sum_bucket(x, queue, b, err));
    return IAD_OK;
}

/* In place: every rank's piece already stands where the others are to receive it. */
static iad_status gather(iad_exchange *x, int bucket, uint16_t *values, iad_err *err) {
    const int world = x->comm->world;
    size_t *at = x->tables, *n = at + world;
    for (int r = 0; r < world; r++) {
        int64_t begin, end;
        iad_params_piece(x->params, bucket, r, world, &begin, &end);
        at[r] = (size_t)begin * sizeof *values;
        n[r] = (size_t)(end - begin) * sizeof *values;
    }
    return x->comm->ops->all_gather(x->comm, (char *)values + at[x->comm->rank], values, at, n, err);
}

iad_status iad_exchange_weights(iad_exchange *x, iad_err *err) {
    for (int b = 0; b < x->params->n_bucket && x->comm->world > 1; b++) {
        if (!x->active[b]) continue;
        IAD_TRY(gather(x, b, x->params->high, err));
        IAD_TRY(gather(x, b, x->params->low, err));
    }
    return IAD_OK;
}
