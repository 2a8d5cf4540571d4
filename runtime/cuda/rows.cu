#include "runtime/cuda/rows.cuh"

#include "runtime/cuda/launch.cuh"
#include "runtime/cuda/rowmath.cuh"

enum { THREADS = 256, PIECE = THREADS * IAD_EIGHT }; /* a block handles one piece of one row */

static unsigned pieces_of(int64_t cols) { return cols > 0 ? iad_blocks(cols, PIECE) : 1; }

/* ---- rmsnorm: a block per row ---- */

template <typename Y>
static __global__ void rmsnorm_kernel(const float *x, int64_t x_stride, const float *weight, float eps, Y *y, int64_t y_stride, int64_t cols,
                                      int x_wide,
                                      int y_wide, int w_wide) {
    __shared__ float room[32];
    const float *row = x + (int64_t)blockIdx.x * x_stride;
    Y *out = y + (int64_t)blockIdx.x * y_stride;
    float v[IAD_EIGHT], w[IAD_EIGHT], sum = 0.0f;
    for (int64_t i = (int64_t)threadIdx.x * IAD_EIGHT; i < cols; i += (int64_t)blockDim.x * IAD_EIGHT) {
        iad_get8(row + i, cols - i, x_wide, v);
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) sum = fmaf(v[k], v[k], sum);
    }
    sum = iad_block_sum(sum, room);
    float factor = (float)(1.0 / sqrt((double)sum / (double)cols + (double)eps));
    /* The row comes from the caches now. y may be x: a thread writes what it alone reads. */
    for (int64_t i = (int64_t)threadIdx.x * IAD_EIGHT; i < cols; i += (int64_t)blockDim.x * IAD_EIGHT) {
        iad_get8(row + i, cols - i, x_wide, v);
        iad_get8(weight + i, cols - i, w_wide, w);
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) v[k] = v[k] * factor * w[k];
        iad_put8(out + i, cols - i, y_wide, v);
    }
}

iad_status iad_cuda_rmsnorm(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_rmsnorm(&x, weight, eps, &y, err));
    if (x.rows == 0 || x.cols == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    int x_wide = iad_is_wide(x.data, x.stride, 4), w_wide = iad_is_wide(weight, 4, 4);
    unsigned threads = x.cols <= 1024 ? 128 : x.cols <= 4096 ? 256 : 512; /* of the row's length alone: its sum is cut by them */
    const float *in = (const float *)x.data;
    if (y.dtype == IAD_F32)
        return iad_launch(queue, err, "rmsnorm", rmsnorm_kernel<float>, dim3((unsigned)x.rows), dim3(threads), 0, in, x.stride, weight, eps,
                          (float *)y.data,
                          y.stride, x.cols, x_wide, iad_is_wide(y.data, y.stride, 4), w_wide);
    return iad_launch(queue, err, "rmsnorm", rmsnorm_kernel<iad_bf16>, dim3((unsigned)x.rows), dim3(threads), 0, in, x.stride, weight, eps,
                      (iad_bf16 *)y.data, y.stride, x.cols, x_wide, iad_is_wide(y.data, y.stride, 2), w_wide);
}

/* ---- rope ---- */

/* A thread turns four neighbouring pairs of one head. */
static __global__ void rope_kernel(float *x, int64_t stride, int n_head, int half, const float *cosine, const float *sine, int64_t n_unit, int wide) {
    int64_t unit = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (unit >= n_unit) return;
    int fours = (half + 3) / 4, i = (int)(unit % fours) * 4;
    int64_t head = unit / fours % n_head, row = unit / fours / n_head;
    float *a = x + row * stride + head * 2 * half + i, *b = a + half;
    const float *c = cosine + row * half + i, *s = sine + row * half + i;
    if (wide) {
        float4 va = *reinterpret_cast<float4 *>(a), vb = *reinterpret_cast<float4 *>(b);
        float4 vc = *reinterpret_cast<const float4 *>(c), vs = *reinterpret_cast<const float4 *>(s);
        *reinterpret_cast<float4 *>(a) = make_float4(fmaf(va.x, vc.x, -(vb.x * vs.x)), fmaf(va.y, vc.y, -(vb.y * vs.y)),
                                                     fmaf(va.z, vc.z, -(vb.z * vs.z)), fmaf(va.w, vc.w, -(vb.w * vs.w)));
        *reinterpret_cast<float4 *>(b) = make_float4(fmaf(vb.x, vc.x, va.x * vs.x), fmaf(vb.y, vc.y, va.y * vs.y), fmaf(vb.z, vc.z, va.z * vs.z),
                                                     fmaf(vb.w, vc.w, va.w * vs.w));
        return;
    }
    for (int k = 0; k < 4 && i + k < half; k++) {
        float va = a[k], vb = b[k];
        a[k] = fmaf(va, c[k], -(vb * s[k]));
        b[k] = fmaf(vb, c[k], va * s[k]);
    }
}

