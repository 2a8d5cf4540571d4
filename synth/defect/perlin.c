/* Foreign texture under a noise mask (DRAEM; variants of RealNet and GLASS; synth-data 1.4, 1.5). The texture comes from the scene's texture picture,
 * or from the source or the destination itself after strong operations. Opacity is chosen with the blend. */
#include "synth/defect/noisemask.h"
#include "synth/defect/texture.h"

static const iad_image *texture_of(const iad_defect_scene *scene, int64_t from) {
    return from == 2 ? scene->tex : from == 1 ? scene->src : scene->dst;
}

static iad_status draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err) {
    iad_noise_mask mask;
    iad_texture_step steps[IAD_TEXTURE_STEPS];
    IAD_TRY(iad_noise_mask_draw(scene, size, rng, &mask, err));
    iad_texture_draw(rng, steps);
    int from = scene->tex ? 2 : scene->src ? 1 : 0;
    const iad_image *texture = texture_of(scene, from);
    int tx = iad_rng_int(rng, 0, texture->width - 1), ty = iad_rng_int(rng, 0, texture->height - 1);
    *params = json_pack("{s:i,s:i,s:i,s:o}", "from", from, "from_x", tx, "from_y", ty, "ops", iad_texture_json(steps));
    if (*params && iad_noise_mask_json(&mask, *params)) return IAD_OK;
    json_decref(*params);
    *params = NULL;
    return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for the parameters of a defect");
}

static iad_status layers(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *out, iad_err *err) {
    iad_noise_mask mask;
    iad_texture_step steps[IAD_TEXTURE_STEPS];
    int64_t from, tx, ty, area;
    *out = (iad_defect_layers){0};
    IAD_TRY(iad_noise_mask_parse(scene, params, &mask, err));
    IAD_TRY(iad_texture_parse(params, "ops", steps, err));
    IAD_TRY(iad_defect_param(params, "from", 0, 2, &from, err));
    const iad_image *texture = texture_of(scene, from);
    if (!texture) return IAD_FAIL(err, IAD_ERR_FORMAT, "the recipe takes its texture from a picture that is not there");
    IAD_TRY(iad_defect_param(params, "from_x", 0, texture->width - 1, &tx, err));
    IAD_TRY(iad_defect_param(params, "from_y", 0, texture->height - 1, &ty, err));
    iad_defect_layer *layer = &out->items[0];
    *layer = (iad_defect_layer){.x = (int)mask.x, .y = (int)mask.y};
    out->n = 1;
    iad_status status = iad_noise_mask_cover(scene, &mask, &layer->cover, &area, err);
    if (status == IAD_OK)
        status = iad_texture_cut(texture, tx, ty, iad_texture_angle(steps), (int)mask.w, (int)mask.h, scene->dst->channels, scene->grey,
                                 &layer->content, err);
    for (int i = 0; i < IAD_TEXTURE_STEPS && scene->grey; i++) /* channels treated apart would bring colour back */
        if (steps[i].op == IAD_TEXTURE_GAMMA) steps[i].b = steps[i].c = steps[i].a;
    if (status == IAD_OK) status = iad_texture_apply(&layer->content, steps, err);
    if (status != IAD_OK) iad_defect_layers_deinit(out);
    return status;
}

const iad_defect_generator iad_defect_perlin = {.name = "perlin", .version = "1", .wants_src = 1, .wants_tex = 1, .draw = draw, .layers = layers};
