/* Recipes as text: every generator's recipe comes back to the letter, the hash is the text's, hostile texts are refused with the key's name. */
#include "tests/unit/iad_test.h"

#include "base/rng.h"
#include "base/sha256.h"
#include "synth/recipe/recipe.h"

static void scene_picture(iad_image *picture, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    assert_ok(iad_image_init(picture, 96, 80, 3, &err));
    iad_rng_init(&rng, seed, 0);
    for (int i = 0; i < 96 * 80 * 3; i++) picture->px[i] = (uint8_t)(60 + (i / 3) % 96 + iad_rng_below(&rng, 60));
}

static void test_round_trip(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image dst, other;
    scene_picture(&dst, 1);
    scene_picture(&other, 2);
    const iad_defect_scene scene = {.dst = &dst, .src = &other, .tex = &other};
    const iad_defect_size size = {0, 0.005, 0.15};
    size_t n;
    const iad_defect_generator *const *all = iad_defect_generators(&n);
    assert_true(n >= 7);
    for (size_t g = 0; g < n; g++) {
        iad_recipe recipe = {.generator = all[g], .work_w = 96, .work_h = 80, .seed = UINT64_MAX - g, .blend = {IAD_BLEND_FEATHER, 700000, 1500}},
                   again;
        iad_rng rng;
        iad_buf a, b;
        iad_status status = IAD_ERR_NOT_FOUND;
        for (uint64_t k = 0; status == IAD_ERR_NOT_FOUND && k < 50; k++) {
            iad_rng_init(&rng, k, g);
            status = all[g]->draw(&scene, &size, &rng, &recipe.params, &err);
        }
        assert_ok(status);
        memset(recipe.dst_pixels, 0xab, 32);
        if (g % 2) memset(recipe.src_pixels, 0x01, 32);
        iad_buf_init(&a, IAD_RECIPE_MAX_BYTES);
        iad_buf_init(&b, IAD_RECIPE_MAX_BYTES);
        assert_ok(iad_recipe_json(&recipe, &a, &err));
        assert_ok(iad_recipe_parse(iad_buf_str(&a), a.len, &again, &err));
        assert_ok(iad_recipe_json(&again, &b, &err));
        assert_string_equal(iad_buf_str(&a), iad_buf_str(&b));
        assert_ptr_equal(again.generator, all[g]);
        assert_true(again.seed == recipe.seed);
        assert_memory_equal(again.dst_pixels, recipe.dst_pixels, 32);
        assert_memory_equal(again.src_pixels, recipe.src_pixels, 32);
        uint8_t x[32], y[32];
        assert_ok(iad_recipe_sha256(&again, x, &err));
        assert_ok(iad_sha256_bytes(a.data, a.len, y, &err));
        assert_memory_equal(x, y, 32);
        iad_recipe_deinit(&again);
        iad_recipe_deinit(&recipe);
        iad_buf_deinit(&a);
        iad_buf_deinit(&b);
    }
    iad_image_deinit(&dst);
    iad_image_deinit(&other);
}

/* The identity of stored recipes: must not change. */
static void test_golden(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_recipe recipe = {
        .generator = &iad_defect_cutpaste, .work_w = 96, .work_h = 80, .seed = 12345678901234567890u, .blend = {IAD_BLEND_HARD, 1000000, 0}};
    recipe.params = json_pack("{s:i,s:i}", "w", 9, "h", 7);
    iad_buf text;
    iad_buf_init(&text, IAD_RECIPE_MAX_BYTES);
    assert_ok(iad_recipe_json(&recipe, &text, &err));
    char want[256];
    snprintf(want, sizeof want,
             "{\"blend\":{\"feather\":0,\"mode\":\"hard\",\"opacity\":1000000},\"fg\":\"\",\"generator\":\"cutpaste\",\"params\":{\"h\":7,\"w\":9},"
             "\"seed\":\"12345678901234567890\",\"version\":\"%s\",\"work\":[96,80]}",
             iad_defect_cutpaste.version);
    assert_string_equal(iad_buf_str(&text), want);
    iad_buf_deinit(&text);
    iad_recipe_deinit(&recipe);
}

