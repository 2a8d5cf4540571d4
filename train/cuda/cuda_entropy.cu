/* Softmax cross-entropy of rows on the card: one block a row, which reads it three times: the largest logit, the sum, the gradient. A row of
 * 152 thousand logits stays in the second cache meanwhile. */
#include "train/cuda/grad_cuda.cuh"

enum { THREADS = 512, WARPS = THREADS / 32, NOBODY = 0x7fffffff };

/* The larger value; of equals the lower index. */
static __device__ __forceinline__ void take_best(float *top, int *at, float other_top, int other_at) {
    if (other_top > *top || (other_top == *top && other_at < *at)) {
        *top = other_top;
        *at = other_at;
    }
}

typedef struct entropy_row { /* what comes with a row, and goes to the host */
    double loss;
    int32_t target;
    float weight;
    int32_t hit, unused;
} entropy_row;

static __global__ void cross_entropy_kernel(float *logits, int64_t stride, int n, entropy_row *rows) {
    __shared__ double room[WARPS];
    __shared__ float tops[WARPS];
    __shared__ int ats[WARPS];
    entropy_row *is = rows + blockIdx.x;
    float *x = logits + (int64_t)blockIdx.x * stride, weight = is->weight, top = -INFINITY;
    int target = is->target, best = NOBODY;
    for (int i = (int)threadIdx.x; i < n; i += THREADS)
        if (x[i] > top) {
            top = x[i];
            best = i;
        }
    for (int bit = 16; bit > 0; bit /= 2)
        take_best(&top, &best, __shfl_xor_sync(0xffffffffu, top, bit), __shfl_xor_sync(0xffffffffu, best, bit));
    if (threadIdx.x % 32 == 0) {
        tops[threadIdx.x / 32] = top;
        ats[threadIdx.x / 32] = best;
    }
    __syncthreads();
    for (int w = 0; w < WARPS; w++) take_best(&top, &best, tops[w], ats[w]);
    if (best == NOBODY) best = 0; /* all are NaN or minus infinity */
    double part = 0.0;
    for (int i = (int)threadIdx.x; i < n; i += THREADS) part += (double)expf(x[i] - top);
    double total = iad_block_sum(part, room);
    if (threadIdx.x == 0) {
        is->loss = log(total) - ((double)x[target] - (double)top);
        is->hit = best == target;
    }
    __syncthreads(); /* the target's logit has been read */
    float inverse = (float)(1.0 / total);
    for (int i = (int)threadIdx.x; i < n; i += THREADS) x[i] = weight * (expf(x[i] - top) * inverse - (i == target ? 1.0f : 0.0f));
}

iad_status iad_cuda_cross_entropy(iad_queue *queue, iad_mat logits, const int32_t *target, const float *weight, double *loss, uint8_t *hit,
                                  iad_err *err) {
    IAD_TRY(iad_grad_check_cross_entropy(&logits, target, weight, loss, err));
    if (logits.rows == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    size_t bytes = (size_t)logits.rows * sizeof(entropy_row);
    entropy_row *rows = (entropy_row *)iad_calloc((size_t)logits.rows, sizeof *rows);
    if (rows == NULL) return IAD_NOMEM(err, "the rows of a loss");
    for (int64_t r = 0; r < logits.rows; r++) {
        rows[r].target = target[r];
        rows[r].weight = weight[r];
    }
    void *device = NULL;
    iad_status status = iad_cuda_table(queue, rows, bytes, &device, err);
    if (status == IAD_OK)
        status = iad_launch(queue, err, "cross_entropy", cross_entropy_kernel, dim3((unsigned)logits.rows), dim3(THREADS), 0, (float *)logits.data,
                            logits.stride, (int)logits.cols, (entropy_row *)device);
    if (status == IAD_OK) status = iad_cuda_download(queue, rows, device, bytes, err);
    for (int64_t r = 0; r < logits.rows && status == IAD_OK; r++) {
        loss[r] = rows[r].loss;
        if (hit != NULL) hit[r] = (uint8_t)rows[r].hit;
    }
    free(rows);
    return status;
}
