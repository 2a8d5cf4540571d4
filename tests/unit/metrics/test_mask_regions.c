/* Connected regions: hand cases and flood fill. */
#include "tests/unit/iad_test.h"

#include "base/rng.h"
#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/regions.h"
#include "tests/unit/metrics/brute_pixels.h"

static iad_err err;

/* '#' marks a defect; rows are separated by '/'. */
static int parse(const char *text, uint8_t *mask, int *width) {
    int n = 0, rows = 1;
    *width = (int)strcspn(text, "/");
    for (; *text; text++) {
        if (*text == '/') rows++;
        else mask[n++] = *text == '#' ? 200 : 0;
    }
    return rows;
}

static void expect(const char *text, size_t eight, size_t four, size_t holes) {
    uint8_t mask[400];
    int width, height = parse(text, mask, &width);
    iad_regions r = {0};
    assert_ok(iad_regions_label(&r, mask, width, height, 4, &err));
    assert_int_equal(four, r.n_regions);
    assert_ok(iad_regions_label(&r, mask, width, height, 8, &err));
    assert_int_equal(eight, r.n_regions);
    uint64_t pixels = 0, set = 0;
    for (size_t i = 0; i < r.n_regions; i++) pixels += r.area[i];
    for (int i = 0; i < width * height; i++) set += mask[i] != 0;
    assert_int_equal(set, pixels);
    assert_int_equal(set, r.pixels);
    iad_hole *list = NULL;
    size_t n = 0, cap = 0;
    assert_ok(iad_regions_holes(&r, width, &list, &n, &cap, &err));
    assert_int_equal(holes, n);
    for (size_t i = 0; i < n; i++) assert_true(list[i].region < r.n_regions);
    free(list);
    iad_regions_deinit(&r);
}

static void hand_cases(void **state) {
    (void)state;
    expect("...../...../.....", 0, 0, 0);
    expect("...../..#../.....", 1, 1, 0);
    expect("#.../.#../..#./...#", 1, 4, 0);            /* diagonal */
    expect("..#./.#../#...", 1, 3, 0);                 /* the other diagonal */
    expect(".###./.#.#./.###.", 1, 1, 1);              /* ring with a hole */
    expect("..#../.#.#./..#..", 1, 4, 0);              /* held by corners only: open for an 8-connected background */
    expect("#####/#...#/#.#.#/#...#/#####", 2, 2, 9);  /* an island in a hole: 8 empty pixels and the island itself */
    expect("##..#/##..#/....#/#####", 2, 2, 0);        /* borders */
    expect("#.#.#.#/#.#.#.#/#######", 1, 1, 0);        /* comb: runs that join late */
    expect("#######/#.#.#.#/#.#.#.#", 1, 1, 0);
    expect("#.#/.#./#.#", 1, 5, 0);
    expect("#", 1, 1, 0);
    expect("##########", 1, 1, 0);
    expect("#..........#", 2, 2, 0);
    expect("####/...#/####/#.../####", 1, 1, 0);       /* snake */
    expect("###.###/#.#.#.#/###.###", 2, 2, 2);
}

static void random_masks_match_flood_fill(void **state) {
    (void)state;
    static brute b;
    iad_rng rng;
    iad_rng_init(&rng, 51, 0);
    iad_regions r = {0};
    for (int round = 0; round < 400; round++) {
        uint8_t mask[1600];
        float map[1600];
        int w = iad_rng_int(&rng, 1, 40), h = iad_rng_int(&rng, 1, 40), connectivity = round % 2 ? 4 : 8;
        uint32_t density = 1 + iad_rng_below(&rng, 9);
        for (int i = 0; i < w * h; i++) {
            mask[i] = iad_rng_below(&rng, 10) < density;
            map[i] = 0;
        }
        iad_map_view v = {.map = map, .mask = mask, .width = w, .height = h};
        brute_load(&b, &v, 1, connectivity);
        assert_ok(iad_regions_label(&r, mask, w, h, connectivity, &err));
        assert_int_equal(b.regions, r.n_regions);
        /* The same partition: both number regions by their first pixel in reading order. */
        for (size_t i = 0; i < r.n_runs; i++)
            for (int x = r.runs[i].x0; x < r.runs[i].x1; x++)
                assert_int_equal(b.region[r.runs[i].y * w + x], r.runs[i].region);
        for (size_t i = 0; i < r.n_regions; i++) assert_close((double)r.area[i], b.area[i], 0);
    }
    iad_regions_deinit(&r);
}

static void bad_connectivity(void **state) {
    (void)state;
    const uint8_t mask[] = {1};
    uint64_t n;
    assert_fails(IAD_ERR_ARG, iad_mask_regions(mask, 1, 1, 6, &n, &err));
    assert_ok(iad_mask_regions(mask, 1, 1, 8, &n, &err));
    assert_int_equal(1, n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_cases),
        cmocka_unit_test(random_masks_match_flood_fill),
        cmocka_unit_test(bad_connectivity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
