#include "bench/speed/speed_gradients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "bench/probe/onednn.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/pack.h"
#include "train/grad.h"

typedef struct bench {
    FILE *out;
    iad_device *device;
    iad_queue *queue;
    const iad_ops *ops;
    const iad_grad_ops *grad;
    int threads, repeats;
} bench;

static double now(const bench *b) {
    struct timespec t;
    (void)clock_gettime(b->threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Small numbers that are different everywhere; the same every time. */
static void fill(float *values, size_t n, uint32_t seed) {
    uint32_t state = seed * 2654435761u + 1u;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(int32_t)state * 0x1p-34f;
    }
}

/* [rows][cols] of the type, filled. data NULL: out of memory. */
static iad_mat mat_new(const bench *b, int64_t rows, int64_t cols, iad_dtype type, uint32_t seed) {
    size_t n = (size_t)(rows * cols);
    iad_mat m = {.rows = rows, .cols = cols, .stride = cols, .dtype = type, .data = iad_cpu_alloc(b->device, n * iad_dtype_size(type))};
    float *values = iad_alloc(n, sizeof *values);
    if (m.data != NULL && values != NULL) {
        fill(values, n, seed);
        (void)iad_dtype_from_f32(type, values, n, m.data, NULL);
    } else {
        iad_cpu_release(b->device, m.data);
        m.data = NULL;
    }
    free(values);
    return m;
}

static void keep_best(double *best, double seconds) {
    if (*best == 0 || seconds < *best) *best = seconds;
}

/* ---- products ---- */

typedef struct shape {
    int64_t rows, n_out, n_in;
} shape;

typedef struct layer {
    iad_mat x, dy, dw, dx;
    iad_weight *turned, *straight;
    iad_dnnl_product *dw_product, *dx_product;
    void *scratch;
    double dw_ours, dw_theirs, dx_ours, dx_theirs, pack, pack_turned;
} layer;

static iad_status layer_new(const bench *b, shape s, iad_dtype type, iad_weight_spec *spec, layer *l, iad_err *err) {
    iad_dnnl_kind kind = type == IAD_F32 ? IAD_DNNL_F32 : IAD_DNNL_BF16;
    l->x = mat_new(b, s.rows, s.n_in, type, 1);
    l->dy = mat_new(b, s.rows, s.n_out, type, 2);
    l->dw = mat_new(b, s.n_out, s.n_in, IAD_F32, 3);
    l->dx = mat_new(b, s.rows, s.n_in, IAD_F32, 4);
    if (l->x.data == NULL || l->dy.data == NULL || l->dw.data == NULL || l->dx.data == NULL) return IAD_NOMEM(err, "a layer");
    IAD_TRY(b->ops->weight_new(b->device, spec, &l->straight, err));
    spec->transposed = 1;
    IAD_TRY(b->ops->weight_new(b->device, spec, &l->turned, err));
    IAD_TRY(iad_dnnl_turned_new(kind, s.rows, s.n_in, s.n_out, b->threads, &l->dw_product, err));
    IAD_TRY(iad_dnnl_product_new(kind, s.rows, s.n_out, s.n_in, s.n_out, b->threads, &l->dx_product, err));
    size_t scratch = iad_dnnl_product_scratch(l->dw_product), other = iad_dnnl_product_scratch(l->dx_product);
    l->scratch = iad_cpu_alloc(b->device, scratch > other ? scratch : other);
    return l->scratch != NULL ? IAD_OK : IAD_NOMEM(err, "oneDNN's scratch");
}

static void layer_free(const bench *b, layer *l) {
    void *all[] = {l->x.data, l->dy.data, l->dw.data, l->dx.data, l->scratch};
    for (int i = 0; i < 5; i++) iad_cpu_release(b->device, all[i]);
    b->ops->weight_free(b->device, l->turned);
    b->ops->weight_free(b->device, l->straight);
    iad_dnnl_product_free(l->dw_product);
    iad_dnnl_product_free(l->dx_product);
}

static iad_status dw_of(const bench *b, layer *l, int theirs, iad_err *err) {
    double start = now(b);
    if (theirs) IAD_TRY(iad_dnnl_product_run(l->dw_product, l->dy.data, l->x.data, l->dw.data, l->scratch, err));
    else IAD_TRY(b->grad->linear_dw(b->queue, l->dy, l->x, l->dw, NULL, err));
    keep_best(theirs ? &l->dw_theirs : &l->dw_ours, now(b) - start);
    return IAD_OK;
}

static iad_status dx_of(const bench *b, layer *l, int theirs, iad_err *err) {
    double start = now(b);
    if (theirs) IAD_TRY(iad_dnnl_product_run(l->dx_product, l->dy.data, l->turned->panels, l->dx.data, l->scratch, err));
    else IAD_TRY(b->ops->linear(b->queue, l->dy, l->turned, IAD_STORE_SET, l->dx, err));
    keep_best(theirs ? &l->dx_theirs : &l->dx_ours, now(b) - start);
    return IAD_OK;
}

/* One round of everything. Who comes second finds inputs and outputs in the cache, so ours and theirs take turns in that. */
static iad_status round_of(const bench *b, iad_weight_spec *spec, layer *l, int round, iad_err *err) {
    for (int i = 0; i < 2; i++) IAD_TRY(dw_of(b, l, (round + i) % 2, err));
    for (int i = 0; i < 2; i++) IAD_TRY(dx_of(b, l, (round + i) % 2, err));
    for (int turned = 0; turned < 2; turned++) {
        spec->transposed = turned;
        double start = now(b);
        IAD_TRY(b->ops->weight_set(b->device, spec, turned ? l->turned : l->straight, err));
        keep_best(turned ? &l->pack_turned : &l->pack, now(b) - start);
    }
    return IAD_OK;
}

static iad_status products(const bench *b, shape s, iad_dtype type, iad_err *err) {
    layer l = {0};
    size_t n = (size_t)(s.n_out * s.n_in);
    float *values = iad_alloc(n, sizeof *values);
    if (values == NULL) return IAD_NOMEM(err, "weights");
    fill(values, n, 5);
    iad_weight_spec spec = {.name = "speed", .n_parts = 1, .n_in = s.n_in, .storage = type};
    spec.parts[0] = (iad_weight_part){.data = values, .dtype = IAD_F32, .n_out = s.n_out};
    iad_status status = layer_new(b, s, type, &spec, &l, err);
    double flop = 2e-9 * (double)s.rows * (double)n;
    int repeats = flop > 10 ? 4 : b->repeats;
    for (int i = 0; i < repeats && status == IAD_OK; i++) status = round_of(b, &spec, &l, i, err);
    if (status == IAD_OK)
        fprintf(b->out, "%-5s %5lld x %4lld x %4lld | %5.0f %5.0f %3.0f %% | %5.0f %5.0f %3.0f %% | %7.3f %7.3f  %s\n", iad_dtype_name(type),
                (long long)s.rows, (long long)s.n_out, (long long)s.n_in, flop / l.dw_ours, flop / l.dw_theirs, 100 * l.dw_theirs / l.dw_ours,
                flop / l.dx_ours, flop / l.dx_theirs, 100 * l.dx_theirs / l.dx_ours, 1e3 * l.pack, 1e3 * l.pack_turned,
                iad_dnnl_product_name(l.dw_product));
    layer_free(b, &l);
    free(values);
    return status;
}

/* ---- attention ---- */

typedef struct attention {
    const char *name;
    int n_head, n_kv_head, d_head, causal;
    int64_t n_seq, n_row; /* every sequence */
} attention;

static iad_status attend(const bench *b, const attention *a, iad_err *err) {
    int64_t rows = a->n_seq * a->n_row, cols = (int64_t)a->n_head * a->d_head, kv_cols = (int64_t)a->n_kv_head * a->d_head;
    iad_mat q = mat_new(b, rows, cols, IAD_F32, 1), k = mat_new(b, rows, kv_cols, IAD_F32, 2), v = mat_new(b, rows, kv_cols, IAD_F32, 3);
    iad_mat out = mat_new(b, rows, cols, IAD_F32, 4), dout = mat_new(b, rows, cols, IAD_F32, 5), dq = mat_new(b, rows, cols, IAD_F32, 6);
    iad_mat dk = mat_new(b, rows, kv_cols, IAD_F32, 7), dv = mat_new(b, rows, kv_cols, IAD_F32, 8);
    iad_attend_seq *seqs = iad_calloc((size_t)a->n_seq, sizeof *seqs);
    int64_t *kv_row = iad_calloc((size_t)a->n_seq, sizeof *kv_row);
    iad_status status = IAD_OK;
    if (q.data == NULL || k.data == NULL || v.data == NULL || out.data == NULL || dout.data == NULL || dq.data == NULL || dk.data == NULL ||
        dv.data == NULL || seqs == NULL || kv_row == NULL)
        status = IAD_NOMEM(err, "attention");
    double forward = 0, backward = 0, pairs = (double)a->n_seq * (double)a->n_row * (double)(a->causal ? a->n_row + 1 : 2 * a->n_row) / 2;
    for (int64_t s = 0; s < a->n_seq && status == IAD_OK; s++) {
        kv_row[s] = s * a->n_row;
        seqs[s] = (iad_attend_seq){.row = kv_row[s], .n_row = a->n_row, .causal = a->causal};
        seqs[s].spans[0] = (iad_kv_span){iad_mat_rows(k, kv_row[s], a->n_row), iad_mat_rows(v, kv_row[s], a->n_row)};
    }
    iad_attend job = {.n_head = a->n_head, .n_kv_head = a->n_kv_head, .d_head = a->d_head, .scale = 1 / sqrtf((float)a->d_head), .q = q,
                      .out = out, .seqs = seqs, .n_seq = a->n_seq};
    const iad_attend_back back = {.job = &job, .dout = dout, .dq = dq, .dk = dk, .dv = dv, .kv_row = kv_row};
    for (int i = 0; i < b->repeats && status == IAD_OK; i++) {
        double t0 = now(b);
        status = b->ops->attend(b->queue, &job, err);
        double t1 = now(b);
        if (status == IAD_OK) status = b->grad->attend_back(b->queue, &back, err);
        keep_best(&backward, now(b) - t1);
        keep_best(&forward, t1 - t0);
    }
    double flop = 2e-9 * pairs * a->n_head * a->d_head;
    if (status == IAD_OK)
        fprintf(b->out, "%-48s | %8.2f ms %4.0f GFLOP/s | %8.2f ms %4.0f GFLOP/s\n", a->name, 1e3 * forward, 2 * flop / forward, 1e3 * backward,
                5 * flop / backward);
    void *all[] = {q.data, k.data, v.data, out.data, dout.data, dq.data, dk.data, dv.data};
    for (int i = 0; i < 8; i++) iad_cpu_release(b->device, all[i]);
    free(seqs);
    free(kv_row);
    return status;
}

/* ---- the update and rows ---- */

/* Zero is a valid start for every state. */
static iad_status update(const bench *b, int64_t n, iad_err *err) {
    size_t blocks = (size_t)(n + IAD_ADAMW_BLOCK - 1) / IAD_ADAMW_BLOCK;
    size_t sizes[] = {2 * (size_t)n, 2 * (size_t)n, 4 * (size_t)n, 4 * (size_t)n, 4 * (size_t)n, (size_t)n, (size_t)n, 4 * blocks, 4 * blocks};
    void *p[9] = {NULL};
    iad_status status = IAD_OK;
    for (int i = 0; i < 9; i++) {
        p[i] = iad_cpu_alloc(b->device, sizes[i]);
        if (p[i] == NULL) status = IAD_NOMEM(err, "the update");
        else memset(p[i], 0, sizes[i]);
    }
    double best[4] = {0}, sum;
    iad_adamw exact = {.n = n, .high = p[0], .low = p[1], .grad = p[2], .m = p[3], .v = p[4], .grad_scale = 1, .rate = 1e-4f, .decay = 0.01f,
                       .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f, .correct1 = 0.1f, .correct2 = 0.001f}, small = exact;
    small.m8 = p[5], small.v8 = p[6], small.m_scale = p[7], small.v_scale = p[8];
    if (status == IAD_OK) fill(p[2], (size_t)n, 9);
    for (int i = 0; i < b->repeats && status == IAD_OK; i++) {
        double t[5];
        t[0] = now(b);
        status = b->grad->adamw(b->queue, &exact, err);
        t[1] = now(b);
        if (status == IAD_OK) status = b->grad->adamw(b->queue, &small, err);
        t[2] = now(b);
        if (status == IAD_OK) status = b->grad->square_sum(b->queue, p[2], n, &sum, err);
        t[3] = now(b);
        if (status == IAD_OK) status = b->grad->join(b->queue, p[0], p[1], n, p[3], err);
        t[4] = now(b);
        for (int k = 0; k < 4; k++) keep_best(&best[k], t[k + 1] - t[k]);
    }
    if (status == IAD_OK)
        fprintf(b->out, "%lld parameters, ns each: f32 states %.3f, 8-bit states %.3f, sum of squares %.3f, join %.3f\n", (long long)n,
                1e9 * best[0] / (double)n, 1e9 * best[1] / (double)n, 1e9 * best[2] / (double)n, 1e9 * best[3] / (double)n);
    for (int i = 0; i < 9; i++) iad_cpu_release(b->device, p[i]);
    return status;
}

static iad_status rows(const bench *b, int64_t n, int64_t cols, iad_err *err) {
    iad_mat x = mat_new(b, n, 2 * cols, IAD_F32, 1), dy = mat_new(b, n, cols, IAD_F32, 2), dx = mat_new(b, n, 2 * cols, IAD_F32, 3);
    iad_mat w = mat_new(b, 2, cols, IAD_F32, 4);
    double best[4] = {0}, loss[4096];
    int32_t target[4096] = {0};
    float weight[4096] = {0};
    iad_status status = x.data != NULL && dy.data != NULL && dx.data != NULL && w.data != NULL && n <= 4096 ? IAD_OK : IAD_NOMEM(err, "rows");
    iad_mat half = iad_mat_cols(x, 0, cols), to = iad_mat_cols(dx, 0, cols);
    for (int i = 0; i < b->repeats && status == IAD_OK; i++) {
        double t[5];
        t[0] = now(b);
        status = b->grad->rmsnorm_back(b->queue, half, w.data, 1e-6f, dy, to, 1, (float *)w.data + cols, err);
        t[1] = now(b);
        if (status == IAD_OK) status = b->grad->silu_mul_back(b->queue, x, dy, dx, err);
        t[2] = now(b);
        if (status == IAD_OK) status = b->grad->gelu_back(b->queue, half, dy, to, err);
        t[3] = now(b);
        if (status == IAD_OK) status = b->grad->cross_entropy(b->queue, to, target, weight, loss, NULL, err);
        t[4] = now(b);
        for (int k = 0; k < 4; k++) keep_best(&best[k], t[k + 1] - t[k]);
    }
    double elements = 1e-9 * (double)n * (double)cols;
    if (status == IAD_OK)
        fprintf(b->out, "%lld x %lld, ns an element: rmsnorm_back %.2f, silu_mul_back %.2f, gelu_back %.2f, cross_entropy %.2f\n", (long long)n,
                (long long)cols, best[0] / elements, best[1] / elements, best[2] / elements, best[3] / elements);
    void *all[] = {x.data, dy.data, dx.data, w.data};
    for (int i = 0; i < 4; i++) iad_cpu_release(b->device, all[i]);
    return status;
}

static iad_status measure(const bench *b, iad_err *err) {
    static const shape shapes[] = {{500, 256, 704}, {500, 704, 256}, {2000, 704, 256},   {4000, 704, 256},    {500, 256, 256},
                                   {4000, 256, 256}, {500, 160, 428}, {2000, 428, 160}, {4000, 428, 160},    {500, 3584, 3584},
                                   {2000, 3584, 3584}};
    static const iad_dtype types[] = {IAD_F32, IAD_BF16};
    static const attention attentions[] = {{"causal, 1 x 800, 8/2 heads of 32", 8, 2, 32, 1, 1, 800},
                                           {"causal, 4 x 400, 8/2 heads of 32", 8, 2, 32, 1, 4, 400},
                                           {"causal, 1 x 1400, 28/4 heads of 128", 28, 4, 128, 1, 1, 1400},
                                           {"whole picture, 1 x 1024, 16 heads of 80", 16, 16, 80, 0, 1, 1024},
                                           {"windows, 16 x 64, 16 heads of 80", 16, 16, 80, 0, 16, 64},
                                           {"windows, 16 x 64, 4 heads of 40", 4, 4, 40, 0, 16, 64}};
    fprintf(b->out, "%d thread%s, %s time, best of %d\n\nGFLOP/s; packing in ms\n", b->threads, b->threads == 1 ? "" : "s",
            b->threads == 1 ? "processor" : "wall", b->repeats);
    fprintf(b->out, "type   rows x  out x   in | weight gradient   | input gradient    | packing: straight, transposed\n");
    fprintf(b->out, "                          |  ours  DNN        |  ours  DNN        |\n");
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) IAD_TRY(products(b, shapes[i], types[t], err));
    fprintf(b->out, "\nattention %38s | forward                   | backward\n", "");
    for (size_t i = 0; i < sizeof attentions / sizeof *attentions; i++) IAD_TRY(attend(b, &attentions[i], err));
    fprintf(b->out, "\nupdate: ");
    IAD_TRY(update(b, 1 << 24, err));
    fprintf(b->out, "rows: ");
    return rows(b, 1000, 3584, err);
}

iad_status iad_speed_gradients(FILE *out, int threads, int repeats, iad_err *err) {
    bench b = {.out = out, .repeats = repeats};
    IAD_TRY(iad_device_cpu_new(threads, IAD_CPU_AUTO, &b.device, err));
    b.ops = b.device->ops;
    b.threads = iad_cpu_threads(b.device);
    iad_status status = iad_grad_ops_of(b.device, &b.grad, err);
    if (status == IAD_OK) status = b.ops->queue_new(b.device, &b.queue, err);
    if (status == IAD_OK) status = measure(&b, err);
    b.ops->queue_free(b.queue);
    iad_device_free(b.device);
    return status;
}
