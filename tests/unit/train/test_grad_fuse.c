/* Backward of the fusion of visual layers on every instruction set against the double kernel. */
#include "tests/unit/train/grad_fixture.h"

#include "train/cpu/grad_plain64.h"

/* One case: taps, parameters, and what the double kernel adds to gradients that hold something already. */
typedef struct scene {
    int n_tap, gated;
    iad_mat taps[IAD_FUSE_MAX_TAPS], dtaps[IAD_FUSE_MAX_TAPS], norm, gate_w, gate_b, scale, dy;
    iad_mat dnorm, dgate_w, dgate_b, dscale; /* as they are before */
    double *want_taps[IAD_FUSE_MAX_TAPS], *want[4];
    iad_fuse job;
} scene;

static void scene_make(scene *s, int n_tap, int gated, int64_t rows, int64_t n, float scale, uint64_t seed) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 8);
    *s = (scene){.n_tap = n_tap, .gated = gated};
    double *x[IAD_FUSE_MAX_TAPS];
    for (int l = 0; l < n_tap; l++) {
        s->taps[l] = mat_some(&rng, rows, n, 1 + l, 1);
        s->dtaps[l] = mat_some(&rng, rows, n, 3, 1);
        x[l] = mat_wide(s->taps[l]);
        s->want_taps[l] = mat_wide(s->dtaps[l]);
    }
    s->norm = mat_array(&rng, n_tap * n, 1);
    s->gate_w = mat_array(&rng, (int64_t)n_tap * n_tap * n, 0.1f);
    s->gate_b = mat_array(&rng, n_tap, 1);
    s->scale = mat_array(&rng, 1, 0);
    mat_put(s->scale, 0, 0, scale);
    s->dy = mat_some(&rng, rows, n, 2, 1);
    s->dnorm = mat_array(&rng, n_tap * n, 1);
    s->dgate_w = mat_array(&rng, (int64_t)n_tap * n_tap * n, 1);
    s->dgate_b = mat_array(&rng, n_tap, 1);
    s->dscale = mat_array(&rng, 1, 1);
    s->job = (iad_fuse){.n_tap = n_tap, .norm = s->norm.data, .gate_w = gated ? s->gate_w.data : NULL, .gate_b = s->gate_b.data,
                        .scale = s->scale.data, .eps = 1e-5f};
    for (int l = 0; l < n_tap; l++) s->job.taps[l] = s->taps[l];
    double *norm = mat_wide(s->norm), *gate_w = mat_wide(s->gate_w), *gate_b = mat_wide(s->gate_b), *scale64 = mat_wide(s->scale);
    double *dy = mat_wide(s->dy);
    s->want[0] = mat_wide(s->dnorm);
    s->want[1] = mat_wide(s->dgate_w);
    s->want[2] = mat_wide(s->dgate_b);
    s->want[3] = mat_wide(s->dscale);
    for (int64_t r = 0; r < rows; r++) {
        iad_plain64_fuse_row row = {.n_tap = n_tap, .n = n, .eps = (double)1e-5f, .norm = norm, .gate_w = gated ? gate_w : NULL,
                                    .gate_b = gate_b, .scale = scale64, .dy = dy + r * n, .dnorm = s->want[0],
                                    .dgate_w = gated ? s->want[1] : NULL, .dgate_b = s->want[2], .dscale = s->want[3]};
        for (int l = 0; l < n_tap; l++) {
            row.x[l] = x[l] + r * n;
            row.dx[l] = s->want_taps[l] + r * n;
        }
        iad_plain64_fuse_back(&row);
    }
    double *all[] = {norm, gate_w, gate_b, scale64, dy};
    for (int k = 0; k < 5; k++) test_free(all[k]);
    for (int l = 0; l < n_tap; l++) test_free(x[l]);
}

static void scene_free(scene *s) {
    iad_mat mats[] = {s->norm, s->gate_w, s->gate_b, s->scale, s->dy, s->dnorm, s->dgate_w, s->dgate_b, s->dscale};
    for (int k = 0; k < 9; k++) mat_free(mats[k]);
    for (int k = 0; k < 4; k++) test_free(s->want[k]);
    for (int l = 0; l < s->n_tap; l++) {
        mat_free(s->taps[l]);
        mat_free(s->dtaps[l]);
        test_free(s->want_taps[l]);
    }
}

/* Copies of the gradients' buffers: [0..3] parameters, then taps. */
typedef struct result {
    iad_mat m[4 + IAD_FUSE_MAX_TAPS];
    int n;
} result;

/* Rows [row, row + n) added to what the result holds. */
static void run(const grad_device *d, const scene *s, int64_t row, int64_t n, result *to) {
    iad_err err = IAD_ERR_NONE;
    if (to->n == 0) {
        iad_mat params[] = {s->dnorm, s->dgate_w, s->dgate_b, s->dscale};
        to->n = 4 + s->n_tap;
        for (int k = 0; k < to->n; k++) to->m[k] = mat_like(k < 4 ? params[k] : s->dtaps[k - 4]);
    }
    iad_fuse job = s->job;
    iad_fuse_back back = {.job = &job, .dy = iad_mat_rows(s->dy, row, n), .dnorm = to->m[0].data, .dgate_w = s->gated ? to->m[1].data : NULL,
                          .dgate_b = to->m[2].data, .dscale = to->m[3].data};
    for (int l = 0; l < s->n_tap; l++) {
        job.taps[l] = iad_mat_rows(s->taps[l], row, n);
        back.dtaps[l] = iad_mat_rows(to->m[4 + l], row, n);
    }
    assert_ok(d->ops->fuse_back(d->queue, &back, &err));
}

