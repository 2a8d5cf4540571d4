/* The odd one of a group: sizes, places, shares, who may stand beside whom (synth-data 3.1, test 9). */
#include "tests/unit/synth/taskpool_fixture.h"

typedef struct outlier_world {
    iad_manifest *m;
    iad_templates *templates;
    iad_task_pool pool;
    tasks_kept kept;
} outlier_world;

static int open_world(void **state) {
    iad_err err = IAD_ERR_NONE;
    outlier_world *w = iad_calloc(1, sizeof *w);
    w->m = fixture_open();
    int64_t dataset = fixture_dataset(w->m, "set", "list", "");
    int64_t category = tasks_category(w->m, dataset, "gear", (tasks_shape){.good = 20, .real = 20, .per_good = 3, .null_edits = 3, .test = 6});
    assert_ok(iad_templates_load(NULL, &w->templates, &err));
    tasks_pool(w->m, category, &w->pool);
    iad_task_options options = tasks_options(w->templates, 120);
    tasks_make(&iad_maker_outlier, w->m, &w->pool, &options, &w->kept);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    outlier_world *w = *state;
    tasks_forget(&w->kept);
    iad_task_pool_deinit(&w->pool);
    iad_templates_free(w->templates);
    iad_manifest_close(w->m);
    free(w);
    return 0;
}

/* Place of the anomalous picture, -1 for none; fails when there are several. */
static int place_of_outlier(const outlier_world *w, const iad_task_row *row) {
    int at = -1;
    for (size_t i = 0; i < row->n_images; i++) {
        if (!tasks_item(&w->pool, &row->images[i])->anomalous) continue;
        assert_int_equal(at, -1);
        at = (int)i;
    }
    return at;
}

static void test_rules(void **state) {
    const outlier_world *w = *state;
    assert_in_range(w->kept.n, 10000, 100000);
    for (size_t i = 0; i < w->kept.n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        tasks_check_row(&w->pool, row);
        assert_string_equal(row->task, "s2_outlier");
        assert_int_equal(row->stage, 2);
        assert_int_equal(row->query_pos, -1);
        assert_int_equal(strncmp(row->external_id, "outlier/", 8), 0);
        assert_non_null(strstr(row->question, "1"));
        for (size_t k = 0; k < row->n_images; k++) {
            assert_string_equal(row->images[k].role, "group");
            for (size_t j = 0; j < k; j++) assert_ptr_not_equal(tasks_item(&w->pool, &row->images[k]), tasks_item(&w->pool, &row->images[j]));
            for (size_t j = 0; j < k; j++) assert_string_not_equal(row->images[k].jitter, row->images[j].jitter);
        }
    }
}

/* Numbers in the answer's text: the first one, 0 when there is none. */
static int first_number(const char *text) {
    while (*text && (*text < '0' || *text > '9')) text++;
    return *text ? (int)strtol(text, NULL, 10) : 0;
}

static void test_answers(void **state) {
    const outlier_world *w = *state;
    for (size_t i = 0; i < w->kept.n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        int at = place_of_outlier(w, row);
        if (first_number(row->answer) != at + 1) fail_msg("outlier at %d, answer: %s", at + 1, row->answer);
        if (row->answer[0] == '{') {
            char want[40];
            if (at < 0) snprintf(want, sizeof want, "{\"outlier\": null}");
            else snprintf(want, sizeof want, "{\"outlier\": %d}", at + 1);
            assert_string_equal(row->answer, want);
        }
    }
}

