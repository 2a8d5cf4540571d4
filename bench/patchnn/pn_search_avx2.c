/* The AVX2 kernels: pairs of 16-bit products by vpmaddwd, eight entries in a register. */
#include "bench/patchnn/pn_search.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define TILE 4   /* queries that share one load of a block */

TARGET static inline int32_t sum8(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

TARGET static int32_t norm_of(const int16_t *v, int n) {
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < n; i += 16) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(v + i));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, x));
    }
    return sum8(sum);
}

/* Lowest value, then lowest index, of eight lanes; `at` holds entry numbers. */
TARGET static inline void reduce(__m256i best, __m256i at, int32_t *value, int32_t *index) {
    int32_t v[8], i[8];
    _mm256_storeu_si256((__m256i *)(void *)v, best);
    _mm256_storeu_si256((__m256i *)(void *)i, at);
    for (int k = 0; k < 8; k++)
        if (v[k] < *value || (v[k] == *value && i[k] < *index)) *value = v[k], *index = i[k];
}

TARGET static inline __m256i broadcast_pair(const int16_t *p) {
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* The smallest norm - 2 dot over blocks [from, to) for `tile` queries. */
TARGET static inline __attribute__((always_inline)) void scan(const iad_pn_bank *bank, const int16_t *queries, int tile, int from, int to,
                                                              int32_t *value, int32_t *index) {
    __m256i best[TILE], at[TILE];
    for (int q = 0; q < tile; q++) best[q] = _mm256_set1_epi32(INT32_MAX), at[q] = _mm256_setzero_si256();
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int b = from; b < to; b++) {
        const int16_t *block = bank->blocks + (size_t)b * (size_t)bank->pairs * IAD_PN_BLOCK * 2;
        __m256i sum[TILE][2];
        for (int q = 0; q < tile; q++) sum[q][0] = sum[q][1] = _mm256_setzero_si256();
        for (int k = 0; k < bank->pairs; k++) {
            __m256i low = _mm256_load_si256((const __m256i *)(const void *)(block + (size_t)k * 32));
            __m256i high = _mm256_load_si256((const __m256i *)(const void *)(block + (size_t)k * 32 + 16));
            for (int q = 0; q < tile; q++) {
                __m256i pair = broadcast_pair(queries + (ptrdiff_t)q * bank->row_dims + 2 * k);
                sum[q][0] = _mm256_add_epi32(sum[q][0], _mm256_madd_epi16(low, pair));
                sum[q][1] = _mm256_add_epi32(sum[q][1], _mm256_madd_epi16(high, pair));
            }
        }
        for (int half = 0; half < 2; half++) {
            __m256i norm = _mm256_load_si256((const __m256i *)(const void *)(bank->norm + b * IAD_PN_BLOCK + 8 * half));
            __m256i here = _mm256_add_epi32(lanes, _mm256_set1_epi32(b * IAD_PN_BLOCK + 8 * half));
            for (int q = 0; q < tile; q++) {
                __m256i v = _mm256_sub_epi32(norm, _mm256_slli_epi32(sum[q][half], 1));
                __m256i less = _mm256_cmpgt_epi32(best[q], v);
                best[q] = _mm256_blendv_epi8(best[q], v, less);
                at[q] = _mm256_blendv_epi8(at[q], here, less);
            }
        }
    }
    for (int q = 0; q < tile; q++) reduce(best[q], at[q], &value[q], &index[q]);
}

TARGET static void search_avx2(const iad_pn_bank *bank, const int16_t *queries, int n_queries, int32_t *distance, int32_t *index) {
    int32_t value[TILE], at[TILE];
    for (int q0 = 0; q0 < n_queries; q0 += TILE) {
        int tile = n_queries - q0 < TILE ? n_queries - q0 : TILE;
        for (int q = 0; q < TILE; q++) value[q] = INT32_MAX, at[q] = INT32_MAX;
        const int16_t *row = queries + (ptrdiff_t)q0 * bank->row_dims;
        if (tile == TILE) scan(bank, row, TILE, 0, bank->n_blocks, value, at);
        else
            for (int q = 0; q < tile; q++) scan(bank, row + (ptrdiff_t)q * bank->row_dims, 1, 0, bank->n_blocks, value + q, at + q);
        for (int q = 0; q < tile; q++) {
            distance[q0 + q] = value[q] + norm_of(row + (ptrdiff_t)q * bank->row_dims, bank->row_dims);
            if (index) index[q0 + q] = at[q];
        }
    }
}

TARGET static int32_t window_avx2(const iad_pn_bank *bank, const int16_t *query, int32_t query_norm, int first, int count) {
    int32_t best = INT32_MAX;
    for (int i = first; i < first + count; i++) {
        const int16_t *row = bank->rows + (ptrdiff_t)i * bank->row_dims;
        __m256i sum = _mm256_setzero_si256();
        for (int k = 0; k < bank->row_dims; k += 16)
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_load_si256((const __m256i *)(const void *)(row + k)),
                                                          _mm256_loadu_si256((const __m256i *)(const void *)(query + k))));
        int32_t d = query_norm + bank->norm[i] - 2 * sum8(sum);
        if (d < best) best = d;
    }
    return best;
}

const iad_pn_kernels *iad_pn_kernels_avx2(void) {
    static const iad_pn_kernels kernels = {"avx2", search_avx2, window_avx2};
    return __builtin_cpu_supports("avx2") ? &kernels : NULL;
}

#else

const iad_pn_kernels *iad_pn_kernels_avx2(void) { return NULL; }

#endif
