/* The update: exact f32 masters in 16 + 16 bits, 8-bit states and their codes; sums of squares, join and split. */
#include "tests/unit/train/grad_fixture.h"

#include "train/cpu/adamw8.h"

static uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Weights of every kind: both signs, denormals, low halves that are exactly half, zeros, large ones. */
static float some_weight(iad_rng *rng, int i) {
    uint32_t random = iad_rng_below(rng, UINT32_MAX);
    switch (i % 8) {
    case 0: return float_of(random & 0x807fffffu);                             /* denormal */
    case 1: return float_of((random & 0xbfff0000u) | 0x8000u);                 /* a tie, |w| < 2 */
    case 2: return i % 16 == 2 ? 0.0f : -0.0f;
    case 3: return (float)iad_rng_range(rng, -1e30, 1e30);
    default: return (float)iad_rng_range(rng, -0.05, 0.05);
    }
}

/* torch.optim.AdamW in f32, one parameter. */
typedef struct plain_adamw {
    float w, m, v;
} plain_adamw;

static void plain_step(plain_adamw *p, float grad, const iad_adamw *a) {
    float g = grad * a->grad_scale;
    p->w = p->w * (float)(1.0 - (double)a->rate * (double)a->decay);
    p->m = p->m + (float)(1.0 - (double)a->beta1) * (g - p->m);
    p->v = a->beta2 * p->v + (float)(1.0 - (double)a->beta2) * (g * g);
    float denominator = sqrtf(p->v) / (float)sqrt((double)a->correct2) + a->eps;
    p->w = p->w - (float)((double)a->rate / (double)a->correct1) * (p->m / denominator);
}

static void set_step(iad_adamw *a, int t) {
    a->beta1 = 0.9f;
    a->beta2 = 0.999f;
    a->eps = 1e-8f;
    a->decay = 0.01f;
    a->rate = 1e-3f;
    a->grad_scale = 0.5f;
    a->correct1 = (float)(1 - pow(0.9, t));
    a->correct2 = (float)(1 - pow(0.999, t));
}

/* high and low stay the bits of a master in f32 over 10 000 steps, on every instruction set. */
static void test_exact(void **state) {
    (void)state;
    enum { N = 203, STEPS = 10000 };
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        if (f.d[i].first != i) continue; /* too few elements for a team; test_threads has more */
        static plain_adamw want[N];
        static float grad[N], m[N], v[N], joined[N], start[N];
        static uint16_t high[N], low[N];
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, 1, 1);
        for (int k = 0; k < N; k++) {
            want[k] = (plain_adamw){.w = start[k] = some_weight(&rng, k)};
            m[k] = v[k] = 0;
        }
        assert_ok(f.d[i].ops->split(f.d[i].queue, start, N, high, low, &err));
        iad_adamw a = {.n = N, .high = high, .low = low, .grad = grad, .m = m, .v = v};
        for (int t = 1; t <= STEPS; t++) {
            set_step(&a, t);
            for (int k = 0; k < N; k++) {
                grad[k] = t % 7 == 0 ? 0.0f : (float)iad_rng_range(&rng, -1, 1) * (k % 5 == 0 ? 1e-20f : 1.0f);
                plain_step(&want[k], grad[k], &a);
            }
            assert_ok(f.d[i].ops->adamw(f.d[i].queue, &a, &err));
            if (t > 10 && t % 500 != 0) continue;
            assert_ok(f.d[i].ops->join(f.d[i].queue, high, low, N, joined, &err));
            for (int k = 0; k < N; k++) {
                if (bits_of(joined[k]) != bits_of(want[k].w) || bits_of(m[k]) != bits_of(want[k].m) || bits_of(v[k]) != bits_of(want[k].v))
                    fail_msg("%s, step %d, element %d: %a %a %a, expected %a %a %a", f.d[i].name, t, k, (double)joined[k], (double)m[k],
                             (double)v[k], (double)want[k].w, (double)want[k].m, (double)want[k].v);
                uint32_t bits = bits_of(want[k].w);
                assert_int_equal(high[k], (uint16_t)((bits + 0x8000u) >> 16)); /* half up */
            }
        }
    }
    grad_close(&f);
}