iad_status iad_cuda_rope(iad_queue *queue, iad_mat x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err) {
    IAD_TRY(iad_check_rope(&x, n_head, d_head, cosine, sine, err));
    IAD_TRY(iad_cuda_enter(queue, err));
    int half = d_head / 2;
    int64_t n_unit = x.rows * n_head * ((half + 3) / 4);
    int wide = half % 4 == 0 && iad_is_wide(x.data, x.stride, 4) && iad_is_wide(cosine, half, 4) && iad_is_wide(sine, half, 4);
    return iad_launch(queue, err, "rope", rope_kernel, dim3(iad_blocks(n_unit, THREADS)), dim3(THREADS), 0, (float *)x.data, x.stride, n_head, half,
                      cosine,
                      sine, n_unit, wide);
}

/* ---- one element at a time ---- */

enum { OP_SILU_MUL, OP_GELU, OP_CONVERT };

/* x2: the second operand (up), or unused. */
template <int OP, typename X, typename Y>
static __global__ void point_kernel(const X *x, const X *x2, int64_t x_stride, Y *y, int64_t y_stride, int64_t cols, unsigned pieces, int x_wide,
                                    int y_wide) {
    int64_t row = blockIdx.x / pieces, i = (int64_t)(blockIdx.x % pieces) * PIECE + (int64_t)threadIdx.x * IAD_EIGHT;
    if (i >= cols) return;
    float v[IAD_EIGHT], w[IAD_EIGHT];
    iad_get8(x + row * x_stride + i, cols - i, x_wide, v);
    if (OP == OP_SILU_MUL) iad_get8(x2 + row * x_stride + i, cols - i, x_wide, w);
#pragma unroll
    for (int k = 0; k < IAD_EIGHT; k++) {
        if (OP == OP_SILU_MUL) v[k] = iad_silu(v[k]) * w[k];
        if (OP == OP_GELU) v[k] = iad_gelu(v[k]);
    }
    iad_put8(y + row * y_stride + i, cols - i, y_wide, v);
}

template <int OP, typename X, typename Y>
static iad_status point_typed(iad_queue *queue, const char *name, const iad_mat *x, int64_t second, const iad_mat *y, iad_err *err) {
    const X *in = (const X *)x->data;
    unsigned pieces = pieces_of(y->cols);
    int x_wide = iad_is_wide(in, x->stride, sizeof(X)) && iad_is_wide(in + second, x->stride, sizeof(X));
    return iad_launch(queue, err, name, point_kernel<OP, X, Y>, dim3((unsigned)y->rows * pieces), dim3(THREADS), 0, in, in + second, x->stride,
                      (Y *)y->data, y->stride, y->cols, pieces, x_wide, iad_is_wide(y->data, y->stride, sizeof(Y)));
}

template <int OP> static iad_status point(iad_queue *queue, const char *name, const iad_mat *x, int64_t second, const iad_mat *y, iad_err *err) {
    if (y->rows == 0 || y->cols == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    if (x->dtype == IAD_F32)
        return y->dtype == IAD_F32 ? point_typed<OP, float, float>(queue, name, x, second, y, err)
                                   : point_typed<OP, float, iad_bf16>(queue, name, x, second, y, err);
    return y->dtype == IAD_F32 ? point_typed<OP, iad_bf16, float>(queue, name, x, second, y, err)
                               : point_typed<OP, iad_bf16, iad_bf16>(queue, name, x, second, y, err);
}

iad_status iad_cuda_silu_mul(iad_queue *queue, iad_mat gate_up, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_silu_mul(&gate_up, &y, err));
    return point<OP_SILU_MUL>(queue, "silu_mul", &gate_up, y.cols, &y, err);
}

iad_status iad_cuda_gelu(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_same("gelu", &x, &y, err));
    return point<OP_GELU>(queue, "gelu", &x, 0, &y, err);
}

/* ---- copies: bits where the type stays ---- */

