/* The Poisson equation: against Gaussian elimination, against itself (sines and multigrid), and its bytes. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "synth/defect/blend.h"
#include "synth/defect/poisson_solvers.h"
#include "synth/defect/sinefft.h"

#define PI 3.141592653589793

typedef struct problem {
    int w, h;
    uint8_t *inside;
    float *div, *value;
} problem;

/* shape 0 full rectangle, 1 disc, 2 ring, 3 random pixels missing, 4 columns apart, 5 single pixels, 6 thin lines, 7 touches
 * the border of the inside. */
static int in_shape(int shape, int w, int h, int x, int y, iad_rng *rng) {
    double u = (2.0 * x - w + 1) / (w - 2), v = (2.0 * y - h + 1) / (h - 2), d = u * u + v * v;
    switch (shape) {
    case 1: return d < 1;
    case 2: return d < 1 && d > 0.5;
    case 3: return iad_rng_below(rng, 10) != 0;
    case 4: return x % 7 != 3;
    case 5: return x % 3 == 1 && y % 4 == 2;
    case 6: return x == w / 2 || y == h / 3 || x + y == w - 2;
    case 7: return x + y < (w + h) / 2;
    default: return 1;
    }
}

static problem make(int w, int h, int shape, uint64_t seed) {
    size_t n = (size_t)w * (size_t)h;
    problem p = {w, h, iad_calloc(n, 1), iad_calloc(n, sizeof(float)), iad_calloc(n, sizeof(float))};
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            p.inside[i] = x > 0 && y > 0 && x < w - 1 && y < h - 1 && in_shape(shape, w, h, x, y, &rng);
            p.value[i] = (float)iad_rng_int(&rng, 0, 255);
            p.div[i] = (float)iad_rng_int(&rng, -40, 40);
        }
    }
    return p;
}

static void drop(problem *p) {
    free(p->inside);
    free(p->div);
    free(p->value);
}

static float *copy_value(const problem *p) {
    size_t n = (size_t)p->w * (size_t)p->h;
    float *out = iad_alloc(n, sizeof(float));
    memcpy(out, p->value, n * sizeof(float));
    return out;
}

static double largest_difference(const float *a, const float *b, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

/* Gaussian elimination with partial pivots on the dense matrix, in double. */
static void dense(const problem *p, const float *div, float *out) {
    int w = p->w, h = p->h, n = 0;
    int *number = iad_alloc((size_t)(w * h), sizeof(int));
    for (int i = 0; i < w * h; i++) number[i] = p->inside[i] ? n++ : -1;
    double *a = iad_calloc((size_t)n * (size_t)(n + 1), sizeof(double));
    for (int i = 0; i < w * h; i++) {
        if (!p->inside[i]) continue;
        double *row = a + (size_t)number[i] * (size_t)(n + 1);
        row[number[i]] = 4;
        row[n] = div != NULL ? (double)div[i] : 0.0;
        const int next[4] = {i - 1, i + 1, i - w, i + w};
        for (int k = 0; k < 4; k++) {
            if (p->inside[next[k]]) row[number[next[k]]] = -1;
            else row[n] += (double)p->value[next[k]];
        }
    }
    for (int c = 0; c < n; c++) {
        int best = c;
        for (int r = c + 1; r < n; r++)
            if (fabs(a[(size_t)r * (size_t)(n + 1) + (size_t)c]) > fabs(a[(size_t)best * (size_t)(n + 1) + (size_t)c])) best = r;
        double *top = a + (size_t)c * (size_t)(n + 1), *other = a + (size_t)best * (size_t)(n + 1);
        for (int k = 0; k <= n && best != c; k++) {
            double t = top[k];
            top[k] = other[k];
            other[k] = t;
        }
        for (int r = c + 1; r < n; r++) {
            double *row = a + (size_t)r * (size_t)(n + 1), factor = row[c] / top[c];
            if (factor > 0 || factor < 0)
                for (int k = c; k <= n; k++) row[k] -= factor * top[k];
        }
    }
    for (int c = n - 1; c >= 0; c--) {
        double *row = a + (size_t)c * (size_t)(n + 1);
        for (int k = c + 1; k < n; k++) row[n] -= row[k] * a[(size_t)k * (size_t)(n + 1) + (size_t)n];
        row[n] /= row[c];
    }
    for (int i = 0; i < w * h; i++) out[i] = p->inside[i] ? (float)a[(size_t)number[i] * (size_t)(n + 1) + (size_t)n] : p->value[i];
    free(a);
    free(number);
}

static void sines_are_sines(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    /* 4, 2, 3, 5, odd primes as butterflies, and the convolution (102 = 103 - 1 and others with a large prime). */
    const int lengths[] = {1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 14, 15, 23, 24, 30, 48, 60, 63, 96, 100, 102, 126, 127, 210, 253, 255, 256, 401};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int n = lengths[i];
        iad_sine_plan plan;
        assert_ok(iad_sine_plan_init(&plan, n, &err));
        size_t all = (size_t)n * IAD_SINE_BLOCK;
        float *a = iad_alloc_aligned(all, sizeof(float)), *b = iad_alloc_aligned(all, sizeof(float)), *c = iad_alloc_aligned(all, sizeof(float));
        iad_rng rng;
        iad_rng_init(&rng, 7, (uint64_t)n);
        for (size_t k = 0; k < all; k++) a[k] = b[k] = c[k] = (float)iad_rng_int(&rng, -100, 100);
        iad_sine_block(&plan, b, IAD_SINE_BLOCK, 0.5f, 1);
        iad_sine_block(&plan, c, IAD_SINE_BLOCK, 0.5f, 0);
        assert_memory_equal(b, c, all * sizeof(float));
        for (int lane = 0; lane < IAD_SINE_BLOCK; lane += 13) {
            for (int k = 0; k < n; k++) {
                double sum = 0;
                for (int j = 0; j < n; j++) sum += (double)a[(size_t)j * IAD_SINE_BLOCK + (size_t)lane] * sin(PI * (j + 1) * (k + 1) / (n + 1));
                assert_close((double)b[(size_t)k * IAD_SINE_BLOCK + (size_t)lane], 0.5 * sum, 2e-4 * sqrt(n) + 1e-6 * n * 10);
            }
        }
        free(a);
        free(b);
        free(c);
        iad_sine_plan_deinit(&plan);
    }
    iad_sine_plan plan;
    assert_fails(IAD_ERR_ARG, iad_sine_plan_init(&plan, 0, &err));
    assert_fails(IAD_ERR_ARG, iad_sine_plan_init(&plan, IAD_SINE_MAX + 1, &err));
}

