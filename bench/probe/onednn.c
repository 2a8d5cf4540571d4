#include "bench/probe/onednn.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* 2.x: descriptions of memory are values; 3.x: objects to destroy. */
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t mem_desc;
typedef const_dnnl_memory_desc_t mem_desc_view;
#else
typedef dnnl_memory_desc_t mem_desc;
typedef const dnnl_memory_desc_t *mem_desc_view;
#endif

struct iad_dnnl_product {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, w, y, scratch;
    size_t scratch_bytes;
    const char *name;
    int threads;
};

static dnnl_status_t desc_tagged(mem_desc *desc, int64_t rows, int64_t cols, dnnl_data_type_t type, dnnl_format_tag_t tag) {
    dnnl_dims_t dims = {rows, cols};
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_tag(desc, 2, dims, type, tag);
#else
    return dnnl_memory_desc_init_by_tag(desc, 2, dims, type, tag);
#endif
}

static dnnl_status_t desc_strided(mem_desc *desc, int64_t rows, int64_t cols, int64_t row, int64_t col, dnnl_data_type_t type) {
    dnnl_dims_t dims = {rows, cols}, strides = {row, col};
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_strides(desc, 2, dims, type, strides);
#else
    return dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides);
#endif
}

static mem_desc_view view(const mem_desc *desc) {
#if DNNL_VERSION_MAJOR >= 3
    return *desc;
#else
    return desc;
#endif
}

static size_t desc_bytes(mem_desc_view desc) { return dnnl_memory_desc_get_size(desc); }

static void desc_free(mem_desc *desc) {
#if DNNL_VERSION_MAJOR >= 3
    if (*desc != NULL) (void)dnnl_memory_desc_destroy(*desc);
#else
    (void)desc;
#endif
}

static dnnl_status_t matmul_desc(iad_dnnl_product *p, const mem_desc *x, const mem_desc *w, const mem_desc *y, dnnl_primitive_attr_t attr) {
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_matmul_primitive_desc_create(&p->desc, p->engine, *x, *w, NULL, *y, attr);
#else
    dnnl_matmul_desc_t op;
    dnnl_status_t status = dnnl_matmul_desc_init(&op, x, w, NULL, y);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(&p->desc, &op, attr, p->engine, NULL);
#endif
}

#define STEP(call)                                      \
    do {                                                \
        if (status == dnnl_success) status = (call);    \
    } while (0)

/* What build makes: y [rows][n_out] = x [rows][n_in] times packed panels, or dw [n_out][n_in] = dy^T x with plain rows on both sides. */
typedef struct plan {
    iad_dnnl_kind kind;
    int turned;
    int64_t rows, n_in, n_out, x_stride;
} plan;

static dnnl_status_t build(iad_dnnl_product *p, const plan *a) {
    static const struct {
        dnnl_data_type_t x, w, y;
        dnnl_format_tag_t tag;
    } kinds[] = {{dnnl_f32, dnnl_f32, dnnl_f32, dnnl_BA16a64b},
                 {dnnl_bf16, dnnl_bf16, dnnl_f32, dnnl_BA16a64b2a},
                 {dnnl_u8, dnnl_s8, dnnl_s32, dnnl_BA16a64b4a}};
    mem_desc x = {0}, w = {0}, y = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = dnnl_engine_create(&p->engine, dnnl_cpu, 0);
    STEP(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags));
    if (a->turned) {
        STEP(desc_strided(&x, a->n_out, a->rows, 1, a->n_out, kinds[a->kind].x));
        STEP(desc_strided(&w, a->rows, a->n_in, a->n_in, 1, kinds[a->kind].w));
        STEP(desc_strided(&y, a->n_out, a->n_in, a->n_in, 1, kinds[a->kind].y));
    } else {
        STEP(desc_strided(&x, a->rows, a->n_in, a->x_stride, 1, kinds[a->kind].x));
        STEP(desc_tagged(&w, a->n_in, a->n_out, kinds[a->kind].w, kinds[a->kind].tag));
        STEP(desc_strided(&y, a->rows, a->n_out, a->n_out, 1, kinds[a->kind].y));
    }
    STEP(dnnl_primitive_attr_create(&attr));
    STEP(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    STEP(matmul_desc(p, &x, &w, &y, attr));
    STEP(dnnl_primitive_create(&p->primitive, p->desc));
    STEP(dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, &p->name));
    STEP(dnnl_memory_create(&p->x, view(&x), p->engine, DNNL_MEMORY_NONE));
    STEP(dnnl_memory_create(&p->w, view(&w), p->engine, DNNL_MEMORY_NONE));
    STEP(dnnl_memory_create(&p->y, view(&y), p->engine, DNNL_MEMORY_NONE));
    if (status == dnnl_success) {
        mem_desc_view scratch = dnnl_primitive_desc_query_md(p->desc, dnnl_query_scratchpad_md, 0);
        p->scratch_bytes = desc_bytes(scratch);
        STEP(dnnl_memory_create(&p->scratch, scratch, p->engine, DNNL_MEMORY_NONE));
    }
    if (attr != NULL) (void)dnnl_primitive_attr_destroy(attr);
    desc_free(&x);
    desc_free(&w);
    desc_free(&y);
    return status;
}

