/* Maps and boxes back to the original picture; regions against a flood fill. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "runtime/engine/mapping.h"

static void map_values(void **state) {
    (void)state;
    iad_err err;
    iad_rng rng;
    iad_rng_init(&rng, 1, 0);
    for (int round = 0; round < 60; round++) {
        const int lh = iad_rng_int(&rng, 1, 20), lw = iad_rng_int(&rng, 1, 20);
        const iad_resize_record size = {iad_rng_int(&rng, 1, 200), iad_rng_int(&rng, 1, 200), lh * 28, lw * 28};
        float map[400];
        iad_plane plane;
        for (int i = 0; i < lh * lw; i++) map[i] = (float)iad_rng_unit(&rng);
        assert_ok(iad_map_to_picture(map, lh, lw, &size, &plane, &err));
        assert_true(plane.width == size.source_w && plane.height == size.source_h);
        for (int y = 0; y < plane.height; y++)
            for (int x = 0; x < plane.width; x++) {
                const double v = fmin(fmax((y + 0.5) * lh / size.source_h - 0.5, 0), lh - 1),
                             u = fmin(fmax((x + 0.5) * lw / size.source_w - 0.5, 0), lw - 1);
                const int a = (int)v, b = (int)u, c = a + 1 < lh ? a + 1 : a, d = b + 1 < lw ? b + 1 : b;
                const double want =
                    (1 - (v - a)) * ((1 - (u - b)) * (double)map[a * lw + b] + (u - b) * (double)map[a * lw + d]) +
                    (v - a) * ((1 - (u - b)) * (double)map[c * lw + b] + (u - b) * (double)map[c * lw + d]);
                assert_close((double)plane.px[y * plane.width + x], want, 2e-5);
            }
        iad_plane_deinit(&plane);
    }
    iad_plane plane;
    const iad_resize_record none = {0, 5, 28, 28}, one = {5, 5, 28, 28};
    const float value = 1;
    assert_fails(IAD_ERR_ARG, iad_map_to_picture(&value, 1, 1, &none, &plane, &err));
    assert_fails(IAD_ERR_ARG, iad_map_to_picture(&value, 0, 1, &one, &plane, &err));
}

static void boxes_there_and_back(void **state) {
    (void)state;
    const iad_resize_record size = {600, 1000, 448, 448};
    iad_box b = iad_box_to_source((iad_box){0, 0, 447, 447}, &size);
    assert_true(b.x0 == 0 && b.y0 == 0 && b.x1 == 998 && b.y1 == 599);
    b = iad_box_to_source((iad_box){224, 112, 448, 448}, &size); /* models write the far edge too */
    assert_true(b.x0 == 500 && b.y0 == 150 && b.x1 == 999 && b.y1 == 599);
    b = iad_box_to_source((iad_box){300, 400, 100, -7}, &size); /* wrong way round, outside */
    assert_true(b.x0 == 223 && b.x1 == 670 && b.y0 == 0 && b.y1 == 536);
    b = iad_box_to_source((iad_box){INT32_MIN, INT32_MAX, INT32_MAX, INT32_MIN}, &size);
    assert_true(b.x0 == 0 && b.y0 == 0 && b.x1 == 999 && b.y1 == 599);
    b = iad_box_to_resized((iad_box){500, 150, 999, 599}, &size);
    assert_true(b.x0 == 224 && b.y0 == 112 && b.x1 == 447 && b.y1 == 447);
    /* a box never moves by more than half a pixel of the coarser picture, and by one at the far border */
    iad_rng rng;
    iad_rng_init(&rng, 2, 0);
    for (int i = 0; i < 5000; i++) {
        const iad_resize_record any = {iad_rng_int(&rng, 30, 3000), iad_rng_int(&rng, 30, 3000),
                                       28 * iad_rng_int(&rng, 1, 50), 28 * iad_rng_int(&rng, 1, 50)};
        const int x0 = iad_rng_int(&rng, 0, any.source_w - 1), x1 = iad_rng_int(&rng, x0, any.source_w - 1);
        const int y0 = iad_rng_int(&rng, 0, any.source_h - 1), y1 = iad_rng_int(&rng, y0, any.source_h - 1);
        const iad_box there = iad_box_to_resized((iad_box){x0, y0, x1, y1}, &any),
                      back = iad_box_to_source(there, &any);
        assert_true(there.x0 <= there.x1 && there.x1 < any.resized_w && there.y0 <= there.y1 &&
                    there.y1 < any.resized_h);
        const double sx = fmax(1, (double)any.source_w / any.resized_w),
                     sy = fmax(1, (double)any.source_h / any.resized_h);
        assert_true(abs(back.x0 - x0) <= sx + 0.5 && abs(back.x1 - x1) <= sx + 0.5);
        assert_true(abs(back.y0 - y0) <= sy + 0.5 && abs(back.y1 - y1) <= sy + 0.5);
    }
}