static void matches_elimination(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const int sizes[][2] = {{3, 3}, {3, 9}, {9, 3}, {4, 5}, {8, 8}, {13, 10}, {17, 17}, {20, 22}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int shape = 0; shape < 8; shape++) {
            int w = sizes[s][0], h = sizes[s][1];
            size_t n = (size_t)(w * h);
            problem p = make(w, h, shape, 100 + s);
            float *want = copy_value(&p), *got = copy_value(&p), *grid = copy_value(&p), *flat = copy_value(&p), *flat_want = copy_value(&p);
            dense(&p, p.div, want);
            dense(&p, NULL, flat_want);
            assert_ok(iad_poisson_solve(w, h, p.inside, p.div, got, &err));
            assert_true(largest_difference(want, got, n) < 0.05);
            assert_ok(iad_poisson_grid(1, w, h, p.inside, p.div, grid, 0.01f, 1, NULL, &err));
            assert_true(largest_difference(want, grid, n) < 0.05);
            assert_ok(iad_poisson_planes(1, w, h, p.inside, NULL, flat, &err));
            assert_true(largest_difference(flat_want, flat, n) < 0.05);
            if (shape == 0) { /* exact up to rounding */
                assert_true(largest_difference(want, got, n) < 0.001);
                assert_true(largest_difference(flat_want, flat, n) < 0.001);
            }
            free(want);
            free(got);
            free(grid);
            free(flat);
            free(flat_want);
            drop(&p);
        }
    }
}

static void sines_and_multigrid_agree(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const int sizes[][2] = {{40, 31}, {64, 64}, {100, 100}, {103, 99}, {160, 24}, {24, 160}, {255, 128}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int w = sizes[s][0], h = sizes[s][1];
        size_t n = (size_t)(w * h);
        problem p = make(w, h, 0, 5 + s);
        float *a = copy_value(&p), *b = copy_value(&p);
        int cycles;
        assert_ok(iad_poisson_rect(1, w, h, p.div, a, 1, &err));
        assert_ok(iad_poisson_grid(1, w, h, p.inside, p.div, b, 0.01f, 1, &cycles, &err));
        assert_true(largest_difference(a, b, n) < 0.05);
        assert_true(cycles < 20);
        memcpy(a, p.value, n * sizeof(float));
        memcpy(b, p.value, n * sizeof(float));
        assert_ok(iad_poisson_rect(1, w, h, NULL, a, 1, &err));
        memset(p.div, 0, n * sizeof(float));
        assert_ok(iad_poisson_rect(1, w, h, p.div, b, 1, &err)); /* the short way for zero against the general one */
        assert_true(largest_difference(a, b, n) < 0.002);
        free(a);
        free(b);
        drop(&p);
    }
}

/* |4 f - sum of neighbours - div| where it is asked for, nothing changed elsewhere. */
static void residual_is_small(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int shape = 0; shape < 8; shape++) {
        problem p = make(121, 90, shape, 50 + (uint64_t)shape);
        float *f = copy_value(&p);
        assert_ok(iad_poisson_solve(p.w, p.h, p.inside, p.div, f, &err));
        for (int i = 0; i < p.w * p.h; i++) {
            if (!p.inside[i]) {
                assert_true(memcmp(&f[i], &p.value[i], sizeof(float)) == 0);
                continue;
            }
            double sum = 4 * (double)f[i] - (double)f[i - 1] - (double)f[i + 1] - (double)f[i - p.w] - (double)f[i + p.w];
            assert_close(sum, (double)p.div[i], shape == 0 ? 0.01 : 0.05);
        }
        free(f);
        drop(&p);
    }
}

