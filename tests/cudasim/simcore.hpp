/* A card on the processor: kernels of runtime/cuda and train/cuda, compiled by the C++ compiler through the headers of shadow/, run here.
 *
 * The threads of a block are fibers on the thread that launched the kernel; blocks run one after the other; a launch has finished when it
 * returns. A fiber runs until it meets a barrier of its block or an operation of its warp, or ends. What a real card leaves undefined
 * and a test can notice ends the program with a message: threads of a block that wait at different barriers, lanes of a warp that meet
 * in different operations, partial masks, reading from lanes that are not there. Shared memory starts out as 0xff (NaNs). */
#ifndef IAD_CUDASIM_SIMCORE_HPP
#define IAD_CUDASIM_SIMCORE_HPP

#include <stddef.h>
#include <stdint.h>

#include <functional>

struct sim_dim {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

enum { SIM_WARP = 32, SIM_MAX_THREADS = 1024, SIM_SHARED_MAX = 227 << 10 };

/* One operation that all lanes of a warp take part in. Lanes that do not exist have NULLs. */
struct sim_warp_call {
    const void *in[SIM_WARP];
    void *out[SIM_WARP];
};
typedef void (*sim_combine)(sim_warp_call *call);

/* Called by every lane with the same op (a literal's address) and combine. When all lanes have come, combine computes all outs from all ins;
 * both lie on the lanes' stacks, which stand still meanwhile. */
void sim_warp(const char *op, sim_combine combine, const void *in, void *out);
/* A barrier of the block; returns how many of its threads brought a predicate that is not 0. */
int sim_block(const char *op, int predicate);
/* Ends the program with the kernel's name, block and thread in the message. */
[[noreturn]] void sim_fault(const char *what);

/* The dynamic shared memory of the running block. */
void *sim_shared_get(void);
size_t sim_shared_bytes(void);

/* Runs all blocks. The limits of the launch have been checked. */
void sim_run(const char *name, dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &body);

/* Where the running thread is. */
extern __thread sim_dim threadIdx, blockIdx, blockDim, gridDim;

#endif