/* Every low half with some high halves: split and join are each other's inverse, and high alone is the nearest bf16. */
static void test_split_join(void **state) {
    (void)state;
    enum { N = 1 << 16 };
    static const uint32_t highs[] = {0x0000, 0x0001, 0x007f, 0x3f80, 0x7f7e, 0x8000, 0xbf80, 0xff7e};
    grad_fixture f;
    grad_open(&f);
    float *y = test_malloc(N * sizeof *y), *again = test_malloc(N * sizeof *again);
    uint16_t *high = test_malloc(N * sizeof *high), *low = test_malloc(N * sizeof *low), *alone = test_malloc(N * sizeof *alone);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        for (size_t h = 0; h < sizeof highs / sizeof *highs; h++) {
            for (uint32_t k = 0; k < N; k++) y[k] = float_of(highs[h] << 16 | k);
            assert_ok(f.d[i].ops->split(f.d[i].queue, y, N, high, low, &err));
            assert_ok(f.d[i].ops->split(f.d[i].queue, y, N, alone, NULL, &err));
            assert_memory_equal(high, alone, N * sizeof *high);
            assert_ok(f.d[i].ops->join(f.d[i].queue, high, low, N, again, &err));
            assert_memory_equal(again, y, N * sizeof *y);
            assert_ok(f.d[i].ops->join(f.d[i].queue, high, NULL, N, again, &err));
            for (uint32_t k = 0; k < N; k++) {
                assert_int_equal(bits_of(again[k]), (uint32_t)high[k] << 16);
                assert_int_equal(high[k], highs[h] + (k >= 0x8000u));
            }
        }
        /* What is not finite keeps its kind, whatever its low bits are. */
        const uint32_t odd[] = {0x7f800000u, 0xff800000u, 0x7f800001u, 0x7fffffffu, 0xffffffffu, 0xff80ffffu};
        for (int k = 0; k < 6; k++) y[k] = float_of(odd[k]);
        assert_ok(f.d[i].ops->split(f.d[i].queue, y, 6, high, low, &err));
        assert_ok(f.d[i].ops->join(f.d[i].queue, high, NULL, 6, again, &err));
        assert_true(again[0] == INFINITY && again[1] == -INFINITY);
        for (int k = 2; k < 6; k++) assert_true(isnan(again[k]));
        assert_ok(f.d[i].ops->join(f.d[i].queue, high, low, 6, again, &err));
        assert_true(again[0] == INFINITY && again[1] == -INFINITY);
        for (int k = 2; k < 6; k++) assert_true(isnan(again[k]));
    }
    test_free(y);
    test_free(again);
    test_free(high);
    test_free(low);
    test_free(alone);
    grad_close(&f);
}

/* ---- codes ---- */

