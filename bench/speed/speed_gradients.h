/* Speed of the trainer's arithmetic on the CPU: matrix products beside oneDNN, the rest in absolute numbers. */
#ifndef IAD_SPEED_GRADIENTS_H
#define IAD_SPEED_GRADIENTS_H

#include <stdio.h>

#include "base/status.h"

/* Weight and input gradients on the shapes of small models and of the 7B one, ours and oneDNN's in alternation; packing of weights after an
 * update; attention; the update itself. Each the best of `repeats` (>= 1), with one thread as processor time, else as wall time. */
iad_status iad_speed_gradients(FILE *out, int threads, int repeats, iad_err *err);

#endif
