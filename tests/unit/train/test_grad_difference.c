/* Every backward operation in double against central differences of the forward formula. L = sum of y times fixed random numbers; a
 * random direction u gives dL/dx . u = (L(x + h u) - L(x - h u)) / 2h, with h = 1e-5 of the scale of x. */
#include "tests/unit/iad_test.h"

#include "base/rng.h"
#include "tests/unit/train/grad_forward.h"
#include "train/cpu/grad_plain64.h"

enum { MAX = 4096, DIRECTIONS = 6 };

/* A loss over up to five blocks of inputs, each with its gradient as computed. */
typedef struct problem {
    double (*loss)(const struct problem *);
    int n_block;
    double *x[5], *gradient[5];
    int64_t n[5];
    const void *more; /* what the loss needs besides */
    const double *c;  /* weights of the outputs */
} problem;

static double *random_block(iad_rng *rng, int64_t n, double size) {
    double *x = test_calloc((size_t)n, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = iad_rng_range(rng, -size, size);
    return x;
}

static void block(problem *p, double *x, double *gradient, int64_t n) {
    p->x[p->n_block] = x;
    p->gradient[p->n_block] = gradient;
    p->n[p->n_block++] = n;
}

/* Directions through one block at a time, and single elements (the first, the last and some between). */
static void check(problem *p, iad_rng *rng, const char *what) {
    for (int b = 0; b < p->n_block; b++)
        for (int k = 0; k < DIRECTIONS + 4; k++) {
            double u[MAX], keep[MAX], along = 0, size = 0, h = 1e-5;
            int64_t n = p->n[b];
            assert_true(n > 0 && n <= MAX);
            int64_t only = k == DIRECTIONS ? 0 : k == DIRECTIONS + 1 ? n - 1 : (int64_t)iad_rng_below(rng, (uint32_t)n);
            for (int64_t i = 0; i < n; i++) {
                u[i] = k < DIRECTIONS ? iad_rng_range(rng, -1, 1) : i == only;
                keep[i] = p->x[b][i];
                along += p->gradient[b][i] * u[i];
                size += fabs(p->gradient[b][i] * u[i]);
            }
            for (int64_t i = 0; i < n; i++) p->x[b][i] = keep[i] + h * u[i];
            double plus = p->loss(p);
            for (int64_t i = 0; i < n; i++) p->x[b][i] = keep[i] - h * u[i];
            double minus = p->loss(p);
            for (int64_t i = 0; i < n; i++) p->x[b][i] = keep[i];
            double got = (plus - minus) / (2 * h);
            /* 1e-6 of the terms' size; the last summand is the rounding of L itself. */
            if (!(fabs(got - along) <= 1e-6 * size + 1e-9))
                fail_msg("%s, block %d, direction %d: %.12g, differences give %.12g", what, b, k, along, got);
        }
    for (int b = 0; b < p->n_block; b++) {
        test_free(p->x[b]);
        test_free(p->gradient[b]);
    }
}

static double weighted(const double *y, const double *c, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += y[i] * c[i];
    return sum;
}

/* ---- linear ---- */

enum { L_ROWS = 7, L_IN = 9, L_OUT = 5 };

static double loss_linear(const problem *p) {
    double y[L_ROWS * L_OUT];
    forward_linear(L_ROWS, L_IN, L_OUT, p->more, p->x[0], p->x[1], y);
    return weighted(y, p->c, L_ROWS * L_OUT);
}

static void test_linear(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 1, 1);
    double *x = random_block(&rng, L_ROWS * L_IN, 1), *c = random_block(&rng, L_ROWS * L_OUT, 1);
    problem p = {.loss = loss_linear, .more = x, .c = c};
    double *dw = random_block(&rng, L_OUT * L_IN, 0), *db = random_block(&rng, L_OUT, 0);
    iad_plain64_linear_dw(L_ROWS, L_OUT, L_IN, c, L_OUT, x, L_IN, dw, L_IN, db);
    block(&p, random_block(&rng, L_OUT * L_IN, 1), dw, L_OUT * L_IN);
    block(&p, random_block(&rng, L_OUT, 1), db, L_OUT);
    check(&p, &rng, "linear");
    test_free(x);
    test_free(c);
}

/* ---- rows ---- */

enum { R_N = 37 };
static const double R_EPS = 1e-3;

