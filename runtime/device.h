/* Where a model runs. */
#ifndef IAD_RUNTIME_DEVICE_H
#define IAD_RUNTIME_DEVICE_H

#include "runtime/ops.h"

typedef enum iad_cpu_isa {
    IAD_CPU_AUTO,   /* the best that this processor has */
    IAD_CPU_PLAIN,  /* portable C */
    IAD_CPU_AVX2,
    IAD_CPU_AVX512, /* with the bf16 and VNNI instructions where present */
    IAD_CPU_AMX     /* the same with tiles for bf16 products */
} iad_cpu_isa;

/* threads 1..256, 0: every processor this process may run on. An isa that the processor lacks is IAD_ERR_UNSUPPORTED. AUTO and AMX ask
 * the system, once for the whole process, to let it use AMX tiles. */
iad_status iad_device_cpu_new(int threads, iad_cpu_isa isa, iad_device **device, iad_err *err);

/* The oracle: plain loops, sums in double, one thread. Slow; for tests and `iadgpt selftest`. */
iad_status iad_device_reference_new(iad_device **device, iad_err *err);

/* IAD_ERR_UNSUPPORTED when this build has no CUDA, the machine no such card, the card no compute capability of 8.0, or a driver or library
 * is missing or too old; the message says what to do. Several devices of one card may be made; they share nothing. */
iad_status iad_device_cuda_new(int ordinal, iad_device **device, iad_err *err);

/* "cpu", "cuda", "cuda:1", "reference". */
iad_status iad_device_new(const char *name, int threads, iad_device **device, iad_err *err);
void iad_device_free(iad_device *device); /* NULL is fine; after everything made on it */

/* Memory that weights, caches and scratch hold now and held at most, bytes. */
typedef struct iad_device_memory {
    size_t now, peak;
} iad_device_memory;
void iad_device_memory_get(const iad_device *device, iad_device_memory *memory);

#endif
