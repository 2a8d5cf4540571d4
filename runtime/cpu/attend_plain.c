#include "runtime/cpu/attend.h"
#include "runtime/cpu/vec_plain.h"

#define TILE_ROWS 4
#define TILE_EACH(X) X(0) X(1) X(2) X(3)

#include "runtime/cpu/attend_kernel.inc"
