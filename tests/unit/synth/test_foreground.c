/* Finding the object: thresholds against their plain definitions, morphology, surroundings, the automatic choice, rules as text (synth-data 1.6, test
 * 4). */
#include "synth/defect/foreground.h"

#include <string.h>

#include "base/rng.h"
#include "synth/defect/foreground_steps.h"
#include "tests/unit/iad_test.h"

static void fill(iad_image *p, int x0, int y0, int x1, int y1, int value) {
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            for (int c = 0; c < p->channels; c++) iad_image_at(p, x, y)[c] = (uint8_t)value;
}

static void grain(iad_image *p, uint64_t seed, int by) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    for (int i = 0; i < p->width * p->height * p->channels; i++) p->px[i] = (uint8_t)(p->px[i] + iad_rng_int(&rng, -by, by));
}

static int64_t count(const iad_image *mask) {
    int64_t n = 0;
    for (int i = 0; i < mask->width * mask->height; i++) n += mask->px[i] != 0;
    return n;
}

/* Otsu's level minimises the variance within both classes; that is searched here from the pixels themselves. */
static void test_otsu(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        iad_err err = IAD_ERR_NONE;
        iad_image p;
        iad_rng rng;
        iad_rng_init(&rng, seed, 0);
        assert_ok(iad_image_init(&p, 40, 30, 1, &err));
        int low = iad_rng_int(&rng, 20, 90), high = iad_rng_int(&rng, 120, 230);
        for (int i = 0; i < 1200; i++) p.px[i] = (uint8_t)((iad_rng_chance(&rng, 0.3) ? high : low) + iad_rng_int(&rng, -20, 20));
        double best = 1e30;
        int level = 0;
        for (int t = 0; t < 255; t++) {
            double n[2] = {0}, sum[2] = {0}, square[2] = {0};
            for (int i = 0; i < 1200; i++) {
                int k = p.px[i] > t;
                n[k]++;
                sum[k] += p.px[i];
                square[k] += p.px[i] * p.px[i];
            }
            if (n[0] == 0 || n[1] == 0) continue;
            double within = square[0] - sum[0] * sum[0] / n[0] + square[1] - sum[1] * sum[1] / n[1];
            if (within < best - 1e-6) {
                best = within;
                level = t;
            }
        }
        assert_int_equal(iad_fg_otsu(&p), level);
        iad_image_deinit(&p);
    }
}

/* A peak of background and a long tail: the level lies at the tail's foot, on the side of the tail. */
static void test_triangle(void **state) {
    (void)state;
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        iad_err err = IAD_ERR_NONE;
        iad_image p;
        int n = 0;
        assert_ok(iad_image_init(&p, 100, 100, 1, &err));
        for (int v = 0; v < 8; v++) /* 8 levels round 44 hold 9,000 pixels, levels 48..247 five each */
            for (int i = 0; i < 1125; i++) p.px[n++] = (uint8_t)(40 + v);
        for (int v = 48; v < 248; v++)
            for (int i = 0; i < 5; i++) p.px[n++] = (uint8_t)v;
        assert_int_equal(n, 10000);
        for (int i = 0; mirrored && i < 10000; i++) p.px[i] = (uint8_t)(255 - p.px[i]);
        assert_int_equal(iad_fg_triangle(&p), mirrored ? 255 - 48 : 48);
        iad_image_deinit(&p);
    }
}

static void test_clean(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image mask;
    assert_ok(iad_image_init(&mask, 256, 256, 1, &err));
    fill(&mask, 50, 50, 150, 150, 255);
    fill(&mask, 98, 98, 101, 101, 0);   /* a hole: closed */
    fill(&mask, 200, 200, 203, 203, 255); /* a speck: opened away */
    assert_ok(iad_fg_clean(&mask, 6, 6, &err));
    assert_int_equal(count(&mask), 100 * 100);
    assert_int_equal(*iad_image_at(&mask, 99, 99), 255);
    assert_int_equal(*iad_image_at(&mask, 201, 201), 0);
    iad_image_deinit(&mask);
}

/* A free object keeps alone what belongs to it; one that touches the border itself keeps everything. */
static void test_surroundings(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image mask;
    assert_ok(iad_image_init(&mask, 100, 80, 1, &err));
    fill(&mask, 30, 20, 70, 60, 255);
    fill(&mask, 80, 30, 85, 35, 255); /* a second, free part */
    fill(&mask, 0, 0, 100, 4, 255);
    fill(&mask, 98, 4, 100, 80, 255); /* hangs on the first strip */
    fill(&mask, 0, 70, 1, 71, 255);
    assert_ok(iad_fg_drop_surroundings(&mask, &err));
    assert_int_equal(count(&mask), 40 * 40 + 25);
    fill(&mask, 30, 0, 70, 60, 255);
    fill(&mask, 0, 70, 6, 80, 255);
    assert_ok(iad_fg_drop_surroundings(&mask, &err));
    assert_int_equal(count(&mask), 40 * 60 + 25 + 60);
    fill(&mask, 0, 0, 100, 80, 0);
    assert_ok(iad_fg_drop_surroundings(&mask, &err));
    assert_int_equal(count(&mask), 0);
    iad_image_deinit(&mask);
}

