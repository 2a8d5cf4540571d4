/* Protocols: hashes, overrides, geometry against fixtures of Pillow, OpenCV and SciPy, image scores, errors. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "bench/metrics/mapreader.h"
#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/protocol.h"

static iad_err err;

static void load(const char *name, const char *part, iad_plane *plane) {
    char path[512];
    snprintf(path, sizeof path, "%s/protocol_%s%s.npy", IAD_TEST_DATA, name, part);
    assert_ok(iad_mapreader_load(path, plane, &err));
}

static void load_mask(const char *name, iad_image *mask) {
    iad_plane plane;
    load(name, "", &plane);
    assert_ok(iad_image_init(mask, plane.width, plane.height, 1, &err));
    for (int i = 0; i < plane.width * plane.height; i++) mask->px[i] = (uint8_t)plane.px[i];
    iad_plane_deinit(&plane);
}

static void presets_are_distinct_and_stable(void **state) {
    (void)state;
    char hash[64][65];
    size_t n = 0;
    for (; iad_protocol_at(n); n++) {
        iad_protocol p;
        assert_ok(iad_protocol_find(iad_protocol_at(n)->name, &p, &err));
        assert_ok(iad_protocol_hash(&p, hash[n], &err));
        assert_int_equal(64, strlen(hash[n]));
        assert_true(*iad_protocol_note(p.name));
        for (size_t i = 0; i < n; i++) assert_string_not_equal(hash[i], hash[n]);
    }
    assert_true(n >= 16);
    static const char *const named[] = {"anomalygpt-mvtec", "anomalygpt-visa", "kagprompt", "iipad", "promptad", "winclip",
                                        "anomalyclip", "dinomaly", "inpformer", "univad", "anomalydino", "mvtec-official",
                                        "visa-official", "iadgpt-224", "iadgpt-400", "native"};
    iad_protocol p;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) assert_ok(iad_protocol_find(named[i], &p, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_protocol_find("padim", &p, &err));
    assert_non_null(strstr(err.msg, "winclip"));
    /* Written results carry this hash: a change of the rules or of their text must be deliberate. */
    assert_ok(iad_protocol_find("anomalygpt-mvtec", &p, &err));
    assert_ok(iad_protocol_hash(&p, hash[0], &err));
    assert_string_equal("3adfff2b1245be62652191854327a5dbaf0f5f6f37a8586dec9b863d09330787", hash[0]);
}

