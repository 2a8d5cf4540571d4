/* What the parts of the engine share. The public functions of iadgpt.h stand in api.c on top of these. */
#ifndef IAD_ENGINE_ENGINE_H
#define IAD_ENGINE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "runtime/engine/constrain.h"
#include "runtime/iadgpt.h"
#include "runtime/model/compress.h"
#include "runtime/model/language.h"
#include "runtime/model/preprocess.h"
#include "runtime/model/vision.h"
#include "runtime/token/chat.h"

enum {
    IAD_MAX_EXEMPLARS = 16,
    IAD_MAX_BATCH = 64,
    IAD_MAX_PROMPT_IMAGES = 256,
    IAD_MAX_PROMPT_TOKENS = 1 << 20,
    IAD_MAX_TOP_TOKENS = 20,
    IAD_MAX_STOPS = 16,
    IAD_MAX_STOP_BYTES = 4096,
    IAD_PREFILL_ROWS = 1024 /* rows of one pass through the language model */
};

typedef struct iad_hash {
    uint8_t bytes[IAD_SHA256_BYTES];
} iad_hash;

/* Adds a field to a key: tag and content, each with its length in front, so that no two lists of fields share their bytes. */
iad_status iad_key_field(iad_sha256 *hash, const char *tag, const void *bytes, size_t n, iad_err *err);

/* ---- engine ---- */

typedef struct iad_shelf { /* exemplar sets by key, least recently used first out */
    pthread_mutex_t lock;
    iadgpt_exemplars **sets;
    size_t n, cap;
    uint64_t bytes, budget;
} iad_shelf;

struct iadgpt_engine {
    iad_device *device;
    int threads;          /* for work on the host: cutting pictures into patches */
    iad_checkpoint *checkpoint;
    iad_model *model;
    iad_tokenizer *tokenizer;
    iad_chat_ids ids;
    int32_t yes, no;      /* -1: not a single token of this tokenizer */
    iad_hash identity;    /* weights, number formats, tokenizer, device kind, fusion: everything but the prompt that decides KV bits */
    iad_shelf shelf;
    pthread_mutex_t lock; /* guards what follows, made at first use */
    iad_token_bytes *token_bytes;
    iad_constrain_vocab *constrain;
};

iad_status iad_engine_open(const char *dir, const iadgpt_engine_options *options, iadgpt_engine **engine, iad_err *err);
void iad_engine_close(iadgpt_engine *engine);
/* The vocabulary's index for constrained answers, made once. */
iad_status iad_engine_constrain(iadgpt_engine *engine, const iad_constrain_vocab **vocab, iad_err *err);

/* ---- settings of a request, resolved against the checkpoint ---- */

typedef struct iad_request {
    iad_preprocess_options image;
    double retention;
    int aligned, compress_query, calibrate_map;
    char *question;       /* owned; NULL: canonical */
    int yes_is_defective;
} iad_request;
/* NULL and what a caller compiled with an older header does not have: defaults. */
iadgpt_settings iad_settings_complete(const iadgpt_settings *settings);
iad_status iad_request_init(iad_request *request, const iadgpt_engine *engine, const iadgpt_settings *settings, iad_err *err);
void iad_request_deinit(iad_request *request);

/* ---- timeline: what the rows of a cache stand for ---- */

typedef struct iad_unit {
    int32_t id;           /* token; the image pad for a picture */
    int is_image;
    iad_hash key;         /* of a picture: its pixels, preprocessing and compression */
    int lh, lw;           /* merged grid */
    int32_t *kept;        /* raster indices of the tokens kept, ascending, owned; NULL: all */
    int64_t n_row;        /* rows in the cache: 1, or the tokens kept */
    int64_t row, pos;     /* first row; position before this unit */
} iad_unit;

typedef struct iad_timeline {
    iad_unit *units;
    size_t n, cap;
    int64_t n_row, next_pos; /* after the last unit */
} iad_timeline;
void iad_timeline_deinit(iad_timeline *line);
/* Forgets units from `n` on. */
void iad_timeline_cut(iad_timeline *line, size_t n);
iad_status iad_timeline_add_text(iad_timeline *line, int32_t id, iad_err *err);
/* kept [n_kept] is copied; NULL: all lh * lw. */
iad_status iad_timeline_add_image(iad_timeline *line, int32_t pad, const iad_hash *key, int lh, int lw, const int32_t *kept, int64_t n_kept,
                                  iad_err *err);
