/* Every small picture of the data folder against the pixels that another decoder made of it (data/expected.tsv). */
#include "tests/unit/codec/codec_fixture.h"

#include "base/alloc.h"
#include "base/sha256.h"

#define MAX_LINE 512

typedef struct expectation {
    char file[64], mode[16], sha[IAD_SHA256_HEX];
    int width, height, channels;
} expectation;

static uint32_t crc32_of(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

/* Sets the EXIF orientation in place (and for PNG the checksum of its chunk). */
static void set_orientation(codec_file *file, int value) {
    static const uint8_t little[8] = {0x12, 0x01, 3, 0, 1, 0, 0, 0}, big[8] = {0x01, 0x12, 0, 3, 0, 0, 0, 1};
    int is_little = memmem(file->bytes, file->n, little, sizeof little) != NULL;
    size_t at = codec_find(file, is_little ? little : big, 8) + 8;
    file->bytes[at + (is_little ? 0 : 1)] = (uint8_t)value;
    uint8_t *chunk = memmem(file->bytes, file->n, "eXIf", 4);
    if (!chunk) return;
    uint32_t length = (uint32_t)chunk[-2] << 8 | chunk[-1], crc = crc32_of(chunk, 4 + length);
    for (int i = 0; i < 4; i++) chunk[4 + length + (uint32_t)i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void check_pixels(const expectation *e, int width, int height, int channels, const void *px, size_t n) {
    iad_err err = IAD_ERR_NONE;
    uint8_t digest[IAD_SHA256_BYTES];
    char hex[IAD_SHA256_HEX];
    if (width != e->width || height != e->height || channels != e->channels)
        fail_msg("%s %s: %d x %d x %d, expected %d x %d x %d", e->file, e->mode, width, height, channels, e->width,
                 e->height, e->channels);
    assert_ok(iad_sha256_bytes(px, n, digest, &err));
    iad_hex(digest, sizeof digest, hex);
    if (strcmp(hex, e->sha) != 0) fail_msg("%s %s: other pixels", e->file, e->mode);
}

static void check_wide(const expectation *e, const codec_file *file) {
    iad_err err = IAD_ERR_NONE;
    iad_image16 image;
    assert_ok(iad_image_decode16(file->bytes, file->n, e->file, &image, &err));
    size_t count = (size_t)image.width * (size_t)image.height;
    uint8_t *little = iad_alloc(count, 2);
    assert_non_null(little);
    for (size_t i = 0; i < count; i++) {
        little[2 * i] = (uint8_t)image.px[i];
        little[2 * i + 1] = (uint8_t)(image.px[i] >> 8);
    }
    check_pixels(e, image.width, image.height, 1, little, count * 2);
    free(little);
    iad_image16_deinit(&image);
}

static void check_narrow(const expectation *e, const codec_file *file, const iad_decode_options *options,
                         int orientation) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_image_info info, probed;
    assert_ok(iad_image_decode(file->bytes, file->n, e->file, options, &image, &info, &err));
    check_pixels(e, image.width, image.height, image.channels, image.px, codec_bytes(&image));
    assert_ok(iad_image_probe(file->bytes, file->n, e->file, &probed, &err));
    if (info.warnings || info.truncated || memcmp(&info, &probed, sizeof info) != 0)
        fail_msg("%s %s: probing and decoding disagree, or a clean file has warnings", e->file, e->mode);
    assert_int_equal(info.width, image.width);
    assert_int_equal(info.height, image.height);
    if (orientation) assert_int_equal(info.orientation, orientation);
    iad_image_deinit(&image);
}

static void check_line(const expectation *e) {
    codec_file file = codec_read(e->file);
    iad_decode_options options = {0};
    int orientation = 0;
    if (sscanf(e->mode, "turn:%d", &orientation) == 1) set_orientation(&file, orientation);
    if (strcmp(e->mode, "grey") == 0) options.channels = 1;
    if (strcmp(e->mode, "rgb") == 0) options.channels = 3;
    if (strcmp(e->mode, "raw") == 0) options.raw_values = 1;
    if (strcmp(e->mode, "wide") == 0) check_wide(e, &file);
    else check_narrow(e, &file, &options, orientation);
    free(file.bytes);
}

static void pixels_equal_the_oracle(void **state) {
    (void)state;
    FILE *list = fopen(IAD_TEST_DATA "/expected.tsv", "r");
    assert_non_null(list);
    char line[MAX_LINE];
    int count = 0;
    while (fgets(line, sizeof line, list)) {
        expectation e;
        int fields = sscanf(line, "%63s %15s %d %d %d %64s", e.file, e.mode, &e.width, &e.height, &e.channels, e.sha);
        assert_int_equal(fields, 6);
        check_line(&e);
        count++;
    }
    fclose(list);
    assert_true(count > 300);
}

/* ---- facts ---- */

static void facts_as_stored(void **state) {
    (void)state;
    static const struct {
        const char *file;
        iad_image_format format;
        int channels, depth, animated;
    } facts[] = {
        {"grey.jpg", IAD_IMAGE_JPEG, 1, 8, 0},          {"ycc420.jpg", IAD_IMAGE_JPEG, 3, 8, 0},
        {"cmyk.jpg", IAD_IMAGE_JPEG, 4, 8, 0},          {"grey1.png", IAD_IMAGE_PNG, 1, 1, 0},
        {"grey16.png", IAD_IMAGE_PNG, 1, 16, 0},        {"palette4.png", IAD_IMAGE_PNG, 3, 4, 0},
        {"greya16.png", IAD_IMAGE_PNG, 2, 16, 0},       {"rgba8.png", IAD_IMAGE_PNG, 4, 8, 0},
        {"apng.png", IAD_IMAGE_PNG, 3, 8, 1},           {"lossy.webp", IAD_IMAGE_WEBP, 3, 8, 0},
        {"lossless_alpha.webp", IAD_IMAGE_WEBP, 4, 8, 0}, {"animated.webp", IAD_IMAGE_WEBP, 3, 8, 1},
        {"rgb24.bmp", IAD_IMAGE_BMP, 3, 8, 0},          {"palette4.bmp", IAD_IMAGE_BMP, 3, 4, 0},
        {"grey8.bmp", IAD_IMAGE_BMP, 1, 8, 0},          {"black_white.bmp", IAD_IMAGE_BMP, 1, 1, 0},
        {"rgba32_v5.bmp", IAD_IMAGE_BMP, 4, 8, 0},      {"rgb565.bmp", IAD_IMAGE_BMP, 3, 8, 0},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_image_info info;
        codec_file file = codec_read(facts[i].file);
        assert_ok(iad_image_probe(file.bytes, file.n, facts[i].file, &info, &err));
        if (info.format != facts[i].format || info.channels != facts[i].channels || info.depth != facts[i].depth ||
            info.animated != facts[i].animated || info.orientation != 1)
            fail_msg("%s: %s, %d channels, %d bits, animated %d", facts[i].file, iad_image_format_name(info.format),
                     info.channels, info.depth, info.animated);
        free(file.bytes);
    }
}

static void load_by_content_not_by_name(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_image_info info;
    codec_file file = codec_read("ycc444.jpg");
    assert_ok(iad_file_write("codec_fixture.png", file.bytes, file.n, &err));
    assert_ok(iad_image_load("codec_fixture.png", NULL, &image, &info, &err));
    assert_int_equal(info.format, IAD_IMAGE_JPEG);
    iad_image_deinit(&image);
    remove("codec_fixture.png");
    free(file.bytes);
    assert_fails(IAD_ERR_NOT_FOUND, iad_image_load("codec_fixture.png", NULL, &image, &info, &err));
    assert_null(image.px);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_equal_the_oracle),
        cmocka_unit_test(facts_as_stored),
        cmocka_unit_test(load_by_content_not_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
