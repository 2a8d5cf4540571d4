/* Image-text pairs: one for every caption, none without. */
#include "tests/unit/synth/taskpool_fixture.h"

static void add_caption(iad_manifest *m, int64_t image, const char *aspect, const char *lang, const char *text) {
    iad_err err = IAD_ERR_NONE;
    int64_t id;
    iad_caption_row row = {.image_id = image, .aspect = aspect, .lang = lang, .text = text};
    assert_ok(iad_caption_put(m, &row, &id, &err));
}

static void test_caption(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m = fixture_open();
    iad_templates *templates;
    iad_task_pool pool;
    tasks_kept kept, more;
    int64_t dataset = fixture_dataset(m, "set", "list", ""), category = tasks_category(m, dataset, "gear", (tasks_shape){0});
    int64_t one = tasks_picture(m, dataset, category, "a.png", NULL, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    int64_t two = tasks_picture(m, dataset, category, "b.png", NULL, IAD_PART_TRAIN, IAD_LABEL_UNKNOWN); /* as web pictures are */
    tasks_picture(m, dataset, category, "c.png", NULL, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    int64_t test = tasks_picture(m, dataset, category, "d.png", NULL, IAD_PART_TEST, IAD_LABEL_NORMAL);
    add_caption(m, one, "overall", "en", "A steel gear with twelve teeth.");
    add_caption(m, one, "material", "zh", "\xe9\x92\xa2");
    add_caption(m, two, "surface", "en", "Matt, brushed.");
    add_caption(m, two, "surface", "en", "A trap: <image>");
    add_caption(m, test, "overall", "en", "Not for training.");
    assert_ok(iad_templates_load(NULL, &templates, &err));
    tasks_pool(m, category, &pool);
    iad_task_options options = tasks_options(templates, 0); /* the number follows from the captions alone */
    tasks_make(&iad_maker_caption, m, &pool, &options, &kept);
    assert_int_equal(kept.n, 3);
    assert_int_equal(kept.skipped, 3); /* c.png has none, the trap, the test picture */
    for (size_t i = 0; i < kept.n; i++) {
        const iad_task_row *row = &kept.rows[i];
        assert_int_equal(row->stage, 1);
        assert_string_equal(row->task, "s1_caption");
        assert_int_equal(strncmp(row->question, "<image>\n", 8), 0);
        assert_true(strlen(row->question) > 12);
        assert_int_equal(row->query_pos, 0);
        assert_string_equal(row->part, "train");
        assert_int_equal(strncmp(row->external_id, "caption/", 8), 0);
    }
    assert_string_equal(kept.rows[0].answer, "\xe9\x92\xa2"); /* aspects by name */
    assert_string_equal(kept.rows[1].answer, "A steel gear with twelve teeth.");
    assert_string_equal(kept.rows[2].answer, "Matt, brushed.");
    assert_int_equal(kept.rows[2].images[0].image_id, two);
    /* a further caption changes no other record */
    add_caption(m, one, "defect", "en", "None.");
    tasks_make(&iad_maker_caption, m, &pool, &options, &more);
    assert_int_equal(more.n, 4);
    size_t same = 0;
    for (size_t i = 0; i < more.n; i++)
        for (size_t k = 0; k < kept.n; k++)
            same += strcmp(more.rows[i].external_id, kept.rows[k].external_id) == 0 && strcmp(more.rows[i].question, kept.rows[k].question) == 0;
    assert_int_equal(same, 3);
    tasks_forget(&kept);
    tasks_forget(&more);
    iad_task_pool_deinit(&pool);
    iad_templates_free(templates);
    iad_manifest_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_caption)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
