#include "train/cpu/grad_kernels.h"
#include "runtime/cpu/vec_plain.h"

#include <math.h>

#define TILE_ROWS 4
#include "train/cpu/grad_kernels.inc"
