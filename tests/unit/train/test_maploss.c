#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/rng.h"
#include "train/loss/bilinear.h"
#include "train/loss/maploss.h"

/* Numbers of the same formulas in PyTorch (float64, autograd, F.interpolate with align_corners off): raw[c][j] = ((7 j + 5 c + 3) mod 13 + 1) /
 * 1024 on 3 x 4, the mask of fill_mask on 6 x 8. */
typedef struct golden {
    iad_map_norm norm;
    iad_focal_form form;
    double focal, dice;
    double grad[4]; /* d / d raw at 2, 5 and 13, and its length */
} golden;

static const golden goldens[] = {
    {IAD_MAP_LAG, IAD_FOCAL_TWO_MAPS, 0.209928107881, 0.888287196327, {-10.430160072, 0.000000000, -13.794543012, 55.165093427}},
    {IAD_MAP_LAG, IAD_FOCAL_ONE_MAP, 0.448994911103, 0.888287196327, {4.555440347, 0.000000000, -3.007364874, 45.801473497}},
    {IAD_MAP_LAG, IAD_FOCAL_PAIR, 0.218232291735, 0.888287196327, {-6.533685612, 0.000000000, -10.107704440, 44.706054545}},
    {IAD_MAP_IMAGE, IAD_FOCAL_TWO_MAPS, 0.246365762072, 0.926379044443, {-7.708343112, 8.333978982, -12.525341740, 99.591814011}},
    {IAD_MAP_IMAGE, IAD_FOCAL_ONE_MAP, 0.198714300578, 0.926379044443, {-0.585389991, -53.219249953, -2.743008287, 82.960747926}},
    {IAD_MAP_IMAGE, IAD_FOCAL_PAIR, 0.211772234426, 0.926379044443, {-4.369643221, -11.210445278, -8.389003642, 66.173772180}},
    {IAD_MAP_SHARE, IAD_FOCAL_TWO_MAPS, 0.809414815463, 1.270883516755, {-3.772782707, -8.692200217, -0.404415282, 33.364571735}},
    {IAD_MAP_SHARE, IAD_FOCAL_ONE_MAP, 0.170388171718, 1.270883516755, {-3.864946201, -9.167497524, 1.000061171, 22.318983399}},
    {IAD_MAP_SHARE, IAD_FOCAL_PAIR, 0.204698273615, 1.270883516755, {-3.160794623, -8.050176522, -1.532338607, 24.936109229}},
};

static const iad_map_range range = {.lo = {2.5 / 1024, 1.5 / 1024}, .hi = {10.5 / 1024, 11.5 / 1024}};

static void fill_mask(float mask[48]) {
    memset(mask, 0, 48 * sizeof *mask);
    for (int y = 1; y < 4; y++)
        for (int x = 2; x < 6; x++) mask[y * 8 + x] = 1;
    mask[4 * 8 + 3] = 0.5f;
}

static void fill_raw(float raw[24]) {
    for (int c = 0; c < 2; c++)
        for (int j = 0; j < 12; j++) raw[c * 12 + j] = (float)((7 * j + 5 * c + 3) % 13 + 1) / 1024;
}

static void test_golden(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    float raw[24], mask[48], draw[24];
    fill_raw(raw);
    fill_mask(mask);
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const golden *g = &goldens[i];
        iad_map_options o = iad_map_options_default();
        o.norm = g->norm;
        o.focal = g->form;
        double focal = 0, dice = 0, length = 0;
        assert_ok(iad_map_loss(&o, &range, raw, 3, 4, mask, 6, 8, &focal, &dice, draw, &err));
        assert_close(focal, g->focal, 1e-10);
        assert_close(dice, g->dice, 1e-10);
        for (int j = 0; j < 24; j++) length += (double)draw[j] * draw[j];
        assert_close(draw[2], g->grad[0], 1e-5);
        assert_close(draw[5], g->grad[1], 1e-5);
        assert_close(draw[13], g->grad[2], 1e-5);
        assert_close(sqrt(length), g->grad[3], 1e-5);
    }
}

