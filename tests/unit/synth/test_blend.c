/* Layers into pictures: what changes, what must not, and the two gradient modes. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/image/image.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "synth/defect/blend.h"

#define ALL 1000000

static const iad_blend_mode MODES[] = {IAD_BLEND_HARD, IAD_BLEND_FEATHER, IAD_BLEND_POISSON, IAD_BLEND_MIXED};

static iad_blend how(iad_blend_mode mode, int opacity) { return (iad_blend){mode, opacity, mode == IAD_BLEND_FEATHER ? 1500 : 0}; }

static void noise(iad_image *image, int w, int h, int channels, uint64_t seed, int lo, int hi) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, seed, 1);
    assert_ok(iad_image_init(image, w, h, channels, &err));
    for (size_t i = 0; i < (size_t)w * (size_t)h * (size_t)channels; i++) image->px[i] = (uint8_t)iad_rng_int(&rng, lo, hi);
}

static void flat(iad_image *image, int w, int h, int channels, int value) { noise(image, w, h, channels, 0, value, value); }

static void layer_drop(iad_defect_layer *layer) {
    iad_image_deinit(&layer->content);
    iad_image_deinit(&layer->cover);
}

/* cover: 0 full, 1 disc, 2 random levels. */
static iad_defect_layer make(int x, int y, int w, int h, int channels, int cover) {
    iad_defect_layer layer = {.x = x, .y = y};
    noise(&layer.content, w, h, channels, 77, 0, 255);
    noise(&layer.cover, w, h, 1, 78, cover == 2 ? 0 : 255, 255);
    for (int j = 0; cover == 1 && j < h; j++) {
        for (int i = 0; i < w; i++) {
            double u = (2.0 * i - w + 1) / w, v = (2.0 * j - h + 1) / h;
            *iad_image_at(&layer.cover, i, j) = u * u + v * v < 0.9 ? 255 : 0;
        }
    }
    return layer;
}

static size_t bytes_of(const iad_image *image) { return (size_t)image->width * (size_t)image->height * (size_t)image->channels; }

static void names(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        iad_blend_mode mode = IAD_BLEND_HARD;
        assert_true(iad_blend_parse(iad_blend_name(MODES[i]), &mode));
        assert_int_equal(mode, MODES[i]);
    }
    iad_blend_mode mode = IAD_BLEND_MIXED;
    assert_false(iad_blend_parse("soft", &mode));
    assert_int_equal(mode, IAD_BLEND_MIXED);
    assert_string_equal(iad_blend_name(IAD_BLEND_POISSON), "poisson");
}

static void alpha_zero_changes_nothing(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int m = 0; m < 4; m++) {
        for (int channels = 1; channels <= 3; channels += 2) {
            iad_image picture, before;
            noise(&picture, 60, 50, channels, 1, 0, 255);
            assert_ok(iad_image_copy(&picture, &before, &err));
            iad_defect_layer layer = make(10, 8, 30, 25, channels, 1);
            iad_blend blend = how(MODES[m], 0);
            assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
            assert_memory_equal(picture.px, before.px, bytes_of(&picture));
            layer_drop(&layer);
            iad_image_deinit(&picture);
            iad_image_deinit(&before);
        }
    }
}

static void alpha_one_is_pure_source(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int channels = 1; channels <= 3; channels += 2) {
        iad_image picture, before;
        noise(&picture, 60, 50, channels, 1, 0, 255);
        assert_ok(iad_image_copy(&picture, &before, &err));
        iad_defect_layer layer = make(10, 8, 30, 25, channels, 1);
        iad_blend blend = how(IAD_BLEND_HARD, ALL);
        assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
        for (int y = 0; y < 50; y++) {
            for (int x = 0; x < 60; x++) {
                int in = x >= 10 && x < 40 && y >= 8 && y < 33 && *iad_image_at(&layer.cover, x - 10, y - 8) == 255;
                const uint8_t *want = in ? iad_image_at(&layer.content, x - 10, y - 8) : iad_image_at(&before, x, y);
                assert_memory_equal(iad_image_at(&picture, x, y), want, (size_t)channels);
            }
        }
        layer_drop(&layer);
        iad_image_deinit(&picture);
        iad_image_deinit(&before);
    }
}

