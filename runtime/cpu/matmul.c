#include "runtime/cpu/matmul.h"

#include <omp.h>
#include <string.h>

#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul_kernels.h"
#include "runtime/cpu/split.h"
#include "runtime/ops_check.h"

enum {
    BLOCK_GROUPS = 512,     /* groups of a panel used for all rows before the next: 128 KiB, stays in the second cache */
    CHUNK_ROWS = 240,       /* rows that share a pass over a panel; their running sums take 60 KiB */
    CHUNK_ROWS_MIN = 48,
    SLOT_X = IAD_CPU_SCRATCH_MATMUL,
    SLOT_SCALE,
    SLOT_ACC
};

int iad_matmul_threads(const iad_device *device, int64_t rows, const iad_weight *w) {
    /* Fewer multiplications stay on one thread: waking the team costs microseconds, many more on a busy machine. */
    const double work_min = 2e6;
    return (double)rows * (double)w->n_in * (double)w->n_out < work_min ? 1 : iad_cpu_threads(device);
}

/* Rows of x as the kernel reads them. */
typedef struct x_rows {
    const char *data;
    size_t stride;          /* bytes */
    const float *scale;     /* I8 */
    const char *tail;       /* of AMX: iad_tile.x_tail of all rows, or NULL */
} x_rows;

iad_matmul_kernels iad_matmul_kernels_for(const iad_device *device) {
#if defined(__x86_64__)
    iad_cpu_isa isa = iad_cpu_isa_of(device);
    if (isa == IAD_CPU_AVX512) {
        int bf16 = iad_cpu_has_bf16(device), vnni = iad_cpu_has_vnni(device);
        iad_matmul_kernels kernels = {iad_tile_f32_avx512,
                                      bf16 ? iad_tile_bf16_dot : iad_tile_bf16_avx512,
                                      vnni ? iad_tile_i8_vnni : iad_tile_i8_avx2,
                                      bf16 ? IAD_X_BF16 : IAD_X_F32,
                                      vnni ? IAD_X_U8 : IAD_X_S16,
                                      IAD_TILE_ROWS,
                                      1,
                                      1,
                                      iad_finish_avx512,
                                      iad_quantise_avx512,
                                      iad_pack_turn_avx512};
#if IAD_AMX
        if (iad_cpu_has_amx(device)) {
            kernels.bf16 = iad_tile_bf16_amx;
            kernels.bf16_rows = IAD_AMX_ROWS;
            kernels.bf16_row_step = IAD_AMX_ROW_STEP;
            kernels.bf16_groups = IAD_AMX_GROUPS;
        }
#endif
        return kernels;
    }
    if (isa == IAD_CPU_AVX2)
        return (iad_matmul_kernels){iad_tile_f32_avx2, iad_tile_bf16_avx2, iad_tile_i8_avx2, IAD_X_F32,         IAD_X_S16,         IAD_TILE_ROWS,
                                    1,                 1,                  iad_finish_avx2,  iad_quantise_avx2, iad_pack_turn_avx2};
#else
    (void)device;
#endif
    return (iad_matmul_kernels){iad_tile_f32_plain, iad_tile_bf16_plain, iad_tile_i8_plain, IAD_X_F32,          IAD_X_S16,          IAD_TILE_ROWS,
                                1,                  1,                   iad_finish_plain,  iad_quantise_plain, iad_pack_turn_plain};
}

/* The last step of every row, `inputs` of them filled up with zeros; all others are read where they are. */
static iad_status prepare_tail(iad_queue *queue, iad_mat x, int inputs, x_rows *out, iad_err *err) {
    size_t n = (size_t)(x.cols % inputs), bytes = (size_t)inputs * 2;
    void *tail;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_X, (size_t)x.rows * bytes, &tail, err));
    memset(tail, 0, (size_t)x.rows * bytes);
    for (int64_t r = 0; r < x.rows; r++)
        memcpy((char *)tail + (size_t)r * bytes, (const uint16_t *)x.data + r * x.stride + x.cols - (int64_t)n, n * 2);
    out->tail = tail;
    return IAD_OK;
}

