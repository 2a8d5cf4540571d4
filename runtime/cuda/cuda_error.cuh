/* Errors of the driver, the runtime and the libraries of the card, as the suite's errors: what was tried, on what, and what to do. */
#ifndef IAD_CUDA_ERROR_CUH
#define IAD_CUDA_ERROR_CUH

#include "runtime/cuda/cuda_base.cuh"

/* `call` is the source text of the call, of which the function's name is shown; `item` names what it was for. Never IAD_OK. Memory is
 * IAD_ERR_NOMEM; a driver, a card or a build that do not fit together IAD_ERR_UNSUPPORTED with what to do about it; a wrong launch
 * or a kernel that broke IAD_ERR_INTERNAL. */
iad_status iad_cuda_fail(iad_err *err, cudaError_t code, const char *call, const char *item, const char *file, int line);

/* Forwards a failed call of the CUDA runtime to the caller. Only where there is nothing to clean up. */
#define IAD_CUDA_TRY(err, item, call)                                                                                    \
    do {                                                                                                                 \
        cudaError_t iad_cuda_code = (call);                                                                              \
        if (iad_cuda_code != cudaSuccess) return iad_cuda_fail((err), iad_cuda_code, #call, (item), __FILE__, __LINE__); \
    } while (0)

#endif
