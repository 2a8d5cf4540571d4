/* Rows: insert, update, look up, constraints. */
#include "manifests/records.h"

#include "tests/unit/manifest/manifest_fixture.h"
#include "manifests/query.h"

static void test_dataset(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    iad_arena arena = {0};
    int64_t id = fixture_dataset(m, "one", "mvtec", "mvtec"), again = 0;
    iad_dataset_row row = {.name = "one",
                           .root = "elsewhere",
                           .licence = "MIT",
                           .redistributable = 7,
                           .eval_overlap = NULL},
                    back;
    assert_ok(iad_dataset_put(m, &row, &again, &err));
    assert_int_equal(id, again);
    assert_ok(iad_dataset_get(m, id, &arena, &back, &err));
    assert_string_equal(back.root, "elsewhere");
    assert_string_equal(back.licence, "MIT");
    assert_string_equal(back.eval_overlap, "");
    assert_int_equal(back.redistributable, 1);
    assert_null(back.origin);
    assert_fails(IAD_ERR_NOT_FOUND, iad_dataset_get(m, 77, &arena, &back, &err));
    row.origin = "dreamt";
    assert_fails(IAD_ERR_DB, iad_dataset_put(m, &row, &again, &err));
    assert_non_null(strstr(err.msg, "table dataset, one"));
    row.name = "";
    assert_fails(IAD_ERR_ARG, iad_dataset_put(m, &row, &again, &err));
    assert_ok(iad_dataset_find(m, "two", &again, &err));
    assert_int_equal(again, 0);
    iad_arena_deinit(&arena);
    iad_manifest_close(m);
}

static void test_category(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    iad_arena arena = {0};
    int64_t dataset = fixture_dataset(m, "one", "", ""), id = 0, again = 0;
    iad_category_row row = {.dataset_id = dataset, .name = "metal_nut", .grey = -1, .aligned = -1}, back;
    assert_ok(iad_category_put(m, &row, &id, &err));
    assert_ok(iad_category_get(m, id, &arena, &back, &err));
    assert_string_equal(back.display, "metal nut");
    assert_int_equal(back.grey, -1);
    assert_null(back.kind);
    row.kind = "object";
    row.grey = 1;
    assert_ok(iad_category_put(m, &row, &again, &err));
    assert_int_equal(id, again);
    row.kind = "texture"; /* known facts stay */
    assert_ok(iad_category_put(m, &row, &again, &err));
    assert_ok(iad_category_get(m, id, &arena, &back, &err));
    assert_string_equal(back.kind, "object");
    assert_int_equal(back.grey, 1);
    row.dataset_id = 99;
    assert_fails(IAD_ERR_DB, iad_category_put(m, &row, &again, &err));
    iad_arena_deinit(&arena);
    iad_manifest_close(m);
}