iad_status iad_timeline_copy(const iad_timeline *src, size_t n, iad_timeline *dst, iad_err *err);
int iad_unit_same(const iad_unit *a, const iad_unit *b);

/* ---- pictures ---- */

/* Key of a picture as this request prepares it (full SHA-256 over tagged, length-prefixed fields). reference NULL: not compressed. */
iad_status iad_picture_key(const iadgpt_picture *picture, const iad_request *request, const iad_hash *reference, iad_hash *key,
                           iad_resize_record *size, iad_err *err);

/* Tokens of a picture on the device. */
typedef struct iad_encoded {
    int lh, lw;
    iad_resize_record size;
    iad_mat tokens;       /* [lh * lw][D] f32, owned */
    iad_device *device;
} iad_encoded;
void iad_encoded_deinit(iad_encoded *e);

/* ---- exemplar sets ---- */

struct iadgpt_exemplars {
    atomic_int references;
    iadgpt_engine *engine;
    iad_hash key;
    char key_hex[2 * IAD_SHA256_BYTES + 1];
    int k;
    iad_request request;
    iad_timeline line;     /* up to and without the query's <|vision_start|> */
    iad_kv kv;
    iad_hash first_key;    /* of exemplar 1, when k > 0 */
    iad_encoded first;     /* its tokens, for compressing queries; empty unless request.compress_query */
    float *map_mean;       /* host [2][map_h * map_w]: mean maps of the exemplars; NULL unless request.calibrate_map */
    int map_h, map_w;
};
iadgpt_exemplars *iad_exemplars_retain(iadgpt_exemplars *set);
void iad_exemplars_release(iadgpt_exemplars *set);
uint64_t iad_exemplars_bytes(const iadgpt_exemplars *set);
iad_status iad_exemplars_prepare(iadgpt_session *session, const iadgpt_picture *pictures, int k, const iadgpt_settings *settings,
                                 iadgpt_exemplars **set, iad_err *err);
/* Key of the set that this request and these pictures make (identity, settings, texts, pictures in order). */
iad_status iad_exemplars_key_of(const iadgpt_engine *engine, const iad_request *request, const iad_hash *image_keys, int k, const int32_t *ids,
                                size_t n_ids, iad_hash *key, iad_err *err);

void iad_shelf_init(iad_shelf *shelf, uint64_t budget);
void iad_shelf_deinit(iad_shelf *shelf);
/* A retained set, or NULL. */
iadgpt_exemplars *iad_shelf_find(iad_shelf *shelf, const iad_hash *key);
void iad_shelf_put(iad_shelf *shelf, iadgpt_exemplars *set); /* keeps a reference unless the set exceeds the budget */
/* The stored set whose timeline is the longest prefix of `line`, retained, or NULL; only those longer than `floor` units. */
iadgpt_exemplars *iad_shelf_longest(iad_shelf *shelf, const iad_timeline *line, size_t floor);

iad_status iad_exemplars_save(const iadgpt_exemplars *set, const char *path, iad_err *err);
iad_status iad_exemplars_load(iadgpt_engine *engine, const char *path, iadgpt_exemplars **set, iad_err *err);

/* The prompt of an inspection with k exemplars and one query, rendered. */
typedef struct iad_inspect_prompt {
    iad_chat_tokens tokens;
    size_t split;          /* compact position of the query's <|vision_start|> */
    size_t query;          /* compact position of the query's picture */
} iad_inspect_prompt;
iad_status iad_inspect_prompt_init(iad_inspect_prompt *prompt, const iadgpt_engine *engine, iad_token_scratch *scratch, const iad_request *request,
                                   int k, iad_err *err);
void iad_inspect_prompt_deinit(iad_inspect_prompt *prompt);
/* Rows of the words whose attention makes the maps: compact positions, class 0 anomaly and 1 normal, weights that add up to
 * 1 / (map layers) per class. Arrays owned by the caller; *n = 0 when the question has none of the words. */
iad_status iad_inspect_words(const iadgpt_engine *engine, const iad_inspect_prompt *prompt, const char *question, size_t **position, int **row_class,
                             float **weight, int *n, iad_err *err);
