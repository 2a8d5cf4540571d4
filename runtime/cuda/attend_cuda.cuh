/* Attention on the card and what reads its probabilities; the paper's additions: iad_ops.attend, probe, fuse and best_match. */
#ifndef IAD_CUDA_ATTEND_CUDA_CUH
#define IAD_CUDA_ATTEND_CUDA_CUH

#include "runtime/cuda/cuda_device.cuh"

iad_status iad_cuda_attend(iad_queue *queue, const iad_attend *job, iad_err *err);
iad_status iad_cuda_probe(iad_queue *queue, const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err);
iad_status iad_cuda_fuse(iad_queue *queue, const iad_fuse *job, iad_err *err);
iad_status iad_cuda_best_match(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err);

#endif
