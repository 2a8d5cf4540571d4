/* Pictures and masks of every family. */
#include "tests/unit/render/render_helpers.h"

#include "synth/render/canvas.h"
#include "synth/render/defectmask.h"
#include "synth/render/shade.h"

#define SIDE 80

typedef void (*visit_fn)(const iad_render_family *family, int kind);

static void each_kind(visit_fn visit) {
    size_t n;
    const iad_render_family *const *families = iad_render_families(&n);
    for (size_t f = 0; f < n; f++) {
        int kinds = (int)iad_render_kind_count(families[f]);
        for (int k = -1; k < kinds; k++) visit(families[f], k);
    }
}

static void test_table(void **state) {
    (void)state;
    size_t n;
    const iad_render_family *const *families = iad_render_families(&n);
    assert_true(n >= 12);
    for (size_t f = 0; f < n; f++) {
        const iad_render_family *family = families[f];
        size_t kinds = iad_render_kind_count(family);
        assert_true(kinds >= 4 && kinds < IAD_RENDER_MAX_KINDS);
        assert_ptr_equal(family, iad_render_family_find(family->name));
        for (size_t g = 0; g < f; g++) assert_string_not_equal(families[g]->name, family->name);
        for (size_t k = 0; k < kinds; k++) {
            const char *name = family->kinds[k].name;
            assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
            assert_string_not_equal(name, "good");
            assert_true(strlen(family->kinds[k].text) > 5);
            assert_int_equal((int)k, iad_render_kind_find(family, name));
        }
    }
    assert_null(iad_render_family_find("no_such_family"));
    assert_int_equal(-1, iad_render_kind_find(families[0], "no_such_kind"));
}

/* SHA-256 over good picture, then picture and mask of every kind, side 80: the same on every machine and with every
 * compiler. A change here is a change of the data: raise IAD_RENDER_VERSION. */
static const struct {
    const char *family, *digest;
} golden[] = {
    {"screw", "9cc641764c473694f120edb64ce04e88614ad8e64910693213d255342d656497"},
    {"washer", "22abfbec2193eed54f4a0a5480627553bf519a0aa9104e17de4eae58ad13454a"},
    {"gear", "f3beaed1f0aac6d210101ed14318c77277a8a3ce9a6357e8a86c83711cfd5f21"},
    {"bottle_mouth", "08b878bca1712a2f0a62f074fc82e6d9725471ad314d40ff2e8e8f08f322440d"},
    {"blister_pack", "87122e09b22ea70333ccbf8e519cfdb9ff012907c9cfbb21432d72b8d5a9591d"},
    {"connector", "77feaafe4dd08f3bf99a61f60e007d85fb3b36fda03bdab8eff32846871d13fd"},
    {"circuit_board", "790725c7e5648bd88242a621f9d3864c5a925f121e7a2cf88e2ce6a1f81ea2f8"},
    {"woven_textile", "3c409f4e129246d6e45fa03f8a00b13fa98655db22dacffa5e47a2ae8dda1136"},
    {"brushed_metal", "903f1e05bb6389c288c13a7e8a72e7edca7d5138a58597709dcaf35bd82f77e1"},
    {"wood", "e09546ed7077045190e3d0dc2c7278228f10ced40fd68abe4c23bf55f538b433"},
    {"tile", "48e4fed2edf2cf2300166de00bd83f2812767b1d44c9b1cd0e20da62aa503664"},
    {"capsule", "e6ed9a2f492d1310641c27dac40615313b928577d9848f786b912464833a193e"},
    {"leather", "bb6a66da276547fb04308cd1c240e6b5a1335bb56c4728ad17d1dbbb8adb73cc"},
    {"wire_mesh", "c09b8494e82e295730cf5458195337353f8c8922b3816b989c4185c503ea906e"},
};

