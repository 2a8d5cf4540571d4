/* Backward operations on rows: what belongs to a row is computed by one thread; running sums over rows belong to columns, and a
 * column's sum is one thread's work from the first row to the last. So neither threads nor cuts between rows change a bit. */
#include "runtime/cpu/cpu_device.h"
#include "train/cpu/grad_check.h"
#include "train/cpu/grad_kernels.h"
#include "train/cpu/grad_ops_cpu.h"

/* Elements below which waking the team costs more than it saves. */
enum { SERIAL_LIGHT = 1 << 16, SERIAL_HEAVY = 1 << 14, LINE = 16, SLOT_STATS = IAD_CPU_SCRATCH_OPS };

const iad_grad_kernels *iad_grad_kernels_of(const iad_device *device) {
#if defined(__x86_64__)
    switch (iad_cpu_isa_of(device)) {
    case IAD_CPU_AVX512: return &iad_grad_kernels_avx512;
    case IAD_CPU_AVX2: return &iad_grad_kernels_avx2;
    default: break;
    }
#endif
    (void)device;
    return &iad_grad_kernels_plain;
}

static int team(const iad_queue *queue, int64_t rows, int64_t cols, int64_t serial) {
    return rows * cols < serial ? 1 : iad_cpu_threads(queue->device);
}

static float *row_at(const iad_mat *m, int64_t row) { return (float *)m->data + row * m->stride; }

/* First column of thread `part` of `threads`, in whole cache lines: pieces as wide as they can be, so that rows are read in one go. */
static int64_t part_at(int64_t cols, int part, int threads) {
    int64_t col = (cols + LINE - 1) / LINE * part / threads * LINE;
    return col < cols ? col : cols;
}

iad_status iad_cpu_rmsnorm_back(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat dy, iad_mat dx, int set, float *dw,
                                iad_err *err) {
    IAD_TRY(iad_grad_check_rmsnorm(&x, weight, eps, &dy, &dx, set, err));
    const iad_grad_kernels *kernels = iad_grad_kernels_of(queue->device);
    int threads = team(queue, x.rows, x.cols, SERIAL_LIGHT);
    void *memory;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_STATS, (size_t)x.rows * sizeof(float), &memory, err));
    float *factor = memory;
    /* dw first: dx may be dy. */
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
#pragma omp for schedule(static)
        for (int64_t r = 0; r < x.rows; r++) factor[r] = kernels->rms_factor(row_at(&x, r), eps, x.cols);
#pragma omp for schedule(static)
        for (int t = 0; t < (dw != NULL ? threads : 0); t++) {
            int64_t col = part_at(x.cols, t, threads);
            kernels->rmsnorm_dw(x, dy, factor, col, part_at(x.cols, t + 1, threads) - col, dw);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < x.rows; r++)
            kernels->rmsnorm_dx(row_at(&x, r), weight, factor[r], row_at(&dy, r), x.cols, set, row_at(&dx, r));
    }
    return IAD_OK;
}

iad_status iad_cpu_silu_mul_back(iad_queue *queue, iad_mat gate_up, iad_mat dy, iad_mat dgate_up, iad_err *err) {
    IAD_TRY(iad_grad_check_silu_mul(&gate_up, &dy, &dgate_up, err));
    const iad_grad_kernels *kernels = iad_grad_kernels_of(queue->device);
    int threads = team(queue, dy.rows, dy.cols, SERIAL_HEAVY);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < dy.rows; r++) {
        const float *gate = row_at(&gate_up, r);
        float *to = row_at(&dgate_up, r);
        kernels->silu_mul_back(gate, gate + dy.cols, row_at(&dy, r), dy.cols, to, to + dy.cols);
    }
    return IAD_OK;
}

iad_status iad_cpu_gelu_back(iad_queue *queue, iad_mat x, iad_mat dy, iad_mat dx, iad_err *err) {
    IAD_TRY(iad_grad_check_same("gelu_back", &x, &dy, &dx, err));
    const iad_grad_kernels *kernels = iad_grad_kernels_of(queue->device);
    int threads = team(queue, dy.rows, dy.cols, SERIAL_HEAVY);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < dy.rows; r++) kernels->gelu_back(row_at(&x, r), row_at(&dy, r), dy.cols, row_at(&dx, r));
    return IAD_OK;
}

iad_status iad_cpu_fuse_back(iad_queue *queue, const iad_fuse_back *back, iad_err *err) {
    IAD_TRY(iad_grad_check_fuse(back, err));
    const iad_grad_kernels *kernels = iad_grad_kernels_of(queue->device);
    int64_t rows = back->dy.rows, cols = back->dy.cols;
    if (rows == 0 || cols == 0) return IAD_OK;
    int threads = team(queue, rows, cols * back->job->n_tap, SERIAL_HEAVY);
    void *memory;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_STATS, (size_t)rows * sizeof(iad_fuse_stats), &memory, err));
    iad_fuse_stats *stats = memory;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++) kernels->fuse_stats(back, r, &stats[r]);
#pragma omp for schedule(static)
        for (int t = 0; t < (back->dnorm != NULL || back->dgate_w != NULL ? threads : 0); t++) {
            int64_t col = part_at(cols, t, threads);
            kernels->fuse_params(back, stats, col, part_at(cols, t + 1, threads) - col);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++) kernels->fuse_taps(back, r, &stats[r]);
    }
    for (int64_t r = 0; r < rows; r++) {
        if (back->dscale != NULL) *back->dscale += stats[r].scale;
        for (int k = 0; k < back->job->n_tap && back->dgate_b != NULL && back->job->scale[0] != 0; k++) back->dgate_b[k] += stats[r].gate[k];
    }
    return IAD_OK;
}

iad_status iad_cpu_scatter_add(iad_queue *queue, iad_mat dy, const int32_t *index, iad_mat dtable, iad_err *err) {
    IAD_TRY(iad_grad_check_scatter(&dy, index, &dtable, err));
    const iad_grad_kernels *kernels = iad_grad_kernels_of(queue->device);
    int threads = team(queue, dy.rows, dy.cols, SERIAL_LIGHT);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int t = 0; t < threads; t++) {
        int64_t col = part_at(dy.cols, t, threads), n = part_at(dy.cols, t + 1, threads) - col;
        for (int64_t r = 0; r < dy.rows; r++)
            if (index[r] >= 0) kernels->add(IAD_F32, row_at(&dy, r) + col, n, row_at(&dtable, index[r]) + col);
    }
    return IAD_OK;
}

iad_status iad_cpu_cross_entropy(iad_queue *queue, iad_mat logits, const int32_t *target, const float *weight, double *loss, uint8_t *hit,
                                 iad_err *err) {
    IAD_TRY(iad_grad_check_cross_entropy(&logits, target, weight, loss, err));
    const iad_grad_kernels *kernels = iad_grad_kernels_of(queue->device);
    int threads = team(queue, logits.rows, logits.cols, SERIAL_HEAVY);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < logits.rows; r++) {
        int best;
        loss[r] = kernels->cross_entropy(row_at(&logits, r), logits.cols, target[r], weight[r], &best);
        if (hit != NULL) hit[r] = (uint8_t)best;
    }
    return IAD_OK;
}
