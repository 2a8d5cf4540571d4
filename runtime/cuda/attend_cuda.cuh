/* Attention on the card and what reads its probabilities; the paper's additions: iad_ops.attend, probe, fuse and best_match. */
#ifndef IAD_CUDA_ATTEND_CUDA_CUH
#define IAD_CUDA_ATTEND_CUDA_CUH

#include "runtime/cuda/cuda_device.cuh"

typedef struct iad_attend_row iad_attend_row; /* attendtable.cuh */

iad_status iad_cuda_attend(iad_queue *queue, const iad_attend *job, iad_err *err);
iad_status iad_cuda_probe(iad_queue *queue, const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err);
iad_status iad_cuda_fuse(iad_queue *queue, const iad_fuse *job, iad_err *err);
iad_status iad_cuda_best_match(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err);

/* Parts of iad_cuda_attend. Whether a sequence of a checked job is one for attend_tile.cu: by the job's d_head and its own keys alone, so that
 * it has the same bits in every batch. */
int iad_cuda_attend_tiles(const iad_attend *job, const iad_attend_seq *seq);
/* Those sequences. seqs (host) is scratch: `first` is set here. */
iad_status iad_cuda_attend_tile(iad_queue *queue, const iad_attend *job, iad_attend_row *seqs, int64_t n_seq, iad_err *err);

#endif
