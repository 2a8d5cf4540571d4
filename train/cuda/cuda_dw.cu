/* Gradients of linear layers on the card: the product over the rows by cuBLASLt, added to f32; biases and weights of norms by running sums
 * down the columns. */
#include "runtime/cuda/lt.cuh"
#include "train/cuda/grad_cuda.cuh"

/* A block owns COLS columns: all of its threads bring in a tile of ROWS rows, then one thread a column adds them in their order. */
enum { THREADS = IAD_CUDA_GRAD_THREADS, COLS = 32, ROWS = 64, TEAMS = THREADS / COLS };

template <typename T>
static __global__ void add_columns_kernel(const T *dy, int64_t dy_stride, const float *x, int64_t x_stride, const float *factor, int64_t rows,
                                          int64_t cols, float *to) {
    __shared__ float tile[ROWS][COLS];
    int lane = (int)threadIdx.x % COLS, team = (int)threadIdx.x / COLS;
    int64_t c = (int64_t)blockIdx.x * COLS + lane;
    float sum = c < cols && team == 0 ? to[c] : 0.0f;
    for (int64_t first = 0; first < rows; first += ROWS) {
        int n = rows - first < ROWS ? (int)(rows - first) : ROWS;
#pragma unroll
        for (int k = 0; k < ROWS / TEAMS; k++) {
            int r = k * TEAMS + team;
            float v = 0.0f;
            if (r < n && c < cols) {
                v = iad_get(dy + (first + r) * dy_stride + c);
                if (x != NULL) v *= x[(first + r) * x_stride + c] * factor[first + r];
            }
            tile[r][lane] = v;
        }
        __syncthreads();
        for (int r = 0; r < n && team == 0; r++) sum += tile[r][lane];
        __syncthreads();
    }
    if (team == 0 && c < cols) to[c] = sum;
}

iad_status iad_cuda_add_columns(iad_queue *queue, iad_mat dy, iad_mat x, const float *factor, float *to, iad_err *err) {
    dim3 grid(iad_blocks(dy.cols, COLS));
    if (dy.dtype == IAD_BF16)
        return iad_launch(queue, err, "add_columns", add_columns_kernel<iad_bf16>, grid, dim3(THREADS), 0, (const iad_bf16 *)dy.data, dy.stride,
                          (const float *)x.data, x.stride, factor, dy.rows, dy.cols, to);
    return iad_launch(queue, err, "add_columns", add_columns_kernel<float>, grid, dim3(THREADS), 0, (const float *)dy.data, dy.stride,
                      (const float *)x.data, x.stride, factor, dy.rows, dy.cols, to);
}

/* What the library does not take (odd addresses and strides of bf16): a thread an element, row after row. */
template <typename T>
static __global__ void plain_dw_kernel(const T *dy, int64_t dy_stride, const T *x, int64_t x_stride, int64_t rows, int64_t cols, float *dw,
                                       int64_t dw_stride) {
    int64_t o = blockIdx.x, c = (int64_t)blockIdx.y * THREADS + threadIdx.x;
    if (c >= cols) return;
    float sum = dw[o * dw_stride + c];
    for (int64_t r = 0; r < rows; r++) sum = fmaf(iad_get(dy + r * dy_stride + o), iad_get(x + r * x_stride + c), sum);
    dw[o * dw_stride + c] = sum;
}

template <typename T> static iad_status plain_dw(iad_queue *queue, const iad_mat *dy, const iad_mat *x, const iad_mat *dw, iad_err *err) {
    return iad_launch(queue, err, "plain_dw", plain_dw_kernel<T>, dim3((unsigned)dy->cols, iad_blocks(x->cols, THREADS)), dim3(THREADS), 0,
                      (const T *)dy->data, dy->stride, (const T *)x->data, x->stride, dy->rows, x->cols, (float *)dw->data, dw->stride);
}

iad_status iad_cuda_linear_dw(iad_queue *queue, iad_mat dy, iad_mat x, iad_mat dw, float *db, iad_err *err) {
    IAD_TRY(iad_grad_check_linear_dw(&dy, &x, &dw, err));
    if (dy.rows == 0 || dy.cols == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    if (x.cols > 0) {
        iad_lt_product p = {};
        p.m = dy.cols;
        p.n = x.cols;
        p.k = dy.rows;
        p.x = dy.data;
        p.w = x.data;
        p.y = dw.data;
        p.x_stride = dy.stride;
        p.w_stride = x.stride;
        p.y_stride = dw.stride;
        p.x_type = p.w_type = dy.dtype == IAD_BF16 ? CUDA_R_16BF : CUDA_R_32F;
        p.y_type = CUDA_R_32F;
        p.x_turned = 1;
        p.alpha = p.beta = 1.0f;
        if (iad_lt_has(queue, &p)) IAD_TRY(iad_lt_run(queue, &p, err));
        else if (dy.dtype == IAD_BF16) IAD_TRY(plain_dw<iad_bf16>(queue, &dy, &x, &dw, err));
        else IAD_TRY(plain_dw<float>(queue, &dy, &x, &dw, err));
    }
    iad_mat none = {};
    return db != NULL ? iad_cuda_add_columns(queue, dy, none, NULL, db, err) : IAD_OK;
}
