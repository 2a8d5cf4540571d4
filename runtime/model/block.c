#include "runtime/model/block.h"

iad_status iad_block_finish(iad_queue *queue, const iad_block_weights *weights, float eps, const iad_block_acts *acts, iad_mat x, iad_mat out,
                            iad_err *err) {
    const iad_ops *ops = queue->ops;
    iad_mat mid = acts->mid;
    if (mid.data != x.data) IAD_TRY(ops->copy(queue, x, mid, err));
    IAD_TRY(ops->linear(queue, acts->attn, weights->out, IAD_STORE_ADD, mid, err));
    IAD_TRY(ops->rmsnorm(queue, mid, weights->norm2, eps, acts->norm2, err));
    if (out.data != mid.data) IAD_TRY(ops->copy(queue, mid, out, err));
    for (int64_t row = 0; row < x.rows; row += acts->gate_up.rows) {
        int64_t n = acts->gate_up.rows < x.rows - row ? acts->gate_up.rows : x.rows - row;
        iad_mat gate_up = iad_mat_rows(acts->gate_up, 0, n), hidden = iad_mat_rows(acts->hidden, 0, n);
        IAD_TRY(ops->linear(queue, iad_mat_rows(acts->norm2, row, n), weights->gate_up, IAD_STORE_SET, gate_up, err));
        IAD_TRY(ops->silu_mul(queue, gate_up, hidden, err));
        IAD_TRY(ops->linear(queue, hidden, weights->down, IAD_STORE_ADD, iad_mat_rows(out, row, n), err));
    }
    return IAD_OK;
}
