/* Pixel hashes, perceptual hashes, connected regions, masks in and out of the database. */
#include "manifests/identity.h"

#include "base/image/encode.h"
#include "base/image/resize.h"
#include "base/rng.h"
#include "tests/unit/manifest/manifest_fixture.h"
#include "manifests/components.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

static iad_image make(int width, int height, int channels) {
    iad_err err;
    iad_image image;
    assert_ok(iad_image_init(&image, width, height, channels, &err));
    return image;
}

static void test_pixel_hash(void **state) {
    (void)state;
    iad_err err;
    uint8_t grey_hash[32], rgb_hash[32], other[32];
    iad_image grey = make(37, 61, 1), rgb = {0};
    for (int i = 0; i < 37 * 61; i++) grey.px[i] = (uint8_t)(i * 7);
    assert_ok(iad_image_to_rgb(&grey, &rgb, &err));
    assert_ok(iad_pixel_sha256(&grey, grey_hash, &err));
    assert_ok(iad_pixel_sha256(&rgb, rgb_hash, &err));
    assert_memory_equal(grey_hash, rgb_hash, 32);
    /* The same bytes in another shape are another picture. */
    grey.width = 61;
    grey.height = 37;
    assert_ok(iad_pixel_sha256(&grey, other, &err));
    assert_memory_not_equal(grey_hash, other, 32);
    /* One grey pixel of value 5; computed by an independent program. */
    iad_image dot = make(1, 1, 1);
    char hex[65];
    dot.px[0] = 5;
    assert_ok(iad_pixel_sha256(&dot, other, &err));
    iad_hex(other, 32, hex);
    assert_string_equal(hex, "0d71d5ce71a76ffb17213c5162633f2966ab10d5651e30a7b5d921d18e5e16ac");
    iad_image_deinit(&dot);
    iad_image_deinit(&grey);
    iad_image_deinit(&rgb);
}

/* A smooth random picture: a small random grid, enlarged. */
static iad_image smooth(uint64_t seed, int width, int height) {
    iad_err err;
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    iad_image grid = make(9, 9, 3), image;
    for (int i = 0; i < 9 * 9 * 3; i++) grid.px[i] = (uint8_t)iad_rng_below(&rng, 256);
    assert_ok(iad_resize(&grid, width, height, IAD_FILTER_BICUBIC, &image, &err));
    iad_image_deinit(&grid);
    return image;
}

static void test_leak_hash(void **state) {
    (void)state;
    iad_err err;
    int worst_same = 0, best_other = 64;
    for (uint64_t seed = 0; seed < 12; seed++) {
        iad_image image = smooth(seed, 300, 220), shrunk = {0}, turned = make(220, 300, 3),
                  other = smooth(1000 + seed, 300, 220);
        uint64_t a[4], b[4], c[4], d[4];
        assert_ok(iad_leak_hash(&image, a, &err));
        assert_ok(iad_resize(&image, 171, 130, IAD_FILTER_LANCZOS, &shrunk, &err));
        assert_ok(iad_leak_hash(&shrunk, b, &err));
        for (int y = 0; y < 220; y++)
            for (int x = 0; x < 300; x++) memcpy(iad_image_at(&turned, 219 - y, x), iad_image_at(&image, x, y), 3);
        assert_ok(iad_leak_hash(&turned, c, &err));
        assert_ok(iad_leak_hash(&other, d, &err));
        int same = iad_hamming64(a[0], b[0]), turn = iad_hamming64(a[1], c[0]), differs = iad_hamming64(a[0], d[0]);
        if (same > worst_same) worst_same = same;
        if (turn > worst_same) worst_same = turn;
        if (differs < best_other) best_other = differs;
        iad_image_deinit(&image);
        iad_image_deinit(&shrunk);
        iad_image_deinit(&turned);
        iad_image_deinit(&other);
    }
    assert_true(worst_same <= IAD_LEAK_MAX_DISTANCE);
    assert_true(best_other > IAD_LEAK_MAX_DISTANCE);
}

/* Flood fill as the slow reference. */
static int flood(const iad_image *mask, int *label, int x, int y, int number) {
    if (x < 0 || y < 0 || x >= mask->width || y >= mask->height) return 0;
    int at = y * mask->width + x;
    if (!mask->px[at] || label[at]) return 0;
    label[at] = number;
    int area = 1;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) area += flood(mask, label, x + dx, y + dy, number);
    return area;
}

