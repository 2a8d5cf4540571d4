#include "runtime/cpu/match.h"

#include <math.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "runtime/cpu/attend.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/ops_check.h"

enum { SLOT_WORK = IAD_CPU_SCRATCH_OPS, SLOT_REF, ROWS = 64, TILE_MAX = 32 };
static const double SERIAL_WORK = 5e5;

static double dot(const float *a, const float *b, int64_t n) {
    double s[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) s[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++) s[0] += (double)a[i] * (double)b[i];
    return (s[0] + s[2]) + (s[1] + s[3]);
}

static const float *row_at(const iad_mat *m, int64_t row) { return (const float *)m->data + row * m->stride; }

/* 1 / |row|, 0 for a zero row: its products are 0 then. */
static double inverse_norm(const iad_mat *m, int64_t row) {
    double square = dot(row_at(m, row), row_at(m, row), m->cols);
    return square > 0 ? 1 / sqrt(square) : 0;
}

iad_status iad_cpu_best_match(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err) {
    IAD_TRY(iad_check_best_match(&x, &ref, aligned, best, err));
    if (x.rows == 0) return IAD_OK;
    int threads = (double)x.rows * (aligned ? 1.0 : (double)ref.rows) * (double)x.cols < SERIAL_WORK ? 1 : iad_cpu_threads(queue->device);
    if (aligned) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
        for (int64_t i = 0; i < x.rows; i++)
            best[i] = (float)(dot(row_at(&x, i), row_at(&ref, i), x.cols) * inverse_norm(&x, i) * inverse_norm(&ref, i));
        return IAD_OK;
    }

    const iad_attend_kernels *kernels = iad_attend_kernels_of(queue->device);
    int d = (int)x.cols, tile = kernels->tile;
    /* The last rows of ref, filled up with zeros to a multiple of 8; every row's factor; per thread a packed tile and its products. */
    int64_t whole = ref.rows / 8 * 8;
    size_t factors = ((size_t)ref.rows + 15) / 16 * 16, rest = 8 * (size_t)d;
    size_t each = (size_t)d * TILE_MAX + ROWS * TILE_MAX;
    void *ref_memory, *work_memory;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_REF, (factors + rest) * sizeof(float), &ref_memory, err));
    IAD_TRY(iad_cpu_scratch(queue, SLOT_WORK, each * (size_t)threads * sizeof(float), &work_memory, err));
    float *factor = ref_memory, *last = factor + factors;
    memset(last, 0, rest * sizeof *last);
    for (int64_t j = whole; j < ref.rows; j++) memcpy(last + (j - whole) * d, row_at(&ref, j), (size_t)d * sizeof *last);

#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        int thread = 0;
#ifdef _OPENMP
        thread = omp_get_thread_num();
#endif
        float *qt = (float *)work_memory + (size_t)thread * each, *s = qt + (size_t)d * TILE_MAX;
#pragma omp for schedule(static)
        for (int64_t j = 0; j < ref.rows; j++) factor[j] = (float)inverse_norm(&ref, j);
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < x.rows; i += tile) {
            int n = x.rows - i < tile ? (int)(x.rows - i) : tile;
            float most[TILE_MAX];
            for (int v = 0; v < tile; v++) most[v] = -INFINITY;
            kernels->match_pack(row_at(&x, i), x.stride, n, d, qt);
            for (int64_t j = 0; j < whole; j += ROWS) {
                int rows = whole - j < ROWS ? (int)(whole - j) : ROWS;
                kernels->match_best(row_at(&ref, j), ref.stride, factor + j, rows, d, qt, s, most);
            }
            if (whole < ref.rows) kernels->match_best(last, d, factor + whole, (int)(ref.rows - whole), d, qt, s, most);
            for (int v = 0; v < n; v++) best[i + v] = (float)((double)most[v] * inverse_norm(&x, i + v));
        }
    }
    return IAD_OK;
}
