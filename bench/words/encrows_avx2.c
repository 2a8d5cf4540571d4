#include "bench/words/encrows.h"
#include "runtime/cpu/vec_avx2.h"

#include <math.h>

#if defined(__x86_64__)
#include "bench/words/encrows_kernel.inc"
#endif
