#include "runtime/cpu/rowops.h"

#include <string.h>

#include "runtime/cpu/cpu_device.h"
#include "runtime/ops_check.h"

/* Elements below which waking the team costs more than it saves (a few microseconds of one core). */
enum { SERIAL_LIGHT = 1 << 16, SERIAL_HEAVY = 1 << 14 };

const iad_row_kernels *iad_row_kernels_of(const iad_device *device) {
#if defined(__x86_64__)
    switch (iad_cpu_isa_of(device)) {
    case IAD_CPU_AVX512: return &iad_row_kernels_avx512;
    case IAD_CPU_AVX2: return &iad_row_kernels_avx2;
    default: break;
    }
#endif
    (void)device;
    return &iad_row_kernels_plain;
}

static int team(const iad_queue *queue, int64_t rows, int64_t cols, int64_t serial) {
    if (rows < 2 || rows * cols < serial) return 1;
    int threads = iad_cpu_threads(queue->device);
    return threads < rows ? threads : (int)rows;
}

static void *row_at(const iad_mat *m, int64_t row) {
    return (char *)m->data + (size_t)(row * m->stride) * (m->dtype == IAD_F32 ? 4 : 2);
}

iad_status iad_cpu_rmsnorm(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_rmsnorm(&x, weight, eps, &y, err));
    const iad_row_kernels *kernels = iad_row_kernels_of(queue->device);
    int threads = team(queue, x.rows, x.cols, SERIAL_LIGHT);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < x.rows; r++) kernels->rmsnorm(row_at(&x, r), weight, eps, x.cols, y.dtype, row_at(&y, r));
    return IAD_OK;
}

iad_status iad_cpu_rope(iad_queue *queue, iad_mat x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err) {
    IAD_TRY(iad_check_rope(&x, n_head, d_head, cosine, sine, err));
    const iad_row_kernels *kernels = iad_row_kernels_of(queue->device);
    int threads = team(queue, x.rows, x.cols, SERIAL_LIGHT);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < x.rows; r++)
        kernels->rope(row_at(&x, r), n_head, d_head, cosine + r * (d_head / 2), sine + r * (d_head / 2));
    return IAD_OK;
}

iad_status iad_cpu_silu_mul(iad_queue *queue, iad_mat gate_up, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_silu_mul(&gate_up, &y, err));
    const iad_row_kernels *kernels = iad_row_kernels_of(queue->device);
    iad_mat up = iad_mat_cols(gate_up, y.cols, y.cols);
    int threads = team(queue, y.rows, y.cols, SERIAL_HEAVY);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < y.rows; r++)
        kernels->silu_mul(gate_up.dtype, row_at(&gate_up, r), row_at(&up, r), y.cols, y.dtype, row_at(&y, r));
    return IAD_OK;
}

iad_status iad_cpu_gelu(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_same("gelu", &x, &y, err));
    const iad_row_kernels *kernels = iad_row_kernels_of(queue->device);
    int threads = team(queue, x.rows, x.cols, SERIAL_HEAVY);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < x.rows; r++) kernels->gelu(x.dtype, row_at(&x, r), x.cols, y.dtype, row_at(&y, r));
    return IAD_OK;
}

iad_status iad_cpu_copy(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_same("copy", &x, &y, err));
    const iad_row_kernels *kernels = iad_row_kernels_of(queue->device);
    int threads = team(queue, x.rows, x.cols, SERIAL_LIGHT);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < x.rows; r++) kernels->convert(x.dtype, row_at(&x, r), x.cols, y.dtype, row_at(&y, r));
    return IAD_OK;
}

iad_status iad_cpu_gather(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_gather(&table, index, &y, err));
    const iad_row_kernels *kernels = iad_row_kernels_of(queue->device);
    int threads = team(queue, y.rows, y.cols, SERIAL_LIGHT);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < y.rows; r++) {
        const void *row = row_at(&table, index[r]);
        if (table.dtype == IAD_F16) (void)iad_dtype_convert(IAD_F16, row, (size_t)y.cols, y.dtype, row_at(&y, r), NULL);
        else kernels->convert(table.dtype, row, y.cols, y.dtype, row_at(&y, r));
    }
    return IAD_OK;
}

iad_status iad_cpu_fuse(iad_queue *queue, const iad_fuse *job, iad_err *err) {
    IAD_TRY(iad_check_fuse(job, err));
    const iad_row_kernels *kernels = iad_row_kernels_of(queue->device);
    int threads = team(queue, job->out.rows, job->out.cols * job->n_tap, SERIAL_HEAVY);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < job->out.rows; r++) kernels->fuse(job, r);
    return IAD_OK;
}