/* Half opacity and half cover, rounded to the nearest. */
static void weights_are_right(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image picture;
    flat(&picture, 4, 4, 1, 100);
    iad_defect_layer layer = {.x = 1, .y = 1};
    flat(&layer.content, 2, 2, 1, 201);
    flat(&layer.cover, 2, 2, 1, 255);
    *iad_image_at(&layer.cover, 1, 0) = 51;
    *iad_image_at(&layer.cover, 0, 1) = 0;
    iad_blend blend = how(IAD_BLEND_HARD, ALL / 2);
    assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
    assert_int_equal(*iad_image_at(&picture, 1, 1), 151); /* 150.5 */
    assert_int_equal(*iad_image_at(&picture, 2, 1), 110); /* 110.1 */
    assert_int_equal(*iad_image_at(&picture, 1, 2), 100);
    assert_int_equal(*iad_image_at(&picture, 2, 2), 151);
    layer_drop(&layer);
    iad_image_deinit(&picture);
}

static void outside_is_untouched(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const int boxes[][4] = {{10, 8, 30, 25}, {0, 0, 20, 20}, {41, 33, 19, 17}, {0, 0, 60, 50}, {59, 0, 1, 50}, {30, 30, 1, 1}, {5, 5, 2, 9}};
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++) {
        for (int m = 0; m < 4; m++) {
            for (int cover = 0; cover < 3; cover++) {
                iad_image picture, before;
                noise(&picture, 60, 50, 3, 1, 0, 255);
                assert_ok(iad_image_copy(&picture, &before, &err));
                iad_defect_layer layer = make(boxes[b][0], boxes[b][1], boxes[b][2], boxes[b][3], 3, cover);
                iad_blend blend = how(MODES[m], 800000);
                assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
                int grow = MODES[m] == IAD_BLEND_FEATHER ? 5 : 0, gradients = m >= 2; /* ceil(3 * 1.5) */
                for (int y = 0; y < 50; y++) {
                    for (int x = 0; x < 60; x++) {
                        int u = x - layer.x, v = y - layer.y, w = boxes[b][2], h = boxes[b][3];
                        int may = u >= -grow && v >= -grow && u < w + grow && v < h + grow;
                        if (gradients) may = u > 0 && v > 0 && u < w - 1 && v < h - 1 && *iad_image_at(&layer.cover, u, v) >= 128;
                        if (!may) assert_memory_equal(iad_image_at(&picture, x, y), iad_image_at(&before, x, y), 3);
                    }
                }
                layer_drop(&layer);
                iad_image_deinit(&picture);
                iad_image_deinit(&before);
            }
        }
    }
}

/* A white rectangle on black: rises without a step, by the error function of its distance, the same on all sides. */
static void feather_is_smooth(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int sigma = 500; sigma <= 2000; sigma += 500) {
        iad_image picture;
        flat(&picture, 80, 80, 1, 0);
        iad_defect_layer layer = {.x = 20, .y = 20};
        flat(&layer.content, 40, 40, 1, 200);
        flat(&layer.cover, 40, 40, 1, 255);
        iad_blend blend = {IAD_BLEND_FEATHER, ALL, sigma};
        assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
        for (int x = 0; x < 40; x++) {
            int v = *iad_image_at(&picture, x, 40);
            double want = 100 * (1 + erf((x + 0.5 - 20) / (sigma / 1000.0 * sqrt(2.0))));
            assert_close((double)v, want, sigma == 500 ? 12.0 : 3.0); /* sampled, not integrated, weights */
            assert_true(x == 0 || v >= *iad_image_at(&picture, x - 1, 40));
            assert_int_equal(v, *iad_image_at(&picture, 79 - x, 40));
            assert_int_equal(v, *iad_image_at(&picture, 40, x));
            assert_int_equal(v, *iad_image_at(&picture, 40, 79 - x));
        }
        assert_int_equal(*iad_image_at(&picture, 40, 40), 200);
        layer_drop(&layer);
        iad_image_deinit(&picture);
    }
    /* At the picture's edge there is nothing to fade into. */
    iad_image picture;
    flat(&picture, 30, 30, 1, 0);
    iad_defect_layer layer = {.x = 0, .y = 10};
    flat(&layer.content, 15, 20, 1, 200);
    flat(&layer.cover, 15, 20, 1, 255);
    iad_blend blend = {IAD_BLEND_FEATHER, ALL, 2000};
    assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
    assert_int_equal(*iad_image_at(&picture, 0, 29), 200);
    assert_int_equal(*iad_image_at(&picture, 0, 20), 200);
    layer_drop(&layer);
    iad_image_deinit(&picture);
}

