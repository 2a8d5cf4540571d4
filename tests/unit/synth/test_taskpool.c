/* The pool of one category: what is in it, what is not, groups, masks described with and without pixels. */
#include "base/rng.h"
#include "manifests/pictures.h"
#include "tests/unit/synth/taskpool_fixture.h"

static void load(iad_manifest *m, int64_t category, const char *scheme, int real, int synthetic, int eval, iad_task_pool *pool) {
    iad_err err = IAD_ERR_NONE;
    iad_task_pool_options options = {.scheme = scheme, .real = real, .synthetic = synthetic, .threads = 2, .eval = eval};
    assert_ok(iad_task_pool_load(m, category, &options, pool, &err));
}

static void test_content(void **state) {
    (void)state;
    iad_manifest *m = fixture_open();
    int64_t dataset = fixture_dataset(m, "set", "list", "");
    int64_t category = tasks_category(m, dataset, "gear", (tasks_shape){.good = 5, .real = 3, .per_good = 2, .null_edits = 2, .test = 4});
    tasks_category(m, dataset, "wood", (tasks_shape){.good = 2});
    iad_task_pool pool;
    tasks_pool(m, category, &pool);
    assert_string_equal(pool.dataset, "set");
    assert_string_equal(pool.category, "gear");
    assert_int_equal(pool.eval, 0);
    assert_int_equal(pool.n_real, 2 * (5 + 3 + 4));
    assert_int_equal(pool.n, 2 * (5 + 3 + 4) + 2 * (5 * 2 + 2));
    assert_int_equal(pool.n_unknown, 0);
    assert_int_equal(pool.n_groups, 2);
    assert_int_equal(pool.n_anomalies, 2 * (3 + 5 * 2));
    assert_int_equal(pool.n_normals, 2 * (5 + 2)); /* null edits of exemplars are good pictures too */
    size_t in_groups = 0;
    for (size_t g = 0; g < pool.n_groups; g++) {
        in_groups += pool.groups[g].n_normals;
        for (uint32_t i = 0; i < pool.groups[g].n_normals; i++) {
            const iad_pool_item *item = &pool.items[pool.normals[pool.groups[g].first_normal + i]];
            assert_int_equal(item->group, g);
            assert_string_equal(item->view, pool.groups[g].view);
            assert_false(item->anomalous || item->test || !item->exemplar_ok);
        }
    }
    assert_int_equal(in_groups, pool.n_normals);
    for (size_t i = 0; i < pool.n; i++) {
        const iad_pool_item *item = &pool.items[i];
        assert_int_equal((item->image_id != 0) + (item->synth_id != 0), 1);
        assert_int_equal(item->regions.n > 0, item->anomalous);
        const iad_pool_item *original = iad_task_pool_image(&pool, item->original);
        assert_non_null(original);
        if (item->synth_id) {
            assert_false(original->anomalous);
            assert_string_equal(original->view, item->view);
            if (i > pool.n_real) assert_true(memcmp(item->key, item[-1].key, 32) > 0);
        } else {
            assert_ptr_equal(original, item);
        }
    }
    assert_null(iad_task_pool_image(&pool, 123456));
    iad_task_pool_deinit(&pool);
    /* without real or without synthetic anomalies; with test pictures */
    load(m, category, NULL, 0, 1, 0, &pool);
    assert_int_equal(pool.n_anomalies, 2 * 10);
    iad_task_pool_deinit(&pool);
    load(m, category, NULL, 1, 0, 0, &pool);
    assert_int_equal(pool.n_anomalies, 2 * 3);
    assert_int_equal(pool.n, pool.n_real);
    iad_task_pool_deinit(&pool);
    load(m, category, NULL, 1, 0, 1, &pool);
    assert_int_equal(pool.n_anomalies, 2 * (3 + 2));
    assert_int_equal(pool.eval, 1);
    iad_task_pool_deinit(&pool);
    iad_err err = IAD_ERR_NONE;
    assert_fails(IAD_ERR_NOT_FOUND, iad_task_pool_load(m, 999, &(iad_task_pool_options){.real = 1}, &pool, &err));
    iad_task_pool_deinit(&pool);
    iad_manifest_close(m);
}