static void result_free(result *r) {
    for (int k = 0; k < r->n; k++) mat_free(r->m[k]);
}

static void check_scene(const grad_fixture *f, const scene *s, int64_t rows) {
    result kept[GRAD_DEVICES] = {{.n = 0}};
    for (int i = 0; i < f->n; i++) {
        run(&f->d[i], s, 0, rows, &kept[i]);
        double tolerance = 3e-6 * (1 + 0.3 * sqrt((double)rows));
        for (int k = 0; k < kept[i].n; k++) {
            check_wide(kept[i].m[k], k < 4 ? s->want[k] : s->want_taps[k - 4], k == 2 ? 10 : 1, tolerance, f->d[i].name, "fuse");
            mat_check_equal(kept[i].m[k], kept[f->d[i].first].m[k], "threads");
        }
        result cut = {.n = 0};
        run(&f->d[i], s, 0, rows / 3, &cut);
        run(&f->d[i], s, rows / 3, rows - rows / 3, &cut);
        for (int k = 0; k < cut.n; k++) mat_check_equal(cut.m[k], kept[i].m[k], "two calls");
        result_free(&cut);
    }
    for (int i = 0; i < f->n; i++) result_free(&kept[i]);
}

static void test_shapes(void **state) {
    (void)state;
    static const int64_t shapes[][3] = {{1, 1, 1}, {4, 5, 33}, {3, 0, 8}, {4, 80, 130}, {8, 3, 64}, {2, 50, 257}}; /* taps, rows, columns */
    grad_fixture f;
    grad_open(&f);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (int gated = 0; gated < 2; gated++) {
            scene s;
            scene_make(&s, (int)shapes[k][0], gated, shapes[k][1], shapes[k][2], 0.6f, k);
            check_scene(&f, &s, shapes[k][1]);
            scene_free(&s);
        }
    grad_close(&f);
}

/* Scale 0, where training starts: only the last tap and the scale have a gradient, even when a tap is not finite. */
static void test_scale_zero(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    scene s;
    scene_make(&s, 3, 1, 7, 40, 0, 5);
    check_scene(&f, &s, 7);
    mat_put(s.taps[0], 2, 3, NAN);
    for (int i = 0; i < f.n; i++) {
        result got = {.n = 0};
        run(&f.d[i], &s, 0, 7, &got);
        for (int k = 0; k < got.n; k++)
            for (int64_t r = 0; r < got.m[k].rows; r++)
                for (int64_t c = 0; c < got.m[k].cols; c++) assert_int_equal(isnan(mat_get(got.m[k], r, c)), k == 3);
        result_free(&got);
    }
    scene_free(&s);
    grad_close(&f);
}

/* Nothing wanted but one thing at a time; and shapes that do not fit. */
static void test_parts_and_errors(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    scene s;
    scene_make(&s, 4, 1, 9, 37, 0.5f, 6);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        result all = {.n = 0};
        run(&f.d[i], &s, 0, 9, &all);
        for (int k = 0; k < all.n; k++) {
            iad_mat params[] = {s.dnorm, s.dgate_w, s.dgate_b, s.dscale}, one = mat_like(k < 4 ? params[k] : s.dtaps[k - 4]);
            float *p = one.data;
            iad_fuse_back back = {.job = &s.job, .dy = s.dy, .dnorm = k == 0 ? p : NULL, .dgate_w = k == 1 ? p : NULL,
                                  .dgate_b = k == 2 ? p : NULL, .dscale = k == 3 ? p : NULL};
            if (k >= 4) back.dtaps[k - 4] = one;
            assert_ok(f.d[i].ops->fuse_back(f.d[i].queue, &back, &err));
            mat_check_equal(one, all.m[k], "one alone");
            mat_free(one);
        }
        iad_fuse job = s.job;
        iad_fuse_back back = {.job = &job, .dy = s.dy};
        assert_ok(f.d[i].ops->fuse_back(f.d[i].queue, &back, &err));
        back.dtaps[1] = iad_mat_rows(s.dtaps[1], 0, 8);
        assert_fails(IAD_ERR_ARG, f.d[i].ops->fuse_back(f.d[i].queue, &back, &err));
        back.dtaps[1] = (iad_mat){0};
        job.n_tap = 9;
        assert_fails(IAD_ERR_ARG, f.d[i].ops->fuse_back(f.d[i].queue, &back, &err));
        job = s.job, job.norm = NULL;
        assert_fails(IAD_ERR_ARG, f.d[i].ops->fuse_back(f.d[i].queue, &back, &err));
        job = s.job, job.gate_w = NULL, back.dgate_w = all.m[1].data;
        assert_fails(IAD_ERR_ARG, f.d[i].ops->fuse_back(f.d[i].queue, &back, &err));
        result_free(&all);
    }
    scene_free(&s);
    grad_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_scale_zero),
        cmocka_unit_test(test_parts_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
