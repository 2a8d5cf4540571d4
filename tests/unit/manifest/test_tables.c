/* The built-in tables: published figures and product categories. */
#include "base/file.h"
#include "base/sha256.h"
#include "manifests/categories.h"
#include "manifests/leaderboard.h"
#include "manifests/tables.h"
#include "tests/unit/iad_test.h"

static void test_categories_are_the_given_ones(void **state) {
    (void)state;
    iad_err err;
    uint8_t digest[32];
    char hex[65];
    assert_ok(iad_sha256_bytes(iad_text_categories400, iad_text_categories400_size, digest, &err));
    iad_hex(digest, 32, hex);
    assert_string_equal(hex, "d9f06c77593999c238f9967c669f3914ce431e2fc61cefe5944542d799b3dbde");
    iad_products products;
    assert_ok(iad_products_builtin(&products, &err));
    assert_int_equal(products.n, 400);
    const iad_product *bolt = iad_products_find(&products, "hex_bolt");
    assert_non_null(bolt);
    assert_string_equal(bolt->group, "fasteners");
    assert_string_equal(bolt->name_zh, "六角头螺栓");
    assert_null(iad_products_find(&products, "unicorn"));
    /* Twenty groups of twenty. */
    size_t groups = 0;
    for (size_t i = 0; i < products.n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < products.n; k++) {
            if (strcmp(products.items[i].group, products.items[k].group) != 0) continue;
            groups += same == 0 && k == i;
            same++;
        }
        assert_int_equal(same, 20);
    }
    assert_int_equal(groups, 20);
    iad_products_deinit(&products);
}

#define CATEGORIES_HEAD "id\tgroup\tslug\tname_en\tquery_en\tname_zh\tquery_zh\n"

