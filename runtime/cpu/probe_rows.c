/* Attention probabilities of a few chosen rows (ops.h, iad_probe): the scores are computed twice, once for the maximum and the sum
 * of every lane, once for the columns wanted, always in f32. Nothing of the size rows x keys is kept. */
#include <math.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "runtime/cpu/attend.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/ops_check.h"

enum { SLOT_WORK = IAD_CPU_SCRATCH_OPS, SLOT_SUMS, SLOT_TOTALS };
static const double SERIAL_WORK = 5e5;

typedef struct probe_run {
    const iad_attend *job;
    const iad_attend_seq *seq;
    const iad_probe *probe;
    const iad_attend_kernels *kernels;
    int group;
    int64_t n_lane;    /* of one key/value head: n_row * group */
    int64_t n_chunk;   /* chunks of IAD_ATTEND_LANES of them */
    size_t work_bytes;
    char *memory;
} probe_run;

static int lanes_in(const probe_run *run, int64_t chunk) {
    int64_t left = run->n_lane - chunk * IAD_ATTEND_LANES;
    return left < IAD_ATTEND_LANES ? (int)left : IAD_ATTEND_LANES;
}

/* Row of the probe that lane i of a chunk belongs to. */
static int row_of(const probe_run *run, int64_t chunk, int i) { return (int)((chunk * IAD_ATTEND_LANES + i) / run->group); }

static void open_chunk(const probe_run *run, int kv, int64_t chunk, iad_attend_work *work) {
    const iad_attend *job = run->job;
    *work = (iad_attend_work){.d_head = job->d_head, .factor = job->scale * 1.44269504f, .q_kind = job->q.dtype, .kv = kv,
                              .spans = {run->seq->spans[0], run->seq->spans[1]}, .n_lane = lanes_in(run, chunk)};
    for (int i = 0; i < work->n_lane; i++) {
        int64_t row = run->probe->row[row_of(run, chunk, i)], head = (int64_t)kv * run->group + (chunk * IAD_ATTEND_LANES + i) % run->group;
        work->q[i] = (const char *)job->q.data + (size_t)((run->seq->row + row) * job->q.stride + head * job->d_head) *
                                                     iad_dtype_size(job->q.dtype);
        work->visible[i] = iad_attend_visible(run->seq, row);
    }
    int thread = 0;
#ifdef _OPENMP
    thread = omp_get_thread_num();
#endif
    (void)iad_attend_carve(work, IAD_ATTEND_LANES, run->memory + (size_t)thread * run->work_bytes);
    run->kernels->begin(work);
}

iad_status iad_cpu_probe(iad_queue *queue, const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err) {
    IAD_TRY(iad_check_probe(job, seq, probe, err));
    if (probe->n_row == 0 || probe->n_col == 0) return IAD_OK;
    probe_run run = {.job = job, .seq = &job->seqs[seq], .probe = probe, .kernels = iad_attend_kernels_of(queue->device),
                     .group = job->n_head / job->n_kv_head};
    int64_t n_key = run.seq->spans[0].k.rows + run.seq->spans[1].k.rows;
    int64_t n_block = (n_key + IAD_ATTEND_BLOCK - 1) / IAD_ATTEND_BLOCK;
    int tile = run.kernels->tile, n_kv = job->n_kv_head;
    run.n_lane = (int64_t)probe->n_row * run.group;
    run.n_chunk = (run.n_lane + IAD_ATTEND_LANES - 1) / IAD_ATTEND_LANES;
    int threads = (double)run.n_lane * n_kv * (double)n_key * job->d_head < SERIAL_WORK ? 1 : iad_cpu_threads(queue->device);

    /* Per (kv head, chunk): IAD_ATTEND_LANES maxima and sums per block; then the total of each lane. */
    int64_t n_group = (int64_t)n_kv * run.n_chunk;
    size_t lanes = IAD_ATTEND_LANES;
    iad_attend_work shape = {.d_head = job->d_head};
    run.work_bytes = iad_attend_carve(&shape, IAD_ATTEND_LANES, NULL);
    void *work_memory, *sums_memory, *totals_memory;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_WORK, run.work_bytes * (size_t)threads, &work_memory, err));
    IAD_TRY(iad_cpu_scratch(queue, SLOT_SUMS, (size_t)n_group * (size_t)n_block * 2 * lanes * sizeof(float), &sums_memory, err));
    size_t column = (size_t)probe->n_class * IAD_ATTEND_BLOCK; /* per thread: sums of a block's columns, in double */
    IAD_TRY(iad_cpu_scratch(queue, SLOT_TOTALS, (size_t)n_group * 2 * lanes * sizeof(float) + (size_t)threads * column * sizeof(double),
                            &totals_memory, err));
    run.memory = work_memory;
    float *sums = sums_memory, *totals = totals_memory;
    double *columns = (double *)(void *)(totals + (size_t)n_group * 2 * lanes);