static void constant_on_constant_is_nothing(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int m = 2; m < 4; m++) {
        for (int cover = 0; cover < 2; cover++) {
            for (int value = 0; value <= 255; value += 51) {
                iad_image picture, before;
                flat(&picture, 90, 70, 3, value);
                assert_ok(iad_image_copy(&picture, &before, &err));
                iad_defect_layer layer = make(7, 9, 60, 50, 3, cover);
                memset(layer.content.px, 33, bytes_of(&layer.content));
                iad_blend blend = how(MODES[m], ALL);
                assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
                assert_memory_equal(picture.px, before.px, bytes_of(&picture));
                layer_drop(&layer);
                iad_image_deinit(&picture);
                iad_image_deinit(&before);
            }
        }
    }
}

/* The source's gradients arrive, whatever its brightness; and nowhere is a seam. */
static void poisson_moves_gradients(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image picture;
    flat(&picture, 80, 80, 1, 120);
    iad_defect_layer layer = make(10, 10, 60, 60, 1, 0);
    for (int y = 0; y < 60; y++) {
        for (int x = 0; x < 60; x++) {
            double u = (x - 29.5) / 12, v = (y - 29.5) / 12;
            *iad_image_at(&layer.content, x, y) = (uint8_t)(30 + 80 * exp(-(u * u + v * v)) + 0.5);
        }
    }
    iad_blend blend = how(IAD_BLEND_POISSON, ALL);
    assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
    for (int i = 0; i < 60; i++) { /* one pixel inside the border: within 1 level of what is beside it */
        assert_in_range(*iad_image_at(&picture, 11, 10 + i), 119, 121);
        assert_in_range(*iad_image_at(&picture, 68, 10 + i), 119, 121);
        assert_in_range(*iad_image_at(&picture, 10 + i, 11), 119, 121);
        assert_in_range(*iad_image_at(&picture, 10 + i, 68), 119, 121);
    }
    assert_close((double)*iad_image_at(&picture, 40, 40), 120 + 80, 3.0);
    layer_drop(&layer);
    iad_image_deinit(&picture);
}

static int roughness(const iad_image *image, int x0, int y0, int x1, int y1) {
    int sum = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) sum += abs(*iad_image_at(image, x, y) - *iad_image_at(image, x - 1, y));
    return sum;
}

/* A smooth patch on a texture: Poisson wipes the texture out, mixed gradients keep it; a rough patch arrives with both. */
static void mixed_keeps_textures(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image texture, poisson, mixed;
    noise(&texture, 70, 70, 1, 9, 90, 160);
    assert_ok(iad_image_copy(&texture, &poisson, &err));
    assert_ok(iad_image_copy(&texture, &mixed, &err));
    iad_defect_layer layer = make(10, 10, 50, 50, 1, 0);
    memset(layer.content.px, 100, bytes_of(&layer.content));
    iad_blend blend = how(IAD_BLEND_POISSON, ALL);
    assert_ok(iad_blend_layer(&poisson, &layer, &blend, &err));
    blend.mode = IAD_BLEND_MIXED;
    assert_ok(iad_blend_layer(&mixed, &layer, &blend, &err));
    assert_memory_equal(mixed.px, texture.px, bytes_of(&texture)); /* its own gradients are the larger ones everywhere */
    assert_true(roughness(&poisson, 20, 20, 50, 50) * 5 < roughness(&texture, 20, 20, 50, 50));
    iad_image plain;
    flat(&plain, 70, 70, 1, 128);
    iad_image_deinit(&layer.content);
    noise(&layer.content, 50, 50, 1, 5, 90, 160);
    assert_ok(iad_blend_layer(&plain, &layer, &blend, &err));
    assert_true(roughness(&plain, 20, 20, 50, 50) * 10 > roughness(&layer.content, 10, 10, 40, 40) * 9);
    layer_drop(&layer);
    iad_image_deinit(&plain);
    iad_image_deinit(&texture);
    iad_image_deinit(&poisson);
    iad_image_deinit(&mixed);
}

