/* The backward pass of a block, the same for tower and language model, and of a linear layer. */
#ifndef IAD_TRAIN_TRAINBLOCK_H
#define IAD_TRAIN_TRAINBLOCK_H

#include "train/model/trainspace.h"
#include "train/model/weightbind.h"

/* A linear layer y = x W^T + b: gradients of W and b are added in the flat space (trainable tensors only); dx, where it has data,
 * becomes (or grows by) dy W. dy [n][n_out] f32, x [n][n_in] of the input type, dx [n][n_in] f32. narrow: room for dy in bf16 when that is the
 * input type. ones: a column of at least n ones of the input type. */
iad_status iad_linear_back(iad_queue *queue, const iad_params *params, const iad_bound_linear *linear, iad_mat dy, iad_mat x, const void *ones,
                           iad_mat narrow, iad_mat dx, iad_err *err);

/* How a block attends. */
typedef struct iad_block_attention {
    int n_head, n_kv_head, d_head;
    const iad_attend_seq *seqs;      /* host; their keys and values as the forward pass left them */
    int64_t n_seq;
    const int64_t *kv_row;           /* host [n_seq]: first row of each sequence's keys */
    const iad_probe *const *probes;  /* host [n_seq] or NULL: this block's attention is supervised */
    const iad_mat *probe_grad;       /* host [n_seq] */
} iad_block_attention;

/* Fills those activations of block i again that were not kept, except at IAD_RECOMPUTE_BLOCK, where the caller has run the forward pass
 * again. The bytes are those of the forward pass. */
iad_status iad_block_restore(iad_queue *queue, const iad_train_stack *stack, int block, const iad_block_weights *weights, float eps, iad_err *err);

/* stack->grad holds the gradient of block i's output and then that of its input. */
iad_status iad_block_back(iad_queue *queue, const iad_params *params, const iad_train_stack *stack, int block, const iad_block_weights *weights,
                          const iad_bound_block *bound, float eps, const iad_block_attention *attention, const void *ones, iad_err *err);

#endif
