/* What the encoders write, read back. */
#include "tests/unit/codec/codec_fixture.h"

#include "base/image/encode.h"
#include "base/rng.h"

#define BUF_MAX (16u << 20)

/* A smooth picture with some noise: nothing that a codec could find easy by accident. */
static iad_image draw(int width, int height, int channels) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_rng rng;
    iad_rng_init(&rng, 7, (uint64_t)(width * 1000 + height));
    assert_ok(iad_image_init(&image, width, height, channels, &err));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                iad_image_at(&image, x, y)[c] = (uint8_t)((x * (c + 2) + y * 3) % 200 + iad_rng_int(&rng, 0, 9));
    return image;
}

static const int sizes[][2] = {{1, 1}, {7, 5}, {8, 8}, {33, 17}, {64, 3}, {129, 70}};

static void decode_buf(const iad_buf *buf, iad_image *image, iad_image_info *info) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_image_decode(buf->data, buf->len, "buffer", NULL, image, info, &err));
    assert_int_equal(info->warnings, 0);
    assert_int_equal(info->truncated, 0);
}

static void assert_same(const iad_image *a, const iad_image *b) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->channels, b->channels);
    assert_memory_equal(a->px, b->px, codec_bytes(a));
}

static void png_is_lossless_at_every_level(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int channels = 1; channels <= 3; channels += 2)
            for (int level = -1; level <= 9; level++) {
                iad_err err = IAD_ERR_NONE;
                iad_image image = draw(sizes[i][0], sizes[i][1], channels), back;
                iad_image_info info;
                iad_buf buf;
                iad_buf_init(&buf, BUF_MAX);
                assert_ok(iad_encode_png(&image, level, &buf, &err));
                decode_buf(&buf, &back, &info);
                assert_same(&image, &back);
                assert_int_equal(info.format, IAD_IMAGE_PNG);
                iad_buf_deinit(&buf);
                iad_image_deinit(&image);
                iad_image_deinit(&back);
            }
}

static void png16_keeps_all_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_image16 image, back;
        iad_image high;
        iad_image_info info;
        iad_buf buf;
        iad_rng rng;
        iad_rng_init(&rng, 5, i);
        iad_buf_init(&buf, BUF_MAX);
        assert_ok(iad_image16_init(&image, sizes[i][0], sizes[i][1], &err));
        size_t count = (size_t)image.width * (size_t)image.height;
        for (size_t k = 0; k < count; k++) image.px[k] = (uint16_t)iad_rng_u32(&rng);
        assert_ok(iad_encode_png16(&image, -1, &buf, &err));
        assert_ok(iad_image_decode16(buf.data, buf.len, "wide", &back, &err));
        assert_int_equal(back.width, image.width);
        assert_memory_equal(back.px, image.px, count * 2);
        decode_buf(&buf, &high, &info);
        assert_int_equal(info.depth, 16);
        for (size_t k = 0; k < count; k++) assert_int_equal(high.px[k], image.px[k] >> 8);
        iad_decode_options raw = {.raw_values = 1};
        iad_image unused;
        assert_fails(IAD_ERR_UNSUPPORTED, iad_image_decode(buf.data, buf.len, "wide", &raw, &unused, NULL, &err));
        iad_buf_deinit(&buf);
        iad_image16_deinit(&image);
        iad_image16_deinit(&back);
        iad_image_deinit(&high);
    }
}

static void png1_keeps_the_shape(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_image mask = draw(sizes[i][0], sizes[i][1], 1), back;
        iad_image_info info;
        iad_buf buf;
        iad_buf_init(&buf, BUF_MAX);
        for (size_t k = 0; k < codec_bytes(&mask); k++) mask.px[k] = mask.px[k] % 3 == 0 ? mask.px[k] : 0;
        assert_ok(iad_encode_png1(&mask, &buf, &err));
        decode_buf(&buf, &back, &info);
        assert_int_equal(info.depth, 1);
        assert_int_equal(info.channels, 1);
        for (size_t k = 0; k < codec_bytes(&mask); k++) assert_int_equal(back.px[k], mask.px[k] ? 255 : 0);
        iad_buf_deinit(&buf);
        iad_image_deinit(&mask);
        iad_image_deinit(&back);
    }
}

static double mean_error(const iad_image *a, const iad_image *b) {
    double sum = 0;
    for (size_t i = 0; i < codec_bytes(a); i++) sum += abs(a->px[i] - b->px[i]);
    return sum / (double)codec_bytes(a);
}

