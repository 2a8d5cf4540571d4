#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "synth/defect/visiblebox.h"
#include "synth/recipe/changed.h"
#include "synth/recipe/presets.h"
#include "synth/recipe/recipe.h"

/* Blends the layers into a copy of the changed box and looks what can be seen. seen: [h][w] of the box, initialised here. */
static iad_status look(const iad_recipe *recipe, const iad_defect_scene *scene, iad_defect_layers *layers, iad_rect box, iad_image *seen,
                       iad_visible_facts *facts, iad_err *err) {
    const iad_image *dst = scene->dst;
    int w = box.x1 - box.x0, h = box.y1 - box.y0;
    size_t row = (size_t)w * (size_t)dst->channels;
    iad_image piece = {0}, pasted = {0};
    iad_visible_rule rule = IAD_VISIBLE_DEFAULT;
    iad_status status = iad_image_init_raw(&piece, w, h, dst->channels, err);
    if (status == IAD_OK) status = iad_image_init(&pasted, w, h, 1, err);
    if (status == IAD_OK) status = iad_image_init_raw(seen, w, h, 1, err);
    if (status == IAD_OK) {
        for (int y = 0; y < h; y++) memcpy(iad_image_at(&piece, 0, y), iad_image_at(dst, box.x0, box.y0 + y), row);
        iad_layers_geom(layers, &recipe->blend, box.x0, box.y0, &pasted);
    }
    for (int i = 0; status == IAD_OK && i < layers->n; i++) {
        layers->items[i].x -= box.x0;
        layers->items[i].y -= box.y0;
        status = iad_blend_layer(&piece, &layers->items[i], &recipe->blend, err);
    }
    if (status == IAD_OK) {
        iad_visible_box work = {
            .width = dst->width, .height = dst->height, .channels = dst->channels, .box = box, .after = piece.px, .after_stride = row};
        work.before = iad_image_at(dst, box.x0, box.y0);
        work.before_stride = (size_t)dst->width * (size_t)dst->channels;
        work.geom = pasted.px;
        work.vis = seen->px;
        work.geom_stride = work.vis_stride = (size_t)w;
        status = iad_visible_in_box(&work, scene->fg, iad_blend_reach(&recipe->blend), &rule, facts, err);
    }
    iad_image_deinit(&piece);
    iad_image_deinit(&pasted);
    return status;
}

iad_status iad_recipe_try(const iad_recipe *recipe, const iad_defect_scene *scene, iad_image *vis, iad_recipe_facts *facts, iad_err *err) {
    iad_defect_layers layers = {0};
    iad_image seen = {0};
    iad_rect box = {0, 0, 0, 0};
    iad_status status = IAD_OK;
    if (vis) memset(vis, 0, sizeof *vis);
    memset(facts, 0, sizeof *facts);
    if (recipe->generator->null_edit) {
        facts->visible.enough = 1;
    } else {
        status = iad_recipe_layers(recipe, scene, &layers, err);
        if (status == IAD_OK) box = iad_layers_box(&layers, &recipe->blend, scene->dst->width, scene->dst->height);
        if (status == IAD_OK && layers.n > 0) status = look(recipe, scene, &layers, box, &seen, &facts->visible, err);
        facts->area_frac = (double)facts->visible.vis_area / ((double)recipe->work_w * (double)recipe->work_h);
    }
    if (status == IAD_OK && vis && facts->visible.enough) {
        status = iad_image_init(vis, scene->dst->width, scene->dst->height, 1, err);
        for (int y = box.y0; status == IAD_OK && y < box.y1; y++)
            memcpy(iad_image_at(vis, box.x0, y), iad_image_at(&seen, 0, y - box.y0), (size_t)(box.x1 - box.x0));
    }
    iad_image_deinit(&seen);
    iad_defect_layers_deinit(&layers);
    return status;
}

/* Solving for the inside of a large irregular piece costs more than encoding the whole picture: such pieces are feathered instead. Rectangles have a
 * direct solver. */