/* Row `index[row]` of x, or row `row` when index is NULL. T: uint16_t or uint32_t. */
template <typename T>
static __global__ void bits_kernel(const T *x, int64_t x_stride, int64_t n, const int32_t *index, T *y, int64_t y_stride, int64_t cols,
                                   unsigned pieces,
                                   int wide) {
    enum { WIDE = 16 / sizeof(T) };
    int64_t row = blockIdx.x / pieces, from = index != NULL ? index[row] : row;
    T *out = y + row * y_stride;
    int64_t first = (int64_t)(blockIdx.x % pieces) * PIECE, end = cols < first + PIECE ? cols : first + PIECE;
    if (from < 0 || from >= n) {
        for (int64_t i = first + threadIdx.x; i < end; i += THREADS) out[i] = (T)(sizeof(T) == 4 ? 0x7fc00000u : 0x7fc0u);
        return;
    }
    const T *in = x + from * x_stride;
    if (wide) {
        for (int64_t i = first + (int64_t)threadIdx.x * WIDE; i < end; i += THREADS * WIDE) {
            if (i + WIDE <= end) *reinterpret_cast<uint4 *>(out + i) = *reinterpret_cast<const uint4 *>(in + i);
            else
                for (int64_t k = i; k < end; k++) out[k] = in[k];
        }
        return;
    }
    for (int64_t i = first + threadIdx.x; i < end; i += THREADS) out[i] = in[i];
}

template <typename T> static iad_status copy_bits(iad_queue *queue, const char *name, const iad_mat *x, const int32_t *index, const iad_mat *y,
                                                  iad_err *err) {
    unsigned pieces = pieces_of(y->cols);
    int wide = iad_is_wide(x->data, x->stride, sizeof(T)) && iad_is_wide(y->data, y->stride, sizeof(T));
    return iad_launch(queue, err, name, bits_kernel<T>, dim3((unsigned)y->rows * pieces), dim3(THREADS), 0, (const T *)x->data, x->stride, x->rows,
                      index,
                      (T *)y->data, y->stride, y->cols, pieces, wide);
}

iad_status iad_cuda_copy(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_same("copy", &x, &y, err));
    if (x.dtype != y.dtype) return point<OP_CONVERT>(queue, "copy", &x, 0, &y, err);
    if (y.rows == 0 || y.cols == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    return x.dtype == IAD_F32 ? copy_bits<uint32_t>(queue, "copy", &x, NULL, &y, err) : copy_bits<uint16_t>(queue, "copy", &x, NULL, &y, err);
}

template <typename X, typename Y>
static __global__ void gather_kernel(const X *table, int64_t stride, int64_t n, const int32_t *index, Y *y, int64_t y_stride, int64_t cols,
                                     unsigned pieces) {
    int64_t row = blockIdx.x / pieces, from = index[row];
    int64_t first = (int64_t)(blockIdx.x % pieces) * PIECE, end = cols < first + PIECE ? cols : first + PIECE;
    for (int64_t i = first + threadIdx.x; i < end; i += THREADS)
        iad_put(y + row * y_stride + i, from >= 0 && from < n ? iad_get(table + from * stride + i) : __uint_as_float(0x7fc00000u));
}

template <typename X, typename Y> static iad_status gather_typed(iad_queue *queue, const iad_mat *table, const int32_t *index, const iad_mat *y,
                                                                 iad_err *err) {
    unsigned pieces = pieces_of(y->cols);
    return iad_launch(queue, err, "gather", gather_kernel<X, Y>, dim3((unsigned)y->rows * pieces), dim3(THREADS), 0, (const X *)table->data,
                      table->stride,
                      table->rows, index, (Y *)y->data, y->stride, y->cols, pieces);
}

static iad_status gather(iad_queue *queue, const iad_mat *table, const int32_t *index, const iad_mat *y, iad_err *err) {
    if (y->rows == 0 || y->cols == 0) return IAD_OK;
    if (table->dtype == y->dtype)
        return y->dtype == IAD_F32 ? copy_bits<uint32_t>(queue, "gather", table, index, y, err) : copy_bits<uint16_t>(queue, "gather", table, index,
                                                                                                                      y, err);
    if (table->dtype == IAD_F32) return gather_typed<float, iad_bf16>(queue, table, index, y, err);
    if (table->dtype == IAD_BF16) return gather_typed<iad_bf16, float>(queue, table, index, y, err);
    return y->dtype == IAD_F32 ? gather_typed<__half, float>(queue, table, index, y, err) : gather_typed<__half, iad_bf16>(queue, table, index, y,
                                                                                                                           err);
}

iad_status iad_cuda_gather(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_gather(&table, index, &y, err));
    if (y.rows == 0 || y.cols == 0) return IAD_OK;
    void *on_card;
    IAD_TRY(iad_cuda_table(queue, index, (size_t)y.rows * sizeof *index, &on_card, err));
    return gather(queue, &table, (const int32_t *)on_card, &y, err);
}

iad_status iad_cuda_gather_device(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err) {
    iad_mat none = y;
    none.rows = 0; /* shapes and types only: the indices are out of reach */
    IAD_TRY(iad_check_gather(&table, index, &none, err));
    IAD_TRY(iad_cuda_enter(queue, err));
    return gather(queue, &table, index, &y, err);
}
