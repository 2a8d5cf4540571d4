#include "train/cpu/flat_body.h"

#if defined(__x86_64__)
/* gcc has to be told to use whole registers; clang knows no such word here, and its half registers give the same bytes. */
#if defined(__clang__)
#define WIDE
#else
#define WIDE ",prefer-vector-width=512"
#endif
IAD_FLAT_KERNELS(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2" WIDE))))
#endif
