/* The loss on attention maps (paper, equations 5 and 6; forms decided in train page 5): raw maps -> normalised scores -> bilinear to
 * the mask's grid -> focal + dice on the anomaly map against the mask and on the normal map against its complement. Host code, small. */
#ifndef IAD_TRAIN_MAPLOSS_H
#define IAD_TRAIN_MAPLOSS_H

#include "base/status.h"

typedef enum iad_map_norm {
    IAD_MAP_LAG,    /* extremes of the previous step's global batch, constants in the backward pass; the default */
    IAD_MAP_BATCH,  /* extremes of this batch with their gradient: one micro-batch per step and one rank only */
    IAD_MAP_IMAGE,  /* per picture, with gradient; for ablations */
    IAD_MAP_SHARE   /* share of the picture's own attention, times the number of cells, over `gain`, clamped to 1 */
} iad_map_norm;

typedef enum iad_focal_form { IAD_FOCAL_TWO_MAPS, IAD_FOCAL_ONE_MAP, IAD_FOCAL_PAIR } iad_focal_form;

typedef struct iad_map_options {
    iad_map_norm norm;
    iad_focal_form focal;
    double gamma;                    /* 2 */
    double w_focal, w_dice_a, w_dice_n; /* 1, 1, 1 */
    double dice_smooth;              /* 1 */
    double gain;                     /* of IAD_MAP_SHARE: 4 */
    int pass_clamp;                  /* 1: clamped cells get the gradient when it points back inside; 0 */
} iad_map_options;
iad_map_options iad_map_options_default(void);

/* Per class (0 anomaly, 1 normal): what the normalisation takes as 0 and 1. */
typedef struct iad_map_range {
    double lo[2], hi[2];
} iad_map_range;

/* One query picture: raw [2][h][w] f32 (class 0, then 1), mask [mask_h][mask_w] in 0..1. Writes losses, and d(loss)/d(raw) of
 * w_focal * focal + w_dice_a * dice_a + w_dice_n * dice_n to draw [2][h][w] (SET; NULL: not wanted). Values in double inside.
 * focal = w_focal * focal and dice = w_dice_a * dice_a + w_dice_n * dice_n are set, so that their sum is what draw belongs to. range is read
 * with IAD_MAP_LAG only. IAD_ERR_ARG on sizes below 1 or above 4096, a missing range, or IAD_MAP_BATCH (use iad_map_loss_batch). */
iad_status iad_map_loss(const iad_map_options *options, const iad_map_range *range, const float *raw, int h, int w, const float *mask, int mask_h,
                        int mask_w, double *focal, double *dice, float *draw, iad_err *err);

/* The same for all pictures of a batch that are normalised together (IAD_MAP_BATCH). */
typedef struct iad_map_item { const float *raw; int h, w; const float *mask; int mask_h, mask_w; double focal, dice; float *draw; } iad_map_item;
iad_status iad_map_loss_batch(const iad_map_options *options, iad_map_item *items, int n, iad_err *err);

#endif
