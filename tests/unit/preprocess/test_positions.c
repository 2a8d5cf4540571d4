/* Position ids and rotary tables: the published examples, a second implementation, and values of torch. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "runtime/model/positions.h"

enum { MOST = 40000 };
typedef struct axes {
    int32_t t[MOST], h[MOST], w[MOST];
} axes;

static void published(void **state) {
    (void)state;
    static const int32_t t[23] = {0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 7, 8, 9, 9, 9, 9, 9, 9, 12, 13, 14, 15, 16};
    static const int32_t h[23] = {0, 1, 2, 3, 4, 4, 4, 5, 5, 5, 7, 8, 9, 9, 10, 10, 11, 11, 12, 13, 14, 15, 16};
    static const int32_t w[23] = {0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 7, 8, 9, 10, 9, 10, 9, 10, 12, 13, 14, 15, 16};
    int32_t a[23], b[23], c[23];
    iad_err err;
    iad_positions p = {0};
    int n = 0;
    assert_ok(iad_positions_add_text(&p, 4, a, b, c, &err));
    n += 4;
    assert_ok(iad_positions_add_image(&p, 2, 3, a + n, b + n, c + n, &err));
    n += 6;
    assert_ok(iad_positions_add_text(&p, 2, a + n, b + n, c + n, &err));
    n += 2;
    assert_ok(iad_positions_add_image(&p, 3, 2, a + n, b + n, c + n, &err));
    n += 6;
    assert_ok(iad_positions_add_text(&p, 5, a + n, b + n, c + n, &err));
    assert_int_equal(17, p.next);
    assert_memory_equal(t, a, sizeof t);
    assert_memory_equal(h, b, sizeof h);
    assert_memory_equal(w, c, sizeof w);
}

static void tiny_checkpoint(void **state) {
    (void)state;
    static const int golden[9][4] = {{3, 3, 3, 3},     {4, 4, 4, 4},     {38, 4, 8, 10},
                                     {39, 11, 11, 11}, {42, 14, 14, 14}, {43, 15, 15, 15},
                                     {70, 15, 21, 18}, {71, 22, 22, 22}, {76, 27, 27, 27}};
    int32_t t[77], h[77], w[77];
    iad_err err;
    iad_positions p = {0};
    assert_ok(iad_positions_add_text(&p, 4, t, h, w, &err));
    assert_ok(iad_positions_add_image(&p, 5, 7, t + 4, h + 4, w + 4, &err));
    assert_ok(iad_positions_add_text(&p, 4, t + 39, h + 39, w + 39, &err));
    assert_ok(iad_positions_add_image(&p, 7, 4, t + 43, h + 43, w + 43, &err));
    assert_ok(iad_positions_add_text(&p, 6, t + 71, h + 71, w + 71, &err));
    assert_int_equal(28, p.next);
    for (int i = 0; i < 9; i++) {
        const int k = golden[i][0];
        assert_true(t[k] == golden[i][1] && h[k] == golden[i][2] && w[k] == golden[i][3]);
    }
}

/* A compressed picture: the rows of the tokens kept, out of the whole picture's; the counter goes on as if all had stayed. */
static void kept_tokens(void **state) {
    (void)state;
    static const int32_t kept[4] = {0, 5, 6, 19};
    int32_t all[3][20], some[3][4];
    iad_err err = IAD_ERR_NONE;
    iad_positions whole = {7}, part = {7};
    assert_ok(iad_positions_add_image(&whole, 4, 5, all[0], all[1], all[2], &err));
    assert_ok(iad_positions_add_kept(&part, 4, 5, kept, 4, some[0], some[1], some[2], &err));
    assert_int_equal(12, part.next);
    assert_int_equal(whole.next, part.next);
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < 4; i++) assert_int_equal(all[a][kept[i]], some[a][i]);
    assert_true(some[1][3] == 7 + 3 && some[2][3] == 7 + 4);
    assert_fails(IAD_ERR_ARG, iad_positions_add_kept(&part, 4, 0, kept, 4, some[0], some[1], some[2], &err));
    assert_int_equal(12, part.next);
}

