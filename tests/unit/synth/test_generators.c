/* What all generators keep to, and the published statistics of those that have no test of their own (synth-data 1.2, 1.5, 1.6, 1.8; tests 1 to 5). */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/sha256.h"
#include "synth/defect/defect.h"
#include "synth/recipe/jitter.h"
#include "synth/recipe/recipe.h"

enum { DRAWS = 10000 };

typedef struct stage {
    iad_image picture, other;
    iad_foreground fg, other_fg;
    iad_defect_scene scene;
} stage;

/* A bright disc on a dark noisy ground, in colour or grey. */
static void make_picture(iad_image *p, int w, int h, int channels, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    assert_ok(iad_image_init(p, w, h, channels, &err));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double dx = (x - w / 2.0) / (0.35 * w), dy = (y - h / 2.0) / (0.35 * h);
            int base = dx * dx + dy * dy < 1 ? 150 + x % 23 : 40, noise = iad_rng_int(&rng, -5, 5);
            for (int c = 0; c < channels; c++) iad_image_at(p, x, y)[c] = (uint8_t)(base + noise + (channels == 3 ? 12 * c : 0));
        }
}

static stage *open_stage(int w, int h, int channels) {
    iad_err err = IAD_ERR_NONE;
    stage *s = iad_calloc(1, sizeof *s);
    make_picture(&s->picture, w, h, channels, 1);
    make_picture(&s->other, w, h, channels, 2);
    assert_ok(iad_foreground_find(&s->picture, &IAD_FOREGROUND_AUTO, &s->fg, &err));
    assert_ok(iad_foreground_find(&s->other, &IAD_FOREGROUND_AUTO, &s->other_fg, &err));
    s->scene = (iad_defect_scene){&s->picture, &s->other, &s->other, &s->fg, &s->other_fg, iad_picture_is_grey(&s->picture)};
    return s;
}

static void close_stage(stage *s) {
    iad_image_deinit(&s->picture);
    iad_image_deinit(&s->other);
    iad_foreground_deinit(&s->fg);
    iad_foreground_deinit(&s->other_fg);
    free(s);
}

static json_t *draw(const stage *s, const iad_defect_generator *g, const iad_defect_size *size, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    json_t *params = NULL;
    iad_rng_init(&rng, seed, 0);
    iad_status status = g->draw(&s->scene, size, &rng, &params, &err);
    if (status != IAD_OK && status != IAD_ERR_NOT_FOUND) fail_msg("%s: %s", g->name, err.msg);
    return status == IAD_OK ? params : NULL;
}

static int64_t number(const json_t *params, const char *key) {
    assert_true(json_is_integer(json_object_get(params, key)));
    return json_integer_value(json_object_get(params, key));
}

static void test_found_the_disc(void **state) {
    (void)state;
    stage *s = open_stage(160, 120, 3);
    assert_false(s->fg.texture);
    assert_close((double)s->fg.area / (160 * 120), 3.14159 * 0.35 * 0.35, 0.03);
    iad_rng rng;
    iad_rng_init(&rng, 1, 1);
    int left = 0;
    for (int i = 0; i < 4000; i++) {
        int x, y;
        iad_foreground_pick(&s->fg, &rng, &x, &y);
        assert_true(*iad_image_at(&s->fg.mask, x, y) == 255);
        left += x < 80;
    }
    assert_in_range(left, 1850, 2150);
    close_stage(s);
    iad_image noise;
    iad_foreground fg;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_image_init(&noise, 90, 70, 1, &err));
    for (int i = 0; i < 90 * 70; i++) noise.px[i] = (uint8_t)iad_rng_int(&rng, 0, 255);
    assert_ok(iad_foreground_find(&noise, &IAD_FOREGROUND_AUTO, &fg, &err));
    assert_true(fg.texture && fg.area == 90 * 70);
    iad_foreground_deinit(&fg);
    iad_image_deinit(&noise);
}