static void test_hostile(void **state) {
    (void)state;
#define HEAD "{\"blend\":{\"feather\":0,\"mode\":\"hard\",\"opacity\":1000000},\"fg\":\"\",\"generator\":\"cutpaste\",\"params\":{},\"seed\":\"1\","
    static const struct {
        const char *text, *key;
        iad_status status;
    } cases[] = {{"", "recipe", IAD_ERR_FORMAT},
                 {"[]", "recipe", IAD_ERR_FORMAT},
                 {"{}", "generator", IAD_ERR_FORMAT},
                 {HEAD "\"version\":\"1\",\"work\":[96,80],\"more\":1}", "more", IAD_ERR_FORMAT},
                 {HEAD "\"version\":\"1\",\"work\":[96]}", "work", IAD_ERR_FORMAT},
                 {HEAD "\"version\":\"1\",\"work\":[0,80]}", "work", IAD_ERR_FORMAT},
                 {HEAD "\"version\":\"1\",\"work\":[1000000,1000000]}", "work", IAD_ERR_FORMAT},
                 {HEAD "\"version\":\"1\",\"work\":[9223372036854775807,9223372036854775807]}", "work", IAD_ERR_FORMAT},
                 {HEAD "\"version\":\"none\",\"work\":[96,80]}", "version", IAD_ERR_UNSUPPORTED},
                 {HEAD "\"dst\":\"AB\",\"version\":\"1\",\"work\":[96,80]}", "dst", IAD_ERR_FORMAT},
                 {"{\"blend\":{\"feather\":5,\"mode\":\"hard\",\"opacity\":1},\"fg\":\"\",\"generator\":\"cutpaste\",\"params\":{},\"seed\":\"1\","
                  "\"version\":\"1\",\"work\":[96,80]}",
                  "feather", IAD_ERR_FORMAT},
                 {"{\"blend\":{\"feather\":0,\"mode\":\"hard\",\"opacity\":1000001},\"fg\":\"\",\"generator\":\"cutpaste\",\"params\":{},\"seed\":"
                  "\"1\",\"version\":\"1\",\"work\":[96,80]}",
                  "opacity", IAD_ERR_FORMAT},
                 {"{\"blend\":{\"feather\":0,\"mode\":\"glue\",\"opacity\":1},\"fg\":\"\",\"generator\":\"cutpaste\",\"params\":{},\"seed\":\"1\","
                  "\"version\":\"1\",\"work\":[96,80]}",
                  "mode", IAD_ERR_FORMAT},
                 {"{\"blend\":{\"feather\":0,\"mode\":\"hard\",\"opacity\":1},\"fg\":\"\",\"generator\":\"cutpaste\",\"params\":{},\"seed\":\"01\","
                  "\"version\":\"1\",\"work\":[96,80]}",
                  "seed", IAD_ERR_FORMAT},
                 {"{\"blend\":{\"feather\":0,\"mode\":\"hard\",\"opacity\":1},\"fg\":\"\",\"generator\":\"cutpaste\",\"params\":{\"w\":1.5},\"seed\":"
                  "\"1\",\"version\":\"1\",\"work\":[96,80]}",
                  "\"w\"", IAD_ERR_FORMAT},
                 {"{\"blend\":{\"feather\":0,\"mode\":\"hard\",\"opacity\":1},\"fg\":\"\",\"generator\":\"glue\",\"params\":{},\"seed\":\"1\","
                  "\"version\":\"1\",\"work\":[96,80]}",
                  "glue", IAD_ERR_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_recipe recipe;
        iad_status status = iad_recipe_parse(cases[i].text, strlen(cases[i].text), &recipe, &err);
        if (status != cases[i].status || !strstr(err.msg, cases[i].key)) fail_msg("case %zu: %s: %s", i, iad_status_name(status), err.msg);
        assert_null(recipe.params);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_golden), cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
