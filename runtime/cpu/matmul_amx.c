#include "runtime/cpu/matmul_kernels.h"

#if IAD_AMX

#include <immintrin.h>

#include "runtime/cpu/amx_words.h"

/* Eight tile registers of 16 lines of 64 bytes. 0 to 3 are sums, 4 and 5 rows of x (32 inputs), 6 and 7 weights (16 groups of 16
 * outputs). Either 32 rows x 32 outputs, 4 loads for 4 products, or up to 16 rows x 64 outputs, where 5 holds weights too. */
enum {
    STEP_BYTES = IAD_AMX_GROUPS * IAD_GROUP_BYTES, /* of the panel in a step */
    X_STEP_BYTES = 64,
    BLOCK_GROUPS = 512,      /* groups of a panel used for all rows before the next: 128 KiB, stays in the second cache */
    AHEAD = STEP_BYTES / 2   /* bytes of the panel fetched ahead of their first use */
};

/* Lines [0, lines) of each of the step's groups after the next AHEAD bytes. */
ALWAYS void fetch(const int lines, const unsigned char *p) {
    for (int g = 0; g < IAD_AMX_GROUPS; g++)
        for (int i = 0; i < lines; i++) _mm_prefetch((const char *)p + AHEAD + g * IAD_GROUP_BYTES + 64 * i, _MM_HINT_T0);
}

/* Where a block of rows meets some groups of a panel. */
typedef struct block {
    const char *x;
    size_t x_stride;
    const unsigned char *panel;
    int64_t n_group;
    const char *tail;        /* of x for the last step, or NULL */
    char *acc;
    size_t acc_stride;
    int load;
} block;

/* 17 to 32 rows, 16 or 32 outputs. */
ALWAYS void pair(const int both, const int fresh, const block *b) {
    const size_t line = IAD_GROUP_BYTES;
    char *low = b->acc + 16 * b->acc_stride;
    if (b->load) {
        TILE_LOAD(0, b->acc, b->acc_stride);
        TILE_LOAD(2, low, b->acc_stride);
        if (both) TILE_LOAD(1, b->acc + 64, b->acc_stride);
        if (both) TILE_LOAD(3, low + 64, b->acc_stride);
    } else {
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
    }
    const unsigned char *p = b->panel;
    const char *x = b->x;
    size_t stride = b->x_stride;
    for (int64_t g = 0; g < b->n_group; g += IAD_AMX_GROUPS, p += STEP_BYTES, x += X_STEP_BYTES) {
        if (b->tail != NULL && g + IAD_AMX_GROUPS == b->n_group) {
            x = b->tail;
            stride = X_STEP_BYTES;
        }
        if (fresh) fetch(both ? 2 : 1, p);
        TILE_LOAD(6, p, line);
        TILE_LOAD(4, x, stride);
        TILE_DOT(0, 4, 6);
        TILE_LOAD(5, x + 16 * stride, stride);
        TILE_DOT(2, 5, 6);
        if (both) {
            TILE_LOAD(7, p + 64, line);
            TILE_DOT(1, 4, 7);
            TILE_DOT(3, 5, 7);
        }
    }
    TILE_STORE(0, b->acc, b->acc_stride);
    TILE_STORE(2, low, b->acc_stride);
    if (both) TILE_STORE(1, b->acc + 64, b->acc_stride);
    if (both) TILE_STORE(3, low + 64, b->acc_stride);
}

/* Up to 16 rows, 16 x vectors outputs. */
ALWAYS void single(const int vectors, const block *b) {
    const size_t line = IAD_GROUP_BYTES;
    if (b->load) {
        TILE_LOAD(0, b->acc, b->acc_stride);
        if (vectors > 1) TILE_LOAD(1, b->acc + 64, b->acc_stride);
        if (vectors > 2) TILE_LOAD(2, b->acc + 128, b->acc_stride);
        if (vectors > 3) TILE_LOAD(3, b->acc + 192, b->acc_stride);
    } else {
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
    }
    const unsigned char *p = b->panel;
    const char *x = b->x;
    size_t stride = b->x_stride;
    for (int64_t g = 0; g < b->n_group; g += IAD_AMX_GROUPS, p += STEP_BYTES, x += X_STEP_BYTES) {
        if (b->tail != NULL && g + IAD_AMX_GROUPS == b->n_group) {
            x = b->tail;
            stride = X_STEP_BYTES;
        }
        fetch(vectors, p);
        TILE_LOAD(4, x, stride);
        TILE_LOAD(5, p, line);
        TILE_DOT(0, 4, 5);
        if (vectors > 1) TILE_LOAD(6, p + 64, line);
        if (vectors > 1) TILE_DOT(1, 4, 6);
        if (vectors > 2) TILE_LOAD(7, p + 128, line);
        if (vectors > 2) TILE_DOT(2, 4, 7);
        if (vectors > 3) TILE_LOAD(5, p + 192, line);
        if (vectors > 3) TILE_DOT(3, 4, 5);
    }
    TILE_STORE(0, b->acc, b->acc_stride);
    if (vectors > 1) TILE_STORE(1, b->acc + 64, b->acc_stride);
    if (vectors > 2) TILE_STORE(2, b->acc + 128, b->acc_stride);
    if (vectors > 3) TILE_STORE(3, b->acc + 192, b->acc_stride);
}

static void pairs(int vectors, int fresh, block b) {
    for (; vectors > 0; vectors -= 2, b.panel += 128, b.acc += 128) {
        if (vectors > 1 && fresh) pair(1, 1, &b);
        else if (vectors > 1) pair(1, 0, &b);
        else pair(0, 1, &b);
    }
}

static void singles(int vectors, block b) {
    switch (vectors) {
    case 1: single(1, &b); break;
    case 2: single(2, &b); break;
    case 3: single(3, &b); break;
    default: single(4, &b); break;
    }
}

/* Rows [begin, end) in blocks of n. */
static void blocks(const iad_tile *t, int begin, int end, int n) {
    int vectors = (t->cols + 15) / 16;
    int64_t most = end - begin > n ? BLOCK_GROUPS : t->n_group; /* a panel that is used once needs no blocks */
    iad_amx_configure(n);
    for (int64_t g = 0; g < t->n_group; g += most)
        for (int r = begin; r < end; r += n) {
            int last = t->n_group - g <= most;
            block b = {(const char *)t->x + (size_t)r * t->x_stride + (size_t)g * 4, t->x_stride, t->panel + g * IAD_GROUP_BYTES,
                       last ? t->n_group - g : most, last && t->x_tail != NULL ? (const char *)t->x_tail + (size_t)r * X_STEP_BYTES : NULL,
                       (char *)t->acc + (size_t)r * t->acc_stride, t->acc_stride, t->load || g > 0};
            if (n > 16) pairs(vectors, r == begin, b);
            else singles(vectors, b);
        }
}

/* Every sum is a chain over the steps of 32 inputs, the same whatever the rows beside it and the way they are cut. TDPBF16PS adds to
 * it, step by step, the sum of the step's even products and that of the odd ones. */
void iad_tile_bf16_amx(const iad_tile *tile) {
    int whole = tile->rows / IAD_AMX_ROW_STEP * IAD_AMX_ROW_STEP;
    if (whole > 0) blocks(tile, 0, whole, IAD_AMX_ROW_STEP);
    if (whole < tile->rows) blocks(tile, whole, tile->rows, tile->rows - whole);
    TILE_RELEASE;
}

#endif
