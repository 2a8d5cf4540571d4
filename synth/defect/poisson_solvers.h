/* The two solvers behind iad_poisson_solve, for it, for the blender and for tests. Both solve 4 f - (sum of the four neighbours) = div on
 * pixels inside, for `planes` pictures (the channels) at once, one after the other in memory. */
#ifndef IAD_SYNTH_POISSON_SOLVERS_H
#define IAD_SYNTH_POISSON_SOLVERS_H

#include <stdint.h>

#include "base/status.h"

/* Exact, for a full rectangle: value is [planes][h][w], its outermost pixels are the boundary, w, h >= 3. DST-I along the axis whose length suits
 * better, a tridiagonal system (in double) along the other. div [planes][h][w], or NULL for zero (Laplace), which is faster.
 * wide 0: without the wider registers (the same bits). Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
iad_status iad_poisson_rect(int planes, int w, int h, const float *div, float *value, int wide, iad_err *err);

/* By conjugate gradients with a multigrid V-cycle as preconditioner, for any inside (the box's border outside), until the last V-cycle corrects less
 * than `tolerance` grey levels, at most IAD_POISSON_CYCLES. *cycles (may be NULL) says how many the slowest plane took. wide as above.
 * Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
#define IAD_POISSON_CYCLES 60
iad_status iad_poisson_grid(int planes, int w, int h, const uint8_t *inside, const float *div, float *value, float tolerance, int wide, int *cycles,
                            iad_err *err);

/* iad_poisson_solve for several planes; div NULL: zero. */
iad_status iad_poisson_planes(int planes, int w, int h, const uint8_t *inside, const float *div, float *value, iad_err *err);

#endif
