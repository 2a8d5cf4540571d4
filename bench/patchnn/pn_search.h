/* Exact nearest neighbours of 16-bit vectors under the squared Euclidean distance. Integer arithmetic: every kernel gives the same
 * numbers; the plain C one stays as the oracle. */
#ifndef IAD_BENCH_PATCHNN_PN_SEARCH_H
#define IAD_BENCH_PATCHNN_PN_SEARCH_H

#include <stdint.h>

#include "base/status.h"

#define IAD_PN_BLOCK 16      /* entries side by side in the interleaved copy */
#define IAD_PN_LIMIT 2047    /* |coordinate| of a bank entry or query: 65 dims * (2 * 2047)^2 stays below 2^31 */

/* n vectors of `dims` coordinates, twice: interleaved for the search through everything, row by row for windows. */
typedef struct iad_pn_bank {
    int n, n_blocks;
    int pairs;        /* coordinates / 2, rounded up: [block][pair][entry][2] */
    int row_dims;     /* coordinates rounded up to 16, zero padded: [entry][row_dims] */
    int16_t *blocks;
    int16_t *rows;
    int32_t *norm;    /* [n_blocks * 16] squared norms; INT32_MAX for padding entries */
} iad_pn_bank;

/* rows [n][row_dims] is copied; row_dims is a multiple of 16, coordinates beyond dims are 0. n >= 1. */
iad_status iad_pn_bank_init(iad_pn_bank *bank, const int16_t *rows, int n, int dims, iad_err *err);
void iad_pn_bank_deinit(iad_pn_bank *bank);
int iad_pn_row_dims(int dims);

/* For each of n_queries rows of bank->row_dims coordinates: squared distance and index of the nearest entry (the lowest index
 * among equals; index may be NULL). */
typedef void iad_pn_search_fn(const iad_pn_bank *bank, const int16_t *queries, int n_queries, int32_t *distance, int32_t *index);

/* Squared distance of one query to the nearest of `count` entries from `first` on. */
typedef int32_t iad_pn_window_fn(const iad_pn_bank *bank, const int16_t *query, int32_t query_norm, int first, int count);

typedef struct iad_pn_kernels {
    const char *name;
    iad_pn_search_fn *search;
    iad_pn_window_fn *window;
} iad_pn_kernels;

extern const iad_pn_kernels iad_pn_kernels_scalar;
/* NULL where the CPU (or the build) lacks the instructions. */
const iad_pn_kernels *iad_pn_kernels_avx2(void);
const iad_pn_kernels *iad_pn_kernels_avx512(void);
/* The best that this CPU has. */
const iad_pn_kernels *iad_pn_kernels_best(void);

#endif
