/* Float planes: bilinear, bicubic, Gaussian. */
#include "tests/unit/resample/resample_fixture.h"

#include <math.h>

#include "base/image/gaussian_lines.h"

static iad_gaussian_kernel gaussian_of(int k) {
    return k == 0 ? iad_gaussian_lines_scalar : k == 1 ? iad_gaussian_lines_avx2() : iad_gaussian_lines_avx512();
}

static iad_plane plane_copy(const iad_plane *src) {
    iad_err err = IAD_ERR_NONE;
    iad_plane dst;
    assert_ok(iad_plane_init(&dst, src->width, src->height, &err));
    memcpy(dst.px, src->px, (size_t)src->width * (size_t)src->height * sizeof *src->px);
    return dst;
}

static size_t plane_count(const iad_plane *plane) { return (size_t)plane->width * (size_t)plane->height; }

static void check_values(const fixture_row *row, const iad_plane *got, double tolerance) {
    const size_t n = plane_count(got);
    if (row->column[6][0] == '#') {
        char hex[17];
        fixture_digest(got->px, n * sizeof *got->px, hex);
        if (strcmp(hex, row->column[6] + 1))
            fail_msg("%s %s x %s to %s x %s, %s: other bits", row->column[0], row->column[1], row->column[2], row->column[3], row->column[4],
                     row->column[5]);
        return;
    }
    const size_t samples = n < 48 ? n : 48;
    char *at = row->column[6];
    for (size_t k = 0; k < samples; k++) {
        char *end;
        double want = strtod(at, &end);
        assert_ptr_not_equal(at, end);
        at = end;
        assert_close(got->px[k * (n - 1) / (samples > 1 ? samples - 1 : 1)], want, tolerance);
    }
}

static void check_row(const fixture_row *row) {
    iad_err err = IAD_ERR_NONE;
    const char *rule = row->column[0];
    const double parameter = strtod(row->column[5], NULL);
    const int width = fixture_int(row, 3), height = fixture_int(row, 4);
    iad_plane src = fixture_plane(fixture_int(row, 1), fixture_int(row, 2)), dst = {0};
    if (!strcmp(rule, "aligned") || !strcmp(rule, "linear")) {
        assert_ok(iad_plane_bilinear(&src, width, height, rule[0] == 'a', &dst, &err));
        check_values(row, &dst, 5e-7);
    } else if (!strcmp(rule, "cubic")) {
        assert_ok(iad_plane_bicubic(&src, width, height, &dst, &err));
        check_values(row, &dst, 5e-6); /* OpenCV's weights are float sums */
    } else if (!strcmp(rule, "gaussian") || !strcmp(rule, "residue")) {
        for (int i = 0; rule[0] == 'r' && i < width * height; i++) src.px[i] = (i % width + i / width) % 2 ? -1.0f : 1.0f;
        for (int k = 0; k < 4; k++) {
            iad_plane_deinit(&dst);
            dst = plane_copy(&src);
            if (k < 3 && !gaussian_of(k)) continue;
            assert_ok(k < 3 ? iad_plane_gaussian_with(gaussian_of(k), &dst, parameter, &err) : iad_plane_gaussian(&dst, parameter, &err));
            check_values(row, &dst, 0.0);
        }
    } else if (!strncmp(rule, "kernel", 6)) {
        dst = plane_copy(&src);
        assert_ok(iad_plane_gaussian_kernel(&dst, (int)strtol(rule + 6, NULL, 10), parameter, &err));
        check_values(row, &dst, 5e-7);
    } else {
        fail_msg("no rule %s", rule);
    }
    iad_plane_deinit(&dst);
    iad_plane_deinit(&src);
}

static void same_values_as_the_tools(void **state) {
    (void)state;
    assert_in_range(fixture_rows(IAD_TEST_DATA "/planes.tsv", check_row), 50, 10000);
}

static void gaussian_kernels_agree(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int i = 0; i < 60; i++) {
        const int width = 1 + (int)(fixture_noise((uint32_t)i) % 140), height = 1 + (int)(fixture_noise((uint32_t)i + 1000) % 140);
        const double sigma = 0.05 + (double)(fixture_noise((uint32_t)i + 2000) % 1000) * 0.02;
        iad_plane src = fixture_plane(width, height), want = plane_copy(&src);
        if (i % 5 == 0) src.px[0] = want.px[0] = INFINITY;
        assert_ok(iad_plane_gaussian_with(iad_gaussian_lines_scalar, &want, sigma, &err));
        for (int k = 1; k < 3; k++) {
            if (!gaussian_of(k)) continue;
            iad_plane got = plane_copy(&src);
            assert_ok(iad_plane_gaussian_with(gaussian_of(k), &got, sigma, &err));
            for (size_t p = 0; p < plane_count(&want); p++)
                if (!(got.px[p] == want.px[p] || (isnan(got.px[p]) && isnan(want.px[p]))))
                    fail_msg("%d x %d sigma %g kernel %d: pixel %zu differs", width, height, sigma, k, p);
            iad_plane_deinit(&got);
        }
        iad_plane_deinit(&want);
        iad_plane_deinit(&src);
    }
}

