/* Bilinear resizing between grids as a linear map B and its transpose. Half-pixel centres, clamped at the border: cell i of n_out lies
 * at (i + 0.5) n_in / n_out - 0.5 of the source axis. Double precision, no state. */
#ifndef IAD_TRAIN_BILINEAR_H
#define IAD_TRAIN_BILINEAR_H

/* dst [out_h][out_w] = B src, src [h][w]. All sides at least 1. */
void iad_bilinear(const double *src, int h, int w, double *dst, int out_h, int out_w);
/* dst [h][w] += B^T src, src [out_h][out_w]. */
void iad_bilinear_adjoint(const double *src, int out_h, int out_w, double *dst, int h, int w);

#endif
