/* Backward operations on rows on the card. What belongs to a row is computed by one block, what belongs to an element by one thread. */
#include "train/cuda/grad_cuda.cuh"

enum { THREADS = IAD_CUDA_GRAD_THREADS, WARPS = THREADS / 32, SPAN = THREADS * (int)IAD_EIGHT };

/* Blocks of whole rows in x (there may be many), pieces of columns in y. */
static dim3 grid_of(int64_t rows, int64_t cols) { return dim3((unsigned)rows, iad_blocks(cols, SPAN)); }

static __device__ __forceinline__ int64_t column_of(void) { return (int64_t)blockIdx.y * SPAN + (int64_t)threadIdx.x * IAD_EIGHT; }
static __device__ __forceinline__ float *row_of(const iad_grad_mat &m) { return m.data + (int64_t)blockIdx.x * m.stride; }

/* ---- rmsnorm ---- */

typedef struct rms_stats {
    float *factor; /* f = 1 / sqrt(mean x^2 + eps) */
    float *along;  /* f^3 / n sum(w dy x): what of x is taken from the gradient */
} rms_stats;

static __global__ void rms_stats_kernel(iad_grad_mat x, const float *weight, float eps, iad_grad_mat dy, int64_t n, rms_stats stats) {
    __shared__ double square_room[WARPS], dot_room[WARPS];
    const float *xr = row_of(x), *dyr = row_of(dy);
    double square = 0.0, dot = 0.0;
    for (int64_t c = (int64_t)threadIdx.x * IAD_EIGHT; c < n; c += SPAN) {
        float a[IAD_EIGHT], g[IAD_EIGHT], s = 0.0f, d = 0.0f;
        iad_get8(xr + c, n - c, x.wide, a);
        iad_get8(dyr + c, n - c, dy.wide, g);
#pragma unroll
        for (int i = 0; i < IAD_EIGHT; i++) {
            s = fmaf(a[i], a[i], s);
            if (c + i < n) d = fmaf(weight[c + i] * g[i], a[i], d);
        }
        square += (double)s;
        dot += (double)d;
    }
    square = iad_block_sum(square, square_room);
    dot = iad_block_sum(dot, dot_room);
    if (threadIdx.x > 0) return;
    double f = 1.0 / sqrt(square / (double)n + (double)eps);
    stats.factor[blockIdx.x] = (float)f;
    stats.along[blockIdx.x] = (float)(f * f * f / (double)n * dot);
}

static __global__ void rms_dx_kernel(iad_grad_mat x, const float *weight, iad_grad_mat dy, int64_t n, rms_stats stats, iad_grad_mat dx, int set) {
    int64_t c = column_of();
    if (c >= n) return;
    float f = stats.factor[blockIdx.x], along = stats.along[blockIdx.x], a[IAD_EIGHT], g[IAD_EIGHT], d[IAD_EIGHT];
    iad_get8(row_of(x) + c, n - c, x.wide, a);
    iad_get8(row_of(dy) + c, n - c, dy.wide, g);
    if (!set) iad_get8(row_of(dx) + c, n - c, dx.wide, d);
#pragma unroll
    for (int i = 0; i < IAD_EIGHT; i++) {
        float w = c + i < n ? weight[c + i] : 0.0f, v = fmaf(f * w, g[i], -(a[i] * along));
        d[i] = set ? v : d[i] + v;
    }
    iad_put8(row_of(dx) + c, n - c, dx.wide, d);
}

