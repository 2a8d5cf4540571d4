/* Attention with bf16 keys by matrix instructions: one block of threads for TILE_ROWS (row, query head) pairs of one key/value head, so that
 * grouped heads read their keys once. Used by attend_tile.cu. */
#ifndef IAD_CUDA_ATTEND_TILE_CUH
#define IAD_CUDA_ATTEND_TILE_CUH

#include "runtime/cuda/attendtable.cuh"
#include "runtime/cuda/ptx.cuh"

enum {
    TILE_ROWS = 64,    /* 16 for each of four warps */
    TILE_KEYS = 64,    /* a window of the vision tower */
    TILE_THREADS = 128,
    TILE_PAD = 8       /* rows in shared memory lie an odd number of 16-byte pieces apart: ldmatrix without conflicts */
};

typedef struct iad_tile_job {
    const iad_attend_row *seqs; /* first counts tiles here */
    int64_t n_seq;
    int group, d;               /* query heads per key/value head; d_head */
    float factor;               /* scale / ln 2 */
    const void *q;
    void *out;
    int q_half, out_half;
    int64_t q_stride, out_stride;
    float *parts;               /* [tile][kv head][key block][TILE_ROWS][d + 2] with maximum and mass behind the sums, or NULL: finish here */
    int64_t n_block;            /* of parts */
} iad_tile_job;

/* The sequence of a tile; *lane is the first (row, head) pair of the tile. */
__device__ __forceinline__ const iad_attend_row *iad_tile_find(const iad_tile_job *job, int64_t tile, int64_t *lane) {
    const iad_attend_row *s = iad_attend_find(job->seqs, job->n_seq, tile);
    *lane = (tile - s->first) * TILE_ROWS;
    return s;
}

/* The factors that merge a block of keys (maximum `most`) into what came before (maximum *top). Prefill, decode and the merge of split
 * keys go through this one function in rising order of the blocks, and so come to the same bits. */
__device__ __forceinline__ void iad_tile_merge(float *top, float most, float *keep, float *take) {
    float next = fmaxf(*top, most);
    *keep = *top == -INFINITY ? 0.0f : iad_exp2(*top - next);
    *take = most == -INFINITY ? 0.0f : iad_exp2(most - next);
    *top = next;
}

/* Keys (or values) [key0, key0 + TILE_KEYS) of a head into shared rows; what lies beyond n_key or d is 0. */
template <int DP> __device__ __forceinline__ void iad_tile_load(iad_bf16 *to, const iad_attend_row *s, int values, int64_t key0, int kv, int d) {
    for (int i = (int)threadIdx.x; i < TILE_KEYS * (DP / 8); i += TILE_THREADS) {
        int row = i / (DP / 8), col = i % (DP / 8) * 8;
        int64_t key = key0 + row;
        iad_bf16 *at = to + row * (DP + TILE_PAD) + col;
        if (key >= s->n_key || col >= d) {
            *reinterpret_cast<uint4 *>(at) = make_uint4(0, 0, 0, 0);
            continue;
        }
        const iad_attend_span *span = iad_attend_place(s, &key);
        int64_t place = key * (values ? span->v_stride : span->k_stride) + (int64_t)kv * d + col;
        const iad_bf16 *from = (const iad_bf16 *)(values ? span->v : span->k) + place;
        if ((uintptr_t)from % 16 == 0) iad_copy16(at, from);
        else
#pragma unroll
            for (int e = 0; e < 8; e++) at[e] = from[e];
    }
}

