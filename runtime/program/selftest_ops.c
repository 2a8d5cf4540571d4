#include "runtime/program/selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

void iad_selftest_note(iad_selftest *test, const char *name, double deviation, double allowed) {
    int ok = deviation <= allowed;
    test->n++;
    test->failed += !ok;
    fprintf(test->out, "%-34s%12.3g%12.3g%s\n", name, deviation, allowed, ok ? "" : "  FAILED");
}

enum { SLOTS = 24, ROWS = 37, HEAD = 16, HEADS = 6, KV_HEADS = 2, WIDE = HEADS * HEAD, NARROW = KV_HEADS * HEAD, TAPS = 3 };

/* One device with the matrices of a check. Slots are released together. */
typedef struct side {
    iad_device *device;
    iad_queue *queue;
    void *slot[SLOTS];
    int n;
    iad_weight *weight;
} side;

static void clear(side *s) {
    for (int i = 0; i < s->n; i++) s->device->ops->release(s->device, s->slot[i]);
    if (s->weight) s->device->ops->weight_free(s->device, s->weight);
    s->weight = NULL;
    s->n = 0;
}

/* A matrix with the given values (NULL: zeros). */
static iad_status put(side *s, const float *values, int64_t rows, int64_t cols, iad_dtype dtype, iad_mat *m, iad_err *err) {
    size_t n = (size_t)rows * (size_t)cols, bytes = n * iad_dtype_size(dtype);
    *m = (iad_mat){.rows = rows, .cols = cols, .stride = cols, .dtype = dtype};
    if (s->n == SLOTS) return IAD_FAIL(err, IAD_ERR_INTERNAL, "selftest: too many matrices");
    IAD_TRY(s->device->ops->alloc(s->device, bytes, &m->data, err));
    s->slot[s->n++] = m->data;
    if (!values) return s->device->ops->zero(s->queue, m->data, bytes, err);
    void *host = iad_alloc(n, iad_dtype_size(dtype));
    if (!host) return IAD_NOMEM(err, "a matrix");
    iad_status status = iad_dtype_from_f32(dtype, values, n, host, err);
    if (status == IAD_OK) status = s->device->ops->upload(s->queue, m->data, host, bytes, err);
    free(host);
    return status;
}

static iad_status get(side *s, iad_mat m, float *values, iad_err *err) {
    size_t n = (size_t)m.rows * (size_t)m.cols, bytes = n * iad_dtype_size(m.dtype);
    void *host = iad_alloc(n, iad_dtype_size(m.dtype));
    if (!host) return IAD_NOMEM(err, "a matrix");
    iad_status status = s->device->ops->download(s->queue, host, m.data, bytes, err);
    if (status == IAD_OK) status = iad_dtype_to_f32(m.dtype, host, n, values, err);
    free(host);
    return status;
}

/* Values of a stream that belongs to `name`: between -1 and 1, a few far out. */
static float *draw(const char *name, size_t n, iad_err *err) {
    float *v = iad_alloc(n, sizeof *v);
    iad_rng rng;
    iad_rng_init(&rng, iad_rng_subseed(1, name, 0), 0);
    if (!v) IAD_NOMEM(err, "random values");
    for (size_t i = 0; v && i < n; i++) v[i] = (float)iad_rng_range(&rng, -1, 1) * (i % 31 == 7 ? 4.0f : 1.0f);
    return v;
}

/* A random matrix; the same on both sides for the same name. */
static iad_status random_mat(side *s, const char *name, int64_t rows, int64_t cols, iad_dtype dtype, iad_mat *m, iad_err *err) {
    float *v = draw(name, (size_t)rows * (size_t)cols, err);
    if (!v) return IAD_ERR_NOMEM;
    iad_status status = put(s, v, rows, cols, dtype, m, err);
    free(v);
    return status;
}

typedef struct check {
    const char *name;
    double allowed;
    int variant;
    /* Computes into *out, a dense matrix. */
    iad_status (*run)(side *s, int variant, iad_mat *out, iad_err *err);
} check;

/* ---- the operations ---- */

static const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};

