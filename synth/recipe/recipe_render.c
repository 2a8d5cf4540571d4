#include <string.h>

#include "synth/recipe/changed.h"
#include "synth/recipe/recipe.h"

int iad_blend_reach(const iad_blend *blend) { return blend->mode == IAD_BLEND_FEATHER ? (3 * blend->feather + 999) / 1000 : 0; }

iad_rect iad_layers_box(const iad_defect_layers *layers, const iad_blend *blend, int width, int height) {
    iad_rect box = {width, height, 0, 0};
    int reach = iad_blend_reach(blend);
    for (int i = 0; i < layers->n; i++) {
        const iad_defect_layer *layer = &layers->items[i];
        int x0 = layer->x - reach, y0 = layer->y - reach, x1 = layer->x + layer->cover.width + reach, y1 = layer->y + layer->cover.height + reach;
        box.x0 = x0 < box.x0 ? x0 : box.x0;
        box.y0 = y0 < box.y0 ? y0 : box.y0;
        box.x1 = x1 > box.x1 ? x1 : box.x1;
        box.y1 = y1 > box.y1 ? y1 : box.y1;
    }
    if (layers->n == 0) return (iad_rect){0, 0, 0, 0};
    box.x0 = box.x0 < 0 ? 0 : box.x0;
    box.y0 = box.y0 < 0 ? 0 : box.y0;
    box.x1 = box.x1 > width ? width : box.x1;
    box.y1 = box.y1 > height ? height : box.y1;
    return box;
}

void iad_layers_geom(const iad_defect_layers *layers, const iad_blend *blend, int x0, int y0, iad_image *geom) {
    int least = blend->mode == IAD_BLEND_POISSON || blend->mode == IAD_BLEND_MIXED ? 128 : 1;
    for (int i = 0; i < layers->n; i++) {
        const iad_defect_layer *layer = &layers->items[i];
        for (int y = 0; y < layer->cover.height; y++) {
            const uint8_t *restrict cover = iad_image_at(&layer->cover, 0, y);
            uint8_t *restrict to = iad_image_at(geom, layer->x - x0, layer->y - y0 + y);
            for (int x = 0; x < layer->cover.width; x++) to[x] = (uint8_t)(to[x] | (cover[x] >= least ? 255 : 0));
        }
    }
}

iad_status iad_recipe_layers(const iad_recipe *recipe, const iad_defect_scene *scene, iad_defect_layers *layers, iad_err *err) {
    memset(layers, 0, sizeof *layers);
    if (!scene->dst || scene->dst->width != recipe->work_w || scene->dst->height != recipe->work_h)
        return IAD_FAIL(err, IAD_ERR_ARG, "the recipe is for a picture of %dx%d, this one is %dx%d", recipe->work_w, recipe->work_h,
                        scene->dst ? scene->dst->width : 0, scene->dst ? scene->dst->height : 0);
    if (scene->fg && (scene->fg->mask.width != recipe->work_w || scene->fg->mask.height != recipe->work_h))
        return IAD_FAIL(err, IAD_ERR_ARG, "the object's mask is %dx%d, the picture %dx%d", scene->fg->mask.width, scene->fg->mask.height,
                        recipe->work_w, recipe->work_h);
    iad_status status = recipe->generator->layers(scene, recipe->params, layers, err);
    if (status != IAD_OK) iad_err_prefix(err, "%s", recipe->generator->name);
    for (int i = 0; status == IAD_OK && i < layers->n; i++) {
        const iad_defect_layer *layer = &layers->items[i];
        if (layer->x < 0 || layer->y < 0 || layer->cover.width > recipe->work_w - layer->x || layer->cover.height > recipe->work_h - layer->y ||
            layer->content.channels != scene->dst->channels || layer->content.width != layer->cover.width ||
            layer->content.height != layer->cover.height)
            status = IAD_FAIL(err, IAD_ERR_INTERNAL, "%s made a layer that does not fit the picture", recipe->generator->name);
    }
    if (status != IAD_OK) iad_defect_layers_deinit(layers);
    return status;
}

static iad_status masks(const iad_recipe *recipe, const iad_defect_scene *scene, const iad_defect_layers *layers, const iad_image *out,
                        iad_image *vis, iad_image *geom, iad_recipe_facts *facts, iad_err *err) {
    iad_visible_rule rule = IAD_VISIBLE_DEFAULT;
    int null_edit = recipe->generator->null_edit;
    iad_image seen = {0}, pasted = {0};
    iad_status status = iad_image_init(&pasted, out->width, out->height, 1, err);
    if (status == IAD_OK && (vis || (facts && !null_edit))) status = iad_image_init(&seen, out->width, out->height, 1, err);
    if (status == IAD_OK) iad_layers_geom(layers, &recipe->blend, 0, 0, &pasted);
    if (status == IAD_OK && !null_edit && (vis || facts)) {
        iad_visible_facts found;
        iad_rect box = iad_layers_box(layers, &recipe->blend, out->width, out->height);
        status = iad_visible_mask(scene->dst, out, &pasted, scene->fg, box, iad_blend_reach(&recipe->blend), &rule, &seen, &found, err);
        if (facts) facts->visible = found;
    } else if (status == IAD_OK && facts) {
        facts->visible.enough = 1;
    }
    if (facts) facts->area_frac = (double)facts->visible.vis_area / ((double)out->width * (double)out->height);
    if (status == IAD_OK && vis) {
        *vis = seen;
        seen.px = NULL;
    }
    if (status == IAD_OK && geom) {
        *geom = pasted;
        pasted.px = NULL;
    }
    iad_image_deinit(&seen);
    iad_image_deinit(&pasted);
    return status;
}

iad_status iad_recipe_apply(const iad_recipe *recipe, const iad_defect_scene *scene, iad_image *picture, iad_err *err) {
    iad_defect_layers layers;
    if (picture->width != recipe->work_w || picture->height != recipe->work_h || picture->channels != scene->dst->channels)
        return IAD_FAIL(err, IAD_ERR_ARG, "the picture to change is not of the scene's size or channels");
    IAD_TRY(iad_recipe_layers(recipe, scene, &layers, err));
    iad_status status = IAD_OK;
    for (int i = 0; status == IAD_OK && i < layers.n; i++) status = iad_blend_layer(picture, &layers.items[i], &recipe->blend, err);
    iad_defect_layers_deinit(&layers);
    return status;
}

iad_status iad_recipe_render(const iad_recipe *recipe, const iad_defect_scene *scene, iad_image *out, iad_image *vis, iad_image *geom,
                             iad_recipe_facts *facts, iad_err *err) {
    iad_defect_layers layers;
    memset(out, 0, sizeof *out);
    if (vis) memset(vis, 0, sizeof *vis);
    if (geom) memset(geom, 0, sizeof *geom);
    if (facts) memset(facts, 0, sizeof *facts);
    IAD_TRY(iad_recipe_layers(recipe, scene, &layers, err));
    iad_status status = iad_image_copy(scene->dst, out, err);
    for (int i = 0; status == IAD_OK && i < layers.n; i++) status = iad_blend_layer(out, &layers.items[i], &recipe->blend, err);
    if (status == IAD_OK && (vis || geom || facts)) status = masks(recipe, scene, &layers, out, vis, geom, facts, err);
    iad_defect_layers_deinit(&layers);
    if (status != IAD_OK) iad_image_deinit(out);
    return status;
}
