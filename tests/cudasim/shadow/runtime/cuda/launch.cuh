/* Starting kernels on the processor. The real one is runtime/cuda/launch.cuh. */
#ifndef IAD_CUDA_LAUNCH_CUH
#define IAD_CUDA_LAUNCH_CUH

#include <tuple>

#include "runtime/cuda/cuda_device.cuh"

template <typename T> static inline T *iad_shared(void) { return (T *)sim_shared_get(); }

template <typename... P, typename... A>
static inline iad_status iad_launch(iad_queue *queue, iad_err *err, const char *name, void (*kernel)(P...), dim3 grid, dim3 block,
                                    size_t shared_bytes, A... args) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return IAD_OK;
    std::tuple<P...> held(static_cast<P>(args)...);
    cudaError_t code = sim_launch(iad_cuda_stream(queue), name, grid, block, shared_bytes, [kernel, held] { std::apply(kernel, held); });
    return code == cudaSuccess ? IAD_OK : iad_cuda_fail(err, code, "launch of a kernel", name, __FILE__, __LINE__);
}

static inline unsigned iad_blocks(int64_t n, int64_t per) { return (unsigned)((n + per - 1) / per); }

#endif