/* variant = storage + 3 * (0: many rows, 1: one row, 2: added to the output) */
static iad_status run_linear(side *s, int variant, iad_mat *out, iad_err *err) {
    enum { IN = 76, OUT_A = 40, OUT_B = 61 };
    iad_dtype storage = storages[variant % 3];
    int rows = variant / 3 == 1 ? 1 : ROWS;
    float *a = draw("linear.a", (size_t)OUT_A * IN, err), *b = draw("linear.b", (size_t)OUT_B * IN, err), *bias = draw("linear.bias", OUT_A, err);
    iad_mat x;
    iad_status status = a && b && bias ? IAD_OK : IAD_ERR_NOMEM;
    if (status == IAD_OK) {
        const iad_weight_spec spec = {.name = "selftest", .n_parts = 2, .n_in = IN, .storage = storage,
                                      .parts = {{.data = a, .dtype = IAD_F32, .n_out = OUT_A, .bias = bias},
                                                {.data = b, .dtype = IAD_F32, .n_out = OUT_B}}};
        status = s->device->ops->weight_new(s->device, &spec, &s->weight, err);
    }
    if (status == IAD_OK) status = random_mat(s, "linear.x", rows, IN, storage == IAD_F32 ? IAD_F32 : IAD_BF16, &x, err);
    if (status == IAD_OK) status = random_mat(s, "linear.y", rows, OUT_A + OUT_B, IAD_F32, out, err);
    if (status == IAD_OK) status = s->device->ops->linear(s->queue, x, s->weight, variant / 3 == 2 ? IAD_STORE_ADD : IAD_STORE_SET, *out, err);
    free(a);
    free(b);
    free(bias);
    return status;
}

static iad_status run_rmsnorm(side *s, int variant, iad_mat *out, iad_err *err) {
    iad_mat x, w;
    IAD_TRY(random_mat(s, "norm.x", ROWS, 96, IAD_F32, &x, err));
    IAD_TRY(random_mat(s, "norm.w", 1, 96, IAD_F32, &w, err));
    IAD_TRY(put(s, NULL, ROWS, 96, variant ? IAD_BF16 : IAD_F32, out, err));
    return s->device->ops->rmsnorm(s->queue, x, w.data, 1e-6f, *out, err);
}

static iad_status run_rope(side *s, int variant, iad_mat *out, iad_err *err) {
    (void)variant;
    iad_mat c, d;
    IAD_TRY(random_mat(s, "rope.c", ROWS, HEAD / 2, IAD_F32, &c, err));
    IAD_TRY(random_mat(s, "rope.s", ROWS, HEAD / 2, IAD_F32, &d, err));
    IAD_TRY(random_mat(s, "rope.x", ROWS, WIDE, IAD_F32, out, err));
    return s->device->ops->rope(s->queue, *out, HEADS, HEAD, c.data, d.data, err);
}

static iad_status run_silu(side *s, int variant, iad_mat *out, iad_err *err) {
    iad_mat x;
    IAD_TRY(random_mat(s, "silu.x", ROWS, 2 * 44, IAD_F32, &x, err));
    IAD_TRY(put(s, NULL, ROWS, 44, variant ? IAD_BF16 : IAD_F32, out, err));
    return s->device->ops->silu_mul(s->queue, x, *out, err);
}

static iad_status run_gelu(side *s, int variant, iad_mat *out, iad_err *err) {
    iad_mat x;
    IAD_TRY(random_mat(s, "gelu.x", ROWS, 44, IAD_F32, &x, err));
    IAD_TRY(put(s, NULL, ROWS, 44, variant ? IAD_BF16 : IAD_F32, out, err));
    return s->device->ops->gelu(s->queue, x, *out, err);
}

static iad_status run_copy(side *s, int variant, iad_mat *out, iad_err *err) {
    iad_mat x;
    IAD_TRY(random_mat(s, "copy.x", ROWS, 44, variant ? IAD_BF16 : IAD_F32, &x, err));
    IAD_TRY(put(s, NULL, ROWS, 44, variant ? IAD_F32 : IAD_BF16, out, err));
    return s->device->ops->copy(s->queue, x, *out, err);
}

static iad_status run_gather(side *s, int variant, iad_mat *out, iad_err *err) {
    static const int32_t index[5] = {36, 0, 7, 7, 20};
    iad_mat table;
    IAD_TRY(random_mat(s, "gather.x", ROWS, 44, variant == 0 ? IAD_F32 : variant == 1 ? IAD_BF16 : IAD_F16, &table, err));
    IAD_TRY(put(s, NULL, 5, 44, IAD_F32, out, err));
    return s->device->ops->gather(s->queue, table, index, *out, err);
}

