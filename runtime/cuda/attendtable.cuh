/* The sequences of an attention job as kernels read them. */
#ifndef IAD_CUDA_ATTENDTABLE_CUH
#define IAD_CUDA_ATTENDTABLE_CUH

#include "runtime/cuda/rowmath.cuh"

typedef struct iad_attend_span {
    const void *k, *v;
    int64_t n, k_stride, v_stride;
    int half;                 /* bf16, else f32 */
} iad_attend_span;

typedef struct iad_attend_row {
    int64_t row, n_row;       /* of q and out */
    int64_t first;            /* rows, or tiles, of the sequences before */
    int64_t n_key;            /* of both spans */
    int causal;
    iad_attend_span span[2];
} iad_attend_row;

/* Host: sequence `seq` of a checked job. */
static inline iad_attend_row iad_attend_row_of(const iad_attend_seq *seq, int64_t first) {
    iad_attend_row r;
    memset(&r, 0, sizeof r);
    r.row = seq->row;
    r.n_row = seq->n_row;
    r.first = first;
    r.causal = seq->causal;
    for (int i = 0; i < 2; i++) {
        const iad_kv_span *s = &seq->spans[i];
        if (s->k.rows == 0) continue; /* an unused span may be all zero */
        r.span[i].k = s->k.data;
        r.span[i].v = s->v.data;
        r.span[i].n = s->k.rows;
        r.span[i].k_stride = s->k.stride;
        r.span[i].v_stride = s->v.stride;
        r.span[i].half = s->k.dtype == IAD_BF16;
        r.n_key += s->k.rows;
    }
    return r;
}

__device__ __forceinline__ float iad_get_any(const void *p, int half, int64_t i) {
    return half ? iad_get((const iad_bf16 *)p + i) : iad_get((const float *)p + i);
}

/* Keys that row `row` of the sequence sees: the first of them. */
__device__ __forceinline__ int64_t iad_attend_seen(const iad_attend_row *s, int64_t row) {
    return s->causal ? s->n_key - s->n_row + row + 1 : s->n_key;
}

/* The sequence of a unit (a row, a tile): the last one whose `first` is at or before it. */
__device__ __forceinline__ const iad_attend_row *iad_attend_find(const iad_attend_row *seqs, int64_t n_seq, int64_t unit) {
    int64_t low = 0, high = n_seq - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (seqs[middle].first <= unit) low = middle;
        else high = middle - 1;
    }
    return &seqs[low];
}

/* The span that holds key *key of a sequence; *key becomes its row there. */
__device__ __forceinline__ const iad_attend_span *iad_attend_place(const iad_attend_row *s, int64_t *key) {
    if (*key < s->span[0].n) return &s->span[0];
    *key -= s->span[0].n;
    return &s->span[1];
}

/* q (shared, f32) times key `key` of kv head `head`. */
__device__ __forceinline__ float iad_attend_dot(const iad_attend_row *s, const float *q, int64_t key, int head, int d) {
    const iad_attend_span *span = iad_attend_place(s, &key);
    int64_t at = key * span->k_stride + (int64_t)head * d;
    float sum = 0.0f;
    if (span->half)
        for (int i = 0; i < d; i++) sum = fmaf(q[i], iad_get((const iad_bf16 *)span->k + at + i), sum);
    else
        for (int i = 0; i < d; i++) sum = fmaf(q[i], ((const float *)span->k)[at + i], sum);
    return sum;
}

/* Largest of a block's values, for every thread. room: as for iad_block_sum. */
__device__ __forceinline__ float iad_block_max(float v, float *room) {
#pragma unroll
    for (int bit = 16; bit > 0; bit /= 2) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, bit));
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = v;
    __syncthreads();
    float most = room[0];
    for (unsigned w = 1; w < blockDim.x / 32; w++) most = fmaxf(most, room[w]);
    return most;
}

#endif
