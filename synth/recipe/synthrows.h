/* Recipes as rows of the table `synth`. The column params holds the whole recipe (iad_recipe_json); the other columns are for queries. mask_geom
 * stays empty: it is made from the recipe when somebody asks. */
#ifndef IAD_SYNTH_SYNTHROWS_H
#define IAD_SYNTH_SYNTHROWS_H

#include "manifests/manifest.h"
#include "manifests/records.h"
#include "synth/recipe/recipe.h"

typedef struct iad_synth_row {
    int64_t id;
    int64_t dst_image, src_image, tex_image; /* 0: none */
    iad_recipe recipe;                       /* owned */
    char preset[16];
    int attempts;
    int64_t mask_vis;  /* 0: null edit */
    iad_recipe_facts facts;
    double label_conf;
} iad_synth_row;
void iad_synth_row_deinit(iad_synth_row *row);

/* How sure it is that a person would call it a defect, 0.5..1, from how strongly and how much of what was pasted can be seen. */
double iad_label_confidence(const iad_recipe_facts *facts);

/* Writes the row unless the recipe is there already (*added 0). vis: its mask, ready for the database, NULL for null edits. */
iad_status iad_synth_put(iad_manifest *manifest, const iad_synth_row *row, const iad_mask_row *vis, int *added, iad_err *err);
/* IAD_ERR_NOT_FOUND names the id; a recipe that cannot be read names the row. The facts hold only what the row stores. */
iad_status iad_synth_get(iad_manifest *manifest, int64_t id, iad_synth_row *row, iad_err *err);
/* 1 in *there when a recipe with this seed exists for the picture. */
iad_status iad_synth_there(iad_manifest *manifest, int64_t dst_image, uint64_t seed, int *there, iad_err *err);

#endif
