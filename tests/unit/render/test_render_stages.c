/* Shading, camera and mask, each on scenes made by hand. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "synth/render/blemish.h"
#include "synth/render/camera.h"
#include "synth/render/defectmask.h"
#include "synth/render/shade.h"

#define SIDE 64
#define GRID (SIDE * IAD_SHADE_SUPER)

static iad_surface *flat_grid(float albedo) {
    iad_surface *grid = iad_calloc((size_t)GRID * GRID, sizeof *grid);
    assert_non_null(grid);
    for (int i = 0; i < GRID * GRID; i++) grid[i] = (iad_surface){.r = albedo, .g = albedo, .b = albedo, .rough = 1};
    return grid;
}

static iad_scene plain_scene(void) {
    iad_scene scene = {.occlusion = 0, .shadow = 0, .occlusion_radius = 0.1f};
    iad_light_set(&scene.light, 0, 45, 0.6f); /* from the right */
    scene.light.spread = 0.1f;
    scene.camera = (iad_camera){.exposure = 1};
    return scene;
}

static float *light_up(const iad_scene *scene, const iad_surface *grid) {
    iad_err err = IAD_ERR_NONE;
    float *radiance = iad_calloc(SIDE * SIDE * 3, sizeof *radiance);
    assert_non_null(radiance);
    assert_ok(iad_shade(scene, grid, SIDE, (iad_shade_rect){0, 0, SIDE, SIDE}, radiance, &err));
    return radiance;
}

static float grey_at(const float *plane, int x, int y) { return plane[(y * SIDE + x) * 3 + 1]; }

/* A matt table under light of total strength 1 shines back its albedo (plus a few percent of gloss). */
static void test_flat(void **state) {
    (void)state;
    iad_scene scene = plain_scene();
    iad_surface *grid = flat_grid(0.5f);
    float *radiance = light_up(&scene, grid);
    for (int y = 0; y < SIDE; y += 9) {
        for (int x = 0; x < SIDE; x += 9) assert_close(grey_at(radiance, x, y), 0.5, 0.03);
    }
    free(radiance);
    free(grid);
}

/* A block throws its shadow to the left, darkens the table round it by occlusion, and its right flank is the brighter
 * one. */
static void test_block(void **state) {
    (void)state;
    iad_surface *grid = flat_grid(0.5f);
    for (int y = 0; y < GRID; y++) {
        for (int x = 0; x < GRID; x++) {
            if (abs(x - GRID / 2) < GRID / 8 && abs(y - GRID / 2) < GRID / 8) grid[y * GRID + x].z = 0.2f;
        }
    }
    iad_scene scene = plain_scene();
    float *bare = light_up(&scene, grid);
    int left = SIDE / 2 - SIDE / 8, right = SIDE / 2 + SIDE / 8;
    assert_true(grey_at(bare, right, SIDE / 2) > grey_at(bare, left, SIDE / 2) + 0.1f);
    scene.shadow = 1;
    float *shadowed = light_up(&scene, grid);
    assert_true(grey_at(shadowed, left - 3, SIDE / 2) < 0.6f * grey_at(bare, left - 3, SIDE / 2));
    assert_close(grey_at(shadowed, right + 6, SIDE / 2), grey_at(bare, right + 6, SIDE / 2), 1e-6);
    scene.shadow = 0;
    scene.occlusion = 2;
    float *occluded = light_up(&scene, grid);
    assert_true(grey_at(occluded, right + 2, SIDE / 2) < grey_at(bare, right + 2, SIDE / 2) - 0.01f);
    assert_close(grey_at(occluded, 2, 2), grey_at(bare, 2, 2), 1e-6);
    free(bare);
    free(shadowed);
    free(occluded);
    free(grid);
}