/* Layers lie inside, repeat to the byte, cover something, keep grey grey; draws repeat. In pictures of every shape, both size rules. */
static void test_all_generators(void **state) {
    (void)state;
    static const int shapes[][3] = {{160, 120, 3}, {90, 200, 3}, {128, 128, 1}};
    static const iad_defect_size sizes[] = {{1, 0, 0}, {0, 0.0005, 0.15}};
    iad_err err = IAD_ERR_NONE;
    size_t n;
    const iad_defect_generator *const *all = iad_defect_generators(&n);
    assert_int_equal(n, 7);
    for (size_t g = 0; g < n; g++)
        for (int shape = 0; shape < 3; shape++) {
            stage *s = open_stage(shapes[shape][0], shapes[shape][1], shapes[shape][2]);
            int made = 0;
            for (uint64_t seed = 0; seed < 60; seed++) {
                json_t *params = draw(s, all[g], &sizes[seed % 2], seed), *again = draw(s, all[g], &sizes[seed % 2], seed);
                assert_int_equal(params == NULL, again == NULL);
                if (!params) continue;
                assert_true(json_equal(params, again));
                iad_defect_layers layers, second;
                assert_ok(all[g]->layers(&s->scene, params, &layers, &err));
                assert_ok(all[g]->layers(&s->scene, params, &second, &err));
                assert_true(layers.n >= 1 && layers.n == second.n);
                for (int i = 0; i < layers.n; i++) {
                    const iad_defect_layer *l = &layers.items[i];
                    assert_true(l->x >= 0 && l->y >= 0 && l->x + l->cover.width <= s->picture.width && l->y + l->cover.height <= s->picture.height);
                    assert_int_equal(l->content.channels, s->picture.channels);
                    assert_memory_equal(l->content.px, second.items[i].content.px,
                                        (size_t)l->content.width * (size_t)l->content.height * (size_t)l->content.channels);
                    assert_memory_equal(l->cover.px, second.items[i].cover.px, (size_t)l->cover.width * (size_t)l->cover.height);
                }
                made++;
                iad_defect_layers_deinit(&layers);
                iad_defect_layers_deinit(&second);
                /* a row that somebody edited: every missing member is noticed */
                const char *key;
                json_t *value, *copy = json_deep_copy(params);
                json_object_foreach(params, key, value) {
                    if (seed > 6 || strcmp(key, "kind") == 0) continue;
                    json_object_del(copy, key);
                    assert_fails(IAD_ERR_FORMAT, all[g]->layers(&s->scene, copy, &layers, &err));
                    json_object_set(copy, key, value);
                }
                json_decref(copy);
                json_decref(params);
                json_decref(again);
            }
            if (made < 40) fail_msg("%s draws %d of 60 in %d x %d", all[g]->name, made, shapes[shape][0], shapes[shape][1]);
            close_stage(s);
        }
}

static void test_grey_stays_grey(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    stage *s = open_stage(120, 100, 3);
    for (size_t i = 0; i < 120 * 100; i++)
        s->picture.px[3 * i] = s->picture.px[3 * i + 1] = s->picture.px[3 * i + 2],
                          s->other.px[3 * i] = s->other.px[3 * i + 1] = s->other.px[3 * i + 2];
    s->scene.grey = iad_picture_is_grey(&s->picture);
    assert_true(s->scene.grey);
    size_t n;
    const iad_defect_generator *const *all = iad_defect_generators(&n);
    for (size_t g = 0; g < n; g++)
        for (uint64_t seed = 0; seed < 40; seed++) {
            json_t *params = draw(s, all[g], &(iad_defect_size){0, 0.001, 0.15}, seed);
            iad_defect_layers layers;
            if (!params) continue;
            assert_ok(all[g]->layers(&s->scene, params, &layers, &err));
            for (int i = 0; i < layers.n; i++)
                for (size_t k = 0; k < (size_t)layers.items[i].content.width * (size_t)layers.items[i].content.height; k++) {
                    const uint8_t *p = layers.items[i].content.px + 3 * k;
                    if (p[0] != p[1] || p[1] != p[2]) fail_msg("%s brings colour %d %d %d", all[g]->name, p[0], p[1], p[2]);
                }
            iad_defect_layers_deinit(&layers);
            json_decref(params);
        }
    close_stage(s);
}