#define MAX_IRREGULAR_AREA (64 * 64)
static void spare_solver(iad_recipe *recipe) {
    json_int_t w = json_integer_value(json_object_get(recipe->params, "w")), h = json_integer_value(json_object_get(recipe->params, "h"));
    int irregular = recipe->generator == &iad_defect_perlin || recipe->generator == &iad_defect_shuffle || recipe->generator == &iad_defect_scar;
    if (!irregular || recipe->blend.mode < IAD_BLEND_POISSON || w * h <= MAX_IRREGULAR_AREA) return;
    recipe->blend.mode = IAD_BLEND_FEATHER;
    recipe->blend.feather = 1000;
}

iad_status iad_recipe_draw(const iad_preset *preset, const iad_defect_scene *scene, uint64_t seed, iad_recipe *recipe, iad_image *vis,
                           iad_recipe_facts *facts, int *attempts, iad_err *err) {
    const iad_preset_item *item = iad_preset_pick(preset, seed);
    iad_err why = IAD_ERR_NONE;
    iad_recipe_facts unwanted;
    if (!facts) facts = &unwanted;
    if (vis) memset(vis, 0, sizeof *vis);
    memset(facts, 0, sizeof *facts);
    memset(recipe, 0, sizeof *recipe);
    for (int i = 0; i < IAD_RECIPE_MAX_ATTEMPTS; i++) {
        iad_rng rng;
        iad_rng_init(&rng, seed, (uint64_t)i + 1);
        *recipe = (iad_recipe){.generator = item->generator, .seed = seed, .work_w = scene->dst->width, .work_h = scene->dst->height};
        if (attempts) *attempts = i + 1;
        iad_status status = item->generator->draw(scene, &preset->size, &rng, &recipe->params, &why);
        if (status == IAD_ERR_NOT_FOUND) continue;
        if (status == IAD_OK) {
            recipe->blend = iad_preset_blend(item, scene, &rng);
            spare_solver(recipe);
            status = iad_recipe_try(recipe, scene, vis, facts, &why);
        }
        if (status == IAD_OK && facts->visible.enough) return IAD_OK;
        iad_recipe_deinit(recipe);
        if (status != IAD_OK) {
            memset(recipe, 0, sizeof *recipe);
            if (err) *err = why;
            return status;
        }
    }
    memset(recipe, 0, sizeof *recipe);
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: nothing visible enough in %d draws%s%s", item->generator->name, IAD_RECIPE_MAX_ATTEMPTS,
                    *why.msg ? "; " : "", why.msg);
}

iad_status iad_recipe_twin(const iad_preset *preset, const iad_defect_scene *scene, const iad_recipe *recipe, iad_recipe *twin, iad_image *vis,
                           iad_recipe_facts *facts, iad_err *err) {
    const iad_preset_item *item = NULL;
    iad_preset_item solved;
    for (int i = 0; i < preset->n; i++)
        if (preset->items[i].generator == recipe->generator) item = &preset->items[i];
    if (item &&
        item->blend[0] + item->blend[1] + item->blend[2] + item->blend[3] == 0) { /* blended by its gradients alone: the twin shows the seam */
        solved = *item;
        solved.blend[IAD_BLEND_FEATHER] = 1;
        item = &solved;
    }
    memset(twin, 0, sizeof *twin);
    if (vis) memset(vis, 0, sizeof *vis);
    iad_rng rng;
    iad_rng_init(&rng, recipe->seed, UINT64_MAX);
    for (int i = 0; item && !recipe->generator->null_edit && i < 16; i++) {
        iad_blend blend = iad_preset_blend(item, scene, &rng);
        if (blend.mode == recipe->blend.mode) continue;
        *twin = *recipe;
        twin->blend = blend;
        twin->blend.opacity = recipe->blend.opacity;
        spare_solver(twin);
        if (twin->blend.mode == recipe->blend.mode) continue;
        IAD_TRY(iad_recipe_try(twin, scene, vis, facts, err));
        if (facts->visible.enough) {
            json_incref(twin->params);
            return IAD_OK;
        }
    }
    memset(twin, 0, sizeof *twin);
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no other blend with which enough can be seen", recipe->generator->name);
}