/* Large numbers that cancel make the order visible, which float results of ordinary pictures hardly ever do. */
static void gaussian_sums_in_scipys_order(void **state) {
    (void)state;
    enum { LANES = IAD_GAUSSIAN_LANES };
    static _Alignas(64) double in[5 * LANES];
    static float out[LANES];
    const double weight[3] = {1.0, 1.0, 1.0};
    const double columns[4][5] = {{0.0, -0x1p60, 0x1p60, 0.0, 1.0},      /* (2^60 + 1) - 2^60: the one is lost */
                                  {1.0, 0x1p60, -0x1p60, 0.0, 0.0},      /* likewise */
                                  {-0x1p70, 0.0, 3.0, 0.0, 0x1p70},      /* the pair cancels first, the three stays */
                                  {5.0, 0x1p60, 0.0, -0x1p60, 2.0}};
    const float want[4] = {0.0f, 0.0f, 3.0f, 7.0f};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < LANES; k++) in[i * LANES + k] = columns[k % 4][i];
    for (int v = 0; v < 3; v++) {
        if (!gaussian_of(v)) continue;
        const iad_gaussian_job job = {.in = in, .weight = weight, .radius = 2, .length = 1, .out = out, .out_stride = LANES};
        gaussian_of(v)(&job);
        for (int k = 0; k < LANES; k++) assert_close(out[k], want[k % 4], 0.0);
    }
}

static void gaussian_weights_are_a_distribution(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    static double weight[4001];
    const double sigmas[] = {0.13, 0.5, 1.0, 4.0, 100.0, 999.9};
    for (size_t s = 0; s < sizeof sigmas / sizeof sigmas[0]; s++) {
        const int radius = (int)(4.0 * sigmas[s] + 0.5);
        assert_ok(iad_gaussian_weights(sigmas[s], radius, weight, &err));
        double sum = weight[0];
        for (int x = 1; x <= radius; x++) {
            assert_true(weight[x] > 0.0 && weight[x] < weight[x - 1]);
            assert_close(weight[x] / weight[0], exp(-0.5 / (sigmas[s] * sigmas[s]) * x * x), 4e-16);
            sum += 2.0 * weight[x];
        }
        assert_close(sum, 1.0, 1e-13);
    }
}

static void no_sigma_no_change(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_plane src = fixture_plane(20, 10), dst = plane_copy(&src);
    const double sigmas[] = {0.0, -1.0, 1e-16};
    for (int i = 0; i < 3; i++) assert_ok(iad_plane_gaussian(&dst, sigmas[i], &err));
    assert_memory_equal(src.px, dst.px, plane_count(&src) * sizeof *src.px);
    iad_plane_deinit(&dst);
    iad_plane_deinit(&src);
}

static void same_size_resampling_is_the_identity(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_plane src = fixture_plane(19, 23), dst;
    for (int rule = 0; rule < 3; rule++) {
        if (rule < 2)
            assert_ok(iad_plane_bilinear(&src, 19, 23, rule, &dst, &err));
        else
            assert_ok(iad_plane_bicubic(&src, 19, 23, &dst, &err));
        assert_memory_equal(src.px, dst.px, plane_count(&src) * sizeof *src.px);
        iad_plane_deinit(&dst);
    }
    iad_plane_deinit(&src);
}

static void bad_calls_are_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_plane none = {0}, plane = fixture_plane(3, 3), dst;
    assert_fails(IAD_ERR_ARG, iad_plane_bilinear(&none, 2, 2, 0, &dst, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_bilinear(&plane, 0, 2, 0, &dst, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_bicubic(&plane, 2, -2, &dst, &err));
    assert_fails(IAD_ERR_LIMIT, iad_plane_bicubic(&plane, 60000, 60000, &dst, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_gaussian(&none, 1.0, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_gaussian(&plane, NAN, &err));
    assert_fails(IAD_ERR_LIMIT, iad_plane_gaussian(&plane, INFINITY, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_gaussian_kernel(&plane, 4, 1.0, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_gaussian_kernel(&plane, 65, 1.0, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_gaussian_kernel(&plane, 5, 0.0, &err));
    iad_plane_deinit(&plane);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_values_as_the_tools),            cmocka_unit_test(gaussian_kernels_agree),
                                       cmocka_unit_test(gaussian_sums_in_scipys_order), cmocka_unit_test(gaussian_weights_are_a_distribution),
                                       cmocka_unit_test(no_sigma_no_change), cmocka_unit_test(same_size_resampling_is_the_identity),
                                       cmocka_unit_test(bad_calls_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
