/* Files cut at every byte: never a crash, never a line on standard error, never wrong pixels that are called right. */
#include "tests/unit/codec/codec_fixture.h"

#include <unistd.h>

#include "base/alloc.h"

/* `harmless`: how many bytes may be missing at the end while all pixels are still there. */
static const struct {
    const char *file;
    size_t harmless;
} cases[] = {
    {"grey.jpg", 2},                 /* the end marker */
    {"ycc420.jpg", 2},
    {"ycc422.jpg", 2},
    {"restarts.jpg", 2},
    {"cmyk.jpg", 2},
    {"exif.jpg", 2},
    {"grey_progressive.jpg", 0},     /* any scan could follow */
    {"ycc420_progressive.jpg", 0},
    {"grey1.png", 12},               /* the end chunk */
    {"grey16.png", 12},
    {"rgb8.png", 12},
    {"rgb8_adam7.png", 12},
    {"palette4_alpha_adam7.png", 12},
    {"rgba8.png", 12},
    {"rgba8_adam7.png", 12},
    {"greya8.png", 12},
    {"pieces.png", 12},
    {"lossy.webp", 0},
    {"lossless.webp", 0},
    {"lossy_alpha.webp", 0},
    {"lossless_alpha.webp", 0},
    {"animated.webp", 206},          /* the second frame */
    {"exif.webp", 0},                /* without EXIF it might be turned */
    {"rgb24.bmp", 1},                /* padding of the last row */
    {"rgb24_top_down.bmp", 1},
    {"palette1.bmp", 1},
    {"palette8.bmp", 3},
    {"rgb565.bmp", 2},
    {"rgba32_v5.bmp", 0},
    {"rle8.bmp", 4},                 /* end of row and end of picture */
    {"rle4.bmp", 2},
    {"core24.bmp", 1},
};

static int same_picture(const iad_image *a, const iad_image *b) {
    return a->width == b->width && a->height == b->height && a->channels == b->channels &&
           memcmp(a->px, b->px, codec_bytes(a)) == 0;
}

/* Decodes the first n bytes from a block of exactly that size, so that a sanitizer sees a read behind it. */
static iad_status decode_cut(const codec_file *file, size_t n, const iad_decode_options *options, iad_image *image,
                             iad_image_info *info, iad_err *err) {
    uint8_t *cut = iad_alloc(n, 1);
    assert_non_null(cut);
    memcpy(cut, file->bytes, n);
    iad_image16 wide;
    if (iad_image_decode16(cut, n, NULL, &wide, err) == IAD_OK) iad_image16_deinit(&wide);
    iad_status status = iad_image_decode(cut, n, "cut", options, image, info, err);
    free(cut);
    return status;
}

static void check_cut(const char *name, const codec_file *file, size_t n, const iad_image *whole, size_t *right) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_image_info info;
    iad_status status = decode_cut(file, n, NULL, &image, &info, &err);
    if (status == IAD_OK) {
        if (!same_picture(&image, whole)) fail_msg("%s cut to %zu bytes: other pixels and no complaint", name, n);
        if (info.truncated) fail_msg("%s cut to %zu bytes: truncated, but accepted", name, n);
        if (info.format == IAD_IMAGE_JPEG && info.warnings < 1) fail_msg("%s cut to %zu bytes: no warning", name, n);
        ++*right;
        iad_image_deinit(&image);
    } else {
        if (status != IAD_ERR_FORMAT)
            fail_msg("%s cut to %zu bytes: %s: %s", name, n, iad_status_name(status), err.msg);
        if (image.px || err.msg[0] == 0) fail_msg("%s cut to %zu bytes: pixels or no message", name, n);
        if (n > 16 && (!info.truncated || !strstr(err.msg, "truncated")))
            fail_msg("%s cut to %zu bytes: not called truncated: %s", name, n, err.msg);
    }
    iad_decode_options keep = {.accept_truncated = 1};
    if (decode_cut(file, n, &keep, &image, &info, &err) != IAD_OK) return;
    if (!info.truncated && !same_picture(&image, whole)) fail_msg("%s cut to %zu bytes: silent loss", name, n);
    if (image.width != whole->width || image.height != whole->height) fail_msg("%s cut to %zu bytes: size", name, n);
    iad_image_deinit(&image);
}

static void cut_at_every_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_image whole;
        codec_file file = codec_read(cases[i].file);
        assert_ok(iad_image_decode(file.bytes, file.n, cases[i].file, NULL, &whole, NULL, &err));
        size_t right = 0;
        for (size_t n = 0; n < file.n; n++) check_cut(cases[i].file, &file, n, &whole, &right);
        if (right != cases[i].harmless)
            fail_msg("%s: %zu cuts leave the whole picture, expected %zu", cases[i].file, right, cases[i].harmless);
        iad_image_deinit(&whole);
        free(file.bytes);
    }
}

/* The rows in front of the cut are there. */
static void accepted_rows_are_right(void **state) {
    (void)state;
    static const char *const names[] = {"restarts.jpg", "rgb8.png", "rgba8.png", "rgb24_top_down.bmp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_image whole, part;
        iad_image_info info;
        iad_decode_options keep = {.accept_truncated = 1};
        codec_file file = codec_read(names[i]);
        assert_ok(iad_image_decode(file.bytes, file.n, names[i], NULL, &whole, NULL, &err));
        assert_ok(iad_image_decode(file.bytes, file.n - file.n / 10, names[i], &keep, &part, &info, &err));
        assert_int_equal(info.truncated, 1);
        size_t row = (size_t)whole.width * (size_t)whole.channels;
        assert_memory_equal(whole.px, part.px, 3 * row);
        assert_memory_not_equal(whole.px, part.px, codec_bytes(&whole));
        iad_image_deinit(&whole);
        iad_image_deinit(&part);
        free(file.bytes);
    }
}

static void nothing_on_standard_error(void **state) {
    (void)state;
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    FILE *capture = tmpfile();
    assert_non_null(capture);
    dup2(fileno(capture), STDERR_FILENO);
    static const char *const names[] = {"ycc420.jpg", "ycc420_progressive.jpg", "texts.png", "rgb8.png", "lossy.webp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        codec_file file = codec_read(names[i]);
        for (size_t at = 20; at < file.n; at += 3) {
            iad_image image;
            file.bytes[at] ^= 0x55;
            if (iad_image_decode(file.bytes, file.n, NULL, NULL, &image, NULL, NULL) == IAD_OK) iad_image_deinit(&image);
            file.bytes[at] ^= 0x55;
        }
        free(file.bytes);
    }
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(fseek(capture, 0, SEEK_END), 0);
    assert_int_equal(ftell(capture), 0);
    fclose(capture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(accepted_rows_are_right),
        cmocka_unit_test(nothing_on_standard_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