/* ---- finite differences ---- */

/* Three maps of their own sizes, random; lag ranges inside theirs so that cells are clamped. */
typedef struct batch {
    iad_map_item items[3];
    float raw[3][128], draw[3][128], mask[3][256];
    iad_map_range range;
} batch;

static void fill_batch(batch *b, uint64_t seed) {
    static const int sizes[3][4] = {{4, 5, 8, 10}, {1, 7, 3, 3}, {6, 3, 6, 3}};
    iad_rng rng;
    iad_rng_init(&rng, seed, 7);
    for (int i = 0; i < 3; i++) {
        const int *z = sizes[i];
        for (int j = 0; j < 2 * z[0] * z[1]; j++) b->raw[i][j] = (float)(1e-3 * (0.05 + iad_rng_unit(&rng)));
        for (int j = 0; j < z[2] * z[3]; j++) b->mask[i][j] = (float)(i == 1 ? 0 : iad_rng_unit(&rng) < 0.3);
        b->mask[i][0] = i == 1 ? 0 : 0.25f;
        b->items[i] = (iad_map_item){.raw = b->raw[i], .h = z[0], .w = z[1], .mask = b->mask[i], .mask_h = z[2], .mask_w = z[3], .draw = b->draw[i]};
    }
    b->range = (iad_map_range){.lo = {2e-4, 1e-4}, .hi = {9e-4, 8e-4}};
}

static double total(const iad_map_options *o, batch *b) {
    iad_err err = IAD_ERR_NONE;
    double sum = 0;
    if (o->norm == IAD_MAP_BATCH) {
        assert_ok(iad_map_loss_batch(o, b->items, 3, &err));
        for (int i = 0; i < 3; i++) sum += b->items[i].focal + b->items[i].dice;
        return sum;
    }
    for (int i = 0; i < 3; i++) {
        iad_map_item *t = &b->items[i];
        assert_ok(iad_map_loss(o, &b->range, t->raw, t->h, t->w, t->mask, t->mask_h, t->mask_w, &t->focal, &t->dice, t->draw, &err));
        sum += t->focal + t->dice;
    }
    return sum;
}

static void test_differences(void **state) {
    (void)state;
    for (int norm = IAD_MAP_LAG; norm <= IAD_MAP_SHARE; norm++)
        for (int form = IAD_FOCAL_TWO_MAPS; form <= IAD_FOCAL_PAIR; form++) {
            batch b;
            fill_batch(&b, (uint64_t)(norm * 8 + form));
            iad_map_options o = iad_map_options_default();
            o.norm = (iad_map_norm)norm;
            o.focal = (iad_focal_form)form;
            o.w_focal = 0.7;
            o.w_dice_a = 1.3;
            o.w_dice_n = 0.9;
            float kept[3][128];
            (void)total(&o, &b);
            memcpy(kept, b.draw, sizeof kept);
            double largest = 0;
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 2 * b.items[i].h * b.items[i].w; j++) largest = fmax(largest, fabs(kept[i][j]));
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 2 * b.items[i].h * b.items[i].w; j++) {
                    float at = b.raw[i][j], up = at + 2e-9f, down = at - 2e-9f; /* their distance is exact in double */
                    b.raw[i][j] = up;
                    double high = total(&o, &b);
                    b.raw[i][j] = down;
                    double low = total(&o, &b);
                    b.raw[i][j] = at;
                    double slope = (high - low) / ((double)up - (double)down);
                    assert_close(kept[i][j], slope, 1e-6 * largest);
                }
        }
}

static void test_clamp(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    float raw[2] = {2e-3f, 2e-3f}, mask[1] = {0}, draw[2];
    double focal, dice;
    iad_map_options o = iad_map_options_default();
    const iad_map_range narrow = {.lo = {0, 0}, .hi = {1e-3, 1e-3}};
    assert_ok(iad_map_loss(&o, &narrow, raw, 1, 1, mask, 1, 1, &focal, &dice, draw, &err));
    assert_true(draw[0] == 0 && draw[1] == 0);
    o.pass_clamp = 1; /* the anomaly map is to fall, back into the range; the normal map is at its goal */
    assert_ok(iad_map_loss(&o, &narrow, raw, 1, 1, mask, 1, 1, &focal, &dice, draw, &err));
    assert_true(draw[0] > 0 && draw[1] == 0);
}

