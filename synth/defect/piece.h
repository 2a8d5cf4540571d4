/* A rectangle of a picture as the content of a layer: what cutpaste, scar and null edits have in common. */
#ifndef IAD_SYNTH_PIECE_H
#define IAD_SYNTH_PIECE_H

#include "synth/defect/defect.h"

/* Where a piece is taken from: a rectangle of the destination or of the source picture. */
typedef struct iad_piece {
    int from_src;
    int64_t x, y, w, h;
} iad_piece;

/* Draws where a piece of w x h is cut: from src half of the time when there is one that is large enough and `others` is 1, else from dst; uniform. */
iad_piece iad_piece_draw(const iad_defect_scene *scene, iad_rng *rng, int w, int h, int others);
/* Members "from", "from_x", "from_y", "w", "h" of params. */
int iad_piece_json(const iad_piece *piece, json_t *params); /* 0: out of memory */
iad_status iad_piece_parse(const iad_defect_scene *scene, const json_t *params, iad_piece *piece, iad_err *err);
/* Copies it; *out is initialised here. IAD_ERR_FORMAT when its picture is absent or smaller. */
iad_status iad_piece_cut(const iad_defect_scene *scene, const iad_piece *piece, iad_image *out, iad_err *err);

#endif
