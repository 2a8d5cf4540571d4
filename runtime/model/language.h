/* The language model: embedded tokens -> hidden states and logits over a key/value cache (model page section 5). */
#ifndef IAD_MODEL_LANGUAGE_H
#define IAD_MODEL_LANGUAGE_H

#include "runtime/model/model.h"
#include "runtime/model/workspace.h"

/* Keys (rotated) and values of one sequence, [len] rows of [n_kv_head * d_head] per layer, in the model's kv type. */
typedef struct iad_kv {
    iad_device *device;
    int n_layer;          /* layer i of the model uses layer i mod n_layer: one is enough for who takes what it held before the next */
    int64_t width;        /* n_kv_head * d_head */
    int64_t len, cap;     /* rows in use and allocated */
    iad_dtype dtype;
    char *data;           /* device [layer][k, v][cap][width] */
} iad_kv;

void iad_kv_init(iad_kv *kv, const iad_model *model);
void iad_kv_deinit(iad_kv *kv);
/* Makes room for `rows`; keeps the first len rows. Errors: IAD_ERR_NOMEM, IAD_ERR_LIMIT. */
iad_status iad_kv_reserve(iad_kv *kv, iad_queue *queue, int64_t rows, iad_err *err);
size_t iad_kv_row_bytes(const iad_kv *kv); /* of all layers, k and v */
/* Rows [row, row + n) of a layer. */
iad_mat iad_kv_keys(const iad_kv *kv, int layer, int64_t row, int64_t n);
iad_mat iad_kv_values(const iad_kv *kv, int layer, int64_t row, int64_t n);

/* New rows of one sequence: they attend to prefix (may be NULL), then tail, then each other causally, and are appended to tail
 * (room reserved by the caller; tail->len grows when the pass has succeeded). */
typedef struct iad_text_seq {
    int64_t row, n_row;
    const iad_kv *prefix;
    iad_kv *tail;
    const iad_probe *probe; /* NULL, or rows whose attention is captured in every layer of the config's map_layers */
} iad_text_seq;

enum { IAD_TEXT_MAX_SEQS = 256 };

/* x [n][D] f32 -> out [n][D] f32 (the same matrix or another). cosine, sine: device f32 [n][d_head / 2]. */
iad_status iad_text_layer_forward(iad_queue *queue, const iad_model *model, int layer, const iad_block_acts *acts, const float *cosine,
                                  const float *sine, const iad_text_seq *seqs, int n_seq, iad_mat x, iad_mat out, iad_err *err);

/* Final norm and head: last [n][D] f32 -> logits [n][vocab] f32. normed: scratch [n][D] of the input type. */
iad_status iad_text_head(iad_queue *queue, const iad_model *model, iad_mat last, iad_mat normed, iad_mat logits, iad_err *err);

/* Device memory that a pass over n rows with n_logit rows of logits takes from a workspace. */
iad_status iad_text_bytes(const iad_model *model, int64_t n, int64_t n_logit, size_t *bytes, iad_err *err);

/* One pass through all layers. x: device [n][D] f32, embedded tokens, overwritten. cosine, sine: host [n][d_head / 2].
 * logit_row: host, rows of x whose logits are wanted (n_logit may be 0); logits: host f32 [n_logit][vocab].
 * Stages for trace: "text.layer" (x after layer i), "text.logits". ws must not hold x. */
iad_status iad_text_forward(iad_queue *queue, const iad_model *model, iad_workspace *ws, iad_mat x, const float *cosine, const float *sine,
                            const iad_text_seq *seqs, int n_seq, const int32_t *logit_row, int64_t n_logit, float *logits, const iad_trace *trace,
                            iad_err *err);

#endif