/* In-place copies with their own content: nothing changes. */
static void own_content_is_nothing(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int m = 0; m < 4; m++) {
        if (MODES[m] == IAD_BLEND_FEATHER) continue; /* its edge pixels go on outwards */
        iad_image picture, before;
        noise(&picture, 60, 50, 3, 4, 0, 255);
        assert_ok(iad_image_copy(&picture, &before, &err));
        iad_defect_layer layer = make(12, 6, 40, 40, 3, 1);
        for (int y = 0; y < 40; y++) memcpy(iad_image_at(&layer.content, 0, y), iad_image_at(&picture, 12, 6 + y), 40 * 3);
        iad_blend blend = how(MODES[m], 700000);
        assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
        assert_memory_equal(picture.px, before.px, bytes_of(&picture));
        layer_drop(&layer);
        iad_image_deinit(&picture);
        iad_image_deinit(&before);
    }
}

static void refuses(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image picture, before;
    noise(&picture, 20, 20, 3, 4, 0, 255);
    assert_ok(iad_image_copy(&picture, &before, &err));
    iad_blend blend = how(IAD_BLEND_HARD, ALL);
    iad_defect_layer layer = make(0, 0, 8, 8, 1, 0);
    assert_fails(IAD_ERR_ARG, iad_blend_layer(&picture, &layer, &blend, &err));
    assert_non_null(strstr(err.msg, "channels"));
    layer_drop(&layer);
    layer = make(0, 0, 8, 8, 3, 0);
    const int places[][2] = {{-1, 0}, {0, -1}, {13, 0}, {0, 13}, {INT32_MAX, 0}, {0, INT32_MIN}};
    for (int i = 0; i < 6; i++) {
        layer.x = places[i][0];
        layer.y = places[i][1];
        for (int m = 0; m < 4; m++) {
            blend = how(MODES[m], ALL);
            assert_fails(IAD_ERR_ARG, iad_blend_layer(&picture, &layer, &blend, &err));
        }
    }
    layer.x = layer.y = 3;
    const iad_blend bad[] = {{IAD_BLEND_HARD, -1, 0}, {IAD_BLEND_HARD, ALL + 1, 0}, {IAD_BLEND_FEATHER, ALL, -1}, {IAD_BLEND_FEATHER, ALL, 10001},
                             {(iad_blend_mode)4, ALL, 0}, {(iad_blend_mode)4, 0, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_fails(IAD_ERR_ARG, iad_blend_layer(&picture, &layer, &bad[i], &err));
    blend = how(IAD_BLEND_HARD, ALL);
    layer.cover.width = 7;
    assert_fails(IAD_ERR_ARG, iad_blend_layer(&picture, &layer, &blend, &err));
    layer.cover.width = 8;
    assert_memory_equal(picture.px, before.px, bytes_of(&picture));
    layer_drop(&layer);
    assert_fails(IAD_ERR_ARG, iad_blend_layer(&picture, &layer, &blend, &err));
    iad_image_deinit(&picture);
    iad_image_deinit(&before);
}

static void bytes_are_the_same_everywhere(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_sha256 hash;
    assert_ok(iad_sha256_init(&hash, &err));
    for (int m = 0; m < 4; m++) {
        for (int cover = 0; cover < 3; cover++) {
            iad_image picture;
            noise(&picture, 160, 120, 3, 1, 0, 255);
            iad_defect_layer layer = make(20, 9, 101, 90, 3, cover);
            iad_blend blend = how(MODES[m], 900000);
            assert_ok(iad_blend_layer(&picture, &layer, &blend, &err));
            assert_ok(iad_sha256_add(&hash, picture.px, bytes_of(&picture), &err));
            layer_drop(&layer);
            iad_image_deinit(&picture);
        }
    }
    uint8_t digest[IAD_SHA256_BYTES];
    char text[IAD_SHA256_HEX];
    assert_ok(iad_sha256_final(&hash, digest, &err));
    iad_hex(digest, sizeof digest, text);
    assert_string_equal(text, "d578e6c3ad9995ad53d16f88f14b977857d15226d0bc27442cf6cf40d88f2ba7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(alpha_zero_changes_nothing),
        cmocka_unit_test(alpha_one_is_pure_source),
        cmocka_unit_test(weights_are_right),
        cmocka_unit_test(outside_is_untouched),
        cmocka_unit_test(feather_is_smooth),
        cmocka_unit_test(constant_on_constant_is_nothing),
        cmocka_unit_test(poisson_moves_gradients),
        cmocka_unit_test(mixed_keeps_textures),
        cmocka_unit_test(own_content_is_nothing),
        cmocka_unit_test(refuses),
        cmocka_unit_test(bytes_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