static void test_image(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    iad_arena arena = {0};
    int64_t dataset = fixture_dataset(m, "one", "", ""), category = fixture_category(m, dataset, "nut"), id = 0,
            again = 0;
    iad_image_row row = fixture_row(dataset, category, "nut/train/good/0 \"x\".png", IAD_PART_TRAIN, IAD_LABEL_NORMAL),
                  back;
    row.phash[0] = 0x8000000000000001u;
    row.object_key = "o1";
    row.view = "C1";
    row.note = "";
    iad_put_result result;
    assert_ok(iad_image_put(m, &row, &id, &result, &err));
    assert_int_equal(result, IAD_PUT_ADDED);
    assert_ok(iad_image_put(m, &row, &again, &result, &err));
    assert_int_equal(result, IAD_PUT_SAME);
    assert_int_equal(id, again);
    assert_ok(iad_image_get(m, id, &arena, &back, &err));
    assert_string_equal(back.path, row.path);
    assert_memory_equal(back.sha256, row.sha256, 32);
    assert_memory_equal(back.pixel_sha256, row.pixel_sha256, 32);
    assert_memory_equal(back.phash, row.phash, sizeof row.phash);
    assert_int_equal(back.part, IAD_PART_TRAIN);
    assert_int_equal(back.label, IAD_LABEL_NORMAL);
    assert_int_equal(back.exemplar_ok, 1);
    assert_string_equal(back.view, "C1");
    assert_string_equal(back.note, "");
    assert_null(back.defect);
    int same = 0;
    assert_ok(iad_image_unchanged(m, dataset, row.path, 100, 5, &again, &same, &err));
    assert_int_equal(same, 1);
    assert_ok(iad_image_unchanged(m, dataset, row.path, 101, 5, &again, &same, &err));
    assert_int_equal(same, 0);
    assert_int_equal(again, id);
    assert_ok(iad_image_unchanged(m, dataset, "other", 100, 5, &again, &same, &err));
    assert_int_equal(again, 0);

    /* New pixels under the same path: the mask of the old ones is forgotten, dup_of stays until somebody sets it. */
    iad_box_row box = {0.5, 1, 2, 3, "dent"}, *boxes = NULL;
    size_t n = 0;
    assert_ok(iad_image_boxes_set(m, id, &box, 1, &err));
    assert_ok(iad_image_boxes_get(m, id, &arena, &boxes, &n, &err));
    assert_int_equal(n, 1);
    assert_close(boxes[0].x0, 0.5, 0);
    assert_string_equal(boxes[0].name, "dent");
    row.sha256[0] ^= 1;
    assert_ok(iad_image_put(m, &row, &again, &result, &err));
    assert_int_equal(result, IAD_PUT_CHANGED);
    assert_int_equal(again, id);
    assert_ok(iad_image_boxes_get(m, id, &arena, &boxes, &n, &err));
    assert_int_equal(n, 0);

    /* A bad picture has no pixel hashes. */
    iad_image_row bad = {.dataset_id = dataset,
                         .category_id = category,
                         .path = "nut/broken.jpg",
                         .part = IAD_PART_TEST,
                         .label = IAD_LABEL_ANOMALOUS,
                         .bad = 1,
                         .bad_reason = "truncated"};
    assert_ok(iad_image_put(m, &bad, &id, NULL, &err));
    assert_ok(iad_image_get(m, id, &arena, &back, &err));
    assert_int_equal(back.has_pixels, 0);
    assert_string_equal(back.bad_reason, "truncated");

    const char *unsafe[] = {"../x.png", "/x.png", "a//b.png", "a/./b.png", ""};
    for (size_t i = 0; i < 5; i++) {
        row.path = unsafe[i];
        assert_fails(IAD_ERR_ARG, iad_image_put(m, &row, &id, NULL, &err));
    }
    assert_fails(IAD_ERR_NOT_FOUND, iad_image_get(m, 12345, &arena, &back, &err));
    iad_arena_deinit(&arena);
    iad_manifest_close(m);
}