iad_status iad_cuda_rmsnorm_back(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat dy, iad_mat dx, int set, float *dw,
                                 iad_err *err) {
    IAD_TRY(iad_grad_check_rmsnorm(&x, weight, eps, &dy, &dx, set, err));
    if (x.rows == 0 || x.cols == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    void *memory;
    IAD_TRY(iad_cuda_scratch(queue, IAD_CUDA_SLOT_STATS, (size_t)x.rows * 2 * sizeof(float), &memory, err));
    rms_stats stats = {(float *)memory, (float *)memory + x.rows};
    iad_grad_mat gx = iad_grad_mat_of(&x), gdy = iad_grad_mat_of(&dy), gdx = iad_grad_mat_of(&dx);
    IAD_TRY(iad_launch(queue, err, "rms_stats", rms_stats_kernel, dim3((unsigned)x.rows), dim3(THREADS), 0, gx, weight, eps, gdy, x.cols, stats));
    if (dw != NULL) IAD_TRY(iad_cuda_add_columns(queue, dy, x, stats.factor, dw, err)); /* before dx: it may be dy */
    return iad_launch(queue, err, "rms_dx", rms_dx_kernel, grid_of(x.rows, x.cols), dim3(THREADS), 0, gx, weight, gdy, x.cols, stats, gdx, set);
}

/* ---- elements ---- */

static __global__ void silu_mul_back_kernel(iad_grad_mat gate_up, iad_grad_mat dy, int64_t n, iad_grad_mat to) {
    int64_t c = column_of();
    if (c >= n) return;
    float g[IAD_EIGHT], u[IAD_EIGHT], d[IAD_EIGHT];
    iad_get8(row_of(gate_up) + c, n - c, gate_up.wide, g);
    iad_get8(row_of(gate_up) + n + c, n - c, gate_up.wide && n % 4 == 0, u);
    iad_get8(row_of(dy) + c, n - c, dy.wide, d);
#pragma unroll
    for (int i = 0; i < IAD_EIGHT; i++) {
        float s = 1.0f / (1.0f + expf(-g[i])), rest = 1.0f / (1.0f + expf(g[i])); /* 1 - s without cancellation */
        float gs = g[i] * s;
        g[i] = d[i] * u[i] * s * (1.0f + g[i] * rest);
        u[i] = d[i] * gs;
    }
    iad_put8(row_of(to) + c, n - c, to.wide, g);
    iad_put8(row_of(to) + n + c, n - c, to.wide && n % 4 == 0, u);
}

iad_status iad_cuda_silu_mul_back(iad_queue *queue, iad_mat gate_up, iad_mat dy, iad_mat dgate_up, iad_err *err) {
    IAD_TRY(iad_grad_check_silu_mul(&gate_up, &dy, &dgate_up, err));
    IAD_TRY(iad_cuda_enter(queue, err));
    return iad_launch(queue, err, "silu_mul_back", silu_mul_back_kernel, grid_of(dy.rows, dy.cols), dim3(THREADS), 0, iad_grad_mat_of(&gate_up),
                      iad_grad_mat_of(&dy), dy.cols, iad_grad_mat_of(&dgate_up));
}

/* P(x) + x p(x): P the normal distribution, p its density. */
static __device__ __forceinline__ float gelu_slope(float x) {
    float power, a = fminf(20.0f, fabsf(x)), tail = iad_normal_tail(a, &power), under = x < 0.0f ? tail : 1.0f - tail;
    return x != x ? x : fmaf(copysignf(a, x) * 0.398942280f, power, under);
}

static __global__ void gelu_back_kernel(iad_grad_mat x, iad_grad_mat dy, int64_t n, iad_grad_mat dx) {
    int64_t c = column_of();
    if (c >= n) return;
    float a[IAD_EIGHT], d[IAD_EIGHT];
    iad_get8(row_of(x) + c, n - c, x.wide, a);
    iad_get8(row_of(dy) + c, n - c, dy.wide, d);
#pragma unroll
    for (int i = 0; i < IAD_EIGHT; i++) d[i] *= gelu_slope(a[i]);
    iad_put8(row_of(dx) + c, n - c, dx.wide, d);
}

iad_status iad_cuda_gelu_back(iad_queue *queue, iad_mat x, iad_mat dy, iad_mat dx, iad_err *err) {
    IAD_TRY(iad_grad_check_same("gelu_back", &x, &dy, &dx, err));
    IAD_TRY(iad_cuda_enter(queue, err));
    return iad_launch(queue, err, "gelu_back", gelu_back_kernel, grid_of(x.rows, x.cols), dim3(THREADS), 0, iad_grad_mat_of(&x), iad_grad_mat_of(&dy),
                      x.cols, iad_grad_mat_of(&dx));
}

static __global__ void add_kernel(iad_grad_mat x, int64_t n, iad_grad_mat y) {
    int64_t c = column_of();
    if (c >= n) return;
    float a[IAD_EIGHT], b[IAD_EIGHT];
    iad_get8(row_of(x) + c, n - c, x.wide, a);
    iad_get8(row_of(y) + c, n - c, y.wide, b);
#pragma unroll
    for (int i = 0; i < IAD_EIGHT; i++) b[i] += a[i];
    iad_put8(row_of(y) + c, n - c, y.wide, b);
}

iad_status iad_cuda_add(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    IAD_TRY(iad_grad_check_same("add", &x, &y, NULL, err));
    IAD_TRY(iad_cuda_enter(queue, err));
    /* Long arrays come as matrices of one row: blocks in y are limited, those in x are not. */
    if (x.rows == 1 && x.cols > SPAN) {
        int64_t whole = x.cols / SPAN;
        iad_mat a = {x.data, whole, SPAN, SPAN, IAD_F32}, b = {y.data, whole, SPAN, SPAN, IAD_F32};
        IAD_TRY(iad_launch(queue, err, "add", add_kernel, grid_of(whole, SPAN), dim3(THREADS), 0, iad_grad_mat_of(&a), (int64_t)SPAN,
                           iad_grad_mat_of(&b)));
        x = iad_mat_cols(x, whole * SPAN, x.cols - whole * SPAN);
        y = iad_mat_cols(y, whole * SPAN, y.cols - whole * SPAN);
    }
    return iad_launch(queue, err, "add", add_kernel, grid_of(x.rows, x.cols), dim3(THREADS), 0, iad_grad_mat_of(&x), x.cols, iad_grad_mat_of(&y));
}

/* ---- scatter ---- */

/* Rows of dy by the row of the table that they go to: bucket b is table row row[b], entries order[begin[b]] .. of rising index. */
typedef struct scatter_lists {
    const int32_t *row, *begin, *order;
} scatter_lists;

static __global__ void scatter_add_kernel(iad_grad_mat dy, int64_t n, scatter_lists lists, iad_grad_mat table) {
    int64_t c = column_of();
    if (c >= n) return;
    float *to = table.data + (int64_t)lists.row[blockIdx.x] * table.stride + c, sum[IAD_EIGHT], d[IAD_EIGHT];
    iad_get8(to, n - c, table.wide, sum);
    for (int i = lists.begin[blockIdx.x]; i < lists.begin[blockIdx.x + 1]; i++) {
        iad_get8(dy.data + (int64_t)lists.order[i] * dy.stride + c, n - c, dy.wide, d);
#pragma unroll
        for (int k = 0; k < IAD_EIGHT; k++) sum[k] += d[k];
    }
    iad_put8(to, n - c, table.wide, sum);
}

static int by_row_then_order(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

iad_status iad_cuda_scatter_add(iad_queue *queue, iad_mat dy, const int32_t *index, iad_mat dtable, iad_err *err) {
    IAD_TRY(iad_grad_check_scatter(&dy, index, &dtable, err));
    if (dy.rows == 0 || dy.cols == 0) return IAD_OK;
    if (dy.rows >= INT32_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "scatter_add: %lld rows", (long long)dy.rows);
    IAD_TRY(iad_cuda_enter(queue, err));
    size_t n = (size_t)dy.rows, n_list = 0, n_used = 0;
    int64_t *keys = (int64_t *)iad_alloc(n, sizeof *keys);
    int32_t *lists = (int32_t *)iad_alloc(3 * n + 1, sizeof *lists), *row = lists, *begin = lists + n, *order = lists + 2 * n + 1;
    iad_status status = keys == NULL || lists == NULL ? IAD_NOMEM(err, "the order of a scatter") : IAD_OK;
    if (status == IAD_OK) {
        for (size_t i = 0; i < n; i++)
            if (index[i] >= 0) keys[n_used++] = (int64_t)index[i] << 32 | (int64_t)i;
        qsort(keys, n_used, sizeof *keys, by_row_then_order);
        for (size_t i = 0; i < n_used; i++) {
            int32_t at = (int32_t)(keys[i] >> 32);
            order[i] = (int32_t)(keys[i] & 0xffffffff);
            if (n_list == 0 || row[n_list - 1] != at) {
                row[n_list] = at;
                begin[n_list++] = (int32_t)i;
            }
        }
        begin[n_list] = (int32_t)n_used;
    }
    void *device = NULL;
    if (status == IAD_OK && n_list > 0) {
        /* The places of a bucket beyond the last are not read; sent all the same. */
        memset(row + n_list, 0, (n - n_list) * sizeof *row);
        memset(begin + n_list + 1, 0, (n - n_list) * sizeof *begin);
        memset(order + n_used, 0, (n - n_used) * sizeof *order);
        status = iad_cuda_table(queue, lists, (3 * n + 1) * sizeof *lists, &device, err);
        const int32_t *on_card = (const int32_t *)device;
        scatter_lists l = {on_card, on_card + n, on_card + 2 * n + 1};
        if (status == IAD_OK)
            status = iad_launch(queue, err, "scatter_add", scatter_add_kernel, grid_of((int64_t)n_list, dy.cols), dim3(THREADS), 0,
                                iad_grad_mat_of(&dy), dy.cols, l, iad_grad_mat_of(&dtable));
    }
    free(keys);
    free(lists);
    return status;
}
