/* The inner loops of the products, one set per instruction set, all over the panels of pack.h. */
#ifndef IAD_CPU_MATMUL_KERNELS_H
#define IAD_CPU_MATMUL_KERNELS_H

#include "runtime/cpu/pack.h"

/* Compilers that know AMX. Whether the processor does is another question (iad_cpu_amx_permit). */
#if defined(__x86_64__) && ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 11))
#define IAD_AMX 1
#else
#define IAD_AMX 0
#endif

enum {
    IAD_TILE_ROWS = 6,
    IAD_AMX_ROWS = 256,   /* a call configures the tiles, so it should be long */
    IAD_AMX_ROW_STEP = 32,
    IAD_AMX_GROUPS = 16   /* of a tile: one step of a sum */
};

/* How a kernel wants the rows of x. */
typedef enum iad_x_form {
    IAD_X_F32,   /* floats */
    IAD_X_BF16,  /* bf16, read in pairs */
    IAD_X_U8,    /* quantised + 128, read in fours; the kernel's sums are too large by the weight's offset */
    IAD_X_S16    /* quantised, read in fours */
} iad_x_form;

/* acc[r][o] (+)= sum over the groups of x[r] . panel[o], r < rows <= IAD_TILE_ROWS (bf16: bf16_rows), the first `cols` outputs (what acc
 * holds of the others is undefined). The order of the sum is that of the groups, also across two calls with load = 1. */
typedef struct iad_tile {
    int rows;
    const void *x;
    size_t x_stride;             /* bytes */
    const unsigned char *panel;
    int64_t n_group;
    void *acc;                   /* [rows][64] f32 or int32 */
    size_t acc_stride;           /* bytes */
    int load;                    /* 0: acc starts at zero */
    int cols;                    /* outputs wanted, 1..64 */
    const void *x_tail;          /* AMX: the rows' last 16 groups, 64 bytes each, in place of what x holds; NULL: x holds all */
} iad_tile;

/* y (+)= acc * scales + bias for one tile. */
typedef struct iad_finish {
    int rows;
    int64_t cols;                /* of this panel, 1..64 */
    const void *acc;
    const float *bias;           /* [64] or NULL */
    const float *x_scale;        /* I8: [rows] */
    const float *w_scale;        /* I8: [64], NULL otherwise */
    const int32_t *offset;       /* I8: [64] or NULL, subtracted from acc */
    iad_store store;
    iad_dtype y_type;
    void *y;
    size_t y_stride;             /* bytes */
} iad_finish;

typedef void (*iad_tile_fn)(const iad_tile *tile);

typedef struct iad_matmul_kernels {
    iad_tile_fn f32, bf16, i8;
    iad_x_form bf16_form, i8_form;
    int bf16_rows;       /* most rows of a bf16 tile */
    int bf16_row_step;   /* it is fastest with multiples of so many */
    int bf16_groups;     /* and takes groups in multiples of this, filled up with zeros in panel and x_tail */
    void (*finish)(const iad_finish *finish);
    /* n values (f32 or bf16) of a row -> U8 or S16 and their scale, by the rule of pack.h */
    void (*quantise)(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q, float *scale);
    void (*turn)(const uint32_t *words, size_t stride, size_t n, void *dst); /* of packing: see iad_pack_turn_plain */
} iad_matmul_kernels;

/* What the device's instruction set and the processor allow. */
iad_matmul_kernels iad_matmul_kernels_for(const iad_device *device);
/* Threads for a product of so many rows: the device's, or one when the work is too little to wake the others. matmul.c */
int iad_matmul_threads(const iad_device *device, int64_t rows, const iad_weight *w);

/* runtime/cpu/matmul_plain.c, matmul_avx2.c, matmul_avx512.c, matmul_amx.c; all but the first exist on x86-64 only. */
void iad_tile_f32_plain(const iad_tile *tile);
void iad_tile_bf16_plain(const iad_tile *tile); /* x as f32 */
void iad_tile_i8_plain(const iad_tile *tile);   /* x as s16 */
void iad_finish_plain(const iad_finish *finish);
void iad_quantise_plain(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q, float *scale);
void iad_tile_f32_avx2(const iad_tile *tile);
void iad_tile_bf16_avx2(const iad_tile *tile);  /* x as f32 */
void iad_tile_i8_avx2(const iad_tile *tile);    /* x as s16 */
void iad_finish_avx2(const iad_finish *finish);
void iad_quantise_avx2(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q, float *scale);
void iad_tile_f32_avx512(const iad_tile *tile);
void iad_tile_bf16_avx512(const iad_tile *tile); /* x as f32 */
void iad_tile_bf16_dot(const iad_tile *tile);    /* VDPBF16PS, x as bf16 */
void iad_tile_i8_vnni(const iad_tile *tile);     /* VPDPBUSD, x as u8 */
void iad_tile_bf16_amx(const iad_tile *tile);    /* TDPBF16PS, x as bf16; n_group a multiple of IAD_AMX_GROUPS; only where IAD_AMX */
void iad_finish_avx512(const iad_finish *finish);
void iad_quantise_avx512(const void *x, iad_dtype type, size_t n, iad_x_form form, void *q, float *scale);

/* The weights' side: q = v * factor, nearest even; a factor of 0 gives zeros. */
void iad_quant_row_s8(const float *v, size_t n, float factor, int8_t *q);

/* dst[w][r] = words[r * stride + w] for 64 rows r and n words w (pack_turn.inc); not aligned. */
void iad_pack_turn_plain(const uint32_t *words, size_t stride, size_t n, void *dst);
void iad_pack_turn_avx2(const uint32_t *words, size_t stride, size_t n, void *dst);
void iad_pack_turn_avx512(const uint32_t *words, size_t stride, size_t n, void *dst);

#endif
