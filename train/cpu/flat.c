#include "train/cpu/flat.h"

#include "runtime/cpu/cpu_device.h"
#include "train/cpu/grad_check.h"

enum { SERIAL = 1 << 15 }; /* elements below which waking the team costs more than it saves */

static const iad_flat_kernels *kernels_of(const iad_device *device) {
#if defined(__x86_64__)
    switch (iad_cpu_isa_of(device)) {
    case IAD_CPU_AVX512: return &iad_flat_kernels_avx512;
    case IAD_CPU_AVX2: return &iad_flat_kernels_avx2;
    default: break;
    }
#endif
    (void)device;
    return &iad_flat_kernels_plain;
}

static int team(const iad_queue *queue, int64_t n) { return n < SERIAL ? 1 : iad_cpu_threads(queue->device); }

static int64_t chunks_of(int64_t n) { return (n + IAD_FLAT_CHUNK - 1) / IAD_FLAT_CHUNK; }
static int64_t chunk_size(int64_t n, int64_t chunk) {
    return n - chunk * IAD_FLAT_CHUNK < IAD_FLAT_CHUNK ? n - chunk * IAD_FLAT_CHUNK : IAD_FLAT_CHUNK;
}

iad_status iad_cpu_add(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    IAD_TRY(iad_grad_check_same("add", &x, &y, NULL, err));
    const iad_flat_kernels *kernels = kernels_of(queue->device);
    int threads = team(queue, x.rows * x.cols);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < x.rows; r++) kernels->add((const float *)x.data + r * x.stride, (float *)y.data + r * y.stride, x.cols);
    return IAD_OK;
}

iad_status iad_cpu_square_sum(iad_queue *queue, const float *x, int64_t n, double *sum, iad_err *err) {
    IAD_TRY(iad_grad_check_array("square_sum", "x", x, n, err));
    const iad_flat_kernels *kernels = kernels_of(queue->device);
    int64_t chunks = chunks_of(n);
    int threads = team(queue, n);
    void *memory;
    IAD_TRY(iad_cpu_scratch(queue, IAD_CPU_SCRATCH_OPS, (size_t)chunks * sizeof(double), &memory, err));
    double *part = memory;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t c = 0; c < chunks; c++) part[c] = kernels->square_sum(x + c * IAD_FLAT_CHUNK, chunk_size(n, c));
    *sum = 0.0;
    for (int64_t c = 0; c < chunks; c++) *sum += part[c];
    return IAD_OK;
}

iad_status iad_cpu_adamw(iad_queue *queue, const iad_adamw *job, iad_err *err) {
    IAD_TRY(iad_grad_check_adamw(job, err));
    const iad_flat_kernels *kernels = kernels_of(queue->device);
    int threads = team(queue, job->n);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t c = 0; c < chunks_of(job->n); c++)
        kernels->adamw(job, c * IAD_FLAT_CHUNK, c * IAD_FLAT_CHUNK + chunk_size(job->n, c));
    return IAD_OK;
}

iad_status iad_cpu_join(iad_queue *queue, const uint16_t *high, const uint16_t *low, int64_t n, float *y, iad_err *err) {
    IAD_TRY(iad_grad_check_array("join", "high", high, n, err));
    IAD_TRY(iad_grad_check_array("join", "y", y, n, err));
    const iad_flat_kernels *kernels = kernels_of(queue->device);
    int threads = team(queue, n);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t c = 0; c < chunks_of(n); c++) {
        int64_t at = c * IAD_FLAT_CHUNK;
        kernels->join(high + at, low != NULL ? low + at : NULL, chunk_size(n, c), y + at);
    }
    return IAD_OK;
}

iad_status iad_cpu_split(iad_queue *queue, const float *y, int64_t n, uint16_t *high, uint16_t *low, iad_err *err) {
    IAD_TRY(iad_grad_check_array("split", "y", y, n, err));
    IAD_TRY(iad_grad_check_array("split", "high", high, n, err));
    const iad_flat_kernels *kernels = kernels_of(queue->device);
    int threads = team(queue, n);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t c = 0; c < chunks_of(n); c++) {
        int64_t at = c * IAD_FLAT_CHUNK;
        kernels->split(y + at, chunk_size(n, c), high + at, low != NULL ? low + at : NULL);
    }
    return IAD_OK;
}
