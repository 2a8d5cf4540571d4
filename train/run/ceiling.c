#include "train/run/ceiling.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/progress.h"

enum { SIDE = 1024, TRIES = 6 };

static iad_status measure(iad_queue *queue, const iad_weight *weight, iad_mat x, iad_mat y, double *flops_per_s, iad_err *err) {
    float probe;
    for (int i = 0; i < TRIES; i++) {
        double start = iad_clock();
        IAD_TRY(queue->ops->linear(queue, x, weight, IAD_STORE_SET, y, err));
        IAD_TRY(queue->ops->download(queue, &probe, y.data, sizeof probe, err)); /* waits */
        double rate = 2.0 * SIDE * SIDE * SIDE / (iad_clock() - start);
        if (rate > *flops_per_s) *flops_per_s = rate;
    }
    return IAD_OK;
}

iad_status iad_train_ceiling(iad_queue *queue, iad_dtype compute, double *flops_per_s, iad_err *err) {
    const iad_ops *ops = queue->ops;
    iad_mat x = {.rows = SIDE, .cols = SIDE, .stride = SIDE, .dtype = compute}, y = x;
    y.dtype = IAD_F32;
    *flops_per_s = 0;
    float *host = iad_calloc((size_t)SIDE * SIDE, sizeof *host);
    if (!host) return IAD_NOMEM(err, "the measure of this device");
    const iad_weight_spec spec = {.name = "ceiling", .n_parts = 1, .n_in = SIDE, .storage = compute,
                                  .parts = {{.data = host, .dtype = IAD_F32, .n_out = SIDE}}};
    iad_weight *weight = NULL;
    iad_status status = ops->weight_new(queue->device, &spec, &weight, err);
    if (status == IAD_OK) status = ops->alloc(queue->device, (size_t)SIDE * SIDE * iad_dtype_size(compute), &x.data, err);
    if (status == IAD_OK) status = ops->alloc(queue->device, (size_t)SIDE * SIDE * sizeof(float), &y.data, err);
    if (status == IAD_OK) status = ops->zero(queue, x.data, (size_t)SIDE * SIDE * iad_dtype_size(compute), err);
    if (status == IAD_OK) status = measure(queue, weight, x, y, flops_per_s, err);
    ops->release(queue->device, y.data);
    ops->release(queue->device, x.data);
    ops->weight_free(queue->device, weight);
    free(host);
    return status;
}
