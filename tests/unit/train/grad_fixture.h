/* The reference device (with the plain table), every instruction set with 1, 2 and 3 threads, and the simulated card where the test is linked
 * with one; matrices as doubles. */
#ifndef IAD_TEST_GRAD_FIXTURE_H
#define IAD_TEST_GRAD_FIXTURE_H

#include "tests/unit/ops/ops_fixture.h"
#include "train/grad.h"

typedef struct grad_device {
    char name[32];
    iad_device *device;
    iad_queue *queue;
    const iad_grad_ops *ops;
    int first; /* index of the device of the same kind with one thread */
} grad_device;

enum { GRAD_DEVICES = 1 + 4 * 3 + 1 };

typedef struct grad_fixture {
    grad_device d[GRAD_DEVICES];
    int n;
} grad_fixture;

static void grad_add(grad_fixture *f, const char *name, int threads, iad_device *device) {
    iad_err err = IAD_ERR_NONE;
    grad_device *d = &f->d[f->n];
    d->device = device;
    d->first = threads <= 1 ? f->n : f->n - threads + 1;
    snprintf(d->name, sizeof d->name, "%s x%d", name, threads);
    assert_ok(device->ops->queue_new(device, &d->queue, &err));
    assert_ok(iad_grad_ops_of(device, &d->ops, &err));
    f->n++;
}

static UNUSED void grad_open(grad_fixture *f) {
    static const struct {
        const char *name;
        iad_cpu_isa isa;
    } kinds[] = {{"plain", IAD_CPU_PLAIN}, {"avx2", IAD_CPU_AVX2}, {"avx512", IAD_CPU_AVX512}, {"amx", IAD_CPU_AMX}};
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    f->n = 0;
    assert_ok(iad_device_reference_new(&device, &err));
    grad_add(f, "reference", 1, device);
    assert_string_equal(f->d[0].ops->name, "plain");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int threads = 1; threads <= 3; threads++) {
            iad_status status = iad_device_cpu_new(threads, kinds[k].isa, &device, &err);
            if (status == IAD_ERR_UNSUPPORTED) continue;
            assert_int_equal(status, IAD_OK);
            grad_add(f, kinds[k].name, threads, device);
            assert_string_equal(f->d[f->n - 1].ops->name, "cpu");
        }
#if defined(IAD_CUDASIM) && IAD_CUDASIM /* the simulated card, whose memory is ordinary memory */
    assert_ok(iad_device_cuda_new(0, &device, &err));
    grad_add(f, "cuda", 1, device);
    assert_string_equal(f->d[f->n - 1].ops->name, "cuda");
#endif
}

/* What came of one call and of several that cut its rows: the same bytes on processors. cuBLASLt promises no order of rows. */
static UNUSED void check_cut(const grad_device *d, iad_mat parts, iad_mat whole, const char *what) {
    if (strcmp(d->ops->name, "cuda") != 0) mat_check_equal(parts, whole, what);
    else mat_check_close(parts, whole, 1e-4, 1e-4, what);
}

static UNUSED void grad_close(grad_fixture *f) {
    for (int i = 0; i < f->n; i++) {
        iad_device_memory memory;
        f->d[i].device->ops->queue_free(f->d[i].queue);
        iad_device_memory_get(f->d[i].device, &memory);
        assert_int_equal(memory.now, 0);
        iad_device_free(f->d[i].device);
    }
}

/* Dense copy as doubles. */
static UNUSED double *mat_wide(iad_mat m) {
    double *to = test_malloc((size_t)(m.rows * m.cols + 1) * sizeof *to);
    for (int64_t r = 0; r < m.rows; r++)
        for (int64_t c = 0; c < m.cols; c++) to[r * m.cols + c] = (double)mat_get(m, r, c);
    return to;
}

static UNUSED iad_mat mat_some(iad_rng *rng, int64_t rows, int64_t cols, int64_t gap, float size) {
    iad_mat m = mat_new(rows, cols, cols + gap, IAD_F32);
    mat_random(m, rng, size);
    return m;
}

/* A plain array as a matrix of one row. */
static UNUSED iad_mat mat_array(iad_rng *rng, int64_t n, float size) { return mat_some(rng, 1, n, 0, size); }

/* |m - want| <= tolerance of the largest |want| or of `size`, that of the terms where they cancel; and nothing outside was written. */
static UNUSED void check_wide(iad_mat m, const double *want, double size, double tolerance, const char *device, const char *what) {
    double most = size;
    for (int64_t i = 0; i < m.rows * m.cols; i++) most = fmax(most, fabs(want[i]));
    for (int64_t r = 0; r < m.rows; r++)
        for (int64_t c = 0; c < m.cols; c++) {
            double a = (double)mat_get(m, r, c), b = want[r * m.cols + c];
            if (!(fabs(a - b) <= tolerance * most))
                fail_msg("%s, %s [%lld][%lld]: (%lld, %lld) is %.9g, expected %.9g", device, what, (long long)m.rows, (long long)m.cols,
                         (long long)r, (long long)c, a, b);
        }
    mat_check_canary(m);
}

#endif
