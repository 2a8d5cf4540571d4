/* Perceptual hash: exact against plain numpy, turns, and copies that must be found. */
#include "tests/unit/resample/resample_fixture.h"

#include "base/image/decode.h"
#include "base/image/encode.h"
#include "base/image/phash.h"
#include "base/image/resize.h"

static void check_row(const fixture_row *row) {
    iad_err err = IAD_ERR_NONE;
    iad_image image = fixture_picture(fixture_int(row, 0), fixture_int(row, 1), fixture_int(row, 2), fixture_int(row, 3));
    uint64_t hash;
    assert_ok(iad_phash(&image, &hash, &err));
    assert_true(hash == strtoull(row->column[4], NULL, 16));
    iad_image_deinit(&image);
}

static void same_bits_as_plain_numpy(void **state) {
    (void)state;
    assert_in_range(fixture_rows(IAD_TEST_DATA "/phash.tsv", check_row), 50, 1000);
}

static iad_image turned(const iad_image *src, int mirror, int turns) {
    iad_err err = IAD_ERR_NONE;
    iad_image now;
    assert_ok(iad_image_copy(src, &now, &err));
    for (int step = 0; step < turns + mirror; step++) {
        iad_image next;
        const int is_mirror = mirror && step == 0;
        assert_ok(iad_image_init(&next, is_mirror ? now.width : now.height, is_mirror ? now.height : now.width, now.channels, &err));
        for (int y = 0; y < next.height; y++)
            for (int x = 0; x < next.width; x++) {
                const uint8_t *from = is_mirror ? iad_image_at(&now, now.width - 1 - x, y) : iad_image_at(&now, y, now.height - 1 - x);
                memcpy(iad_image_at(&next, x, y), from, (size_t)now.channels);
            }
        iad_image_deinit(&now);
        now = next;
    }
    return now;
}

static void turns_equal_turned_pictures(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = fixture_picture(0, 3, 91, 37);
    uint64_t all[8];
    assert_ok(iad_phash_turns(&image, 0, all, &err));
    for (int t = 0; t < 8; t++) {
        iad_image other = turned(&image, t >= 4, t % 4);
        uint64_t want, got;
        assert_ok(iad_phash(&other, &want, &err));
        assert_ok(iad_phash_variant(&image, 0, t, &got, &err));
        assert_true(want == got);
        assert_true(want == all[t]);
        for (int k = 0; k < t; k++) assert_true(iad_hamming64(all[t], all[k]) > IAD_PHASH_SAME);
        iad_image_deinit(&other);
    }
    iad_image_deinit(&image);
}

/* A picture with things in it: soft light, a disc, two bars, some grain. */
static iad_image scene(uint32_t seed, int width, int height) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    assert_ok(iad_image_init(&image, width, height, 3, &err));
    double at[8];
    for (uint32_t k = 0; k < 8; k++) at[k] = (double)(fixture_noise(seed * 97u + k) >> 16) / 65536.0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double u = (double)x / width, v = (double)y / height, du = u - 0.2 - 0.6 * at[0], dv = v - 0.2 - 0.6 * at[1];
            double light = 60.0 + 60.0 * u * at[2] + 50.0 * v * at[3];
            if (du * du + dv * dv < 0.02 + 0.06 * at[4]) light += 80.0;
            if (u > at[5] && u < at[5] + 0.12) light -= 40.0;
            if (v > at[6] && v < at[6] + 0.08) light += 45.0 * (u < at[7] ? 1.0 : -1.0);
            light += (double)(fixture_noise((uint32_t)(y * width + x) + seed) >> 29);
            uint8_t *px = iad_image_at(&image, x, y);
            for (int c = 0; c < 3; c++) {
                double value = light * (1.0 - 0.1 * c);
                px[c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
        }
    return image;
}

static uint64_t hash_of(const iad_image *image) {
    iad_err err = IAD_ERR_NONE;
    uint64_t hash;
    assert_ok(iad_phash(image, &hash, &err));
    return hash;
}

