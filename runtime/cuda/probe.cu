/* Probabilities of a few rows over a span of keys, mean over heads, in two kernels: maximum and mass of every row and head over all its keys,
 * then the columns, each summed by one thread in the order of rows and heads. Scratch is rows x heads; rows x keys never exists. */
#include "runtime/cuda/attend_cuda.cuh"
#include "runtime/cuda/attendtable.cuh"
#include "runtime/cuda/launch.cuh"

enum { THREADS = 128, SLOT_MASS = IAD_CUDA_SCRATCH_OPS };

typedef struct probe_row {
    int64_t row;
    int row_class;
    float weight;
} probe_row;

/* mass [row][head] = {maximum, sum of e^(score - maximum)} */
static __global__ void mass_kernel(iad_attend_row s, const probe_row *rows, int n_head, int n_kv_head, int d, float scale, const void *q, int q_half,
                                   int64_t q_stride, float2 *mass) {
    __shared__ float query[256], most_room[32], sum_room[32];
    int head = (int)blockIdx.y, kv = head / (n_head / n_kv_head), t = (int)threadIdx.x;
    int64_t row = rows[blockIdx.x].row, seen = iad_attend_seen(&s, row);
    for (int i = t; i < d; i += THREADS) query[i] = iad_get_any(q, q_half, (s.row + row) * q_stride + (int64_t)head * d + i);
    __syncthreads();
    float top = -INFINITY, sum = 0.0f;
    for (int64_t key = t; key < seen; key += THREADS) {
        float score = iad_attend_dot(&s, query, key, kv, d) * scale, next = fmaxf(top, score);
        if (next == -INFINITY) continue;
        sum = sum * expf(top - next) + expf(score - next);
        top = next;
    }
    float most = iad_block_max(top, most_room);
    sum = iad_block_sum(top == -INFINITY ? 0.0f : sum * expf(top - most), sum_room);
    if (t == 0) mass[(int64_t)blockIdx.x * n_head + head] = make_float2(most, sum);
}

static __global__ void columns_kernel(iad_attend_row s, const probe_row *rows, int n_row, int n_head, int n_kv_head, int d, float scale,
                                      const void *q,
                                      int q_half, int64_t q_stride, const float2 *mass, int64_t col, int64_t n_col, float *out, int64_t out_stride) {
    __shared__ float query[256];
    int64_t c = (int64_t)blockIdx.x * THREADS + threadIdx.x, key = col + c;
    for (int r = 0; r < n_row; r++) {
        int64_t row = rows[r].row;
        float sum = 0.0f;
        for (int head = 0; head < n_head; head++) {
            __syncthreads(); /* the last query has been read */
            for (int i = (int)threadIdx.x; i < d; i += THREADS) query[i] = iad_get_any(q, q_half, (s.row + row) * q_stride + (int64_t)head * d + i);
            __syncthreads();
            if (c >= n_col || key >= iad_attend_seen(&s, row)) continue;
            float2 m = mass[(int64_t)r * n_head + head];
            sum += expf(iad_attend_dot(&s, query, key, head / (n_head / n_kv_head), d) * scale - m.x) / m.y;
        }
        if (c < n_col) out[rows[r].row_class * out_stride + c] += rows[r].weight * (sum / (float)n_head);
    }
}

iad_status iad_cuda_probe(iad_queue *queue, const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err) {
    IAD_TRY(iad_check_probe(job, seq, probe, err));
    if (probe->n_row == 0 || probe->n_col == 0) return IAD_OK;
    probe_row *rows = (probe_row *)iad_calloc((size_t)probe->n_row, sizeof *rows);
    if (rows == NULL) return IAD_NOMEM(err, "the rows of a probe");
    for (int i = 0; i < probe->n_row; i++) {
        rows[i].row = probe->row[i];
        rows[i].row_class = probe->row_class[i];
        rows[i].weight = probe->weight[i];
    }
    void *table = NULL, *mass = NULL;
    iad_status status = iad_cuda_enter(queue, err);
    if (status == IAD_OK) status = iad_cuda_table(queue, rows, (size_t)probe->n_row * sizeof *rows, &table, err);
    free(rows);
    IAD_TRY(status);
    IAD_TRY(iad_cuda_scratch(queue, SLOT_MASS, (size_t)probe->n_row * (size_t)job->n_head * sizeof(float2), &mass, err));
    iad_attend_row s = iad_attend_row_of(&job->seqs[seq], 0);
    const probe_row *on_card = (const probe_row *)table;
    const void *q = job->q.data;
    int q_half = job->q.dtype == IAD_BF16;
    IAD_TRY(iad_launch(queue, err, "probe_mass", mass_kernel, dim3((unsigned)probe->n_row, (unsigned)job->n_head), dim3(THREADS), 0, s, on_card,
                       job->n_head,
                       job->n_kv_head, job->d_head, job->scale, q, q_half, job->q.stride, (float2 *)mass));
    return iad_launch(queue, err, "probe_columns", columns_kernel, dim3(iad_blocks(probe->n_col, THREADS)), dim3(THREADS), 0, s, on_card,
                      probe->n_row,
                      job->n_head, job->n_kv_head, job->d_head, job->scale, q, q_half, job->q.stride, (const float2 *)mass, probe->col, probe->n_col,
                      (float *)probe->out.data, probe->out.stride);
}
