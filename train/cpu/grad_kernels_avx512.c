#include "train/cpu/grad_kernels.h"
#include "runtime/cpu/vec_avx512.h"

#include <math.h>

#if defined(__x86_64__)
#define TILE_ROWS 8
#include "train/cpu/grad_kernels.inc"
#endif
