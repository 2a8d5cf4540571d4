/* The gate over the tower's taps (ops.h, iad_fuse): a block per row. */
#include "runtime/cuda/attend_cuda.cuh"
#include "runtime/cuda/launch.cuh"
#include "runtime/cuda/rowmath.cuh"

enum { THREADS = 256 };

typedef struct fuse_args {
    int n_tap;
    const float *tap[IAD_FUSE_MAX_TAPS];
    int64_t stride[IAD_FUSE_MAX_TAPS];
    const float *norm, *gate_w, *gate_b, *scale;
    float eps;
    float *out;
    int64_t out_stride, n;
} fuse_args;

/* Sum over the block of a per-thread sum; one barrier before, so that the room may be the same as last time. */
static __device__ float sum_again(float v, float *room) {
    __syncthreads();
    return iad_block_sum(v, room);
}

static __global__ void fuse_kernel(fuse_args a) {
    __shared__ float room[32];
    int64_t row = blockIdx.x;
    int n_tap = a.n_tap;
    const float *last = a.tap[n_tap - 1] + row * a.stride[n_tap - 1];
    float *y = a.out + row * a.out_stride, scale = a.scale[0];
    if (scale == 0.0f) { /* bit by bit, also for what is not finite */
        if (y != last)
            for (int64_t i = threadIdx.x; i < a.n; i += THREADS) y[i] = last[i];
        return;
    }
    double factor[IAD_FUSE_MAX_TAPS], gate[IAD_FUSE_MAX_TAPS], top = -INFINITY, total = 0.0;
    for (int l = 0; l < n_tap; l++) {
        const float *x = a.tap[l] + row * a.stride[l];
        float sum = 0.0f;
        for (int64_t i = threadIdx.x; i < a.n; i += THREADS) sum = fmaf(x[i], x[i], sum);
        factor[l] = 1.0 / sqrt((double)sum_again(sum, room) / (double)a.n + (double)a.eps);
    }
    for (int g = 0; g < n_tap; g++) {
        gate[g] = (double)a.gate_b[g];
        for (int l = 0; l < n_tap && a.gate_w != NULL; l++) {
            const float *x = a.tap[l] + row * a.stride[l], *norm = a.norm + l * a.n, *w = a.gate_w + ((int64_t)g * n_tap + l) * a.n;
            float sum = 0.0f;
            for (int64_t i = threadIdx.x; i < a.n; i += THREADS) sum = fmaf(x[i] * norm[i], w[i], sum);
            gate[g] += (double)sum_again(sum, room) * factor[l];
        }
        top = gate[g] > top ? gate[g] : top;
    }
    for (int g = 0; g < n_tap; g++) total += gate[g] = exp(gate[g] - top);
    float share[IAD_FUSE_MAX_TAPS]; /* rms(x_last) a_l / rms(x_l): of x_l * norm_l */
    for (int l = 0; l < n_tap; l++) share[l] = (float)(gate[l] / total * factor[l] / factor[n_tap - 1]);
    for (int64_t i = threadIdx.x; i < a.n; i += THREADS) {
        float mixed = 0.0f, base = last[i];
        for (int l = 0; l < n_tap; l++) mixed = fmaf(share[l] * a.tap[l][row * a.stride[l] + i], a.norm[l * a.n + i], mixed);
        y[i] = fmaf(scale, mixed - base, base);
    }
}

iad_status iad_cuda_fuse(iad_queue *queue, const iad_fuse *job, iad_err *err) {
    IAD_TRY(iad_check_fuse(job, err));
    if (job->out.rows == 0 || job->out.cols == 0) return IAD_OK;
    fuse_args a;
    memset(&a, 0, sizeof a);
    a.n_tap = job->n_tap;
    for (int l = 0; l < job->n_tap; l++) {
        a.tap[l] = (const float *)job->taps[l].data;
        a.stride[l] = job->taps[l].stride;
    }
    a.norm = job->norm;
    a.gate_w = job->gate_w;
    a.gate_b = job->gate_b;
    a.scale = job->scale;
    a.eps = job->eps;
    a.out = (float *)job->out.data;
    a.out_stride = job->out.stride;
    a.n = job->out.cols;
    IAD_TRY(iad_cuda_enter(queue, err));
    return iad_launch(queue, err, "fuse", fuse_kernel, dim3((unsigned)job->out.rows), dim3(THREADS), 0, a);
}
