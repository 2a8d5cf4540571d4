/* What is said about a picture from its bytes. */
#include "tests/unit/crawl/crawl_fixture.h"

#include "base/file.h"
#include "base/sha256.h"
#include "crawl/judge/judge.h"
#include "crawl/judge/sniff.h"

static iad_judgement judge(const void *bytes, size_t n, const iad_judge_options *options) {
    iad_err err;
    iad_judgement j;
    iad_judge_options usual = IAD_JUDGE_OPTIONS;
    usual.min_bytes = 100;
    assert_ok(iad_judge_picture(bytes, n, options ? options : &usual, &j, &err));
    return j;
}

static void outcome_of(const void *bytes, size_t n, iad_outcome wanted, const char *kind) {
    iad_judgement j = judge(bytes, n, NULL);
    if (j.outcome != wanted || strcmp(j.kind, kind) != 0)
        fail_msg("%s (%s), wanted %s (%s): %s", iad_outcome_name(j.outcome), j.kind, iad_outcome_name(wanted), kind, j.detail);
    iad_judgement_deinit(&j);
}

static void codec_file(const char *name, iad_outcome wanted, const char *kind) {
    iad_err err;
    char path[4096];
    uint8_t *data = NULL;
    size_t n;
    snprintf(path, sizeof path, "%s/../../codec/data/%s", IAD_TEST_DATA, name);
    assert_ok(iad_file_read(path, 1 << 24, &data, &n, &err));
    outcome_of(data, n, wanted, kind);
    free(data);
}

static void test_kinds(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        iad_outcome outcome;
        const char *kind;
    } cases[] = {{"", 0, IAD_OUT_EMPTY, "unknown"},
                 {"GIF89a......", 12, IAD_OUT_UNSUPPORTED, "gif"},
                 {"\0\0\0\x1c"
                  "ftypavif....",
                  16, IAD_OUT_UNSUPPORTED, "avif"},
                 {"\0\0\0\x18"
                  "ftypheic....",
                  16, IAD_OUT_UNSUPPORTED, "heic"},
                 {"II*\0........", 12, IAD_OUT_UNSUPPORTED, "tiff"},
                 {"<?xml version='1.0'?><svg>", 26, IAD_OUT_UNSUPPORTED, "svg"},
                 {" \n<!DOCTYPE html>", 17, IAD_OUT_NOT_IMAGE, "html"},
                 {"not found", 9, IAD_OUT_NOT_IMAGE, "unknown"},
                 {"%PDF-1.4", 8, IAD_OUT_UNSUPPORTED, "pdf"},
                 {"\xff\xd8\xff\xe0 broken", 11, IAD_OUT_DECODE, "jpeg"},
                 {"\x89PNG\r\n\x1a\n", 8, IAD_OUT_TRUNCATED, "png"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_judgement j = judge(cases[i].bytes, cases[i].n, NULL);
        int fine =
            j.outcome == cases[i].outcome || (cases[i].outcome >= IAD_OUT_DECODE && (j.outcome == IAD_OUT_DECODE || j.outcome == IAD_OUT_TRUNCATED));
        if (!fine || strcmp(j.kind, cases[i].kind) != 0) fail_msg("case %zu: %s, %s", i, iad_outcome_name(j.outcome), j.kind);
        iad_judgement_deinit(&j);
    }
    codec_file("cmyk.jpg", IAD_OUT_OK, "jpeg"); /* print shops */
    codec_file("apng.png", IAD_OUT_ANIMATED, "png");
    codec_file("animated.webp", IAD_OUT_ANIMATED, "webp");
}