/* Labels by repeated spreading: slow and obvious. Returns the number of regions. */
static int spread(const iad_plane *plane, float threshold, int *label) {
    const int w = plane->width, h = plane->height;
    for (int i = 0; i < w * h; i++) label[i] = plane->px[i] > threshold ? i + 1 : 0;
    for (int changed = 1; changed;) {
        changed = 0;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int k = 0; k < 9 && label[y * w + x]; k++) {
                    const int v = y + k / 3 - 1, u = x + k % 3 - 1;
                    if (v < 0 || u < 0 || v >= h || u >= w || !label[v * w + u] || label[v * w + u] >= label[y * w + x])
                        continue;
                    label[y * w + x] = label[v * w + u];
                    changed = 1;
                }
    }
    int n = 0;
    for (int i = 0; i < w * h; i++) n += label[i] == i + 1;
    return n;
}

static void regions(void **state) {
    (void)state;
    iad_err err;
    iad_rng rng;
    iad_rng_init(&rng, 3, 0);
    for (int round = 0; round < 400; round++) {
        iad_plane plane;
        int label[900];
        size_t n;
        iad_map_box *boxes;
        assert_ok(iad_plane_init(&plane, iad_rng_int(&rng, 1, 30), iad_rng_int(&rng, 1, 30), &err));
        const double share = iad_rng_range(&rng, 0, 0.7);
        for (int i = 0; i < plane.width * plane.height; i++)
            plane.px[i] = iad_rng_chance(&rng, share)  ? (float)iad_rng_range(&rng, 0.5, 1)
                          : iad_rng_chance(&rng, 0.02) ? NAN
                                                       : 0.5f;
        const iad_map_box_options all = {
            .threshold = 0.5f, .min_area = 0, .merge_gap = 0, .max_boxes = IAD_MAPPING_MAX_BOXES};
        assert_ok(iad_map_boxes(&plane, &all, &boxes, &n, &err));
        assert_int_equal(spread(&plane, 0.5f, label), n);
        for (size_t i = 0; i < n; i++) {
            const iad_map_box *b = &boxes[i];
            const int id = label[b->peak_y * plane.width + b->peak_x];
            iad_box box = {plane.width, plane.height, -1, -1};
            int64_t area = 0;
            float peak = 0;
            double sum = 0;
            for (int k = 0; k < plane.width * plane.height; k++) {
                if (label[k] != id) continue;
                const int x = k % plane.width, y = k / plane.width;
                area++;
                sum += (double)plane.px[k];
                if (plane.px[k] > peak) peak = plane.px[k];
                if (x < box.x0) box.x0 = x;
                if (x > box.x1) box.x1 = x;
                if (y < box.y0) box.y0 = y;
                if (y > box.y1) box.y1 = y;
            }
            assert_true(id > 0 && area == b->area && peak == b->peak &&
                        plane.px[b->peak_y * plane.width + b->peak_x] == peak);
            assert_memory_equal(&box, &b->box, sizeof box);
            assert_close((double)b->mean, sum / (double)area, 1e-6);
            if (i) assert_true(boxes[i - 1].area >= b->area);
        }
        free(boxes);
        iad_plane_deinit(&plane);
    }
}

