/* Rows of a stacked layer as a card holds them: the storage's type, padded with zeros. Host work, by several threads. */
#ifndef IAD_CUDA_WEIGHTROWS_H
#define IAD_CUDA_WEIGHTROWS_H

#include "runtime/ops.h"

/* Rows [row, row + n) of all parts of a checked spec into dst, `stride` elements (at least n_in) of spec->storage each. scale: [n], of IAD_I8
 * storage, by the rule of runtime/cpu/pack.h. Errors: IAD_ERR_NOMEM, IAD_ERR_UNSUPPORTED (a part's type). */
iad_status iad_weight_rows(const iad_weight_spec *spec, int64_t row, int64_t n, int64_t stride, void *dst, float *scale, iad_err *err);

#endif
