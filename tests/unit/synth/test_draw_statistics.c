/* 10,000 draws of noise masks, textures, shuffles, spots and null edits against the ranges and shares of synth-data 1.4, 1.5 and 1.8, in a wide and
 * in a high picture. CutPaste and scar: test_generators.c; NSA: test_nsa.c; blends and presets: test_draw_recipe.c. */
#include <math.h>

#include "base/json.h"
#include "synth/defect/defect.h"
#include "synth/defect/texture.h"
#include "tests/unit/iad_test.h"

enum { DRAWS = IAD_SANITIZED ? 3000 : 10000 };

typedef struct stage {
    iad_image picture;
    iad_defect_scene scene;
} stage;

static void open_stage(stage *s, int w, int h) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, 1, 0);
    assert_ok(iad_image_init(&s->picture, w, h, 3, &err));
    for (int i = 0; i < w * h * 3; i++)
        s->picture.px[i] = (uint8_t)iad_rng_int(&rng, 50, 149); /* a range of 98 grey levels, less by the mean of channels */
    s->scene = (iad_defect_scene){.dst = &s->picture, .src = &s->picture, .tex = &s->picture};
}

static json_t *draw(const stage *s, const iad_defect_generator *g, int published, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    json_t *params = NULL;
    iad_rng_init(&rng, seed, 0);
    iad_status status = g->draw(&s->scene, &(iad_defect_size){published, 0.0005, 0.15}, &rng, &params, &err);
    if (status != IAD_OK && status != IAD_ERR_NOT_FOUND) fail_msg("%s: %s", g->name, err.msg);
    return status == IAD_OK ? params : NULL;
}

static double number(const json_t *params, const char *key) {
    assert_true(json_is_integer(json_object_get(params, key)));
    return (double)json_integer_value(json_object_get(params, key));
}

static double entry(const json_t *list, size_t i) { return (double)json_integer_value(json_array_get(list, i)); }

/* Within 4.5 standard deviations of a share. */
static void check_share(const char *what, double hits, double n, double p) {
    if (fabs(hits - n * p) > 4.5 * sqrt(n * p * (1 - p)) + 1) fail_msg("%s: %.0f of %.0f, expected a share of %.4f", what, hits, n, p);
}

static void inside(const stage *s, const json_t *p) {
    double x = number(p, "x"), y = number(p, "y"), w = number(p, "w"), h = number(p, "h");
    assert_true(x >= 0 && y >= 0 && w >= 1 && h >= 1 && x + w <= s->picture.width && y + h <= s->picture.height);
}

/* Cells 2^k, k uniform in 0..most, each axis on its own; the angle uniform within +-90 degrees. */
static void test_noise(void **state) {
    (void)state;
    static const int shapes[][2] = {{70, 40}, {40, 70}};
    for (int published = 0; published < 2; published++)
        for (int shape = 0; shape < 2; shape++) {
            stage s;
            int most = published ? 5 : 3, cells[2][6] = {{0}}, same = 0, variants[3] = {0}, n = 0, negative = 0;
            double widest = 0;
            open_stage(&s, shapes[shape][0], shapes[shape][1]);
            for (uint64_t seed = 0; seed < DRAWS; seed++) {
                json_t *p = draw(&s, &iad_defect_perlin, published, seed);
                if (!p) continue;
                n++;
                const json_t *noise = json_array_get(json_object_get(p, "noise"), 0);
                int kx = (int)lround(log2(entry(noise, 1))), ky = (int)lround(log2(entry(noise, 2)));
                assert_true(kx >= 0 && kx <= most && ky >= 0 && ky <= most && (1 << kx) == (int)entry(noise, 1) && (1 << ky) == (int)entry(noise, 2));
                cells[0][kx]++;
                cells[1][ky]++;
                same += kx == ky;
                assert_true(fabs(entry(noise, 3)) <= 90000);
                negative += entry(noise, 3) < 0;
                widest = fabs(entry(noise, 3)) > widest ? fabs(entry(noise, 3)) : widest;
                inside(&s, p);
                variants[(int)number(p, "variant")]++;
                if (published) {
                    assert_true(number(p, "threshold") == 500000 && number(p, "island") == 0);
                    assert_true(number(p, "w") == s.picture.width && number(p, "h") == s.picture.height);
                }
                json_decref(p);
            }
            assert_true(n > DRAWS * 95 / 100);
            for (int k = 0; k <= most; k++) { /* published: redrawn while nothing exceeds the threshold, which favours many cells a little */
                if (!published) check_share("cells along x", cells[0][k], n, 1.0 / (most + 1));
                if (!published) check_share("cells along y", cells[1][k], n, 1.0 / (most + 1));
                if (published) assert_true(cells[0][k] > n / 12 && cells[0][k] < n / 4 && cells[1][k] > n / 12 && cells[1][k] < n / 4);
            }
            if (!published) check_share("axes agree", same, n, 1.0 / (most + 1));
            check_share("negative angles", negative, n, 0.5);
            assert_true(widest > 89000);
            if (!published)
                for (int k = 0; k < 3; k++) check_share("union, section, one mask", variants[k], n, 1 / 3.0);
            iad_image_deinit(&s.picture);
        }
}

