#include "runtime/cpu/rowops.h"
#include "runtime/cpu/vec_avx2.h"

#include <math.h>

#if defined(__x86_64__)
#include "runtime/cpu/rows_kernel.inc"
#endif