/* Only the asked pixels are written. */
static void test_rect(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_scene scene = plain_scene();
    iad_surface *grid = flat_grid(0.3f);
    float *whole = light_up(&scene, grid), *part = iad_calloc(SIDE * SIDE * 3, sizeof *part);
    assert_non_null(part);
    iad_shade_rect rect = {5, 7, 44, 9};
    assert_ok(iad_shade(&scene, grid, SIDE, rect, part, &err));
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int inside = x >= rect.x0 && x < rect.x1 && y >= rect.y0 && y < rect.y1;
            assert_true(grey_at(part, x, y) == (inside ? grey_at(whole, x, y) : 0));
        }
    }
    free(whole);
    free(part);
    free(grid);
}

static void test_camera(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    float *radiance = iad_calloc(SIDE * SIDE * 3, sizeof *radiance),
          *coded = iad_calloc(SIDE * SIDE * 3, sizeof *coded);
    assert_non_null(radiance);
    assert_non_null(coded);
    for (int i = 0; i < SIDE * SIDE * 3; i++) radiance[i] = 0.2140411f; /* 127.5 in sRGB */
    iad_camera camera = {.exposure = 1, .noise = 2, .blur = 8};
    assert_ok(iad_camera_expose(&camera, radiance, SIDE, coded, &err));
    for (int i = 0; i < SIDE * SIDE * 3; i++) assert_close(coded[i], 127.5, 0.05);
    iad_image picture, again;
    assert_ok(iad_camera_develop(&camera, coded, SIDE, 77, &picture, &err));
    assert_ok(iad_camera_develop(&camera, coded, SIDE, 77, &again, &err));
    assert_memory_equal(picture.px, again.px, SIDE * SIDE * 3);
    double sum = 0, square = 0;
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        double d = picture.px[i] - 127.5;
        sum += d;
        square += d * d;
    }
    double n = SIDE * SIDE * 3, sd = sqrt(square / n - sum / n * sum / n);
    assert_close(sum / n, 0, 0.2);
    assert_close(sd, 2, 0.25);
    iad_image_deinit(&picture);
    iad_image_deinit(&again);
    /* brighter light never gives a darker pixel, and white is never passed */
    for (int i = 0; i < SIDE * SIDE; i++)
        radiance[3 * i] = radiance[3 * i + 1] = radiance[3 * i + 2] = (float)i * 0.001f;
    camera.blur = 0;
    assert_ok(iad_camera_expose(&camera, radiance, SIDE, coded, &err));
    for (int i = 1; i < SIDE * SIDE; i++) assert_true(coded[3 * i] >= coded[3 * i - 3] && coded[3 * i] <= 255);
    /* a monochrome camera has equal channels, noise included */
    camera.grey = 1;
    radiance[0] = 0.5f;
    assert_ok(iad_camera_expose(&camera, radiance, SIDE, coded, &err));
    assert_ok(iad_camera_develop(&camera, coded, SIDE, 5, &picture, &err));
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_true(picture.px[3 * i] == picture.px[3 * i + 1] && picture.px[3 * i] == picture.px[3 * i + 2]);
    iad_image_deinit(&picture);
    free(radiance);
    free(coded);
}

/* Support and visible change, pixel by pixel. */
static void test_mask_rule(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_surface *good = flat_grid(0.5f), *bad = flat_grid(0.5f);
    float *a = iad_calloc(SIDE * SIDE * 3, sizeof *a), *b = iad_calloc(SIDE * SIDE * 3, sizeof *b);
    assert_non_null(a);
    assert_non_null(b);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int at = (y * SIDE + x) * 3 + 2;
            int support = x >= 10 && x < 30 && y >= 10 && y < 20;
            if (support)
                bad[(y * IAD_SHADE_SUPER) * GRID + x * IAD_SHADE_SUPER].metal =
                    0.5f;                                   /* one point of the pixel is enough */
            if (support) b[at] = IAD_MASK_INSIDE;           /* seen */
            if (support && x == 20) b[at] = 1;              /* a gap of one pixel: closed */
            if (x >= 40 && x < 50 && y < 20) b[at] = IAD_MASK_OUTSIDE - 1; /* a faint shadow: no */
            if (x >= 40 && x < 50 && y >= 40) b[at] = IAD_MASK_OUTSIDE;    /* a plain shadow: yes */
        }
    }
    iad_image mask;
    size_t area = 0;
    assert_ok(iad_defect_mask(good, bad, a, b, SIDE, &mask, &area, &err));
    size_t set = 0;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int wanted = (x >= 10 && x < 30 && y >= 10 && y < 20) || (x >= 40 && x < 50 && y >= 40);
            assert_int_equal(wanted ? 255 : 0, mask.px[y * SIDE + x]);
            set += (size_t)wanted;
        }
    }
    assert_int_equal(set, area);
    iad_image_deinit(&mask);
    assert_ok(iad_defect_mask(good, good, a, a, SIDE, &mask, &area, &err));
    assert_int_equal(0, area);
    iad_image_deinit(&mask);
    free(good);
    free(bad);
    free(a);
    free(b);
}

