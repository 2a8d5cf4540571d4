#include "runtime/model/compress.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

typedef struct ranked {
    float similarity;
    int32_t index;
} ranked;

static int least_similar_first(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->similarity != y->similarity) return x->similarity < y->similarity ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static int by_index(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static iad_status similarities(iad_queue *queue, iad_mat tokens, iad_mat reference, int aligned, float *host, iad_err *err) {
    void *best = NULL;
    size_t bytes = (size_t)tokens.rows * sizeof(float);
    IAD_TRY(queue->ops->alloc(queue->device, bytes, &best, err));
    iad_status status = queue->ops->best_match(queue, tokens, reference, aligned, best, err);
    if (status == IAD_OK) status = queue->ops->download(queue, host, best, bytes, err);
    queue->ops->release(queue->device, best);
    return status;
}

int64_t iad_compress_count(int64_t n, double retention) {
    int64_t keep = (int64_t)floor(retention * (double)n + 0.5);
    return keep < 1 ? 1 : keep > n ? n : keep;
}

iad_status iad_compress_select(iad_queue *queue, iad_mat tokens, iad_mat reference, int aligned, double retention, int32_t **kept, int64_t *n_kept,
                               iad_err *err) {
    int64_t n = tokens.rows, keep = iad_compress_count(n, retention);
    *kept = NULL;
    if (aligned && tokens.rows != reference.rows)
        return IAD_FAIL(err, IAD_ERR_ARG, "aligned similarity needs pictures of one size, but one has %lld tokens and the first exemplar %lld",
                        (long long)tokens.rows, (long long)reference.rows);
    float *host = iad_alloc((size_t)n, sizeof *host);
    ranked *order = iad_alloc((size_t)n, sizeof *order);
    int32_t *chosen = iad_alloc((size_t)keep, sizeof *chosen);
    iad_status status = host == NULL || order == NULL || chosen == NULL ? IAD_NOMEM(err, "token compression") : IAD_OK;
    if (status == IAD_OK) status = similarities(queue, tokens, reference, aligned, host, err);
    if (status == IAD_OK) {
        for (int64_t i = 0; i < n; i++) order[i] = (ranked){host[i], (int32_t)i};
        qsort(order, (size_t)n, sizeof *order, least_similar_first);
        for (int64_t i = 0; i < keep; i++) chosen[i] = order[i].index;
        qsort(chosen, (size_t)keep, sizeof *chosen, by_index);
        *kept = chosen;
        *n_kept = keep;
        chosen = NULL;
    }
    free(chosen);
    free(order);
    free(host);
    return status;
}
