/* A unit from scores and maps to its result: the golden vectors through the map cache, categories without masks, one class only. */
#include "tests/unit/iad_test.h"

#include <math.h>
#include <unistd.h>

#include "bench/evalunit.h"
#include "bench/jsonwrite.h"

#define CACHE "test_evalunit.maps"

/* Golden vector G6 (README of bench/metrics): three maps of 6 x 8, three regions. */
static void golden(int n, float map[48], uint8_t mask[48]) {
    memset(mask, 0, 48);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 8; x++) map[8 * y + x] = (float)((7 * x + 5 * y + 3 * n * x + 11 * n) % 13);
    if (n == 0) {
        for (int y = 1; y <= 2; y++)
            for (int x = 1; x <= 2; x++) mask[8 * y + x] = 1, map[8 * y + x] += 6;
        mask[8 * 3 + 3] = 1;
        map[8 * 3 + 3] += 4;
        for (int y = 4; y <= 5; y++)
            for (int x = 6; x <= 7; x++) mask[8 * y + x] = 1, map[8 * y + x] += 3;
    }
    if (n == 1) mask[0] = 1, map[0] += 5;
}

static const iad_eval_test tests_of_golden[] = {{"a.png", "hole", 1, 3.0}, {"b.png", "scratch", 1, 2.0}, {"c.png", NULL, 0, 1.0}};

static void write_cache(int with_masks) {
    iad_err err = IAD_ERR_NONE;
    iad_mapcache_writer *writer;
    unlink(CACHE);
    assert_ok(iad_mapcache_append_open(CACHE, "test", &writer, &err));
    for (int n = 2; n >= 0; n--) { /* another order than the tests' */
        float map[48];
        uint8_t mask[48];
        golden(n, map, mask);
        iad_mapcache_entry entry = {.name = tests_of_golden[n].path, .map = map, .mask = n < 2 && with_masks > n ? mask : NULL, .width = 8,
                                    .height = 6, .label = n < 2, .source_regions = -1, .image_score = tests_of_golden[n].score};
        assert_ok(iad_mapcache_append(writer, &entry, &err));
    }
    assert_ok(iad_mapcache_append_close(writer, &err));
}

static json_t *measure(const iad_eval_test *tests, size_t n, int with_cache, int legacy) {
    iad_err err = IAD_ERR_NONE;
    iad_protocol protocol;
    assert_ok(iad_protocol_find("iadgpt-224", &protocol, &err));
    iad_eval_options options = {.protocol = &protocol, .pro_limits = {0.3, 0.05, 1}, .n_pro_limits = 3, .threads = 2, .bootstrap = 20,
                                .legacy = legacy, .aupimo = legacy};
    iad_mapcache *cache = NULL;
    json_t *unit = json_object();
    if (with_cache) assert_ok(iad_mapcache_open(CACHE, 1, &cache, &err));
    assert_ok(iad_evalunit_measure(tests, n, cache, &options, unit, &err));
    iad_mapcache_close(cache);
    return unit;
}

static double value(const json_t *unit, const char *group, const char *key) { return iad_json_num_or_nan(json_object_get(unit, group), key); }

static void test_golden_maps(void **state) {
    (void)state;
    write_cache(2);
    json_t *unit = measure(tests_of_golden, 3, 1, 1);
    assert_close(value(unit, "pixel", "auroc"), 0.8761194030, 1e-10);
    assert_close(value(unit, "pixel", "ap"), 0.6558306056, 1e-10);
    assert_close(value(unit, "pixel", "aupr_trapz"), 0.7035586268, 1e-10);
    assert_close(value(unit, "pixel", "f1_max"), 2.0 / 3, 1e-12);
    assert_close(value(unit, "pixel", "f1_max_threshold"), 13, 0);
    assert_close(value(unit, "pixel", "aupro"), 0.7873134328, 1e-9);
    assert_close(value(unit, "pixel", "aupro_0.05"), 0.6995024876, 1e-9);
    assert_close(value(unit, "pixel", "aupro_1"), 0.8997512438, 1e-9);
    assert_close(value(unit, "pixel", "aupro_thr200_rescaled"), 0.7846491228, 1e-9);
    assert_close(value(unit, "image", "auroc"), 1, 0);
    const json_t *defects = json_object_get(unit, "defects");
    assert_int_equal(json_array_size(defects), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(defects, 0), "name")), "hole");
    assert_true(json_array_size(json_object_get(json_object_get(unit, "curves"), "pixel_pro")) > 2);
    assert_null(json_object_get(unit, "notes"));
    json_decref(unit);
}

static const char *first_note(const json_t *unit) {
    const char *note = json_string_value(json_array_get(json_object_get(unit, "notes"), 0));
    return note ? note : "";
}

static void test_missing_masks_are_said(void **state) {
    (void)state;
    write_cache(1); /* the second defect has no mask */
    json_t *unit = measure(tests_of_golden, 3, 1, 0);
    assert_true(json_is_null(json_object_get(unit, "pixel")));
    assert_non_null(strstr(first_note(unit), "1 anomalous pictures have no mask (first: b.png)"));
    assert_close(value(unit, "image", "auroc"), 1, 0);
    json_decref(unit);
    write_cache(0);
    unit = measure(tests_of_golden, 3, 1, 0);
    assert_true(json_is_null(json_object_get(unit, "pixel")));
    assert_non_null(strstr(first_note(unit), "has no masks"));
    json_decref(unit);
    unlink(CACHE);
}

static void test_one_class_is_undefined(void **state) {
    (void)state;
    json_t *unit = measure(tests_of_golden, 2, 0, 0);
    assert_true(json_is_null(json_object_get(json_object_get(unit, "image"), "auroc")));
    assert_non_null(strstr(first_note(unit), "every test picture is anomalous"));
    json_decref(unit);
}

static void test_nan_is_refused_by_name(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_protocol protocol;
    assert_ok(iad_protocol_find("iadgpt-224", &protocol, &err));
    iad_eval_options options = {.protocol = &protocol, .threads = 1};
    iad_eval_test tests[] = {{"a.png", NULL, 0, 1}, {"b.png", "x", 1, NAN}};
    json_t *unit = json_object();
    assert_fails(IAD_ERR_FORMAT, iad_evalunit_measure(tests, 2, NULL, &options, unit, &err));
    assert_non_null(strstr(err.msg, "b.png"));
    json_decref(unit);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_maps), cmocka_unit_test(test_missing_masks_are_said),
                                       cmocka_unit_test(test_one_class_is_undefined), cmocka_unit_test(test_nan_is_refused_by_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
