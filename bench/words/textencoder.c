/* The forward pass. */
#include "bench/words/textencoder_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LOG2E 1.44269504088896340736

struct iad_text_worker {
    const iad_text_encoder *encoder;
    iad_queue *queue;
    size_t tokens;
    float *x, *qkv, *mixed, *wide, *work; /* [tokens][dim], [tokens][3 dim], [tokens][dim], [tokens][d_ff], one head's scratch */
};

iad_status iad_text_worker_new(const iad_text_encoder *e, size_t tokens, iad_text_worker **worker, iad_err *err) {
    size_t dim = (size_t)e->config.dim, ff = (size_t)e->config.d_ff;
    *worker = NULL;
    if (tokens < (size_t)e->max_tokens) tokens = (size_t)e->max_tokens;
    iad_text_worker *w = iad_calloc(1, sizeof *w);
    if (!w) return IAD_NOMEM(err, "an encoder's scratch");
    w->encoder = e;
    w->tokens = tokens;
    w->x = iad_alloc_aligned(tokens * dim, sizeof *w->x);
    w->qkv = iad_alloc_aligned(tokens * 3 * dim, sizeof *w->qkv);
    w->mixed = iad_alloc_aligned(tokens * dim, sizeof *w->mixed);
    w->wide = iad_alloc_aligned(tokens * ff, sizeof *w->wide);
    w->work = iad_alloc_aligned(iad_encattend_floats(e->max_tokens, e->config.dim / e->config.n_head), sizeof *w->work);
    iad_status status = w->x && w->qkv && w->mixed && w->wide && w->work ? IAD_OK : IAD_NOMEM(err, "an encoder's scratch");
    if (status == IAD_OK) status = e->device->ops->queue_new(e->device, &w->queue, err);
    if (status == IAD_OK) *worker = w;
    else iad_text_worker_free(w);
    return status;
}

void iad_text_worker_free(iad_text_worker *w) {
    if (!w) return;
    if (w->queue) w->encoder->device->ops->queue_free(w->queue);
    free(w->x);
    free(w->qkv);
    free(w->mixed);
    free(w->wide);
    free(w->work);
    free(w);
}

static iad_mat matrix(float *data, int64_t rows, int64_t cols) { return (iad_mat){data, rows, cols, cols, IAD_F32}; }

static void norm_rows(const iad_text_encoder *e, float *x, int64_t rows, const float *weight, const float *bias) {
    for (int64_t r = 0; r < rows; r++) e->kernels->layernorm(x + r * e->config.dim, weight, bias, e->config.eps, e->config.dim);
}

/* Rows of the word, its place and its type. MPNet counts the places behind its padding piece, which a text may name; such a piece has a place
 * of its own and is not counted. */
static iad_status embed(const iad_text_encoder *e, const int32_t *ids, const int *length, size_t n, float *x, iad_err *err) {
    const iad_encoder_config *c = &e->config;
    const size_t dim = (size_t)c->dim;
    for (size_t i = 0; i < n; i++) {
        int place = c->kind == IAD_ENCODER_MPNET ? IAD_MPNET_PAD + 1 : 0;
        for (int t = 0; t < length[i]; t++, ids++, x += dim) {
            if (*ids < 0 || *ids >= c->vocab) return IAD_FAIL(err, IAD_ERR_ARG, "piece %d of a vocabulary of %d", (int)*ids, c->vocab);
            int at = c->kind == IAD_ENCODER_MPNET && *ids == IAD_MPNET_PAD ? IAD_MPNET_PAD : place++;
            const float *row = e->places + (size_t)at * dim;
            IAD_TRY(iad_tensor_to_f32(e->words, (size_t)*ids * dim, dim, x, err));
            for (size_t k = 0; k < dim; k++) x[k] += row[k];
        }
    }
    return IAD_OK;
}

/* Every head of every text: qkv -> mixed. */
static void attend(const iad_text_encoder *e, iad_text_worker *w, const int *length, size_t n) {
    const int dim = e->config.dim, n_head = e->config.n_head, d_head = dim / n_head;
    int64_t row = 0;
    for (size_t i = 0; i < n; row += length[i++])
        for (int h = 0; h < n_head; h++) {
            const float *head = w->qkv + row * 3 * dim + h * d_head;
            iad_encattend job = {.q = head, .k = head + dim, .v = head + 2 * dim, .out = w->mixed + row * dim + h * d_head,
                                 .stride = 3 * dim, .out_stride = dim, .n = length[i], .d_head = d_head, .scale = (float)(LOG2E / sqrt(d_head)),
                                 .bias = e->bias ? e->bias + h * e->bias_row + e->max_tokens - 1 : NULL, .work = w->work};
            e->kernels->attend(&job);
        }
}

static iad_status run_layer(const iad_text_encoder *e, const iad_encoder_layer *layer, iad_text_worker *w, const int *length, size_t n, int64_t rows,
                            iad_err *err) {
    const iad_ops *ops = e->device->ops;
    const int64_t dim = e->config.dim, ff = e->config.d_ff;
    iad_mat x = matrix(w->x, rows, dim), wide = matrix(w->wide, rows, ff);
    IAD_TRY(ops->linear(w->queue, x, layer->qkv, IAD_STORE_SET, matrix(w->qkv, rows, 3 * dim), err));
    attend(e, w, length, n);
    IAD_TRY(ops->linear(w->queue, matrix(w->mixed, rows, dim), layer->out, IAD_STORE_ADD, x, err));
    norm_rows(e, w->x, rows, layer->norm1_w, layer->norm1_b);
    IAD_TRY(ops->linear(w->queue, x, layer->up, IAD_STORE_SET, wide, err));
    IAD_TRY(ops->gelu(w->queue, wide, wide, err));
    IAD_TRY(ops->linear(w->queue, wide, layer->down, IAD_STORE_ADD, x, err));
    norm_rows(e, w->x, rows, layer->norm2_w, layer->norm2_b);
    return IAD_OK;
}

iad_status iad_text_encoder_run(const iad_text_encoder *e, iad_text_worker *w, const int32_t *ids, const int *length, size_t n, const float **hidden,
                                iad_err *err) {
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        if (length[i] < 1 || length[i] > e->max_tokens) return IAD_FAIL(err, IAD_ERR_ARG, "a text of %d tokens: 1 to %d", length[i], e->max_tokens);
        rows += (size_t)length[i];
    }
    if (rows > w->tokens) return IAD_FAIL(err, IAD_ERR_ARG, "texts of %zu tokens in room for %zu", rows, w->tokens);
    IAD_TRY(embed(e, ids, length, n, w->x, err));
    norm_rows(e, w->x, (int64_t)rows, e->norm_w, e->norm_b);
    for (int i = 0; i < e->config.n_layer; i++) IAD_TRY(run_layer(e, &e->layers[i], w, length, n, (int64_t)rows, err));
    *hidden = w->x;
    return IAD_OK;
}
