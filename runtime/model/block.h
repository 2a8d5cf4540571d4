/* What the blocks of the vision tower and the layers of the language model have in common: their buffers, and everything behind the
 * attention. */
#ifndef IAD_MODEL_BLOCK_H
#define IAD_MODEL_BLOCK_H

#include "runtime/ops.h"

/* Buffers of one block of n rows. D: width of the model, A: n_head * d_head, B: width of q, k and v together, I: of the feed-forward part.
 * Inference hands the same ones to every block; training hands each block its own, which then hold what the backward pass needs.
 * m = rows of gate_up: the feed-forward part runs over so many rows at a time. */
typedef struct iad_block_acts {
    iad_mat norm1;    /* [n][D] input type of the products */
    iad_mat qkv;      /* [n][B] f32; q and k rotated */
    iad_mat attn;     /* [n][A] input type */
    iad_mat mid;      /* [n][D] f32: x after attention; may be x itself */
    iad_mat norm2;    /* [n][D] input type */
    iad_mat gate_up;  /* [m][2I] f32 */
    iad_mat hidden;   /* [m][I] input type */
} iad_block_acts;

typedef struct iad_block_weights {
    const float *norm1, *norm2;           /* device [D] */
    iad_weight *qkv, *out, *gate_up, *down;
} iad_block_weights;

/* mid = x + out(attn), then out = mid + down(silu(gate) * up) of norm2(mid). acts->attn holds the attention's result. out may be x. */
iad_status iad_block_finish(iad_queue *queue, const iad_block_weights *weights, float eps, const iad_block_acts *acts, iad_mat x, iad_mat out,
                            iad_err *err);

#endif
