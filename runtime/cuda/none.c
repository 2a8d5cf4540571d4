/* A build without CUDA. */
#include "runtime/device.h"

iad_status iad_device_cuda_new(int ordinal, iad_device **device, iad_err *err) {
    *device = NULL;
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "cuda:%d: this build has no CUDA", ordinal);
}
