/* square_sum, adamw, join and split on the card, bit by bit what train/cpu/flat_body.h gives: the same operations, each rounded alone, which
 * is why they are spelt out. */
#include "train/cuda/grad_cuda.cuh"

#define IAD_CODE8 static __device__ __forceinline__
#include "train/cpu/adamw8.h"

extern "C" {
#include "train/cpu/flat.h"
}

enum { THREADS = IAD_CUDA_GRAD_THREADS, EACH = 4, PIECE = THREADS * EACH, SUMS = 8 };

static __device__ __forceinline__ float joined(uint16_t high, uint16_t low) {
    return __uint_as_float(((uint32_t)high << 16) + (uint32_t)(int32_t)(int16_t)low);
}

static __device__ __forceinline__ void split_bits(float v, uint16_t *high, uint16_t *low) {
    uint32_t bits = __float_as_uint(v);
    if ((bits & 0x7fffffffu) > 0x7f800000u) bits = (bits & 0x80000000u) | 0x7fc00000u;
    *high = (uint16_t)((bits + 0x8000u) >> 16);
    *low = (uint16_t)bits;
}

/* ---- sums of squares ---- */

/* Eight threads a chunk: thread j adds elements j, j + 8, ...; the eight are added as a tree. */
static __global__ void square_sum_kernel(const float *x, int64_t n, double *part) {
    int64_t chunk = ((int64_t)blockIdx.x * THREADS + threadIdx.x) / SUMS, begin = chunk * IAD_FLAT_CHUNK;
    int64_t end = n - begin < IAD_FLAT_CHUNK ? n : begin + IAD_FLAT_CHUNK;
    double sum = 0.0;
#pragma unroll 8
    for (int64_t i = begin + threadIdx.x % SUMS; i < end; i += SUMS) sum = __fma_rn((double)x[i], (double)x[i], sum); /* exact squares */
    sum += __shfl_xor_sync(0xffffffffu, sum, 4);
    sum += __shfl_xor_sync(0xffffffffu, sum, 2);
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    if (threadIdx.x % SUMS == 0 && begin < n) part[chunk] = sum;
}

