/* Attention of the CPU device (contracts: runtime/ops.h), and the kernels under it.
 *
 * A lane is one (query row, query head). Lanes that share a key/value head are worked on side by side, in the lanes of the vector
 * registers: scores are products of broadcast key elements with vectors of queries, the softmax needs no sum across a register, and
 * neither keys nor values are ever transposed.
 *
 * Keys are cut into blocks of IAD_ATTEND_BLOCK by their absolute index over both spans. A block gives every lane a maximum m, a sum l
 * and a vector acc, computed from this block alone; blocks are merged one after the other in rising order. So a lane's bits depend on
 * its query and the keys that it sees, not on the other rows of the call, the number of threads, the cut into two spans, or on
 * who computed a block. */
#ifndef IAD_CPU_ATTEND_H
#define IAD_CPU_ATTEND_H

#include "runtime/ops.h"

iad_status iad_cpu_attend(iad_queue *queue, const iad_attend *job, iad_err *err);
iad_status iad_cpu_probe(iad_queue *queue, const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err);

enum { IAD_ATTEND_BLOCK = 128, IAD_ATTEND_LANES = 256 };

/* What one thread works on: some lanes of one key/value head. The caller fills the first part. */
typedef struct iad_attend_work {
    int d_head;
    int pairs;              /* 1: bf16 dot products of element pairs (q and the probabilities are rounded to bf16) */
    float factor;           /* scale * log2(e) */
    iad_dtype q_kind, out_kind;
    iad_kv_span spans[2];
    int kv;                 /* key/value head */
    int n_lane;
    const void *q[IAD_ATTEND_LANES];
    void *out[IAD_ATTEND_LANES];         /* unused by save and by the probe */
    int64_t visible[IAD_ATTEND_LANES];   /* keys that the lane sees: 0..visible-1 */
    /* Carved out of one block by iad_attend_carve. */
    int depth;              /* d_head, or its half in pairs: words per packed key */
    int d_pad;              /* d_head up to the next multiple of 16 */
    float *qt;              /* [tile][depth][tile lanes] */
    float *acc;             /* [tile][d_pad][tile lanes] */
    float *m, *l;           /* [lanes], m in units of log2 */
    float *keys;            /* [block][depth] */
    float *values;          /* [block or its half][d_pad] */
    float *s;               /* [block][tile lanes] */
    float *row;             /* [16][d_pad] */
} iad_attend_work;

typedef struct iad_attend_kernels {
    int tile;                                                      /* lanes of a tile: two registers */
    void (*begin)(iad_attend_work *work);                          /* packs q, clears acc, m, l */
    void (*fold)(iad_attend_work *work, int64_t block);            /* merges one block into acc, m, l */
    void (*finish)(iad_attend_work *work);                         /* writes out */
    /* The state of every lane as a row of d_head + 2 floats: acc, m, l. */
    void (*save)(const iad_attend_work *work, float *rows);
    void (*load)(iad_attend_work *work, const float *rows);
    void (*merge)(float *into, const float *from, int d_head);     /* rows of save; `from` is the later block */
    void (*finish_row)(const iad_attend_work *work, int lane, const float *row); /* writes out[lane] */
    /* Scores of one block, f32 only. pack_keys first; then, per tile, either the maximum and the sum of exp2(score - maximum) of
     * the block, or the probabilities exp2(score - shift) * weight in s, 0 where not visible. */
    int (*pack_keys)(iad_attend_work *work, int64_t block);        /* number of keys in the block */
    void (*probe_sums)(iad_attend_work *work, int64_t block, int tile, float *m, float *l);
    void (*probe_rows)(iad_attend_work *work, int64_t block, int tile, const float *shift, const float *weight);
    /* The same tile of products for best_match: qt[i][lane] from n rows of d floats; then best[lane] = max(best[lane], factor[j] *
     * ref row j . row of the lane) for j < n. s: [n rounded up to 8][tile]; so many rows of ref are read. */
    void (*match_pack)(const float *rows, int64_t stride, int n, int d, float *qt);
    void (*match_best)(const float *ref, int64_t stride, const float *factor, int n, int d, const float *qt, float *s, float *best);
} iad_attend_kernels;

extern const iad_attend_kernels iad_attend_kernels_plain;
#if defined(__x86_64__)
extern const iad_attend_kernels iad_attend_kernels_avx2;
extern const iad_attend_kernels iad_attend_kernels_avx512;
extern const iad_attend_kernels iad_attend_kernels_narrow; /* AVX-512 for at most 8 lanes; not for the probe or best match */
#endif
const iad_attend_kernels *iad_attend_kernels_of(const iad_device *device);

/* Sets depth, d_pad and the pointers of *work into `memory` (64-byte aligned; NULL: only counts). Returns the bytes, for lanes <=
 * IAD_ATTEND_LANES. */
size_t iad_attend_carve(iad_attend_work *work, int lanes, void *memory);

/* Key row or value row j counted over both spans; the columns of the work's key/value head. */
static inline const void *iad_attend_row(const iad_attend_work *work, int value, int64_t j, iad_dtype *kind) {
    const iad_kv_span *span = &work->spans[0];
    if (j >= span->k.rows) {
        j -= span->k.rows;
        span = &work->spans[1];
    }
    const iad_mat *m = value ? &span->v : &span->k;
    *kind = m->dtype;
    return (const char *)m->data + (size_t)(j * m->stride + (int64_t)work->kv * work->d_head) * (m->dtype == IAD_F32 ? 4 : 2);
}

#endif
