/* Files that claim too much, lie, or are of a kind that nobody here reads. */
#include "tests/unit/codec/codec_fixture.h"

#include "base/alloc.h"

static void put_be16(uint8_t *p, unsigned v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v) {
    put_be16(p, v >> 16);
    put_be16(p + 2, v & 0xffff);
}

static void put_le32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

/* Start of the JPEG frame header: marker, length, precision, height, width, components. */
static size_t find_frame(const codec_file *file) {
    const uint8_t *p = memmem(file->bytes, file->n, "\xff\xc0\x00", 3);
    if (!p) p = memmem(file->bytes, file->n, "\xff\xc2\x00", 3);
    assert_non_null(p);
    return (size_t)(p - file->bytes);
}

static void expect_decode(iad_status want, const codec_file *file, const char *name,
                          const iad_decode_options *options) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_status got = iad_image_decode(file->bytes, file->n, name, options, &image, NULL, &err);
    if (got != want) fail_msg("%s: %s (%s), expected %s", name, iad_status_name(got), err.msg, iad_status_name(want));
    if (got != IAD_OK) {
        assert_null(image.px);
        assert_non_null(strstr(err.msg, name));
    }
    iad_image_deinit(&image);
}

static void expect_both(iad_status want, const codec_file *file, const char *name) {
    iad_err err = IAD_ERR_NONE;
    iad_image_info info;
    iad_image16 wide;
    iad_status got = iad_image_probe(file->bytes, file->n, name, &info, &err);
    if (got != want) fail_msg("probing %s: %s (%s)", name, iad_status_name(got), err.msg);
    assert_fails(want, iad_image_decode16(file->bytes, file->n, name, &wide, &err));
    expect_decode(want, file, name, NULL);
}

static void max_pixels_is_exact(void **state) {
    (void)state;
    static const char *const names[] = {"grey.jpg", "grey_progressive.jpg", "grey8.png", "rgb8_adam7.png",
                                        "lossy.webp", "animated.webp", "rgb24.bmp", "rle8.bmp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        codec_file file = codec_read(names[i]);
        iad_decode_options options = {.max_pixels = 21 * 13};
        expect_decode(IAD_OK, &file, names[i], &options);
        options.max_pixels--;
        expect_decode(IAD_ERR_LIMIT, &file, names[i], &options);
        free(file.bytes);
    }
}

static void claimed_sizes_are_checked_first(void **state) {
    (void)state;
    codec_file file = codec_read("ycc420.jpg");
    put_be16(file.bytes + find_frame(&file) + 5, 65000);
    put_be16(file.bytes + find_frame(&file) + 7, 65000);
    expect_both(IAD_ERR_LIMIT, &file, "big.jpg");
    free(file.bytes);

    file = codec_read("rgb8.png");
    put_be32(file.bytes + 16, 65000);
    put_be32(file.bytes + 20, 65000);
    expect_both(IAD_ERR_LIMIT, &file, "big.png");
    put_be32(file.bytes + 16, 65501);
    put_be32(file.bytes + 20, 1);
    expect_both(IAD_ERR_LIMIT, &file, "long.png");
    put_be32(file.bytes + 16, 0x80000000u);
    expect_both(IAD_ERR_FORMAT, &file, "negative.png");
    put_be32(file.bytes + 16, 0);
    expect_both(IAD_ERR_FORMAT, &file, "empty.png");
    free(file.bytes);

    file = codec_read("rgb24.bmp");
    put_le32(file.bytes + 18, 65000);
    put_le32(file.bytes + 22, (uint32_t)-65000);
    expect_both(IAD_ERR_LIMIT, &file, "big.bmp");
    put_le32(file.bytes + 18, 0);
    expect_both(IAD_ERR_FORMAT, &file, "empty.bmp");
    put_le32(file.bytes + 18, 5);
    put_le32(file.bytes + 22, 0x80000000u);
    expect_both(IAD_ERR_FORMAT, &file, "lowest.bmp");
    free(file.bytes);

    file = codec_read("animated.webp");
    size_t head = codec_find(&file, "VP8X", 4) + 8;
    file.bytes[head + 5] = file.bytes[head + 8] = 0x90; /* 0x90xx + 1 pixels */
    expect_both(IAD_ERR_LIMIT, &file, "big.webp");
    free(file.bytes);
}

/* A progressive file may ask for the whole picture again and again. */
static void scans_are_counted(void **state) {
    (void)state;
    codec_file file = codec_read("grey_progressive.jpg");
    size_t last = 0;
    for (size_t i = 0; i + 1 < file.n; i++)
        if (file.bytes[i] == 0xff && file.bytes[i + 1] == 0xda) last = i;
    size_t scan = file.n - 2 - last, copies = 120;
    codec_file many = {iad_alloc(file.n + copies * scan, 1), 0};
    assert_non_null(many.bytes);
    memcpy(many.bytes, file.bytes, file.n - 2);
    many.n = file.n - 2;
    for (size_t i = 0; i < copies; i++, many.n += scan) memcpy(many.bytes + many.n, file.bytes + last, scan);
    memcpy(many.bytes + many.n, "\xff\xd9", 2);
    many.n += 2;
    expect_decode(IAD_ERR_LIMIT, &many, "scans.jpg", NULL);
    free(many.bytes);
    free(file.bytes);
}