/* The published function in its own shape: segments, each offset by one more than the largest id so far. */
static int64_t reference(const int *items, int n_item, axes *out) {
    int64_t n = 0, largest = -1;
    for (int i = 0; i < n_item; i++) {
        const int64_t start = largest + 1;
        const int lh = items[2 * i], lw = items[2 * i + 1]; /* lh 0: lw text tokens */
        const int count = lh ? lh * lw : lw;
        for (int k = 0; k < count; k++, n++) {
            out->t[n] = (int32_t)(lh ? start : start + k);
            out->h[n] = (int32_t)(lh ? start + k / lw : start + k);
            out->w[n] = (int32_t)(lh ? start + k % lw : start + k);
            if (out->t[n] > largest) largest = out->t[n];
            if (out->h[n] > largest) largest = out->h[n];
            if (out->w[n] > largest) largest = out->w[n];
        }
    }
    return largest + 1;
}

static void random_layouts(void **state) {
    (void)state;
    iad_rng rng;
    iad_err err;
    axes *a = iad_calloc(1, sizeof *a), *b = iad_calloc(1, sizeof *b);
    assert_true(a && b);
    iad_rng_init(&rng, 11, 0);
    for (int round = 0; round < 200; round++) {
        int items[60], n_item = iad_rng_int(&rng, 1, 30);
        for (int i = 0; i < n_item; i++) {
            const int image = iad_rng_chance(&rng, 0.5);
            items[2 * i] = image ? iad_rng_int(&rng, 1, 30) : 0;
            items[2 * i + 1] = image ? iad_rng_int(&rng, 1, 30) : iad_rng_int(&rng, 0, 60);
        }
        iad_positions p = {0};
        int64_t n = 0;
        for (int i = 0; i < n_item; i++) {
            const int lh = items[2 * i], lw = items[2 * i + 1];
            if (lh) {
                assert_ok(iad_positions_add_image(&p, lh, lw, a->t + n, a->h + n, a->w + n, &err));
                n += lh * lw;
            } else
                for (int k = 0; k < lw; k++, n++)
                    assert_ok(iad_positions_add_text(&p, 1, a->t + n, a->h + n, a->w + n, &err));
        }
        assert_int_equal(reference(items, n_item, b), p.next);
        assert_memory_equal(a->t, b->t, (size_t)n * 4);
        assert_memory_equal(a->h, b->h, (size_t)n * 4);
        assert_memory_equal(a->w, b->w, (size_t)n * 4);
    }
    free(a);
    free(b);
}

static void limits(void **state) {
    (void)state;
    int32_t x[4];
    iad_err err;
    iad_positions p = {IAD_POSITION_MAX - 1};
    assert_fails(IAD_ERR_LIMIT, iad_positions_add_text(&p, 2, x, x, x, &err));
    assert_fails(IAD_ERR_LIMIT, iad_positions_add_image(&p, 1, 2, x, x, x, &err));
    assert_fails(IAD_ERR_ARG, iad_positions_add_image(&p, 0, 2, x, x, x, &err));
    assert_fails(IAD_ERR_ARG, iad_positions_add_text(&p, -1, x, x, x, &err));
    assert_int_equal(IAD_POSITION_MAX - 1, p.next);
    assert_ok(iad_positions_add_text(&p, 1, x, x, x, &err));
    assert_fails(IAD_ERR_LIMIT, iad_positions_add_text(&p, INT64_MAX, x, x, x, &err));
}

/* Angles that torch 2.15 gives in float32 at columns 0, 1, 15, 16, 39, 40, 63 of width 128, theta 1e6, sections
 * 16/24/24. */