static void test_bad_categories(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {{"", "header"},
               {"id\tgroup\n1\tx\n", "slug"},
               {CATEGORIES_HEAD "2\tg\ta\tA\tA q\tz\tz q\n", "without gaps"},
               {CATEGORIES_HEAD "x\tg\ta\tA\tA q\tz\tz q\n", "id"},
               {CATEGORIES_HEAD "1\tg\tA b\tA\tA q\tz\tz q\n", "slug"},
               {CATEGORIES_HEAD "1\tg\t../a\tA\tA q\tz\tz q\n", "slug"},
               {CATEGORIES_HEAD "1\tg\ta\t\tA q\tz\tz q\n", "no name_en"},
               {CATEGORIES_HEAD "1\tg\ta\tA\tA q\t\xff\tz q\n", "UTF-8"},
               {CATEGORIES_HEAD "1\tg\ta\tA\tA q\tz\tz q\n2\tg\ta\tA\tA q\tz\tz q\n", "twice"},
               {CATEGORIES_HEAD "1\tg\ta\n", "line 2"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_products products;
        assert_int_not_equal(iad_products_parse(&products, bad[i].text, strlen(bad[i].text), "x.tsv", &err), IAD_OK);
        if (!strstr(err.msg, bad[i].words)) fail_msg("case %zu: '%s' does not say '%s'", i, err.msg, bad[i].words);
        assert_null(products.items);
        assert_int_not_equal(iad_products_parse(&products, bad[i].text, strlen(bad[i].text), "x.tsv", NULL), IAD_OK);
    }
}

static double mean_of(const iad_leaderboard *board, const char *dataset, int shots, const char *metric, size_t *n) {
    double sum = 0;
    *n = 0;
    for (size_t i = 0; i < board->n; i++) {
        const iad_leaderboard_row *row = &board->rows[i];
        if (strcmp(row->method, "IADGPT") || strcmp(row->dataset, dataset) || row->shots != shots ||
            strcmp(row->metric, metric) || !strcmp(row->category, "mean"))
            continue;
        sum += row->value;
        ++*n;
    }
    return *n ? sum / (double)*n : 0;
}

/* The printed means of the paper agree with its rows within the rounding of one decimal (96.75 is printed as 96.7). */
static void test_printed_means(void **state) {
    (void)state;
    iad_err err;
    iad_leaderboard board;
    static const struct {
        const char *dataset;
        size_t categories;
    } sets[] = {{"MVTec", 15}, {"VisA", 12}};
    static const char *const metrics[] = {"image_auroc", "pixel_auroc"};
    static const int shots[] = {1, 2, 4};
    assert_ok(iad_leaderboard_builtin(&board, &err));
    for (int s = 0; s < 2; s++)
        for (int m = 0; m < 2; m++)
            for (int k = 0; k < 3; k++) {
                size_t n;
                double mean = mean_of(&board, sets[s].dataset, shots[k], metrics[m], &n);
                const iad_leaderboard_row *printed =
                    iad_leaderboard_find(&board, "IADGPT", "1-all", sets[s].dataset, "mean", shots[k], metrics[m]);
                assert_int_equal(n, sets[s].categories);
                assert_non_null(printed);
                assert_close(mean, printed->value, 0.0501);
            }
    iad_leaderboard_deinit(&board);
}

static void test_known_figures(void **state) {
    (void)state;
    iad_err err;
    iad_leaderboard board;
    assert_ok(iad_leaderboard_builtin(&board, &err));
    assert_true(board.n > 900);
    const iad_leaderboard_row *row = iad_leaderboard_find(&board, "WinCLIP+", NULL, "VisA", "mean", 4, "image_auroc");
    assert_non_null(row);
    assert_close(row->value, 87.3, 0);
    assert_close(row->sd, 1.8, 0);
    assert_int_equal(row->grade, 'T');
    row = iad_leaderboard_find(&board, "AnomalyGPT", "1-all", "MVTec", "mean", 2, "image_auroc");
    assert_non_null(row);
    assert_int_equal(row->grade, 'M');
    row = iad_leaderboard_find(&board, "IADGPT", "lvlm", "VisA-D&R", "mean", IAD_SHOTS_FEW, "complex_gpt");
    assert_non_null(row);
    assert_close(row->value, 6.51, 0);
    row = iad_leaderboard_find(&board, "GPT-4o", "lvlm", "MMAD", "mean", 1, "mmad_average");
    assert_non_null(row);
    assert_string_equal(row->source, "MMAD-repo");
    assert_close(row->value, 74.31, 0);
    assert_null(iad_leaderboard_find(&board, "One-to-Normal", NULL, "MVTec", "mean", 1,
                                     "image_auroc")); /* a gap is no figure */
    /* What the IADGPT paper says about IIPAD: 1.50 and 5.50 points better over the three shots. */
    static const char *const sets[] = {"MVTec", "VisA"};
    for (int s = 0; s < 2; s++) {
        double gain = 0;
        for (int k = 1; k <= 4; k *= 2)
            gain += iad_leaderboard_find(&board, "IADGPT", NULL, sets[s], "mean", k, "image_auroc")->value -
                    iad_leaderboard_find(&board, "IIPAD", NULL, sets[s], "mean", k, "image_auroc")->value;
        assert_close(gain / 3, s ? 5.5 : 1.5, 1e-9);
    }
    iad_leaderboard_deinit(&board);
}

#define BOARD_HEAD \
    "# remark\nmethod\tsetting\tdataset\tcategory\tshots\tmetric\tvalue\tsd\tunit\tsource\tgrade\tprimary\tnote\n"

static void test_bad_leaderboards(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {{BOARD_HEAD "\t1-1\tD\tmean\t1\tm\t5\t\tpercent\ts\tP\t1\t\n", "no method"},
               {BOARD_HEAD "A\t1-1\tD\tmean\tmany\tm\t5\t\tpercent\ts\tP\t1\t\n", "shots"},
               {BOARD_HEAD "A\t1-1\tD\tmean\t1\tm\t101\t\tpercent\ts\tP\t1\t\n", "value"},
               {BOARD_HEAD "A\t1-1\tD\tmean\t1\tm\t5\t\tfraction\ts\tP\t1\t\n", "value"},
               {BOARD_HEAD "A\t1-1\tD\tmean\t1\tm\tnan\t\tpercent\ts\tP\t1\t\n", "value"},
               {BOARD_HEAD "A\t1-1\tD\tmean\t1\tm\t5\t\tparsec\ts\tP\t1\t\n", "unit"},
               {BOARD_HEAD "A\t1-1\tD\tmean\t1\tm\t5\t\tpercent\ts\tQ\t1\t\n", "grade"},
               {BOARD_HEAD "A\t1-1\tD\tmean\t1\tm\t-\t\tpercent\ts\tP\t1\t\n", "goes with"},
               {BOARD_HEAD "A\t1-1\tD\tmean\t1\tm\t5\t\tpercent\ts\tP\t2\t\n", "primary"},
               {BOARD_HEAD
                "A\t1-1\tD\tmean\t1\tm\t5\t\tpercent\ts\tP\t1\t\nA\t1-1\tD\tmean\t1\tm\t6\t\tpercent\tt\tP\t1\t\n",
                "two primary rows for A"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_leaderboard board;
        assert_fails(IAD_ERR_FORMAT, iad_leaderboard_parse(&board, bad[i].text, strlen(bad[i].text), "x.tsv", &err));
        if (!strstr(err.msg, bad[i].words) || !strstr(err.msg, "x.tsv"))
            fail_msg("case %zu: '%s' does not say '%s'", i, err.msg, bad[i].words);
        assert_fails(IAD_ERR_FORMAT, iad_leaderboard_parse(&board, bad[i].text, strlen(bad[i].text), "x.tsv", NULL));
    }
    iad_err err;
    iad_leaderboard board;
    static const char fine[] = BOARD_HEAD
        "A\t1-1\tD\tmean\t1\tm\t5\t0.5\tpercent\ts\tP\t0\tx\nA\t1-1\tD\tmean\tfull\tm\t6\t\tpercent\tt\tP\t1\t\n";
    assert_ok(iad_file_write("test_tables.tmp.tsv", fine, sizeof fine - 1, &err));
    assert_ok(iad_leaderboard_load(&board, "test_tables.tmp.tsv", &err));
    assert_int_equal(board.n, 2);
    assert_int_equal(board.rows[1].shots, IAD_SHOTS_FULL);
    assert_null(iad_leaderboard_find(&board, "A", NULL, "D", "mean", 1, "m"));
    iad_leaderboard_deinit(&board);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_categories_are_the_given_ones),
                                       cmocka_unit_test(test_bad_categories), cmocka_unit_test(test_printed_means),
                                       cmocka_unit_test(test_known_figures), cmocka_unit_test(test_bad_leaderboards)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