static void test_codes(void **state) {
    (void)state;
    /* Both tables rise by an eighth of a power of two, end at 1.875, and their codes are found again. */
    for (int k = 1; k < 128; k++) {
        float v = iad_code8_m((uint8_t)k);
        assert_true((double)v == (1 + k % 8 / 8.0) * pow(2, k / 8 - 15));
        assert_true(v > iad_code8_m((uint8_t)(k - 1)) && iad_code8_m((uint8_t)(k | 128)) == -v);
        assert_int_equal(iad_code8_of_m(v), k);
        assert_int_equal(iad_code8_of_m(-v), k | 128);
    }
    assert_true(iad_code8_m(127) == IAD_CODE8_MOST && iad_code8_m(0) == 0 && iad_code8_of_m(0.0f) == 0 && iad_code8_of_m(-0.0f) == 0);
    assert_true(iad_code8_of_m(2.0f) == 127 && iad_code8_of_m(-1e-9f) == 0);
    for (int k = 1; k < 256; k++) {
        float v = iad_code8_v((uint8_t)k);
        assert_true((double)v == (1 + k % 8 / 8.0) * pow(2, k / 8 - 31));
        assert_true(v > iad_code8_v((uint8_t)(k - 1)));
        assert_int_equal(iad_code8_of_v(v, 0xffffffffu), k);
        assert_int_equal(iad_code8_of_v(v, 0), k);
    }
    assert_true(iad_code8_v(255) == IAD_CODE8_MOST && iad_code8_v(0) == 0);
    assert_true(iad_code8_of_v(0.0f, 0xffffffffu) == 0 && iad_code8_of_v(1e-38f, 0) == 1 && iad_code8_of_v(2.0f, 0xffffffffu) == 255);
    /* m: the nearest of all codes. */
    iad_rng rng;
    iad_rng_init(&rng, 2, 2);
    for (int i = 0; i < 20000; i++) {
        float x = (float)(iad_rng_range(&rng, -1.875, 1.875) * pow(2, iad_rng_range(&rng, -18, 0)));
        float got = iad_code8_m(iad_code8_of_m(x)), best = 0;
        for (int k = 0; k < 256; k++)
            if (fabsf(iad_code8_m((uint8_t)k) - x) < fabsf(best - x)) best = iad_code8_m((uint8_t)k);
        assert_true(fabsf(got - x) <= fabsf(best - x));
    }
    /* v: one of the two neighbours, and the mean is the value: 10^6 coins, 4 sigma. */
    for (int i = 0; i < 5; i++) {
        float x = (float)pow(2, iad_rng_range(&rng, -20, 0.8));
        double sum = 0, low = 2, high = 0;
        enum { COINS = 1000000 };
        for (uint32_t c = 0; c < COINS; c++) {
            double v = (double)iad_code8_v(iad_code8_of_v(x, iad_code8_coin(c, (uint32_t)i)));
            sum += v;
            low = fmin(low, v);
            high = fmax(high, v);
        }
        assert_true(low <= (double)x && (double)x <= high && high <= low * 1.125);
        assert_close(sum / COINS, (double)x, 4 * (high - low) / 2 / sqrt(COINS));
    }
}

/* ---- 8-bit states ---- */

typedef struct states8 {
    uint16_t *high, *low;
    uint8_t *m8, *v8;
    float *m_scale, *v_scale;
} states8;

static states8 states_new(int64_t n) {
    size_t blocks = (size_t)(n + IAD_ADAMW_BLOCK - 1) / IAD_ADAMW_BLOCK;
    return (states8){test_calloc((size_t)n, 2), test_calloc((size_t)n, 2), test_calloc((size_t)n, 1), test_calloc((size_t)n, 1),
                     test_calloc(blocks, sizeof(float)), test_calloc(blocks, sizeof(float))};
}

static void states_free(states8 *s) {
    void *all[] = {s->high, s->low, s->m8, s->v8, s->m_scale, s->v_scale};
    for (int i = 0; i < 6; i++) test_free(all[i]);
}

static iad_adamw job_of(const states8 *s, int64_t n, const float *grad) {
    return (iad_adamw){.n = n, .high = s->high, .low = s->low, .grad = grad, .m8 = s->m8, .v8 = s->v8, .m_scale = s->m_scale, .v_scale = s->v_scale};
}

/* Against f32 states: gradients whose size differs by 10^4 inside a block. Single paths differ by the noise that adamw8.h names, their sum by
 * 2 %; v over what it should be has mean 1 within 4 sigma of that noise, also when the gradients have ended and it only decays. */