static void test_cutpaste_statistics(void **state) {
    (void)state;
    stage *s = open_stage(400, 300, 3);
    int flat = 0, lowest = 0;
    double all = 400.0 * 300;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        json_t *p = draw(s, &iad_defect_cutpaste, &(iad_defect_size){1, 0, 0}, seed);
        double w = (double)number(p, "w"), h = (double)number(p, "h"), ratio = h / w, area = w * h / all;
        assert_true(ratio > 0.28 && ratio < 3.45 && area > 0.0185 && area < 0.155); /* rounding to whole pixels */
        flat += ratio < 1;
        lowest += area < 0.085;
        const json_t *j = json_object_get(p, "jitter");
        assert_true(llabs(number(j, "brightness") - 1000000) <= 100000 && llabs(number(j, "saturation") - 1000000) <= 100000 &&
                    llabs(number(j, "hue")) <= 100000);
        assert_in_range(number(j, "order"), 0, 23);
        assert_string_equal(json_string_value(json_object_get(p, "from")), "dst");
        json_decref(p);
    }
    assert_close(flat / (double)DRAWS, 0.5, 0.02);
    assert_close(lowest / (double)DRAWS, 0.5, 0.02); /* the area is uniform */
    close_stage(s);
}

static void test_scar_statistics(void **state) {
    (void)state;
    static const int shapes[][2] = {{512, 400}, {256, 512}};
    for (int shape = 0; shape < 2; shape++) {
        stage *s = open_stage(shapes[shape][0], shapes[shape][1], 3);
        double S = shapes[shape][0] < shapes[shape][1] ? shapes[shape][0] : shapes[shape][1], sum_w = 0, sum_h = 0, sum_angle = 0;
        for (uint64_t seed = 0; seed < DRAWS; seed++) {
            json_t *p = draw(s, &iad_defect_scar, &(iad_defect_size){1, 0, 0}, seed);
            double w = (double)number(p, "w"), h = (double)number(p, "h");
            assert_true(w >= 2 / 256.0 * S - 1 && w <= 16 / 256.0 * S + 1 && h >= 10 / 256.0 * S - 1 && h <= 25 / 256.0 * S + 1);
            assert_true(llabs(number(p, "angle")) <= 45000);
            sum_w += w;
            sum_h += h;
            sum_angle += (double)number(p, "angle");
            json_decref(p);
        }
        assert_close(sum_w / DRAWS / S, 9 / 256.0, 0.001);
        assert_close(sum_h / DRAWS / S, 17.5 / 256.0, 0.001);
        assert_close(sum_angle / DRAWS, 0, 1000);
        close_stage(s);
    }
}

static void test_own_sizes_and_places(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    stage *s = open_stage(480, 480, 3);
    int half = 0;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        json_t *p = draw(s, &iad_defect_cutpaste, &(iad_defect_size){0, 0.0005, 0.15}, seed);
        if (!p) continue;
        double w = (double)number(p, "w"), h = (double)number(p, "h"), share = w * h / (double)s->fg.area;
        assert_true(share > 0.0003 && share < 0.17);
        half += share < 0.00866; /* the geometric middle */
        int64_t x0 = number(p, "x"), y0 = number(p, "y"), on = 0;
        for (int64_t y = y0; y < y0 + (int64_t)h; y++)
            for (int64_t x = x0; x < x0 + (int64_t)w; x++) on += *iad_image_at(&s->fg.mask, (int)x, (int)y) != 0;
        assert_true((double)on >= 0.45 * w * h); /* half of it, counted on a grid */
        json_decref(p);
    }
    assert_close(half / (double)DRAWS, 0.5, 0.03);
    /* a spot's cover has the wanted area */
    for (uint64_t seed = 0; seed < 300; seed++) {
        json_t *p = draw(s, &iad_defect_spot, &(iad_defect_size){0, 0.01, 0.011}, seed);
        iad_defect_layers layers;
        if (!p) continue;
        assert_ok(iad_defect_spot.layers(&s->scene, p, &layers, &err));
        double area = 0;
        for (int i = 0; i < layers.items[0].cover.width * layers.items[0].cover.height; i++) area += layers.items[0].cover.px[i] > 0;
        assert_close(area / (double)s->fg.area, 0.0105, 0.002);
        iad_defect_layers_deinit(&layers);
        json_decref(p);
    }
    close_stage(s);
}

