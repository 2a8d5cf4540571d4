/* What this machine can do at most, to measure the runtime against: reading memory, and the bare product of packed matrices. */
#ifndef IAD_BENCH_PROBE_H
#define IAD_BENCH_PROBE_H

#include "runtime/device.h"

/* Best rate of `repeats` (>= 1) passes in which the device's threads read `bytes` (>= 1 MiB; take several times the last cache)
 * from end to end, each its own part. GB/s (1e9). */
iad_status iad_probe_read(iad_device *device, size_t bytes, int repeats, double *rate, iad_err *err);

typedef struct iad_probe_product_result {
    double rate;             /* 2 rows n_in n_out / seconds, 1e9/s, best of the repeats */
    char implementation[64]; /* as oneDNN names it */
} iad_probe_product_result;

/* oneDNN's product of random [rows][n_in] by packed weights of the storage type (F32, BF16, I8), output f32 or int32, nothing
 * else: no quantising, no bias. With the device's threads. */
iad_status iad_probe_product(iad_device *device, iad_dtype storage, int64_t rows, int64_t n_in, int64_t n_out, int repeats,
                             iad_probe_product_result *result, iad_err *err);

/* The same numbers for the runtime's own product with everything it does (linear of ops.h; bf16 inputs for I8). */
iad_status iad_probe_linear(iad_device *device, iad_dtype storage, int64_t rows, int64_t n_in, int64_t n_out, int repeats,
                            double *rate, iad_err *err);

#endif