/* Bounding boxes never cut a blemish: just outside of them the distance says "far". */
static void test_blemishes(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 40; seed++) {
        iad_rng rng;
        iad_rng_init(&rng, seed, 0);
        iad_stroke stroke;
        iad_crack crack;
        iad_blob blob;
        iad_stroke_make(&stroke, &rng, 0, 0, 0.1f, 0.5f, 0.02f, (float)(seed % 5) * 0.25f);
        iad_crack_make(&crack, &rng, 0, 0, 0.6f, 0.5f, 0.02f, (int)(seed % 6));
        iad_blob_make(&blob, &rng, 0.1f, -0.2f, 0.2f, 1.5f, 0.5f);
        float along;
        assert_true(iad_stroke_at(&stroke, stroke.px[stroke.n / 2], stroke.py[stroke.n / 2], &along) < 0.01f);
        assert_true(along > 0.2f && along < 0.8f);
        assert_true(iad_crack_at(&crack, crack.ax[0], crack.ay[0]) < 0);
        assert_true(iad_blob_at(&blob, 0.1f, -0.2f) < 0.3f);
        assert_true(iad_blob_at(&blob, 0.9f, 0.9f) > 1.0f);
        for (int i = 0; i <= 40; i++) {
            float t = (float)i / 40;
            float x = stroke.x0 + t * (stroke.x1 - stroke.x0), y = crack.y0 + t * (crack.y1 - crack.y0);
            assert_true(iad_stroke_at(&stroke, x, stroke.y0 + 1e-4f, &along) > 2);
            assert_true(iad_stroke_at(&stroke, x, stroke.y1 - 1e-4f, &along) > 2);
            assert_true(iad_crack_at(&crack, crack.x0 + 1e-4f, y) > 0.001f);
            assert_true(iad_crack_at(&crack, crack.x1 - 1e-4f, y) > 0.001f);
        }
    }
}

static void test_colors(void **state) {
    (void)state;
    float rgb[3];
    iad_color_hex(0xff8000, rgb);
    assert_close(rgb[0], 1, 1e-6);
    assert_close(rgb[1], 0.21586, 1e-5);
    assert_close(rgb[2], 0, 0);
    iad_rng rng;
    iad_rng_init(&rng, 1, 1);
    for (int i = 0; i < 50; i++) {
        iad_color_vary(0x808080, 0.1f, &rng, rgb);
        for (int c = 0; c < 3; c++) assert_true(rgb[c] > 0.17f && rgb[c] < 0.26f);
    }
    iad_pose pose;
    iad_pose_set(&pose, 0.1f, -0.2f, 0.13f, 1.2f);
    float u, v, x, y;
    iad_pose_local(&pose, 0.4f, 0.3f, &u, &v);
    iad_pose_world(&pose, u, v, &x, &y);
    assert_close(x, 0.4, 1e-6);
    assert_close(y, 0.3, 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_flat),      cmocka_unit_test(test_block),
                                       cmocka_unit_test(test_rect),      cmocka_unit_test(test_camera),
                                       cmocka_unit_test(test_mask_rule), cmocka_unit_test(test_blemishes),
                                       cmocka_unit_test(test_colors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
