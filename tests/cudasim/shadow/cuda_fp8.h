/* 8-bit floats: e4m3 as the tree's kernels use it. */
#ifndef IAD_CUDASIM_CUDA_FP8_H
#define IAD_CUDASIM_CUDA_FP8_H

#include "tests/cudasim/shadow/cuda_runtime.h"

typedef unsigned char __nv_fp8_storage_t;
enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 };
enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE };

/* Exact value of an e4m3 byte: no infinities, 0x7f and 0xff are NaN. */
static inline float sim_e4m3_value(unsigned char bits) {
    int exponent = bits >> 3 & 15, fraction = bits & 7;
    float v = exponent == 0 ? ldexpf((float)fraction, -9) : ldexpf((float)(8 + fraction), exponent - 10);
    if ((bits & 0x7f) == 0x7f) v = __uint_as_float(0x7fffffffu);
    return (bits & 0x80) != 0 ? -v : v;
}
/* Nearest, ties to even; beyond 448 the largest finite value (the only saturation in use). */
static inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float v, __nv_saturation_t, __nv_fp8_interpretation_t) {
    unsigned char sign = (unsigned char)(__float_as_uint(v) >> 31 << 7);
    float a = fabsf(v);
    if (!isfinite(v)) return (unsigned char)(sign | (v != v ? 0x7f : 0x7e));
    if (a >= 448.0f) return (unsigned char)(sign | 0x7e);
    int low = 0, high = 0x7e;
    while (low < high) { /* the largest byte at or below a */
        int middle = (low + high + 1) / 2;
        if (sim_e4m3_value((unsigned char)middle) <= a) low = middle;
        else high = middle - 1;
    }
    float below = sim_e4m3_value((unsigned char)low), above = low < 0x7e ? sim_e4m3_value((unsigned char)(low + 1)) : below;
    if (a - below > above - a || (a - below == above - a && (low & 1) != 0 && low < 0x7e)) low++;
    return (unsigned char)(sign | low);
}

#endif
