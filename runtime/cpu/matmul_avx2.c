#include "runtime/cpu/matmul_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "runtime/cpu/matmul_finish.h"
#include "runtime/cpu/matmul_quant.h"

#define AVX2 __attribute__((target("avx2,fma")))
#define ALWAYS static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

/* Sixteen registers hold the sums of 6 rows x 16 outputs: the panel is walked in four strips of 16. A strip touches one line of four,
 * which memory dislikes, so the walk is by pieces of some groups, and each strip of a piece asks for its lines of the next one. */
enum { PIECE = 128, AHEAD = PIECE * IAD_GROUP_BYTES };

ALWAYS float *acc_at(const iad_tile *t, int r, int o) { return (float *)(void *)((char *)t->acc + (size_t)r * t->acc_stride) + o; }

ALWAYS AVX2 void load_acc(const int rows, const iad_tile *t, int strip, __m256 acc[IAD_TILE_ROWS][2]) {
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < 2; v++)
            acc[r][v] = t->load ? _mm256_loadu_ps(acc_at(t, r, strip * 16 + v * 8)) : _mm256_setzero_ps();
}

ALWAYS AVX2 void store_acc(const int rows, const iad_tile *t, int strip, __m256 acc[IAD_TILE_ROWS][2]) {
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < 2; v++) _mm256_storeu_ps(acc_at(t, r, strip * 16 + v * 8), acc[r][v]);
}

ALWAYS AVX2 void f32_rows(const int rows, const iad_tile *t) {
    for (int strip = 0; strip * 16 < t->cols; strip++) {
        __m256 acc[IAD_TILE_ROWS][2];
        load_acc(rows, t, strip, acc);
        const unsigned char *p = t->panel + strip * 64;
        const char *x = t->x;
        for (int64_t g = 0; g < t->n_group; g++, p += IAD_GROUP_BYTES, x += 4) {
            _mm_prefetch((const char *)p + AHEAD, _MM_HINT_T1);
            __m256 w0 = _mm256_load_ps((const float *)(const void *)p), w1 = _mm256_load_ps((const float *)(const void *)(p + 32));
            UNROLL for (int r = 0; r < rows; r++) {
                __m256 xr = _mm256_broadcast_ss((const float *)(const void *)(x + (size_t)r * t->x_stride));
                acc[r][0] = _mm256_fmadd_ps(w0, xr, acc[r][0]);
                acc[r][1] = _mm256_fmadd_ps(w1, xr, acc[r][1]);
            }
        }
        store_acc(rows, t, strip, acc);
    }
}

ALWAYS AVX2 void bf16_rows(const int rows, const iad_tile *t) {
    const __m256i high = _mm256_set1_epi32((int)0xffff0000u);
    for (int strip = 0; strip * 16 < t->cols; strip++) {
        __m256 acc[IAD_TILE_ROWS][2];
        load_acc(rows, t, strip, acc);
        const unsigned char *p = t->panel + strip * 64;
        const char *x = t->x;
        for (int64_t g = 0; g < t->n_group; g++, p += IAD_GROUP_BYTES, x += 8) {
            _mm_prefetch((const char *)p + AHEAD, _MM_HINT_T1);
            const __m256i *w = (const __m256i *)(const void *)p;
            __m256 w0 = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_load_si256(w), 16));
            __m256 w1 = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_load_si256(w + 1), 16));
            UNROLL for (int r = 0; r < rows; r++) {
                __m256 xr = _mm256_broadcast_ss((const float *)(const void *)(x + (size_t)r * t->x_stride));
                acc[r][0] = _mm256_fmadd_ps(w0, xr, acc[r][0]);
                acc[r][1] = _mm256_fmadd_ps(w1, xr, acc[r][1]);
            }
            w0 = _mm256_castsi256_ps(_mm256_and_si256(_mm256_load_si256(w), high));
            w1 = _mm256_castsi256_ps(_mm256_and_si256(_mm256_load_si256(w + 1), high));
            UNROLL for (int r = 0; r < rows; r++) {
                __m256 xr = _mm256_broadcast_ss((const float *)(const void *)(x + (size_t)r * t->x_stride + 4));
                acc[r][0] = _mm256_fmadd_ps(w0, xr, acc[r][0]);
                acc[r][1] = _mm256_fmadd_ps(w1, xr, acc[r][1]);
            }
        }
        store_acc(rows, t, strip, acc);
    }
}

/* 16-bit products, exact: VPMADDUBSW would saturate. Each accumulator holds two partial sums of 4 outputs; the pairs are added
 * at the end. */
ALWAYS AVX2 void i8_rows(const int rows, const iad_tile *t) {
    for (int strip = 0; strip * 8 < t->cols; strip++) {
        __m256i acc[IAD_TILE_ROWS][2];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int v = 0; v < 2; v++) acc[r][v] = _mm256_setzero_si256();
        const unsigned char *p = t->panel + strip * 32;
        const char *x = t->x;
        for (int64_t g = 0; g < t->n_group; g++, p += IAD_GROUP_BYTES, x += 8) {
            _mm_prefetch((const char *)p + AHEAD, _MM_HINT_T1);
            const __m128i *w = (const __m128i *)(const void *)p;
            __m256i w0 = _mm256_cvtepi8_epi16(_mm_load_si128(w)), w1 = _mm256_cvtepi8_epi16(_mm_load_si128(w + 1));
            UNROLL for (int r = 0; r < rows; r++) {
                __m256i xr = _mm256_castpd_si256(_mm256_broadcast_sd((const double *)(const void *)(x + (size_t)r * t->x_stride)));
                acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(w0, xr));
                acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(w1, xr));
            }
        }
        UNROLL for (int r = 0; r < rows; r++) {
            __m256i sum = _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[r][0], acc[r][1]), 0xd8);
            __m256i *out = (__m256i *)(void *)acc_at(t, r, strip * 8);
            if (t->load) sum = _mm256_add_epi32(sum, _mm256_loadu_si256(out));
            _mm256_storeu_si256(out, sum);
        }
    }
}

#define BY_ROWS(name, body, x_group)                                                      \
    AVX2 void name(const iad_tile *tile) {                                                \
        iad_tile piece = *tile;                                                           \
        for (int64_t g = 0; g < tile->n_group; g += PIECE) {                              \
            piece.n_group = tile->n_group - g < PIECE ? tile->n_group - g : PIECE;        \
            switch (tile->rows) {                                                         \
            case 1: body(1, &piece); break;                                               \
            case 2: body(2, &piece); break;                                               \
            case 3: body(3, &piece); break;                                               \
            case 4: body(4, &piece); break;                                               \
            case 5: body(5, &piece); break;                                               \
            default: body(6, &piece); break;                                              \
            }                                                                             \
            piece.x = (const char *)piece.x + PIECE * (x_group);                          \
            piece.panel += PIECE * IAD_GROUP_BYTES;                                       \
            piece.load = 1;                                                               \
        }                                                                                 \
    }

BY_ROWS(iad_tile_f32_avx2, f32_rows, 4)
BY_ROWS(iad_tile_bf16_avx2, bf16_rows, 8)
BY_ROWS(iad_tile_i8_avx2, i8_rows, 8)

AVX2 void iad_finish_avx2(const iad_finish *finish) { iad_finish_body(finish); }

AVX2 void iad_quantise_avx2(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q, float *scale) {
    iad_quant_body(x, type, n, form, q, scale);
}

#endif