static iad_status product_new(const plan *a, int threads, iad_dnnl_product **product, iad_err *err) {
    *product = NULL;
    if (a->rows < 1 || a->n_in < 1 || a->n_out < 1 || a->x_stride < a->n_in || threads < 1 || threads > 256)
        return IAD_FAIL(err, IAD_ERR_ARG, "oneDNN product: sizes %lld x %lld x %lld", (long long)a->rows, (long long)a->n_in,
                        (long long)a->n_out);
    iad_dnnl_product *p = iad_calloc(1, sizeof *p);
    if (p == NULL) return IAD_NOMEM(err, "a oneDNN product");
    p->threads = threads;
    /* The number of threads goes into the plan that oneDNN makes here. */
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    dnnl_status_t status = build(p, a);
    omp_set_num_threads(before);
    if (status != dnnl_success) {
        iad_dnnl_product_free(p);
        if (status == dnnl_out_of_memory) return IAD_NOMEM(err, "a oneDNN product");
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "oneDNN refuses a product %lld x %lld x %lld (its code %d)", (long long)a->rows,
                        (long long)a->n_in, (long long)a->n_out, (int)status);
    }
    *product = p;
    return IAD_OK;
}

iad_status iad_dnnl_product_new(iad_dnnl_kind kind, int64_t rows, int64_t n_in, int64_t n_out, int64_t x_stride, int threads,
                                iad_dnnl_product **product, iad_err *err) {
    const plan a = {.kind = kind, .rows = rows, .n_in = n_in, .n_out = n_out, .x_stride = x_stride};
    return product_new(&a, threads, product, err);
}

iad_status iad_dnnl_turned_new(iad_dnnl_kind kind, int64_t rows, int64_t n_in, int64_t n_out, int threads, iad_dnnl_product **product,
                               iad_err *err) {
    const plan a = {.kind = kind, .turned = 1, .rows = rows, .n_in = n_in, .n_out = n_out, .x_stride = n_in};
    return product_new(&a, threads, product, err);
}

void iad_dnnl_product_free(iad_dnnl_product *p) {
    if (p == NULL) return;
    if (p->x != NULL) (void)dnnl_memory_destroy(p->x);
    if (p->w != NULL) (void)dnnl_memory_destroy(p->w);
    if (p->y != NULL) (void)dnnl_memory_destroy(p->y);
    if (p->scratch != NULL) (void)dnnl_memory_destroy(p->scratch);
    if (p->primitive != NULL) (void)dnnl_primitive_destroy(p->primitive);
    if (p->desc != NULL) (void)dnnl_primitive_desc_destroy(p->desc);
    if (p->stream != NULL) (void)dnnl_stream_destroy(p->stream);
    if (p->engine != NULL) (void)dnnl_engine_destroy(p->engine);
    free(p);
}

const char *iad_dnnl_product_name(const iad_dnnl_product *product) { return product->name; }

size_t iad_dnnl_product_scratch(const iad_dnnl_product *product) { return product->scratch_bytes; }

/* oneDNN takes inputs through pointers that are not const. */
static void *plain(const void *data) {
    union {
        const void *in;
        void *out;
    } u = {data};
    return u.out;
}

iad_status iad_dnnl_product_run(iad_dnnl_product *p, const void *x, const void *panels, void *y, void *scratch, iad_err *err) {
    dnnl_status_t status = dnnl_success;
    STEP(dnnl_memory_set_data_handle(p->x, plain(x)));
    STEP(dnnl_memory_set_data_handle(p->w, plain(panels)));
    STEP(dnnl_memory_set_data_handle(p->y, y));
    STEP(dnnl_memory_set_data_handle(p->scratch, scratch));
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, p->x}, {DNNL_ARG_WEIGHTS, p->w}, {DNNL_ARG_DST, p->y}, {DNNL_ARG_SCRATCHPAD, p->scratch}};
    int before = omp_get_max_threads();
    omp_set_num_threads(p->threads);
    STEP(dnnl_primitive_execute(p->primitive, p->stream, 4, args));
    STEP(dnnl_stream_wait(p->stream));
    omp_set_num_threads(before);
    return status == dnnl_success ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "oneDNN fails with its code %d", (int)status);
}

void iad_dnnl_version(char text[16]) {
    const dnnl_version_t *v = dnnl_version();
    (void)snprintf(text, 16, "%d.%d.%d", v->major, v->minor, v->patch);
}