static void test_task(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    int64_t dataset = fixture_dataset(m, "one", "", ""), category = fixture_category(m, dataset, "nut");
    int64_t image = fixture_image(m, dataset, category, "a.png", IAD_PART_TEST, IAD_LABEL_NORMAL), id = 0, again = 0,
            n = 0;
    iad_task_image images[2] = {{.image_id = image, .role = "ref"}, {.image_id = image, .role = "query"}};
    iad_task_row task = {.dataset_id = dataset,
                         .stage = 0,
                         .task = "mmad",
                         .question = "<image><image>?",
                         .answer = "A",
                         .part = "eval",
                         .external_id = "7",
                         .query_pos = 1,
                         .weight = 1,
                         .images = images,
                         .n_images = 2};
    int added = 0;
    assert_ok(iad_task_put(m, &task, &id, &added, &err));
    assert_int_equal(added, 1);
    assert_ok(iad_task_put(m, &task, &again, &added, &err));
    assert_int_equal(added, 0);
    assert_int_equal(id, again);
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM task_image", 0, &n, &err));
    assert_int_equal(n, 2);
    task.external_id = "8";
    images[0].synth_id = 5; /* both kinds at once */
    assert_fails(IAD_ERR_DB, iad_task_put(m, &task, &id, &added, &err));

    iad_caption_row caption = {.image_id = image, .aspect = "overall", .lang = "en", .text = "a nut"};
    assert_ok(iad_caption_put(m, &caption, &id, &err));
    caption.aspect = "mood";
    assert_fails(IAD_ERR_DB, iad_caption_put(m, &caption, &id, &err));
    iad_template_row text = {.task = "s3_detect",
                             .lang = "en",
                             .text = "Is it normal?",
                             .yes_means = "normal",
                             .canonical = 1,
                             .version = 1};
    assert_ok(iad_template_put(m, &text, &id, &err));
    text.version = 2;
    assert_ok(iad_template_put(m, &text, &again, &err));
    assert_int_equal(id, again);
    assert_ok(iad_split_put(m, image, "fold1", IAD_PART_VAL, &err));
    assert_ok(iad_split_put(m, image, "fold1", IAD_PART_TEST, &err));
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM split WHERE part='test'", 0, &n, &err));
    assert_int_equal(n, 1);
    iad_manifest_close(m);
}

static void test_labels(void **state) {
    (void)state;
    iad_err err;
    iad_label label;
    iad_part part;
    iad_mask_quality quality;
    for (int i = 0; i < 3; i++) {
        assert_ok(iad_label_parse(iad_label_name((iad_label)i), &label, &err));
        assert_int_equal(label, i);
    }
    for (int i = 0; i < 4; i++) {
        assert_ok(iad_part_parse(iad_part_name((iad_part)i), &part, &err));
        assert_int_equal(part, i);
        assert_ok(iad_mask_quality_parse(iad_mask_quality_name((iad_mask_quality)i), &quality, &err));
        assert_int_equal(quality, i);
    }
    assert_fails(IAD_ERR_FORMAT, iad_label_parse("good", &label, &err));
    assert_fails(IAD_ERR_FORMAT, iad_label_parse(NULL, &label, &err));
    assert_fails(IAD_ERR_FORMAT, iad_part_parse("Train", &part, &err));
    assert_int_equal(iad_part_of_split("Train"), IAD_PART_TRAIN);
    assert_int_equal(iad_part_of_split("validation"), IAD_PART_VAL);
    assert_int_equal(iad_part_of_split("test_public"), IAD_PART_TEST);
    assert_int_equal(iad_part_of_split("private"), IAD_PART_NONE);
    assert_int_equal(iad_part_of_split(NULL), IAD_PART_NONE);
}

static void test_arena(void **state) {
    (void)state;
    iad_arena arena = {0};
    const char *kept[300];
    for (int i = 0; i < 300; i++) {
        char text[200];
        int n = snprintf(text, sizeof text, "%0*d", 1 + i % 150, i);
        kept[i] = iad_arena_strn(&arena, text, (size_t)n);
        if (i % 50 == 0) {
            char *big = iad_arena_take(&arena, 100000);
            assert_non_null(big);
            memset(big, 'x', 100000);
        }
    }
    for (int i = 0; i < 300; i++) {
        char text[200];
        snprintf(text, sizeof text, "%0*d", 1 + i % 150, i);
        assert_string_equal(kept[i], text);
    }
    assert_null(iad_arena_take(&arena, SIZE_MAX));
    assert_null(iad_arena_str(&arena, NULL));
    iad_arena_deinit(&arena);
    iad_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dataset), cmocka_unit_test(test_category),
                                       cmocka_unit_test(test_image),   cmocka_unit_test(test_task),
                                       cmocka_unit_test(test_labels),  cmocka_unit_test(test_arena)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