#pragma omp parallel num_threads(threads) if (threads > 1)
    {
#pragma omp for schedule(dynamic, 1)
        for (int64_t t = 0; t < n_group * n_block; t++) {
            int64_t g = t / n_block, b = t % n_block;
            iad_attend_work work;
            open_chunk(&run, (int)(g / run.n_chunk), g % run.n_chunk, &work);
            (void)run.kernels->pack_keys(&work, b);
            float *m = sums + (size_t)t * 2 * lanes, *l = m + lanes;
            for (int i = 0; i < work.n_lane; i += tile) run.kernels->probe_sums(&work, b, i / tile, m + i, l + i);
        }
#pragma omp for schedule(static)
        for (int64_t g = 0; g < n_group; g++) {
            float *shift = totals + (size_t)g * 2 * lanes, *weight = shift + lanes;
            int n = lanes_in(&run, g % run.n_chunk);
            for (int i = 0; i < (int)lanes; i++) {
                shift[i] = weight[i] = 0;
                if (i >= n) continue;
                double top = -INFINITY, sum = 0;
                for (int64_t b = 0; b < n_block; b++) top = fmax(top, (double)sums[(size_t)(g * n_block + b) * 2 * lanes + (size_t)i]);
                for (int64_t b = 0; b < n_block; b++) {
                    const float *m = sums + (size_t)(g * n_block + b) * 2 * lanes;
                    sum += (double)m[lanes + (size_t)i] * exp2((double)m[i] - top);
                }
                shift[i] = (float)top;
                weight[i] = (float)((double)probe->weight[row_of(&run, g % run.n_chunk, i)] / (job->n_head * sum));
            }
        }
        /* A block's columns belong to one thread; heads and rows are added in their order. */
#pragma omp for schedule(dynamic, 1)
        for (int64_t b = probe->col / IAD_ATTEND_BLOCK; b <= (probe->col + probe->n_col - 1) / IAD_ATTEND_BLOCK; b++) {
            int thread = 0;
#ifdef _OPENMP
            thread = omp_get_thread_num();
#endif
            double *sum = columns + (size_t)thread * column;
            for (size_t i = 0; i < column; i++) sum[i] = 0;
            int n = 0;
            for (int64_t g = 0; g < n_group; g++) {
                iad_attend_work work;
                const float *shift = totals + (size_t)g * 2 * lanes, *weight = shift + lanes;
                open_chunk(&run, (int)(g / run.n_chunk), g % run.n_chunk, &work);
                n = run.kernels->pack_keys(&work, b);
                for (int i = 0; i < work.n_lane; i += tile) {
                    run.kernels->probe_rows(&work, b, i / tile, shift + i, weight + i);
                    for (int v = 0; v < tile && i + v < work.n_lane; v++) {
                        double *to = sum + (size_t)probe->row_class[row_of(&run, g % run.n_chunk, i + v)] * IAD_ATTEND_BLOCK;
                        for (int j = 0; j < n; j++) to[j] += (double)work.s[(size_t)j * (size_t)tile + (size_t)v];
                    }
                }
            }
            for (int j = 0; j < n; j++) {
                int64_t c = b * IAD_ATTEND_BLOCK + j - probe->col;
                if (c < 0 || c >= probe->n_col) continue;
                for (int k = 0; k < probe->n_class; k++) {
                    float *to = (float *)probe->out.data + (int64_t)k * probe->out.stride + c;
                    *to = (float)((double)*to + sum[(size_t)k * IAD_ATTEND_BLOCK + (size_t)j]);
                }
            }
        }
    }
    return IAD_OK;
}
