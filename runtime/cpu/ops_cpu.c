/* The table of the CPU device. */
#include "runtime/cpu/attend.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/match.h"
#include "runtime/cpu/matmul.h"
#include "runtime/cpu/rowops.h"

const iad_ops iad_ops_cpu = {
    .name = "cpu",
    .host_memory = 1,
    .device_free = iad_cpu_device_free,
    .device_memory = iad_cpu_device_memory,
    .alloc = iad_cpu_op_alloc,
    .release = iad_cpu_release,
    .borrow = iad_cpu_op_borrow,
    .unborrow = iad_cpu_op_unborrow,
    .queue_new = iad_cpu_op_queue_new,
    .queue_free = iad_cpu_op_queue_free,
    .upload = iad_cpu_op_upload,
    .download = iad_cpu_op_download,
    .zero = iad_cpu_op_zero,
    .weight_new = iad_cpu_weight_new,
    .weight_free = iad_cpu_weight_free,
    .weight_bytes = iad_cpu_weight_bytes,
    .weight_set = iad_cpu_weight_set,
    .linear = iad_cpu_linear,
    .rmsnorm = iad_cpu_rmsnorm,
    .rope = iad_cpu_rope,
    .silu_mul = iad_cpu_silu_mul,
    .gelu = iad_cpu_gelu,
    .copy = iad_cpu_copy,
    .gather = iad_cpu_gather,
    .attend = iad_cpu_attend,
    .probe = iad_cpu_probe,
    .fuse = iad_cpu_fuse,
    .best_match = iad_cpu_best_match,
};
