/* The own row among the published ones. */
#include "tests/unit/iad_test.h"

#include "bench/standings.h"

static void test_dataset_names(void **state) {
    (void)state;
    assert_string_equal(iad_standings_dataset("mvtec-ad-subset"), "MVTec");
    assert_string_equal(iad_standings_dataset("VisA_1cls"), "VisA");
    assert_null(iad_standings_dataset("mvtec-loco"));
    assert_null(iad_standings_dataset("MVTec_AD_2"));
    assert_null(iad_standings_dataset("rendered"));
}

static const iad_standing *find(const iad_standings *s, const char *method) {
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->rows[i].method, method) == 0) return &s->rows[i];
    return NULL;
}

static void test_own_row_takes_its_place(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_leaderboard board;
    iad_standings s;
    assert_ok(iad_leaderboard_builtin(&board, &err));
    json_t *results = json_pack("{s{ss}}", "scorer", "name", "mine");
    json_t *row = json_pack("{s[{}{}] s{s{sf}}}", "categories", "mean", "image_auroc", "mean", 0.9635);
    assert_ok(iad_standings_make(&board, "MVTec", 1, NULL, results, row, &s, &err));
    assert_true(s.n > 15);
    for (size_t i = 1; i < s.n; i++) assert_true(s.rows[i - 1].order >= s.rows[i].order);
    const iad_standing *mine = find(&s, "mine"), *paper = find(&s, "IADGPT");
    assert_non_null(mine);
    assert_non_null(paper);
    assert_int_equal(mine->own, 1);
    assert_string_equal(mine->cell[0], "96.4");
    assert_string_equal(mine->cell[1], "-");
    assert_string_equal(paper->cell[0], "96.3");
    assert_string_equal(paper->cell[1], "96.4");
    assert_true(mine < paper); /* 96.35 stands above 96.3 */
    assert_non_null(strstr(s.warning, "2 of the 15 categories of MVTec"));
    assert_non_null(strstr(find(&s, "PatchCore")->cell[0], "83.4 ±3"));
    assert_string_equal(find(&s, "RWDA")->cell[0], "(93.3 ±0.5)"); /* recalled only */
    iad_standings_deinit(&s);
    assert_ok(iad_standings_make(&board, "VisA", 4, "tf", NULL, NULL, &s, &err));
    for (size_t i = 0; i < s.n; i++) assert_string_equal(s.rows[i].setting, "tf");
    assert_null(find(&s, "IADGPT"));
    assert_non_null(find(&s, "VisionAD"));
    iad_standings_deinit(&s);
    iad_leaderboard_deinit(&board);
    json_decref(row);
    json_decref(results);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dataset_names), cmocka_unit_test(test_own_row_takes_its_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