static void test_components(void **state) {
    (void)state;
    iad_err err;
    iad_rng rng;
    iad_rng_init(&rng, 7, 0);
    for (int round = 0; round < 400; round++) {
        iad_image mask = make(iad_rng_int(&rng, 1, 20), iad_rng_int(&rng, 1, 20), 1);
        int n_px = mask.width * mask.height, label[400] = {0};
        double density = iad_rng_unit(&rng);
        for (int i = 0; i < n_px; i++)
            mask.px[i] = iad_rng_chance(&rng, density) ? (uint8_t)iad_rng_int(&rng, 1, 255) : 0;
        iad_component *items = NULL;
        size_t n = 0, expected = 0;
        assert_ok(iad_components(&mask, &items, &n, &err));
        for (int i = 0; i < n_px; i++) {
            if (!mask.px[i] || label[i]) continue;
            assert_true(expected < n);
            int area = flood(&mask, label, i % mask.width, i / mask.width, (int)expected + 1);
            int x0 = 99, y0 = 99, x1 = 0, y1 = 0;
            for (int k = 0; k < n_px; k++) {
                if (label[k] != (int)expected + 1) continue;
                int x = k % mask.width, y = k / mask.width;
                if (x < x0) x0 = x;
                if (y < y0) y0 = y;
                if (x >= x1) x1 = x + 1;
                if (y >= y1) y1 = y + 1;
            }
            assert_int_equal(items[expected].area, area);
            assert_int_equal(items[expected].x0, x0);
            assert_int_equal(items[expected].y0, y0);
            assert_int_equal(items[expected].x1, x1);
            assert_int_equal(items[expected].y1, y1);
            expected++;
        }
        assert_int_equal(expected, n);
        free(items);
        iad_image_deinit(&mask);
    }
    iad_image colour = make(2, 2, 3);
    iad_component *items = NULL;
    size_t n = 0;
    assert_fails(IAD_ERR_ARG, iad_components(&colour, &items, &n, &err));
    iad_image_deinit(&colour);
}

