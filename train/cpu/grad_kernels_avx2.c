#include "train/cpu/grad_kernels.h"
#include "runtime/cpu/vec_avx2.h"

#include <math.h>

#if defined(__x86_64__)
#define TILE_ROWS 4
#include "train/cpu/grad_kernels.inc"
#endif
