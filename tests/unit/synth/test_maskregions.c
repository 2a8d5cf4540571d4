/* What a mask says in words and boxes (synth-data 3.6, 3.7, tests 7 and 8). */
#include "tests/unit/iad_test.h"

#include "synth/task/maskregions.h"

static void draw(iad_image *mask, int x0, int y0, int x1, int y1) {
    for (int y = y0; y < y1; y++) memset(mask->px + (size_t)y * (size_t)mask->width + x0, 255, (size_t)(x1 - x0));
}

static iad_image blank(int width, int height) {
    iad_err err = IAD_ERR_NONE;
    iad_image mask;
    assert_ok(iad_image_init(&mask, width, height, 1, &err));
    return mask;
}

static iad_regions regions_of(const iad_image *mask) {
    iad_err err = IAD_ERR_NONE;
    iad_regions regions;
    assert_ok(iad_regions_of_mask(mask, &regions, &err));
    return regions;
}

static void is_region(const iad_region *r, int x0, int y0, int x1, int y1, int64_t area, int cell) {
    assert_int_equal(r->x0, x0);
    assert_int_equal(r->y0, y0);
    assert_int_equal(r->x1, x1);
    assert_int_equal(r->y1, y1);
    assert_int_equal(r->area, area);
    assert_int_equal(r->cell, cell);
}

static void test_components(void **state) {
    (void)state;
    iad_image mask = blank(300, 300);
    assert_int_equal(regions_of(&mask).n, 0);
    draw(&mask, 10, 10, 20, 20);     /* 100 pixels */
    draw(&mask, 250, 250, 270, 270); /* 400 */
    draw(&mask, 20, 20, 24, 24);     /* touches the first at a corner only */
    iad_regions regions = regions_of(&mask);
    assert_int_equal(regions.n, 2);
    assert_int_equal(regions.area, 516);
    is_region(&regions.items[0], 250, 250, 270, 270, 400, 8);
    is_region(&regions.items[1], 10, 10, 24, 24, 116, 0);
    iad_image_deinit(&mask);
}

/* A U and a spiral are one region whatever the order of their runs. */
static void test_union(void **state) {
    (void)state;
    iad_image mask = blank(90, 90);
    draw(&mask, 10, 10, 12, 40);
    draw(&mask, 30, 10, 32, 40);
    draw(&mask, 50, 10, 52, 40);
    draw(&mask, 10, 40, 52, 42);
    iad_regions regions = regions_of(&mask);
    assert_int_equal(regions.n, 1);
    is_region(&regions.items[0], 10, 10, 52, 42, 3 * 60 + 84, 3 * 1 + 1);
    iad_image_deinit(&mask);
}

/* 1.5 % of the shorter side of 1000 x 400 is 6: a gap of 5 pixels joins, one of 6 does not. */
static void test_merge(void **state) {
    (void)state;
    for (int gap = 4; gap <= 8; gap++) {
        iad_image mask = blank(1000, 400);
        draw(&mask, 100, 100, 110, 110);
        draw(&mask, 110 + gap, 100, 120 + gap, 110);
        iad_regions regions = regions_of(&mask);
        assert_int_equal(regions.n, gap < 6 ? 1 : 2);
        assert_int_equal(regions.area, 200);
        iad_image_deinit(&mask);
    }
}

static void test_specks(void **state) {
    (void)state;
    iad_image mask = blank(300, 300);
    draw(&mask, 5, 5, 6, 6); /* one pixel, alone: kept */
    assert_int_equal(regions_of(&mask).n, 1);
    draw(&mask, 100, 100, 111, 101); /* 11 */
    iad_regions regions = regions_of(&mask);
    assert_int_equal(regions.n, 1);
    is_region(&regions.items[0], 100, 100, 111, 101, 11, 4 - 0);
    draw(&mask, 200, 200, 212, 201); /* 12 */
    regions = regions_of(&mask);
    assert_int_equal(regions.n, 1);
    assert_int_equal(regions.items[0].area, 12);
    iad_image_deinit(&mask);
}

/* Ten of one size: eight stay, by area, then cell, then place. */
static void test_order_and_cap(void **state) {
    (void)state;
    iad_image mask = blank(600, 600);
    for (int i = 0; i < 10; i++) draw(&mask, 30 + 55 * i, 20, 40 + 55 * i, 30);
    draw(&mask, 300, 500, 330, 530);
    iad_regions regions = regions_of(&mask), again = regions_of(&mask);
    assert_int_equal(regions.n, IAD_REGIONS_MAX);
    assert_int_equal(regions.items[0].area, 900);
    for (int i = 2; i < regions.n; i++) {
        const iad_region *a = &regions.items[i - 1], *b = &regions.items[i];
        assert_true(a->area > b->area || a->cell < b->cell || (a->cell == b->cell && a->x0 < b->x0));
    }
    assert_memory_equal(&regions, &again, sizeof regions);
    iad_image_deinit(&mask);
}

static void test_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image rgb;
    iad_regions regions;
    assert_ok(iad_image_init(&rgb, 4, 4, 3, &err));
    assert_fails(IAD_ERR_ARG, iad_regions_of_mask(&rgb, &regions, &err));
    iad_image_deinit(&rgb);
}