static void copies_are_near_and_others_far(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    enum { SCENES = 24 };
    uint64_t hash[SCENES];
    for (uint32_t s = 0; s < SCENES; s++) {
        iad_image image = scene(s, 300, 220);
        hash[s] = hash_of(&image);
        const int sizes[][2] = {{150, 110}, {448, 448}, {64, 64}, {601, 397}};
        for (size_t k = 0; k < 4; k++) {
            iad_image copy;
            assert_ok(iad_resize(&image, sizes[k][0], sizes[k][1], IAD_FILTER_BICUBIC, &copy, &err));
            assert_in_range(iad_hamming64(hash[s], hash_of(&copy)), 0, IAD_PHASH_SAME);
            iad_image_deinit(&copy);
        }
        const int qualities[] = {90, 60, 35};
        for (size_t k = 0; k < 3; k++) {
            const iad_jpeg_options options = {.quality = qualities[k], .subsample = 1};
            iad_image copy;
            iad_buf jpeg;
            iad_buf_init(&jpeg, 1u << 20);
            assert_ok(iad_encode_jpeg(&image, &options, &jpeg, &err));
            assert_ok(iad_image_decode(jpeg.data, jpeg.len, "copy", NULL, &copy, NULL, &err));
            assert_in_range(iad_hamming64(hash[s], hash_of(&copy)), 0, IAD_PHASH_SAME);
            iad_image_deinit(&copy);
            iad_buf_deinit(&jpeg);
        }
        iad_image_deinit(&image);
    }
    for (int a = 0; a < SCENES; a++)
        for (int b = 0; b < a; b++) assert_true(iad_hamming64(hash[a], hash[b]) > IAD_PHASH_SAME);
}

static void a_cut_border_is_found(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = scene(5, 200, 150), cut;
    assert_ok(iad_image_init(&cut, 200 - 32, 150 - 24, 3, &err)); /* 8 percent off every side */
    for (int y = 0; y < cut.height; y++) memcpy(iad_image_at(&cut, 0, y), iad_image_at(&image, 16, y + 12), (size_t)cut.width * 3);
    uint64_t variant;
    assert_ok(iad_phash_variant(&image, 8, 0, &variant, &err));
    assert_true(variant == hash_of(&cut));
    assert_true(variant != hash_of(&image));
    assert_ok(iad_phash_variant(&image, 8, 3, &variant, &err));
    iad_image other = turned(&cut, 0, 3);
    assert_true(variant == hash_of(&other));
    iad_image_deinit(&other);
    iad_image_deinit(&cut);
    iad_image_deinit(&image);
}

static void light_along_an_axis_does_not_count(void **state) {
    (void)state;
    iad_image image = scene(9, 256, 256), lit;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_image_copy(&image, &lit, &err));
    for (int y = 0; y < 256; y++)
        for (int x = 0; x < 256; x++)
            for (int c = 0; c < 3; c++) iad_image_at(&lit, x, y)[c] = (uint8_t)(iad_image_at(&lit, x, y)[c] / 2 + x / 8 + y / 16);
    assert_in_range(iad_hamming64(hash_of(&image), hash_of(&lit)), 0, IAD_PHASH_SAME);
    iad_image_deinit(&lit);
    iad_image_deinit(&image);
}

static void bad_calls_are_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = fixture_picture(0, 1, 1, 1), none = {0};
    uint64_t hash, all[8];
    assert_fails(IAD_ERR_ARG, iad_phash(&none, &hash, &err));
    assert_fails(IAD_ERR_ARG, iad_phash_variant(&image, -1, 0, &hash, &err));
    assert_fails(IAD_ERR_ARG, iad_phash_variant(&image, 41, 0, &hash, &err));
    assert_fails(IAD_ERR_ARG, iad_phash_variant(&image, 0, 8, &hash, &err));
    assert_fails(IAD_ERR_ARG, iad_phash_turns(&image, 50, all, &err));
    assert_ok(iad_phash_variant(&image, 40, 7, &hash, &err)); /* one pixel is left */
    iad_image_deinit(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_as_plain_numpy), cmocka_unit_test(turns_equal_turned_pictures),
        cmocka_unit_test(copies_are_near_and_others_far), cmocka_unit_test(a_cut_border_is_found),
        cmocka_unit_test(light_along_an_axis_does_not_count), cmocka_unit_test(bad_calls_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
