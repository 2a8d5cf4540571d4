/* libiadgpt: few-shot industrial anomaly detection with Qwen2.5-VL and the heads of IADGPT. The one public header.
 *
 * Two nouns: an engine is a loaded model, immutable and shared by any number of threads; a session is one mutable timeline (key/value
 * cache, captured attention) over an engine, used by one thread at a time. What users hold is an exemplar set: k pictures of good
 * parts, prepared once, shareable between sessions, savable to disk.
 *
 *     iadgpt_engine_open("model/", NULL, &engine, &error);
 *     iadgpt_session_new(engine, &session, &error);
 *     iadgpt_exemplars_prepare(session, good, 4, NULL, &exemplars, &error);
 *     iadgpt_inspect(session, exemplars, &part, 1, &result, &error);   // result.score, result.anomaly
 *
 * Every fallible function returns IADGPT_OK or a code and fills *error (which may be NULL). The library prints nothing, never exits and
 * never asserts on input. Strings are UTF-8. Structs with a `size` member: set it to sizeof, or use the _defaults function; members
 * added later keep their default for callers compiled before. */
#ifndef IADGPT_H
#define IADGPT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IADGPT_VERSION_MAJOR 0
#define IADGPT_VERSION_MINOR 1
#if defined(__GNUC__)
#define IADGPT_API __attribute__((visibility("default")))
#else
#define IADGPT_API
#endif

typedef enum iadgpt_status {
    IADGPT_OK = 0,
    IADGPT_ERR_ARG,         /* bad argument or option */
    IADGPT_ERR_IO,
    IADGPT_ERR_NOMEM,
    IADGPT_ERR_FORMAT,      /* the file is not what it claims to be */
    IADGPT_ERR_LIMIT,       /* a named limit would be exceeded */
    IADGPT_ERR_NOT_FOUND,
    IADGPT_ERR_UNSUPPORTED,
    IADGPT_ERR_INTERRUPTED, /* a callback asked to stop */
    IADGPT_ERR_INTERNAL
} iadgpt_status;

typedef struct iadgpt_error {
    int32_t code;
    char message[512]; /* one line that names the item */
} iadgpt_error;

/* "0.1.0" */
IADGPT_API const char *iadgpt_version(void);

/* ---- pictures ---- */

typedef struct iadgpt_picture {
    int32_t width, height;
    int32_t channels;      /* 1 grey, 3 RGB */
    const uint8_t *pixels; /* [height][width][channels], 0..255 */
} iadgpt_picture;

/* JPEG, PNG, WebP or BMP by content; EXIF orientation applied, alpha composed on white. Free the pixels with iadgpt_picture_free. */
IADGPT_API iadgpt_status iadgpt_picture_load(const char *path, iadgpt_picture *picture, iadgpt_error *error);
IADGPT_API void iadgpt_picture_free(iadgpt_picture *picture); /* only for pictures from iadgpt_picture_load */

/* ---- engine ---- */

typedef struct iadgpt_engine iadgpt_engine;

typedef struct iadgpt_engine_options {
    size_t size;
    const char *device;         /* "cpu" (default), "reference", "cuda", "cuda:N" */
    int32_t threads;            /* 0: every processor this process may use */
    const char *weights;        /* "auto" (as stored: f32 or bf16 or int8), "f32", "bf16", "int8": the language model */
    const char *vision_weights; /* the same for the vision tower; "auto" with int8 weights is bf16 */
    const char *fusion;         /* "auto" (as the checkpoint says) or "off" */
    const int32_t *map_layers;  /* 0-based layers whose attention makes the maps; NULL: as the checkpoint says */
    int32_t n_map_layers;
    uint64_t exemplar_cache;    /* bytes of exemplar sets kept in memory for reuse by key; default 1 GiB; 0: none */
    /* Called while weights are loaded; a non-zero return stops with IADGPT_ERR_INTERRUPTED. May be NULL. */
    int32_t (*progress)(void *user, uint64_t done, uint64_t total);
    void *user;
} iadgpt_engine_options;

IADGPT_API void iadgpt_engine_defaults(iadgpt_engine_options *options);
/* dir: a Hugging Face checkpoint directory. options NULL: defaults. */
IADGPT_API iadgpt_status iadgpt_engine_open(const char *dir, const iadgpt_engine_options *options, iadgpt_engine **engine, iadgpt_error *error);
/* After all its sessions and exemplar sets. NULL is fine. */
IADGPT_API void iadgpt_engine_close(iadgpt_engine *engine);

typedef struct iadgpt_memory {
    uint64_t now, peak, weights; /* bytes: everything held on the device now and at most; packed weights */
} iadgpt_memory;
IADGPT_API void iadgpt_engine_memory(const iadgpt_engine *engine, iadgpt_memory *memory);

/* ---- sessions ---- */

typedef struct iadgpt_session iadgpt_session;
IADGPT_API iadgpt_status iadgpt_session_new(iadgpt_engine *engine, iadgpt_session **session, iadgpt_error *error);
IADGPT_API void iadgpt_session_free(iadgpt_session *session); /* NULL is fine */