static void test_mask_round_trip(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    int64_t dataset = fixture_dataset(m, "d", "", ""), category = fixture_category(m, dataset, "nut");
    int64_t picture = fixture_image(m, dataset, category, "bad.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS);
    int64_t normal = fixture_image(m, dataset, category, "good.png", IAD_PART_TEST, IAD_LABEL_NORMAL);
    iad_image mask = make(8, 6, 1), back;
    iad_mask_facts facts;
    iad_mask_row row, same;
    int64_t id = 0, again = 0, second = 0;

    assert_ok(iad_image_mask(m, picture, &back, &facts, &err));
    assert_int_equal(facts.state, IAD_MASK_UNKNOWN);
    assert_null(back.px);
    assert_ok(iad_image_mask(m, normal, &back, &facts, &err));
    assert_int_equal(facts.state, IAD_MASK_NONE_NEEDED);
    assert_int_equal(back.width, 8);
    assert_int_equal(back.height, 6);
    for (int i = 0; i < 48; i++) assert_int_equal(back.px[i], 0);
    iad_image_deinit(&back);

    /* Values do not matter in a plain mask: 1 and 255 are the same row. */
    mask.px[9] = 1;
    mask.px[10] = 255;
    mask.px[47] = 128;
    assert_ok(iad_mask_prepare(&mask, NULL, IAD_MASK_COARSE, &row, &err));
    assert_int_equal(row.area, 3);
    assert_int_equal(row.n_components, 2);
    assert_string_equal(iad_buf_str(&row.boxes), "[[1,1,3,2],[7,5,8,6]]");
    assert_ok(iad_mask_put(m, &row, &id, &err));
    mask.px[9] = mask.px[10] = mask.px[47] = 255;
    assert_ok(iad_mask_prepare(&mask, NULL, IAD_MASK_COARSE, &same, &err));
    assert_ok(iad_mask_put(m, &same, &again, &err));
    assert_int_equal(id, again);
    iad_mask_row_deinit(&same);
    assert_ok(iad_mask_prepare(&mask, NULL, IAD_MASK_EXACT, &same, &err));
    assert_memory_not_equal(same.sha256, row.sha256, 32);
    iad_mask_row_deinit(&same);
    iad_mask_row_deinit(&row);
    assert_ok(iad_image_mask_put(m, picture, id, "gt", &err));
    assert_ok(iad_image_mask_put(m, picture, id, "gt", &err));
    assert_fails(IAD_ERR_DB, iad_image_mask_put(m, picture, id, "guess", &err));

    /* A second one with class ids: united, ids kept when asked for. */
    memset(mask.px, 0, 48);
    mask.px[0] = 3;
    mask.px[1] = 7;
    assert_ok(iad_mask_prepare(&mask, "{\"3\":\"scratch\",\"7\":\"dirt\"}", IAD_MASK_EXACT, &row, &err));
    assert_int_equal(row.n_components, 1);
    assert_ok(iad_mask_put(m, &row, &second, &err));
    iad_mask_row_deinit(&row);
    assert_ok(iad_image_mask_put(m, picture, second, "gt", &err));
    assert_ok(iad_mask_pixels(m, second, &back, &err));
    assert_int_equal(back.channels, 1);
    assert_int_equal(back.px[0], 3);
    assert_int_equal(back.px[1], 7);
    iad_image_deinit(&back);
    assert_ok(iad_mask_pixels(m, id, &back, &err));
    assert_int_equal(back.px[9], 255);
    iad_image_deinit(&back);
    assert_ok(iad_image_mask(m, picture, &back, &facts, &err));
    assert_int_equal(facts.state, IAD_MASK_KNOWN);
    assert_int_equal(facts.area, 5);
    assert_int_equal(facts.quality, IAD_MASK_COARSE);
    for (int i = 0; i < 48; i++) assert_int_equal(back.px[i], i < 2 || i == 9 || i == 10 || i == 47 ? 255 : 0);
    iad_image_deinit(&back);
    iad_mask_state mask_state;
    assert_ok(iad_image_mask_state(m, picture, &mask_state, &err));
    assert_int_equal(mask_state, IAD_MASK_KNOWN);

    /* Another size than the picture. */
    iad_image wrong = make(7, 6, 1);
    wrong.px[0] = 1;
    assert_ok(iad_mask_prepare(&wrong, NULL, IAD_MASK_EXACT, &row, &err));
    assert_ok(iad_mask_put(m, &row, &id, &err));
    iad_mask_row_deinit(&row);
    assert_ok(iad_image_mask_put(m, picture, id, "gt", &err));
    assert_fails(IAD_ERR_FORMAT, iad_image_mask(m, picture, &back, &facts, &err));
    assert_non_null(strstr(err.msg, "bad.png: mask is 7x6, picture is 8x6"));
    assert_null(back.px);
    assert_ok(iad_image_mask_clear(m, picture, "gt", &err));
    assert_ok(iad_image_mask_state(m, picture, &mask_state, &err));
    assert_int_equal(mask_state, IAD_MASK_UNKNOWN);
    assert_fails(IAD_ERR_NOT_FOUND, iad_mask_pixels(m, 999, &back, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_image_mask(m, 999, &back, &facts, &err));

    iad_image_deinit(&wrong);
    iad_image_deinit(&mask);
    iad_manifest_close(m);
}

static void test_many_boxes_are_bounded(void **state) {
    (void)state;
    iad_err err;
    iad_image mask = make(201, 201, 1);
    for (int y = 0; y < 201; y += 2)
        for (int x = 0; x < 201; x += 2) *iad_image_at(&mask, x, y) = 1;
    iad_mask_row row;
    assert_ok(iad_mask_prepare(&mask, NULL, IAD_MASK_EXACT, &row, &err));
    assert_int_equal(row.n_components, 101 * 101);
    size_t boxes = 0;
    for (const char *p = iad_buf_str(&row.boxes); *p; p++) boxes += *p == '[';
    assert_int_equal(boxes, IAD_MASK_MAX_BOXES + 1);
    iad_mask_row_deinit(&row);
    iad_image_deinit(&mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pixel_hash), cmocka_unit_test(test_leak_hash),
                                       cmocka_unit_test(test_components), cmocka_unit_test(test_mask_round_trip),
                                       cmocka_unit_test(test_many_boxes_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
