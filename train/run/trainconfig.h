/* How a stage is trained: every hyper-parameter, as one JSON file. Unknown keys are refused, so a typing error is no silent default. */
#ifndef IAD_TRAIN_TRAINCONFIG_H
#define IAD_TRAIN_TRAINCONFIG_H

#include "base/buf.h"
#include "train/data/loader.h"
#include "train/model/trainmodel.h"
#include "train/param/optimizer.h"

enum { IAD_TRAIN_MAX_PATTERNS = 16, IAD_TRAIN_PATTERN_BYTES = 96, IAD_TRAIN_MAX_BATCH = 4096 };

typedef struct iad_patterns {
    int n;
    char text[IAD_TRAIN_MAX_PATTERNS][IAD_TRAIN_PATTERN_BYTES];
} iad_patterns;

/* The file, key by key; in brackets what holds where a key is absent:
 *   "stage" 1..3 (required)
 *   "epochs" [1], "steps" [0: from the epochs], "batch" [32]
 *   "rate" [1e-5], "rate_end" [0], "warmup" [0.03: share of the steps]
 *   "beta1" [0.9] "beta2" [0.999] "eps" [1e-8] "decay" [0] "clip" [1] "states" "f32"|"8bit" [f32], "skips" [3: non-finite steps in a row]
 *   "freeze" [], "unfreeze" []: patterns of tensor names
 *   "compute" "bf16"|"f32" [bf16], "recompute_text", "recompute_vision" "none"|"norms"|"ffn"|"block" [norms]
 *   "micro_rows" [4096: rows of the language model in one pass], "micro_samples" [32]
 *   "replay" [-1: 0.5 in stage 2, 0.8 in stage 3], "tasks" []: only these
 *   "map_weight" [1], "map_norm" "lag"|"batch"|"image"|"share" [lag], "map_focal" "two-maps"|"one-map"|"pair" [two-maps], "map_gamma" [2],
 * "map_focal_weight" [1], "map_dice_weight" [1], "map_normal_weight" [1], "map_smooth" [1], "map_gain" [4], "map_clamp_gradient" [false], "map_scale"
 * [2]
 *   "fusion" [true], "compression" [true], "retention" [the model's], "map_layers" [the model's]
 *   "image" [h, w] [the model's], "max_rows" [32768]
 *   "seed" [0], "save_every" [500], "keep" [2], "keep_every" [0], "eval_every" [0], "eval_records" [64], "export" "bf16"|"f32" [bf16] */
typedef struct iad_train_config {
    int stage;
    double epochs;
    int64_t steps;
    int batch;
    double rate, rate_end, warmup;
    iad_optimizer_options optimizer;
    double decay;
    iad_patterns freeze, unfreeze, tasks;
    iad_train_model_options model;
    int micro_rows, micro_samples;
    double replay;
    int map_scale;
    double retention;            /* -1: the model's */
    int n_map_layers, map_layers[IAD_CFG_MAX_TAPS];
    int image_height, image_width; /* -1: the model's */
    int max_rows;
    uint64_t seed;
    int64_t save_every;
    int keep, keep_every;
    int64_t eval_every;
    int eval_records;
    iad_dtype export_dtype;
} iad_train_config;

/* Errors name file and key. */
iad_status iad_train_config_load(const char *path, iad_train_config *config, iad_err *err);
iad_status iad_train_config_parse(const char *text, size_t n, const char *name, iad_train_config *config, iad_err *err);
/* All keys with their values as canonical JSON: what a run is resumed by, and what its log begins with. Appended. */
iad_status iad_train_config_format(const iad_train_config *config, iad_buf *out, iad_err *err);
/* What the config says of the model, over the model's own settings. */
iad_status iad_train_config_adjust(const iad_train_config *config, iad_model_config *model, iad_err *err);
/* Rules of frozen tensors over the config's own texts (borrowed); patterns [2 * IAD_TRAIN_MAX_PATTERNS] is their storage. */
iad_param_rules iad_train_config_rules(const iad_train_config *config, const char **patterns);

#endif
