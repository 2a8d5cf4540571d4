/* What a recipe changes: for render.c and draw.c. */
#ifndef IAD_SYNTH_CHANGED_H
#define IAD_SYNTH_CHANGED_H

#include "synth/recipe/recipe.h"

/* Pixels by which a blend reaches beyond the cover. */
int iad_blend_reach(const iad_blend *blend);
/* The box that holds every pixel that the layers change; empty without layers. */
iad_rect iad_layers_box(const iad_defect_layers *layers, const iad_blend *blend, int width, int height);
/* Marks in geom (255) what the layers' covers can change. x0, y0: where geom's upper left corner lies in the picture. */
void iad_layers_geom(const iad_defect_layers *layers, const iad_blend *blend, int x0, int y0, iad_image *geom);
/* Layers of a recipe whose scene has been checked. */
iad_status iad_recipe_layers(const iad_recipe *recipe, const iad_defect_scene *scene, iad_defect_layers *layers, iad_err *err);

#endif