/* Scores of 16 rows against the keys in shared memory: s[j] has keys 8 j .. 8 j + 7 as iad_mma_bf16 lays them out. */
template <int DP> __device__ __forceinline__ void iad_tile_scores(float s[TILE_KEYS / 8][4], const iad_bf16 *q, const iad_bf16 *k, int lane) {
    const int stride = DP + TILE_PAD, m = lane / 8, r = lane % 8;
#pragma unroll
    for (int j = 0; j < TILE_KEYS / 8; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) s[j][i] = 0.0f;
#pragma unroll
    for (int c = 0; c < DP; c += 16) {
        unsigned a[4], b[4];
        iad_ldmatrix4(a, q + (m % 2 * 8 + r) * stride + c + m / 2 * 8);
#pragma unroll
        for (int j = 0; j < TILE_KEYS / 8; j += 2) {
            iad_ldmatrix4(b, k + (j * 8 + m / 2 * 8 + r) * stride + c + m % 2 * 8);
            iad_mma_bf16(s[j], a, b[0], b[1]);
            iad_mma_bf16(s[j + 1], a, b[2], b[3]);
        }
    }
}

/* part += p v; p are the 16 rows' probabilities as pairs of bf16 in the layout of the scores. */
template <int DP>
__device__ __forceinline__ void iad_tile_values(float part[DP / 8][4], const unsigned p[TILE_KEYS / 16][4], const iad_bf16 *v, int lane) {
    const int stride = DP + TILE_PAD, m = lane / 8, r = lane % 8;
#pragma unroll
    for (int j = 0; j < TILE_KEYS / 16; j++)
#pragma unroll
        for (int c = 0; c < DP; c += 16) {
            unsigned b[4];
            iad_ldmatrix4_trans(b, v + (j * 16 + m % 2 * 8 + r) * stride + c + m / 2 * 8);
            iad_mma_bf16(part[c / 8], p[j], b[0], b[1]);
            iad_mma_bf16(part[c / 8 + 1], p[j], b[2], b[3]);
        }
}

/* Scores to probabilities relative to the block's own maximum, for rows g (half 0) and g + 8 (half 1) of the warp. mass sums what was rounded,
 * so that the probabilities that meet the values add up to one. */
__device__ __forceinline__ void iad_tile_softmax(float s[TILE_KEYS / 8][4], unsigned p[TILE_KEYS / 16][4], float factor, const int64_t seen[2],
                                                 int64_t key0, int lane, float most[2], float mass[2]) {
    most[0] = most[1] = -INFINITY;
    mass[0] = mass[1] = 0.0f;
#pragma unroll
    for (int j = 0; j < TILE_KEYS / 8; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int64_t key = key0 + j * 8 + lane % 4 * 2 + i % 2;
            s[j][i] = key < seen[i / 2] ? s[j][i] * factor : -INFINITY;
            most[i / 2] = fmaxf(most[i / 2], s[j][i]);
        }
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
        for (int bit = 1; bit < 4; bit *= 2) most[half] = fmaxf(most[half], __shfl_xor_sync(0xffffffffu, most[half], bit));
#pragma unroll
    for (int j = 0; j < TILE_KEYS / 8; j++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float low = s[j][2 * half], high = s[j][2 * half + 1];
            low = low == -INFINITY ? 0.0f : iad_exp2(low - most[half]);
            high = high == -INFINITY ? 0.0f : iad_exp2(high - most[half]);
            unsigned pair = iad_bf16_pair(low, high);
            p[j / 2][j % 2 * 2 + half] = pair;
            mass[half] += iad_bf16_value((iad_bf16)pair) + iad_bf16_value((iad_bf16)(pair >> 16));
        }
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
        for (int bit = 1; bit < 4; bit *= 2) mass[half] += __shfl_xor_sync(0xffffffffu, mass[half], bit);
}

__device__ __forceinline__ void iad_tile_put(const iad_tile_job *job, const iad_attend_row *s, int64_t lane, int kv, int col, float v) {
    int64_t at = (s->row + lane / job->group) * job->out_stride + ((int64_t)kv * job->group + lane % job->group) * job->d + col;
    if (job->out_half) iad_put((iad_bf16 *)job->out + at, v);
    else iad_put((float *)job->out + at, v);
}

#endif