static void test_left_out(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m = fixture_open();
    int64_t dataset = fixture_dataset(m, "set", "list", "mvtec"),
            category = tasks_category(m, dataset, "gear", (tasks_shape){.good = 3, .per_good = 1});
    iad_image_row row = fixture_row(dataset, category, "broken.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    int64_t id, good = tasks_picture(m, dataset, category, "a.png", "front", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    row.bad = 1;
    row.has_pixels = 0;
    row.exemplar_ok = 0;
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    row = fixture_row(dataset, category, "double.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    row.dup_of = good;
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    tasks_recipe(m, id, 5, tasks_numbered_mask(m, 5), 20); /* a recipe of a picture that is left out */
    tasks_picture(m, dataset, category, "unknown.png", NULL, IAD_PART_TRAIN, IAD_LABEL_UNKNOWN);
    int64_t no_mask = tasks_picture(m, dataset, category, "no_mask.png", "front", IAD_PART_TRAIN, IAD_LABEL_ANOMALOUS);
    iad_task_pool pool;
    tasks_pool(m, category, &pool);
    assert_int_equal(pool.eval, 1);
    assert_int_equal(pool.n_real, 6 + 2);
    assert_int_equal(pool.n, 6 + 2 + 6);
    assert_int_equal(pool.n_unknown, 1);
    assert_int_equal(iad_task_pool_image(&pool, no_mask)->mask_id, 0);
    iad_task_pool_deinit(&pool);
    /* a named scheme: pictures without a row in it are left out; the source's test part stays one */
    int64_t test = tasks_picture(m, dataset, category, "t.png", "front", IAD_PART_TEST, IAD_LABEL_NORMAL);
    assert_ok(iad_split_put(m, good, "mine", IAD_PART_TRAIN, &err));
    assert_ok(iad_split_put(m, no_mask, "mine", IAD_PART_TEST, &err));
    assert_ok(iad_split_put(m, test, "mine", IAD_PART_TRAIN, &err));
    load(m, category, "mine", 1, 1, 0, &pool);
    assert_int_equal(pool.n, 3);
    assert_false(iad_task_pool_image(&pool, good)->test);
    assert_true(iad_task_pool_image(&pool, no_mask)->test);
    assert_true(iad_task_pool_image(&pool, test)->test);
    iad_task_pool_deinit(&pool);
    iad_manifest_close(m);
}

/* A recipe with a test picture in it is one of the test part. */
static void test_foreign_test_picture(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m = fixture_open();
    int64_t dataset = fixture_dataset(m, "set", "list", ""), category = tasks_category(m, dataset, "gear", (tasks_shape){.good = 3});
    int64_t good = tasks_picture(m, dataset, category, "a.png", "front", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    int64_t test = tasks_picture(m, dataset, category, "t.png", "front", IAD_PART_TEST, IAD_LABEL_NORMAL);
    int64_t clean = tasks_recipe(m, good, 1, tasks_numbered_mask(m, 1), 20), leak = tasks_recipe(m, good, 2, tasks_numbered_mask(m, 2), 20);
    iad_query q;
    assert_ok(iad_query_open(&q, m, "synth", "UPDATE synth SET tex_image=? WHERE id=?", &err));
    iad_query_i64(&q, test);
    iad_query_i64(&q, leak);
    assert_ok(iad_query_run(&q, NULL, &err));
    iad_task_pool pool;
    tasks_pool(m, category, &pool);
    assert_int_equal(pool.n_anomalies, 1);
    assert_int_equal(pool.items[pool.anomalies[0]].synth_id, clean);
    iad_task_pool_deinit(&pool);
    iad_manifest_close(m);
}

static void assert_same_regions(const iad_regions *a, const iad_regions *b) {
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->area, b->area);
    for (int i = 0; i < a->n; i++) {
        const iad_region *x = &a->items[i], *y = &b->items[i];
        if (x->x0 != y->x0 || x->y0 != y->y0 || x->x1 != y->x1 || x->y1 != y->y1 || x->area != y->area || x->cell != y->cell)
            fail_msg("region %d: %d,%d,%d,%d area %lld cell %d, by pixels %d,%d,%d,%d area %lld cell %d", i, x->x0, x->y0, x->x1, x->y1,
                     (long long)x->area, x->cell, y->x0, y->y0, y->x1, y->y1, (long long)y->area, y->cell);
    }
}

/* Masks of all kinds: the pool says what the pixels say, whichever way it took. */
static void test_masks(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m = fixture_open();
    int64_t dataset = fixture_dataset(m, "set", "list", ""), category = tasks_category(m, dataset, "gear", (tasks_shape){0});
    int64_t ids[300], masks[300];
    iad_rng rng;
    iad_rng_init(&rng, 4, 0);
    for (int i = 0; i < 300; i++) {
        char path[40];
        snprintf(path, sizeof path, "bad/%03d.png", i);
        ids[i] = tasks_picture(m, dataset, category, path, NULL, IAD_PART_TRAIN, IAD_LABEL_ANOMALOUS);
        if (i % 10 == 9) { /* shared with the one before */
            masks[i] = masks[i - 1];
        } else {
            tasks_rect rects[4];
            size_t n = i % 3 ? 1 : 1 + iad_rng_below(&rng, 4);
            for (size_t k = 0; k < n; k++) {
                int w = iad_rng_int(&rng, 1, i % 7 == 0 ? 120 : 30), h = iad_rng_int(&rng, 1, 30);
                int x = (int)iad_rng_below(&rng, (uint32_t)(TASKS_WIDTH - w + 1)), y = (int)iad_rng_below(&rng, (uint32_t)(TASKS_HEIGHT - h + 1));
                rects[k] = (tasks_rect){x, y, x + w, y + h};
            }
            masks[i] = tasks_mask(m, TASKS_WIDTH, TASKS_HEIGHT, rects, n);
        }
        assert_ok(iad_image_mask_put(m, ids[i], masks[i], "gt", &err));
    }
    assert_ok(iad_image_mask_put(m, ids[0], masks[40], "gt", &err)); /* one with two masks */
    iad_task_pool pool;
    tasks_pool(m, category, &pool);
    for (int i = 0; i < 300; i++) {
        const iad_pool_item *item = iad_task_pool_image(&pool, ids[i]);
        iad_image mask;
        iad_regions regions;
        assert_int_equal(item->several_masks, i == 0);
        assert_ok(iad_image_mask(m, ids[i], &mask, NULL, &err));
        assert_ok(iad_regions_of_mask(&mask, &regions, &err));
        assert_same_regions(&item->regions, &regions);
        iad_image_deinit(&mask);
    }
    iad_task_pool_deinit(&pool);
    /* a mask of another size is named */
    const tasks_rect rect = {1, 1, 9, 9};
    int64_t id = tasks_picture(m, dataset, category, "odd.png", NULL, IAD_PART_TRAIN, IAD_LABEL_ANOMALOUS);
    assert_ok(iad_image_mask_put(m, id, tasks_mask(m, 20, 30, &rect, 1), "gt", &err));
    assert_fails(IAD_ERR_FORMAT, iad_task_pool_load(m, category, &(iad_task_pool_options){.real = 1}, &pool, &err));
    assert_non_null(strstr(err.msg, "20x30"));
    assert_non_null(strstr(err.msg, "set/gear"));
    iad_task_pool_deinit(&pool);
    iad_manifest_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_content), cmocka_unit_test(test_left_out), cmocka_unit_test(test_foreign_test_picture),
                                       cmocka_unit_test(test_masks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
