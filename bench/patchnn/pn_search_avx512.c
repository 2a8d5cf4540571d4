/* The AVX-512 kernels: pairs of 16-bit products summed by vpdpwssd, sixteen entries in a register. */
#include "bench/patchnn/pn_search.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2")))
#define CHUNK 24 /* blocks (some 20 KB) that stay in the first-level cache while a stretch of queries passes */
#define TILE 6   /* queries that share one load of a block */
#define STRETCH (TILE * 32)

TARGET static inline __m512i broadcast_pair(const int16_t *p) {
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
}

TARGET static int32_t norm_of(const int16_t *v, int n) {
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < n; i += 16) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(v + i));
        sum = _mm256_dpwssd_epi32(sum, x, x);
    }
    return _mm512_reduce_add_epi32(_mm512_zextsi256_si512(sum));
}

/* Updates value and index (the running minima of norm - 2 dot) of `tile` queries with blocks [from, to). */
TARGET static inline __attribute__((always_inline)) void scan(const iad_pn_bank *bank, const int16_t *queries, int tile, int from, int to,
                                                              int32_t *value, int32_t *index) {
    __m512i best[TILE], at[TILE];
    for (int q = 0; q < tile; q++) best[q] = _mm512_set1_epi32(INT32_MAX), at[q] = _mm512_setzero_si512();
    int b = from;
    for (; b + 2 <= to; b += 2) {
        const int16_t *one = bank->blocks + (size_t)b * (size_t)bank->pairs * IAD_PN_BLOCK * 2;
        const int16_t *two = one + (size_t)bank->pairs * IAD_PN_BLOCK * 2;
        __m512i sum[TILE][2];
        for (int q = 0; q < tile; q++) sum[q][0] = sum[q][1] = _mm512_setzero_si512();
        for (int k = 0; k < bank->pairs; k++) {
            __m512i x = _mm512_load_si512(one + (size_t)k * 32), y = _mm512_load_si512(two + (size_t)k * 32);
            for (int q = 0; q < tile; q++) {
                __m512i pair = broadcast_pair(queries + (ptrdiff_t)q * bank->row_dims + 2 * k);
                sum[q][0] = _mm512_dpwssd_epi32(sum[q][0], x, pair);
                sum[q][1] = _mm512_dpwssd_epi32(sum[q][1], y, pair);
            }
        }
        for (int half = 0; half < 2; half++) {
            __m512i norm = _mm512_load_si512(bank->norm + (b + half) * IAD_PN_BLOCK), here = _mm512_set1_epi32(b + half);
            for (int q = 0; q < tile; q++) {
                __m512i v = _mm512_sub_epi32(norm, _mm512_slli_epi32(sum[q][half], 1));
                __mmask16 less = _mm512_cmplt_epi32_mask(v, best[q]);
                best[q] = _mm512_mask_mov_epi32(best[q], less, v);
                at[q] = _mm512_mask_mov_epi32(at[q], less, here);
            }
        }
    }
    for (; b < to; b++) {
        const int16_t *one = bank->blocks + (size_t)b * (size_t)bank->pairs * IAD_PN_BLOCK * 2;
        for (int q = 0; q < tile; q++) {
            __m512i sum = _mm512_setzero_si512();
            for (int k = 0; k < bank->pairs; k++)
                sum = _mm512_dpwssd_epi32(sum, _mm512_load_si512(one + (size_t)k * 32),
                                          broadcast_pair(queries + (ptrdiff_t)q * bank->row_dims + 2 * k));
            __m512i v = _mm512_sub_epi32(_mm512_load_si512(bank->norm + b * IAD_PN_BLOCK), _mm512_slli_epi32(sum, 1));
            __mmask16 less = _mm512_cmplt_epi32_mask(v, best[q]);
            best[q] = _mm512_mask_mov_epi32(best[q], less, v);
            at[q] = _mm512_mask_mov_epi32(at[q], less, _mm512_set1_epi32(b));
        }
    }
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int q = 0; q < tile; q++) {
        int32_t v = _mm512_reduce_min_epi32(best[q]);
        if (v >= value[q]) continue; /* chunks come in ascending order: an equal value lies at a higher index */
        __m512i entry = _mm512_add_epi32(_mm512_slli_epi32(at[q], 4), lanes);
        __mmask16 equal = _mm512_cmpeq_epi32_mask(best[q], _mm512_set1_epi32(v));
        value[q] = v;
        index[q] = _mm512_mask_reduce_min_epi32(equal, entry);
    }
}

TARGET static void search_avx512(const iad_pn_bank *bank, const int16_t *queries, int n_queries, int32_t *distance, int32_t *index) {
    int32_t value[STRETCH], at[STRETCH];
    for (int q0 = 0; q0 < n_queries; q0 += STRETCH) {
        int stretch = n_queries - q0 < STRETCH ? n_queries - q0 : STRETCH;
        const int16_t *rows = queries + (ptrdiff_t)q0 * bank->row_dims;
        for (int q = 0; q < stretch; q++) value[q] = INT32_MAX, at[q] = 0;
        for (int from = 0; from < bank->n_blocks; from += CHUNK) {
            int to = from + CHUNK < bank->n_blocks ? from + CHUNK : bank->n_blocks, q = 0;
            for (; q + TILE <= stretch; q += TILE) scan(bank, rows + (ptrdiff_t)q * bank->row_dims, TILE, from, to, value + q, at + q);
            for (; q < stretch; q++) scan(bank, rows + (ptrdiff_t)q * bank->row_dims, 1, from, to, value + q, at + q);
        }
        for (int q = 0; q < stretch; q++) {
            distance[q0 + q] = value[q] + norm_of(rows + (ptrdiff_t)q * bank->row_dims, bank->row_dims);
            if (index) index[q0 + q] = at[q];
        }
    }
}

TARGET static int32_t window_avx512(const iad_pn_bank *bank, const int16_t *query, int32_t query_norm, int first, int count) {
    int32_t best = INT32_MAX;
    for (int i = first; i < first + count; i++) {
        const int16_t *row = bank->rows + (ptrdiff_t)i * bank->row_dims;
        __m256i sum = _mm256_setzero_si256();
        for (int k = 0; k < bank->row_dims; k += 16)
            sum = _mm256_dpwssd_epi32(sum, _mm256_load_si256((const __m256i *)(const void *)(row + k)),
                                      _mm256_loadu_si256((const __m256i *)(const void *)(query + k)));
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
        int32_t d = query_norm + bank->norm[i] - 2 * _mm_cvtsi128_si32(s);
        if (d < best) best = d;
    }
    return best;
}

const iad_pn_kernels *iad_pn_kernels_avx512(void) {
    static const iad_pn_kernels kernels = {"avx512-vnni", search_avx512, window_avx512};
    int have = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vnni");
    return have ? &kernels : NULL;
}

#else

const iad_pn_kernels *iad_pn_kernels_avx512(void) { return NULL; }

#endif
