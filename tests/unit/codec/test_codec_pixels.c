/* The container, the conversions of rows, and EXIF. */
#include "tests/unit/codec/codec_fixture.h"

#include "base/alloc.h"
#include "base/image/exif.h"
#include "base/image/rows.h"
#include "base/rng.h"

static void sizes_are_checked(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_image16 wide;
    iad_plane plane;
    assert_fails(IAD_ERR_ARG, iad_image_init(&image, 0, 5, 1, &err));
    assert_null(image.px);
    assert_fails(IAD_ERR_ARG, iad_image_init(&image, 5, -1, 1, &err));
    assert_fails(IAD_ERR_ARG, iad_image_init(&image, 5, 5, 2, &err));
    assert_fails(IAD_ERR_ARG, iad_image_init(&image, 5, 5, 4, &err));
    assert_fails(IAD_ERR_LIMIT, iad_image_init(&image, IAD_IMAGE_MAX_SIDE + 1, 1, 1, &err));
    assert_fails(IAD_ERR_LIMIT, iad_image_init_raw(&image, 1, IAD_IMAGE_MAX_SIDE + 1, 1, &err));
    assert_fails(IAD_ERR_LIMIT, iad_image_init(&image, 60000, 60000, 3, &err));
    assert_fails(IAD_ERR_LIMIT, iad_image16_init(&wide, 60000, 60000, &err));
    assert_fails(IAD_ERR_LIMIT, iad_plane_init(&plane, 60000, 60000, &err));
    assert_fails(IAD_ERR_ARG, iad_plane_init(&plane, 1, 0, &err));
    assert_ok(iad_image_init(&image, IAD_IMAGE_MAX_SIDE, 1, 3, &err));
    for (size_t i = 0; i < codec_bytes(&image); i++) assert_int_equal(image.px[i], 0);
    iad_image_deinit(&image);
    iad_image_deinit(&image);
    assert_null(image.px);
    assert_ok(iad_plane_init(&plane, 3, 2, &err));
    assert_true(plane.px[5] == 0.0f);
    iad_plane_deinit(&plane);
    iad_plane_deinit(&plane);
    assert_ok(iad_image16_init(&wide, 3, 2, &err));
    iad_image16_deinit(&wide);
    iad_image16_deinit(&wide);
}

static void conversions_of_pictures(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image rgb, grey, copy, back;
    assert_ok(iad_image_init(&rgb, 256, 3, 3, &err));
    for (int x = 0; x < 256; x++)
        for (int c = 0; c < 3; c++) iad_image_at(&rgb, x, c)[c] = (uint8_t)x;
    assert_ok(iad_image_to_grey(&rgb, &grey, &err));
    assert_int_equal(grey.channels, 1);
    const double weight[3] = {0.299, 0.587, 0.114};
    for (int x = 0; x < 256; x++)
        for (int c = 0; c < 3; c++) assert_close(*iad_image_at(&grey, x, c), x * weight[c], 0.51);
    assert_int_equal(*iad_image_at(&grey, 255, 0), 76);
    assert_int_equal(*iad_image_at(&grey, 255, 1), 150);
    assert_int_equal(*iad_image_at(&grey, 255, 2), 29);
    assert_ok(iad_image_to_rgb(&grey, &back, &err));
    for (int x = 0; x < 256; x++)
        for (int c = 0; c < 3; c++) assert_int_equal(iad_image_at(&back, x, 1)[c], *iad_image_at(&grey, x, 1));
    assert_ok(iad_image_to_rgb(&rgb, &copy, &err));
    assert_memory_equal(copy.px, rgb.px, codec_bytes(&rgb));
    assert_ptr_not_equal(copy.px, rgb.px);
    iad_image_deinit(&copy);
    assert_ok(iad_image_to_grey(&grey, &copy, &err));
    assert_memory_equal(copy.px, grey.px, codec_bytes(&grey));
    iad_image_deinit(&rgb);
    iad_image_deinit(&grey);
    iad_image_deinit(&copy);
    iad_image_deinit(&back);
}

/* Every value and every alpha (or every ink and black) against the rounded quotient. */
static void composing_and_inks_are_rounded(void **state) {
    (void)state;
    for (int v = 0; v < 256; v++)
        for (int a = 0; a < 256; a++) {
            const uint8_t rgba[4] = {(uint8_t)v, 255, 0, (uint8_t)a}, ga[2] = {(uint8_t)v, (uint8_t)a};
            uint8_t rgb[3], grey, ink[3];
            iad_row_rgba_on_white(rgba, rgb, 1);
            iad_row_greya_on_white(ga, &grey, 1);
            iad_row_cmyk_to_rgb(rgba, ink, 1);
            assert_int_equal(rgb[0], (2 * (v * a + 255 * (255 - a)) + 255) / 510);
            assert_int_equal(rgb[1], 255);
            assert_int_equal(rgb[2], 255 - a);
            assert_int_equal(grey, rgb[0]);
            assert_int_equal(ink[0], (2 * v * a + 255) / 510);
            assert_int_equal(ink[1], a);
            assert_int_equal(ink[2], 0);
        }
}