static double loss_rmsnorm(const problem *p) {
    double y[R_N];
    forward_rmsnorm(R_N, p->x[0], p->x[1], R_EPS, y);
    return weighted(y, p->c, R_N);
}

static double loss_silu_mul(const problem *p) {
    double y[R_N];
    forward_silu_mul(R_N, p->x[0], y);
    return weighted(y, p->c, R_N);
}

static double loss_gelu(const problem *p) {
    double y[R_N];
    forward_gelu(R_N, p->x[0], y);
    return weighted(y, p->c, R_N);
}

static double loss_cross_entropy(const problem *p) {
    return 0.7 * forward_cross_entropy(R_N, p->x[0], *(const int32_t *)p->more);
}

static void test_rows(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 2, 1);
    for (int round = 0; round < 4; round++) {
        double size = round == 3 ? 6 : 1;
        double *c = random_block(&rng, R_N, 1);
        problem p = {.loss = loss_rmsnorm, .c = c};
        block(&p, random_block(&rng, R_N, size), random_block(&rng, R_N, 0), R_N);
        block(&p, random_block(&rng, R_N, 1), random_block(&rng, R_N, 0), R_N);
        iad_plain64_rmsnorm_back(R_N, p.x[0], p.x[1], R_EPS, c, p.gradient[0], round % 2, p.gradient[1]);
        check(&p, &rng, "rmsnorm");

        p = (problem){.loss = loss_silu_mul, .c = c};
        block(&p, random_block(&rng, 2 * R_N, size), random_block(&rng, 2 * R_N, 0), 2 * R_N);
        iad_plain64_silu_mul_back(R_N, p.x[0], c, p.gradient[0]);
        check(&p, &rng, "silu_mul");

        p = (problem){.loss = loss_gelu, .c = c};
        block(&p, random_block(&rng, R_N, size), random_block(&rng, R_N, 0), R_N);
        iad_plain64_gelu_back(R_N, p.x[0], c, p.gradient[0]);
        check(&p, &rng, "gelu");

        int32_t target = 9 * round;
        int hit;
        p = (problem){.loss = loss_cross_entropy, .c = c, .more = &target};
        block(&p, random_block(&rng, R_N, size), random_block(&rng, R_N, 0), R_N);
        memcpy(p.gradient[0], p.x[0], R_N * sizeof(double));
        double loss = iad_plain64_cross_entropy(R_N, p.gradient[0], target, 0.7, &hit);
        assert_close(loss, forward_cross_entropy(R_N, p.x[0], target), 1e-12);
        check(&p, &rng, "cross_entropy");
        test_free(c);
    }
}

/* ---- attention ---- */

static double loss_attend(const problem *p) {
    const forward_attention *a = p->more;
    double out[MAX] = {0}, maps[MAX] = {0};
    forward_attend(a, p->x[0], p->x[1], p->x[2], out, maps);
    int64_t n = a->n_row * a->n_head * a->d_head;
    return weighted(out, p->c, n) + weighted(maps, p->c + n, (int64_t)a->n_class * a->n_col);
}

static void attend_case(forward_attention a, uint64_t seed) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 2);
    int64_t q_cols = (int64_t)a.n_head * a.d_head, kv_cols = (int64_t)a.n_kv_head * a.d_head, n = a.n_row * q_cols, m = a.n_key * kv_cols;
    double *c = random_block(&rng, n + a.n_class * a.n_col + 1, 1), out[MAX] = {0}, maps[MAX] = {0}, p_row[MAX], g_row[MAX];
    problem p = {.loss = loss_attend, .more = &a, .c = c};
    block(&p, random_block(&rng, n, 1.5), random_block(&rng, n, 0), n);
    block(&p, random_block(&rng, m, 1.5), random_block(&rng, m, 0), m);
    block(&p, random_block(&rng, m, 1), random_block(&rng, m, 0), m);
    forward_attend(&a, p.x[0], p.x[1], p.x[2], out, maps);
    iad_plain64_attend_seq seq = {.n_head = a.n_head, .n_kv_head = a.n_kv_head, .d_head = a.d_head, .causal = a.causal, .scale = a.scale,
                                  .n_row = a.n_row, .n_key = a.n_key, .q = p.x[0], .out = out, .dout = c, .k = p.x[1], .v = p.x[2],
                                  .dq = p.gradient[0], .dk = p.gradient[1], .dv = p.gradient[2],
                                  .stride = {q_cols, q_cols, q_cols, q_cols}, .kv_stride = {kv_cols, kv_cols},
                                  .dkv_stride = {kv_cols, kv_cols}, .n_probe = a.n_probe, .probe_row = a.probe_row,
                                  .probe_class = a.probe_class, .probe_weight = a.probe_weight, .col = a.col, .n_col = a.n_col,
                                  .grad = c + n, .grad_stride = a.n_col};
    iad_plain64_attend_back(&seq, p_row, g_row);
    check(&p, &rng, "attend");
    test_free(c);
}

