/* Linear layers of the CPU device and of the reference device: iad_ops.weight_new, weight_set, weight_free, weight_bytes and linear.
 *
 * The weights are packed once into panels (runtime/cpu/pack.h). A product y = x W^T sums every output in the order of n_in, one
 * fused multiply-add (or one dot product of the processor's instruction) after the other, however many rows are multiplied at
 * once, however many threads there are: row i of a product is bit-equal to the same row multiplied alone. With AMX tiles the step is
 * one of 32 inputs, also for a single row. Integer sums are exact and therefore the same on every processor. */
#ifndef IAD_CPU_MATMUL_H
#define IAD_CPU_MATMUL_H

#include "runtime/ops.h"

/* Packs spec for `device` with its threads. The pages of a mapped source are given back to the system as they are read, so that the
 * memory at most is the packed weight and little more; the source itself stays readable. The spec and its arrays may go away
 * afterwards. Errors: IAD_ERR_ARG (no parts, empty shapes, an IAD_I8 part without scales, a storage that is not F32, BF16 or
 * I8), IAD_ERR_LIMIT (n_in or n_out above 2^24, n_in above 2^16 with IAD_I8, whose sums would leave 32 bits), IAD_ERR_NOMEM. */
iad_status iad_cpu_weight_new(iad_device *device, const iad_weight_spec *spec, iad_weight **weight, iad_err *err);
void iad_cpu_weight_free(iad_device *device, iad_weight *weight); /* NULL is fine */
size_t iad_cpu_weight_bytes(const iad_weight *weight);
/* Packs other values into a weight of the same shape, storage and biases, else IAD_ERR_ARG. */
iad_status iad_cpu_weight_set(iad_device *device, const iad_weight_spec *spec, iad_weight *weight, iad_err *err);

/* As iad_ops.linear says. x: f32 for IAD_F32 weights, bf16 for IAD_BF16, either for IAD_I8; y: f32 or bf16, f32 with
 * IAD_STORE_ADD; x and y do not overlap. Errors: IAD_ERR_ARG on shapes and types, IAD_ERR_NOMEM. */
iad_status iad_cpu_linear(iad_queue *queue, iad_mat x, const iad_weight *weight, iad_store store, iad_mat y, iad_err *err);

/* The oracle: plain loops over weights that are rounded and quantised by the same rules but not packed, sums in double or in
 * exact integers, one thread. */
iad_status iad_ref_weight_new(iad_device *device, const iad_weight_spec *spec, iad_weight **weight, iad_err *err);
void iad_ref_weight_free(iad_device *device, iad_weight *weight); /* NULL is fine */
size_t iad_ref_weight_bytes(const iad_weight *weight);
iad_status iad_ref_weight_set(iad_device *device, const iad_weight_spec *spec, iad_weight *weight, iad_err *err);
iad_status iad_ref_linear(iad_queue *queue, iad_mat x, const iad_weight *weight, iad_store store, iad_mat y, iad_err *err);

#endif
