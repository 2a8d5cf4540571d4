#include "runtime/cuda/launch.cuh"
#include "runtime/cuda/linear.cuh"
#include "runtime/cuda/rowmath.cuh"

enum { THREADS = 256, PIECE = THREADS * IAD_EIGHT, TILE = 16 };

/* ---- quantising ---- */

template <typename X>
static __global__ void quantise_kernel(const X *x, int64_t stride, int64_t cols, int8_t *q, int64_t q_stride, float *scale, int wide) {
    __shared__ unsigned room[32];
    const X *row = x + (int64_t)blockIdx.x * stride;
    int8_t *out = q + (int64_t)blockIdx.x * q_stride;
    float v[IAD_EIGHT];
    unsigned most = 0; /* as integers: the order is the same for finite values, and NaNs come out on top */
    for (int64_t i = (int64_t)threadIdx.x * IAD_EIGHT; i < cols; i += PIECE) {
        iad_get8(row + i, cols - i, wide, v);
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) most = max(most, __float_as_uint(v[k]) & 0x7fffffffu);
    }
    most = iad_warp_most(most);
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = most;
    __syncthreads();
    for (unsigned w = 0; w < THREADS / 32; w++) most = max(most, room[w]);
    float largest = __uint_as_float(most), factor = 0.0f, own = 0.0f;
    if (most >= 0x7f800000u) {
        own = __uint_as_float(0x7fc00000u); /* poisons the row's outputs */
    } else if (!(largest < 1e-35f)) {
        factor = 127.0f / largest;
        own = largest / 127.0f;
    }
    if (threadIdx.x == 0) scale[blockIdx.x] = own;
    for (int64_t i = (int64_t)threadIdx.x * IAD_EIGHT; i < q_stride; i += PIECE) {
        iad_get8(row + i, cols - i, wide, v);
        unsigned words[2] = {0, 0};
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) {
            int value = factor == 0.0f ? 0 : __float2int_rn(v[k] * factor);
            words[k / 4] |= ((unsigned)value & 0xffu) << 8 * (k % 4);
        }
        *reinterpret_cast<uint2 *>(out + i) = make_uint2(words[0], words[1]);
    }
}

iad_status iad_cuda_quantise(iad_queue *queue, iad_mat x, int8_t *q, int64_t q_stride, float *scale, iad_err *err) {
    if (x.dtype == IAD_F32)
        return iad_launch(queue, err, "quantise", quantise_kernel<float>, dim3((unsigned)x.rows), dim3(THREADS), 0, (const float *)x.data, x.stride,
                          x.cols, q,
                          q_stride, scale, iad_is_wide(x.data, x.stride, 4));
    return iad_launch(queue, err, "quantise", quantise_kernel<iad_bf16>, dim3((unsigned)x.rows), dim3(THREADS), 0, (const iad_bf16 *)x.data, x.stride,
                      x.cols, q, q_stride, scale, iad_is_wide(x.data, x.stride, 2));
}

/* ---- finishing ---- */

/* S: float or int32_t. sums are 16-byte aligned with a stride of whole fours. */
template <typename S, typename Y, int ADD>
static __global__ void finish_kernel(const S *sums, int64_t stride, const float *x_scale, const float *w_scale, const float *bias, Y *y,
                                     int64_t y_stride,
                                     int64_t cols, unsigned pieces, int y_wide) {
    int64_t row = blockIdx.x / pieces, i = (int64_t)(blockIdx.x % pieces) * PIECE + (int64_t)threadIdx.x * IAD_EIGHT;
    if (i >= cols) return;
    float v[IAD_EIGHT], b[IAD_EIGHT], old[IAD_EIGHT];
    int64_t left = cols - i;
    if (sizeof(S) == 4 && x_scale != NULL) {
        float factor = x_scale[row];
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) v[k] = k < left ? (float)sums[row * stride + i + k] * (factor * w_scale[i + k]) : 0.0f;
    } else {
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) v[k] = k < left ? (float)sums[row * stride + i + k] : 0.0f;
    }
    if (bias != NULL) {
        iad_get8(bias + i, left, 1, b); /* the card's own block: aligned */
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) v[k] += b[k];
    }
    Y *out = y + row * y_stride + i;
    if (ADD) {
        iad_get8(out, left, y_wide, old);
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) v[k] += old[k];
    }
    iad_put8(out, left, y_wide, v);
}

