#include "runtime/cuda/cuda_error.cuh"

/* "cudaMalloc" of "cudaMalloc(&data, bytes)". */
static int name_length(const char *call) {
    int n = 0;
    while (call[n] != '\0' && call[n] != '(') n++;
    return n;
}

/* What the user can do, or NULL: then it is a fault of ours. */
static const char *advice(cudaError_t code) {
    switch (code) {
    case cudaErrorNoDevice: return "no NVIDIA card is visible: see nvidia-smi and CUDA_VISIBLE_DEVICES";
    case cudaErrorInsufficientDriver: return "no NVIDIA driver, or one that is older than this build's CUDA: install a newer driver";
    case cudaErrorInvalidDevice: return "there is no such card";
    case cudaErrorNoKernelImageForDevice: return "this build has no code for this card: build again with IAD_CUDA_ARCHS for it";
    case cudaErrorDevicesUnavailable: return "the card is busy or reserved: see nvidia-smi (compute mode)";
    case cudaErrorSystemDriverMismatch: return "driver and CUDA libraries are of different versions: restart after the driver's update";
    case cudaErrorSystemNotReady: return "the system is not ready for CUDA: the fabric manager may not run";
    case cudaErrorECCUncorrectable: return "the card reports broken memory (ECC): see nvidia-smi -q";
    default: return NULL;
    }
}

/* Errors after which every further call of this process fails. */
static int is_sticky(cudaError_t code) {
    switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorMisalignedAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorInvalidPc:
    case cudaErrorAssert: return 1;
    default: return 0;
    }
}

iad_status iad_cuda_fail(iad_err *err, cudaError_t code, const char *call, const char *item, const char *file, int line) {
    (void)cudaGetLastError(); /* a refused call must not be found again by the next one */
    int n = name_length(call);
    const char *name = cudaGetErrorName(code), *text = cudaGetErrorString(code), *what = advice(code);
    if (code == cudaErrorMemoryAllocation)
        return iad_err_set(err, IAD_ERR_NOMEM, file, line, "%s: %.*s: the card has no memory left", item, n, call);
    if (what != NULL) return iad_err_set(err, IAD_ERR_UNSUPPORTED, file, line, "%s: %s (%.*s: %s)", item, what, n, call, name);
    return iad_err_set(err, IAD_ERR_INTERNAL, file, line, "%s: %.*s: %s (%s)%s", item, n, call, text, name,
                       is_sticky(code) ? "; an earlier kernel broke, and this process cannot use the card any more" : "");
}