static void ramp_is_exact(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int shape = 0; shape < 3; shape++) {
        problem p = make(90, 70, shape, 3);
        memset(p.div, 0, (size_t)(p.w * p.h) * sizeof(float));
        for (int y = 0; y < p.h; y++)
            for (int x = 0; x < p.w; x++)
                p.value[y * p.w + x] = p.inside[y * p.w + x] ? -1000.0f : (float)(10 + 1.5 * x + 0.75 * y);
        assert_ok(iad_poisson_solve(p.w, p.h, p.inside, p.div, p.value, &err));
        for (int y = 0; y < p.h; y++)
            for (int x = 0; x < p.w; x++) assert_close((double)p.value[y * p.w + x], 10 + 1.5 * x + 0.75 * y, shape == 0 ? 0.001 : 0.05);
        drop(&p);
    }
}

static void planes_are_independent(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int shape = 0; shape < 2; shape++) {
        problem one[3];
        size_t n = 37 * 52;
        float *value = iad_alloc(3 * n, sizeof(float)), *div = iad_alloc(3 * n, sizeof(float));
        for (int c = 0; c < 3; c++) {
            one[c] = make(37, 52, shape, 80 + (uint64_t)c);
            memcpy(value + (size_t)c * n, one[c].value, n * sizeof(float));
            memcpy(div + (size_t)c * n, one[c].div, n * sizeof(float));
        }
        assert_ok(iad_poisson_planes(3, 37, 52, one[0].inside, div, value, &err));
        for (int c = 0; c < 3; c++) {
            assert_ok(iad_poisson_solve(37, 52, one[0].inside, one[c].div, one[c].value, &err));
            assert_memory_equal(one[c].value, value + (size_t)c * n, n * sizeof(float));
        }
        for (int c = 0; c < 3; c++) drop(&one[c]);
        free(value);
        free(div);
    }
}

static void refuses(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    float value[25] = {0}, div[25] = {0};
    uint8_t inside[25] = {0};
    assert_ok(iad_poisson_solve(5, 5, inside, div, value, &err)); /* nothing to do */
    inside[2] = 1;
    assert_fails(IAD_ERR_ARG, iad_poisson_solve(5, 5, inside, div, value, &err));
    inside[2] = 0, inside[14] = 1;
    assert_fails(IAD_ERR_ARG, iad_poisson_solve(5, 5, inside, div, value, &err));
    assert_fails(IAD_ERR_ARG, iad_poisson_solve(0, 5, inside, div, value, &err));
    assert_fails(IAD_ERR_ARG, iad_poisson_rect(1, 2, 5, div, value, 1, &err));
}

/* The bytes must be these with every compiler and every register width. */
static void bytes_are_the_same_everywhere(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const char *want[2] = {"897864c43d7f41c7902b6d34c47bf8bf65f2267d46f8f30dd7bf3093a204b955",
                           "c1f7c04372d96a84808f79e67268ed7f289d55e8dfad87176e8cc4eaed6a426b"};
    for (int wide = 0; wide < 2; wide++) {
        for (int grid = 0; grid < 2; grid++) {
            iad_sha256 hash;
            assert_ok(iad_sha256_init(&hash, &err));
            const int sizes[][2] = {{100, 100}, {61, 103}, {129, 40}, {255, 66}};
            for (int s = 0; s < 4; s++) {
                int w = sizes[s][0], h = sizes[s][1];
                problem p = make(w, h, grid ? 1 + s : 0, 900 + (uint64_t)s);
                float *flat = copy_value(&p);
                size_t bytes = (size_t)(w * h) * sizeof(float);
                if (grid) {
                    assert_ok(iad_poisson_grid(1, w, h, p.inside, p.div, p.value, 0.01f, wide, NULL, &err));
                    assert_ok(iad_poisson_grid(1, w, h, p.inside, NULL, flat, 0.01f, wide, NULL, &err));
                } else {
                    assert_ok(iad_poisson_rect(1, w, h, p.div, p.value, wide, &err));
                    assert_ok(iad_poisson_rect(1, w, h, NULL, flat, wide, &err));
                }
                assert_ok(iad_sha256_add(&hash, p.value, bytes, &err));
                assert_ok(iad_sha256_add(&hash, flat, bytes, &err));
                free(flat);
                drop(&p);
            }
            uint8_t digest[IAD_SHA256_BYTES];
            char text[IAD_SHA256_HEX];
            assert_ok(iad_sha256_final(&hash, digest, &err));
            iad_hex(digest, sizeof digest, text);
            assert_string_equal(text, want[grid]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sines_are_sines),       cmocka_unit_test(matches_elimination),    cmocka_unit_test(sines_and_multigrid_agree),
        cmocka_unit_test(residual_is_small),     cmocka_unit_test(ramp_is_exact),          cmocka_unit_test(planes_are_independent),
        cmocka_unit_test(refuses),               cmocka_unit_test(bytes_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
