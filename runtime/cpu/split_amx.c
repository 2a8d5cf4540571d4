#include "runtime/cpu/split.h"

#if IAD_AMX

#include <immintrin.h>
#include <string.h>

#include "runtime/cpu/amx_words.h"

enum { HIGH, MIDDLE, LOW };

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,avx512bf16")))

/* ---- rows of x ---- */

/* Takes the next part off 32 values: out = bf16(v), v -= out. */
ALWAYS AVX512 void part_off(__m512 v[2], unsigned char *out) {
    __m512i half = (__m512i)_mm512_cvtne2ps_pbh(v[1], v[0]);
    _mm512_store_si512(out, half);
    for (int i = 0; i < 2; i++) {
        __m256i bits = i ? _mm512_extracti64x4_epi64(half, 1) : _mm512_castsi512_si256(half);
        v[i] = _mm512_sub_ps(v[i], _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16)));
    }
}

AVX512 void iad_split_rows(const float *x, int64_t stride, int rows, int64_t n_in, unsigned char *block) {
    for (int64_t i = 0; i < n_in; i += IAD_SPLIT_INPUTS, x += IAD_SPLIT_INPUTS, block += IAD_SPLIT_STEP) {
        int64_t left = n_in - i;
        __mmask16 m0 = (__mmask16)(left >= 16 ? 0xffff : (1 << left) - 1);
        __mmask16 m1 = (__mmask16)(left >= 32 ? 0xffff : left > 16 ? (1 << (left - 16)) - 1 : 0);
        for (int r = 0; r < rows; r++) {
            unsigned char *at = block + r * 64; /* the two tiles of a part lie behind each other */
            __m512 v[2] = {_mm512_maskz_loadu_ps(m0, x + r * stride), _mm512_maskz_loadu_ps(m1, x + r * stride + 16)};
            part_off(v, at);
            part_off(v, at + 2 * IAD_SPLIT_TILE);
            part_off(v, at + 4 * IAD_SPLIT_TILE);
        }
    }
}

/* ---- tiles ---- */

/* 0 to 3 are sums, 4 and 5 lines of x, 6 and 7 weights. */
#define LOAD_X(part)                                          \
    TILE_LOAD(4, x + 2 * (part) * IAD_SPLIT_TILE, line);      \
    if (lower) TILE_LOAD(5, x + (2 * (part) + 1) * IAD_SPLIT_TILE, line)
#define LOAD_W(part)                                          \
    TILE_LOAD(6, w + 2 * (part) * IAD_SPLIT_TILE, line);      \
    if (right) TILE_LOAD(7, w + (2 * (part) + 1) * IAD_SPLIT_TILE, line)
/* Before x is loaded again, and before w: what goes first is free first. */
#define DOT_X                                                 \
    TILE_DOT(0, 4, 6);                                        \
    if (right) TILE_DOT(1, 4, 7);                             \
    if (lower) TILE_DOT(2, 5, 6);                             \
    if (lower && right) TILE_DOT(3, 5, 7)
#define DOT_W                                                 \
    TILE_DOT(0, 4, 6);                                        \
    if (lower) TILE_DOT(2, 5, 6);                             \
    if (right) TILE_DOT(1, 4, 7);                             \
    if (lower && right) TILE_DOT(3, 5, 7)

/* The two tiles of a part in the next step: tile loads do not wake the hardware's prefetcher enough. */
ALWAYS void fetch(const unsigned char *p, int part) {
    const char *next = (const char *)p + IAD_SPLIT_STEP + 2 * part * IAD_SPLIT_TILE;
    for (int i = 0; i < 2 * IAD_SPLIT_TILE; i += 64) _mm_prefetch(next + i, _MM_HINT_T0);
}

/* A block of rows times 16 or, with `right`, 32 outputs; `lower`: more than 16 rows. Each product shares one side with the one before,
 * so that six of them take seven times two loads. */
ALWAYS void pair(const int lower, const int right, const iad_split_tile *t, const unsigned char *x, const unsigned char *w, const float *bias,
                 char *acc) {
    const size_t line = 64, same = 0, stride = t->acc_stride;
    if (t->load) {
        TILE_LOAD(0, acc, stride);
        if (right) TILE_LOAD(1, acc + 64, stride);
        if (lower) TILE_LOAD(2, acc + 16 * stride, stride);
        if (lower && right) TILE_LOAD(3, acc + 16 * stride + 64, stride);
    } else if (bias != NULL) {
        TILE_LOAD(0, bias, same);
        if (right) TILE_LOAD(1, bias + 16, same);
        if (lower) TILE_LOAD(2, bias, same);
        if (lower && right) TILE_LOAD(3, bias + 16, same);
    } else {
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
    }
    for (int64_t s = 0; s < t->n_step; s++, x += IAD_SPLIT_STEP, w += IAD_SPLIT_STEP) {
        LOAD_X(LOW);
        LOAD_W(HIGH);
        fetch(x, LOW);
        DOT_X;
        LOAD_X(MIDDLE);
        fetch(w, HIGH);
        DOT_W;
        LOAD_W(MIDDLE);
        fetch(x, MIDDLE);
        DOT_X;
        LOAD_X(HIGH);
        fetch(w, MIDDLE);
        DOT_W;
        LOAD_W(LOW);
        fetch(x, HIGH);
        DOT_W;
        LOAD_W(HIGH);
        fetch(w, LOW);
        DOT_X;
    }
    TILE_STORE(0, acc, stride);
    if (right) TILE_STORE(1, acc + 64, stride);
    if (lower) TILE_STORE(2, acc + 16 * stride, stride);
    if (lower && right) TILE_STORE(3, acc + 16 * stride + 64, stride);
}

/* Rows [begin, end), blocks of n. */
static void blocks(const iad_split_tile *t, int begin, int end, int n) {
    iad_amx_configure(n);
    for (int r = begin; r < end; r += n)
        for (int o = 0; o < t->cols; o += 32) {
            const unsigned char *x = t->x + (size_t)(r / IAD_SPLIT_ROWS * t->n_step) * IAD_SPLIT_STEP;
            const unsigned char *w = t->panel + (size_t)(o / 32 * t->panel_step) * IAD_SPLIT_STEP;
            const float *bias = t->bias != NULL ? t->bias + o : NULL;
            char *acc = (char *)(t->acc + o) + (size_t)r * t->acc_stride;
            int right = t->cols - o > 16;
            if (n > 16 && right) pair(1, 1, t, x, w, bias, acc);
            else if (n > 16) pair(1, 0, t, x, w, bias, acc);
            else if (right) pair(0, 1, t, x, w, bias, acc);
            else pair(0, 0, t, x, w, bias, acc);
        }
}

/* Every sum is one chain over the steps and their six products, whatever the rows beside it. */
void iad_split_multiply(const iad_split_tile *tile) {
    int whole = tile->rows / IAD_SPLIT_ROWS * IAD_SPLIT_ROWS;
    if (whole > 0) blocks(tile, 0, whole, IAD_SPLIT_ROWS);
    if (whole < tile->rows) blocks(tile, whole, tile->rows, tile->rows - whole);
    TILE_RELEASE;
}

#endif
