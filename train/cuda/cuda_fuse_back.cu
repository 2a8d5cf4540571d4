/* Backward of the fusion of visual layers on the card; the formulas are those of train/cpu/fuse_back.inc. */
#include "train/cuda/grad_cuda.cuh"

extern "C" {
#include "train/cpu/grad_kernels.h" /* iad_fuse_stats */
}

enum { THREADS = IAD_CUDA_GRAD_THREADS, WARPS = THREADS / 32, TAPS = IAD_FUSE_MAX_TAPS, PARAM_THREADS = 128 };

/* Both structs of the host go to kernels as they are; job.job and what is on the host are not touched there. */
typedef struct fuse_args {
    iad_fuse job;
    iad_fuse_back back;
    iad_fuse_stats *stats;
} fuse_args;

static __device__ __forceinline__ float *fuse_row(const iad_mat &m, int64_t row) { return (float *)m.data + row * m.stride; }

/* The sum over a block; room is free again afterwards. */
static __device__ __forceinline__ double fuse_sum(float part, double *room) {
    double sum = iad_block_sum((double)part, room);
    __syncthreads();
    return sum;
}

/* One block a row. */
static __global__ void fuse_stats_kernel(fuse_args a) {
    __shared__ double room[WARPS], d[TAPS], t[TAPS][TAPS], factor[TAPS];
    const iad_fuse &job = a.job;
    int64_t row = blockIdx.x, n = a.back.dy.cols;
    int taps = job.n_tap, gated = job.gate_w != NULL;
    const float *dy = fuse_row(a.back.dy, row), *last = fuse_row(job.taps[taps - 1], row);
    for (int l = 0; l < taps; l++) {
        const float *x = fuse_row(job.taps[l], row), *norm = job.norm + l * n;
        float square = 0.0f, with_dy = 0.0f, with_gate[TAPS] = {0.0f};
        for (int64_t c = threadIdx.x; c < n; c += THREADS) {
            float xn = x[c] * norm[c];
            square = fmaf(x[c], x[c], square);
            with_dy = fmaf(xn, dy[c], with_dy);
#pragma unroll
            for (int k = 0; k < TAPS; k++)
                if (gated && k < taps) with_gate[k] = fmaf(xn, job.gate_w[((int64_t)k * taps + l) * n + c], with_gate[k]);
        }
        double f = 1.0 / sqrt(fuse_sum(square, room) / (double)n + (double)job.eps), sum = fuse_sum(with_dy, room);
        if (threadIdx.x == 0) {
            factor[l] = f;
            d[l] = sum * f;
        }
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            if (k >= taps) continue; /* the same for all threads */
            sum = fuse_sum(with_gate[k], room);
            if (threadIdx.x == 0) t[k][l] = gated ? sum * f : 0.0;
        }
    }
    float through = 0.0f;
    for (int64_t c = threadIdx.x; c < n; c += THREADS) through = fmaf(last[c], dy[c], through);
    double direct = fuse_sum(through, room);
    if (threadIdx.x > 0) return;
    double gate[TAPS], g[TAPS], top = -INFINITY, total = 0.0, dot = 0.0;
    for (int k = 0; k < taps; k++) {
        gate[k] = (double)job.gate_b[k];
        for (int l = 0; l < taps; l++) gate[k] += t[k][l];
        if (gate[k] > top) top = gate[k];
    }
    for (int k = 0; k < taps; k++) total += gate[k] = exp(gate[k] - top);
    for (int k = 0; k < taps; k++) dot += (gate[k] /= total) * d[k];
    iad_fuse_stats *to = a.stats + row;
    double s = (double)job.scale[0], rms = 1.0 / factor[taps - 1];
    to->scale = (float)(rms * dot - direct);
    to->last = (float)(s * dot / ((double)n * rms));
    for (int k = 0; k < taps; k++) {
        g[k] = gate[k] * s * rms * (d[k] - dot);
        to->factor[k] = (float)factor[k];
        to->mix[k] = (float)(gate[k] * s * rms);
        to->gate[k] = (float)g[k];
    }
    for (int l = 0; l < taps; l++) {
        double inner = gate[l] * s * rms * d[l];
        for (int k = 0; k < taps; k++) inner += g[k] * t[k][l];
        to->inner[l] = (float)(factor[l] * factor[l] / (double)n * inner);
    }
}

