#include "runtime/cpu/rowops.h"
#include "runtime/cpu/vec_plain.h"

#include "runtime/cpu/rows_kernel.inc"
