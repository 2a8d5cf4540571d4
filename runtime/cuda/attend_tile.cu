/* Attention with bf16 keys and heads of up to 128: q and the probabilities rounded to bf16, sums in f32, as on the CPU.
 *
 * Keys are taken in blocks of 64 by absolute index, each with its own maximum, merged in rising order. With few rows (decode) the blocks of keys
 * go to blocks of threads of their own and a second kernel merges them in the same order: the same bits, whatever the cut. */
#include "runtime/cuda/attend_cuda.cuh"
#include "runtime/cuda/attend_tile.cuh"
#include "runtime/cuda/launch.cuh"

enum { SLOT_PARTS = IAD_CUDA_SCRATCH_OPS + 1 };

static const size_t MAX_PARTS = (size_t)64 << 20; /* bytes of parts; beyond, there are rows enough */

template <int DP> static __global__ void __launch_bounds__(TILE_THREADS) tile_kernel(iad_tile_job job) {
    const int stride = DP + TILE_PAD;
    iad_bf16 *q = iad_shared<iad_bf16>(), *k = q + TILE_ROWS * stride, *v = k + TILE_KEYS * stride;
    int kv = (int)blockIdx.y, warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    int64_t first;
    const iad_attend_row *s = iad_tile_find(&job, blockIdx.x, &first);
    int64_t n_lane = s->n_row * job.group, last = (first + TILE_ROWS < n_lane ? first + TILE_ROWS : n_lane) - 1;
    int64_t end = iad_attend_seen(s, last / job.group), from = 0;
    if (job.parts != NULL) { /* one block of keys */
        from = (int64_t)blockIdx.z * TILE_KEYS;
        if (from >= end) return;
        if (end > from + TILE_KEYS) end = from + TILE_KEYS;
    }
    iad_tile_load<DP>(k, s, 0, from, kv, job.d);
    for (int i = (int)threadIdx.x; i < TILE_ROWS * DP; i += TILE_THREADS) {
        int64_t at = first + i / DP;
        int col = i % DP;
        float x = at <= last && col < job.d ? iad_get_any(job.q, job.q_half, (s->row + at / job.group) * job.q_stride +
                                                              ((int64_t)kv * job.group + at % job.group) * job.d + col) : 0.0f;
        q[i / DP * stride + col] = iad_bf16_bits(x);
    }
    int64_t own[2] = {first + warp * 16 + lane / 4, first + warp * 16 + lane / 4 + 8}, seen[2];
#pragma unroll
    for (int half = 0; half < 2; half++) seen[half] = own[half] <= last ? iad_attend_seen(s, own[half] / job.group) : 0;
    int busy = first + warp * 16 <= last; /* the same for a warp */
    float top[2] = {-INFINITY, -INFINITY}, total[2] = {0.0f, 0.0f}, sum[DP / 8][4];
#pragma unroll
    for (int c = 0; c < DP / 8; c++)
#pragma unroll
        for (int i = 0; i < 4; i++) sum[c][i] = 0.0f;
    for (int64_t key0 = from; key0 < end; key0 += TILE_KEYS) {
        float part[DP / 8][4], most[2], mass[2];
        unsigned p[TILE_KEYS / 16][4];
        iad_copy_wait();
        __syncthreads(); /* keys are there; the last values have been read */
        iad_tile_load<DP>(v, s, 1, key0, kv, job.d);
        if (busy) {
            float score[TILE_KEYS / 8][4];
            iad_tile_scores<DP>(score, q + warp * 16 * stride, k, lane);
            iad_tile_softmax(score, p, job.factor, seen, key0, lane, most, mass);
        }
        iad_copy_wait();
        __syncthreads(); /* values are there; the keys have been read */
        if (key0 + TILE_KEYS < end) iad_tile_load<DP>(k, s, 0, key0 + TILE_KEYS, kv, job.d);
        if (!busy) continue;
#pragma unroll
        for (int c = 0; c < DP / 8; c++)
#pragma unroll
            for (int i = 0; i < 4; i++) part[c][i] = 0.0f;
        iad_tile_values<DP>(part, p, v, lane);
        if (job.parts != NULL) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                if (own[half] > last) continue;
                int64_t unit = ((int64_t)blockIdx.x * gridDim.y + kv) * job.n_block + blockIdx.z;
                float *to = job.parts + (unit * TILE_ROWS + own[half] - first) * (job.d + 2);
#pragma unroll
                for (int c = 0; c < DP / 8; c++)
#pragma unroll
                    for (int i = 0; i < 2; i++)
                        if (c * 8 + lane % 4 * 2 + i < job.d) to[c * 8 + lane % 4 * 2 + i] = part[c][2 * half + i];
                if (lane % 4 == 0) {
                    to[job.d] = most[half];
                    to[job.d + 1] = mass[half];
                }
            }
            continue;
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float keep, take;
            iad_tile_merge(&top[half], most[half], &keep, &take);
            total[half] = total[half] * keep + mass[half] * take;
#pragma unroll
            for (int c = 0; c < DP / 8; c++)
#pragma unroll
                for (int i = 2 * half; i < 2 * half + 2; i++) sum[c][i] = sum[c][i] * keep + part[c][i] * take;
        }
    }
    if (job.parts != NULL || !busy) return;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        if (own[half] > last) continue;
