/* Starting kernels, and the one way to their dynamic shared memory. */
#ifndef IAD_CUDA_LAUNCH_CUH
#define IAD_CUDA_LAUNCH_CUH

#include "runtime/cuda/cuda_device.cuh"

/* The block's dynamic shared memory, 16-byte aligned. */
template <typename T> __device__ __forceinline__ T *iad_shared(void) {
    extern __shared__ __align__(16) unsigned char iad_shared_bytes[];
    return reinterpret_cast<T *>(iad_shared_bytes);
}

/* Starts `kernel` in the queue's stream; `name` is for messages. shared_bytes up to the device's shared_max. An empty grid starts
 * nothing. Errors: IAD_ERR_INTERNAL when the launch is refused (the message names the kernel). */
template <typename... P, typename... A>
static inline iad_status iad_launch(iad_queue *queue, iad_err *err, const char *name, void (*kernel)(P...), dim3 grid, dim3 block,
                                    size_t shared_bytes, A... args) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return IAD_OK;
    cudaError_t code = cudaSuccess;
    if (shared_bytes > ((size_t)48 << 10)) /* more than every kernel may have unasked */
        code = cudaFuncSetAttribute((const void *)kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared_bytes);
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = iad_cuda_stream(queue);
    if (code == cudaSuccess) code = cudaLaunchKernelEx(&config, kernel, static_cast<P>(args)...);
    return code == cudaSuccess ? IAD_OK : iad_cuda_fail(err, code, "launch of a kernel", name, __FILE__, __LINE__);
}

/* Blocks of `per` that hold n. */
static inline unsigned iad_blocks(int64_t n, int64_t per) { return (unsigned)((n + per - 1) / per); }

#endif
