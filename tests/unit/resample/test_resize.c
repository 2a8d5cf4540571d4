/* 8-bit resizing: the bytes of Pillow and OpenCV, and every kernel against the scalar oracle. */
#include "tests/unit/resample/resample_fixture.h"

#include "base/image/resize_pass.h"

static const char *const names[] = {"nearest_pil", "nearest_cv", "box", "bilinear", "bicubic", "lanczos"};

static const iad_resize_kernel *kernel_of(int k) { return k == 0 ? NULL : k == 1 ? iad_resize_avx2() : iad_resize_avx512(); }

static iad_filter filter_of(const char *name, size_t length) {
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++)
        if (strlen(names[f]) == length && !memcmp(names[f], name, length)) return (iad_filter)f;
    fail_msg("no filter %s", name);
    return IAD_FILTER_BOX;
}

static void check_row(const fixture_row *row) {
    iad_err err = IAD_ERR_NONE;
    const char *name = row->column[0], *plus = strchr(name, '+');
    const iad_filter filter = filter_of(name, plus ? (size_t)(plus - name) : strlen(name));
    const int width = fixture_int(row, 5), height = fixture_int(row, 6);
    iad_image src = fixture_picture(fixture_int(row, 1), fixture_int(row, 2), fixture_int(row, 3), fixture_int(row, 4));
    for (int k = 0; k < 4; k++) { /* scalar, AVX2, AVX-512, whatever iad_resize takes */
        iad_image dst;
        char hex[17];
        if (plus && k < 3) continue;
        if ((k == 1 || k == 2) && !kernel_of(k)) continue;
        if (plus)
            assert_ok(iad_resize_pillow13(&src, width, height, filter, &dst, &err));
        else if (k < 3)
            assert_ok(iad_resize_with(kernel_of(k), &src, width, height, filter, &dst, &err));
        else
            assert_ok(iad_resize(&src, width, height, filter, &dst, &err));
        fixture_digest(dst.px, fixture_bytes(&dst), hex);
        if (strcmp(hex, row->column[7]))
            fail_msg("%s, formula %s, %s channels, %s x %s to %d x %d, kernel %d: other bytes", name, row->column[1], row->column[2],
                     row->column[3], row->column[4], width, height, k);
        iad_image_deinit(&dst);
    }
    iad_image_deinit(&src);
}

static void same_bytes_as_the_tools(void **state) {
    (void)state;
    assert_in_range(fixture_rows(IAD_TEST_DATA "/resize.tsv", check_row), 1000, 100000);
}

static void check_array(const fixture_row *row) {
    iad_err err = IAD_ERR_NONE;
    iad_image src = fixture_picture(fixture_int(row, 1), fixture_int(row, 2), fixture_int(row, 3), fixture_int(row, 4)), dst;
    assert_ok(iad_resize_scalar(&src, fixture_int(row, 5), fixture_int(row, 6), filter_of(row->column[0], strlen(row->column[0])), &dst, &err));
    uint8_t want[128];
    assert_in_range(fixture_bytes(&dst), 1, sizeof want);
    assert_ok(iad_unhex(row->column[7], want, fixture_bytes(&dst), &err));
    assert_memory_equal(dst.px, want, fixture_bytes(&dst));
    iad_image_deinit(&dst);
    iad_image_deinit(&src);
}

static void whole_small_results(void **state) {
    (void)state;
    assert_in_range(fixture_rows(IAD_TEST_DATA "/arrays.tsv", check_array), 10, 100);
}

static void compare_kernels(int formula, int channels, int w, int h, int out_w, int out_h, iad_filter filter) {
    iad_err err = IAD_ERR_NONE;
    iad_image src = fixture_picture(formula, channels, w, h), want;
    assert_ok(iad_resize_scalar(&src, out_w, out_h, filter, &want, &err));
    for (int k = 1; k < 3; k++) {
        iad_image got;
        if (!kernel_of(k)) continue;
        assert_ok(iad_resize_with(kernel_of(k), &src, out_w, out_h, filter, &got, &err));
        if (memcmp(want.px, got.px, fixture_bytes(&want)))
            fail_msg("%s %d channels %d x %d to %d x %d: %s differs from scalar", names[filter], channels, w, h, out_w, out_h, kernel_of(k)->name);
        iad_image_deinit(&got);
    }
    iad_image_deinit(&want);
    iad_image_deinit(&src);
}