static void test_states8(void **state) {
    (void)state;
    enum { N = 700, STEPS = 400, QUIET = 300 };
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        if (f.d[i].first != i) continue;
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, 3, 3);
        states8 s = states_new(N);
        static float grad[N], size[N], now[N];
        static plain_adamw want[N];
        memset(want, 0, sizeof want);
        for (int k = 0; k < N; k++) size[k] = (float)pow(10, iad_rng_range(&rng, -4, 0));
        iad_adamw a = job_of(&s, N, grad);
        double off = 0, path = 0, sum = 0, v_ratio = 0;
        for (int t = 1; t <= STEPS + QUIET; t++) {
            set_step(&a, t);
            for (int k = 0; k < N; k++) {
                grad[k] = t <= STEPS ? (float)iad_rng_range(&rng, -0.7, 1) * size[k] : 0;
                plain_step(&want[k], grad[k], &a);
            }
            assert_ok(f.d[i].ops->adamw(f.d[i].queue, &a, &err));
            if (t != STEPS) continue;
            assert_ok(f.d[i].ops->join(f.d[i].queue, s.high, s.low, N, now, &err));
            for (int k = 0; k < N; k++) {
                off += fabs((double)now[k] - (double)want[k].w);
                path += fabs((double)want[k].w);
                sum += fabs((double)now[k]);
            }
            if (!(off < 0.08 * path)) fail_msg("%s: off by %g of %g", f.d[i].name, off, path);
            assert_close(sum / path, 1, 0.02);
        }
        for (int k = 0; k < N; k++) {
            double v = (double)iad_code8_v(s.v8[k]) * (double)s.v_scale[k / IAD_ADAMW_BLOCK];
            v_ratio += v / (double)want[k].v / N;
        }
        assert_close(v_ratio, 1, 4 * 0.21 / sqrt(N));
        states_free(&s);
    }
    grad_close(&f);
}

/* All instruction sets and thread counts give the same bytes, f32 and 8-bit; also the sums of squares. */
static void test_threads(void **state) {
    (void)state;
    enum { N = 100000 };
    grad_fixture f;
    grad_open(&f);
    iad_rng rng;
    iad_rng_init(&rng, 4, 4);
    float *grad = test_malloc(N * sizeof *grad), *start = test_malloc(N * sizeof *start);
    float *m[2] = {test_malloc(N * 4), test_malloc(N * 4)}, *v[2] = {test_malloc(N * 4), test_malloc(N * 4)};
    for (int k = 0; k < N; k++) {
        grad[k] = (float)iad_rng_range(&rng, -1, 1);
        start[k] = some_weight(&rng, k);
    }
    double first_sum = 0;
    states8 s[2] = {states_new(N), states_new(N)}, e[2] = {states_new(N), states_new(N)};
    for (int i = 0; i < f.n; i++) {
        int to = i > 0;
        iad_err err = IAD_ERR_NONE;
        double sum;
        assert_ok(f.d[i].ops->square_sum(f.d[i].queue, grad, N, &sum, &err));
        if (i == 0) first_sum = sum;
        assert_true(sum == first_sum);
        memset(m[to], 0, N * 4);
        memset(v[to], 0, N * 4);
        memset(s[to].m8, 0, N);
        memset(s[to].v8, 0, N);
        assert_ok(f.d[i].ops->split(f.d[i].queue, start, N, s[to].high, s[to].low, &err));
        assert_ok(f.d[i].ops->split(f.d[i].queue, start, N, e[to].high, e[to].low, &err));
        iad_adamw exact = {.n = N, .high = e[to].high, .low = e[to].low, .grad = grad, .m = m[to], .v = v[to]}, small = job_of(&s[to], N, grad);
        for (int t = 1; t <= 3; t++) {
            set_step(&exact, t);
            set_step(&small, t);
            assert_ok(f.d[i].ops->adamw(f.d[i].queue, &exact, &err));
            assert_ok(f.d[i].ops->adamw(f.d[i].queue, &small, &err));
        }
        assert_memory_equal(e[to].high, e[0].high, N * 2);
        assert_memory_equal(e[to].low, e[0].low, N * 2);
        assert_memory_equal(m[to], m[0], N * 4);
        assert_memory_equal(v[to], v[0], N * 4);
        assert_memory_equal(s[to].high, s[0].high, N * 2);
        assert_memory_equal(s[to].low, s[0].low, N * 2);
        assert_memory_equal(s[to].m8, s[0].m8, N);
        assert_memory_equal(s[to].v8, s[0].v8, N);
        assert_memory_equal(s[to].v_scale, s[0].v_scale, (N + IAD_ADAMW_BLOCK - 1) / IAD_ADAMW_BLOCK * 4);
    }
    double plain = 0;
    for (int k = 0; k < N; k++) plain += (double)grad[k] * (double)grad[k];
    assert_close(first_sum, plain, 1e-12 * plain);
    for (int k = 0; k < 2; k++) {
        states_free(&s[k]);
        states_free(&e[k]);
        test_free(m[k]);
        test_free(v[k]);
    }
    test_free(grad);
    test_free(start);
    grad_close(&f);
}

