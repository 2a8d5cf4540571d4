/* From a decoded picture to the rows that the vision tower takes, as the published "slow" image processor does it:
 * smart resize, Pillow's bicubic on bytes, normalisation, patches in merge-block order; and the order of attention
 * windows.
 *
 * Plain host code without state. Sources: Qwen2-VL image processor (transformers, slow path), qwen-vl-utils; in
 * numbers, with y = m by + dy, x = m bx + dx, m = merge, and the same for every t:
 *
 *     rows[((by * gw/m + bx) * m + dy) * m + dx][((c * temporal + t) * patch + py) * patch + px]
 *         = norm_c(v[y * patch + py][x * patch + px][c]) */
#ifndef IAD_RUNTIME_PREPROCESS_H
#define IAD_RUNTIME_PREPROCESS_H

#include <stdint.h>

#include "base/image/image.h"
#include "base/status.h"
#include "runtime/model/config.h"

/* Named limits. */
#define IAD_PREPROCESS_MAX_RATIO 200.0              /* longer side to shorter side */
#define IAD_PREPROCESS_MAX_PIXELS ((int64_t)1 << 26) /* pixels after resizing: 85,598 tokens of 28 x 28 */
#define IAD_PREPROCESS_MAX_PATCH 256                /* patch side, temporal size, merge size: each */
#define IAD_PREPROCESS_MAX_ROW 65536                /* values of one row: 3 * temporal * patch * patch */

typedef struct iad_preprocess_options {
    int height, width; /* wanted size; 0, 0: the picture's own. Both pass through smart resize, bounds included */
    int64_t min_pixels, max_pixels; /* bounds of height * width after resizing */
    float mean[3], std[3];          /* of values in 0..1 */
    int patch, temporal, merge;     /* 14, 2, 2 */
    int pillow13;                   /* 1: order of passes as Pillow 13 (see base/image/resize.h) */
    int bf16;                       /* 1: rows as bf16 (uint16_t), rounded to nearest even from the f32 value */
    int threads;                    /* <= 1: the calling thread only; the bytes do not depend on it */
} iad_preprocess_options;

/* The values of the published Qwen2.5-VL checkpoints: 3136 and 12845056 pixels, CLIP mean and std, 14, 2, 2. */
iad_preprocess_options iad_preprocess_defaults(void);
/* What a checkpoint asks for: its picture size and bounds, mean and std, its grid of patches. */
iad_preprocess_options iad_preprocess_of_config(const iad_model_config *config);

/* How the picture was resized. The resized picture always covers the whole source; the aspect may differ. */
typedef struct iad_resize_record {
    int source_h, source_w, resized_h, resized_w;
} iad_resize_record;

/* One picture ready for the tower. gh, gw count patches (both multiples of merge); merged tokens: (gh / merge) * (gw /
 * merge). */
typedef struct iad_patches {
    iad_resize_record size;
    int gh, gw;
    int64_t n_row; /* gh * gw */
    int n_col;     /* 3 * temporal * patch * patch */
    float *rows;      /* [n_row][n_col], owned; NULL when bf16 was asked for */
    uint16_t *rows16; /* [n_row][n_col] bf16, owned; NULL when f32 was asked for */
} iad_patches;
void iad_patches_deinit(iad_patches *patches); /* safe on an all-zero struct and twice */

/* Size that a picture of h x w is resized to: both multiples of f = factor, area within the bounds (up to the rounding of
 * the formula), in doubles with halves to even:
 *
 *     h' = max(f, round(h / f) f), w' likewise
 *     h' w' > max:  b = sqrt(h w / max),    h' = max(f, floor(h / b / f) f), w' likewise
 *     h' w' < min:  b = sqrt(min / (h w)),  h' = ceil(h b / f) f, w' likewise
 *
 * as qwen-vl-utils; transformers alone has no maximum in the first line, which matters when a side is at most f / 2.
 * Errors: IAD_ERR_ARG (sides or factor below 1, bounds not 1 <= min <= max), IAD_ERR_LIMIT (sides longer than 200 : 1,
 * result above IAD_PREPROCESS_MAX_PIXELS or IAD_IMAGE_MAX_SIDE). */
iad_status iad_smart_resize(int h, int w, int factor, int64_t min_pixels, int64_t max_pixels, int *h2, int *w2,
                            iad_err *err);

/* The size that the options give a picture of h x w. */
iad_status iad_preprocess_size(int h, int w, const iad_preprocess_options *options, iad_resize_record *size,
                               iad_err *err);

/* The resized RGB picture alone (grey is replicated), initialised here, owned by the caller. */
iad_status iad_preprocess_u8(const iad_image *image, const iad_preprocess_options *options, iad_image *resized,
                             iad_err *err);

/* Everything: *patches is initialised here (all zero on failure). Values are float32(v * (1.0 / 255)) with the product
 * in double, then the float32 difference to mean and quotient by std, as the slow processor computes them. Errors:
 * those of iad_smart_resize; IAD_ERR_ARG (empty picture, options out of range, std not above 0), IAD_ERR_NOMEM. */
iad_status iad_preprocess(const iad_image *image, const iad_preprocess_options *options, iad_patches *patches,
                          iad_err *err);

/* Rows of a picture whose size is already a multiple of patch * merge and that is not resized any more (RGB or grey).
 */
iad_status iad_preprocess_rows(const iad_image *resized, const iad_preprocess_options *options, iad_patches *patches,
                               iad_err *err);

/* ---- windows ---- */

/* Order of merged tokens ("groups" of merge * merge patch rows) by attention window. */
typedef struct iad_windows {
    int lh, lw;     /* merged grid */
    int n_token;    /* lh * lw */
    int n_window;   /* none is empty */
    int32_t *order; /* [n_token] owned: place i of the window order holds raster token order[i] */
    int32_t *cu;    /* [n_window + 1] owned: window k covers patch rows cu[k] .. cu[k + 1] - 1 of the window order */
} iad_windows;
void iad_windows_deinit(iad_windows *windows); /* safe on an all-zero struct and twice */

/* Windows of side window / merge / patch tokens (integer division, as published) over a grid of gh x gw patches:
 * windows in raster order, tokens inside in raster order, clipped at the border, never padded. For one picture.
 * *windows is initialised here. Errors: IAD_ERR_ARG (grid not multiples of merge, window below one token),
 * IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_window_plan(int gh, int gw, int merge, int window, int patch, iad_windows *windows, iad_err *err);

/* Row and column, in patches, of every patch row in window order (the four of a token together, dy first): row, col [gh
 * * gw]. */
void iad_vision_positions(const iad_windows *windows, int merge, int32_t *row, int32_t *col);
/* The same in the order of iad_patches (before windows). */
void iad_patch_positions(int gh, int gw, int merge, int32_t *row, int32_t *col);

#endif