static void test_attend(void **state) {
    (void)state;
    static const int64_t rows[] = {6, 2, 6, 9};
    static const int classes[] = {0, 1, 1, 0};
    static const float weights[] = {0.5f, 2.0f, -1.0f, 0.25f};
    attend_case((forward_attention){.n_head = 4, .n_kv_head = 2, .d_head = 6, .causal = 1, .scale = 0.4, .n_row = 11, .n_key = 11}, 1);
    attend_case((forward_attention){.n_head = 3, .n_kv_head = 1, .d_head = 4, .causal = 0, .scale = 0.5, .n_row = 5, .n_key = 13}, 2);
    attend_case((forward_attention){.n_head = 2, .n_kv_head = 2, .d_head = 2, .causal = 1, .scale = 0.7, .n_row = 1, .n_key = 1}, 3);
    attend_case((forward_attention){.n_head = 2, .n_kv_head = 1, .d_head = 8, .causal = 1, .scale = 0.4, .n_row = 4, .n_key = 9}, 4);
    for (int causal = 0; causal < 2; causal++) /* rows 6 and 2 see part of the columns only when causal; row 6 is probed twice */
        attend_case((forward_attention){.n_head = 4, .n_kv_head = 2, .d_head = 4, .causal = causal, .scale = 0.5, .n_row = 12, .n_key = 12,
                                        .n_probe = 4, .n_class = 2, .probe_row = rows, .probe_class = classes, .probe_weight = weights,
                                        .col = 1, .n_col = 7}, 5);
}

/* ---- fusion ---- */

typedef struct fuse_shape {
    int n_tap, gated;
    double eps;
} fuse_shape;
enum { F_N = 21 };

static double loss_fuse(const problem *p) {
    const fuse_shape *s = p->more;
    double out[F_N];
    forward_fuse(s->n_tap, F_N, s->eps, p->x[0], p->x[1], s->gated ? p->x[4] : NULL, p->x[2], p->x[3], out);
    return weighted(out, p->c, F_N);
}

static void test_fuse(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 3, 1);
    for (int round = 0; round < 6; round++) {
        fuse_shape s = {.n_tap = 1 + round % 4, .gated = round >= 2, .eps = 1e-4};
        int64_t n = s.n_tap * F_N;
        double *c = random_block(&rng, F_N, 1);
        problem p = {.loss = loss_fuse, .more = &s, .c = c};
        block(&p, random_block(&rng, n, 2), random_block(&rng, n, 0), n);
        block(&p, random_block(&rng, n, 1), random_block(&rng, n, 0), n);
        block(&p, random_block(&rng, s.n_tap, 1), random_block(&rng, s.n_tap, 0), s.n_tap);
        block(&p, random_block(&rng, 1, 1), random_block(&rng, 1, 0), 1);
        if (s.gated) block(&p, random_block(&rng, s.n_tap * n, 0.3), random_block(&rng, s.n_tap * n, 0), s.n_tap * n);
        iad_plain64_fuse_row row = {.n_tap = s.n_tap, .n = F_N, .eps = s.eps, .norm = p.x[1], .gate_w = s.gated ? p.x[4] : NULL,
                                    .gate_b = p.x[2], .scale = p.x[3], .dy = c, .dnorm = p.gradient[1],
                                    .dgate_w = s.gated ? p.gradient[4] : NULL, .dgate_b = p.gradient[2], .dscale = p.gradient[3]};
        for (int l = 0; l < s.n_tap; l++) {
            row.x[l] = p.x[0] + l * F_N;
            row.dx[l] = p.gradient[0] + l * F_N;
        }
        iad_plain64_fuse_back(&row);
        check(&p, &rng, "fuse");
        test_free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_attend),
        cmocka_unit_test(test_fuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