static void add_picture(iad_sha256 *sha, const iad_render_family *family, int kind) {
    iad_err err = IAD_ERR_NONE;
    iad_image picture, mask;
    iad_render_job job = job_of(family, kind, 1, SIDE);
    assert_ok(iad_render_picture(&job, &picture, &mask, &err));
    assert_ok(iad_sha256_add(sha, picture.px, pixels_of(&picture) * 3, &err));
    assert_ok(iad_sha256_add(sha, mask.px, pixels_of(&mask), &err));
    iad_image_deinit(&picture);
    iad_image_deinit(&mask);
}

static void test_golden(void **state) {
    (void)state;
    size_t n, wrong = 0;
    iad_render_families(&n);
    assert_int_equal(n, sizeof golden / sizeof golden[0]);
    for (size_t i = 0; i < n; i++) {
        const iad_render_family *family = iad_render_family_find(golden[i].family);
        assert_non_null(family);
        iad_err err = IAD_ERR_NONE;
        iad_sha256 sha;
        char hex[IAD_SHA256_HEX];
        uint8_t digest[IAD_SHA256_BYTES];
        assert_ok(iad_sha256_init(&sha, &err));
        for (int k = -1; k < (int)iad_render_kind_count(family); k++) add_picture(&sha, family, k);
        assert_ok(iad_sha256_final(&sha, digest, &err));
        iad_hex(digest, sizeof digest, hex);
        if (strcmp(hex, golden[i].digest) != 0) {
            print_message("{\"%s\", \"%s\"},\n", family->name, hex);
            wrong++;
        }
    }
    assert_int_equal(0, wrong);
}

static void check_mask(const iad_render_family *family, int kind) {
    for (uint64_t number = 2; number < (IAD_SANITIZED ? 3 : 5); number++) {
        iad_err err = IAD_ERR_NONE;
        iad_image picture, mask, good;
        iad_render_job job = job_of(family, kind, number, SIDE), twin = job;
        twin.kind = -1;
        assert_ok(iad_render_picture(&job, &picture, &mask, &err));
        assert_int_equal(3, picture.channels);
        assert_int_equal(SIDE, picture.width);
        assert_int_equal(1, mask.channels);
        size_t area = mask_area(&mask), pixels = pixels_of(&mask), loud = 0, equal = 0, changed = 0;
        assert_ok(iad_render_picture(&twin, &good, NULL, &err));
        for (size_t i = 0; i < pixels; i++) {
            assert_true(mask.px[i] == 0 || mask.px[i] == 255);
            int d = 0;
            for (size_t c = 0; c < 3; c++) {
                int e = abs((int)picture.px[3 * i + c] - (int)good.px[3 * i + c]);
                d = e > d ? e : d;
            }
            equal += d == 0;
            changed += mask.px[i] && d > 2;
            /* the same sensor noise on both: what is left is rounding */
            loud += !mask.px[i] && d > IAD_MASK_OUTSIDE + 2;
        }
        if (kind < 0) {
            assert_int_equal(0, area);
            assert_int_equal(pixels, equal);
        } else {
            if ((double)area < IAD_RENDER_MIN_AREA * (double)pixels ||
                (double)area > IAD_RENDER_MAX_AREA * (double)pixels) {
                fail_msg("%s/%s %d: mask of %zu pixels", family->name, family->kinds[kind].name, (int)number, area);
            }
            /* outside of the mask at most dropped specks differ plainly, and most of the picture is untouched */
            if (loud * 500 > pixels)
                fail_msg("%s/%s %d: %zu pixels differ outside of the mask", family->name, family->kinds[kind].name,
                         (int)number, loud);
            if (equal * 2 < pixels)
                fail_msg("%s/%s %d: only %zu pixels are as before", family->name, family->kinds[kind].name, (int)number,
                         equal);
            if (changed * 10 < area * 6)
                fail_msg("%s/%s %d: of %zu mask pixels only %zu differ", family->name, family->kinds[kind].name,
                         (int)number, area, changed);
        }
        iad_image_deinit(&picture);
        iad_image_deinit(&mask);
        iad_image_deinit(&good);
    }
}

