/* Lists for readers: order, parts, schemes, views, bad pictures, paths. */
#include "manifests/pictures.h"

#include "base/file.h"
#include "tests/unit/manifest/manifest_fixture.h"

static void test_lists(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    int64_t b = fixture_dataset(m, "b", "", ""), a = fixture_dataset(m, "a", "", "");
    int64_t nut = fixture_category(m, b, "nut"), bolt = fixture_category(m, b, "bolt"),
            cap = fixture_category(m, a, "zcap");
    (void)bolt;
    (void)cap;
    iad_dataset_list datasets = {0};
    iad_category_list categories = {0};
    assert_ok(iad_dataset_all(m, &datasets, &err));
    assert_int_equal(datasets.n, 2);
    assert_string_equal(datasets.items[0].name, "a");
    assert_ok(iad_category_all(m, 0, &categories, &err));
    assert_int_equal(categories.n, 3);
    assert_string_equal(categories.items[0].name, "zcap");
    assert_string_equal(categories.items[1].name, "bolt");
    assert_string_equal(categories.items[2].name, "nut");
    iad_category_list_deinit(&categories);
    assert_ok(iad_category_all(m, a, &categories, &err));
    assert_int_equal(categories.n, 1);

    /* Inserted in disorder; order is by bytes: '1' < '9', "10" < "9", upper before lower. */
    fixture_image(m, b, nut, "test/9.png", IAD_PART_TEST, IAD_LABEL_NORMAL);
    fixture_image(m, b, nut, "test/10.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS);
    fixture_image(m, b, nut, "test/A.png", IAD_PART_TEST, IAD_LABEL_NORMAL);
    int64_t unknown = fixture_image(m, b, nut, "test/u.png", IAD_PART_TEST, IAD_LABEL_UNKNOWN);
    int64_t train = fixture_image(m, b, nut, "train/1.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    fixture_image(m, b, nut, "train/2.png", IAD_PART_TRAIN, IAD_LABEL_ANOMALOUS);
    iad_image_row row = fixture_row(b, nut, "train/3.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    int64_t id = 0, n_bad = 0;
    row.exemplar_ok = 0;
    row.view = "C2";
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    iad_image_row bad = {.dataset_id = b,
                         .category_id = nut,
                         .path = "test/bad.png",
                         .part = IAD_PART_TEST,
                         .label = IAD_LABEL_NORMAL,
                         .bad = 1,
                         .bad_reason = "cut"};
    assert_ok(iad_image_put(m, &bad, &id, NULL, &err));

    iad_image_list list = {0};
    assert_ok(iad_image_tests(m, nut, NULL, &list, &err));
    assert_int_equal(list.n, 3);
    assert_string_equal(list.items[0].path, "test/10.png");
    assert_string_equal(list.items[1].path, "test/9.png");
    assert_string_equal(list.items[2].path, "test/A.png");
    iad_image_list_deinit(&list);
    assert_ok(iad_image_train_normals(m, nut, NULL, &list, &err));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.items[0].path, "train/1.png");
    iad_image_list_deinit(&list);
    iad_picture_filter filter = {.category_id = nut, .any_part = 1};
    assert_ok(iad_image_select(m, &filter, &list, &err));
    assert_int_equal(list.n, 7);
    iad_image_list_deinit(&list);
    filter.view = "";
    assert_ok(iad_image_select(m, &filter, &list, &err));
    assert_int_equal(list.n, 6);
    iad_image_list_deinit(&list);
    filter.view = "C2";
    assert_ok(iad_image_select(m, &filter, &list, &err));
    assert_int_equal(list.n, 1);
    iad_image_list_deinit(&list);
    filter.view = NULL;
    filter.normals_only = 1;
    assert_ok(iad_image_select(m, &filter, &list, &err));
    assert_int_equal(list.n, 4);
    iad_image_list_deinit(&list);
    assert_ok(iad_image_count_bad(m, nut, NULL, IAD_PART_TEST, &n_bad, &err));
    assert_int_equal(n_bad, 1);

    /* A named split turns the tables; pictures that it does not name are out. */
    assert_ok(iad_split_put(m, train, "fold", IAD_PART_TEST, &err));
    assert_ok(iad_split_put(m, unknown, "fold", IAD_PART_TEST, &err));
    assert_ok(iad_image_tests(m, nut, "fold", &list, &err));
    assert_int_equal(list.n, 1);
    assert_int_equal(list.items[0].id, train);
    iad_image_list_deinit(&list);
    assert_ok(iad_image_tests(m, nut, "no such split", &list, &err));
    assert_int_equal(list.n, 0);
    iad_image_list_deinit(&list);
    assert_ok(iad_image_count_bad(m, nut, "fold", IAD_PART_TEST, &n_bad, &err));
    assert_int_equal(n_bad, 0);

    char path[IAD_PATH_MAX], expected[IAD_PATH_MAX];
    assert_ok(iad_image_path(m, train, path, sizeof path, &err));
    snprintf(expected, sizeof expected, "%s/data/train/1.png", iad_manifest_dir(m));
    assert_string_equal(path, expected);
    assert_fails(IAD_ERR_FORMAT, iad_image_path_join(m, "data", "../x", path, sizeof path, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_image_path(m, 999, path, sizeof path, &err));
    iad_category_list_deinit(&categories);
    iad_dataset_list_deinit(&datasets);
    iad_manifest_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