/* Brings x into the form that the kernel wants. Inputs past n_in, which meet zero weights, become zeros. */
static iad_status prepare(iad_queue *queue, iad_mat x, const iad_weight *w, const iad_matmul_kernels *k, iad_x_form form, int threads,
                          x_rows *out, iad_err *err) {
    size_t width = (size_t)w->n_group * (size_t)w->per_group; /* values of a row with its padding */
    size_t value = form == IAD_X_F32 ? 4 : form == IAD_X_U8 ? 1 : 2;
    *out = (x_rows){x.data, (size_t)x.stride * iad_dtype_size(x.dtype), NULL, NULL};
    if (form == IAD_X_F32 && x.dtype == IAD_F32) return IAD_OK;
    if (form == IAD_X_BF16 && w->n_in % (2 * k->bf16_groups) == 0) return IAD_OK;
    if (form == IAD_X_BF16 && k->bf16_groups > 1) return prepare_tail(queue, x, 2 * k->bf16_groups, out, err);
    /* A line more than needed keeps rows of a power of two from sharing cache sets. */
    size_t stride = (width * value + 63) / 64 * 64 + 64;
    void *data, *scale = NULL;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_X, (size_t)x.rows * stride, &data, err));
    if (w->storage == IAD_I8) IAD_TRY(iad_cpu_scratch(queue, SLOT_SCALE, (size_t)x.rows * sizeof(float), &scale, err));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < x.rows; r++) {
        size_t n = (size_t)x.cols;
        const char *src = (const char *)x.data + (size_t)(r * x.stride) * iad_dtype_size(x.dtype);
        char *dst = (char *)data + (size_t)r * stride;
        if (form == IAD_X_F32) iad_bf16_to_f32_array(src, n, (float *)(void *)dst);
        else if (form == IAD_X_BF16) memcpy(dst, src, n * 2);
        else k->quantise(src, x.dtype, n, form, dst, (float *)scale + r);
        memset(dst + n * value, 0, (width - n) * value);
    }
    *out = (x_rows){data, stride, scale, NULL};
    return IAD_OK;
}

/* Everything that the threads share. */
typedef struct product {
    iad_matmul_kernels kernels;
    iad_tile_fn tile;
    const iad_weight *w;
    x_rows x;
    iad_mat y;
    iad_store store;
    int64_t n_group;        /* that hold inputs: padding is left out where the kernel can */
    int tile_rows;          /* most rows of a tile */
    int subtract;           /* sums are too large by the weight's offset */
} product;

/* Rows [begin, end) times one panel. acc: sums of that many rows. */
static void unit(const product *p, int64_t panel, int64_t begin, int64_t end, char *acc) {
    const iad_weight *w = p->w;
    int64_t rows = end - begin, tiles = (rows + p->tile_rows - 1) / p->tile_rows, first_out = panel * IAD_PANEL;
    int64_t cols = w->n_out - first_out < IAD_PANEL ? w->n_out - first_out : IAD_PANEL;
    size_t x_group = p->x.scale != NULL && !p->subtract ? 8 : p->tile == p->kernels.bf16 && p->kernels.bf16_form == IAD_X_F32 ? 8 : 4;
    /* Sums that nothing is done to are made where they belong. */
    int direct = cols == IAD_PANEL && p->store == IAD_STORE_SET && p->y.dtype == IAD_F32 && w->bias == NULL && p->x.scale == NULL;
    size_t y_size = iad_dtype_size(p->y.dtype), y_stride = (size_t)p->y.stride * y_size;
    /* One tile alone streams its panel once: no blocks. */
    int64_t step = tiles == 1 ? p->n_group : BLOCK_GROUPS;
    for (int64_t g = 0; g < p->n_group; g += step) {
        int64_t groups = p->n_group - g < step ? p->n_group - g : step;
        int last = g + groups == p->n_group;
        for (int64_t i = 0; i < tiles; i++) {
            /* Tiles differ by one row at most. */
            int64_t r0 = rows * i / tiles, r1 = rows * (i + 1) / tiles;
            int n = (int)(r1 - r0);
            char *y = (char *)p->y.data + (size_t)(begin + r0) * y_stride + (size_t)first_out * y_size;
            void *sums = direct ? y : acc + (size_t)r0 * IAD_PANEL * sizeof(float);
            iad_tile tile = {n, p->x.data + (size_t)(begin + r0) * p->x.stride + (size_t)g * x_group, p->x.stride,
                             w->panels + (size_t)(panel * w->n_group + g) * IAD_GROUP_BYTES, groups, sums,
                             direct ? y_stride : IAD_PANEL * sizeof(float), g > 0, (int)cols,
                             p->x.tail != NULL ? p->x.tail + (size_t)(begin + r0) * 64 : NULL};
            p->tile(&tile);
            if (!last || direct) continue;
            iad_finish finish = {n, cols, sums, w->bias != NULL ? w->bias + first_out : NULL,
                                 p->x.scale != NULL ? p->x.scale + begin + r0 : NULL, w->scale != NULL ? w->scale + first_out : NULL,
                                 p->subtract ? w->offset + first_out : NULL, p->store, p->y.dtype, y, y_stride};
            p->kernels.finish(&finish);
        }
    }
}

