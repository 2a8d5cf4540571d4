#include <omp.h>

#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/split.h"

#if IAD_AMX

enum {
    CHUNK_BLOCKS = 16,      /* blocks of rows and */
    CHUNK_STEPS = 12,       /* steps that are split at once: 1.2 MB, which stay in the second cache for all panels */
    SLOT_X = IAD_CPU_SCRATCH_MATMUL, /* of matmul.c's: a queue runs one product at a time */
    SLOT_ACC
};

/* What the threads share of one chunk: some rows, some steps. */
typedef struct chunk {
    const iad_matmul_kernels *kernels;
    const iad_weight *w;
    const unsigned char *x;     /* split */
    int64_t step, n_step;
    iad_store store;
    iad_mat y;
    int direct;                 /* sums of whole panels are made where they belong */
} chunk;

/* The chunk times one panel; acc: sums of its rows. */
static void unit(const chunk *c, int64_t panel, char *acc) {
    const iad_weight *w = c->w;
    int64_t out = panel * IAD_PANEL, cols = w->n_out - out < IAD_PANEL ? w->n_out - out : IAD_PANEL, steps = w->n_group / IAD_SPLIT_GROUPS;
    size_t y_size = iad_dtype_size(c->y.dtype), y_stride = (size_t)c->y.stride * y_size;
    char *y = (char *)c->y.data + (size_t)out * y_size;
    int direct = c->direct && cols == IAD_PANEL;
    iad_split_tile tile = {.rows = (int)c->y.rows,
                           .x = c->x,
                           .panel = w->panels + (size_t)(panel * w->n_group) * IAD_GROUP_BYTES + (size_t)c->step * IAD_SPLIT_STEP,
                           .n_step = c->n_step,
                           .panel_step = steps,
                           .bias = w->bias != NULL ? w->bias + out : NULL,
                           .acc = (float *)(void *)(direct ? y : acc),
                           .acc_stride = direct ? y_stride : IAD_PANEL * sizeof(float),
                           .load = c->step > 0,
                           .cols = (int)cols};
    iad_split_multiply(&tile);
    if (direct || c->step + c->n_step < steps) return;
    iad_finish finish = {tile.rows, cols, acc, NULL, NULL, NULL, NULL, c->store, c->y.dtype, y, y_stride};
    c->kernels->finish(&finish);
}

/* Chunk by chunk: all threads split it, then they share the panels. Results do not depend on who computes what, nor on how rows and steps are
 * cut: a sum between two chunks of steps rests in acc as it is. */
iad_status iad_split_linear(iad_queue *queue, iad_mat x, const iad_weight *w, iad_store store, iad_mat y, iad_err *err) {
    int64_t steps = w->n_group / IAD_SPLIT_GROUPS, blocks = (x.rows + IAD_SPLIT_ROWS - 1) / IAD_SPLIT_ROWS;
    int64_t row_chunks = (blocks + CHUNK_BLOCKS - 1) / CHUNK_BLOCKS, step_chunks = (steps + CHUNK_STEPS - 1) / CHUNK_STEPS;
    int64_t most_blocks = (blocks + row_chunks - 1) / row_chunks, most_steps = (steps + step_chunks - 1) / step_chunks;
    int threads = iad_matmul_threads(queue->device, x.rows, w);
    /* Sums are a thread's own unless they have to wait for the next steps. */
    int64_t n_acc = step_chunks > 1 ? w->n_panel : threads;
    size_t acc_bytes = (size_t)most_blocks * IAD_SPLIT_ROWS * IAD_PANEL * sizeof(float);
    void *split, *acc;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_X, (size_t)(most_blocks * most_steps) * IAD_SPLIT_STEP, &split, err));
    IAD_TRY(iad_cpu_scratch(queue, SLOT_ACC, (size_t)n_acc * acc_bytes, &acc, err));
    iad_matmul_kernels kernels = iad_matmul_kernels_for(queue->device);
#pragma omp parallel num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < row_chunks * step_chunks; i++) {
        int64_t at = i / step_chunks, b0 = blocks * at / row_chunks, b1 = blocks * (at + 1) / row_chunks;
        int64_t row0 = b0 * IAD_SPLIT_ROWS, row1 = b1 * IAD_SPLIT_ROWS < x.rows ? b1 * IAD_SPLIT_ROWS : x.rows;
        int64_t step = steps * (i % step_chunks) / step_chunks, n_step = steps * (i % step_chunks + 1) / step_chunks - step;
        int64_t in = step * IAD_SPLIT_INPUTS, n_in = x.cols - in < n_step * IAD_SPLIT_INPUTS ? x.cols - in : n_step * IAD_SPLIT_INPUTS;
        chunk c = {&kernels, w, split, step, n_step, store, iad_mat_rows(y, row0, row1 - row0), store == IAD_STORE_SET && y.dtype == IAD_F32};
#pragma omp for schedule(static)
        for (int64_t b = b0; b < b1; b++) {
            int64_t row = b * IAD_SPLIT_ROWS;
            int rows = (int)(x.rows - row < IAD_SPLIT_ROWS ? x.rows - row : IAD_SPLIT_ROWS);
            iad_split_rows((const float *)x.data + row * x.stride + in, x.stride, rows, n_in,
                           (unsigned char *)split + (size_t)((b - b0) * n_step) * IAD_SPLIT_STEP);
        }
        /* The team meets after this loop, too: the next chunk takes the place of this one. */
#pragma omp for schedule(dynamic)
        for (int64_t p = 0; p < w->n_panel; p++)
            unit(&c, p, (char *)acc + (size_t)(step_chunks > 1 ? p : omp_get_thread_num()) * acc_bytes);
    }
    return IAD_OK;
}

#else

/* No weight of this build is split. */
iad_status iad_split_linear(iad_queue *queue, iad_mat x, const iad_weight *w, iad_store store, iad_mat y, iad_err *err) {
    (void)queue, (void)x, (void)w, (void)store, (void)y;
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "linear: this build has no AMX");
}

#endif
