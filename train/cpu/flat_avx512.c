#include "train/cpu/flat_body.h"

#if defined(__x86_64__)
IAD_FLAT_KERNELS(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,prefer-vector-width=512"))))
#endif
