#include "runtime/cuda/linear.cuh"

#include "runtime/cuda/launch.cuh"
#include "runtime/cuda/lt.cuh"

enum { SLOT_X = IAD_CUDA_SCRATCH_MATMUL, SLOT_SCALE, SLOT_SUMS };

static const size_t SUMS_BYTES = (size_t)64 << 20; /* of sums at once: about what the second cache holds */

/* Rows whose sums, `width` of four bytes each, are made at once. */
static int64_t rows_at_once(int64_t rows, int64_t width) {
    int64_t step = (int64_t)(SUMS_BYTES / sizeof(float)) / width;
    if (step < 64) step = 64;
    return step < rows ? step : rows;
}

static cudaDataType_t type_of(iad_dtype dtype) { return dtype == IAD_F32 ? CUDA_R_32F : dtype == IAD_BF16 ? CUDA_R_16BF : CUDA_R_8I; }

/* The product straight into y. */
static iad_lt_product direct(const iad_cuda_weight *w, const iad_mat *x, iad_store store, const iad_mat *y) {
    iad_lt_product p = {};
    p.m = x->rows;
    p.n = w->n_out;
    p.k = w->n_in;
    p.x = x->data;
    p.w = w->data;
    p.y = y->data;
    p.x_stride = x->stride;
    p.w_stride = w->ld;
    p.y_stride = y->stride;
    p.x_type = type_of(x->dtype);
    p.w_type = type_of(w->storage);
    p.y_type = type_of(y->dtype);
    p.w_rows_are_out = !w->transposed;
    p.alpha = 1.0f;
    p.beta = store == IAD_STORE_ADD ? 1.0f : 0.0f;
    p.bias = y->dtype == IAD_BF16 ? (const void *)w->bias_half : (const void *)w->bias;
    p.bias_type = type_of(y->dtype);
    return p;
}

/* Rows in pieces whose sums fit, then what is done to the sums. */
static iad_status by_pieces(iad_queue *queue, const iad_cuda_weight *w, const iad_mat *x, iad_store store, const iad_mat *y, iad_err *err) {
    int64_t width = (w->n_out + 15) / 16 * 16, step = rows_at_once(x->rows, width);
    void *sums;
    IAD_TRY(iad_cuda_scratch(queue, SLOT_SUMS, (size_t)(step * width) * sizeof(float), &sums, err));
    for (int64_t r = 0; r < x->rows; r += step) {
        int64_t n = x->rows - r < step ? x->rows - r : step;
        iad_mat piece = iad_mat_rows(*x, r, n), out = {sums, n, w->n_out, width, IAD_F32};
        iad_cuda_finish finish = {sums, width, NULL, NULL, w->bias, store};
        iad_lt_product p = direct(w, &piece, IAD_STORE_SET, &out);
        p.bias = NULL;
        if (iad_lt_has(queue, &p)) IAD_TRY(iad_lt_run(queue, &p, err));
        else IAD_TRY(iad_cuda_plain_product(queue, piece, w, (float *)sums, width, err));
        IAD_TRY(iad_cuda_finish_rows(queue, &finish, iad_mat_rows(*y, r, n), err));
    }
    return IAD_OK;
}

/* Exact integer sums. */
static iad_status linear_i8(iad_queue *queue, const iad_cuda_weight *w, const iad_mat *x, iad_store store, const iad_mat *y, iad_err *err) {
    int64_t width = w->rows_pad, step = rows_at_once(x->rows, width);
    void *q, *scale, *sums;
    IAD_TRY(iad_cuda_scratch(queue, SLOT_X, (size_t)(x->rows * w->ld), &q, err));
    IAD_TRY(iad_cuda_scratch(queue, SLOT_SCALE, (size_t)x->rows * sizeof(float), &scale, err));
    IAD_TRY(iad_cuda_scratch(queue, SLOT_SUMS, (size_t)(step * width) * sizeof(int32_t), &sums, err));
    IAD_TRY(iad_cuda_quantise(queue, *x, (int8_t *)q, w->ld, (float *)scale, err));
    for (int64_t r = 0; r < x->rows; r += step) {
        int64_t n = x->rows - r < step ? x->rows - r : step;
        iad_lt_product p = {};
        p.m = n;
        p.n = width;
        p.k = w->ld; /* zeros meet zeros */
        p.x = (const int8_t *)q + r * w->ld;
        p.w = w->data;
        p.y = sums;
        p.x_stride = p.w_stride = w->ld;
        p.y_stride = width;
        p.x_type = p.w_type = CUDA_R_8I;
        p.y_type = CUDA_R_32I;
        p.w_rows_are_out = 1;
        IAD_TRY(iad_lt_run(queue, &p, err));
        iad_cuda_finish finish = {sums, width, (const float *)scale + r, w->scale, w->bias, store};
        IAD_TRY(iad_cuda_finish_rows(queue, &finish, iad_mat_rows(*y, r, n), err));
    }
    return IAD_OK;
}

iad_status iad_cuda_linear(iad_queue *queue, iad_mat x, const iad_weight *weight, iad_store store, iad_mat y, iad_err *err) {
    const iad_cuda_weight *w = iad_cuda_weight_of(weight);
    IAD_TRY(iad_check_linear(w->n_in, w->n_out, w->storage, &x, store, &y, err));
    if (x.rows == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    if (w->storage == IAD_I8) return linear_i8(queue, w, &x, store, &y, err);
    /* The library adds a bias of the output's type only, and gives f32 weights f32 outputs. */
    int fits = y.dtype == IAD_F32 || (w->storage == IAD_BF16 && (w->bias == NULL || w->bias_exact));
    if (fits) {
        iad_lt_product p = direct(w, &x, store, &y);
        if (iad_lt_has(queue, &p)) return iad_lt_run(queue, &p, err);
    }
    return by_pieces(queue, w, &x, store, &y, err);
}
