#include "synth/defect/piece.h"

#include <string.h>

#include "base/image/image.h"

iad_piece iad_piece_draw(const iad_defect_scene *scene, iad_rng *rng, int w, int h, int others) {
    int from_src = iad_rng_chance(rng, 0.5) && others && scene->src && scene->src->width >= w && scene->src->height >= h;
    const iad_image *picture = from_src ? scene->src : scene->dst;
    iad_piece piece = {.from_src = from_src, .w = w, .h = h};
    piece.x = iad_rng_int(rng, 0, picture->width - w);
    piece.y = iad_rng_int(rng, 0, picture->height - h);
    return piece;
}

int iad_piece_json(const iad_piece *piece, json_t *params) {
    return json_object_set_new(params, "from", json_string(piece->from_src ? "src" : "dst")) == 0 &&
           json_object_set_new(params, "from_x", json_integer(piece->x)) == 0 && json_object_set_new(params, "from_y", json_integer(piece->y)) == 0 &&
           json_object_set_new(params, "w", json_integer(piece->w)) == 0 && json_object_set_new(params, "h", json_integer(piece->h)) == 0;
}

iad_status iad_piece_parse(const iad_defect_scene *scene, const json_t *params, iad_piece *piece, iad_err *err) {
    const char *from = json_string_value(json_object_get(params, "from"));
    if (!from || (strcmp(from, "src") != 0 && strcmp(from, "dst") != 0))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"from\" is neither src nor dst");
    piece->from_src = from[0] == 's';
    const iad_image *picture = piece->from_src ? scene->src : scene->dst;
    if (!picture) return IAD_FAIL(err, IAD_ERR_FORMAT, "the recipe cuts from a source picture, and there is none");
    IAD_TRY(iad_defect_param(params, "w", 1, picture->width, &piece->w, err));
    IAD_TRY(iad_defect_param(params, "h", 1, picture->height, &piece->h, err));
    IAD_TRY(iad_defect_param(params, "from_x", 0, picture->width - piece->w, &piece->x, err));
    return iad_defect_param(params, "from_y", 0, picture->height - piece->h, &piece->y, err);
}

iad_status iad_piece_cut(const iad_defect_scene *scene, const iad_piece *piece, iad_image *out, iad_err *err) {
    const iad_image *picture = piece->from_src ? scene->src : scene->dst;
    if (picture->channels != scene->dst->channels) return IAD_FAIL(err, IAD_ERR_ARG, "source and destination differ in channels");
    IAD_TRY(iad_image_init_raw(out, (int)piece->w, (int)piece->h, picture->channels, err));
    for (int row = 0; row < out->height; row++)
        memcpy(iad_image_at(out, 0, row), iad_image_at(picture, (int)piece->x, (int)piece->y + row), (size_t)out->width * (size_t)out->channels);
    return IAD_OK;
}
