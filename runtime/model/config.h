/* Everything a Qwen2.5-VL checkpoint directory says beside its weights: config.json (flat, flat with omitted vision keys, nested),
 * generation_config.json, preprocessor_config.json, and our "iadgpt" block in config.json.
 *
 * A loaded config is valid: every size is inside the limits below, so that no product of sizes computed from it overflows 63 bits,
 * and every relation that the model relies on holds. Plain data: copy it with =. Layer and block numbers are 0-based. */
#ifndef IAD_MODEL_CONFIG_H
#define IAD_MODEL_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_CFG_MAX_LAYERS 256      /* text layers */
#define IAD_CFG_MAX_DEPTH 128       /* vision blocks */
#define IAD_CFG_MAX_HIDDEN 65536    /* hidden sizes */
#define IAD_CFG_MAX_HEADS 1024
#define IAD_CFG_MAX_HEAD_DIM 512
#define IAD_CFG_MAX_INTER 262144    /* intermediate sizes */
#define IAD_CFG_MAX_VOCAB 2097152
#define IAD_CFG_MAX_CHANNELS 16
#define IAD_CFG_MAX_PATCH 64
#define IAD_CFG_MAX_TEMPORAL 8
#define IAD_CFG_MAX_MERGE 8
#define IAD_CFG_MAX_WINDOW 4096     /* pixels */
#define IAD_CFG_MAX_PIXELS 268435456 /* pixels of one picture */
#define IAD_CFG_MAX_SIDE 16384      /* pixels, image.height and image.width */
#define IAD_CFG_MAX_EOS 16
#define IAD_CFG_MAX_TAPS 16         /* fusion taps, map layers */
#define IAD_CFG_MAX_WORDS 16
#define IAD_CFG_WORD_BYTES 64       /* with the final NUL */
#define IAD_CFG_MAX_BYTES (16u << 20) /* of one JSON file */

typedef struct iad_text_config {
    int hidden, layers, heads, kv_heads;
    int head_dim;          /* hidden / heads, even */
    int intermediate, vocab;
    int max_positions;     /* as the file says; an upper bound only */
    int tie;               /* 1: the head is embed_tokens */
    float rms_eps;
    double rope_theta;
    int mrope_section[3];  /* t, h, w; sum = head_dim / 2 */
    float init_range;      /* standard deviation for fresh weights */
} iad_text_config;

typedef struct iad_vision_config {
    int depth, hidden, heads;
    int head_dim;          /* hidden / heads, a multiple of 4 */
    int intermediate, in_channels, patch, temporal, merge;
    int window;            /* pixels, a multiple of patch * merge */
    int out_hidden;        /* = text hidden */
    int n_fullatt, fullatt[IAD_CFG_MAX_DEPTH]; /* blocks with whole-image attention, ascending, unique; may be empty */
    float rms_eps;         /* always 1e-6: there is no key for it */
    float init_range;
} iad_vision_config;

typedef struct iad_token_ids {  /* -1: none */
    int image, video, vision_start, vision_end, vision_pad, bos, pad;
    int n_eos, eos[IAD_CFG_MAX_EOS];
} iad_token_ids;

typedef struct iad_generation_config {
    int do_sample, top_k;  /* top_k 0: no bound */
    double repetition_penalty, temperature, top_p;
} iad_generation_config;

typedef struct iad_preproc_config {
    int64_t min_pixels, max_pixels;
    double mean[3], std[3];
} iad_preproc_config;

typedef enum iad_fusion_mode { IAD_FUSION_TOKEN = 0, IAD_FUSION_GLOBAL, IAD_FUSION_OFF } iad_fusion_mode;
typedef enum iad_similarity { IAD_SIM_BEST = 0, IAD_SIM_ALIGNED } iad_similarity;

/* The "iadgpt" object in config.json; every member optional:
 *   {"fusion": {"mode": "token"|"global"|"off", "taps": [7,15,23,31]},
 *    "compression": {"retention": 0.2, "similarity": "best"|"aligned", "query": false},
 *    "maps": {"layers": [6,13,20,27], "anomaly_words": ["defect","abnormal"], "normal_words": ["normal"]},
 *    "image": {"height": 448, "width": 448}, "score": {"yes": "Yes", "no": "No"}}
 * Defaults: taps at depth * {1,2,3,4} / 4 - 1, map layers at layers * {1,2,3,4} / 4 - 1 (without repeats), the rest as shown. */
typedef struct iad_paper_config {
    iad_fusion_mode fusion;
    int n_taps, taps[IAD_CFG_MAX_TAPS];          /* vision blocks, ascending, unique, at least 1 */
    double retention;                            /* 0 < r <= 1 */
    iad_similarity similarity;
    int compress_query;
    int n_map_layers, map_layers[IAD_CFG_MAX_TAPS]; /* text layers, ascending, unique, at least 1 */
    int n_anomaly_words, n_normal_words;         /* at least 1 each */
    char anomaly_words[IAD_CFG_MAX_WORDS][IAD_CFG_WORD_BYTES];
    char normal_words[IAD_CFG_MAX_WORDS][IAD_CFG_WORD_BYTES];
    int image_height, image_width;               /* multiples of patch * merge; both 0: smart_resize of the picture's own size */
    char yes[IAD_CFG_WORD_BYTES], no[IAD_CFG_WORD_BYTES];
} iad_paper_config;

typedef struct iad_model_config {
    iad_text_config text;
    iad_vision_config vision;
    iad_token_ids ids;
    iad_generation_config generation;
    iad_preproc_config preproc;
    iad_paper_config paper;
} iad_model_config;

/* Layouts that the writer knows: flat is what the published files use, nested what transformers >= 4.52 writes. */
typedef enum iad_config_layout { IAD_CONFIG_FLAT = 0, IAD_CONFIG_NESTED } iad_config_layout;

/* Loads DIR/config.json (needed) and the other two files where present. Errors name the key and the file. */
iad_status iad_model_config_load(const char *dir, iad_model_config *config, iad_err *err);
/* One file that holds a config.json; the other two as if absent. */
iad_status iad_model_config_load_file(const char *path, iad_model_config *config, iad_err *err);
/* From text: config.json, and (NULL: absent) the other two. `where` stands for the folder in messages. */
iad_status iad_model_config_parse(const char *config_text, size_t config_n, const char *generation_text, size_t generation_n,
                                  const char *preproc_text, size_t preproc_n, const char *where, iad_model_config *config, iad_err *err);

/* Ranges and relations of a config made by hand. `where` is used in messages. */
iad_status iad_model_config_check(const iad_model_config *config, const char *where, iad_err *err);
/* Fills config->paper with its defaults for the sizes already in text and vision. */
void iad_model_config_paper_defaults(iad_model_config *config);

/* The three files as text, appended to the buffers (NULL: not wanted). `dtype_name` is torch_dtype ("bfloat16", "float32"). */
iad_status iad_model_config_format(const iad_model_config *config, iad_config_layout layout, const char *dtype_name, iad_buf *config_text,
                                   iad_buf *generation_text, iad_buf *preproc_text, iad_err *err);
/* Writes config.json, generation_config.json and preprocessor_config.json into dir, each atomically, config.json last. */
iad_status iad_model_config_write(const iad_model_config *config, iad_config_layout layout, const char *dtype_name, const char *dir, iad_err *err);

/* 1 when block is in vision.fullatt. */
int iad_model_config_is_fullatt(const iad_model_config *config, int block);

#endif
