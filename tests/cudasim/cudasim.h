/* What tests ask of the simulated card beyond being one. A test program that links iad_cudasim gets it as "cuda" (cards 0 and 1). */
#ifndef IAD_CUDASIM_H
#define IAD_CUDASIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "runtime/ops.h"

/* Memory of each card, bytes (4 GiB at first). What lies above fails as on a full card. */
void iad_cudasim_memory_set(size_t bytes);
/* Compute capability of the cards (major, minor; 9, 0 at first). */
void iad_cudasim_capability_set(int major, int minor);
/* The function of that name ("cudaMalloc", "cudaGetDeviceCount", ...) fails once, after `skip` more calls of it, with the error of that name
 * ("cudaErrorNoDevice"). NULL: nothing fails any more. Not while other threads use the card. */
void iad_cudasim_fail(const char *function, int skip, const char *error);
/* Kernels started on the calling process's cards so far, and bytes copied between host and card. */
size_t iad_cudasim_launches(void);
size_t iad_cudasim_copied(void);
/* Records what `work` asks of the queue and runs it `runs` times; between() is called before each run and after the last. */
iad_status iad_cudasim_record(iad_queue *queue, iad_status (*work)(iad_queue *queue, void *arg, iad_err *err), void *arg,
                              void (*between)(void *arg, int run), int runs, iad_err *err);

#ifdef __cplusplus
}
#endif

#endif
