/* Bank layout, the plain C kernels, and the choice of kernels. */
#include "bench/patchnn/pn_search.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int iad_pn_row_dims(int dims) { return (dims + 15) / 16 * 16; }

iad_status iad_pn_bank_init(iad_pn_bank *bank, const int16_t *rows, int n, int dims, iad_err *err) {
    *bank = (iad_pn_bank){.n = n, .n_blocks = (n + IAD_PN_BLOCK - 1) / IAD_PN_BLOCK, .pairs = (dims + 1) / 2, .row_dims = iad_pn_row_dims(dims)};
    size_t n_padded = (size_t)bank->n_blocks * IAD_PN_BLOCK, row = (size_t)bank->row_dims, pairs = (size_t)bank->pairs;
    bank->blocks = iad_alloc_aligned(n_padded * pairs * 2, sizeof *bank->blocks);
    bank->rows = iad_alloc_aligned((size_t)n * row, sizeof *bank->rows);
    bank->norm = iad_alloc_aligned(n_padded, sizeof *bank->norm);
    if (!bank->blocks || !bank->rows || !bank->norm) {
        iad_pn_bank_deinit(bank);
        return IAD_NOMEM(err, "the bank of patches");
    }
    memcpy(bank->rows, rows, (size_t)n * row * sizeof *rows);
    for (size_t i = 0; i < n_padded; i++) {
        int16_t *out = bank->blocks + (i / IAD_PN_BLOCK) * pairs * IAD_PN_BLOCK * 2 + (i % IAD_PN_BLOCK) * 2;
        int32_t norm = 0;
        for (size_t k = 0; k < pairs; k++) {
            for (size_t j = 0; j < 2; j++) {
                int16_t v = i < (size_t)n ? rows[i * row + 2 * k + j] : 0;
                out[k * IAD_PN_BLOCK * 2 + j] = v;
                norm += (int32_t)v * v;
            }
        }
        bank->norm[i] = i < (size_t)n ? norm : INT32_MAX;
    }
    return IAD_OK;
}

void iad_pn_bank_deinit(iad_pn_bank *bank) {
    free(bank->blocks);
    free(bank->rows);
    free(bank->norm);
    *bank = (iad_pn_bank){0};
}

static int32_t dot(const int16_t *a, const int16_t *b, int n) {
    int32_t sum = 0;
    for (int i = 0; i < n; i++) sum += (int32_t)a[i] * b[i];
    return sum;
}

static int32_t window_scalar(const iad_pn_bank *bank, const int16_t *query, int32_t query_norm, int first, int count) {
    int32_t best = INT32_MAX;
    for (int i = first; i < first + count; i++) {
        int32_t d = query_norm + bank->norm[i] - 2 * dot(query, bank->rows + (ptrdiff_t)i * bank->row_dims, bank->row_dims);
        if (d < best) best = d;
    }
    return best;
}

static void search_scalar(const iad_pn_bank *bank, const int16_t *queries, int n_queries, int32_t *distance, int32_t *index) {
    for (int q = 0; q < n_queries; q++) {
        const int16_t *query = queries + (ptrdiff_t)q * bank->row_dims;
        int32_t norm = dot(query, query, bank->row_dims), best = INT32_MAX;
        int at = 0;
        for (int i = 0; i < bank->n; i++) {
            int32_t d = norm + bank->norm[i] - 2 * dot(query, bank->rows + (ptrdiff_t)i * bank->row_dims, bank->row_dims);
            if (d < best) best = d, at = i;
        }
        distance[q] = best;
        if (index) index[q] = at;
    }
}

const iad_pn_kernels iad_pn_kernels_scalar = {"scalar", search_scalar, window_scalar};

const iad_pn_kernels *iad_pn_kernels_best(void) {
    const iad_pn_kernels *k = iad_pn_kernels_avx512();
    if (!k) k = iad_pn_kernels_avx2();
    return k ? k : &iad_pn_kernels_scalar;
}
