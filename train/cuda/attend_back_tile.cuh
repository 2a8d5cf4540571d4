/* Tiles of the backward pass of attention: T query rows by T keys, f32 throughout. 16 x 16 threads; thread (y, x) has the elements (y + 16 i,
 * x + 16 j) of a tile, so that lanes of a warp read neighbouring banks. Sums inside a tile run over rising columns, tiles come in rising order. */
#ifndef IAD_TRAIN_ATTEND_BACK_TILE_CUH
#define IAD_TRAIN_ATTEND_BACK_TILE_CUH

#include "train/cuda/grad_cuda.cuh"

enum { IAD_BACK_THREADS = 256, IAD_BACK_SIDE = 16 };

/* One sequence; pointers to its first row and first head. */
typedef struct iad_back_seq {
    const float *q, *out, *dout, *k, *v;
    float *dq, *dk, *dv;
    int64_t k_stride, v_stride;
    int64_t row;            /* of the whole batch, for the statistics */
    int n_row, n_key, causal;
    int probe, n_probe;     /* entries of the table of probed rows */
    int col, n_col;
    const float *grad;      /* [n_class][grad_stride] */
    int64_t grad_stride;
} iad_back_seq;

typedef struct iad_back_probe { /* one probed row */
    int row, row_class;
    float weight;           /* over the number of heads */
} iad_back_probe;

typedef struct iad_back_tile { /* one block's work */
    int seq, first;         /* first row or key */
} iad_back_tile;

typedef struct iad_back_args {
    const iad_back_seq *seqs;
    const iad_back_probe *probes;
    const iad_back_tile *tiles;
    int n_head, group, d;
    float scale;
    int64_t q_stride, out_stride, dout_stride, dq_stride, dk_stride, dv_stride, rows;
    float *top, *inverse, *delta; /* [n_head][rows]: largest score, 1 / sum of exponentials, delta of grad.h */
} iad_back_args;

/* Keys that row r sees. */
static __device__ __forceinline__ int back_visible(const iad_back_seq &s, int r) { return s.causal ? s.n_key - s.n_row + r + 1 : s.n_key; }

/* Rows [0, n) of d columns to shared memory [T][D + 4]; the rest is 0. */
template <int T, int D> static __device__ __forceinline__ void back_load(const float *from, int64_t stride, int n, int d, float *to) {
    for (int i = (int)threadIdx.x; i < T * D; i += IAD_BACK_THREADS) {
        int r = i / D, c = i % D;
        to[r * (D + 4) + c] = r < n && c < d ? from[r * stride + c] : 0.0f;
    }
}

/* s[i][j] = a[y + 16 i] . b[x + 16 j] */
template <int T, int D>
static __device__ __forceinline__ void back_dots(const float *a, const float *b, float s[T / IAD_BACK_SIDE][T / IAD_BACK_SIDE]) {
    enum { N = T / IAD_BACK_SIDE };
    int x = (int)threadIdx.x % IAD_BACK_SIDE, y = (int)threadIdx.x / IAD_BACK_SIDE;
#pragma unroll
    for (int i = 0; i < N; i++)
#pragma unroll
        for (int j = 0; j < N; j++) s[i][j] = 0.0f;
#pragma unroll 4
    for (int c = 0; c < D; c += 4) {
        float4 u[N], v[N];
#pragma unroll
        for (int i = 0; i < N; i++) {
            u[i] = *reinterpret_cast<const float4 *>(a + (y + IAD_BACK_SIDE * i) * (D + 4) + c);
            v[i] = *reinterpret_cast<const float4 *>(b + (x + IAD_BACK_SIDE * i) * (D + 4) + c);
        }
#pragma unroll
        for (int i = 0; i < N; i++)
#pragma unroll
            for (int j = 0; j < N; j++)
                s[i][j] = fmaf(u[i].w, v[j].w, fmaf(u[i].z, v[j].z, fmaf(u[i].y, v[j].y, fmaf(u[i].x, v[j].x, s[i][j]))));
    }
}

/* acc[i][j] += sum over k of p[k][y + 16 i] b[k][x + 16 j] (turned 1), or of p[y + 16 i][k] b[k][x + 16 j] (0); p is [T][T + 1]. */
template <int T, int D, int TURNED>
static __device__ __forceinline__ void back_sums(const float *p, const float *b, float acc[T / IAD_BACK_SIDE][D / IAD_BACK_SIDE]) {
    enum { N = T / IAD_BACK_SIDE, M = D / IAD_BACK_SIDE };
    int x = (int)threadIdx.x % IAD_BACK_SIDE, y = (int)threadIdx.x / IAD_BACK_SIDE;
#pragma unroll 2
    for (int k = 0; k < T; k++) {
        float u[N], v[M];
#pragma unroll
        for (int i = 0; i < N; i++) u[i] = TURNED ? p[k * (T + 1) + y + IAD_BACK_SIDE * i] : p[(y + IAD_BACK_SIDE * i) * (T + 1) + k];
#pragma unroll
        for (int j = 0; j < M; j++) v[j] = b[k * (D + 4) + x + IAD_BACK_SIDE * j];
#pragma unroll
        for (int i = 0; i < N; i++)
#pragma unroll
            for (int j = 0; j < M; j++) acc[i][j] = fmaf(u[i], v[j], acc[i][j]);
    }
}

/* Sum and maximum over the 16 threads that share rows of a tile: half of a warp. */
static __device__ __forceinline__ float back_row_sum(float v) {
#pragma unroll
    for (int bit = IAD_BACK_SIDE / 2; bit > 0; bit /= 2) v += __shfl_xor_sync(0xffffffffu, v, bit);
    return v;
}
static __device__ __forceinline__ float back_row_most(float v) {
#pragma unroll
    for (int bit = IAD_BACK_SIDE / 2; bit > 0; bit /= 2) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, bit));
    return v;
}

/* Gradient of the probe at (row, key). */
static __device__ __forceinline__ float back_probed(const iad_back_args &a, const iad_back_seq &s, int row, int key) {
    float g = 0.0f;
    int c = key - s.col;
    if (c < 0 || c >= s.n_col) return g;
    for (int m = s.probe; m < s.probe + s.n_probe; m++)
        if (a.probes[m].row == row) g = fmaf(a.probes[m].weight, s.grad[a.probes[m].row_class * s.grad_stride + c], g);
    return g;
}

#endif
