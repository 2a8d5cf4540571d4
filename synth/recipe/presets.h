/* What a preset is: for draw.c and tests. */
#ifndef IAD_SYNTH_PRESETS_H
#define IAD_SYNTH_PRESETS_H

#include "synth/recipe/recipe.h"

#define IAD_PRESET_MAX 8

/* One generator's part in a preset. */
typedef struct iad_preset_item {
    const iad_defect_generator *generator;
    int share;                  /* of 1000 recipes; the shares of a preset add up to 1000 */
    int opacity_lo, opacity_hi; /* alpha, 1/1000000, uniform */
    int blend[4];               /* weights of hard, feather, poisson, mixed; all 0: poisson on objects, mixed on textures */
} iad_preset_item;

struct iad_preset {
    const char *name;
    iad_preset_item items[IAD_PRESET_MAX];
    int n;
    iad_defect_size size;
};

const iad_preset_item *iad_preset_pick(const iad_preset *preset, uint64_t seed);
iad_blend iad_preset_blend(const iad_preset_item *item, const iad_defect_scene *scene, iad_rng *rng);

#endif
