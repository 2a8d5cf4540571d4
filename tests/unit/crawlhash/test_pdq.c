/* The PDQ-class hash against plain numpy, bit for bit, and against the hash of pictures that were really turned. */
#include "tests/unit/iad_test.h"

#include "base/table.h"
#include "base/text.h"
#include "crawl/hash/pdq.h"

/* The pictures of tests/tools/make_crawlhash_fixtures.py. */
static iad_image picture(int kind, int channels, int width, int height) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    assert_ok(iad_image_init(&image, width, height, channels, &err));
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int64_t c = 0; c < channels; c++) {
                uint8_t *px = iad_image_at(&image, (int)x, (int)y) + c;
                if (kind == 0) {
                    uint32_t h = (uint32_t)(x * 374761393 + y * 668265263 + c * 974711 + 12345);
                    h = (h ^ h >> 13) * 1274126177u;
                    *px = (uint8_t)(h ^ h >> 16);
                } else if (kind == 1) *px = (uint8_t)(x * x * 3 / (width + 1) + y * (5 + c) + x * y / (height + 7));
                else {
                    const int64_t dx = x - width / 3, dy = y - height / 2;
                    *px = (uint8_t)(dx * dx * 4 + dy * dy < (int64_t)width * height / 9 ? 200 - 20 * c : 40 + x * 60 / width);
                }
            }
    return image;
}

static void same_bits_as_plain_numpy(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_table table;
    assert_ok(iad_table_load(&table, IAD_TEST_DATA "/pdq.tsv", &err));
    assert_true(table.n_rows >= 40);
    for (size_t r = 0; r < table.n_rows; r++) {
        int64_t value[4], quality;
        for (size_t c = 0; c < 4; c++) assert_ok(iad_parse_i64(iad_table_cell(&table, r, c), 0, 10000, "cell", &value[c], &err));
        assert_ok(iad_parse_i64(iad_table_cell(&table, r, 5), 0, 100, "quality", &quality, &err));
        iad_image image = picture((int)value[0], (int)value[1], (int)value[2], (int)value[3]);
        iad_pdq want, got;
        int got_quality;
        char text[IAD_PDQ_TEXT];
        assert_ok(iad_pdq_parse(iad_table_cell(&table, r, 4), &want, &err));
        assert_ok(iad_pdq_hash(&image, &got, &got_quality, &err));
        iad_pdq_text(&got, text);
        assert_string_equal(text, iad_table_cell(&table, r, 4));
        assert_int_equal(iad_pdq_distance(&want, &got), 0);
        assert_int_equal(got_quality, quality);
        iad_image_deinit(&image);
    }
    iad_table_deinit(&table);
}

static iad_image turned(const iad_image *src, int mirror, int turns) {
    iad_err err = IAD_ERR_NONE;
    iad_image now;
    assert_ok(iad_image_copy(src, &now, &err));
    for (int step = 0; step < turns + mirror; step++) {
        const int flip = mirror && step == 0;
        iad_image next;
        assert_ok(iad_image_init(&next, flip ? now.width : now.height, flip ? now.height : now.width, now.channels, &err));
        for (int y = 0; y < next.height; y++)
            for (int x = 0; x < next.width; x++)
                memcpy(iad_image_at(&next, x, y), flip ? iad_image_at(&now, now.width - 1 - x, y) : iad_image_at(&now, y, now.height - 1 - x),
                       (size_t)now.channels);
        iad_image_deinit(&now);
        now = next;
    }
    return now;
}

static void turns_equal_turned_pictures(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    static const int sizes[][2] = {{91, 37}, {640, 480}, {130, 257}};
    for (size_t s = 0; s < 3; s++) {
        iad_image image = picture(1, 3, sizes[s][0], sizes[s][1]);
        iad_pdq all[IAD_PDQ_TURNS];
        int quality, again;
        assert_ok(iad_pdq_turns(&image, 0, all, &quality, &err));
        for (int t = 0; t < IAD_PDQ_TURNS; t++) {
            iad_image other = turned(&image, t >= 4, t % 4);
            iad_pdq hash;
            assert_ok(iad_pdq_hash(&other, &hash, &again, &err));
            assert_int_equal(iad_pdq_distance(&hash, &all[t]), 0);
            assert_int_equal(again, quality);
            for (int k = 0; k < t; k++) assert_true(iad_pdq_distance(&all[t], &all[k]) > IAD_PDQ_SAME);
            iad_image_deinit(&other);
        }
        iad_image_deinit(&image);
    }
}

static void cut_equals_cut_picture(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = picture(1, 1, 200, 100), part;
    iad_pdq cut[IAD_PDQ_TURNS], whole[IAD_PDQ_TURNS];
    int a, b;
    assert_ok(iad_image_init(&part, 180, 90, 1, &err));
    for (int y = 0; y < 90; y++) memcpy(iad_image_at(&part, 0, y), iad_image_at(&image, 10, 5 + y), 180);
    assert_ok(iad_pdq_turns(&image, 5, cut, &a, &err));
    assert_ok(iad_pdq_turns(&part, 0, whole, &b, &err));
    assert_memory_equal(cut, whole, sizeof cut);
    assert_int_equal(a, b);
    iad_image_deinit(&part);
    iad_image_deinit(&image);
}

static void bad_calls(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image image = picture(0, 1, 20, 20);
    iad_pdq hash[IAD_PDQ_TURNS];
    int quality;
    assert_fails(IAD_ERR_ARG, iad_pdq_turns(&image, 41, hash, &quality, &err));
    assert_fails(IAD_ERR_ARG, iad_pdq_turns(&image, -1, hash, &quality, &err));
    image.channels = 2;
    assert_fails(IAD_ERR_ARG, iad_pdq_turns(&image, 0, hash, &quality, &err));
    iad_image_deinit(&image);
    assert_fails(IAD_ERR_FORMAT, iad_pdq_parse("12", hash, &err));
    assert_fails(IAD_ERR_FORMAT, iad_pdq_parse("g000000000000000000000000000000000000000000000000000000000000000", hash, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits_as_plain_numpy), cmocka_unit_test(turns_equal_turned_pictures),
                                       cmocka_unit_test(cut_equals_cut_picture), cmocka_unit_test(bad_calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