static void overrides(void **state) {
    (void)state;
    iad_protocol p, q;
    char a[65], b[65];
    assert_ok(iad_protocol_find("kagprompt", &p, &err));
    q = p;
    assert_ok(iad_protocol_override(&q, "map-size", "400", &err));
    assert_ok(iad_protocol_override(&q, "sigma", "4", &err));
    assert_string_equal("kagprompt+map-size=400+sigma=4", q.name);
    assert_string_equal(iad_protocol_note("kagprompt"), iad_protocol_note(q.name));
    assert_int_equal(400, q.height);
    assert_int_equal(IAD_SMOOTH_SCIPY, q.smoothing);
    assert_ok(iad_protocol_hash(&p, a, &err));
    assert_ok(iad_protocol_hash(&q, b, &err));
    assert_string_not_equal(a, b);
    assert_ok(iad_protocol_override(&q, "map-size", "320x240", &err));
    assert_int_equal(320, q.width);
    assert_int_equal(240, q.height);
    assert_ok(iad_protocol_override(&q, "map-size", "mask", &err));
    assert_int_equal(IAD_SIZE_MASK, q.size_rule);
    assert_ok(iad_protocol_override(&q, "map-size", "map", &err));
    assert_int_equal(IAD_SIZE_MAP, q.size_rule);
    assert_ok(iad_protocol_override(&q, "mask-rule", "pil:0.1", &err));
    assert_close(q.mask.above, 0.1, 0);
    assert_ok(iad_protocol_override(&q, "interp", "align", &err));
    assert_int_equal(IAD_MAP_BILINEAR_ALIGN, q.interp);
    assert_ok(iad_protocol_override(&q, "image-score", "top:0.01", &err));
    assert_int_equal(IAD_SCORE_TOP_SHARE, q.score_rule);
    assert_ok(iad_protocol_override(&q, "connectivity", "4", &err));
    static const char *const bad[][2] = {{"map-size", "0"}, {"map-size", "12x"}, {"map-size", "99999"}, {"map-size", ""},
        {"mask-rule", "pil:2"}, {"mask-rule", "cubic"}, {"sigma", "-1"}, {"sigma", "nan"}, {"interp", "lanczos"},
        {"image-score", "top:x"}, {"connectivity", "6"}, {"colour", "red"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        iad_protocol kept = q;
        assert_fails(IAD_ERR_ARG, iad_protocol_override(&q, bad[i][0], bad[i][1], &err));
        assert_non_null(strstr(err.msg, bad[i][0]));
        assert_memory_equal(&kept, &q, sizeof q);
    }
}

static void geometry_matches_the_published_tools(void **state) {
    (void)state;
    static const char *const cases[] = {"anomalygpt-mvtec", "anomalygpt-visa", "iipad", "promptad", "winclip",
                                        "dinomaly", "inpformer", "univad", "mvtec-official"};
    iad_plane native;
    iad_image mask, ids;
    load("map16", "", &native);
    load_mask("mask", &mask);
    load_mask("ids", &ids);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_protocol p;
        iad_plane map, want;
        iad_eval_picture e;
        assert_ok(iad_protocol_find(cases[i], &p, &err));
        if (p.size_rule == IAD_SIZE_FIXED) p.width = p.height = 40; /* small fixtures, same rules */
        load(cases[i], "_map", &map);
        load(cases[i], "_mask", &want);
        int visa = !strcmp(cases[i], "anomalygpt-visa");
        assert_ok(iad_protocol_apply(&p, &native, visa ? &ids : &mask, 120, 90, "x", &e, &err));
        assert_int_equal(map.width, e.map.width);
        assert_int_equal(map.height, e.map.height);
        assert_int_equal(want.width, e.mask.width);
        double worst = 0;
        for (int j = 0; j < map.width * map.height; j++) worst = fmax(worst, fabs((double)map.px[j] - (double)e.map.px[j]));
        if (worst > 2e-6) fail_msg("%s: map differs by %.3g", cases[i], worst);
        for (int j = 0; j < want.width * want.height; j++)
            if ((want.px[j] != 0) != (e.mask.px[j] != 0) || e.mask.px[j] > 1)
                fail_msg("%s: mask differs at x=%d y=%d", cases[i], j % want.width, j / want.width);
        assert_int_equal(4, e.source_regions);
        assert_true(e.regions >= 1 && e.regions <= 4);
        assert_int_equal(visa ? 1 : 0, e.odd_values > 0);
        iad_eval_picture_deinit(&e);
        iad_plane_deinit(&map);
        iad_plane_deinit(&want);
    }
    iad_plane_deinit(&native);
    iad_image_deinit(&mask);
    iad_image_deinit(&ids);
}

/* Class ids must not be thinned out before they are binarised. */
static void class_ids_give_the_same_mask_as_255(void **state) {
    (void)state;
    iad_plane native;
    iad_image mask, ids;
    load("map16", "", &native);
    load_mask("mask", &mask);
    load_mask("ids", &ids);
    for (size_t i = 0; iad_protocol_at(i); i++) {
        const iad_protocol *p = iad_protocol_at(i);
        if (p->mask.relative_to_max) continue;
        iad_eval_picture a, b;
        assert_ok(iad_protocol_apply(p, &native, &mask, 120, 90, "x", &a, &err));
        assert_ok(iad_protocol_apply(p, &native, &ids, 120, 90, "x", &b, &err));
        assert_memory_equal(a.mask.px, b.mask.px, (size_t)a.mask.width * (size_t)a.mask.height);
        iad_eval_picture_deinit(&a);
        iad_eval_picture_deinit(&b);
    }
    iad_plane_deinit(&native);
    iad_image_deinit(&mask);
    iad_image_deinit(&ids);
}

static void lost_regions_are_seen(void **state) {
    (void)state;
    iad_protocol p;
    assert_ok(iad_protocol_find("iipad", &p, &err));
    float px[4] = {0, 1, 2, 3};
    iad_plane map = {2, 2, px};
    iad_image mask;
    assert_ok(iad_image_init(&mask, 1000, 1000, 1, &err));
    mask.px[500500] = 255; /* one pixel of a million */
    iad_eval_picture e;
    assert_ok(iad_protocol_apply(&p, &map, &mask, 1000, 1000, "x", &e, &err));
    assert_int_equal(1, e.source_regions);
    assert_int_equal(0, e.regions);
    iad_map_view view = iad_eval_picture_view(&e, 1, "x");
    iad_map_source source = iad_map_source_array(&view, 1);
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &m, &err));
    assert_int_equal(1, m.lost_pictures);
    assert_int_equal(1, m.lost_regions);
    assert_int_equal(1, m.undefined);
    iad_eval_picture_deinit(&e);
    iad_image_deinit(&mask);
}