/* Three different operations of ten, each as often; their numbers within the published ranges, with the right means. */
static void test_texture(void **state) {
    (void)state;
    static const struct { double lo[3], hi[3]; } want[IAD_TEXTURE_OPS] = {
        [IAD_TEXTURE_GAMMA] = {{500, 500, 500}, {2000, 2000, 2000}}, [IAD_TEXTURE_BRIGHTNESS] = {{800, -30, 0}, {1200, 30, 0}},
        [IAD_TEXTURE_SHARPEN] = {{500, 0, 0}, {2000, 0, 0}},         [IAD_TEXTURE_COLOR] = {{-200, 500, 0}, {200, 1500, 0}},
        [IAD_TEXTURE_SOLARISE] = {{32, 0, 0}, {128, 1, 0}},          [IAD_TEXTURE_POSTERISE] = {{2, 0, 0}, {4, 0, 0}},
        [IAD_TEXTURE_ROTATE] = {{-45000, 0, 0}, {45000, 0, 0}}};
    int used[IAD_TEXTURE_OPS] = {0}, first[IAD_TEXTURE_OPS] = {0};
    double sum[IAD_TEXTURE_OPS][3] = {{0}};
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        iad_rng rng;
        iad_texture_step steps[IAD_TEXTURE_STEPS];
        iad_rng_init(&rng, seed, 3);
        iad_texture_draw(&rng, steps);
        assert_true(steps[0].op != steps[1].op && steps[0].op != steps[2].op && steps[1].op != steps[2].op);
        first[steps[0].op]++;
        for (int i = 0; i < IAD_TEXTURE_STEPS; i++) {
            const double v[3] = {(double)steps[i].a, (double)steps[i].b, (double)steps[i].c};
            used[steps[i].op]++;
            for (int k = 0; k < 3; k++) {
                assert_true(v[k] >= want[steps[i].op].lo[k] && v[k] <= want[steps[i].op].hi[k]);
                sum[steps[i].op][k] += v[k];
            }
        }
    }
    for (int op = 0; op < IAD_TEXTURE_OPS; op++) {
        check_share("an operation", used[op], DRAWS, 0.3);
        check_share("an operation as the first", first[op], DRAWS, 0.1);
        for (int k = 0; k < 3; k++) {
            double lo = want[op].lo[k], hi = want[op].hi[k];
            assert_close(sum[op][k] / used[op], (lo + hi) / 2, (hi - lo) * 0.03 + 1e-9);
        }
    }
}

static void test_shuffle(void **state) {
    (void)state;
    stage s;
    int eight = 0, n = 0;
    open_stage(&s, 70, 40);
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        json_t *p = draw(&s, &iad_defect_shuffle, 0, seed);
        if (!p) continue;
        n++;
        assert_true(number(p, "rows") == 8 || number(p, "rows") == 4);
        eight += number(p, "rows") == 8;
        assert_int_equal(json_array_size(json_object_get(p, "ops")), 3);
        inside(&s, p);
        json_decref(p);
    }
    assert_true(n > DRAWS * 95 / 100);
    check_share("8 x 8 tiles", eight, n, 0.5);
    iad_image_deinit(&s.picture);
}

