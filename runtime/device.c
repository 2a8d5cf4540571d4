#include "runtime/device.h"

#include <string.h>

#include "runtime/cpu/cpu_device.h"

enum { MAX_ORDINAL = 63 };

/* "cuda" is card 0, "cuda:7" card 7; -1 when the name is neither. */
static int cuda_ordinal(const char *name) {
    if (strncmp(name, "cuda", 4) != 0) return -1;
    if (name[4] == '\0') return 0;
    if (name[4] != ':' || name[5] == '\0') return -1;
    int n = 0;
    for (const char *c = name + 5; *c != '\0'; c++) {
        if (*c < '0' || *c > '9') return -1;
        n = 10 * n + (*c - '0');
        if (n > MAX_ORDINAL) return -1;
    }
    return n;
}

iad_status iad_device_new(const char *name, int threads, iad_device **device, iad_err *err) {
    *device = NULL;
    if (strcmp(name, "cpu") == 0) return iad_device_cpu_new(threads, IAD_CPU_AUTO, device, err);
    if (strcmp(name, "reference") == 0) return iad_device_reference_new(device, err);
    int ordinal = cuda_ordinal(name);
    if (ordinal >= 0) return iad_device_cuda_new(ordinal, device, err);
    return IAD_FAIL(err, IAD_ERR_ARG, "device \"%s\": expected cpu, cuda, cuda:N (N up to %d) or reference", name, MAX_ORDINAL);
}

void iad_device_free(iad_device *device) {
    if (device == NULL) return;
    device->ops->device_free(device);
}

void iad_device_memory_get(const iad_device *device, iad_device_memory *memory) { device->ops->device_memory(device, memory); }
