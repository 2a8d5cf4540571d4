/* What row kernels share, forward here and backward in train/cuda: eight elements of a row at once, sums over a block, functions of one
 * element. The same element sees the same operations whether or not its row may be read in pieces of 128 bits. */
#ifndef IAD_CUDA_ROWMATH_CUH
#define IAD_CUDA_ROWMATH_CUH

#include "runtime/cuda/cuda_base.cuh"

typedef uint16_t iad_bf16; /* bits */

enum { IAD_EIGHT = 8 };

__device__ __forceinline__ float iad_bf16_value(iad_bf16 bits) { return __uint_as_float((unsigned)bits << 16); }
__device__ __forceinline__ iad_bf16 iad_bf16_bits(float v) { return __bfloat16_as_ushort(__float2bfloat16_rn(v)); }
__device__ __forceinline__ unsigned iad_bf16_pair(float low, float high) { return iad_bf16_bits(low) | (unsigned)iad_bf16_bits(high) << 16; }

/* One element as f32. */
__device__ __forceinline__ float iad_get(const float *p) { return *p; }
__device__ __forceinline__ float iad_get(const iad_bf16 *p) { return iad_bf16_value(*p); }
__device__ __forceinline__ float iad_get(const __half *p) { return __half2float(*p); }
__device__ __forceinline__ void iad_put(float *p, float v) { *p = v; }
__device__ __forceinline__ void iad_put(iad_bf16 *p, float v) { *p = iad_bf16_bits(v); }

__device__ __forceinline__ void iad_get_wide(const float *p, float v[IAD_EIGHT]) {
    float4 a = *reinterpret_cast<const float4 *>(p), b = *reinterpret_cast<const float4 *>(p + 4);
    v[0] = a.x;
    v[1] = a.y;
    v[2] = a.z;
    v[3] = a.w;
    v[4] = b.x;
    v[5] = b.y;
    v[6] = b.z;
    v[7] = b.w;
}
__device__ __forceinline__ void iad_get_wide(const iad_bf16 *p, float v[IAD_EIGHT]) {
    uint4 a = *reinterpret_cast<const uint4 *>(p);
    unsigned words[4] = {a.x, a.y, a.z, a.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        v[2 * i] = __uint_as_float(words[i] << 16);
        v[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
    }
}
__device__ __forceinline__ void iad_put_wide(float *p, const float v[IAD_EIGHT]) {
    *reinterpret_cast<float4 *>(p) = make_float4(v[0], v[1], v[2], v[3]);
    *reinterpret_cast<float4 *>(p + 4) = make_float4(v[4], v[5], v[6], v[7]);
}
__device__ __forceinline__ void iad_put_wide(iad_bf16 *p, const float v[IAD_EIGHT]) {
    *reinterpret_cast<uint4 *>(p) =
        make_uint4(iad_bf16_pair(v[0], v[1]), iad_bf16_pair(v[2], v[3]), iad_bf16_pair(v[4], v[5]), iad_bf16_pair(v[6], v[7]));
}

/* Elements [0, 8) at p, of which `left` exist; the others are 0. wide: p is a multiple of 16 bytes. */
template <typename T> __device__ __forceinline__ void iad_get8(const T *p, int64_t left, int wide, float v[IAD_EIGHT]) {
    if (wide && left >= IAD_EIGHT) {
        iad_get_wide(p, v);
        return;
    }
#pragma unroll
    for (int i = 0; i < IAD_EIGHT; i++) v[i] = i < left ? iad_get(p + i) : 0.0f;
}
template <typename T> __device__ __forceinline__ void iad_put8(T *p, int64_t left, int wide, const float v[IAD_EIGHT]) {
    if (wide && left >= IAD_EIGHT) {
        iad_put_wide(p, v);
        return;
    }
#pragma unroll
    for (int i = 0; i < IAD_EIGHT; i++)
        if (i < left) iad_put(p + i, v[i]);
}

/* Whether every row of a matrix begins at a multiple of 16 bytes (host). */
static inline int iad_is_wide(const void *data, int64_t stride, size_t element) {
    return (uintptr_t)data % 16 == 0 && (size_t)stride * element % 16 == 0;
}

/* Sums in a fixed order; every lane, every thread gets the result. Blocks are whole warps. */
template <typename T> __device__ __forceinline__ T iad_warp_sum(T v) {
#pragma unroll
    for (int bit = 16; bit > 0; bit /= 2) v += __shfl_xor_sync(0xffffffffu, v, bit);
    return v;
}
__device__ __forceinline__ unsigned iad_warp_most(unsigned v) {
#pragma unroll
    for (int bit = 16; bit > 0; bit /= 2) v = max(v, __shfl_xor_sync(0xffffffffu, v, bit));
    return v;
}
/* room: shared, a T for each of up to 32 warps; free again for the next use of it after a barrier of the caller's. */
template <typename T> __device__ __forceinline__ T iad_block_sum(T v, T *room) {
    v = iad_warp_sum(v);
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = v;
    __syncthreads();
    T sum = 0;
    for (unsigned w = 0; w < blockDim.x / 32; w++) sum += room[w];
    return sum;
}

/* x / (1 + e^-x) */
__device__ __forceinline__ float iad_silu(float x) { return x / (1.0f + expf(-x)); }

/* Upper tail of the normal distribution for a in 0..20, by the formula and the polynomial of runtime/cpu/row_words.inc (normal_tail).
 * *power is exp(-a^2/2). */
__device__ __forceinline__ float iad_normal_tail(float a, float *power) {
    const float log2e_hi = 1.44269502f, log2e_lo = 1.92596299e-8f, ln2 = 0.693147181f;
    float square = a * a, square_lo = fmaf(a, a, -square), k = -0.5f * log2e_hi, e = square * k;
    float e_lo = fmaf(square, k, -e) + fmaf(square_lo, k, square * (-0.5f * log2e_lo));
    float two = exp2f(e);
    *power = fmaf(two, e_lo * ln2, two);
    float inverse = 1.0f / (a + 3.0f), t = (a - 3.0f) * inverse;
    float p = 5.44875633e-05f;
    p = fmaf(p, t, 0.000131327973f);
    p = fmaf(p, t, -0.00024473025f);
    p = fmaf(p, t, -0.00103257278f);
    p = fmaf(p, t, 0.00102475448f);
    p = fmaf(p, t, 0.00696931158f);
    p = fmaf(p, t, -0.0104625129f);
    p = fmaf(p, t, -0.0472626881f);
    p = fmaf(p, t, 0.230017699f);
    p = fmaf(p, t, -0.509331991f);
    p = fmaf(p, t, 0.72908369f);
    return *power * (p * inverse);
}

/* x P(x), P the normal distribution: max(x, 0) - a Q(a) with a = |x|. */
__device__ __forceinline__ float iad_gelu(float x) {
    float power, a = fminf(20.0f, fabsf(x));
    return x != x ? x : fmaxf(x, 0.0f) - a * iad_normal_tail(a, &power);
}

#endif