static void fill(iad_plane *plane, int x0, int y0, int x1, int y1, float value) {
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) plane->px[y * plane->width + x] = value;
}

static void merging(void **state) {
    (void)state;
    iad_err err;
    iad_plane plane;
    iad_map_box *boxes;
    size_t n;
    iad_map_box_options options = iad_map_box_defaults(0.5f);
    assert_ok(iad_plane_init(&plane, 400, 200, &err)); /* gap: 3 pixels */
    fill(&plane, 10, 10, 19, 19, 0.7f);
    fill(&plane, 22, 10, 31, 19, 0.9f);  /* 2 pixels away: merged */
    fill(&plane, 34, 21, 40, 25, 0.6f);  /* 2 right and 1 down of the second: joins as well */
    fill(&plane, 44, 10, 50, 19, 0.8f);  /* 3 pixels away: not closer than the gap */
    fill(&plane, 300, 100, 302, 103, 1); /* 12 pixels: just enough */
    fill(&plane, 350, 100, 350, 110, 1); /* 11: dropped */
    assert_ok(iad_map_boxes(&plane, &options, &boxes, &n, &err));
    assert_int_equal(3, n);
    assert_int_equal(235, boxes[0].area);
    assert_true(boxes[0].box.x0 == 10 && boxes[0].box.x1 == 40 && boxes[0].box.y0 == 10 && boxes[0].box.y1 == 25);
    assert_true(boxes[0].peak == 0.9f && boxes[0].peak_x == 22 && boxes[0].peak_y == 10);
    assert_int_equal(70, boxes[1].area);
    assert_int_equal(12, boxes[2].area);
    free(boxes);
    options.max_boxes = 1;
    assert_ok(iad_map_boxes(&plane, &options, &boxes, &n, &err));
    assert_int_equal(1, n);
    free(boxes);
    options.threshold = 0.95f;
    fill(&plane, 300, 100, 302, 103, 0);
    assert_ok(iad_map_boxes(&plane, &options, &boxes, &n, &err));
    assert_int_equal(1, n); /* small, but the only one */
    free(boxes);
    options.threshold = 2;
    assert_ok(iad_map_boxes(&plane, &options, &boxes, &n, &err));
    assert_int_equal(0, n);
    free(boxes);
    options.threshold = NAN;
    assert_fails(IAD_ERR_ARG, iad_map_boxes(&plane, &options, &boxes, &n, &err));
    /* a chessboard: thousands of single pixels far enough apart */
    options = iad_map_box_defaults(0.5f);
    options.merge_gap = 0;
    for (int i = 0; i < 400 * 200; i++) plane.px[i] = i % 400 % 2 == 0 && i / 400 % 2 == 0;
    assert_ok(iad_map_boxes(&plane, &options, &boxes, &n, &err));
    assert_int_equal(0, n);
    free(boxes);
    options.merge_gap = 0.015;
    assert_ok(iad_map_boxes(&plane, &options, &boxes, &n, &err));
    assert_true(n >= 1);
    free(boxes);
    iad_plane_deinit(&plane);
}

static void verdicts(void **state) {
    (void)state;
    assert_int_equal(1, iad_verdict(0.51, 0.5));
    assert_int_equal(0, iad_verdict(0.5, 0.5));
    assert_int_equal(0, iad_verdict(-INFINITY, 0.5));
    assert_int_equal(-1, iad_verdict(NAN, 0.5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_values), cmocka_unit_test(boxes_there_and_back), cmocka_unit_test(regions),
        cmocka_unit_test(merging), cmocka_unit_test(verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
