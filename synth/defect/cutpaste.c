/* CutPaste (Li et al. 2021): a rectangle of the picture, its colours jittered, pasted elsewhere. synth-data 1.2. The published 3-way task is the
 * preset `paper`: good pictures, this generator and scar.c. */
#include <string.h>

#include "synth/defect/piece.h"

#define SPREAD 100000 /* +-0.1 */

static iad_status draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err) {
    double all = (double)scene->dst->width * scene->dst->height;
    double area = size->published ? all * iad_rng_range(rng, 0.02, 0.15) : iad_defect_area(scene, size, rng);
    iad_defect_scene where = *scene;
    int w, h, x, y;
    if (size->published) where.fg = NULL; /* anywhere in the picture */
    iad_defect_box(scene, rng, area, &w, &h);
    iad_piece piece = iad_piece_draw(scene, rng, w, h, !size->published);
    IAD_TRY(iad_defect_place(&where, rng, w, h, NULL, 0.5, &x, &y, err));
    iad_color_jitter jitter = iad_color_jitter_draw(rng, scene->grey, SPREAD);
    *params = json_pack("{s:i,s:i,s:o}", "x", x, "y", y, "jitter", iad_color_jitter_json(&jitter));
    if (*params && iad_piece_json(&piece, *params)) return IAD_OK;
    json_decref(*params);
    *params = NULL;
    return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for the parameters of a defect");
}

static iad_status layers(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *out, iad_err *err) {
    iad_piece piece;
    iad_color_jitter jitter;
    int64_t x, y;
    *out = (iad_defect_layers){0};
    IAD_TRY(iad_piece_parse(scene, params, &piece, err));
    IAD_TRY(iad_color_jitter_parse(params, "jitter", &jitter, err));
    IAD_TRY(iad_defect_param(params, "x", 0, scene->dst->width - piece.w, &x, err));
    IAD_TRY(iad_defect_param(params, "y", 0, scene->dst->height - piece.h, &y, err));
    iad_defect_layer *layer = &out->items[0];
    *layer = (iad_defect_layer){.x = (int)x, .y = (int)y};
    out->n = 1;
    iad_status status = iad_piece_cut(scene, &piece, &layer->content, err);
    if (status == IAD_OK) status = iad_image_init_raw(&layer->cover, (int)piece.w, (int)piece.h, 1, err);
    if (status != IAD_OK) {
        iad_defect_layers_deinit(out);
        return status;
    }
    iad_color_jitter_apply(&layer->content, &jitter);
    memset(layer->cover.px, 255, (size_t)piece.w * (size_t)piece.h);
    return IAD_OK;
}

const iad_defect_generator iad_defect_cutpaste = {.name = "cutpaste", .version = "1", .wants_src = 1, .draw = draw, .layers = layers};