template <typename S> static iad_status finish_typed(iad_queue *queue, const iad_cuda_finish *f, const iad_mat *y, iad_err *err) {
    unsigned pieces = iad_blocks(y->cols, PIECE);
    dim3 grid((unsigned)y->rows * pieces), block(THREADS);
    const S *sums = (const S *)f->sums;
    if (y->dtype == IAD_BF16)
        return iad_launch(queue, err, "finish", finish_kernel<S, iad_bf16, 0>, grid, block, 0, sums, f->stride, f->x_scale, f->w_scale, f->bias,
                          (iad_bf16 *)y->data, y->stride, y->cols, pieces, iad_is_wide(y->data, y->stride, 2));
    int wide = iad_is_wide(y->data, y->stride, 4);
    if (f->store == IAD_STORE_ADD)
        return iad_launch(queue, err, "finish", finish_kernel<S, float, 1>, grid, block, 0, sums, f->stride, f->x_scale, f->w_scale, f->bias,
                          (float *)y->data, y->stride, y->cols, pieces, wide);
    return iad_launch(queue, err, "finish", finish_kernel<S, float, 0>, grid, block, 0, sums, f->stride, f->x_scale, f->w_scale, f->bias,
                      (float *)y->data,
                      y->stride, y->cols, pieces, wide);
}

iad_status iad_cuda_finish_rows(iad_queue *queue, const iad_cuda_finish *finish, iad_mat y, iad_err *err) {
    if (y.rows == 0 || y.cols == 0) return IAD_OK;
    return finish->x_scale != NULL ? finish_typed<int32_t>(queue, finish, &y, err) : finish_typed<float>(queue, finish, &y, err);
}

/* ---- the plain product ---- */

/* A tile of 16 rows and 16 outputs; every thread sums one output in the order of n_in. w is [rows][ld]: element (o, i) of the layer is w[o][i], or
 * w[i][o] when it is transposed. */
template <typename T>
static __global__ void plain_kernel(const T *x, int64_t x_stride, int64_t n_row, const T *w, int64_t ld, int transposed, int64_t n_in, int64_t n_out,
                                    float *sums, int64_t stride, unsigned out_tiles) {
    __shared__ float xs[TILE][TILE + 1], ws[TILE][TILE + 1]; /* [k][row], [k][out] */
    int64_t row0 = (int64_t)(blockIdx.x / out_tiles) * TILE, out0 = (int64_t)(blockIdx.x % out_tiles) * TILE;
    int a = (int)threadIdx.x % TILE, b = (int)threadIdx.x / TILE;
    float sum = 0.0f;
    for (int64_t k0 = 0; k0 < n_in; k0 += TILE) {
        xs[a][b] = row0 + b < n_row && k0 + a < n_in ? iad_get(x + (row0 + b) * x_stride + k0 + a) : 0.0f;
        if (transposed) ws[b][a] = out0 + a < n_out && k0 + b < n_in ? iad_get(w + (k0 + b) * ld + out0 + a) : 0.0f;
        else ws[a][b] = out0 + b < n_out && k0 + a < n_in ? iad_get(w + (out0 + b) * ld + k0 + a) : 0.0f;
        __syncthreads();
#pragma unroll
        for (int k = 0; k < TILE; k++) sum = fmaf(xs[k][b], ws[k][a], sum);
        __syncthreads();
    }
    if (row0 + b < n_row && out0 + a < n_out) sums[(row0 + b) * stride + out0 + a] = sum;
}

template <typename T>
static iad_status plain_typed(iad_queue *queue, const iad_mat *x, const iad_cuda_weight *w, float *sums, int64_t stride, iad_err *err) {
    unsigned out_tiles = iad_blocks(w->n_out, TILE);
    return iad_launch(queue, err, "plain_product", plain_kernel<T>, dim3(iad_blocks(x->rows, TILE) * out_tiles), dim3(TILE * TILE), 0,
                      (const T *)x->data,
                      x->stride, x->rows, (const T *)w->data, w->ld, w->transposed, w->n_in, w->n_out, sums, stride, out_tiles);
}

iad_status iad_cuda_plain_product(iad_queue *queue, iad_mat x, const iad_cuda_weight *w, float *sums, int64_t stride, iad_err *err) {
    return x.dtype == IAD_F32 ? plain_typed<float>(queue, &x, w, sums, stride, err) : plain_typed<iad_bf16>(queue, &x, w, sums, stride, err);
}
