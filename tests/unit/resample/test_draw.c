/* Drawing: what is where, and nothing outside the picture. Run under AddressSanitizer, every stray write shows. */
#include "tests/unit/resample/resample_fixture.h"

#include <limits.h>
#include <math.h>

#include "base/image/draw.h"
#include "base/image/font.h"

static const iad_rgb red = {255, 0, 0}, white = {255, 255, 255}, grey = {90, 90, 90};

static iad_image blank(int width, int height, int channels) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    assert_ok(iad_image_init(&image, width, height, channels, &err));
    return image;
}

static int lit(const iad_image *image, int x, int y) { return iad_image_at(image, x, y)[0] != 0; }

static int count_lit(const iad_image *image) {
    int n = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) n += lit(image, x, y);
    return n;
}

static void fills_are_half_open_and_clipped(void **state) {
    (void)state;
    iad_image image = blank(20, 10, 3);
    iad_draw_fill(&image, 3, 2, 7, 5, red);
    assert_int_equal(count_lit(&image), 4 * 3);
    assert_true(lit(&image, 3, 2) && lit(&image, 6, 4) && !lit(&image, 7, 4) && !lit(&image, 6, 5));
    assert_int_equal(iad_image_at(&image, 3, 2)[1], 0);
    iad_draw_fill(&image, 5, 5, 5, 9, red);
    assert_int_equal(count_lit(&image), 12);
    iad_draw_fill(&image, 19, 9, 12, 8, red); /* corners in any order */
    assert_int_equal(count_lit(&image), 12 + 7);
    iad_draw_fill(&image, INT_MIN, INT_MIN, INT_MAX, INT_MAX, red);
    assert_int_equal(count_lit(&image), 200);
    iad_image_deinit(&image);
}

static void frames_lie_inside(void **state) {
    (void)state;
    iad_image image = blank(30, 20, 1);
    iad_draw_rect(&image, 2, 3, 12, 11, white, 2);
    assert_int_equal(count_lit(&image), 10 * 8 - 6 * 4);
    assert_true(lit(&image, 2, 3) && lit(&image, 11, 10) && lit(&image, 3, 9) && !lit(&image, 4, 5) && !lit(&image, 12, 10));
    iad_image_deinit(&image);
    image = blank(30, 20, 1);
    iad_draw_rect(&image, 5, 5, 9, 9, white, 100); /* thicker than the box: filled, no more */
    assert_int_equal(count_lit(&image), 16);
    iad_draw_rect(&image, -5, -5, 35, 25, white, 1); /* wholly outside */
    assert_int_equal(count_lit(&image), 16);
    iad_draw_rect(&image, INT_MIN, 1, INT_MAX, 3, white, INT_MAX);
    assert_int_equal(count_lit(&image), 16 + 60);
    iad_image_deinit(&image);
}

static void a_glyph_looks_like_its_letter(void **state) {
    (void)state;
    iad_image image = blank(8, 13, 1);
    iad_draw_text(&image, 0, 0, "T", white, 1);
    static const char *const want[13] = {"........", "........", "#######.", "...#....", "...#....", "...#....", "...#....",
                                         "...#....", "...#....", "...#....", "...#....", "........", "........"};
    for (int y = 0; y < 13; y++)
        for (int x = 0; x < 8; x++) assert_int_equal(lit(&image, x, y), want[y][x] == '#');
    iad_image_deinit(&image);
}

static void every_glyph_is_its_own(void **state) {
    (void)state;
    for (int a = 32; a < 127; a++) {
        const uint8_t *glyph = iad_font_glyph((unsigned char)a);
        for (int row = 0; row < IAD_FONT_HEIGHT; row++) assert_int_equal(glyph[row] & 1, 0); /* room to the right neighbour */
        for (int b = 32; b < a; b++) assert_memory_not_equal(glyph, iad_font_glyph((unsigned char)b), IAD_FONT_HEIGHT);
        assert_memory_not_equal(glyph, iad_font_glyph(200), IAD_FONT_HEIGHT);
    }
    assert_memory_equal(iad_font_glyph(0x7f), iad_font_glyph(0xe4), IAD_FONT_HEIGHT);
    assert_memory_equal(iad_font_glyph(0x07), iad_font_glyph(0xe4), IAD_FONT_HEIGHT);
}

