/* Half precision: only read, from tables of checkpoints. */
#ifndef IAD_CUDASIM_CUDA_FP16_H
#define IAD_CUDASIM_CUDA_FP16_H

#include "tests/cudasim/shadow/cuda_runtime.h"

struct alignas(2) __half { unsigned short bits; };
static inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
static inline float __half2float(__half v) {
    unsigned sign = (unsigned)(v.bits & 0x8000) << 16, exponent = v.bits >> 10 & 31, fraction = v.bits & 0x3ff;
    if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) return (sign != 0 ? -1.0f : 1.0f) * (float)fraction * 5.9604644775390625e-8f;
    return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}

#endif
