/* What every file of the card's side includes first: CUDA's headers, and the suite's C headers as C++ reads them. */
#ifndef IAD_CUDA_BASE_CUH
#define IAD_CUDA_BASE_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include "base/alloc.h"
#include "base/status.h"
#include "runtime/device.h"
#include "runtime/ops.h"
#include "runtime/ops_check.h"
}

#endif
