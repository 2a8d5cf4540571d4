/* Attention: which kernel has which sequence, and the one for any head size and type (attend_tile.cu has the others):
 * a block per row and query head, in f32 throughout.
 *
 * Keys are taken in blocks of 128 by absolute index, each with its own maximum, merged in rising order (as on the CPU): a row's result does
 * not depend on the other rows of the call, so that chunked prefill, decode and batches over one prefix give the same bits. It reads K and V
 * once per row and head; for long prompts that is many times more than a tiled kernel would. */
#include "runtime/cuda/attend_cuda.cuh"
#include "runtime/cuda/attendtable.cuh"
#include "runtime/cuda/launch.cuh"

enum { KEYS = 128, PER_THREAD = 2, PARTS = 8 }; /* threads of a block, keys at once; d_head up to 256; of sums over the keys */

static __global__ void attend_kernel(const iad_attend_row *seqs, int64_t n_seq, int n_head, int n_kv_head, int d, float scale, const void *q,
                                     int q_half,
                                     int64_t q_stride, void *out, int out_half, int64_t out_stride) {
    __shared__ float query[256], score[KEYS], p[KEYS], room[PARTS];
    const iad_attend_row *s = iad_attend_find(seqs, n_seq, blockIdx.x);
    int64_t row = (int64_t)blockIdx.x - s->first, seen = iad_attend_seen(s, row);
    int head = (int)blockIdx.y, kv = head / (n_head / n_kv_head), t = (int)threadIdx.x;
    for (int i = t; i < d; i += KEYS) query[i] = iad_get_any(q, q_half, (s->row + row) * q_stride + (int64_t)head * d + i);
    float top = -INFINITY, total = 0.0f, sum[PER_THREAD] = {0.0f, 0.0f};
    for (int64_t key0 = 0; key0 < seen; key0 += KEYS) {
        __syncthreads(); /* the query is there; the last block's scores and p have been read */
        int here = seen - key0 < KEYS ? (int)(seen - key0) : (int)KEYS;
        score[t] = t < here ? iad_attend_dot(s, query, key0 + t, kv, d) * scale : -INFINITY;
        __syncthreads();
        if (t < PARTS) {
            float own = score[t];
            for (int k = t + PARTS; k < KEYS; k += PARTS) own = score[k] > own ? score[k] : own;
            room[t] = own;
        }
        __syncthreads();
        float most = room[0];
        for (int k = 1; k < PARTS; k++) most = room[k] > most ? room[k] : most;
        p[t] = t < here && score[t] != -INFINITY ? expf(score[t] - most) : 0.0f;
        __syncthreads();
        if (t < PARTS) {
            float own = p[t];
            for (int k = t + PARTS; k < KEYS; k += PARTS) own += p[k];
            room[t] = own;
        }
        __syncthreads();
        float mass = room[0];
        for (int k = 1; k < PARTS; k++) mass += room[k];
        float next = fmaxf(top, most), keep = top == -INFINITY ? 0.0f : expf(top - next), take = most == -INFINITY ? 0.0f : expf(most - next);
        total = total * keep + mass * take;
#pragma unroll
        for (int e = 0; e < PER_THREAD; e++) {
            int i = t + e * KEYS;
            if (i >= d) continue;
            float part = 0.0f;
            for (int k = 0; k < here; k++) {
                int64_t key = key0 + k;
                const iad_attend_span *span = iad_attend_place(s, &key);
                part = fmaf(p[k], iad_get_any(span->v, span->half, key * span->v_stride + (int64_t)kv * d + i), part);
            }
            sum[e] = sum[e] * keep + part * take;
        }
        top = next;
    }
#pragma unroll
    for (int e = 0; e < PER_THREAD; e++) {
        int i = t + e * KEYS;
        if (i >= d) continue;
        int64_t at = (s->row + row) * out_stride + (int64_t)head * d + i;
        if (out_half) iad_put((iad_bf16 *)out + at, sum[e] / total);
        else iad_put((float *)out + at, sum[e] / total);
    }
}

/* The sequences of a table whose `first` counts rows. */
static iad_status attend_general(iad_queue *queue, const iad_attend *job, const iad_attend_row *seqs, int64_t n_seq, int64_t rows, iad_err *err) {
    void *table;
    if (rows == 0) return IAD_OK;
    IAD_TRY(iad_cuda_table(queue, seqs, (size_t)n_seq * sizeof *seqs, &table, err));
    return iad_launch(queue, err, "attend", attend_kernel, dim3((unsigned)rows, (unsigned)job->n_head), dim3(KEYS), 0, (const iad_attend_row *)table,
                      n_seq, job->n_head, job->n_kv_head, job->d_head, job->scale, (const void *)job->q.data, job->q.dtype == IAD_BF16, job->q.stride,
                      job->out.data, job->out.dtype == IAD_BF16, job->out.stride);
}

iad_status iad_cuda_attend(iad_queue *queue, const iad_attend *job, iad_err *err) {
    IAD_TRY(iad_check_attend("attend", job, err));
    if (job->n_seq == 0) return IAD_OK;
    iad_attend_row *seqs = (iad_attend_row *)iad_alloc((size_t)job->n_seq, sizeof *seqs);
    if (seqs == NULL) return IAD_NOMEM(err, "the sequences of attention");
    int64_t rows = 0, n_general = 0, n_tile = 0;
    for (int64_t i = 0; i < job->n_seq; i++) { /* sequences for tiles gather at the end */
        if (iad_cuda_attend_tiles(job, &job->seqs[i])) {
            seqs[job->n_seq - ++n_tile] = iad_attend_row_of(&job->seqs[i], 0);
            continue;
        }
        seqs[n_general++] = iad_attend_row_of(&job->seqs[i], rows);
        rows += job->seqs[i].n_row;
    }
    iad_status status = iad_cuda_enter(queue, err);
    if (status == IAD_OK) status = attend_general(queue, job, seqs, n_general, rows, err);
    if (status == IAD_OK) status = iad_cuda_attend_tile(queue, job, seqs + n_general, n_tile, err);
    free(seqs);
    return status;
}