/* ---- EXIF ---- */

/* Where the stored pixel (x, y) of a w x h picture must appear. */
static void place(int orientation, int w, int h, int x, int y, int *to_x, int *to_y) {
    int flip_x = w - 1 - x, flip_y = h - 1 - y;
    const int where[8][2] = {{x, y},      {flip_x, y}, {flip_x, flip_y}, {x, flip_y},
                             {y, x},      {flip_y, x}, {flip_y, flip_x}, {y, flip_x}};
    *to_x = where[orientation - 1][0];
    *to_y = where[orientation - 1][1];
}

static void turning(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {5, 3}, {33, 70}, {64, 32}, {100, 1}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int orientation = 1; orientation <= 8; orientation++)
            for (int bytes = 1; bytes <= 3; bytes++) {
                int w = sizes[s][0], h = sizes[s][1], out_w = iad_exif_swaps(orientation) ? h : w;
                size_t n = (size_t)w * (size_t)h * (size_t)bytes;
                uint8_t *src = iad_alloc(n, 1), *dst = iad_calloc(n, 1);
                assert_true(src && dst);
                iad_rng rng;
                iad_rng_init(&rng, 1, s);
                for (size_t i = 0; i < n; i++) src[i] = (uint8_t)iad_rng_u32(&rng);
                iad_exif_turn(src, w, h, bytes, orientation, dst);
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++) {
                        int to_x, to_y;
                        place(orientation, w, h, x, y, &to_x, &to_y);
                        const uint8_t *there = dst + (to_y * out_w + to_x) * bytes;
                        assert_memory_equal(there, src + (y * w + x) * bytes, (size_t)bytes);
                    }
                free(src);
                free(dst);
            }
}

/* A directory of two entries, the second one the orientation. */
static size_t exif_block(uint8_t *p, int big, unsigned type, unsigned count, unsigned value) {
    static const uint8_t tags[2] = {0x00, 0x12};
    memset(p, 0, 38);
    memcpy(p, big ? "MM\0*\0\0\0\10\0\2" : "II*\0\10\0\0\0\2\0", 10);
    for (int i = 0; i < 2; i++) {
        uint8_t *e = p + 10 + 12 * i;
        e[big ? 0 : 1] = 1;
        e[big ? 1 : 0] = tags[i];
        e[big ? 3 : 2] = (uint8_t)type;
        e[big ? 7 : 4] = (uint8_t)count;
        e[big ? (type == 4 ? 11 : 9) : 8] = (uint8_t)value;
    }
    return 38;
}

static void orientation_of_blocks(void **state) {
    (void)state;
    uint8_t block[64], with_name[64];
    for (int big = 0; big <= 1; big++)
        for (unsigned value = 0; value <= 9; value++) {
            int want = value >= 1 && value <= 8 ? (int)value : 0;
            size_t n = exif_block(block, big, 3, 1, value);
            assert_int_equal(iad_exif_orientation(block, n), want);
            memcpy(with_name, "Exif\0\0", 6);
            memcpy(with_name + 6, block, n);
            assert_int_equal(iad_exif_orientation(with_name, n + 6), want);
            exif_block(block, big, 4, 1, value);
            assert_int_equal(iad_exif_orientation(block, n), want);
            exif_block(block, big, 2, 1, value); /* text */
            assert_int_equal(iad_exif_orientation(block, n), 0);
            exif_block(block, big, 3, 2, value); /* two of them */
            assert_int_equal(iad_exif_orientation(block, n), 0);
        }
}

static void broken_blocks(void **state) {
    (void)state;
    uint8_t block[64];
    size_t n = exif_block(block, 0, 3, 1, 6);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *exact = iad_alloc(cut, 1);
        assert_non_null(exact);
        memcpy(exact, block, cut);
        assert_int_equal(iad_exif_orientation(exact, cut), cut < 34 ? 0 : 6);
        free(exact);
    }
    static const struct {
        size_t at;
        uint8_t value;
    } faults[] = {{0, 'X'}, {1, 'M'}, {2, 43}, {4, 200}, {7, 255}, {8, 1}, {22, 0x13}};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        exif_block(block, 0, 3, 1, 6);
        block[faults[i].at] = faults[i].value;
        assert_int_equal(iad_exif_orientation(block, n), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(conversions_of_pictures),
        cmocka_unit_test(composing_and_inks_are_rounded),
        cmocka_unit_test(turning),
        cmocka_unit_test(orientation_of_blocks),
        cmocka_unit_test(broken_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
