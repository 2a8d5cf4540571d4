/* Evaluation protocols: how maps and masks reach evaluation size, and how a picture's score comes from its map.
 * No number means anything without one, so every result carries the protocol's name and hash. */
#ifndef IAD_METRICS_PROTOCOL_H
#define IAD_METRICS_PROTOCOL_H

#include "base/buf.h"
#include "base/image/image.h"
#include "bench/metrics/mapset.h"

#define IAD_PROTOCOL_NAME_MAX 160
#define IAD_PROTOCOL_MAX_SIDE 16384

typedef enum iad_size_rule {
    IAD_SIZE_FIXED, /* width x height */
    IAD_SIZE_MASK,  /* the size of the mask as stored (= of the picture) */
    IAD_SIZE_MAP    /* the size of the map as given by the model */
} iad_size_rule;

typedef enum iad_map_interp {
    IAD_MAP_BILINEAR,       /* align_corners = false: PyTorch default, OpenCV INTER_LINEAR */
    IAD_MAP_BILINEAR_ALIGN, /* align_corners = true */
    IAD_MAP_BICUBIC,        /* a = -0.75: OpenCV INTER_CUBIC, PyTorch bicubic */
    IAD_MAP_NEAREST         /* floor(d * in / out) */
} iad_map_interp;

typedef enum iad_mask_resample {
    IAD_MASK_PIL_BILINEAR, /* Pillow's antialiased triangle on 8 bits */
    IAD_MASK_CV_NEAREST,   /* floor(d * in / out) */
    IAD_MASK_PIL_NEAREST   /* floor((d + 0.5) * in / out) */
} iad_mask_resample;

/* Where the mask goes before it is compared with the threshold. Sizes 0 are skipped. */
typedef struct iad_mask_rule {
    int binarise_first;          /* 1: any value > 0 becomes 255 first (masks that hold class ids) */
    iad_mask_resample resample;
    int via;                     /* > 0: first to via x via with `resample` */
    int short_side;              /* 1: the shorter side goes to the evaluation size, then a centre crop */
    int crop;                    /* > 0: after `via`, a centre crop of crop x crop */
    iad_mask_resample last;      /* resampling of the step to the evaluation size */
    double above;                /* defect iff value / 255 > above ... */
    int relative_to_max;         /* ... or, if 1, iff value > max(mask) * above */
} iad_mask_rule;

typedef enum iad_smoothing {
    IAD_SMOOTH_NONE,
    IAD_SMOOTH_SCIPY,    /* scipy.ndimage.gaussian_filter(sigma) */
    IAD_SMOOTH_KERNEL,   /* k x k Gaussian, zero padding */
    IAD_SMOOTH_KERNEL_REFLECT /* k x k Gaussian, padding by reflection without the edge pixel (torchvision) */
} iad_smoothing;

typedef enum iad_score_rule {
    IAD_SCORE_MODEL,       /* the model's own score; the map plays no part */
    IAD_SCORE_MAX,         /* max of the map */
    IAD_SCORE_TOP_SHARE,   /* mean of the largest `score_share` of the pixels; if that is below one pixel, the max */
    IAD_SCORE_TOP_MIX,     /* (1 - mix) * model + mix * mean of the `score_top` largest values */
    IAD_SCORE_HARMONIC,    /* 1 / (1/max(map) + 1/model) */
    IAD_SCORE_MAX_PLUS     /* model + max(map) */
} iad_score_rule;

typedef struct iad_protocol {
    char name[IAD_PROTOCOL_NAME_MAX]; /* not part of the hash */
    iad_size_rule size_rule;
    int width, height;       /* IAD_SIZE_FIXED only, else 0 */
    iad_map_interp interp;
    iad_mask_rule mask;
    iad_smoothing smoothing;
    double sigma;
    int kernel;              /* k of the two kernel smoothings, else 0 */
    iad_score_rule score_rule;
    double score_share, score_mix;
    int score_top;
    int score_native;        /* 1: from the map as given (patch distances), before resampling and smoothing */
    unsigned pro_variant;    /* 0: exact; else the IAD_PIXEL_PRO_... bit that the papers of this protocol report */
    int connectivity;        /* 8 */
} iad_protocol;

/* Built-in presets, in a fixed order; NULL behind the last. */
const iad_protocol *iad_protocol_at(size_t index);
/* By name. Errors: IAD_ERR_NOT_FOUND (lists the names). */
iad_status iad_protocol_find(const char *name, iad_protocol *out, iad_err *err);
/* One sentence about where the rules come from, and what is not known. Never NULL. */
const char *iad_protocol_note(const char *name);

/* Overrides as typed by a user; each changes the rules, hence the hash, and is added to the name ("kagprompt+sigma=4").
 * key: "map-size" ("224", "400x300", "mask", "map"), "mask-rule" ("pil:0.1", "pil:0.5", "nearest", "cv-nearest"),
 * "sigma" ("0", "4"), "interp" ("bilinear", "align", "bicubic", "nearest"), "image-score" ("model", "max", "top:0.01"),
 * "connectivity" ("4", "8"). Errors: IAD_ERR_ARG (unknown key or value). */
iad_status iad_protocol_override(iad_protocol *protocol, const char *key, const char *value, iad_err *err);

/* Canonical text, one "key=value" per line, all rules, no name; and its SHA-256 as 64 hex digits + NUL. */
iad_status iad_protocol_text(const iad_protocol *protocol, iad_buf *out, iad_err *err);
iad_status iad_protocol_hash(const iad_protocol *protocol, char hex[65], iad_err *err);

/* One picture in evaluation geometry. */
typedef struct iad_eval_picture {
    iad_plane map;           /* raw scores, resampled and smoothed, never scaled */
    iad_image mask;          /* one channel, 0 or 1; px NULL for a normal picture */
    int source_regions;      /* regions of the stored mask (8- or 4-connected as the protocol says), 0 for normal */
    int regions;             /* regions at evaluation size; 0 with source_regions > 0: the defect was lost */
    uint64_t odd_values;     /* mask pixels that were neither 0 nor 255 (class ids): worth a warning */
    int size_mismatch;       /* 1: mask and picture differ in size */
} iad_eval_picture;

/* map: as given by the model, covering the protocol's frame; mask: as stored, one channel, any non-zero value is a
 * defect, NULL for a normal picture. picture_width/height: size of the picture file, 0 when unknown; with
 * IAD_SIZE_MASK and no mask this is the evaluation size. Errors: IAD_ERR_FORMAT (NaN or Inf in the map, mask of another
 * aspect than the picture when both are known: names both sizes), IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_protocol_apply(const iad_protocol *protocol, const iad_plane *map, const iad_image *mask,
                              int picture_width, int picture_height, const char *name, iad_eval_picture *out, iad_err *err);
void iad_eval_picture_deinit(iad_eval_picture *picture);
/* The same picture as a view (borrowed). label 0/1/-1 as in iad_map_view. */
iad_map_view iad_eval_picture_view(const iad_eval_picture *picture, int label, const char *name);

/* Image score. native: the map as given; evaluated: after iad_protocol_apply; model: the model's own score (NaN when it
 * has none). Errors: IAD_ERR_ARG when the rule needs a model score and there is none. */
iad_status iad_protocol_image_score(const iad_protocol *protocol, const iad_plane *native, const iad_plane *evaluated,
                                    double model, double *score, iad_err *err);

#endif