static void test_colour_jitter(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image p, q;
    iad_rng rng;
    iad_rng_init(&rng, 9, 0);
    for (int round = 0; round < 48; round++) {
        assert_ok(iad_image_init(&p, 37, 11, 3, &err));
        for (int i = 0; i < 37 * 11 * 3; i++) p.px[i] = (uint8_t)iad_rng_int(&rng, 0, 255);
        assert_ok(iad_image_copy(&p, &q, &err));
        iad_color_jitter j = {iad_rng_int(&rng, 900000, 1100000), 1000000, iad_rng_int(&rng, 900000, 1100000), 0, round % 24};
        iad_color_jitter_apply(&q, &j);
        double b = (double)j.brightness / 1e6, s = (double)j.saturation / 1e6;
        int brightness_first = 0, left[4] = {0, 1, 2, 3}, order = (int)j.order;
        for (int n = 4; n > 0; n--) { /* which of 0 and 2 comes first */
            int at = order % n, step = left[at];
            order /= n;
            memmove(left + at, left + at + 1, (size_t)(n - at - 1) * sizeof *left);
            if (step == 0) brightness_first = 1;
            if (step == 2) break;
        }
        for (int i = 0; i < 37 * 11; i++) {
            double v[3];
            for (int c = 0; c < 3; c++) v[c] = p.px[3 * i + c];
            for (int pass = 0; pass < 2; pass++) {
                if ((pass == 0) == brightness_first)
                    for (int c = 0; c < 3; c++) v[c] = fmin(255, v[c] * b);
                else {
                    double y = 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
                    for (int c = 0; c < 3; c++) v[c] = fmin(255, fmax(0, y + s * (v[c] - y)));
                }
            }
            for (int c = 0; c < 3; c++) assert_true(fabs(v[c] - q.px[3 * i + c]) <= 1.6);
        }
        iad_image_deinit(&p);
        iad_image_deinit(&q);
    }
    /* contrast keeps the mean, hue by a whole turn changes nothing */
    assert_ok(iad_image_init(&p, 64, 9, 3, &err));
    for (int i = 0; i < 64 * 9 * 3; i++) p.px[i] = (uint8_t)iad_rng_int(&rng, 60, 190);
    assert_ok(iad_image_copy(&p, &q, &err));
    iad_color_jitter_apply(&q, &(iad_color_jitter){1000000, 1000000, 1000000, 1000000, 0});
    for (int i = 0; i < 64 * 9 * 3; i++) assert_in_range(q.px[i] - p.px[i] + 1, 0, 2);
    iad_image_deinit(&p);
    iad_image_deinit(&q);
}

static void test_small_changes(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, 3, 0);
    int quality[3] = {0}, sub = 0;
    for (int i = 0; i < DRAWS; i++) {
        iad_jitter j = iad_jitter_draw(&rng, i % 2), k;
        char text[160];
        iad_jitter_text(&j, text);
        assert_ok(iad_jitter_parse(text, &k, &err));
        assert_memory_equal(&j, &k, sizeof j);
        assert_true(abs(j.brightness - 1000000) <= 50000 && abs(j.contrast - 1000000) <= 50000 && abs(j.dx) <= 10000 && abs(j.rotation) <= 2000);
        if (i % 2 == 0) assert_true(!j.dx && !j.dy && !j.rotation);
        assert_true(j.quality == 85 || j.quality == 90 || j.quality == 95);
        quality[(j.quality - 85) / 5]++;
        sub += j.subsample;
    }
    for (int i = 0; i < 3; i++) assert_close(quality[i] / (double)DRAWS, 1 / 3.0, 0.02);
    assert_close(sub / (double)DRAWS, 0.5, 0.02);
    static const char *const hostile[] = {"{",           "[]",         "{\"q\":0}",       "{\"q\":101}",         "{\"x\":1}",
                                          "{\"b\":1.5}", "{\"b\":-1}", "{\"dx\":600000}", "{\"q\":90,\"q\":90}", "7"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        iad_jitter j;
        if (iad_jitter_parse(hostile[i], &j, &err) == IAD_OK) fail_msg("%s was taken", hostile[i]);
    }
    /* nothing asked, nothing changed; picture and mask move together */
    stage *s = open_stage(101, 77, 3);
    iad_image p, m;
    assert_ok(iad_image_copy(&s->picture, &p, &err));
    assert_ok(iad_jitter_apply(&IAD_JITTER_NONE, &p, NULL, &err));
    assert_memory_equal(p.px, s->picture.px, 101 * 77 * 3);
    assert_ok(iad_image_init(&m, 101, 77, 1, &err));
    for (int y = 30; y < 40; y++)
        for (int x = 30; x < 40; x++) *iad_image_at(&m, x, y) = 255, memset(iad_image_at(&p, x, y), 255, 3);
    iad_jitter j = IAD_JITTER_NONE;
    j.dx = 200000;
    j.rotation = 4000;
    assert_ok(iad_jitter_apply(&j, &p, &m, &err));
    int on = 0, bright = 0;
    for (int i = 0; i < 101 * 77; i++)
        if (m.px[i]) on++, bright += p.px[3 * i] > 170;
    assert_in_range(on, 90, 112);
    assert_true(bright * 10 >= on * 9);
    iad_image_deinit(&p);
    iad_image_deinit(&m);
    close_stage(s);
}

