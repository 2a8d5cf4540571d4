#include "bench/words/encrows.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/vec_plain.h"

#include <math.h>

#include "bench/words/encrows_kernel.inc"

const iad_encrow_kernels *iad_encrow_kernels_of(const iad_device *device) {
#if defined(__x86_64__)
    switch (iad_cpu_isa_of(device)) {
    case IAD_CPU_AVX512: return &iad_encrow_kernels_avx512;
    case IAD_CPU_AVX2: return &iad_encrow_kernels_avx2;
    default: break;
    }
#endif
    (void)device;
    return &iad_encrow_kernels_plain;
}
