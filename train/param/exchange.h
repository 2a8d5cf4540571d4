/* What ranks that train together send each other in a step: pieces of gradients before the update, new weights after it.
 *
 * All-to-all and a sum in rank order instead of a reduce-scatter: the same bytes on the wire, f32 sums, and bits that depend on the number
 * of ranks only, not on a transport's algorithm. The comm's memory is the device's: the CPU's comms take its pointers as they are; a CUDA
 * device comes with a comm that works on its memory and behind its queue, and nothing here changes. */
#ifndef IAD_TRAIN_EXCHANGE_H
#define IAD_TRAIN_EXCHANGE_H

#include "train/comm/comm.h"
#include "train/param/params.h"

typedef struct iad_exchange {
    iad_params *params;
    iad_comm *comm;
    uint8_t *active;     /* [n_bucket] 1: has a trainable tensor */
    float *scratch;      /* device [world][largest piece of this rank]; NULL when world is 1 */
    int64_t largest;
    size_t *tables;      /* [4][world] offsets and sizes of a call */
} iad_exchange;

/* Which buckets take part is decided here. Deinit is fine on a failed or zeroed one. */
iad_status iad_exchange_init(iad_exchange *exchange, iad_params *params, iad_comm *comm, iad_err *err);
void iad_exchange_deinit(iad_exchange *exchange);
/* This rank's piece of every active bucket becomes the sum over ranks; the rest of params->grad is as before. */
iad_status iad_exchange_gradients(iad_exchange *exchange, iad_queue *queue, iad_err *err);
/* Every rank gets the pieces of high and low of all others. */
iad_status iad_exchange_weights(iad_exchange *exchange, iad_err *err);

#endif
