/* best_match of the CPU device (contract: runtime/ops.h). */
#ifndef IAD_CPU_MATCH_H
#define IAD_CPU_MATCH_H

#include "runtime/ops.h"

iad_status iad_cpu_best_match(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err);

#endif
