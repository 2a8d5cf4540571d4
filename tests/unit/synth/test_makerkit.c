/* What makers share: seeds, how many records, who may stand beside whom, words. */
#include "tests/unit/iad_test.h"

#include "synth/task/taskmaker.h"

/* Items 0..39: light A 0..29, light B 30..39; 0 and 1 are one object; 39 is anomalous, made from 5. */
typedef struct world {
    iad_pool_item items[40];
    uint32_t normals[39];
    iad_pool_group groups[2];
    iad_task_pool pool;
} world;

static void build(world *w) {
    memset(w, 0, sizeof *w);
    for (uint32_t i = 0; i < 40; i++) {
        w->items[i] =
            (iad_pool_item){.image_id = i + 1, .original = i + 1, .exemplar_ok = 1, .view = "top", .light = i < 30 ? "A" : "B", .group = i >= 30};
        w->items[i].key[0] = (uint8_t)i;
        w->items[i].key[31] = 7;
        if (i < 39) w->normals[i] = i;
    }
    w->items[0].object_key = w->items[1].object_key = "piece";
    w->items[39] = (iad_pool_item){.synth_id = 9, .original = 6, .anomalous = 1, .view = "top", .light = "A", .key = {200}};
    w->groups[0] = (iad_pool_group){"top", "A", 0, 30};
    w->groups[1] = (iad_pool_group){"top", "B", 30, 9};
    w->pool = (iad_task_pool){.items = w->items, .n = 40, .groups = w->groups, .n_groups = 2, .normals = w->normals, .n_normals = 39};
}

static void test_seeds(void **state) {
    (void)state;
    world w;
    build(&w);
    uint64_t first = iad_task_seed(1, "outlier", &w.items[3], 0);
    assert_true(first == iad_task_seed(1, "outlier", &w.items[3], 0));
    assert_true(first != iad_task_seed(2, "outlier", &w.items[3], 0));
    assert_true(first != iad_task_seed(1, "detect", &w.items[3], 0));
    assert_true(first != iad_task_seed(1, "outlier", &w.items[4], 0));
    assert_true(first != iad_task_seed(1, "outlier", &w.items[3], 1));
    /* identity is the key alone: another manifest, other numbers */
    iad_pool_item moved = w.items[3];
    moved.image_id = moved.original = 999;
    moved.group = 1;
    assert_true(first == iad_task_seed(1, "outlier", &moved, 0));
}

static void test_normals(void **state) {
    (void)state;
    world w;
    build(&w);
    const iad_pool_item *out[40];
    size_t hits[40] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        iad_rng rng;
        iad_rng_init(&rng, seed, 0);
        assert_int_equal(iad_draw_normals(&w.pool, &w.items[39], &rng, 0, 4, out), 4);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(out[i]->group, 0);
            assert_int_not_equal(out[i]->original, 6);
            for (int k = 0; k < i; k++) assert_ptr_not_equal(out[i], out[k]);
            hits[out[i] - w.items]++;
        }
    }
    for (int i = 0; i < 30; i++) /* 16000 / 29 = 552 each, six deviations are 140 */
        if (i != 5) assert_in_range(hits[i], 412, 692);
    assert_int_equal(hits[5], 0);
    iad_rng rng;
    iad_rng_init(&rng, 1, 0);
    size_t n = iad_draw_normals(&w.pool, &w.items[39], &rng, 0, 40, out); /* all there are, and no more */
    assert_int_equal(n, 29);
    n = iad_draw_normals(&w.pool, &w.items[0], &rng, 0, 40, out); /* not itself, not its own object */
    assert_int_equal(n, 28);
    for (size_t i = 0; i < n; i++) assert_true(out[i] != &w.items[0] && out[i] != &w.items[1]);
    n = iad_draw_normals(&w.pool, &w.items[39], &rng, 1, 4, out);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) assert_int_equal(out[i]->group, 1);
}

static void test_counts(void **state) {
    (void)state;
    iad_pool_item item = {.image_id = 1};
    assert_int_equal(iad_record_count(1, "detect", &item, 0), 0);
    assert_int_equal(iad_record_count(1, "detect", &item, -3), 0);
    assert_int_equal(iad_record_count(1, "detect", &item, 3), 3);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        item.key[0] = (uint8_t)i;
        item.key[1] = (uint8_t)(i >> 8);
        uint32_t n = iad_record_count(1, "detect", &item, 2.3);
        assert_true(n == 2 || n == 3);
        assert_int_equal(n, iad_record_count(1, "detect", &item, 2.3));
        sum += n;
    }
    assert_in_range(sum, 22700, 23300); /* six deviations are 275 */
}

static void words_are(const char *defect, const char *lang, const char *want) {
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 4096);
    assert_ok(iad_defect_words(defect, lang, &out, &err));
    assert_string_equal(iad_buf_str(&out), want);
    iad_buf_deinit(&out);
}

static void test_words(void **state) {
    (void)state;
    words_are("scratch_head", "en", "scratch head");
    words_are(NULL, "en", "defect");
    words_are("", "zh", "缺陷");
    words_are("scratch", "zh", "划痕");
    words_are("a<image>b", "en", "a image>b");
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 4096);
    assert_ok(iad_image_marks(2, 0, &out, &err));
    assert_ok(iad_image_marks(2, 1, &out, &err));
    assert_string_equal(iad_buf_str(&out), "<image>\n<image>\nImage 1: <image>\nImage 2: <image>\n");
    iad_buf_deinit(&out);
    iad_task_options o = iad_task_options_default();
    assert_close(o.share[0] + o.share[1] + o.share[2], 1, 1e-9);
    assert_close(o.stage3_share[0] + o.stage3_share[1] + o.stage3_share[2], 1, 1e-9);
    assert_close(o.shots_share[0] + o.shots_share[1] + o.shots_share[2], 1, 1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds), cmocka_unit_test(test_normals), cmocka_unit_test(test_counts),
                                       cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
