/* The weights of an encoder. Internal to textencoder*.c. */
#ifndef IAD_WORDS_TEXTENCODER_INTERNAL_H
#define IAD_WORDS_TEXTENCODER_INTERNAL_H

#include "bench/words/encrows.h"
#include "bench/words/textencoder.h"

enum { IAD_MPNET_PAD = 1, IAD_MPNET_BUCKETS = 32, IAD_MPNET_DISTANCE = 128 };

typedef struct iad_encoder_layer {
    iad_weight *qkv;                 /* dim -> 3 dim */
    iad_weight *out, *up, *down;     /* dim -> dim, dim -> d_ff, d_ff -> dim */
    float *norm1_w, *norm1_b, *norm2_w, *norm2_b; /* [dim] */
} iad_encoder_layer;

struct iad_text_encoder {
    iad_encoder_config config;
    int max_tokens;
    iad_st_set *owned;               /* NULL when the caller keeps the weights open */
    iad_device *device;              /* of one thread; every worker has a queue of its own on it */
    const iad_encrow_kernels *kernels;
    const iad_tensor_view *words;    /* [vocab][dim] in the mapped file */
    float *places;                   /* [n_pos][dim]; BERT: the token type's row is added already */
    float *norm_w, *norm_b;          /* [dim] */
    float *bias;                     /* MPNet: [n_head][bias_row], times log2(e); the middle of a row is distance 0. BERT: NULL */
    int64_t bias_row;
    iad_encoder_layer *layers;
    uint64_t parameters;
};

#endif
