/* The table of the CPU device. */
#include "runtime/cpu/cpu_device.h"
#include "train/cpu/flat.h"
#include "train/cpu/grad_ops_cpu.h"
#include "train/cuda/grad_ops_cuda.h"

const iad_grad_ops iad_grad_ops_cpu = {
    .name = "cpu",
    .linear_dw = iad_cpu_linear_dw,
    .rmsnorm_back = iad_cpu_rmsnorm_back,
    .silu_mul_back = iad_cpu_silu_mul_back,
    .gelu_back = iad_cpu_gelu_back,
    .attend_back = iad_cpu_attend_back,
    .fuse_back = iad_cpu_fuse_back,
    .scatter_add = iad_cpu_scatter_add,
    .add = iad_cpu_add,
    .cross_entropy = iad_cpu_cross_entropy,
    .square_sum = iad_cpu_square_sum,
    .adamw = iad_cpu_adamw,
    .join = iad_cpu_join,
    .split = iad_cpu_split,
};

iad_status iad_grad_ops_of(const iad_device *device, const iad_grad_ops **ops, iad_err *err) {
    *ops = device->ops == &iad_ops_cpu ? &iad_grad_ops_cpu : device->ops == &iad_ops_reference ? &iad_grad_ops_plain : iad_grad_ops_cuda_of(device);
    return *ops != NULL ? IAD_OK : IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "device %s cannot train", device->ops->name);
}
