#include "runtime/cpu/matmul_kernels.h"
#include "runtime/cpu/vec_avx2.h"

#if defined(__x86_64__)
#include "runtime/cpu/pack_turn.inc"
#endif