static void text_scales_wraps_and_clips(void **state) {
    (void)state;
    iad_image small = blank(60, 40, 1), large = blank(180, 120, 1);
    iad_draw_text(&small, 5, 2, "Ab9\n\xc3~", white, 1);
    iad_draw_text(&large, 15, 6, "Ab9\n\xc3~", white, 3);
    assert_true(count_lit(&small) > 40);
    for (int y = 0; y < large.height; y++)
        for (int x = 0; x < large.width; x++) assert_int_equal(lit(&large, x, y), lit(&small, x / 3, y / 3));
    assert_int_equal(iad_text_width("Ab9\n\xc3~", 3), 72);
    assert_int_equal(iad_text_width("", 2), 0);
    assert_int_equal(iad_text_width("abc", INT_MAX), INT_MAX);
    assert_int_equal(iad_text_height(2), 26);
    iad_image_deinit(&large);

    iad_image stamp = fixture_picture(0, 3, 61, 5);
    const int places[] = {INT_MIN, -1000, -9, -3, 0, 55, 59, 60, 1000, INT_MAX - 3, INT_MAX};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            iad_draw_text(&small, places[i], places[k], "clip me everywhere", white, 1);
            iad_draw_text(&small, places[i], places[k], "\n\n\nbig", white, 100000000);
            iad_draw_text(&small, places[i], places[k], "none", white, -4);
            iad_draw_rect(&small, places[i], places[k], places[k], places[i], red, 3);
            iad_draw_image(&small, &stamp, places[i], places[k]);
        }
    iad_image_deinit(&stamp);
    iad_image_deinit(&small);
}

static void pictures_are_pasted_and_clipped(void **state) {
    (void)state;
    iad_image src = fixture_picture(0, 1, 6, 4), dst = blank(8, 8, 3);
    iad_draw_image(&dst, &src, 5, -2);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(iad_image_at(&dst, x, y)[c], x >= 5 && y < 2 ? *iad_image_at(&src, x - 5, y + 2) : 0);
    iad_image one = blank(1, 1, 1), color = blank(1, 1, 3);
    color.px[0] = 200, color.px[1] = 100, color.px[2] = 50;
    iad_draw_image(&one, &color, 0, 0);
    assert_int_equal(one.px[0], (19595 * 200 + 38470 * 100 + 7471 * 50 + 0x8000) >> 16);
    iad_draw_image(&dst, &color, 8, 0);
    iad_draw_image(&dst, &color, INT_MIN, INT_MAX);
    iad_image_deinit(&color);
    iad_image_deinit(&one);
    iad_image_deinit(&dst);
    iad_image_deinit(&src);
}

static double luminance(iad_rgb c) { return 0.2126 * pow(c.r, 2.2) + 0.7152 * pow(c.g, 2.2) + 0.0722 * pow(c.b, 2.2); }

static void the_colormap_rises(void **state) {
    (void)state;
    double last = -1.0;
    for (int i = 0; i <= 64; i++) {
        iad_rgb c = iad_colormap(i / 64.0);
        assert_true(luminance(c) > last);
        last = luminance(c);
    }
    iad_rgb low = iad_colormap(0.0), high = iad_colormap(1.0), below = iad_colormap(-3.0), above = iad_colormap(7.0), nan = iad_colormap(NAN);
    assert_true(low.b > low.r + 40 && low.b > low.g + 40);
    assert_true(high.r > 200 && high.g > 200 && high.b < 120);
    assert_memory_equal(&low, &below, sizeof low);
    assert_memory_equal(&low, &nan, sizeof low);
    assert_memory_equal(&high, &above, sizeof high);
}