static void kernels_agree_on_random_sizes(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < 600; i++) {
        const uint32_t top = i % 3 == 0 ? 9 : i % 3 == 1 ? 80 : 220;
        int size[4];
        for (int k = 0; k < 4; k++) size[k] = 1 + (int)(fixture_noise(seed++ * 7919u) % top);
        compare_kernels(i % 3, i % 2 ? 3 : 1, size[0], size[1], size[2], size[3], (iad_filter)(2 + i % 4));
    }
}

static void kernels_agree_on_extremes(void **state) {
    (void)state;
    for (int f = IAD_FILTER_BOX; f <= IAD_FILTER_LANCZOS; f++)
        for (int channels = 1; channels <= 3; channels += 2) {
            compare_kernels(0, channels, 9000, 1, 1, 1, (iad_filter)f);  /* every pixel in one sum */
            compare_kernels(0, channels, 1, 9000, 1, 2, (iad_filter)f);
            compare_kernels(2, channels, 1, 1, 300, 200, (iad_filter)f); /* one pixel spread out */
            compare_kernels(2, channels, 300, 2, 2, 300, (iad_filter)f);
            compare_kernels(2, channels, 70, 70, 69, 70, (iad_filter)f); /* one pass only */
            compare_kernels(2, channels, 70, 70, 70, 71, (iad_filter)f);
            compare_kernels(0, channels, 2500, 700, 130, 90, (iad_filter)f); /* several strips */
        }
}

static void flat_pictures_stay_flat(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int value = 0; value <= 255; value += 51)
        for (int f = 0; f <= IAD_FILTER_LANCZOS; f++) {
            iad_image src, dst;
            assert_ok(iad_image_init(&src, 61, 47, 3, &err));
            memset(src.px, value, fixture_bytes(&src));
            assert_ok(iad_resize(&src, 40, 90, (iad_filter)f, &dst, &err));
            for (size_t i = 0; i < fixture_bytes(&dst); i++) assert_int_equal(dst.px[i], value);
            iad_image_deinit(&dst);
            iad_image_deinit(&src);
        }
}

static void same_size_is_a_copy(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image src = fixture_picture(0, 3, 33, 21);
    for (int f = 0; f <= IAD_FILTER_LANCZOS; f++) {
        iad_image dst;
        assert_ok(iad_resize(&src, 33, 21, (iad_filter)f, &dst, &err));
        assert_ptr_not_equal(src.px, dst.px);
        assert_memory_equal(src.px, dst.px, fixture_bytes(&src));
        iad_image_deinit(&dst);
    }
    iad_image_deinit(&src);
}

static void bad_calls_are_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image src = fixture_picture(0, 1, 4, 4), none = {0}, dst;
    assert_fails(IAD_ERR_ARG, iad_resize(&none, 4, 4, IAD_FILTER_BOX, &dst, &err));
    assert_fails(IAD_ERR_ARG, iad_resize(&src, 0, 4, IAD_FILTER_BOX, &dst, &err));
    assert_fails(IAD_ERR_ARG, iad_resize(&src, 4, -1, IAD_FILTER_NEAREST_CV, &dst, &err));
    assert_fails(IAD_ERR_ARG, iad_resize(&src, 3, 3, (iad_filter)17, &dst, &err));
    assert_fails(IAD_ERR_ARG, iad_resize_pillow13(&src, 3, 0, IAD_FILTER_BOX, &dst, &err));
    assert_fails(IAD_ERR_LIMIT, iad_resize(&src, IAD_IMAGE_MAX_SIDE + 1, 4, IAD_FILTER_BOX, &dst, &err));
    assert_fails(IAD_ERR_LIMIT, iad_resize(&src, 60000, 60000, IAD_FILTER_BOX, &dst, &err));
    assert_null(dst.px);
    iad_image_deinit(&src);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes_as_the_tools),       cmocka_unit_test(whole_small_results),
                                       cmocka_unit_test(kernels_agree_on_random_sizes), cmocka_unit_test(kernels_agree_on_extremes),
                                       cmocka_unit_test(flat_pictures_stay_flat),       cmocka_unit_test(same_size_is_a_copy),
                                       cmocka_unit_test(bad_calls_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