static void test_masks(void **state) {
    (void)state;
    each_kind(check_mask);
}

/* Lighting only what the defect reaches gives the same bits as lighting everything, and what it does not reach is as in
 * the twin. */
static void check_reach(const iad_render_family *family, int kind) {
    iad_err err = IAD_ERR_NONE;
    if (kind < 0) return;
    iad_render_job job = job_of(family, kind, 9, 64);
    iad_canvas good = {0}, part = {0}, whole = {0};
    assert_ok(iad_canvas_draw(&job, -1, 0, NULL, &good, &err));
    assert_ok(iad_canvas_draw(&job, kind, 0, &good, &part, &err));
    assert_ok(iad_canvas_draw(&job, kind, 0, NULL, &whole, &err));
    assert_memory_equal(part.grid, whole.grid, 64 * 64 * IAD_SHADE_SUPER * IAD_SHADE_SUPER * sizeof(iad_surface));
    if (memcmp(part.coded, whole.coded, 64 * 64 * 3 * sizeof(float)) != 0)
        fail_msg("%s/%s: lit in part is not lit as a whole", family->name, family->kinds[kind].name);
    iad_canvas_deinit(&good);
    iad_canvas_deinit(&part);
    iad_canvas_deinit(&whole);
}

static void test_reach(void **state) {
    (void)state;
    each_kind(check_reach);
}

static void test_variety(void **state) {
    (void)state;
    size_t n;
    const iad_render_family *const *families = iad_render_families(&n);
    for (size_t f = 0; f < n; f++) {
        iad_err err = IAD_ERR_NONE;
        iad_image a, b, c;
        iad_render_job one = job_of(families[f], -1, 1, 64), two = job_of(families[f], -1, 2, 64), other = one;
        other.design++;
        assert_ok(iad_render_picture(&one, &a, NULL, &err));
        assert_ok(iad_render_picture(&two, &b, NULL, &err));
        assert_ok(iad_render_picture(&other, &c, NULL, &err));
        assert_true(memcmp(a.px, b.px, pixels_of(&a) * 3) != 0);
        assert_true(memcmp(a.px, c.px, pixels_of(&a) * 3) != 0);
        double mean = 0, square = 0;
        for (size_t i = 0; i < pixels_of(&a) * 3; i++) {
            mean += a.px[i];
            square += (double)a.px[i] * a.px[i];
        }
        mean /= (double)pixels_of(&a) * 3;
        square = square / ((double)pixels_of(&a) * 3) - mean * mean;
        if (mean < 25 || mean > 245 || square < 9)
            fail_msg("%s: mean %g, variance %g", families[f]->name, mean, square);
        iad_image_deinit(&a);
        iad_image_deinit(&b);
        iad_image_deinit(&c);
    }
}

static void test_arguments(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image picture, mask;
    iad_render_job job = job_of(iad_render_family_find("gear"), -1, 1, IAD_RENDER_MIN_SIDE - 1);
    assert_fails(IAD_ERR_ARG, iad_render_picture(&job, &picture, &mask, &err));
    assert_null(picture.px);
    job.side = IAD_RENDER_MAX_SIDE + 1;
    assert_fails(IAD_ERR_ARG, iad_render_picture(&job, &picture, &mask, &err));
    job.side = 64;
    job.kind = (int)iad_render_kind_count(job.family);
    assert_fails(IAD_ERR_ARG, iad_render_picture(&job, &picture, &mask, &err));
    assert_non_null(strstr(err.msg, "gear"));
    job.kind = -2;
    assert_fails(IAD_ERR_ARG, iad_render_picture(&job, &picture, NULL, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),   cmocka_unit_test(test_golden),
                                       cmocka_unit_test(test_masks),   cmocka_unit_test(test_reach),
                                       cmocka_unit_test(test_variety), cmocka_unit_test(test_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