iad_status iad_cuda_square_sum(iad_queue *queue, const float *x, int64_t n, double *sum, iad_err *err) {
    IAD_TRY(iad_grad_check_array("square_sum", "x", x, n, err));
    *sum = 0.0;
    if (n == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    int64_t chunks = (n + IAD_FLAT_CHUNK - 1) / IAD_FLAT_CHUNK;
    size_t bytes = (size_t)chunks * sizeof(double);
    void *device;
    IAD_TRY(iad_cuda_scratch(queue, IAD_CUDA_SLOT_PARTS, bytes, &device, err));
    double *part = (double *)iad_alloc((size_t)chunks, sizeof *part);
    if (part == NULL) return IAD_NOMEM(err, "the sums of a gradient's chunks");
    iad_status status = iad_launch(queue, err, "square_sum", square_sum_kernel, dim3(iad_blocks(chunks * SUMS, THREADS)), dim3(THREADS), 0, x, n,
                                   (double *)device);
    if (status == IAD_OK) status = iad_cuda_download(queue, part, device, bytes, err);
    for (int64_t c = 0; c < chunks && status == IAD_OK; c++) *sum += part[c];
    free(part);
    return status;
}

/* ---- the update ---- */

static __device__ __forceinline__ void adamw_element(const iad_flat_adamw_terms &t, uint16_t *high, uint16_t *low, float grad, float *m, float *v) {
    float w = __fmul_rn(joined(*high, *low), t.keep), g = __fmul_rn(grad, t.grad_scale);
    float mi = __fadd_rn(*m, __fmul_rn(t.m_add, __fsub_rn(g, *m)));
    float vi = __fadd_rn(__fmul_rn(t.v_keep, *v), __fmul_rn(t.v_add, __fmul_rn(g, g)));
    *m = mi;
    *v = vi;
    float denominator = __fadd_rn(__fdiv_rn(__fsqrt_rn(vi), t.root), t.eps);
    split_bits(__fsub_rn(w, __fmul_rn(t.step, __fdiv_rn(mi, denominator))), high, low);
}

static __global__ void adamw_kernel(iad_flat_adamw_terms t, int64_t n, uint16_t *high, uint16_t *low, const float *grad, float *m, float *v) {
#pragma unroll
    for (int k = 0; k < EACH; k++) {
        int64_t i = (int64_t)blockIdx.x * PIECE + k * THREADS + threadIdx.x;
        if (i < n) adamw_element(t, high + i, low + i, grad[i], m + i, v + i);
    }
}

/* Largest of a block's values; room [THREADS / 32], free again after the next barrier. */
static __device__ __forceinline__ uint32_t block_most(uint32_t v, uint32_t *room) {
    v = iad_warp_most(v);
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = v;
    __syncthreads();
    uint32_t most = 0;
    for (int w = 0; w < THREADS / 32; w++) most = max(most, room[w]);
    return most;
}

/* A block of threads a block of states, a thread an element (iad_flat_adamw_block8). */
static __global__ void adamw8_kernel(iad_flat_adamw_terms t, int64_t n, uint16_t *high, uint16_t *low, const float *grad, uint8_t *m8, uint8_t *v8,
                                     float *m_scales, float *v_scales) {
    __shared__ uint32_t m_room[THREADS / 32], v_room[THREADS / 32];
    int64_t i = (int64_t)blockIdx.x * IAD_ADAMW_BLOCK + threadIdx.x;
    float m = 0.0f, v = 0.0f, m_scale = m_scales[blockIdx.x], v_scale = v_scales[blockIdx.x];
    if (i < n) {
        m = __fmul_rn(iad_code8_m(m8[i]), m_scale);
        v = __fmul_rn(iad_code8_v(v8[i]), v_scale);
        adamw_element(t, high + i, low + i, grad[i], &m, &v);
    }
    /* Magnitudes are compared as bits, so that NaNs come out on top. */
    float m_most = __uint_as_float(block_most(__float_as_uint(m) & 0x7fffffffu, m_room));
    float v_most = __uint_as_float(block_most(__float_as_uint(v) & 0x7fffffffu, v_room));
    float m_inverse = m_most > 0x1p-124f ? __fdiv_rn(IAD_CODE8_MOST, m_most) : 0.0f;
    float v_inverse = v_most > 0x1p-124f ? __fdiv_rn(IAD_CODE8_MOST, v_most) : 0.0f;
    if (i < n) {
        m8[i] = iad_code8_of_m(__fmul_rn(m, m_inverse));
        v8[i] = iad_code8_of_v(__fmul_rn(v, v_inverse), iad_code8_coin(__float_as_uint(v), __float_as_uint(grad[i])));
    }
    if (threadIdx.x > 0) return; /* both barriers are behind everybody's reading of the scales */
    m_scales[blockIdx.x] = m_inverse > 0.0f || !(m_most >= 0.0f) ? __fdiv_rn(m_most, IAD_CODE8_MOST) : 0.0f;
    v_scales[blockIdx.x] = v_inverse > 0.0f || !(v_most >= 0.0f) ? __fdiv_rn(v_most, IAD_CODE8_MOST) : 0.0f;
}

iad_status iad_cuda_adamw(iad_queue *queue, const iad_adamw *job, iad_err *err) {
    static_assert((int)THREADS == (int)IAD_ADAMW_BLOCK, "a thread is an element of a block of states");
    IAD_TRY(iad_grad_check_adamw(job, err));
    if (job->n == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    iad_flat_adamw_terms t = iad_flat_adamw_terms_of(job);
    if (job->m8 != NULL)
        return iad_launch(queue, err, "adamw8", adamw8_kernel, dim3(iad_blocks(job->n, IAD_ADAMW_BLOCK)), dim3(THREADS), 0, t, job->n, job->high,
                          job->low, job->grad, job->m8, job->v8, job->m_scale, job->v_scale);
    return iad_launch(queue, err, "adamw", adamw_kernel, dim3(iad_blocks(job->n, PIECE)), dim3(THREADS), 0, t, job->n, job->high, job->low,
                      job->grad, job->m, job->v);
}

/* ---- masters ---- */

static __global__ void join_kernel(const uint16_t *high, const uint16_t *low, int64_t n, float *y) {
#pragma unroll
    for (int k = 0; k < EACH; k++) {
        int64_t i = (int64_t)blockIdx.x * PIECE + k * THREADS + threadIdx.x;
        if (i < n) y[i] = joined(high[i], low != NULL ? low[i] : (uint16_t)0);
    }
}

static __global__ void split_kernel(const float *y, int64_t n, uint16_t *high, uint16_t *low) {
#pragma unroll
    for (int k = 0; k < EACH; k++) {
        int64_t i = (int64_t)blockIdx.x * PIECE + k * THREADS + threadIdx.x;
        if (i >= n) continue;
        uint16_t rest;
        split_bits(y[i], high + i, low != NULL ? low + i : &rest);
    }
}

iad_status iad_cuda_join(iad_queue *queue, const uint16_t *high, const uint16_t *low, int64_t n, float *y, iad_err *err) {
    IAD_TRY(iad_grad_check_array("join", "high", high, n, err));
    IAD_TRY(iad_grad_check_array("join", "y", y, n, err));
    IAD_TRY(iad_cuda_enter(queue, err));
    return iad_launch(queue, err, "join", join_kernel, dim3(iad_blocks(n, PIECE)), dim3(THREADS), 0, high, low, n, y);
}

iad_status iad_cuda_split(iad_queue *queue, const float *y, int64_t n, uint16_t *high, uint16_t *low, iad_err *err) {
    IAD_TRY(iad_grad_check_array("split", "y", y, n, err));
    IAD_TRY(iad_grad_check_array("split", "high", high, n, err));
    IAD_TRY(iad_cuda_enter(queue, err));
    return iad_launch(queue, err, "split", split_kernel, dim3(iad_blocks(n, PIECE)), dim3(THREADS), 0, y, n, high, low);
}