static void test_cells(void **state) {
    (void)state;
    static const char *const en[] = {"top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"};
    for (int cell = 0; cell < 9; cell++) {
        iad_image mask = blank(90, 60);
        int x = 30 * (cell % 3) + 13, y = 20 * (cell / 3) + 8;
        draw(&mask, x, y, x + 4, y + 4);
        iad_regions regions = regions_of(&mask);
        assert_int_equal(regions.n, 1);
        assert_int_equal(regions.items[0].cell, cell);
        assert_string_equal(iad_place_phrase(cell, "en"), en[cell]);
        assert_int_equal(iad_place_parse(iad_place_phrase(cell, "en")), cell);
        assert_int_equal(iad_place_parse(iad_place_phrase(cell, "zh")), cell);
        iad_image_deinit(&mask);
    }
    /* centroid on the border itself: the lower cell; half a pixel further: the next */
    for (int third = 1; third <= 2; third++) {
        iad_image mask = blank(90, 90);
        draw(&mask, 30 * third - 2, 30 * third - 2, 30 * third + 2, 30 * third + 2);
        assert_int_equal(regions_of(&mask).items[0].cell, 4 * (third - 1));
        draw(&mask, 30 * third - 2, 30 * third + 2, 30 * third + 2, 30 * third + 3);
        assert_int_equal(regions_of(&mask).items[0].cell, 4 * (third - 1) + 3);
        iad_image_deinit(&mask);
    }
    assert_int_equal(iad_place_parse("the Upper LEFT corner"), 0);
    assert_int_equal(iad_place_parse("lower right"), 8);
    assert_int_equal(iad_place_parse("in the middle"), 4);
    assert_int_equal(iad_place_parse("centre"), 4);
    assert_int_equal(iad_place_parse("somewhere"), -1);
    assert_int_equal(iad_place_parse(""), -1);
}

static void phrase_is(const iad_regions *regions, const char *lang, const char *want) {
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 4096);
    assert_ok(iad_regions_phrase(regions, lang, &out, &err));
    assert_string_equal(iad_buf_str(&out), want);
    iad_buf_deinit(&out);
}

static void test_phrases(void **state) {
    (void)state;
    iad_regions regions = {.n = 4, .items = {{.cell = 8}, {.cell = 4}, {.cell = 0}, {.cell = 4}}};
    int cells[9];
    assert_int_equal(iad_region_cells(&regions, cells), 3);
    assert_int_equal(cells[0], 0);
    assert_int_equal(cells[2], 8);
    phrase_is(&regions, "en", "at the top left, the center and the bottom right");
    phrase_is(&regions, "zh", "左上角、中央和右下角");
    regions.n = 1;
    phrase_is(&regions, "en", "at the bottom right");
    regions.n = 0;
    phrase_is(&regions, "en", "at some place");
}

static void test_sizes(void **state) {
    (void)state;
    static const struct { double share; const char *word; } known[] = {{0, "tiny"},       {0.00099, "tiny"},   {0.001, "small"}, {0.0099, "small"},
                                                                       {0.01, "medium"}, {0.0499, "medium"}, {0.05, "large"},  {1, "large"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) assert_string_equal(iad_size_word(known[i].share, "en"), known[i].word);
    assert_string_not_equal(iad_size_word(0.2, "zh"), iad_size_word(0.02, "zh"));
}

static void box_is(int w, int h, int nw, int nh, const int box[4], const int want[4]) {
    int out[4];
    iad_region_box_to_resized(box, w, h, nw, nh, out);
    for (int i = 0; i < 4; i++)
        if (out[i] != want[i]) fail_msg("%dx%d -> %dx%d: [%d] is %d, expected %d", w, h, nw, nh, i, out[i], want[i]);
}

static void test_boxes(void **state) {
    (void)state;
    box_is(512, 512, 504, 504, (const int[4]){0, 0, 512, 512}, (const int[4]){0, 0, 503, 503});
    box_is(512, 512, 504, 504, (const int[4]){64, 128, 256, 320}, (const int[4]){63, 126, 252, 315});
    box_is(512, 512, 504, 504, (const int[4]){32, 96, 160, 224}, (const int[4]){32, 94, 158, 220}); /* 31.5 94.5 157.5 220.5: halves to even */
    box_is(1024, 1024, 980, 980, (const int[4]){512, 256, 1024, 768}, (const int[4]){490, 245, 979, 735});
    /* height 230 -> 224, width 630 -> 616 (630 / 28 = 22.5 goes to 22) */
    box_is(630, 230, 616, 224, (const int[4]){315, 115, 630, 230}, (const int[4]){308, 112, 615, 223});
    box_is(630, 230, 616, 224, (const int[4]){45, 23, 90, 46}, (const int[4]){44, 22, 88, 45});
}

static void test_thin_boxes(void **state) {
    (void)state;
    for (int x = 0; x < 1000; x++) {
        int out[4];
        iad_region_box_to_resized((const int[4]){x, 999, x + 1, 1000}, 1000, 1000, 504, 504, out);
        assert_in_range(out[0], 0, 499);
        assert_int_equal(out[2] - out[0], 4);
        assert_int_equal(out[1], 499);
        assert_int_equal(out[3], 503);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_components), cmocka_unit_test(test_union),   cmocka_unit_test(test_merge),
                                       cmocka_unit_test(test_specks),     cmocka_unit_test(test_order_and_cap), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_cells),      cmocka_unit_test(test_phrases), cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_boxes),      cmocka_unit_test(test_thin_boxes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