const char *iad_request_question(const iad_request *request, int k);

/* ---- session ---- */

/* Rows waiting to go through the language model: embeddings on the device, positions on the host. */
typedef struct iad_feed {
    iad_mat x;             /* [n_row][D] f32, a view of the session's buffer */
    int64_t n_row;
    int32_t *pos[3];       /* [cap_pos] t, h, w */
    int64_t cap_pos;
} iad_feed;

struct iadgpt_session {
    iadgpt_engine *engine;
    iad_queue *queue;
    iad_workspace ws;
    iad_token_scratch *scratch;
    iad_trace *trace;      /* NULL, or a watcher (tests, compare) */

    iadgpt_exemplars *prefix; /* rows before the tail's; NULL: none */
    iad_timeline line;     /* of prefix and tail together */
    iad_kv tail;
    iad_kv batch[IAD_MAX_BATCH]; /* tails of a batch of inspections */

    iad_mat x;             /* device buffer of the feed, [cap][D] */
    iad_feed feed;
    float *cosine, *sine;  /* host, of the rows of one pass */
    size_t cap_angle;

    int ready;             /* 1: prompt_* describe a prompt that generate can continue */
    size_t prompt_units;
    int64_t prompt_rows, prompt_next;
    float *logits;         /* host [vocab] after the prompt */
    int32_t *prompt_ids;   /* for the repetition penalty */
    size_t n_prompt_ids;
    float *rows_logits;    /* host [IAD_MAX_BATCH][vocab], made when needed */
    size_t cap_rows_logits;

    float *maps;           /* host: maps of the last inspection */
    size_t cap_maps;
    void *map_out;         /* device: the same while being gathered */
    size_t cap_map_out;
    iad_buf answer;
    iad_token_list answer_ids;
    iadgpt_timings timings;
};
iad_status iad_session_new(iadgpt_engine *engine, iadgpt_session **session, iad_err *err);
void iad_session_free(iadgpt_session *session);

/* One pass of the tower: encodes the first of n >= 1 pictures, and with it those after it that are small enough to share the pass, each with the
 * bytes of a pass of its own. encoded [n]: the tokens of the first *n_encoded are made anew; none after a failure. Adds to timings. */
iad_status iad_session_encode(iadgpt_session *session, const iadgpt_picture *pictures, int n, const iad_request *request, iad_encoded *encoded,
                              int *n_encoded, iad_err *err);

/* The feed: empties it and makes room for `rows`; then rows are added in order. *pos is advanced. */
iad_status iad_feed_start(iadgpt_session *session, int64_t rows, iad_err *err);
iad_status iad_feed_text(iadgpt_session *session, const int32_t *ids, int64_t n, int64_t *pos, iad_err *err);
/* kept NULL: all tokens. */
iad_status iad_feed_image(iadgpt_session *session, const iad_encoded *e, const int32_t *kept, int64_t n_kept, int64_t *pos, iad_err *err);
/* Sends all rows of the feed through the model in passes of IAD_PREFILL_ROWS; seqs cover the feed in order without gaps; logits of each
 * sequence's last row go to logits [n_seq][vocab] (NULL: none). Adds to timings.prefill. */
iad_status iad_feed_run(iadgpt_session *session, const iad_text_seq *seqs, int n_seq, float *logits, iad_err *err);

iad_status iad_session_inspect(iadgpt_session *session, const iadgpt_exemplars *set, const iadgpt_picture *pictures, int n, iadgpt_result *results,
                               iad_err *err);
iad_status iad_session_sync(iadgpt_session *session, const iadgpt_message *messages, int n, const iadgpt_settings *settings, iad_err *err);
/* Log probability of `id` and the n_top most probable tokens (0 to IAD_MAX_TOP_TOKENS), best first, of logits [vocab]; see iadgpt_token. */
void iad_token_logprobs(const iadgpt_engine *engine, const float *logits, int32_t id, iadgpt_token *token, iadgpt_token *top, int32_t n_top);
iad_status iad_session_generate(iadgpt_session *session, const iadgpt_generate_options *options, iadgpt_answer *answer, iad_err *err);
/* Drops cache and timeline. */
void iad_session_reset(iadgpt_session *session);

#endif
