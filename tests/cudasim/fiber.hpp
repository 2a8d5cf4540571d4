/* Fibers: stacks that one thread switches between. */
#ifndef IAD_CUDASIM_FIBER_HPP
#define IAD_CUDASIM_FIBER_HPP

#include <stddef.h>

struct sim_fiber; /* one of a pool of the calling thread */

/* Makes fiber `index` of the calling thread's pool ready to run entry(argument) from the start. Its stack is reused. Ends the program when
 * there is no memory. */
sim_fiber *sim_fiber_start(size_t index, void (*entry)(void *), void *argument);
/* From the scheduler into a fiber, until it yields or ends. */
void sim_fiber_enter(sim_fiber *fiber);
/* From the running fiber back to the scheduler. */
void sim_fiber_yield(void);
/* 1 when entry has returned. */
int sim_fiber_ended(const sim_fiber *fiber);

#endif