/* A thread owns a column of tap blockIdx.y and adds row after row. */
static __global__ void fuse_params_kernel(fuse_args a) {
    const iad_fuse &job = a.job;
    int64_t n = a.back.dy.cols, c = (int64_t)blockIdx.x * PARAM_THREADS + threadIdx.x;
    int taps = job.n_tap, l = (int)blockIdx.y, gated = job.gate_w != NULL;
    if (c >= n || job.scale[0] == 0.0f) return;
    float w[TAPS], dw[TAPS], norm = job.norm[l * n + c], dnorm = a.back.dnorm != NULL ? a.back.dnorm[l * n + c] : 0.0f;
#pragma unroll
    for (int k = 0; k < TAPS; k++) {
        int64_t at = ((int64_t)k * taps + l) * n + c;
        w[k] = gated && k < taps ? job.gate_w[at] : 0.0f;
        dw[k] = a.back.dgate_w != NULL && k < taps ? a.back.dgate_w[at] : 0.0f;
    }
    for (int64_t r = 0; r < a.back.dy.rows; r++) {
        const iad_fuse_stats *stats = a.stats + r;
        float xf = fuse_row(job.taps[l], r)[c] * stats->factor[l], nl = xf * norm, dn = stats->mix[l] * fuse_row(a.back.dy, r)[c];
#pragma unroll
        for (int k = 0; k < TAPS; k++)
            if (k < taps) {
                dn = fmaf(stats->gate[k], w[k], dn);
                dw[k] = fmaf(stats->gate[k], nl, dw[k]);
            }
        dnorm = fmaf(dn, xf, dnorm);
    }
    if (a.back.dnorm != NULL) a.back.dnorm[l * n + c] = dnorm;
#pragma unroll
    for (int k = 0; k < TAPS; k++)
        if (a.back.dgate_w != NULL && k < taps) a.back.dgate_w[((int64_t)k * taps + l) * n + c] = dw[k];
}

/* Thread k adds the gradients of logit k, thread n_tap those of the scale; row after row. */
static __global__ void fuse_sums_kernel(fuse_args a) {
    int k = (int)threadIdx.x, taps = a.job.n_tap;
    if (k > taps) return;
    float *to = k == taps ? a.back.dscale : a.back.dgate_b != NULL && a.job.scale[0] != 0.0f ? a.back.dgate_b + k : NULL;
    if (to == NULL) return;
    float sum = *to;
#pragma unroll 8
    for (int64_t r = 0; r < a.back.dy.rows; r++) sum += k == taps ? a.stats[r].scale : a.stats[r].gate[k];
    *to = sum;
}

/* One block a row: gradients of the taps. */
static __global__ void fuse_taps_kernel(fuse_args a) {
    const iad_fuse &job = a.job;
    int64_t row = blockIdx.x, n = a.back.dy.cols;
    int taps = job.n_tap, gated = job.gate_w != NULL;
    float scale = job.scale[0];
    const iad_fuse_stats *stats = a.stats + row;
    const float *dy = fuse_row(a.back.dy, row);
    for (int l = scale == 0.0f ? taps - 1 : 0; l < taps; l++) { /* scale 0: out is the last tap bit by bit */
        if (a.back.dtaps[l].data == NULL) continue;
        float *dx = fuse_row(a.back.dtaps[l], row), f = stats->factor[l], mix = stats->mix[l];
        const float *x = fuse_row(job.taps[l], row), *norm = job.norm + l * n;
        float through = l < taps - 1 ? 0.0f : 1.0f - scale, along = (l < taps - 1 ? 0.0f : stats->last) - stats->inner[l];
        for (int64_t c = threadIdx.x; c < n; c += THREADS) {
            float g = dy[c], v = g;
            if (scale != 0.0f) {
                float dn = mix * g;
                for (int k = 0; k < taps && gated; k++) dn = fmaf(stats->gate[k], job.gate_w[((int64_t)k * taps + l) * n + c], dn);
                v = fmaf(dn * norm[c], f, fmaf(g, through, x[c] * along));
            }
            dx[c] += v;
        }
    }
}

iad_status iad_cuda_fuse_back(iad_queue *queue, const iad_fuse_back *back, iad_err *err) {
    IAD_TRY(iad_grad_check_fuse(back, err));
    int64_t rows = back->dy.rows, cols = back->dy.cols;
    if (rows == 0 || cols == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    void *memory;
    IAD_TRY(iad_cuda_scratch(queue, IAD_CUDA_SLOT_STATS, (size_t)rows * sizeof(iad_fuse_stats), &memory, err));
    fuse_args a = {*back->job, *back, (iad_fuse_stats *)memory};
    dim3 params(iad_blocks(cols, PARAM_THREADS), (unsigned)back->job->n_tap);
    IAD_TRY(iad_launch(queue, err, "fuse_stats", fuse_stats_kernel, dim3((unsigned)rows), dim3(THREADS), 0, a));
    if (back->dnorm != NULL || back->dgate_w != NULL)
        IAD_TRY(iad_launch(queue, err, "fuse_params", fuse_params_kernel, params, dim3(PARAM_THREADS), 0, a));
    if (back->dgate_b != NULL || back->dscale != NULL) IAD_TRY(iad_launch(queue, err, "fuse_sums", fuse_sums_kernel, dim3(1), dim3(32), 0, a));
    return iad_launch(queue, err, "fuse_taps", fuse_taps_kernel, dim3((unsigned)rows), dim3(THREADS), 0, a);
}