/* variant 0: causal over a prefix and a tail; 1: windows, no mask; 2: the same as 0 with keys in bf16 */
static iad_status attention(side *s, int variant, iad_attend_seq seqs[2], iad_attend *job, iad_mat *out, iad_err *err) {
    enum { PREFIX = 19 };
    iad_dtype kv = variant == 2 ? IAD_BF16 : IAD_F32;
    iad_mat k[2], v[2], q;
    IAD_TRY(random_mat(s, "attend.q", ROWS, WIDE, IAD_F32, &q, err));
    IAD_TRY(random_mat(s, "attend.k0", PREFIX, NARROW, kv, &k[0], err));
    IAD_TRY(random_mat(s, "attend.v0", PREFIX, NARROW, kv, &v[0], err));
    IAD_TRY(random_mat(s, "attend.k1", ROWS, NARROW, kv, &k[1], err));
    IAD_TRY(random_mat(s, "attend.v1", ROWS, NARROW, kv, &v[1], err));
    IAD_TRY(put(s, NULL, ROWS, WIDE, IAD_F32, out, err));
    *job = (iad_attend){.n_head = HEADS, .n_kv_head = KV_HEADS, .d_head = HEAD, .scale = 0.25f, .q = q, .out = *out, .seqs = seqs,
                        .n_seq = variant == 1 ? 2 : 1};
    if (variant == 1) {
        seqs[0] = (iad_attend_seq){.row = 0, .n_row = 16, .spans = {{iad_mat_rows(k[1], 0, 16), iad_mat_rows(v[1], 0, 16)}}};
        seqs[1] = (iad_attend_seq){.row = 16, .n_row = ROWS - 16, .spans = {{iad_mat_rows(k[1], 16, ROWS - 16), iad_mat_rows(v[1], 16, ROWS - 16)}}};
        for (int i = 0; i < 2; i++) seqs[i].spans[1] = (iad_kv_span){iad_mat_rows(k[1], 0, 0), iad_mat_rows(v[1], 0, 0)};
    } else {
        seqs[0] = (iad_attend_seq){.row = 0, .n_row = ROWS, .causal = 1, .spans = {{k[0], v[0]}, {k[1], v[1]}}};
    }
    return IAD_OK;
}

static iad_status run_attend(side *s, int variant, iad_mat *out, iad_err *err) {
    iad_attend_seq seqs[2];
    iad_attend job;
    IAD_TRY(attention(s, variant, seqs, &job, out, err));
    return s->device->ops->attend(s->queue, &job, err);
}

static iad_status run_probe(side *s, int variant, iad_mat *out, iad_err *err) {
    static const int64_t row[3] = {30, 35, 36};
    static const int row_class[3] = {0, 1, 0};
    static const float weight[3] = {0.5f, 1.0f, 0.25f};
    iad_attend_seq seqs[2];
    iad_attend job;
    iad_mat unused;
    IAD_TRY(attention(s, variant, seqs, &job, &unused, err));
    IAD_TRY(put(s, NULL, 2, 21, IAD_F32, out, err));
    const iad_probe probe = {.n_row = 3, .row = row, .row_class = row_class, .weight = weight, .n_class = 2, .col = 9, .n_col = 21, .out = *out};
    return s->device->ops->probe(s->queue, &job, 0, &probe, err);
}

/* variant 0: a gate per row; 1: one gate; 2: scale 0 */
static iad_status run_fuse(side *s, int variant, iad_mat *out, iad_err *err) {
    enum { N = 32 };
    static const char *const names[TAPS] = {"fuse.0", "fuse.1", "fuse.2"};
    const float factor = variant == 2 ? 0.0f : 0.7f;
    iad_mat norm, gate_w, gate_b, scale;
    iad_fuse job = {.n_tap = TAPS, .eps = 1e-6f};
    for (int i = 0; i < TAPS; i++) IAD_TRY(random_mat(s, names[i], ROWS, N, IAD_F32, &job.taps[i], err));
    IAD_TRY(random_mat(s, "fuse.norm", TAPS, N, IAD_F32, &norm, err));
    IAD_TRY(random_mat(s, "fuse.w", TAPS, TAPS * N, IAD_F32, &gate_w, err));
    IAD_TRY(random_mat(s, "fuse.b", 1, TAPS, IAD_F32, &gate_b, err));
    IAD_TRY(put(s, &factor, 1, 1, IAD_F32, &scale, err));
    IAD_TRY(put(s, NULL, ROWS, N, IAD_F32, out, err));
    job.norm = norm.data;
    job.gate_w = variant == 1 ? NULL : gate_w.data;
    job.gate_b = gate_b.data;
    job.scale = scale.data;
    job.out = *out;
    return s->device->ops->fuse(s->queue, &job, err);
}