iad_status iad_cpu_linear(iad_queue *queue, iad_mat x, const iad_weight *w, iad_store store, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_linear(w->n_in, w->n_out, w->storage, &x, store, &y, err));
    if (x.rows == 0) return IAD_OK;
    if (w->split) return iad_split_linear(queue, x, w, store, y, err);
    int threads = iad_matmul_threads(queue->device, x.rows, w);

    product p = {.kernels = iad_matmul_kernels_for(queue->device), .w = w, .y = y, .store = store};
    iad_x_form form = w->storage == IAD_F32 ? IAD_X_F32 : w->storage == IAD_BF16 ? p.kernels.bf16_form : p.kernels.i8_form;
    p.tile = w->storage == IAD_F32 ? p.kernels.f32 : w->storage == IAD_BF16 ? p.kernels.bf16 : p.kernels.i8;
    p.n_group = (w->n_in + w->per_group - 1) / w->per_group;
    p.tile_rows = IAD_TILE_ROWS;
    int64_t row_step = 1;
    if (w->storage == IAD_BF16) {
        p.n_group = (p.n_group + p.kernels.bf16_groups - 1) / p.kernels.bf16_groups * p.kernels.bf16_groups;
        p.tile_rows = p.kernels.bf16_rows;
        row_step = p.kernels.bf16_row_step;
    }
    p.subtract = form == IAD_X_U8;
    IAD_TRY(prepare(queue, x, w, &p.kernels, form, x.rows < 4 * (int64_t)threads ? 1 : threads, &p.x, err));

    /* Chunks of rows of equal size; smaller ones when there would be too few pieces for the team. */
    int64_t chunk = CHUNK_ROWS;
    while (chunk > CHUNK_ROWS_MIN && w->n_panel * ((x.rows + chunk - 1) / chunk) < 8 * (int64_t)threads) chunk /= 2;
    int64_t chunks = (x.rows + chunk - 1) / chunk, steps = (x.rows + row_step - 1) / row_step;
    if (chunks > steps) chunks = steps;
    int64_t units = chunks * w->n_panel;
    if (threads > units) threads = (int)units;
    size_t acc_bytes = (size_t)((steps + chunks - 1) / chunks * row_step) * IAD_PANEL * sizeof(float);
    void *acc;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_ACC, (size_t)threads * acc_bytes, &acc, err));

    /* Results do not depend on who computes a unit. Few rows: each thread streams its own part of the weights. */
#pragma omp parallel num_threads(threads)
    {
        char *own = (char *)acc + (size_t)omp_get_thread_num() * acc_bytes;
        if (x.rows <= IAD_TILE_ROWS) {
#pragma omp for schedule(static)
            for (int64_t u = 0; u < units; u++) unit(&p, u, 0, x.rows, own);
        } else {
#pragma omp for schedule(dynamic)
            for (int64_t u = 0; u < units; u++) {
                int64_t c = u / w->n_panel, end = steps * (c + 1) / chunks * row_step;
                unit(&p, u % w->n_panel, steps * c / chunks * row_step, end < x.rows ? end : x.rows, own);
            }
        }
    }
    return IAD_OK;
}