static void test_adjoint(void **state) {
    (void)state;
    static const int sizes[][4] = {{1, 1, 1, 1}, {1, 1, 5, 3}, {4, 6, 8, 12}, {7, 5, 3, 2}, {3, 4, 3, 4}, {5, 1, 2, 9}};
    iad_rng rng;
    iad_rng_init(&rng, 5, 5);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int *z = sizes[i];
        double x[64], y[128], bx[128], bty[64] = {0}, left = 0, right = 0;
        for (int j = 0; j < z[0] * z[1]; j++) x[j] = iad_rng_unit(&rng) - 0.5;
        for (int j = 0; j < z[2] * z[3]; j++) y[j] = iad_rng_unit(&rng) - 0.5;
        iad_bilinear(x, z[0], z[1], bx, z[2], z[3]);
        iad_bilinear_adjoint(y, z[2], z[3], bty, z[0], z[1]);
        for (int j = 0; j < z[2] * z[3]; j++) left += bx[j] * y[j];
        for (int j = 0; j < z[0] * z[1]; j++) right += x[j] * bty[j];
        assert_close(left, right, 1e-12);
        if (z[0] == z[2] && z[1] == z[3])
            for (int j = 0; j < z[0] * z[1]; j++) assert_close(bx[j], x[j], 0);
    }
    /* by hand: 2 cells on 4: 0, 1/4, 3/4, 1 */
    const double two[2] = {0, 1};
    double four[4];
    iad_bilinear(two, 1, 2, four, 1, 4);
    assert_close(four[0], 0, 0);
    assert_close(four[1], 0.25, 1e-15);
    assert_close(four[2], 0.75, 1e-15);
    assert_close(four[3], 1, 0);
}

static void test_edges(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    float raw[2] = {1, 1}, mask[1] = {1}, draw[2];
    double focal = -1, dice = -1;
    iad_map_options o = iad_map_options_default();
    assert_fails(IAD_ERR_ARG, iad_map_loss(&o, &range, raw, 0, 1, mask, 1, 1, &focal, &dice, NULL, &err));
    assert_fails(IAD_ERR_ARG, iad_map_loss(&o, &range, raw, 1, 1, mask, 1, 4097, &focal, &dice, NULL, &err));
    assert_fails(IAD_ERR_ARG, iad_map_loss(&o, NULL, raw, 1, 1, mask, 1, 1, &focal, &dice, NULL, &err));
    o.norm = IAD_MAP_BATCH;
    assert_fails(IAD_ERR_ARG, iad_map_loss(&o, &range, raw, 1, 1, mask, 1, 1, &focal, &dice, NULL, &err));
    o.norm = IAD_MAP_IMAGE; /* a constant map has no range: score 0, and the gradient stays finite */
    assert_ok(iad_map_loss(&o, NULL, raw, 1, 1, mask, 1, 1, &focal, &dice, draw, &err));
    assert_true(isfinite(focal) && isfinite(dice) && isfinite(draw[0]) && isfinite(draw[1]));
    o.norm = IAD_MAP_SHARE;
    raw[0] = 0;
    assert_ok(iad_map_loss(&o, NULL, raw, 1, 1, mask, 1, 1, &focal, &dice, draw, &err));
    assert_true(draw[0] == 0);
    o.norm = IAD_MAP_LAG; /* what is not a number shows */
    raw[0] = NAN;
    assert_ok(iad_map_loss(&o, &range, raw, 1, 1, mask, 1, 1, &focal, &dice, draw, &err));
    assert_true(isnan(focal) && isnan(dice));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_differences), cmocka_unit_test(test_clamp),
                                       cmocka_unit_test(test_adjoint), cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
