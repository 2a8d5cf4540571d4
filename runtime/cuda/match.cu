/* Cosine of rows to their best match: a block per row of x, a warp per row of ref at a time, sums of f32 finished in double. */
#include "runtime/cuda/attend_cuda.cuh"
#include "runtime/cuda/launch.cuh"
#include "runtime/cuda/rowmath.cuh"

enum { THREADS = 256, WARPS = THREADS / 32 };

static __global__ void match_kernel(const float *x, int64_t x_stride, const float *ref, int64_t ref_stride, int64_t n_ref, int aligned, int64_t d,
                                    float *best) {
    __shared__ double room[WARPS];
    const float *row = x + (int64_t)blockIdx.x * x_stride;
    int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    int64_t from = aligned ? (int64_t)blockIdx.x : 0, end = aligned ? from + 1 : n_ref;
    double most = -INFINITY;
    float own = 0.0f;
    for (int64_t i = lane; i < d; i += 32) own = fmaf(row[i], row[i], own);
    double xx = iad_warp_sum((double)own);
    for (int64_t j = from + warp; j < end; j += WARPS) {
        const float *r = ref + j * ref_stride;
        float dot = 0.0f, square = 0.0f;
        for (int64_t i = lane; i < d; i += 32) {
            dot = fmaf(row[i], r[i], dot);
            square = fmaf(r[i], r[i], square);
        }
        double s = iad_warp_sum((double)dot), rr = iad_warp_sum((double)square), cosine = xx > 0 && rr > 0 ? s / sqrt(xx) / sqrt(rr) : 0.0;
        if (cosine > most) most = cosine;
    }
    if (lane == 0) room[warp] = most;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int w = 1; w < WARPS; w++) most = room[w] > most ? room[w] : most;
    best[blockIdx.x] = (float)most;
}

iad_status iad_cuda_best_match(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err) {
    IAD_TRY(iad_check_best_match(&x, &ref, aligned, best, err));
    if (x.rows == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    return iad_launch(queue, err, "best_match", match_kernel, dim3((unsigned)x.rows), dim3(THREADS), 0, (const float *)x.data, x.stride,
                      (const float *)ref.data, ref.stride, ref.rows, aligned, x.cols, best);
}