/* Milliseconds and tokens of the last call. */
typedef struct iadgpt_timings {
    double preprocess, vision, prefill, decode;
    int64_t prompt_tokens, reused_tokens, generated_tokens;
} iadgpt_timings;

/* ---- exemplar sets ---- */

typedef struct iadgpt_settings {
    size_t size;
    int32_t image_height, image_width; /* every picture is resized to this (multiples of 28); 0, 0: smart resize within the bounds.
                                        * -1, -1 (default): as the checkpoint says, which is 448 x 448 when it says nothing */
    int64_t min_pixels, max_pixels;    /* 0: as the checkpoint says */
    double retention;                  /* share of tokens kept of exemplars 2..k; 1: no compression; 0: as the checkpoint says (0.2) */
    const char *similarity;            /* "best", "aligned"; NULL: as the checkpoint says */
    int32_t compress_query;            /* 1: the query too (then there is no map); -1: as the checkpoint says */
    const char *question;              /* NULL: the canonical question */
    int32_t calibrate_map;             /* 1: maps are differences to the mean map of the exemplars, each inspected against the set
                                        * (k more passes at preparation; all pictures need one size): takes out what every good
                                        * picture shows, such as attention that sinks into the border. 0 (default): raw attention */
    const char *yes_means;             /* "normal" (default; the canonical question) or "defective": what answering Yes says */
    /* iadgpt_session_sync only: */
    const struct iadgpt_exemplars *exemplars; /* NULL, or a set whose pictures stand before the first user message, as it was prepared; the
                                        * sizes of the chat's own pictures are the set's then */
    int64_t max_prompt_tokens;         /* longer prompts are IADGPT_ERR_LIMIT before anything is computed; 0: 1 << 20 */
} iadgpt_settings;
IADGPT_API void iadgpt_settings_defaults(iadgpt_settings *settings);

typedef struct iadgpt_exemplars iadgpt_exemplars;

/* Prepares k pictures, 0..16, in this order. A set of the same key that is still in the engine's memory is returned at once.
 * settings NULL: defaults. */
IADGPT_API iadgpt_status iadgpt_exemplars_prepare(iadgpt_session *session, const iadgpt_picture *pictures, int32_t k, const iadgpt_settings *settings,
                                                  iadgpt_exemplars **exemplars, iadgpt_error *error);
IADGPT_API void iadgpt_exemplars_free(iadgpt_exemplars *exemplars); /* gives this reference back; NULL is fine */
/* One checksummed file, written under another name and renamed. Loading checks that it belongs to this engine's model, tokenizer and
 * number format, and every byte of it. */
IADGPT_API iadgpt_status iadgpt_exemplars_save(const iadgpt_exemplars *exemplars, const char *path, iadgpt_error *error);
IADGPT_API iadgpt_status iadgpt_exemplars_load(iadgpt_engine *engine, const char *path, iadgpt_exemplars **exemplars, iadgpt_error *error);
/* 64 hex digits: model, number formats, tokenizer, settings, pictures in order. Valid as long as the set. */
IADGPT_API const char *iadgpt_exemplars_key(const iadgpt_exemplars *exemplars);

typedef struct iadgpt_exemplars_info {
    int32_t k;
    int64_t tokens;       /* of the shared prefix, after compression */
    int64_t image_tokens, image_tokens_kept; /* of the exemplars */
    uint64_t bytes;       /* keys and values in memory */
    int32_t image_height, image_width; /* settings: 0, 0 for smart resize */
    double retention;
} iadgpt_exemplars_info;
IADGPT_API void iadgpt_exemplars_describe(const iadgpt_exemplars *exemplars, iadgpt_exemplars_info *info);

/* ---- inspection ---- */

typedef struct iadgpt_result {
    double score;                /* 0..1, higher is more anomalous: softmax over the logits of Yes and No, the one that means defective */
    float logit_yes, logit_no;   /* f32, last prompt token */
    int32_t grid_height, grid_width; /* tokens of the query; 0, 0 when the query was compressed */
    const float *anomaly;        /* [grid_height][grid_width] mean attention of the anomaly words (calibrate_map: less that of
                                  * the exemplars); valid until the session's next call */
    const float *normal;         /* the same of the normal words */
    int32_t source_height, source_width, resized_height, resized_width;
    iadgpt_timings timings;      /* of the whole call, shared by all pictures of it */
} iadgpt_result;

/* n pictures, 1..64, against one exemplar set in one batch; results [n]. */
IADGPT_API iadgpt_status iadgpt_inspect(iadgpt_session *session, const iadgpt_exemplars *exemplars, const iadgpt_picture *pictures, int32_t n,
                                        iadgpt_result *results, iadgpt_error *error);

/* One of the two maps on the picture as it was given: out [source_height][source_width], bilinear, values as in the grid. */
typedef enum iadgpt_map { IADGPT_MAP_ANOMALY = 0, IADGPT_MAP_NORMAL } iadgpt_map;
IADGPT_API iadgpt_status iadgpt_result_map(const iadgpt_result *result, iadgpt_map which, float *out, iadgpt_error *error);