/* Presets: shares of generators; what is seen lies in what was pasted; outside nothing changes; a recipe comes back from its text and renders the
 * same. */
static void test_recipes(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    stage *s = open_stage(120, 96, 3);
    int null_edits = 0, scars = 0, n = 0, small = 0, seen = 0;
    for (uint64_t seed = 0; seed < 1500; seed++) {
        iad_recipe recipe, again;
        iad_recipe_facts facts;
        iad_image vis, out, out2, vis2, geom;
        int attempts;
        iad_status status = iad_recipe_draw(iad_preset_find("full"), &s->scene, seed, &recipe, &vis, &facts, &attempts, &err);
        if (status == IAD_ERR_NOT_FOUND) continue;
        assert_int_equal(status, IAD_OK);
        n++;
        null_edits += recipe.generator->null_edit;
        scars += recipe.generator == &iad_defect_scar;
        if (seed % 5 == 0) {
            iad_buf text;
            iad_buf_init(&text, IAD_RECIPE_MAX_BYTES);
            assert_ok(iad_recipe_json(&recipe, &text, &err));
            assert_ok(iad_recipe_parse(text.data, text.len, &again, &err));
            assert_ok(iad_recipe_render(&recipe, &s->scene, &out, &vis2, &geom, &facts, &err));
            assert_ok(iad_recipe_render(&again, &s->scene, &out2, NULL, NULL, NULL, &err));
            assert_memory_equal(out.px, out2.px, 120 * 96 * 3);
            if (!recipe.generator->null_edit) assert_memory_equal(vis.px, vis2.px, 120 * 96);
            int reach = recipe.blend.mode == IAD_BLEND_FEATHER ? (3 * recipe.blend.feather + 999) / 1000 : 0;
            for (int y = 0; y < 96; y++)
                for (int x = 0; x < 120; x++) {
                    int near_paste = 0;
                    for (int v = y - reach; v <= y + reach && !near_paste; v++)
                        for (int u = x - reach; u <= x + reach && !near_paste; u++)
                            near_paste = u >= 0 && v >= 0 && u < 120 && v < 96 && *iad_image_at(&geom, u, v);
                    if (!near_paste) assert_memory_equal(iad_image_at(&out, x, y), iad_image_at(&s->picture, x, y), 3);
                    if (recipe.generator->null_edit) assert_int_equal(*iad_image_at(&vis2, x, y), 0);
                }
            iad_buf_deinit(&text);
            iad_recipe_deinit(&again);
            iad_image_deinit(&out);
            iad_image_deinit(&out2);
            iad_image_deinit(&vis2);
            iad_image_deinit(&geom);
        }
        if (!recipe.generator->null_edit) {
            seen++;
            small += facts.visible.vis_area * 100 < 120 * 96;
            assert_true(facts.visible.vis_area >= 24 && facts.visible.delta_mean >= 4);
        }
        iad_recipe_deinit(&recipe);
        iad_image_deinit(&vis);
    }
    assert_true(n > 1400);
    assert_close(null_edits / (double)n, 0.10, 0.03);
    assert_close(scars / (double)n, 0.18, 0.04);
    assert_true(small * 10 > seen * 4);
    close_stage(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_the_disc),      cmocka_unit_test(test_all_generators),  cmocka_unit_test(test_grey_stays_grey),
        cmocka_unit_test(test_cutpaste_statistics), cmocka_unit_test(test_scar_statistics), cmocka_unit_test(test_own_sizes_and_places),
        cmocka_unit_test(test_colour_jitter),       cmocka_unit_test(test_small_changes),   cmocka_unit_test(test_recipes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