static iad_status run_match(side *s, int variant, iad_mat *out, iad_err *err) {
    iad_mat x, ref;
    IAD_TRY(random_mat(s, "match.x", ROWS, 96, IAD_F32, &x, err));
    IAD_TRY(random_mat(s, "match.ref", variant ? ROWS : 20, 96, IAD_F32, &ref, err));
    IAD_TRY(put(s, NULL, 1, ROWS, IAD_F32, out, err));
    return s->device->ops->best_match(s->queue, x, ref, variant, out->data, err);
}

/* Inputs that are bf16 are exact on both sides; only sums differ. Outputs in bf16 may differ by one rounding. In int8 a rounding of
 * an input may fall the other way. */
static const check checks[] = {
    {"linear f32", 1e-5, 0, run_linear}, {"linear bf16", 1e-5, 1, run_linear}, {"linear int8", 5e-3, 2, run_linear},
    {"linear f32, one row", 1e-5, 3, run_linear}, {"linear bf16, one row", 1e-5, 4, run_linear}, {"linear int8, one row", 5e-3, 5, run_linear},
    {"linear f32, added", 1e-5, 6, run_linear}, {"linear bf16, added", 1e-5, 7, run_linear}, {"linear int8, added", 5e-3, 8, run_linear},
    {"rmsnorm f32", 1e-5, 0, run_rmsnorm}, {"rmsnorm bf16", 8e-3, 1, run_rmsnorm}, {"rope", 1e-5, 0, run_rope},
    {"silu_mul f32", 1e-5, 0, run_silu}, {"silu_mul bf16", 8e-3, 1, run_silu}, {"gelu f32", 1e-5, 0, run_gelu}, {"gelu bf16", 8e-3, 1, run_gelu},
    {"copy f32 to bf16", 0, 0, run_copy}, {"copy bf16 to f32", 0, 1, run_copy}, {"gather f32", 0, 0, run_gather}, {"gather bf16", 0, 1, run_gather},
    {"gather f16", 0, 2, run_gather}, {"attend causal, prefix and tail", 1e-5, 0, run_attend}, {"attend windows", 1e-5, 1, run_attend},
    {"attend bf16 keys", 1e-2, 2, run_attend}, {"probe", 1e-5, 0, run_probe}, {"fuse, gate per token", 1e-5, 0, run_fuse},
    {"fuse, one gate", 1e-5, 1, run_fuse}, {"fuse at its start", 0, 2, run_fuse}, {"best match", 1e-5, 0, run_match},
    {"match of the same place", 1e-5, 1, run_match}};

static double deviation(const float *a, const float *b, size_t n) {
    double most = 0, size = 1e-30;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= most)) most = d; /* keeps a NaN */
        if (fabs((double)b[i]) > size) size = fabs((double)b[i]);
    }
    return most / size;
}

static iad_status compare(iad_selftest *test, const check *c, side *a, side *b, iad_err *err) {
    iad_mat x, y;
    IAD_TRY(c->run(a, c->variant, &x, err));
    IAD_TRY(c->run(b, c->variant, &y, err));
    size_t n = (size_t)x.rows * (size_t)x.cols;
    float *u = iad_alloc(n, sizeof *u), *v = iad_alloc(n, sizeof *v);
    iad_status status = u && v ? IAD_OK : IAD_NOMEM(err, "a result");
    if (status == IAD_OK) status = get(a, x, u, err);
    if (status == IAD_OK) status = get(b, y, v, err);
    if (status == IAD_OK) iad_selftest_note(test, c->name, deviation(u, v, n), c->allowed);
    free(u);
    free(v);
    return status;
}

iad_status iad_selftest_ops(iad_selftest *test, iad_device *device, iad_device *reference, iad_err *err) {
    side a = {.device = device}, b = {.device = reference};
    IAD_TRY(device->ops->queue_new(device, &a.queue, err));
    iad_status status = reference->ops->queue_new(reference, &b.queue, err);
    for (size_t i = 0; i < sizeof checks / sizeof *checks && status == IAD_OK; i++) {
        status = compare(test, &checks[i], &a, &b, err);
        if (status != IAD_OK) iad_err_prefix(err, "%s", checks[i].name);
        clear(&a);
        clear(&b);
    }
    if (b.queue) reference->ops->queue_free(b.queue);
    device->ops->queue_free(a.queue);
    return status;
}