/* Position of frame header SOF0 and the sampling factors of the first component. */
static int first_sampling(const iad_buf *buf) {
    const uint8_t *sof = memmem(buf->data, buf->len, "\xff\xc0", 2);
    assert_non_null(sof);
    return sof[11];
}

static void jpeg_comes_close(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int channels = 1; channels <= 3; channels += 2)
            for (int subsample = 0; subsample <= 1; subsample++) {
                iad_err err = IAD_ERR_NONE;
                iad_image image = draw(sizes[i][0], sizes[i][1], channels), back;
                iad_image_info info;
                iad_jpeg_options options = {95, subsample};
                iad_buf buf;
                iad_buf_init(&buf, BUF_MAX);
                assert_ok(iad_encode_jpeg(&image, &options, &buf, &err));
                assert_int_equal(first_sampling(&buf), subsample && channels == 3 ? 0x22 : 0x11);
                decode_buf(&buf, &back, &info);
                assert_int_equal(back.channels, channels);
                assert_int_equal(back.width, image.width);
                assert_int_equal(back.height, image.height);
                double error = mean_error(&image, &back);
                if (error > (subsample && channels == 3 ? 20.0 : 3.0)) fail_msg("mean error %.2f", error);
                iad_buf_deinit(&buf);
                iad_image_deinit(&image);
                iad_image_deinit(&back);
            }
}

static void jpeg_quality_orders_sizes(void **state) {
    (void)state;
    iad_image image = draw(129, 70, 3);
    size_t last = 0, by_default = 0, at_90 = 0;
    for (int quality = 0; quality <= 100; quality += 30) {
        iad_err err = IAD_ERR_NONE;
        iad_jpeg_options options = {quality, 0};
        iad_buf buf;
        iad_buf_init(&buf, BUF_MAX);
        assert_ok(iad_encode_jpeg(&image, &options, &buf, &err));
        if (quality == 0) by_default = buf.len;
        if (quality == 90) at_90 = buf.len;
        if (quality) {
            assert_true(buf.len > last);
            last = buf.len;
        }
        iad_buf_deinit(&buf);
    }
    assert_int_equal(by_default, at_90);
    iad_image_deinit(&image);
}

/* Bytes depend on pixels and options only, and are added behind what the buffer holds. */
static void same_bytes_and_appending(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = draw(129, 70, 3);
    iad_buf first, second;
    iad_buf_init(&first, BUF_MAX);
    iad_buf_init(&second, BUF_MAX);
    assert_ok(iad_buf_add(&second, "front", 5, &err));
    assert_ok(iad_encode_jpeg(&image, NULL, &first, &err));
    assert_ok(iad_encode_png(&image, -1, &first, &err));
    assert_ok(iad_encode_jpeg(&image, NULL, &second, &err));
    assert_ok(iad_encode_png(&image, -1, &second, &err));
    assert_int_equal(second.len, first.len + 5);
    assert_memory_equal(second.data, "front", 5);
    assert_memory_equal(second.data + 5, first.data, first.len);
    iad_buf_deinit(&first);
    iad_buf_deinit(&second);
    iad_image_deinit(&image);
}

static void bad_options_and_full_buffers(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = draw(129, 70, 3), none = {0};
    iad_image16 none16 = {0};
    iad_jpeg_options high = {101, 0}, low = {-1, 0};
    iad_buf buf;
    iad_buf_init(&buf, 1000);
    assert_ok(iad_buf_add(&buf, "front", 5, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_jpeg(&image, &high, &buf, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_jpeg(&image, &low, &buf, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_png(&image, 10, &buf, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_png(&image, -2, &buf, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_png1(&image, &buf, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_jpeg(&none, NULL, &buf, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_png(&none, -1, &buf, &err));
    assert_fails(IAD_ERR_ARG, iad_encode_png16(&none16, -1, &buf, &err));
    assert_fails(IAD_ERR_LIMIT, iad_encode_jpeg(&image, NULL, &buf, &err));
    assert_int_equal(buf.len, 5);
    assert_fails(IAD_ERR_LIMIT, iad_encode_png(&image, -1, &buf, &err));
    assert_int_equal(buf.len, 5);
    assert_string_equal(iad_buf_str(&buf), "front");
    iad_buf_deinit(&buf);
    iad_image_deinit(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_is_lossless_at_every_level),
        cmocka_unit_test(png16_keeps_all_bits),
        cmocka_unit_test(png1_keeps_the_shape),
        cmocka_unit_test(jpeg_comes_close),
        cmocka_unit_test(jpeg_quality_orders_sizes),
        cmocka_unit_test(same_bytes_and_appending),
        cmocka_unit_test(bad_options_and_full_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