#pragma unroll
        for (int c = 0; c < DP / 8; c++)
#pragma unroll
            for (int i = 0; i < 2; i++) {
                int col = c * 8 + lane % 4 * 2 + i;
                if (col < job.d) iad_tile_put(&job, s, own[half], kv, col, sum[c][2 * half + i] / total[half]);
            }
    }
}

/* Thread i merges element i of one (row, head) pair over the blocks of keys that it sees. */
static __global__ void merge_kernel(iad_tile_job job) {
    int64_t first;
    const iad_attend_row *s = iad_tile_find(&job, blockIdx.x, &first);
    int64_t own = first + blockIdx.z;
    int col = (int)threadIdx.x;
    if (own >= s->n_row * job.group || col >= job.d) return;
    int64_t seen = iad_attend_seen(s, own / job.group), unit = ((int64_t)blockIdx.x * gridDim.y + blockIdx.y) * job.n_block;
    float top = -INFINITY, total = 0.0f, sum = 0.0f;
    for (int64_t block = 0; block * TILE_KEYS < seen; block++) {
        const float *part = job.parts + ((unit + block) * TILE_ROWS + blockIdx.z) * (job.d + 2);
        float keep, take;
        iad_tile_merge(&top, part[job.d], &keep, &take);
        total = total * keep + part[job.d + 1] * take;
        sum = sum * keep + part[col] * take;
    }
    iad_tile_put(&job, s, own, (int)blockIdx.y, col, sum / total);
}

template <int DP> static iad_status tile_launch(iad_queue *queue, const iad_tile_job *job, dim3 grid, iad_err *err) {
    size_t shared = (size_t)(TILE_ROWS + 2 * TILE_KEYS) * (DP + TILE_PAD) * sizeof(iad_bf16);
    return iad_launch(queue, err, "attend_tile", tile_kernel<DP>, grid, dim3(TILE_THREADS), shared, *job);
}

int iad_cuda_attend_tiles(const iad_attend *job, const iad_attend_seq *seq) {
    iad_dtype kind = seq->spans[seq->spans[0].k.rows > 0 ? 0 : 1].k.dtype;
    int both = seq->spans[0].k.rows > 0 && seq->spans[1].k.rows > 0;
    return kind == IAD_BF16 && (!both || seq->spans[1].k.dtype == IAD_BF16) && job->d_head % 8 == 0 && job->d_head <= 128;
}

iad_status iad_cuda_attend_tile(iad_queue *queue, const iad_attend *job, iad_attend_row *seqs, int64_t n_seq, iad_err *err) {
    int group = job->n_head / job->n_kv_head;
    int64_t tiles = 0, most = 0;
    for (int64_t i = 0; i < n_seq; i++) {
        seqs[i].first = tiles;
        tiles += (seqs[i].n_row * group + TILE_ROWS - 1) / TILE_ROWS;
        if (seqs[i].n_row > 0 && seqs[i].n_key > most) most = seqs[i].n_key;
    }
    if (tiles == 0) return IAD_OK;
    void *table, *parts = NULL;
    IAD_TRY(iad_cuda_table(queue, seqs, (size_t)n_seq * sizeof *seqs, &table, err));
    iad_tile_job t = {};
    t.seqs = (const iad_attend_row *)table;
    t.n_seq = n_seq;
    t.group = group;
    t.d = job->d_head;
    t.factor = job->scale * 1.44269504f;
    t.q = job->q.data;
    t.out = job->out.data;
    t.q_half = job->q.dtype == IAD_BF16;
    t.out_half = job->out.dtype == IAD_BF16;
    t.q_stride = job->q.stride;
    t.out_stride = job->out.stride;
    t.n_block = (most + TILE_KEYS - 1) / TILE_KEYS;
    /* Keys are split when the tiles alone would leave multiprocessors idle. */
    size_t bytes = (size_t)tiles * (size_t)job->n_kv_head * (size_t)t.n_block * TILE_ROWS * (size_t)(t.d + 2) * sizeof(float);
    int split = t.n_block > 1 && t.n_block < 65536 && tiles * job->n_kv_head < 2 * iad_cuda_device_of_queue(queue)->n_multi && bytes <= MAX_PARTS;
    if (split) IAD_TRY(iad_cuda_scratch(queue, SLOT_PARTS, bytes, &parts, err));
    t.parts = (float *)parts;
    dim3 grid((unsigned)tiles, (unsigned)job->n_kv_head, split ? (unsigned)t.n_block : 1u);
    if (t.d <= 64) IAD_TRY(tile_launch<64>(queue, &t, grid, err));
    else if (t.d <= 80) IAD_TRY(tile_launch<80>(queue, &t, grid, err));
    else if (t.d <= 96) IAD_TRY(tile_launch<96>(queue, &t, grid, err));
    else IAD_TRY(tile_launch<128>(queue, &t, grid, err));
    if (!split) return IAD_OK;
    return iad_launch(queue, err, "attend_merge", merge_kernel, dim3((unsigned)tiles, (unsigned)job->n_kv_head, TILE_ROWS), dim3(128), 0, t);
}
