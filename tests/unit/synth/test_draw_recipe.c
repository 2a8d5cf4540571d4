/* Thousands of draws of each preset: shares, masks, pixels outside of the change, trying and rendering agree. */
#include "tests/unit/iad_test.h"

#include "base/rng.h"
#include "synth/recipe/changed.h"
#include "synth/recipe/presets.h"

enum { W = 96, H = 80, DRAWS = 2000, BLENDS = 10000 };

static void scene_picture(iad_image *picture, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    assert_ok(iad_image_init(picture, W, H, 3, &err));
    iad_rng_init(&rng, seed, 0);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++)
                picture->px[(y * W + x) * 3 + c] =
                    (uint8_t)(40 + (x / 8 + y / 8) % 2 * 70 + x + (int)iad_rng_below(&rng, 25) + (seed == 2 ? 15 * c : 0));
}

static int near_geom(const iad_image *geom, int x, int y, int reach) {
    for (int v = y - reach < 0 ? 0 : y - reach; v <= y + reach && v < H; v++)
        for (int u = x - reach < 0 ? 0 : x - reach; u <= x + reach && u < W; u++)
            if (geom->px[v * W + u]) return 1;
    return 0;
}

static void check_draw(const iad_defect_scene *scene, const iad_recipe *recipe, const iad_image *vis, const iad_recipe_facts *facts,
                       uint64_t number) {
    iad_err err = IAD_ERR_NONE;
    iad_image out, seen, geom, copy;
    iad_recipe_facts shown;
    iad_defect_layers layers;
    assert_ok(iad_recipe_render(recipe, scene, &out, &seen, &geom, &shown, &err));
    assert_ok(iad_image_copy(scene->dst, &copy, &err));
    assert_ok(iad_recipe_apply(recipe, scene, &copy, &err));
    assert_memory_equal(copy.px, out.px, W * H * 3);
    assert_int_equal(shown.visible.vis_area, facts->visible.vis_area);
    assert_int_equal(shown.visible.enough, 1);
    assert_ok(iad_recipe_layers(recipe, scene, &layers, &err));
    iad_rect box = iad_layers_box(&layers, &recipe->blend, W, H);
    int reach = iad_blend_reach(&recipe->blend);
    int64_t area = 0;
    if (vis->px) assert_memory_equal(vis->px, seen.px, W * H);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int at = y * W + x, inside = x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1;
            area += seen.px[at] == 255;
            if (!inside && memcmp(out.px + 3 * at, scene->dst->px + 3 * at, 3) != 0)
                fail_msg("draw %llu changes pixel %d,%d outside of its box", (unsigned long long)number, x, y);
            if (seen.px[at] && !near_geom(&geom, x, y, reach))
                fail_msg("draw %llu: %d,%d is visible far from what was pasted", (unsigned long long)number, x, y);
        }
    assert_int_equal(area, shown.visible.vis_area);
    if (recipe->generator->null_edit) assert_int_equal(area, 0);
    else assert_true(area >= 24);
    iad_defect_layers_deinit(&layers);
    iad_image_deinit(&out);
    iad_image_deinit(&seen);
    iad_image_deinit(&geom);
    iad_image_deinit(&copy);
}

/* Within 4 standard deviations; squares, so that no root is needed. */
static void check_share(const char *what, double hits, double n, double p) {
    double d = hits - n * p;
    if (d * d > 16 * n * p * (1 - p) + 1) fail_msg("%s: %.0f of %.0f, expected a share of %.3f", what, hits, n, p);
}

static void draw_preset(const char *name) {
    iad_err err = IAD_ERR_NONE;
    const iad_preset *preset = iad_preset_find(name);
    iad_image dst, other;
    scene_picture(&dst, 1);
    scene_picture(&other, 2);
    const iad_defect_scene scene = {.dst = &dst, .src = &other, .tex = &other};
    int made[IAD_PRESET_MAX] = {0}, gave_up = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t seed = iad_rng_subseed(7, name, i);
        const iad_preset_item *item = iad_preset_pick(preset, seed);
        iad_recipe recipe, again;
        iad_recipe_facts facts;
        iad_image vis;
        int attempts = 0;
        made[item - preset->items]++;
        assert_ptr_equal(iad_preset_generator(preset, seed), item->generator);
        iad_status status = iad_recipe_draw(preset, &scene, seed, &recipe, &vis, &facts, &attempts, &err);
        if (status == IAD_ERR_NOT_FOUND) {
            assert_null(vis.px);
            gave_up++;
            continue;
        }
        assert_ok(status);
        assert_in_range(attempts, 1, IAD_RECIPE_MAX_ATTEMPTS);
        assert_ptr_equal(recipe.generator, item->generator);
        assert_in_range(recipe.blend.opacity, item->opacity_lo, item->opacity_hi);
        if (item->blend[0] + item->blend[1] + item->blend[2] + item->blend[3] == 0) assert_int_equal(recipe.blend.mode, IAD_BLEND_MIXED);
        check_draw(&scene, &recipe, &vis, &facts, i);
        if (i % 20 == 0) {
            assert_ok(iad_recipe_draw(preset, &scene, seed, &again, NULL, NULL, NULL, &err));
            uint8_t a[32], b[32];
            assert_ok(iad_recipe_sha256(&recipe, a, &err));
            assert_ok(iad_recipe_sha256(&again, b, &err));
            assert_memory_equal(a, b, 32);
            iad_recipe_deinit(&again);
        }
        iad_image_deinit(&vis);
        iad_recipe_deinit(&recipe);
    }
    for (int k = 0; k < preset->n; k++) check_share(preset->items[k].generator->name, made[k], DRAWS, preset->items[k].share / 1000.0);
    assert_true(gave_up < DRAWS / 20);
    iad_image_deinit(&dst);
    iad_image_deinit(&other);
}

