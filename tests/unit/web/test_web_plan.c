/* The loopback web's catalogue and its pictures: what a test relies on when it compares a crawl with the plan. */
#include "tests/unit/iad_test.h"

#include "base/image/decode.h"
#include "tests/web/webfile.h"

static iad_web_plan make_plan(int per_category) {
    iad_err err = IAD_ERR_NONE;
    iad_web_plan plan = {.seed = 3, .categories = 5, .per_category = per_category, .hosts = 4, .pattern = "img#.localhost",
                         .ports = {81, 81, 81, 81}};
    assert_ok(iad_products_builtin(&plan.products, &err));
    return plan;
}

static void every_rank_once(void **state) {
    (void)state;
    iad_web_plan plan = make_plan(40);
    for (int engine = 0; engine < IAD_WEB_ENGINES; engine++) {
        int seen[40] = {0};
        const int n = iad_web_engine_count(&plan, (iad_web_engine)engine);
        for (int rank = 0; rank < n; rank++) seen[iad_web_engine_rank(&plan, (iad_web_engine)engine, "some words", rank)]++;
        int total = 0;
        for (int m = 0; m < 40; m++) {
            assert_true(seen[m] <= 1);
            total += seen[m];
        }
        assert_int_equal(total, n);
        assert_int_equal(iad_web_engine_rank(&plan, (iad_web_engine)engine, "some words", n), -1);
    }
    for (int c = 0; c < 5; c++) {
        assert_int_equal(iad_web_category_of(&plan, plan.products.items[c].query_en), c);
        assert_int_equal(iad_web_category_of(&plan, plan.products.items[c].query_zh), c);
    }
    assert_int_equal(iad_web_category_of(&plan, "~~~"), -1);
    iad_products_deinit(&plan.products);
}

/* Every format decodes to the size of the plan; copies have the same bytes; what is broken fails as it should. */
static void files_are_what_the_plan_says(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_web_plan plan = make_plan(60);
    int formats[IAD_WEB_FORMATS] = {0}, copies = 0;
    for (int m = 0; m < 60; m++) {
        iad_web_item item, other;
        iad_web_item_get(&plan, 1, m, &item);
        iad_buf file, same;
        iad_buf_init(&file, 1 << 24);
        iad_buf_init(&same, 1 << 24);
        assert_ok(iad_web_file_make(&plan, &item, &file, &err));
        assert_true(file.len >= 8192);
        if (item.format != IAD_WEB_GIF) {
            iad_image image;
            iad_image_info info;
            assert_ok(iad_image_decode(file.data, file.len, item.url, NULL, &image, &info, &err));
            assert_int_equal(image.width, item.width);
            assert_int_equal(image.height, item.height);
            assert_int_equal(info.warnings, 0);
            iad_image_deinit(&image);
        } else assert_memory_equal(file.data, "GIF89a", 6);
        if (item.copy == IAD_WEB_SAME_BYTES || item.copy == IAD_WEB_FOREIGN) {
            iad_web_item_get(&plan, item.of_category, item.of_number, &other);
            assert_ok(iad_web_file_make(&plan, &other, &same, &err));
            assert_int_equal(file.len, same.len);
            assert_memory_equal(file.data, same.data, same.len);
            copies++;
        }
        formats[item.format]++;
        iad_buf_deinit(&file);
        iad_buf_deinit(&same);
    }
    assert_true(copies > 0);
    for (int f = 0; f < IAD_WEB_BMP; f++) assert_true(formats[f] > 0);
    iad_products_deinit(&plan.products);
}

static iad_status decode_kind(iad_web_plan *plan, iad_web_kind kind, iad_web_format format, iad_image_info *info) {
    iad_err err = IAD_ERR_NONE;
    iad_web_item item;
    iad_web_item_get(plan, 0, 1, &item);
    item.kind = kind;
    item.format = format;
    item.copy = IAD_WEB_OWN;
    iad_buf file;
    iad_buf_init(&file, 1 << 24);
    assert_ok(iad_web_file_make(plan, &item, &file, &err));
    iad_image image;
    const iad_status status = iad_image_decode(file.data, file.len, "kind", NULL, &image, info, &err);
    if (status == IAD_OK) iad_image_deinit(&image);
    iad_buf_deinit(&file);
    return status;
}

static void broken_files_are_broken(void **state) {
    (void)state;
    iad_web_plan plan = make_plan(10);
    iad_image_info info;
    assert_fails(IAD_ERR_FORMAT, decode_kind(&plan, IAD_WEB_CUT, IAD_WEB_JPEG, &info));
    assert_true(info.truncated);
    assert_fails(IAD_ERR_FORMAT, decode_kind(&plan, IAD_WEB_NOISE, IAD_WEB_JPEG, &info));
    assert_fails(IAD_ERR_LIMIT, decode_kind(&plan, IAD_WEB_HUGE, IAD_WEB_PNG, &info));
    assert_fails(IAD_OK, decode_kind(&plan, IAD_WEB_ANIMATED, IAD_WEB_PNG, &info));
    assert_true(info.animated);
    assert_fails(IAD_OK, decode_kind(&plan, IAD_WEB_BLANK, IAD_WEB_BMP, &info));
    iad_products_deinit(&plan.products);
}

static void shares_parse(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    int shares[IAD_WEB_KINDS], sum = 0;
    assert_ok(iad_web_shares_parse("all,stall=0,404=100", shares, &err));
    assert_int_equal(shares[IAD_WEB_STALL], 0);
    assert_int_equal(shares[IAD_WEB_404], 100);
    for (int k = 1; k < IAD_WEB_KINDS; k++) {
        sum += shares[k];
        assert_int_equal(iad_web_kind_find(iad_web_kind_name((iad_web_kind)k)), k);
        assert_true(*iad_web_kind_text((iad_web_kind)k));
    }
    assert_in_range(sum, 200, 1000);
    assert_fails(IAD_ERR_ARG, iad_web_shares_parse("nonsense=3", shares, &err));
    assert_fails(IAD_ERR_ARG, iad_web_shares_parse("404=600,403=600", shares, &err));
    assert_fails(IAD_ERR_ARG, iad_web_shares_parse("404", shares, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_rank_once), cmocka_unit_test(files_are_what_the_plan_says),
                                       cmocka_unit_test(broken_files_are_broken), cmocka_unit_test(shares_parse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
