/* The table of the card. */
#include "train/cuda/grad_cuda.cuh"

static const iad_grad_ops table = {
    .name = "cuda",
    .linear_dw = iad_cuda_linear_dw,
    .rmsnorm_back = iad_cuda_rmsnorm_back,
    .silu_mul_back = iad_cuda_silu_mul_back,
    .gelu_back = iad_cuda_gelu_back,
    .attend_back = iad_cuda_attend_back,
    .fuse_back = iad_cuda_fuse_back,
    .scatter_add = iad_cuda_scatter_add,
    .add = iad_cuda_add,
    .cross_entropy = iad_cuda_cross_entropy,
    .square_sum = iad_cuda_square_sum,
    .adamw = iad_cuda_adamw,
    .join = iad_cuda_join,
    .split = iad_cuda_split,
};

extern "C" const iad_grad_ops *iad_grad_ops_cuda_of(const iad_device *device) { return device->ops == &iad_ops_cuda ? &table : NULL; }
