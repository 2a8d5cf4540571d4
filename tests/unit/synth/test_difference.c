/* Pairs of pictures: mixes, places, boxes that are right and boxes that are free, even answers (synth-data 3.2). */
#include "synth/recipe/jitter.h"
#include "synth/task/boxslots.h"
#include "tests/unit/synth/taskpool_fixture.h"

typedef struct difference_world {
    iad_manifest *m;
    iad_templates *templates;
    iad_task_pool pool;
    tasks_kept kept;
} difference_world;

static int open_world(void **state) {
    iad_err err = IAD_ERR_NONE;
    difference_world *w = iad_calloc(1, sizeof *w);
    w->m = fixture_open();
    int64_t dataset = fixture_dataset(w->m, "set", "list", "");
    int64_t category = tasks_category(w->m, dataset, "gear", (tasks_shape){.good = 20, .real = 20, .per_good = 3, .test = 6});
    assert_ok(iad_templates_load(NULL, &w->templates, &err));
    tasks_pool(w->m, category, &w->pool);
    iad_task_options options = tasks_options(w->templates, 120);
    tasks_make(&iad_maker_difference, w->m, &w->pool, &options, &w->kept);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    difference_world *w = *state;
    tasks_forget(&w->kept);
    iad_task_pool_deinit(&w->pool);
    iad_templates_free(w->templates);
    iad_manifest_close(w->m);
    free(w);
    return 0;
}

static const iad_pool_item *query_of(const difference_world *w, const iad_task_row *row) {
    return tasks_item(&w->pool, &row->images[row->query_pos]);
}

static const iad_pool_item *reference_of(const difference_world *w, const iad_task_row *row) {
    return tasks_item(&w->pool, &row->images[1 - row->query_pos]);
}

static int overlap(const int *box, const iad_region *r) {
    return box[0] < r->x1 && r->x0 < box[2] && box[1] < r->y1 && r->y0 < box[3];
}

static int free_of_regions(const int *box, const iad_pool_item *item) {
    for (int i = 0; i < item->regions.n; i++)
        if (overlap(box, &item->regions.items[i])) return 0;
    return 1;
}

/* 1 when the box is one region's box, moved out by at most 20 % and a pixel. */
static int is_inflated(const int *box, const iad_pool_item *item) {
    for (int i = 0; i < item->regions.n; i++) {
        const iad_region *r = &item->regions.items[i];
        int w = r->x1 - r->x0, h = r->y1 - r->y0;
        if (box[0] > r->x0 || box[1] > r->y0 || box[2] < r->x1 || box[3] < r->y1) continue;
        if (box[2] - box[0] <= w + w / 5 + 3 && box[3] - box[1] <= h + h / 5 + 3 && (box[2] - box[0] > w || box[2] == TASKS_WIDTH || box[0] == 0))
            return 1;
    }
    return 0;
}

static void parse_boxes(const iad_task_row *row, const iad_pool_item *query, iad_box_slots *slots) {
    iad_err err = IAD_ERR_NONE;
    size_t order[64], n;
    assert_ok(iad_box_slots_parse(row->boxes, slots, &err));
    assert_ok(iad_box_slots_order(row->question, slots->n, order, 64, &n, &err));
    assert_ok(iad_box_slots_order(row->answer, slots->n, order, 64, &n, &err));
    for (size_t i = 0; i < slots->n; i++) {
        assert_int_equal(slots->items[i].image, row->query_pos);
        assert_true(slots->items[i].box[2] <= query->width && slots->items[i].box[3] <= query->height);
    }
}

static void test_rules(void **state) {
    const difference_world *w = *state;
    iad_err err = IAD_ERR_NONE;
    assert_in_range(w->kept.n, 8000, 100000);
    for (size_t i = 0; i < w->kept.n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        tasks_check_row(&w->pool, row);
        assert_int_equal(row->n_images, 2);
        assert_int_equal(strncmp(row->task, "s2_diff_", 8), 0);
        assert_string_equal(row->images[1 - row->query_pos].role, "ref");
        assert_false(reference_of(w, row)->anomalous);
        /* The text says which one is the standard: at least its number occurs. */
        char number[2] = {(char)('1' + (1 - row->query_pos)), 0};
        const char *question = strstr(strstr(row->question, "<image>") + 1, "<image>");
        assert_non_null(strstr(question, number));
        assert_string_not_equal(row->images[0].jitter, row->images[1].jitter);
        /* Only a reference without mask is moved, and only beside its own defect or itself. */
        iad_jitter jitter;
        assert_ok(iad_jitter_parse(row->images[row->query_pos].jitter, &jitter, &err));
        assert_true(jitter.dx == 0 && jitter.dy == 0 && jitter.rotation == 0);
        assert_ok(iad_jitter_parse(row->images[1 - row->query_pos].jitter, &jitter, &err));
        if (query_of(w, row)->original != reference_of(w, row)->original) assert_true(jitter.dx == 0 && jitter.dy == 0 && jitter.rotation == 0);
        assert_true(jitter.dx >= -10000 && jitter.dx <= 10000 && jitter.rotation >= -2000 && jitter.rotation <= 2000);
        assert_int_equal(row->mask_id != 0, row->mask_id && query_of(w, row)->anomalous);
    }
}

