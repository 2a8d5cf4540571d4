/* Position ids and rotary angles. Positions are a state of their own: they do not follow from the number of cached
 * rows, since pictures advance them by the longer side of their grid and dropped tokens leave gaps (Qwen2-VL, section
 * 2; M-RoPE). */
#ifndef IAD_RUNTIME_POSITIONS_H
#define IAD_RUNTIME_POSITIONS_H

#include <stdint.h>

#include "base/status.h"

#define IAD_POSITION_MAX (1 << 24)  /* f32 holds every integer up to here */
#define IAD_ROPE_MAX_DIM 4096       /* d_head */

/* The counter of one sequence. Start with {0}; copy it to branch a sequence. `next` is also the position of the first
 * generated token; each further one is iad_positions_add_text with n = 1. */
typedef struct iad_positions {
    int64_t next;
} iad_positions;

/* n text tokens (vision start and end included): t = h = w = next, next + 1, ... Writes n values to each array.
 * Errors: IAD_ERR_ARG (n < 0), IAD_ERR_LIMIT (beyond IAD_POSITION_MAX); nothing is changed then. */
iad_status iad_positions_add_text(iad_positions *positions, int64_t n, int32_t *t, int32_t *h, int32_t *w,
                                  iad_err *err);

/* A picture of lh x lw merged tokens, raster order: t = next, h = next + y, w = next + x; then next += max(lh, lw).
 * Writes lh * lw values to each array. Same errors. */
iad_status iad_positions_add_image(iad_positions *positions, int lh, int lw, int32_t *t, int32_t *h, int32_t *w,
                                   iad_err *err);

/* The same for a compressed picture: writes only the tokens kept [n_kept], raster indices below lh * lw; the counter advances as if all had
 * stayed. kept NULL: the first n_kept (all: lh * lw). Same errors. */
iad_status iad_positions_add_kept(iad_positions *positions, int lh, int lw, const int32_t *kept, int64_t n_kept, int32_t *t, int32_t *h, int32_t *w,
                                  iad_err *err);

/* freq[j] = 1 / theta^(2j / dim), j = 0..dim/2-1, rounded as the reference does in float32: the exponent, the power and
 * the quotient are each rounded to float. Errors: IAD_ERR_ARG (dim odd, below 2, above IAD_ROPE_MAX_DIM; theta not
 * in 1..1e30). */
iad_status iad_rope_frequencies(int dim, double theta, float *freq, iad_err *err);

/* Tables of iad_ops.rope for the language model: cosine, sine [n][d_head / 2]; column i turns by pos_a * freq[i] (float
 * product), where a is t for the first sections[0] columns, h for the next sections[1], w for the rest. Cosine and sine
 * of the float angle in double, rounded once. Errors: IAD_ERR_ARG (sections do not sum to d_head / 2, a position
 * outside 0..IAD_POSITION_MAX), IAD_ERR_NOMEM. */
iad_status iad_mrope_angles(const int32_t *t, const int32_t *h, const int32_t *w, int64_t n, int d_head,
                            const int sections[3], double theta, float *cosine, float *sine, iad_err *err);

/* Tables for the vision tower: [n][d_head / 2]; the first d_head / 4 columns turn by row * freq, the others by col *
 * freq, with the frequencies of dim = d_head / 2. theta 10000 in every published model. Same errors; d_head a multiple
 * of 4. */
iad_status iad_vision_rope(const int32_t *row, const int32_t *col, int64_t n, int d_head, double theta, float *cosine,
                           float *sine, iad_err *err);

#endif