static void test_poison_and_errors(void **state) {
    (void)state;
    enum { N = 600 };
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        states8 s = states_new(N), e = states_new(N);
        static float grad[N], m[N], v[N], w[N];
        for (int k = 0; k < N; k++) grad[k] = 1, m[k] = v[k] = 0;
        grad[300] = NAN;
        iad_adamw small = job_of(&s, N, grad), exact = {.n = N, .high = e.high, .low = e.low, .grad = grad, .m = m, .v = v};
        set_step(&small, 1);
        set_step(&exact, 1);
        assert_ok(f.d[i].ops->adamw(f.d[i].queue, &small, &err));
        assert_ok(f.d[i].ops->adamw(f.d[i].queue, &exact, &err));
        for (int which = 0; which < 2; which++) {
            assert_ok(f.d[i].ops->join(f.d[i].queue, which ? s.high : e.high, which ? s.low : e.low, N, w, &err));
            for (int k = 0; k < N; k++) assert_int_equal(isnan(w[k]), k == 300);
        }
        assert_true(isnan(s.m_scale[1]) && isnan(s.v_scale[1]) && isfinite(s.m_scale[0]) && isfinite(s.v_scale[2]));
        double sum;
        assert_ok(f.d[i].ops->square_sum(f.d[i].queue, grad, N, &sum, &err));
        assert_true(isnan(sum));
        grad[300] = INFINITY;
        assert_ok(f.d[i].ops->square_sum(f.d[i].queue, grad, N, &sum, &err));
        assert_true(isinf(sum));
        assert_ok(f.d[i].ops->square_sum(f.d[i].queue, NULL, 0, &sum, &err));
        assert_true(sum == 0);
        assert_fails(IAD_ERR_ARG, f.d[i].ops->square_sum(f.d[i].queue, NULL, 1, &sum, &err));
        assert_fails(IAD_ERR_ARG, f.d[i].ops->square_sum(f.d[i].queue, grad, -1, &sum, &err));
        assert_fails(IAD_ERR_ARG, f.d[i].ops->join(f.d[i].queue, NULL, NULL, 1, w, &err));
        assert_fails(IAD_ERR_ARG, f.d[i].ops->split(f.d[i].queue, w, 1, NULL, NULL, &err));
        iad_adamw bad = exact;
        bad.v = NULL;
        assert_fails(IAD_ERR_ARG, f.d[i].ops->adamw(f.d[i].queue, &bad, &err));
        bad = exact, bad.low = NULL;
        assert_fails(IAD_ERR_ARG, f.d[i].ops->adamw(f.d[i].queue, &bad, &err));
        bad = small, bad.v_scale = NULL;
        assert_fails(IAD_ERR_ARG, f.d[i].ops->adamw(f.d[i].queue, &bad, &err));
        states_free(&s);
        states_free(&e);
    }
    grad_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),   cmocka_unit_test(test_split_join), cmocka_unit_test(test_codes),
        cmocka_unit_test(test_states8), cmocka_unit_test(test_threads),    cmocka_unit_test(test_poison_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
