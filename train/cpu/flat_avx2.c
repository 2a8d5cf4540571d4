#include "train/cpu/flat_body.h"

#if defined(__x86_64__)
IAD_FLAT_KERNELS(avx2, __attribute__((target("avx2"))))
#endif