static void test_mix(void **state) {
    const difference_world *w = *state;
    size_t n = w->kept.n, same = 0, first = 0, real = 0, aligned = 0, unaligned = 0, find = 0, verify = 0, choose = 0;
    for (size_t i = 0; i < n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        const iad_pool_item *query = query_of(w, row);
        first += row->query_pos == 1;
        find += strcmp(row->task, "s2_diff_find") == 0;
        verify += strcmp(row->task, "s2_diff_verify") == 0;
        choose += strcmp(row->task, "s2_diff_choose") == 0;
        if (!query->anomalous) same++;
        else if (!query->synth_id) real++;
        else if (query->original == reference_of(w, row)->original) aligned++;
        else unaligned++;
    }
    assert_true(tasks_sigmas(same, n, 0.15) < 4);
    assert_true(tasks_sigmas(first, n, 0.80) < 4);
    assert_true(tasks_sigmas(find, n, 0.40) < 4);
    assert_true(tasks_sigmas(verify, n, 0.40) < 4);
    assert_int_equal(find + verify + choose, n);
    size_t different = n - same;
    assert_true(tasks_sigmas(real, different, 0.35) < 5);
    assert_true(tasks_sigmas(aligned, different, 0.30) < 5);
    assert_true(tasks_sigmas(unaligned, different, 0.35) < 5);
}

static void test_verify(void **state) {
    const difference_world *w = *state;
    size_t n = 0, different = 0;
    for (size_t i = 0; i < w->kept.n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        if (strcmp(row->task, "s2_diff_verify") != 0) continue;
        const iad_pool_item *query = query_of(w, row);
        iad_box_slots slots;
        parse_boxes(row, query, &slots);
        assert_int_equal(slots.n, 1);
        assert_non_null(strstr(row->question, "<box:0>"));
        assert_non_null(row->yes_means);
        int says_yes = strncmp(row->answer, "Yes", 3) == 0 || strncmp(row->answer, "\xe6\x98\xaf", 3) == 0;
        int says_different = strcmp(row->yes_means, "normal") == 0 ? !says_yes : says_yes;
        const int *box = slots.items[0].box;
        if (says_different) assert_true(query->anomalous && is_inflated(box, query));
        else assert_true(!query->anomalous || free_of_regions(box, query));
        n++;
        different += (size_t)says_different;
    }
    assert_true(n > 1000);
    assert_true(tasks_sigmas(different, n, 0.5) < 4);
}

static void test_choose(void **state) {
    const difference_world *w = *state;
    size_t n = 0, letters[3] = {0};
    for (size_t i = 0; i < w->kept.n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        if (strcmp(row->task, "s2_diff_choose") != 0) continue;
        const iad_pool_item *query = query_of(w, row);
        iad_box_slots slots;
        parse_boxes(row, query, &slots);
        assert_int_equal(slots.n, 3);
        assert_true(query->anomalous);
        const char *letter = strpbrk(row->answer, "ABC");
        assert_non_null(letter);
        int truth = *letter - 'A';
        letters[truth]++;
        for (int k = 0; k < 3; k++) {
            const int *box = slots.items[k].box;
            if (k == truth) assert_true(is_inflated(box, query));
            else assert_true(free_of_regions(box, query));
            for (int j = 0; j < k; j++) {
                const int *other = slots.items[j].box;
                assert_false(box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
                if (j != truth && k != truth) assert_int_equal(box[2] - box[0], other[2] - other[0]);
            }
        }
        n++;
    }
    assert_true(n > 1000);
    for (int k = 0; k < 3; k++) assert_true(tasks_sigmas(letters[k], n, 1.0 / 3) < 4);
}

static void test_find(void **state) {
    const difference_world *w = *state;
    size_t n = 0, boxes = 0, only_words = 0, both = 0;
    for (size_t i = 0; i < w->kept.n; i++) {
        const iad_task_row *row = &w->kept.rows[i];
        if (strcmp(row->task, "s2_diff_find") != 0) continue;
        const iad_pool_item *query = query_of(w, row);
        iad_box_slots slots;
        parse_boxes(row, query, &slots);
        if (!query->anomalous) {
            assert_null(row->boxes);
            assert_null(strstr(row->answer, "bbox_2d"));
            continue;
        }
        n++;
        const char *list = strstr(row->answer, "[{\"bbox_2d\"");
        if (!list) only_words++;
        else if (list == row->answer) boxes++;
        else both++;
        if (!list) continue;
        assert_int_equal(slots.n, query->regions.n);
        for (size_t k = 0; k < slots.n; k++) {
            const iad_region *r = &query->regions.items[k];
            const int want[4] = {r->x0, r->y0, r->x1, r->y1};
            assert_memory_equal(slots.items[k].box, want, sizeof want);
        }
    }
    assert_true(tasks_sigmas(boxes, n, 0.6) < 4);
    assert_true(tasks_sigmas(only_words, n, 0.2) < 4);
    assert_true(tasks_sigmas(both, n, 0.2) < 4);
}

static void test_unknown_mask(void **state) {
    const difference_world *w = *state;
    int64_t dataset = fixture_dataset(w->m, "few", "list", ""), category = tasks_category(w->m, dataset, "thing", (tasks_shape){.good = 4});
    tasks_picture(w->m, dataset, category, "bad.png", "front", IAD_PART_TRAIN, IAD_LABEL_ANOMALOUS);
    iad_task_pool pool;
    tasks_kept kept;
    tasks_pool(w->m, category, &pool);
    iad_task_options options = tasks_options(w->templates, 5);
    tasks_make(&iad_maker_difference, w->m, &pool, &options, &kept);
    assert_int_equal(kept.n, 0);
    assert_int_equal(kept.skipped, 1);
    assert_string_equal(kept.last_reason, "mask unknown");
    tasks_forget(&kept);
    iad_task_pool_deinit(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules),  cmocka_unit_test(test_mix),  cmocka_unit_test(test_verify),
                                       cmocka_unit_test(test_choose), cmocka_unit_test(test_find), cmocka_unit_test(test_unknown_mask)};
    return cmocka_run_group_tests(tests, open_world, close_world);
}
