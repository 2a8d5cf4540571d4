#include "runtime/cpu/matmul_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "runtime/cpu/matmul_finish.h"
#include "runtime/cpu/matmul_quant.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,avx512bf16")))
#define AVX512_VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,avx512vnni")))
#define ALWAYS static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

enum { AHEAD = 2048 }; /* bytes of the panel fetched ahead of their use */

typedef struct __attribute__((packed, may_alias)) word {
    uint32_t bits;
} word;

/* The sums of up to 6 rows x 64 outputs live in 24 registers; each group costs 4 loads of the panel and a broadcast per row. The
 * bodies are written for a constant number of rows and vectors and instantiated below. The dot products are inline assembly: gcc 12
 * stores and reloads the accumulators of the intrinsics at every step. */

ALWAYS float *acc_at(const iad_tile *t, int r, int v) { return (float *)(void *)((char *)t->acc + (size_t)r * t->acc_stride) + v * 16; }

ALWAYS AVX512 void load_acc(const int rows, const int vectors, const iad_tile *t, __m512 acc[IAD_TILE_ROWS][4]) {
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            acc[r][v] = t->load ? _mm512_loadu_ps(acc_at(t, r, v)) : _mm512_setzero_ps();
}

ALWAYS AVX512 void store_acc(const int rows, const int vectors, const iad_tile *t, __m512 acc[IAD_TILE_ROWS][4]) {
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) _mm512_storeu_ps(acc_at(t, r, v), acc[r][v]);
}

ALWAYS AVX512 void fetch(const int vectors, const unsigned char *p) {
    UNROLL for (int v = 0; v < vectors; v++) _mm_prefetch((const char *)p + AHEAD + 64 * v, _MM_HINT_T0);
}

ALWAYS AVX512 void f32_rows(const int rows, const int vectors, const iad_tile *t) {
    __m512 acc[IAD_TILE_ROWS][4];
    load_acc(rows, vectors, t, acc);
    const unsigned char *p = t->panel;
    const char *x = t->x;
    for (int64_t g = 0; g < t->n_group; g++, p += IAD_GROUP_BYTES, x += 4) {
        fetch(vectors, p);
        __m512 w[4];
        UNROLL for (int v = 0; v < vectors; v++) w[v] = _mm512_load_ps(p + 64 * v);
        UNROLL for (int r = 0; r < rows; r++) {
            __m512 xr = _mm512_set1_ps(*(const float *)(const void *)(x + (size_t)r * t->x_stride));
            UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = _mm512_fmadd_ps(w[v], xr, acc[r][v]);
        }
    }
    store_acc(rows, vectors, t, acc);
}

ALWAYS AVX512 void bf16_rows(const int rows, const int vectors, const iad_tile *t) {
    __m512 acc[IAD_TILE_ROWS][4];
    load_acc(rows, vectors, t, acc);
    const unsigned char *p = t->panel;
    const char *x = t->x;
    const __m512i high = _mm512_set1_epi32((int)0xffff0000u);
    for (int64_t g = 0; g < t->n_group; g++, p += IAD_GROUP_BYTES, x += 8) {
        fetch(vectors, p);
        __m512 even[4];
        UNROLL for (int v = 0; v < vectors; v++)
            even[v] = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_load_si512(p + 64 * v), 16));
        UNROLL for (int r = 0; r < rows; r++) {
            __m512 xr = _mm512_set1_ps(*(const float *)(const void *)(x + (size_t)r * t->x_stride));
            UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = _mm512_fmadd_ps(even[v], xr, acc[r][v]);
        }
        __m512 odd[4];
        UNROLL for (int v = 0; v < vectors; v++)
            odd[v] = _mm512_castsi512_ps(_mm512_and_si512(_mm512_load_si512(p + 64 * v), high));
        UNROLL for (int r = 0; r < rows; r++) {
            __m512 xr = _mm512_set1_ps(*(const float *)(const void *)(x + (size_t)r * t->x_stride + 4));
            UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = _mm512_fmadd_ps(odd[v], xr, acc[r][v]);
        }
    }
    store_acc(rows, vectors, t, acc);
}