static void test_spot(void **state) {
    (void)state;
    static const int shapes[][2] = {{300, 200}, {160, 240}};
    for (int shape = 0; shape < 2; shape++) {
        stage s;
        int brighter = 0, tinted = 0, n = 0;
        double radius = 0, shift = 0, stretch = 0, soft = 0;
        int w = shapes[shape][0], h = shapes[shape][1], shorter = w < h ? w : h;
        open_stage(&s, w, h);
        for (uint64_t seed = 0; seed < DRAWS; seed++) { /* published: a hard disc in the middle half */
            json_t *p = draw(&s, &iad_defect_spot, 1, seed);
            assert_non_null(p);
            const json_t *delta = json_object_get(p, "delta");
            double r = number(p, "rx") / 1000, side = number(p, "side"), x = number(p, "x") + side / 2, y = number(p, "y") + side / 2;
            assert_true(r >= 0.05 * shorter - 0.01 && r <= 0.10 * shorter + 0.01 && number(p, "ry") == number(p, "rx") && number(p, "soft") == 0);
            assert_true(x >= w / 4 && x <= w - w / 4 && y >= h / 4 && y <= h - h / 4);
            assert_true(entry(delta, 0) == entry(delta, 1) && entry(delta, 1) == entry(delta, 2));
            brighter += entry(delta, 0) > 0;
            radius += r;
            shift += fabs(entry(delta, 0));
            json_decref(p);
        }
        check_share("brighter", brighter, DRAWS, 0.5);
        assert_close(radius / DRAWS / shorter, 0.075, 0.001);
        assert_close(shift / DRAWS, 0.25 * 73, 2); /* the mean of three channels spans some 73 levels between 1 % and 99 % */
        for (uint64_t seed = 0; seed < DRAWS; seed++) { /* ours: an ellipse anywhere, often soft, half of them tinted */
            json_t *p = draw(&s, &iad_defect_spot, 0, seed);
            if (!p) continue;
            n++;
            const json_t *delta = json_object_get(p, "delta");
            double side = number(p, "side"), ratio = number(p, "rx") / number(p, "ry");
            assert_true(number(p, "x") >= 0 && number(p, "y") >= 0 && number(p, "x") + side <= w && number(p, "y") + side <= h);
            assert_true(ratio > 0.99 && ratio < 3.03 && number(p, "soft") >= 0 && number(p, "soft") <= 800000);
            tinted += entry(delta, 0) != entry(delta, 1) || entry(delta, 1) != entry(delta, 2);
            stretch += ratio;
            soft += number(p, "soft");
            json_decref(p);
        }
        assert_true(n > DRAWS / 2);
        check_share("tinted", tinted, n, 0.495); /* three tints rarely round to one number */
        assert_close(stretch / n, 2, 0.06);
        assert_close(soft / n, 400000, 12000);
        iad_image_deinit(&s.picture);
    }
}

static void test_null_edit(void **state) {
    (void)state;
    stage s;
    int faint = 0, flat = 0;
    open_stage(&s, 300, 200);
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        json_t *p = draw(&s, &iad_defect_null_edit, seed % 2 == 0, seed);
        assert_non_null(p);
        const json_t *jitter = json_object_get(p, "jitter");
        double ratio = number(p, "h") / number(p, "w"), area = number(p, "w") * number(p, "h") / (300 * 200);
        int is_faint = strcmp(json_string_value(json_object_get(p, "kind")), "faint") == 0;
        inside(&s, p);
        if (seed % 2 == 0) assert_true(ratio > 0.28 && ratio < 3.45 && area > 0.0185 && area < 0.155);
        flat += ratio < 1;
        faint += is_faint;
        assert_true(number(jitter, "hue") == 0 && number(jitter, "saturation") == 1000000);
        assert_true(fabs(number(jitter, "brightness") - 1000000) <= (is_faint ? 8000 : 0) &&
                    fabs(number(jitter, "contrast") - 1000000) <= (is_faint ? 8000 : 0));
        json_decref(p);
    }
    check_share("faint", faint, DRAWS, 0.5);
    assert_true(flat > DRAWS * 45 / 100 && flat < DRAWS * 52 / 100); /* squares after rounding count as neither */
    iad_image_deinit(&s.picture);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_noise), cmocka_unit_test(test_texture), cmocka_unit_test(test_shuffle),
                                       cmocka_unit_test(test_spot), cmocka_unit_test(test_null_edit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