static void wrong_sizes_and_scores_are_named(void **state) {
    (void)state;
    iad_protocol p;
    float px[4] = {0, 1, 2, 3};
    iad_plane map = {2, 2, px};
    iad_image mask;
    iad_eval_picture e;
    assert_ok(iad_image_init(&mask, 20, 30, 1, &err));
    assert_ok(iad_protocol_find("native", &p, &err));
    assert_fails(IAD_ERR_FORMAT, iad_protocol_apply(&p, &map, &mask, 30, 20, "bad/7.png", &e, &err));
    assert_non_null(strstr(err.msg, "bad/7.png"));
    assert_non_null(strstr(err.msg, "20 x 30"));
    assert_ok(iad_protocol_apply(&p, &map, &mask, 40, 60, "x", &e, &err)); /* half the size, same shape: only noted */
    assert_int_equal(1, e.size_mismatch);
    iad_eval_picture_deinit(&e);
    assert_ok(iad_protocol_apply(&p, &map, NULL, 40, 60, "x", &e, &err));
    assert_int_equal(40, e.map.width);
    assert_null(e.mask.px);
    iad_eval_picture_deinit(&e);
    assert_fails(IAD_ERR_ARG, iad_protocol_apply(&p, &map, NULL, 0, 0, "x", &e, &err));
    assert_fails(IAD_ERR_LIMIT, iad_protocol_apply(&p, &map, NULL, 60000, 60000, "x", &e, &err));
    px[3] = NAN;
    assert_fails(IAD_ERR_FORMAT, iad_protocol_apply(&p, &map, &mask, 20, 30, "bad/7.png", &e, &err));
    assert_non_null(strstr(err.msg, "x=1 y=1"));
    assert_null(e.map.px);
    iad_image_deinit(&mask);
}

static void image_scores(void **state) {
    (void)state;
    float px[400];
    for (int i = 0; i < 400; i++) px[i] = (float)((i * 37) % 400); /* 0..399 in some order */
    iad_plane map = {20, 20, px}, small = {2, 2, px};
    iad_protocol p;
    double s;
    assert_ok(iad_protocol_find("anomalygpt-mvtec", &p, &err));
    assert_ok(iad_protocol_image_score(&p, NULL, &map, NAN, &s, &err));
    assert_close(s, 399, 0);
    assert_ok(iad_protocol_find("dinomaly", &p, &err));
    assert_ok(iad_protocol_image_score(&p, NULL, &map, NAN, &s, &err));
    assert_close(s, (399 + 398 + 397 + 396) / 4.0, 1e-12);
    assert_ok(iad_protocol_image_score(&p, NULL, &small, NAN, &s, &err)); /* a hundredth of four pixels: the max */
    assert_close(s, 111, 0);
    assert_ok(iad_protocol_find("anomalydino", &p, &err));
    assert_ok(iad_protocol_image_score(&p, &small, &map, NAN, &s, &err)); /* from the patch map */
    assert_close(s, 111, 0);
    assert_ok(iad_protocol_find("kagprompt", &p, &err));
    assert_ok(iad_protocol_image_score(&p, NULL, &map, 2, &s, &err));
    assert_close(s, 0.1 * 2 + 0.9 * (399 + 370) / 2.0, 1e-9);
    assert_fails(IAD_ERR_ARG, iad_protocol_image_score(&p, NULL, &map, NAN, &s, &err));
    assert_ok(iad_protocol_find("promptad", &p, &err));
    assert_ok(iad_protocol_image_score(&p, NULL, &map, 0.5, &s, &err));
    assert_close(s, 1 / (1 / 399.0 + 2), 1e-15);
    assert_ok(iad_protocol_find("iipad", &p, &err));
    assert_ok(iad_protocol_image_score(&p, NULL, &map, -1, &s, &err));
    assert_close(s, 398, 0);
    assert_ok(iad_protocol_find("iadgpt-224", &p, &err));
    assert_ok(iad_protocol_image_score(&p, NULL, NULL, 17.25, &s, &err));
    assert_close(s, 17.25, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_distinct_and_stable),
        cmocka_unit_test(overrides),
        cmocka_unit_test(geometry_matches_the_published_tools),
        cmocka_unit_test(class_ids_give_the_same_mask_as_255),
        cmocka_unit_test(lost_regions_are_seen),
        cmocka_unit_test(wrong_sizes_and_scores_are_named),
        cmocka_unit_test(image_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