static void test_good_picture(void **state) {
    (void)state;
    iad_buf jpeg = fixture_jpeg(640, 480, 1);
    iad_judgement j = judge(jpeg.data, jpeg.len, NULL);
    uint8_t sha[32];
    iad_err err;
    assert_int_equal(j.outcome, IAD_OUT_OK);
    assert_int_equal(j.info.width, 640);
    assert_ok(iad_sha256_bytes(jpeg.data, jpeg.len, sha, &err));
    assert_memory_equal(j.sha256, sha, 32);
    assert_memory_equal(j.stored_sha256, sha, 32);
    assert_int_equal(j.stored.len, 0);
    assert_true(j.has_pixels && j.stats.colours > 20 && j.stats.contrast > 30);
    iad_judgement_deinit(&j);
    /* Cut: libjpeg alone would fill the rest with grey. */
    outcome_of(jpeg.data, jpeg.len / 2, IAD_OUT_TRUNCATED, "jpeg");
    iad_judge_options small = IAD_JUDGE_OPTIONS;
    small.max_side = 320;
    small.min_bytes = 100;
    j = judge(jpeg.data, jpeg.len, &small);
    assert_int_equal(j.outcome, IAD_OUT_OK);
    assert_int_equal(j.stored_width, 320);
    assert_int_equal(j.stored_height, 240);
    assert_true(j.stored.len > 0 && memcmp(j.sha256, j.stored_sha256, 32) != 0);
    iad_judgement_deinit(&j);
    small = IAD_JUDGE_OPTIONS;
    small.min_bytes = jpeg.len + 1;
    j = judge(jpeg.data, jpeg.len, &small);
    assert_int_equal(j.outcome, IAD_OUT_TOO_SMALL);
    iad_judgement_deinit(&j);
    small = IAD_JUDGE_OPTIONS;
    small.max_pixels = 1000;
    j = judge(jpeg.data, jpeg.len, &small);
    assert_int_equal(j.outcome, IAD_OUT_TOO_BIG);
    iad_judgement_deinit(&j);
    iad_buf_deinit(&jpeg);
    jpeg = fixture_jpeg(1300, 400, 2);
    outcome_of(jpeg.data, jpeg.len, IAD_OUT_ASPECT, "jpeg");
    iad_buf_deinit(&jpeg);
}

static void test_blank_and_white(void **state) {
    (void)state;
    iad_err err;
    iad_image image;
    iad_buf png;
    iad_pixel_stats stats;
    assert_ok(iad_image_init(&image, 400, 400, 3, &err));
    memset(image.px, 250, 400 * 400 * 3);
    iad_pixel_stats_of(&image, &stats);
    assert_close(stats.white_border, 1, 0);
    assert_true(iad_pixel_stats_blank(&stats));
    iad_buf_init(&png, 1 << 20);
    assert_ok(iad_encode_png(&image, 1, &png, &err));
    outcome_of(png.data, png.len, IAD_OUT_BLANK, "png");
    for (int y = 100; y < 300; y++)
        for (int x = 100; x < 300; x++) iad_image_at(&image, x, y)[0] = (uint8_t)(x ^ y);
    iad_pixel_stats_of(&image, &stats);
    assert_close(stats.white_border, 1, 0);
    assert_false(iad_pixel_stats_blank(&stats));
    double sharp = stats.sharpness;
    memset(image.px, 0, 400 * 400 * 3);
    iad_pixel_stats_of(&image, &stats);
    assert_true(stats.sharpness == 0 && sharp > 10 && stats.white_border == 0 && stats.colours == 1);
    iad_image_deinit(&image);
    iad_buf_deinit(&png);
}

/* A directory of texts, little endian, in a JPEG's APP1. */
static void test_exif(void **state) {
    (void)state;
    static const unsigned char app1[] = "\xff\xd8\xff\xe1\x00\x48" "Exif\0\0" "II*\0\x08\0\0\0" "\x03\0"
        "\x0f\x01\x02\0\x04\0\0\0ACM\0"                    /* maker, inline */
        "\x98\x82\x02\0\x0e\0\0\0\x32\0\0\0"               /* copyright at 50 */
        "\x3b\x01\x02\0\xff\xff\xff\xff\x32\0\0\0"         /* artist: longer than the block */
        "\0\0\0\0" "(c) A. Person\0\xff\xd9";
    iad_exif_text text;
    iad_exif_text_read(app1, sizeof app1 - 1, &text);
    assert_string_equal(text.maker, "ACM");
    assert_string_equal(text.copyright, "(c) A. Person");
    assert_string_equal(text.artist, "");
    for (size_t n = 0; n < sizeof app1; n++) iad_exif_text_read(app1, n, &text);
    iad_exif_text_read("RIFFxxxxWEBPEXIF\xff\xff\xff\xff", 20, &text);
    assert_string_equal(text.maker, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_good_picture), cmocka_unit_test(test_blank_and_white),
                                       cmocka_unit_test(test_exif)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
