/* An edit after which the part is as good as before: a piece is put back where it was cut, as it is ("repaste") or with a change that nobody sees
 * ("faint"). It goes through the same blending as every defect, so that traces of editing alone do not mean "defective" (synth-data 1.8). */
#include <string.h>

#include "synth/defect/piece.h"

#define FAINT_SPREAD 4000 /* grey draws double it: +-0.8 %, two grey levels at most */

static iad_status draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err) {
    double all = (double)scene->dst->width * scene->dst->height;
    double area = size->published ? all * iad_rng_range(rng, 0.02, 0.15) : iad_defect_area(scene, size, rng);
    int w, h, x, y;
    iad_defect_box(scene, rng, area, &w, &h);
    IAD_TRY(iad_defect_place(scene, rng, w, h, NULL, 0.25, &x, &y, err));
    int faint = iad_rng_chance(rng, 0.5);
    iad_color_jitter jitter = iad_color_jitter_draw(rng, 1, FAINT_SPREAD);
    if (!faint) jitter = (iad_color_jitter){1000000, 1000000, 1000000, 0, 0};
    *params = json_pack("{s:i,s:i,s:i,s:i,s:s,s:o}", "x", x, "y", y, "w", w, "h", h, "kind", faint ? "faint" : "repaste", "jitter",
                        iad_color_jitter_json(&jitter));
    return *params ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for the parameters of an edit");
}

static iad_status layers(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *out, iad_err *err) {
    iad_piece piece = {0};
    iad_color_jitter jitter;
    *out = (iad_defect_layers){0};
    IAD_TRY(iad_defect_param(params, "w", 1, scene->dst->width, &piece.w, err));
    IAD_TRY(iad_defect_param(params, "h", 1, scene->dst->height, &piece.h, err));
    IAD_TRY(iad_defect_param(params, "x", 0, scene->dst->width - piece.w, &piece.x, err));
    IAD_TRY(iad_defect_param(params, "y", 0, scene->dst->height - piece.h, &piece.y, err));
    IAD_TRY(iad_color_jitter_parse(params, "jitter", &jitter, err));
    iad_defect_layer *layer = &out->items[0];
    *layer = (iad_defect_layer){.x = (int)piece.x, .y = (int)piece.y};
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

const iad_defect_generator iad_defect_null_edit = {.name = "null_edit", .version = "1", .null_edit = 1, .draw = draw, .layers = layers};