ALWAYS AVX512_BF16 void dot_rows(const int rows, const int vectors, const iad_tile *t) {
    __m512 acc[IAD_TILE_ROWS][4];
    load_acc(rows, vectors, t, acc);
    const unsigned char *p = t->panel;
    const char *x = t->x;
    for (int64_t g = 0; g < t->n_group; g++, p += IAD_GROUP_BYTES, x += 4) {
        fetch(vectors, p);
        __m512i w[4];
        UNROLL for (int v = 0; v < vectors; v++) w[v] = _mm512_load_si512(p + 64 * v);
        UNROLL for (int r = 0; r < rows; r++) {
            const word *pair = (const word *)(const void *)(x + (size_t)r * t->x_stride);
            __m512i xr = _mm512_set1_epi32((int)pair->bits);
            UNROLL for (int v = 0; v < vectors; v++) __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc[r][v]) : "v"(w[v]), "v"(xr));
        }
    }
    store_acc(rows, vectors, t, acc);
}

ALWAYS AVX512_VNNI void vnni_rows(const int rows, const int vectors, const iad_tile *t) {
    __m512i acc[IAD_TILE_ROWS][4];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            acc[r][v] = t->load ? _mm512_loadu_si512(acc_at(t, r, v)) : _mm512_setzero_si512();
    const unsigned char *p = t->panel;
    const char *x = t->x;
    for (int64_t g = 0; g < t->n_group; g++, p += IAD_GROUP_BYTES, x += 4) {
        fetch(vectors, p);
        __m512i w[4];
        UNROLL for (int v = 0; v < vectors; v++) w[v] = _mm512_load_si512(p + 64 * v);
        UNROLL for (int r = 0; r < rows; r++) {
            const word *four = (const word *)(const void *)(x + (size_t)r * t->x_stride);
            __m512i xr = _mm512_set1_epi32((int)four->bits);
            UNROLL for (int v = 0; v < vectors; v++) __asm__("vpdpbusd %2, %1, %0" : "+v"(acc[r][v]) : "v"(xr), "v"(w[v]));
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) _mm512_storeu_si512(acc_at(t, r, v), acc[r][v]);
}

#define BY_ROWS(body, vectors)                           \
    switch (tile->rows) {                                \
    case 1: body(1, vectors, tile); break;               \
    case 2: body(2, vectors, tile); break;               \
    case 3: body(3, vectors, tile); break;               \
    case 4: body(4, vectors, tile); break;               \
    case 5: body(5, vectors, tile); break;               \
    default: body(6, vectors, tile); break;              \
    }

/* The last panel of a layer may have few outputs: then less than four vectors are worked on. */
#define KERNEL(name, target, body)                                             \
    target static void body##_narrow(const iad_tile *tile) {                   \
        if (tile->cols > 32) { BY_ROWS(body, 3) }                      \
        else if (tile->cols > 16) { BY_ROWS(body, 2) }                 \
        else { BY_ROWS(body, 1) }                                      \
    }                                                                          \
    target void name(const iad_tile *tile) {                                   \
        if (tile->cols <= 48) body##_narrow(tile);                             \
        else { BY_ROWS(body, 4) }                                      \
    }

KERNEL(iad_tile_f32_avx512, AVX512, f32_rows)
KERNEL(iad_tile_bf16_avx512, AVX512, bf16_rows)
KERNEL(iad_tile_bf16_dot, AVX512_BF16, dot_rows)
KERNEL(iad_tile_i8_vnni, AVX512_VNNI, vnni_rows)

AVX512 void iad_finish_avx512(const iad_finish *finish) { iad_finish_body(finish); }

AVX512 void iad_quantise_avx512(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q, float *scale) {
    iad_quant_body(x, type, n, form, q, scale);
}

#endif