static void kinds_that_are_not_read(void **state) {
    (void)state;
    codec_file file = codec_read("grey.jpg");
    size_t frame = find_frame(&file);
    file.bytes[frame + 4] = 12;
    expect_both(IAD_ERR_UNSUPPORTED, &file, "twelve_bits.jpg");
    file.bytes[frame + 4] = 8;
    file.bytes[frame + 1] = 0xc3;
    expect_both(IAD_ERR_UNSUPPORTED, &file, "lossless.jpg");
    free(file.bytes);

    file = codec_read("rgb24.bmp");
    put_le32(file.bytes + 30, 4);
    expect_both(IAD_ERR_UNSUPPORTED, &file, "jpeg_within.bmp");
    put_le32(file.bytes + 30, 0);
    file.bytes[28] = 48;
    expect_both(IAD_ERR_UNSUPPORTED, &file, "deep.bmp");
    free(file.bytes);

    iad_err err = IAD_ERR_NONE;
    iad_image16 wide;
    file = codec_read("rgb16.png");
    assert_fails(IAD_ERR_UNSUPPORTED, iad_image_decode16(file.bytes, file.n, "colour.png", &wide, &err));
    free(file.bytes);
    file = codec_read("ycc444.jpg");
    assert_fails(IAD_ERR_UNSUPPORTED, iad_image_decode16(file.bytes, file.n, "colour.jpg", &wide, &err));
    iad_decode_options options = {.channels = 2};
    expect_decode(IAD_ERR_ARG, &file, "two.jpg", &options);
    free(file.bytes);
}

static void broken_data(void **state) {
    (void)state;
    codec_file file = codec_read("rgb8.png");
    size_t data = codec_find(&file, "IDAT", 4);
    file.bytes[data + 20] ^= 0x40;
    expect_decode(IAD_ERR_FORMAT, &file, "checksum.png", NULL);
    file.bytes[data + 20] ^= 0x40;
    file.bytes[24] = 3; /* no such depth */
    expect_both(IAD_ERR_FORMAT, &file, "depth.png");
    free(file.bytes);

    file = codec_read("palette4.png");
    size_t palette = codec_find(&file, "PLTE", 4);
    memcpy(file.bytes + palette, "pLTE", 4);
    expect_decode(IAD_ERR_FORMAT, &file, "palette_missing.png", NULL);
    free(file.bytes);

    file = codec_read("rgb565.bmp");
    put_le32(file.bytes + 54, 0xf0f0);
    expect_both(IAD_ERR_FORMAT, &file, "holes.bmp");
    free(file.bytes);

    file = codec_read("lossless.webp");
    memset(file.bytes + 25, 0xa5, file.n - 25);
    expect_decode(IAD_ERR_FORMAT, &file, "noise.webp", NULL);
    free(file.bytes);

    /* Damage within the entropy-coded data of a JPEG costs pixels, not the picture; it is counted. */
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_image_info info;
    file = codec_read("restarts.jpg");
    size_t restart = codec_find(&file, "\xff\xd1", 2);
    file.bytes[restart + 1] = 0xd5;
    assert_ok(iad_image_decode(file.bytes, file.n, "restart.jpg", NULL, &image, &info, &err));
    assert_true(info.warnings > 0);
    assert_int_equal(info.truncated, 0);
    iad_image_deinit(&image);
    free(file.bytes);
}

static void sniffing(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        iad_image_format format;
    } heads[] = {
        {"\xff\xd8\xff", 3, IAD_IMAGE_JPEG},
        {"\xff\xd8", 2, IAD_IMAGE_UNKNOWN},
        {"\x89PNG\r\n\x1a\n", 8, IAD_IMAGE_PNG},
        {"\x89PNG\n\x1a\n ", 8, IAD_IMAGE_UNKNOWN},
        {"RIFF\4\0\0\0WEBP", 12, IAD_IMAGE_WEBP},
        {"RIFF\4\0\0\0WAVE", 12, IAD_IMAGE_UNKNOWN},
        {"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0", 16, IAD_IMAGE_BMP},
        {"BM\0\0\0\0\0\0\0\0\0\0\0\0\x29\0", 16, IAD_IMAGE_UNKNOWN},
        {"BMW is not a bitmap", 19, IAD_IMAGE_UNKNOWN},
        {"GIF89a", 6, IAD_IMAGE_UNKNOWN},
        {"", 0, IAD_IMAGE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        codec_file file = {iad_alloc(heads[i].n, 1), heads[i].n};
        assert_non_null(file.bytes);
        memcpy(file.bytes, heads[i].bytes, heads[i].n);
        if (iad_image_sniff(file.bytes, file.n) != heads[i].format) fail_msg("head %zu is taken for something else", i);
        expect_both(IAD_ERR_FORMAT, &file, "head");
        free(file.bytes);
    }
    assert_string_equal(iad_image_format_name(IAD_IMAGE_WEBP), "webp");
    assert_string_equal(iad_image_format_name(IAD_IMAGE_UNKNOWN), "unknown");
    assert_string_equal(iad_image_format_name((iad_image_format)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_pixels_is_exact),
        cmocka_unit_test(claimed_sizes_are_checked_first),
        cmocka_unit_test(scans_are_counted),
        cmocka_unit_test(kinds_that_are_not_read),
        cmocka_unit_test(broken_data),
        cmocka_unit_test(sniffing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