static void heat_leaves_the_normal_alone(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = fixture_picture(0, 3, 4, 1), before = fixture_picture(0, 3, 4, 1);
    float values[4] = {0.1f, 0.6f, 5.0f, NAN};
    const iad_plane map = {4, 1, values};
    assert_ok(iad_draw_heat(&image, &map, 0.2, 1.0, 1.0, &err));
    assert_memory_equal(image.px, before.px, 3);
    assert_memory_equal(image.px + 9, before.px + 9, 3);
    const iad_rgb top = iad_colormap(1.0), half = iad_colormap(0.5);
    assert_memory_equal(image.px + 6, &top, 3);
    assert_close(image.px[3], 0.5 * (before.px[3] + half.r), 1.0);
    uint8_t same[12];
    memcpy(same, before.px, 12);
    assert_ok(iad_draw_heat(&before, &map, 1.0, 1.0, 1.0, &err)); /* an empty range changes nothing */
    assert_ok(iad_draw_heat(&before, &map, NAN, 1.0, 1.0, &err));
    assert_memory_equal(before.px, same, 12);
    assert_fails(IAD_ERR_ARG, iad_draw_heat(&image, &map, 0.0, 1.0, 1.5, &err));
    assert_fails(IAD_ERR_ARG, iad_draw_heat(&image, &map, 0.0, 1.0, NAN, &err));
    const iad_plane other = {2, 2, values};
    assert_fails(IAD_ERR_ARG, iad_draw_heat(&image, &other, 0.0, 1.0, 0.5, &err));
    iad_image one = blank(4, 1, 1);
    assert_fails(IAD_ERR_ARG, iad_draw_heat(&one, &map, 0.0, 1.0, 0.5, &err));
    iad_image_deinit(&one);
    iad_image_deinit(&before);
    iad_image_deinit(&image);
}

static void contours_follow_the_mask(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = blank(30, 20, 3), mask = blank(30, 20, 1);
    iad_draw_fill(&mask, 0, 5, 12, 15, (iad_rgb){1, 1, 1}); /* touches the left edge; any non-zero value counts */
    for (size_t i = 0; i < 600; i++) mask.px[i] = mask.px[i] ? 1 : 0;
    assert_int_equal(count_lit(&mask), 120);
    assert_ok(iad_draw_contour(&image, &mask, red, 1, &err));
    assert_true(lit(&image, 6, 4) && lit(&image, 6, 5) && !lit(&image, 6, 3) && !lit(&image, 6, 6));
    assert_true(lit(&image, 11, 9) && lit(&image, 12, 9) && !lit(&image, 13, 9) && !lit(&image, 10, 9));
    assert_true(!lit(&image, 0, 9)); /* the edge is no outline */
    iad_image_deinit(&image);
    image = blank(30, 20, 3);
    assert_ok(iad_draw_contour(&image, &mask, red, 3, &err));
    assert_true(lit(&image, 6, 2) && lit(&image, 6, 7) && !lit(&image, 6, 1) && !lit(&image, 6, 8) && !lit(&image, 15, 1));
    assert_ok(iad_draw_contour(&image, &mask, red, IAD_DRAW_MAX_THICKNESS, &err)); /* reaches beyond the picture on all sides */
    assert_int_equal(count_lit(&image), 600);
    iad_image_deinit(&image);

    image = blank(30, 20, 3);
    memset(mask.px, 0, 600);
    assert_ok(iad_draw_contour(&image, &mask, red, 2, &err));
    memset(mask.px, 255, 600);
    assert_ok(iad_draw_contour(&image, &mask, red, 2, &err));
    assert_int_equal(count_lit(&image), 0); /* nothing and everything have no outline */
    assert_fails(IAD_ERR_ARG, iad_draw_contour(&image, &mask, red, 0, &err));
    assert_fails(IAD_ERR_ARG, iad_draw_contour(&image, &mask, red, IAD_DRAW_MAX_THICKNESS + 1, &err));
    assert_fails(IAD_ERR_ARG, iad_draw_contour(&image, &image, red, 1, &err));
    iad_image_deinit(&mask);
    mask = blank(29, 20, 1);
    assert_fails(IAD_ERR_ARG, iad_draw_contour(&image, &mask, red, 1, &err));
    iad_image_deinit(&mask);
    iad_image_deinit(&image);
}

