/* The JSON files of a sentence-transformers folder. Internal to bench/words. */
#ifndef IAD_WORDS_SBERTCONFIG_H
#define IAD_WORDS_SBERTCONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/status.h"

#define IAD_SBERT_MAX_JSON (4u << 20)

typedef enum iad_encoder_kind { IAD_ENCODER_BERT, IAD_ENCODER_MPNET } iad_encoder_kind;
typedef enum iad_pooling { IAD_POOL_MEAN, IAD_POOL_CLS, IAD_POOL_MAX, IAD_POOL_MEAN_SQRT, IAD_POOL_KINDS } iad_pooling;

const char *iad_encoder_kind_name(iad_encoder_kind kind);
const char *iad_pooling_name(iad_pooling pooling);

/* config.json of the encoder. */
typedef struct iad_encoder_config {
    iad_encoder_kind kind;
    int vocab, dim, n_layer, n_head, d_ff;
    int n_pos;   /* rows of the table of positions; MPNet's first two belong to no token */
    int n_type;  /* rows of the table of token types, BERT only */
    float eps;
} iad_encoder_config;

/* Sizes are bounded (dim 8192, 200 layers, 65536 positions, ...). Errors: FORMAT, LIMIT, UNSUPPORTED (architecture, activation, relative
 * positions of BERT); messages begin with `where`. */
iad_status iad_encoder_config_parse(const char *text, size_t n, const char *where, iad_encoder_config *config, iad_err *err);
/* Tokens that fit into the table of positions. */
int iad_encoder_max_tokens(const iad_encoder_config *config);

/* modules.json and the files it leads to. */
typedef struct iad_sbert_config {
    char encoder[IAD_PATH_MAX], pooling_dir[IAD_PATH_MAX]; /* folders below the model's, "" is that itself */
    iad_pooling pooling;
    int normalize;
    int64_t max_pieces; /* max_seq_length, 0: not said */
    int lower;          /* do_lower_case */
} iad_sbert_config;

/* modules.json: fills the two folders (pooling_dir "" without a Pooling module: the mean) and normalize. Errors: FORMAT (also a path that
 * leaves the folder), UNSUPPORTED (a module of another type, or in another order). */
iad_status iad_sbert_modules_parse(const char *text, size_t n, const char *where, iad_sbert_config *config, iad_err *err);
/* 1_Pooling/config.json: exactly one way of pooling, over dim values. */
iad_status iad_sbert_pooling_parse(const char *text, size_t n, int dim, const char *where, iad_sbert_config *config, iad_err *err);
/* sentence_bert_config.json. */
iad_status iad_sbert_limits_parse(const char *text, size_t n, const char *where, iad_sbert_config *config, iad_err *err);

/* All of a folder; both configs are filled. */
iad_status iad_sbert_config_load(const char *dir, iad_sbert_config *config, iad_encoder_config *encoder, iad_err *err);

#endif
