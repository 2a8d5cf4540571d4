/* Records of stage 3: Yes and No even, the canonical prompt as inference has it, spans, references; replay. */
#include "base/json.h"
#include "manifests/canonical.h"
#include "tests/unit/synth/taskpool_fixture.h"

typedef struct stage3_world {
    iad_manifest *m;
    iad_templates *templates;
    iad_task_pool pool;
    tasks_kept detect, localise, reason;
} stage3_world;

static int open_world(void **state) {
    iad_err err = IAD_ERR_NONE;
    stage3_world *w = iad_calloc(1, sizeof *w);
    w->m = fixture_open();
    int64_t dataset = fixture_dataset(w->m, "set", "list", "");
    int64_t category = tasks_category(w->m, dataset, "gear", (tasks_shape){.good = 20, .real = 20, .per_good = 3, .null_edits = 3, .test = 6});
    assert_ok(iad_templates_load(NULL, &w->templates, &err));
    tasks_pool(w->m, category, &w->pool);
    iad_task_options options = tasks_options(w->templates, 40);
    tasks_make(&iad_maker_detect, w->m, &w->pool, &options, &w->detect);
    tasks_make(&iad_maker_localise, w->m, &w->pool, &options, &w->localise);
    tasks_make(&iad_maker_reason, w->m, &w->pool, &options, &w->reason);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    stage3_world *w = *state;
    tasks_forget(&w->detect);
    tasks_forget(&w->localise);
    tasks_forget(&w->reason);
    iad_task_pool_deinit(&w->pool);
    iad_templates_free(w->templates);
    iad_manifest_close(w->m);
    free(w);
    return 0;
}

/* What every few-shot record keeps to. Returns the query. */
static const iad_pool_item *check_shots(const stage3_world *w, const iad_task_row *row) {
    tasks_check_row(&w->pool, row);
    assert_int_equal(row->stage, 3);
    assert_true(row->shots == 1 || row->shots == 2 || row->shots == 4);
    assert_int_equal(row->n_images, (size_t)row->shots + 1);
    assert_int_equal(row->query_pos, row->shots);
    const iad_pool_item *query = tasks_item(&w->pool, &row->images[row->shots]);
    assert_string_equal(row->images[row->shots].role, "query");
    for (int i = 0; i < row->shots; i++) {
        const iad_pool_item *ref = tasks_item(&w->pool, &row->images[i]);
        assert_string_equal(row->images[i].role, "ref");
        assert_false(ref->anomalous || ref->test);
        assert_true(ref->exemplar_ok && ref->original != query->original);
    }
    for (int i = 0; i <= row->shots; i++)
        assert_int_equal(strncmp(row->question + 7 * i, "<image>", 7), 0); /* nothing between, as the runtime's prompt */
    assert_int_not_equal(row->question[7 * (row->shots + 1)], '<');
    assert_true(query->anomalous || row->mask_id == 0);
    return query;
}

/* Each span says its word, behind the last image. */
static size_t check_spans(const iad_task_row *row, const char *spans) {
    json_t *list = json_loads(spans, 0, NULL);
    assert_non_null(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        size_t start = (size_t)json_integer_value(json_array_get(one, 0)), end = (size_t)json_integer_value(json_array_get(one, 1));
        const char *word = json_string_value(json_array_get(one, 2));
        assert_true(start >= 7 * ((size_t)row->shots + 1) && end <= strlen(row->question));
        assert_int_equal(end - start, strlen(word));
        assert_memory_equal(row->question + start, word, end - start);
    }
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

static void test_detect(void **state) {
    const stage3_world *w = *state;
    int yes[5] = {0}, no[5] = {0}, canonical = 0, bare = 0;
    assert_in_range(w->detect.n, 3000, 100000);
    for (size_t i = 0; i < w->detect.n; i++) {
        const iad_task_row *row = &w->detect.rows[i];
        const iad_pool_item *query = check_shots(w, row);
        assert_string_equal(row->yes_means, "normal");
        assert_int_equal(strncmp(row->answer, query->anomalous ? "No" : "Yes", query->anomalous ? 2 : 3), 0);
        (query->anomalous ? no : yes)[row->shots]++;
        bare += strcmp(row->answer, "Yes.") == 0 || strcmp(row->answer, "No.") == 0;
        const char *text = row->question + 7 * (row->shots + 1);
        if (strcmp(text, IAD_CANONICAL_QUESTION) == 0) {
            canonical++;
            assert_int_equal(check_spans(row, row->anomaly_spans), 2);
            assert_int_equal(check_spans(row, row->normal_spans), 1);
        }
        assert_true(check_spans(row, row->anomaly_spans) >= 1 && check_spans(row, row->normal_spans) >= 1);
    }
    for (int k = 1; k <= 4; k *= 2) assert_true(yes[k] == no[k] && yes[k] > 300);
    double n = (double)w->detect.n;
    assert_close(canonical / n, 0.5, 0.03);
    assert_close(bare / n, 0.5, 0.03);
    assert_close(2.0 * yes[1] / n, 0.4, 0.03);
}

static void test_localise(void **state) {
    const stage3_world *w = *state;
    size_t good = 0;
    assert_in_range(w->localise.n, 1000, 100000);
    for (size_t i = 0; i < w->localise.n; i++) {
        const iad_task_row *row = &w->localise.rows[i];
        const iad_pool_item *query = check_shots(w, row);
        good += !query->anomalous;
        if (query->anomalous) assert_int_not_equal(row->mask_id, 0);
        else assert_true(strstr(row->answer, "<box:") == NULL);
        assert_true(check_spans(row, row->anomaly_spans) >= 1 && check_spans(row, row->normal_spans) >= 1);
    }
    assert_close((double)good / (double)w->localise.n, 0.25, 0.03);
}

static void test_reason(void **state) {
    const stage3_world *w = *state;
    assert_in_range(w->reason.n, 800, 100000);
    for (size_t i = 0; i < w->reason.n; i++) {
        const iad_task_row *row = &w->reason.rows[i];
        check_shots(w, row);
        assert_true(strlen(row->answer) > 1 && !strchr(row->answer, '{'));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_detect, open_world, close_world),
                                       cmocka_unit_test_setup_teardown(test_localise, open_world, close_world),
                                       cmocka_unit_test_setup_teardown(test_reason, open_world, close_world)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