/* Regions of a map above a threshold, corners inclusive, in pixels of the picture as given; boxes [max], *n the number found. */
typedef struct iadgpt_box {
    int32_t x0, y0, x1, y1;
    float peak;
} iadgpt_box;
IADGPT_API iadgpt_status iadgpt_map_boxes(const float *map, int32_t width, int32_t height, float threshold, iadgpt_box *boxes, int32_t max,
                                          int32_t *n, iadgpt_error *error);
/* A box of an answer (pixels of the resized picture) in pixels of the picture as given. */
IADGPT_API iadgpt_box iadgpt_box_to_source(const iadgpt_result *result, iadgpt_box box);

/* ---- words ---- */

typedef enum iadgpt_role { IADGPT_ROLE_SYSTEM = 0, IADGPT_ROLE_USER, IADGPT_ROLE_ASSISTANT } iadgpt_role;
typedef struct iadgpt_item {
    const char *text;              /* either text */
    const iadgpt_picture *picture; /* or a picture */
} iadgpt_item;
typedef struct iadgpt_message {
    iadgpt_role role;
    const iadgpt_item *items;
    int32_t n_items;
} iadgpt_message;

/* Brings the session to the end of this prompt (with the assistant's turn opened); reuses the longest prefix that the session, or an
 * exemplar set in the engine's memory, already holds. settings: picture sizes, exemplars and max_prompt_tokens only; NULL: defaults. */
IADGPT_API iadgpt_status iadgpt_session_sync(iadgpt_session *session, const iadgpt_message *messages, int32_t n, const iadgpt_settings *settings,
                                             iadgpt_error *error);

/* A token of an answer. Log probabilities are natural logarithms of the softmax over the model's own logits of all tokens that the
 * tokenizer knows: before penalty, temperature, top_k, top_p, schema and choices. */
typedef struct iadgpt_token {
    int32_t id;
    const char *bytes;        /* [n], not always whole characters, no NUL behind them; valid as long as the engine */
    size_t n;
    double logprob;
} iadgpt_token;

typedef struct iadgpt_generate_options {
    size_t size;
    int32_t max_tokens;       /* default 256 */
    double temperature;       /* 0 (default): greedy */
    int32_t top_k;            /* 0: off */
    double top_p;             /* 1: off */
    double repetition_penalty;/* 1: off (default); as transformers: over prompt and answer */
    uint64_t seed;
    const char *json_schema;  /* the answer is JSON of this schema; NULL: free */
    const char *const *choices; /* or exactly one of these */
    int32_t n_choices;
    /* Called with each new piece of text (whole characters); non-zero stops with IADGPT_FINISH_STOPPED. May be NULL. */
    int32_t (*piece)(void *user, const char *text, size_t n);
    void *user;
    /* The answer ends before the first of these texts (IADGPT_FINISH_END); piece never sees any of it. Not empty, at most
     * 4096 bytes each. */
    const char *const *stop;
    int32_t n_stop;           /* at most 16 */
    /* Called with each token of the answer before its text goes to piece, the token that completes a stop text left out; top [n_top]: the
     * top_tokens most probable tokens, best first, ties by id. Non-zero stops with IADGPT_FINISH_STOPPED. May be NULL. */
    int32_t (*token)(void *user, const iadgpt_token *token, const iadgpt_token *top, int32_t n_top);
    int32_t top_tokens;       /* 0 (default) to 20 */
} iadgpt_generate_options;
IADGPT_API void iadgpt_generate_defaults(iadgpt_generate_options *options);

typedef enum iadgpt_finish { IADGPT_FINISH_END = 0, IADGPT_FINISH_LENGTH, IADGPT_FINISH_REPETITION, IADGPT_FINISH_STOPPED } iadgpt_finish;
typedef struct iadgpt_answer {
    const char *text;      /* NUL-terminated; valid until the session's next call */
    size_t n;
    iadgpt_finish finish;
    const int32_t *tokens; /* [n_tokens], without the end token */
    int32_t n_tokens;
    iadgpt_timings timings;
} iadgpt_answer;

/* Continues from where iadgpt_session_sync, or an iadgpt_inspect of one picture, left the session. options NULL: defaults. A second call
 * starts from the same prompt again. */
IADGPT_API iadgpt_status iadgpt_generate(iadgpt_session *session, const iadgpt_generate_options *options, iadgpt_answer *answer, iadgpt_error *error);

/* ---- thresholds ---- */

/* Threshold from the scores of m good pictures alone: with probability >= confidence, at most target_fpr of further good pictures score
 * above it. IADGPT_ERR_LIMIT says how many pictures are needed when m is too small. */
IADGPT_API iadgpt_status iadgpt_calibrate(const double *scores, size_t m, double target_fpr, double confidence, double *threshold,
                                          double *reached, iadgpt_error *error);

#ifdef __cplusplus
}
#endif
#endif