static void torch_angles(void **state) {
    (void)state;
    static const int32_t t[6] = {0, 1, 4, 100, 5000, 127999}, h[6] = {0, 1, 5, 120, 5003, 127999},
                         w[6] = {0, 1, 7, 101, 5017, 127999};
    static const int column[7] = {0, 1, 15, 16, 39, 40, 63}, sections[3] = {16, 24, 24};
    static const float angle[6][7] = {
        {0, 0, 0, 0, 0, 0, 0},
        {1, 0.805842221f, 0.0392418988f, 0.0316227786f, 0.000220673421f, 0.00017782794f, 1.24093776e-06f},
        {4, 3.22336888f, 0.156967595f, 0.158113897f, 0.00110336707f, 0.00124479563f, 8.68656389e-06f},
        {100, 80.5842209f, 3.92418981f, 3.79473352f, 0.0264808107f, 0.017960621f, 0.000125334715f},
        {5000, 4029.21118f, 196.209488f, 158.208755f, 1.10402918f, 0.8921628f, 0.00622578477f},
        {127999, 103147, 5022.92383f, 4047.68408f, 28.2459774f, 22.7617989f, 0.158838794f}};
    static float cosine[6 * 64], sine[6 * 64];
    iad_err err;
    assert_ok(iad_mrope_angles(t, h, w, 6, 128, sections, 1e6, cosine, sine, &err));
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 7; k++) {
            assert_true(cosine[i * 64 + column[k]] == (float)cos((double)angle[i][k]));
            assert_true(sine[i * 64 + column[k]] == (float)sin((double)angle[i][k]));
        }
    static const int wrong[3] = {16, 24, 25};
    assert_fails(IAD_ERR_ARG, iad_mrope_angles(t, h, w, 6, 128, wrong, 1e6, cosine, sine, &err));
    const int32_t negative[1] = {-1};
    assert_fails(IAD_ERR_ARG, iad_mrope_angles(negative, h, w, 1, 128, sections, 1e6, cosine, sine, &err));
    assert_fails(IAD_ERR_ARG, iad_mrope_angles(t, h, w, 1, 127, sections, 1e6, cosine, sine, &err));
    assert_fails(IAD_ERR_ARG, iad_mrope_angles(t, h, w, 1, 128, sections, 0.5, cosine, sine, &err));
}

static void torch_frequencies(void **state) {
    (void)state;
    static const float golden[20] = {1,
                                     0.630957305f,
                                     0.398107171f,
                                     0.251188636f,
                                     0.158489317f,
                                     0.100000001f,
                                     0.0630957261f,
                                     0.0398107208f,
                                     0.0251188632f,
                                     0.0158489347f,
                                     0.00999999978f,
                                     0.00630957307f,
                                     0.00398107059f,
                                     0.00251188688f,
                                     0.00158489333f,
                                     0.00100000005f,
                                     0.000630957307f,
                                     0.000398107077f,
                                     0.0002511887f,
                                     0.000158489333f};
    float freq[20];
    iad_err err;
    assert_ok(iad_rope_frequencies(40, 10000, freq, &err));
    assert_memory_equal(golden, freq, sizeof freq);
}

/* The shared table and the direct way give the same bits; the vision halves turn by row and column. */
static void tables(void **state) {
    (void)state;
    enum { N = 900 };
    static const int sections[3] = {2, 3, 3};
    static int32_t t[N], h[N], w[N];
    static float cosine[N * 20], sine[N * 20], one_cosine[20], one_sine[20];
    float freq[20];
    iad_rng rng;
    iad_err err;
    iad_rng_init(&rng, 1, 0);
    for (int i = 0; i < N; i++) {
        t[i] = iad_rng_int(&rng, 500, 900);
        h[i] = iad_rng_int(&rng, 0, 128000);
        w[i] = iad_rng_int(&rng, 7, 7);
    }
    assert_ok(iad_mrope_angles(t, h, w, N, 16, sections, 1e6, cosine, sine, &err));
    for (int i = 0; i < N; i++) {
        assert_ok(iad_mrope_angles(t + i, h + i, w + i, 1, 16, sections, 1e6, one_cosine, one_sine, &err));
        assert_memory_equal(cosine + i * 8, one_cosine, 8 * 4);
        assert_memory_equal(sine + i * 8, one_sine, 8 * 4);
    }
    assert_ok(iad_vision_rope(t, h, N, 40, 10000, cosine, sine, &err));
    assert_ok(iad_rope_frequencies(20, 10000, freq, &err));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < 20; j++) {
            const float angle = (float)(j < 10 ? t[i] : h[i]) * freq[j % 10];
            assert_true(cosine[i * 20 + j] == (float)cos((double)angle) &&
                        sine[i * 20 + j] == (float)sin((double)angle));
        }
    assert_fails(IAD_ERR_ARG, iad_vision_rope(t, h, N, 42, 10000, cosine, sine, &err));
    assert_ok(iad_vision_rope(t, h, 0, 40, 10000, cosine, sine, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published), cmocka_unit_test(tiny_checkpoint), cmocka_unit_test(kept_tokens), cmocka_unit_test(random_layouts),
        cmocka_unit_test(limits),    cmocka_unit_test(torch_angles),    cmocka_unit_test(torch_frequencies),
        cmocka_unit_test(tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