static void test_shares(void **state) {
    const outlier_world *w = *state;
    size_t sizes[6] = {0}, places[6][6] = {{0}}, none = 0, json = 0, real = 0, synthetic = 0, own = 0;
    for (size_t i = 0; i < w->kept.n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        int at = place_of_outlier(w, row);
        assert_in_range(row->n_images, 3, 5);
        sizes[row->n_images]++;
        json += row->answer[0] == '{';
        if (at < 0) {
            none++;
            continue;
        }
        places[row->n_images][at]++;
        const iad_pool_item *outlier = tasks_item(&w->pool, &row->images[at]);
        if (!outlier->synth_id) {
            real++;
            continue;
        }
        synthetic++;
        for (size_t k = 0; k < row->n_images; k++) own += row->images[k].image_id == outlier->original;
    }
    const size_t n = w->kept.n;
    assert_true(tasks_sigmas(none, n, 0.15) < 4);
    assert_true(tasks_sigmas(sizes[3], n, 0.4) < 4);
    assert_true(tasks_sigmas(sizes[4], n, 0.4) < 4);
    assert_true(tasks_sigmas(sizes[5], n, 0.2) < 4);
    assert_true(tasks_sigmas(json, n, 1.0 / 3) < 4);
    assert_true(tasks_sigmas(own, synthetic, 0.2) < 4); /* the original is left out in 80 % */
    assert_true(tasks_sigmas(real, real + synthetic, 0.5) < 4);
    /* chi square of the outlier's place, 99.9 % quantiles for 2, 3, 4 degrees of freedom */
    static const double limits[6] = {0, 0, 0, 13.82, 16.27, 18.47};
    for (size_t size = 3; size <= 5; size++) {
        double total = 0, chi = 0;
        for (size_t k = 0; k < size; k++) total += (double)places[size][k];
        for (size_t k = 0; k < size; k++) {
            double d = (double)places[size][k] - total / (double)size;
            chi += d * d / (total / (double)size);
        }
        if (chi > limits[size]) fail_msg("groups of %zu: chi square %.2f", size, chi);
    }
}

/* Options do what they say; further pictures of the same leads change none of the records' answers. */
static void test_options(void **state) {
    const outlier_world *w = *state;
    tasks_kept kept;
    iad_task_options options = tasks_options(w->templates, 10);
    options.none_share = 1;
    options.original_share = 1;
    options.codec_jitter = 0;
    tasks_make(&iad_maker_outlier, w->m, &w->pool, &options, &kept);
    assert_true(kept.n > 500);
    for (size_t i = 0; i < kept.n; i++) {
        assert_int_equal(place_of_outlier(w, &kept.rows[i]), -1);
        assert_null(strstr(kept.rows[i].images[0].jitter, "\"q\":8"));
        assert_null(strstr(kept.rows[i].images[0].jitter, "\"q\":9"));
    }
    tasks_forget(&kept);
    options.none_share = 0;
    tasks_make(&iad_maker_outlier, w->m, &w->pool, &options, &kept);
    for (size_t i = 0; i < kept.n; i++) {
        int at = place_of_outlier(w, &kept.rows[i]), own = 0;
        assert_true(at >= 0);
        const iad_pool_item *outlier = tasks_item(&w->pool, &kept.rows[i].images[at]);
        for (size_t k = 0; k < kept.rows[i].n_images; k++) own += kept.rows[i].images[k].image_id == outlier->original && (int)k != at;
        assert_int_equal(own, outlier->synth_id != 0);
    }
    tasks_forget(&kept);
}

static void test_same_again(void **state) {
    const outlier_world *w = *state;
    tasks_kept kept;
    iad_task_options options = tasks_options(w->templates, 120);
    tasks_make(&iad_maker_outlier, w->m, &w->pool, &options, &kept);
    assert_int_equal(kept.n, w->kept.n);
    for (size_t i = 0; i < kept.n; i++) {
        assert_string_equal(kept.rows[i].external_id, w->kept.rows[i].external_id);
        assert_string_equal(kept.rows[i].question, w->kept.rows[i].question);
        assert_string_equal(kept.rows[i].answer, w->kept.rows[i].answer);
    }
    tasks_forget(&kept);
    options.seed = 2;
    tasks_make(&iad_maker_outlier, w->m, &w->pool, &options, &kept);
    assert_string_not_equal(kept.rows[0].external_id, w->kept.rows[0].external_id);
    tasks_forget(&kept);
}

static void test_too_few(void **state) {
    const outlier_world *w = *state;
    int64_t dataset = fixture_dataset(w->m, "few", "list", "");
    int64_t category = tasks_category(w->m, dataset, "thing", (tasks_shape){.good = 1, .real = 2});
    iad_task_pool pool;
    tasks_kept kept;
    tasks_pool(w->m, category, &pool);
    iad_task_options options = tasks_options(w->templates, 5);
    tasks_make(&iad_maker_outlier, w->m, &pool, &options, &kept);
    assert_int_equal(kept.n, 0);
    assert_true(kept.skipped > 4);
    assert_string_equal(kept.last_reason, "too few good pictures");
    tasks_forget(&kept);
    iad_task_pool_deinit(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules),   cmocka_unit_test(test_answers),    cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_options), cmocka_unit_test(test_same_again), cmocka_unit_test(test_too_few)};
    return cmocka_run_group_tests(tests, open_world, close_world);
}