static void contact_sheets_hold_their_cells(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image cells[5], sheet;
    for (int i = 0; i < 5; i++) {
        cells[i] = blank(i == 1 ? 400 : 50, i == 2 ? 1000 : 50, i % 2 ? 3 : 1);
        memset(cells[i].px, 255, fixture_bytes(&cells[i]));
    }
    const char *const labels[5] = {"one", NULL, "a label much longer than its cell", "\xff", ""};
    assert_ok(iad_contact_sheet(cells, labels, 5, 3, 64, 48, grey, &sheet, &err));
    assert_int_equal(sheet.channels, 3);
    assert_int_equal(sheet.width, 3 * 72 + 8);
    assert_int_equal(sheet.height, 2 * (48 + 8 + 3 + 13) + 8);
    assert_int_equal(iad_image_at(&sheet, 0, 0)[0], 90);
    assert_int_equal(iad_image_at(&sheet, 8 + 32, 8 + 24)[0], 255);       /* square picture: 48 x 48 in the middle */
    assert_int_equal(iad_image_at(&sheet, 8 + 7, 8 + 24)[0], 90);
    assert_int_equal(iad_image_at(&sheet, 8 + 8, 8 + 24)[0], 255);
    assert_int_equal(iad_image_at(&sheet, 8 + 72 + 0, 8 + 24)[0], 255);   /* wide picture: 64 x 8 */
    assert_int_equal(iad_image_at(&sheet, 8 + 72 + 32, 8 + 19)[0], 90);
    assert_int_equal(iad_image_at(&sheet, 8 + 144 + 32, 8 + 0)[0], 255);  /* tall picture: 2 x 48 */
    int written = 0, outside = 0;
    for (int y = 8 + 48 + 3; y < 8 + 48 + 3 + 13; y++)
        for (int x = 0; x < sheet.width; x++)
            if (iad_image_at(&sheet, x, y)[0] != 90) (x >= 8 + 144 && x < 8 + 144 + 64) || (x >= 8 && x < 72) ? written++ : outside++;
    assert_true(written > 60);
    assert_int_equal(outside, 0);
    iad_image_deinit(&sheet);

    assert_ok(iad_contact_sheet(cells, NULL, 2, 100, 3, 2, white, &sheet, &err));
    assert_int_equal(sheet.width, 2 * 11 + 8);
    assert_int_equal(sheet.height, 2 + 16);
    iad_image_deinit(&sheet);
    assert_fails(IAD_ERR_ARG, iad_contact_sheet(cells, NULL, 0, 1, 4, 4, white, &sheet, &err));
    assert_fails(IAD_ERR_ARG, iad_contact_sheet(cells, NULL, 5, 0, 4, 4, white, &sheet, &err));
    assert_fails(IAD_ERR_ARG, iad_contact_sheet(cells, NULL, 5, 1, 0, 4, white, &sheet, &err));
    assert_fails(IAD_ERR_LIMIT, iad_contact_sheet(cells, NULL, 5, 5, 20000, 4, white, &sheet, &err));
    assert_fails(IAD_ERR_LIMIT, iad_contact_sheet(cells, NULL, 5, 5, INT_MAX, INT_MAX, white, &sheet, &err));
    iad_image_deinit(&cells[4]);
    assert_fails(IAD_ERR_ARG, iad_contact_sheet(cells, NULL, 5, 5, 20, 20, white, &sheet, &err));
    assert_null(sheet.px);
    for (int i = 0; i < 4; i++) iad_image_deinit(&cells[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_are_half_open_and_clipped), cmocka_unit_test(frames_lie_inside),
        cmocka_unit_test(a_glyph_looks_like_its_letter),   cmocka_unit_test(every_glyph_is_its_own),
        cmocka_unit_test(text_scales_wraps_and_clips),     cmocka_unit_test(pictures_are_pasted_and_clipped),
        cmocka_unit_test(the_colormap_rises),              cmocka_unit_test(heat_leaves_the_normal_alone),
        cmocka_unit_test(contours_follow_the_mask),        cmocka_unit_test(contact_sheets_hold_their_cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
