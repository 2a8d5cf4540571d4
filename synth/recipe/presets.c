#include "synth/recipe/presets.h"

#include <string.h>

#define ALL 1000000
#define MIX {35, 30, 25, 10} /* an edge that always looks the same would be learnt instead of the defect (synth-data 1.8) */
/* A spot changes the light of what is there: its gradients inside are the picture's own, so that solving for them would take the spot away again. */
#define SOFT {50, 50, 0, 0}

/* synth-data 1.9. paper: what the publication took its inspiration from, with the published sizes. full: a tenth of the recipes are null edits, the
 * rest is divided by the recommended shares. Its sizes are log-uniform shares of the object, half of them below 0.87 %. */
static const iad_preset presets[] = {
    {"paper",
     {{&iad_defect_cutpaste, 500, ALL, ALL, {1, 0, 0, 0}}, {&iad_defect_scar, 500, ALL, ALL, {1, 0, 0, 0}}},
     2,
     {1, 0, 0}},
    {"full",
     {{&iad_defect_cutpaste, 180, ALL, ALL, MIX},
      {&iad_defect_scar, 180, ALL, ALL, MIX},
      {&iad_defect_nsa, 225, ALL, ALL, {0, 0, 0, 0}},
      {&iad_defect_perlin, 180, 200000, ALL, MIX},
      {&iad_defect_shuffle, 45, 150000, ALL, MIX},
      {&iad_defect_spot, 90, ALL, ALL, SOFT},
      {&iad_defect_null_edit, 100, ALL, ALL, MIX}},
     7,
     {0, 0.0005, 0.15}}};

const iad_preset *iad_preset_find(const char *name) {
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (name && strcmp(presets[i].name, name) == 0) return &presets[i];
    return NULL;
}

const char *iad_preset_name(const iad_preset *preset) { return preset->name; }

const iad_preset_item *iad_preset_pick(const iad_preset *preset, uint64_t seed) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    int at = (int)iad_rng_below(&rng, 1000);
    const iad_preset_item *item = preset->items;
    while (at >= item->share && item + 1 < preset->items + preset->n) at -= (item++)->share;
    return item;
}

const iad_defect_generator *iad_preset_generator(const iad_preset *preset, uint64_t seed) { return iad_preset_pick(preset, seed)->generator; }

iad_blend iad_preset_blend(const iad_preset_item *item, const iad_defect_scene *scene, iad_rng *rng) {
    iad_blend blend = {IAD_BLEND_HARD, 0, 0};
    int total = item->blend[0] + item->blend[1] + item->blend[2] + item->blend[3];
    int at = (int)iad_rng_below(rng, (uint32_t)(total > 0 ? total : 1)), feather = iad_rng_int(rng, 500, 2000);
    blend.opacity = iad_rng_int(rng, item->opacity_lo, item->opacity_hi);
    if (total == 0) {
        blend.mode = !scene->fg || scene->fg->texture ? IAD_BLEND_MIXED : IAD_BLEND_POISSON;
    } else {
        int mode = 0;
        while (mode < 3 && at >= item->blend[mode]) at -= item->blend[mode++];
        blend.mode = (iad_blend_mode)mode;
    }
    if (blend.mode == IAD_BLEND_FEATHER) blend.feather = feather;
    return blend;
}