static void find(const iad_image *p, iad_foreground *fg) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_foreground_find(p, &IAD_FOREGROUND_AUTO, fg, &err));
}

/* Bright on dark, dark on bright, colour alone, beside a strip at the edge, small and large pictures; and pictures without an object. */
static void test_automatic(void **state) {
    (void)state;
    static const struct { int w, h, ground, object, strip; } cases[] = {
        {200, 160, 40, 150, 0}, {200, 160, 200, 90, 0}, {800, 600, 40, 150, 0}, {160, 200, 200, 90, 1}, {256, 256, 40, 150, 1}};
    iad_err err = IAD_ERR_NONE;
    iad_image p;
    iad_foreground fg;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int w = cases[i].w, h = cases[i].h;
        assert_ok(iad_image_init(&p, w, h, 3, &err));
        fill(&p, 0, 0, w, h, cases[i].ground);
        fill(&p, w / 4, h / 4, 3 * w / 4, 3 * h / 4, cases[i].object);
        if (cases[i].strip) fill(&p, 0, 0, 3 * w / 5, h / 20, cases[i].object);
        grain(&p, i, 4);
        find(&p, &fg);
        assert_false(fg.texture);
        assert_close((double)fg.area / ((double)w * h), 0.25, 0.02);
        assert_int_equal(*iad_image_at(&fg.mask, w / 2, h / 2), 255);
        assert_int_equal(*iad_image_at(&fg.mask, w / 4, 1), 0);
        assert_int_equal(fg.area, count(&fg.mask));
        assert_int_equal(fg.row_end[h - 1], fg.area);
        iad_foreground_deinit(&fg);
        iad_image_deinit(&p);
    }
    for (int kind = 0; kind < 3; kind++) { /* grain, stripes over the whole picture, one colour */
        assert_ok(iad_image_init(&p, 300, 260, 1, &err));
        fill(&p, 0, 0, 300, 260, 120);
        if (kind == 0) grain(&p, 1, 100);
        for (int x = 0; kind == 1 && x < 300; x += 20) fill(&p, x, 0, x + 10, 260, 200);
        find(&p, &fg);
        assert_true(fg.texture && fg.area == 300 * 260);
        iad_foreground_deinit(&fg);
        iad_image_deinit(&p);
    }
}

static void test_rules(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_foreground_rule rule, again;
    char text[128], second[128];
    static const struct { const char *set, *category, *kind, *method, *params, *want; } cases[] = {
        {"mvtec-ad", "screw", "object", NULL, NULL, "{\"channel\":3,\"close\":6,\"dark\":1,\"method\":\"otsu\",\"open\":6}"},
        {"MVTec_AD", "carpet", "texture", NULL, NULL, "{\"channel\":3,\"close\":0,\"dark\":0,\"method\":\"all\",\"open\":0}"},
        {"visa", "pcb3", NULL, NULL, NULL, "{\"channel\":2,\"close\":8,\"dark\":0,\"method\":\"triangle\",\"open\":3}"},
        {"visa", "candle", NULL, NULL, NULL, "{\"channel\":3,\"close\":3,\"dark\":0,\"method\":\"otsu\",\"open\":3}"},
        {"mine", "gear", "object", NULL, NULL, "{\"channel\":3,\"close\":6,\"dark\":0,\"method\":\"auto\",\"open\":6}"},
        {"mine", "cloth", "texture", NULL, NULL, "{\"channel\":3,\"close\":0,\"dark\":0,\"method\":\"all\",\"open\":0}"},
        {"mvtec", "screw", "object", "triangle", "{\"channel\":1,\"dark\":1,\"open\":0}",
         "{\"channel\":1,\"close\":6,\"dark\":1,\"method\":\"triangle\",\"open\":0}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(iad_foreground_rule_for(cases[i].set, cases[i].category, cases[i].kind, cases[i].method, cases[i].params, &rule, &err));
        iad_foreground_rule_text(&rule, text);
        assert_string_equal(text, cases[i].want);
        assert_ok(iad_foreground_rule_parse(text, &again, &err));
        iad_foreground_rule_text(&again, second);
        assert_string_equal(text, second);
    }
    assert_fails(IAD_ERR_FORMAT, iad_foreground_rule_for("d", "c", NULL, "magic", NULL, &rule, &err));
    assert_fails(IAD_ERR_FORMAT, iad_foreground_rule_for("d", "c", NULL, "otsu", "{\"channel\":4}", &rule, &err));
    assert_fails(IAD_ERR_FORMAT, iad_foreground_rule_for("d", "c", NULL, "otsu", "[", &rule, &err));
    static const char *const hostile[] = {
        "", "[]", "{}", "{\"method\":7}", "{\"method\":\"otsu\",\"close\":65}", "{\"method\":\"otsu\",\"dark\":0.5}"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        if (iad_foreground_rule_parse(hostile[i], &rule, &err) == IAD_OK) fail_msg("%s was taken", hostile[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_otsu),         cmocka_unit_test(test_triangle),  cmocka_unit_test(test_clean),
                                       cmocka_unit_test(test_surroundings), cmocka_unit_test(test_automatic), cmocka_unit_test(test_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
