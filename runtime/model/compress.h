/* Token compression of exemplars (paper, equations 7 to 9): of a picture's tokens those stay that are least like the first exemplar's. */
#ifndef IAD_MODEL_COMPRESS_H
#define IAD_MODEL_COMPRESS_H

#include "runtime/ops.h"

/* Tokens kept of n >= 1: floor(retention * n + 0.5), at least 1, at most n. */
int64_t iad_compress_count(int64_t n, double retention);

/* Which of tokens [n][d] stay when compared with reference [m][d], both device f32: the iad_compress_count least similar, ties to the
 * lower index. aligned 1: token by token (n = m), else each with its best match. kept [*n_kept] ascending, owned by the caller.
 * Errors: IAD_ERR_ARG (aligned pictures of different sizes), IAD_ERR_NOMEM. */
iad_status iad_compress_select(iad_queue *queue, iad_mat tokens, iad_mat reference, int aligned, double retention, int32_t **kept, int64_t *n_kept,
                               iad_err *err);

#endif
