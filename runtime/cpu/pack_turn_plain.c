#include "runtime/cpu/matmul_kernels.h"
#include "runtime/cpu/vec_plain.h"

#include "runtime/cpu/pack_turn.inc"
