/* Irregular regions in one picture: who may be shown, shares, boxes (synth-data 3.3). */
#include "synth/task/boxslots.h"
#include "tests/unit/synth/taskpool_fixture.h"

static void test_irregular(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m = fixture_open();
    iad_templates *templates;
    iad_task_pool pool;
    tasks_kept kept;
    int64_t dataset = fixture_dataset(m, "set", "list", "");
    int64_t category = tasks_category(m, dataset, "gear", (tasks_shape){.good = 20, .real = 20, .per_good = 3, .null_edits = 2, .test = 6});
    assert_ok(iad_templates_load(NULL, &templates, &err));
    tasks_pool(m, category, &pool);
    iad_task_options options = tasks_options(templates, 120);
    tasks_make(&iad_maker_irregular, m, &pool, &options, &kept);
    size_t n = kept.n, good = 0, lists = 0, labelled = 0, faint = 0;
    assert_in_range(n, 5000, 100000);
    for (size_t i = 0; i < n; i++) {
        const iad_task_row *row = &kept.rows[i];
        const iad_pool_item *item = tasks_item(&pool, &row->images[0]);
        iad_box_slots slots;
        size_t order[64], named;
        tasks_check_row(&pool, row);
        assert_string_equal(row->task, "s2_irregular");
        assert_int_equal(row->n_images, 1);
        assert_int_equal(row->query_pos, 0);
        assert_ok(iad_box_slots_parse(row->boxes, &slots, &err));
        assert_ok(iad_box_slots_order(row->answer, slots.n, order, 64, &named, &err));
        assert_int_equal(named, slots.n);
        if (!item->anomalous) {
            good++;
            assert_int_equal(slots.n, 0);
            assert_int_equal(row->mask_id, 0);
            continue;
        }
        assert_true(!item->synth_id || item->delta_mean >= 10);
        assert_int_equal(row->mask_id, item->mask_id);
        if (slots.n == 0) continue;
        assert_int_equal(slots.n, item->regions.n);
        lists++;
        int with_label = slots.items[0].label[0] != 0;
        labelled += (size_t)with_label;
        assert_int_equal(strstr(row->answer, "\"label\"") != NULL, with_label);
    }
    for (size_t i = 0; i < pool.n_anomalies; i++) {
        const iad_pool_item *item = &pool.items[pool.anomalies[i]];
        faint += item->synth_id && item->delta_mean < 10;
    }
    assert_int_equal(kept.skipped, faint);
    assert_true(tasks_sigmas(good, n, 0.25) < 4);
    assert_true(tasks_sigmas(labelled, lists, 0.5) < 4);
    assert_true(tasks_sigmas(lists, n - good, 0.8) < 4);
    tasks_forget(&kept);
    /* logical anomalies show only beside a reference */
    pool.kind = "logical";
    tasks_make(&iad_maker_irregular, m, &pool, &options, &kept);
    assert_int_equal(kept.n, 0);
    assert_int_equal(kept.skipped, pool.n_anomalies);
    tasks_forget(&kept);
    iad_task_pool_deinit(&pool);
    iad_templates_free(templates);
    iad_manifest_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_irregular)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
