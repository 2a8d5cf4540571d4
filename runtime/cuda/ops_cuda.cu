/* The table of the card. */
#include "runtime/cuda/attend_cuda.cuh"
#include "runtime/cuda/cuda_device.cuh"
#include "runtime/cuda/linear.cuh"
#include "runtime/cuda/rows.cuh"

extern "C" const iad_ops iad_ops_cuda = {
    .name = "cuda",
    .device_free = iad_cuda_device_free,
    .device_memory = iad_cuda_device_memory,
    .alloc = iad_cuda_alloc,
    .release = iad_cuda_release,
    .borrow = iad_cuda_borrow,
    .unborrow = iad_cuda_release,
    .queue_new = iad_cuda_queue_new,
    .queue_free = iad_cuda_queue_free,
    .upload = iad_cuda_upload,
    .download = iad_cuda_download,
    .zero = iad_cuda_zero,
    .weight_new = iad_cuda_weight_new,
    .weight_free = iad_cuda_weight_free,
    .weight_bytes = iad_cuda_weight_bytes,
    .weight_set = iad_cuda_weight_set,
    .linear = iad_cuda_linear,
    .rmsnorm = iad_cuda_rmsnorm,
    .rope = iad_cuda_rope,
    .silu_mul = iad_cuda_silu_mul,
    .gelu = iad_cuda_gelu,
    .copy = iad_cuda_copy,
    .gather = iad_cuda_gather,
    .attend = iad_cuda_attend,
    .probe = iad_cuda_probe,
    .fuse = iad_cuda_fuse,
    .best_match = iad_cuda_best_match,
};
