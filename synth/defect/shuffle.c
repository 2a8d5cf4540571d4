/* MemSeg's structural defect (synth-data 1.5): the picture itself after three operations, cut into tiles that are shuffled, seen under a noise mask.
 */
#include <string.h>

#include "synth/defect/noisemask.h"
#include "synth/defect/texture.h"

enum { MAX_TILES = 8 };

static iad_status draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err) {
    iad_noise_mask mask;
    iad_texture_step steps[IAD_TEXTURE_STEPS];
    IAD_TRY(iad_noise_mask_draw(scene, size, rng, &mask, err));
    iad_texture_draw(rng, steps);
    int64_t seed = (int64_t)(iad_rng_u64(rng) >> 2);
    int rows = iad_rng_chance(rng, 0.5) ? 8 : 4; /* 8 x 8 and 4 x 8 are both in use */
    *params = json_pack("{s:i,s:I,s:o}", "rows", rows, "order", (json_int_t)seed, "ops", iad_texture_json(steps));
    if (*params && iad_noise_mask_json(&mask, *params)) return IAD_OK;
    json_decref(*params);
    *params = NULL;
    return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for the parameters of a defect");
}

/* The box of the picture, its tiles in the order of `seed`. A box that no whole number of tiles fills keeps what is left over in place. */
static iad_status shuffled(const iad_defect_scene *scene, const iad_noise_mask *mask, int rows, uint64_t seed, iad_image *out, iad_err *err) {
    IAD_TRY(iad_image_init_raw(out, (int)mask->w, (int)mask->h, scene->dst->channels, err));
    size_t bytes = (size_t)scene->dst->channels;
    int columns = MAX_TILES, tile_w = out->width / columns, tile_h = out->height / rows;
    for (int y = 0; y < out->height; y++)
        memcpy(iad_image_at(out, 0, y), iad_image_at(scene->dst, (int)mask->x, (int)mask->y + y), (size_t)out->width * bytes);
    if (tile_w < 1 || tile_h < 1) return IAD_OK;
    uint32_t order[MAX_TILES * MAX_TILES];
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    for (uint32_t i = 0; i < (uint32_t)(rows * columns); i++) order[i] = i;
    iad_rng_shuffle(&rng, order, (uint32_t)(rows * columns));
    for (int i = 0; i < rows * columns; i++) {
        int to_x = i % columns * tile_w, to_y = i / columns * tile_h, from_x = (int)order[i] % columns * tile_w,
            from_y = (int)order[i] / columns * tile_h;
        for (int y = 0; y < tile_h; y++)
            memcpy(iad_image_at(out, to_x, to_y + y), iad_image_at(scene->dst, (int)mask->x + from_x, (int)mask->y + from_y + y),
                   (size_t)tile_w * bytes);
    }
    return IAD_OK;
}

static iad_status layers(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *out, iad_err *err) {
    iad_noise_mask mask;
    iad_texture_step steps[IAD_TEXTURE_STEPS];
    int64_t rows, seed, area;
    *out = (iad_defect_layers){0};
    IAD_TRY(iad_noise_mask_parse(scene, params, &mask, err));
    IAD_TRY(iad_texture_parse(params, "ops", steps, err));
    IAD_TRY(iad_defect_param(params, "rows", 1, MAX_TILES, &rows, err));
    IAD_TRY(iad_defect_param(params, "order", 0, INT64_MAX, &seed, err));
    for (int i = 0; i < IAD_TEXTURE_STEPS && scene->grey; i++)
        if (steps[i].op == IAD_TEXTURE_GAMMA) steps[i].b = steps[i].c = steps[i].a;
    iad_defect_layer *layer = &out->items[0];
    *layer = (iad_defect_layer){.x = (int)mask.x, .y = (int)mask.y};
    out->n = 1;
    iad_status status = iad_noise_mask_cover(scene, &mask, &layer->cover, &area, err);
    if (status == IAD_OK) status = shuffled(scene, &mask, (int)rows, (uint64_t)seed, &layer->content, err);
    if (status == IAD_OK) status = iad_texture_apply(&layer->content, steps, err);
    if (status != IAD_OK) iad_defect_layers_deinit(out);
    return status;
}

const iad_defect_generator iad_defect_shuffle = {.name = "shuffle", .version = "1", .draw = draw, .layers = layers};