static void test_paper(void **state) {
    (void)state;
    draw_preset("paper");
}

static void test_full(void **state) {
    (void)state;
    draw_preset("full");
}

/* The drawn blends, before spared ones are replaced. */
static void test_blend_shares(void **state) {
    (void)state;
    const iad_preset *preset = iad_preset_find("full");
    const iad_defect_scene scene = {0};
    for (int k = 0; k < preset->n; k++) {
        const iad_preset_item *item = &preset->items[k];
        double alpha = 0, feathers = 0;
        int modes[4] = {0}, total = item->blend[0] + item->blend[1] + item->blend[2] + item->blend[3];
        for (uint64_t i = 0; i < BLENDS; i++) {
            iad_rng rng;
            iad_rng_init(&rng, 99, i);
            iad_blend blend = iad_preset_blend(item, &scene, &rng);
            assert_in_range(blend.feather, blend.mode == IAD_BLEND_FEATHER ? 500 : 0, blend.mode == IAD_BLEND_FEATHER ? 2000 : 0);
            assert_in_range(blend.opacity, item->opacity_lo, item->opacity_hi);
            modes[blend.mode]++;
            alpha += blend.opacity;
            if (blend.mode == IAD_BLEND_FEATHER) feathers += blend.feather;
        }
        for (int m = 0; m < 4; m++)
            check_share(iad_blend_name((iad_blend_mode)m), modes[m], BLENDS, total ? (double)item->blend[m] / total : m == IAD_BLEND_MIXED);
        assert_close(alpha / BLENDS, (item->opacity_lo + item->opacity_hi) / 2.0, 10000);
        if (modes[IAD_BLEND_FEATHER]) assert_close(feathers / modes[IAD_BLEND_FEATHER], 1250, 35);
    }
}

/* Alpha is the weight of what is inserted: 0 leaves the picture alone, 1 puts the content itself. */
static void test_opacity(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image dst, out;
    iad_defect_layers layers;
    scene_picture(&dst, 1);
    const iad_defect_scene scene = {.dst = &dst};
    const iad_preset *preset = iad_preset_find("paper");
    iad_recipe recipe;
    uint64_t seed = 1;
    while (iad_preset_generator(preset, seed) != &iad_defect_cutpaste) seed++;
    assert_ok(iad_recipe_draw(preset, &scene, seed, &recipe, NULL, NULL, NULL, &err));
    assert_ok(iad_recipe_layers(&recipe, &scene, &layers, &err));
    assert_int_equal(layers.n, 1);
    assert_ok(iad_recipe_render(&recipe, &scene, &out, NULL, NULL, NULL, &err));
    const iad_defect_layer *layer = &layers.items[0];
    for (int y = 0; y < layer->cover.height; y++)
        for (int x = 0; x < layer->cover.width; x++)
            if (*iad_image_at(&layer->cover, x, y) == 255)
                assert_memory_equal(iad_image_at(&layer->content, x, y), iad_image_at(&out, layer->x + x, layer->y + y), 3);
    iad_image_deinit(&out);
    recipe.blend.opacity = 0;
    assert_ok(iad_recipe_render(&recipe, &scene, &out, NULL, NULL, NULL, &err));
    assert_memory_equal(out.px, dst.px, W * H * 3);
    iad_image_deinit(&out);
    iad_defect_layers_deinit(&layers);
    iad_recipe_deinit(&recipe);
    iad_image_deinit(&dst);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paper), cmocka_unit_test(test_full), cmocka_unit_test(test_blend_shares),
                                       cmocka_unit_test(test_opacity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
