/* Sampling against transformers' logits processors and a plain second implementation; the repetition rule. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/rng.h"
#include "runtime/engine/sampler.h"

/* transformers 4.53.3 on these logits, prompt ids 3 5 5 0: the greedy token and the probabilities after all warpers. */
static void transformers_golden(void **state) {
    (void)state;
    static const float logits[12] = {1.609375f, 0.34375f,   0.171875f, -1.234375f, 0.09375f,  -2.734375f,
                                     0.671875f, -1.234375f, -2.875f,   1.953125f,  1.046875f, 2.46875f};
    static const struct {
        float penalty, temperature;
        int k;
        float p;
        int greedy;
        double want[12];
    } golden[] = {
        {1,
         1,
         0,
         1,
         11,
         {0.1512118, 0.04265126, 0.03591596, 0.008801584, 0.03321683, 0.001963899, 0.05921541, 0.008801584, 0.001706265,
          0.2132429, 0.08615791, 0.3571146}},
        {1.05f,
         1,
         0,
         1,
         11,
         {0.1417479, 0.04316637, 0.03634973, 0.008374723, 0.033618, 0.001733631, 0.05993057, 0.008907884, 0.001726872,
          0.2158183, 0.08719847, 0.3614276}},
        {1.3f, 0.7f, 0, 0.9f, 11, {0.09270873, 0, 0, 0, 0, 0, 0.04129494, 0, 0, 0.2575199, 0.07055935, 0.5379171}},
        {1, 0.1f, 1, 0.001f, 11, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
        {1.2f, 1.5f, 4, 1, 11, {0.1836099, 0, 0, 0, 0, 0, 0, 0, 0, 0.2761101, 0.1509024, 0.3893776}},
        {1, 2, 5, 0.5f, 11, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0.4359015, 0, 0.5640985}},
        {1.05f, 1e-06f, 0, 1, 11, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
        {1, 1, 3, 1, 11, {0.2095597, 0, 0, 0, 0, 0, 0, 0, 0, 0.2955265, 0, 0.4949138}},
        {1, 1, 0, 0.35f, 11, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    };
    static const int32_t prompt[4] = {3, 5, 5, 0};
    iad_err err;
    for (size_t g = 0; g < sizeof golden / sizeof *golden; g++)
        for (int greedy = 0; greedy < 2; greedy++) {
            iad_sampler_options options = {.temperature = greedy ? 0 : golden[g].temperature,
                                           .top_k = golden[g].k,
                                           .top_p = golden[g].p,
                                           .repetition_penalty = golden[g].penalty,
                                           .seed = 5};
            iad_sampler *s;
            int32_t ids[12], n, id;
            double p[12], seen[12] = {0};
            assert_ok(iad_sampler_new(12, &options, &s, &err));
            assert_ok(iad_sampler_see(s, prompt, 4, &err));
            if (greedy) {
                assert_ok(iad_sampler_next(s, logits, NULL, &id, &err));
                assert_int_equal(golden[g].greedy, id);
            } else {
                assert_ok(iad_sampler_candidates(s, logits, NULL, 12, ids, p, &n, &err));
                for (int i = 0; i < n; i++) seen[ids[i]] = p[i];
                for (int i = 0; i < 12; i++) assert_close(seen[i], golden[g].want[i], 1e-6);
                for (int i = 1; i < n; i++)
                    assert_true(p[i] < p[i - 1] || p[i] == 0 || (p[i] == p[i - 1] && ids[i] > ids[i - 1]));
                /* and it draws with these probabilities */
                double count[12] = {0};
                for (int i = 0; i < 20000; i++) {
                    assert_ok(iad_sampler_next(s, logits, NULL, &id, &err));
                    count[id] += 1.0 / 20000;
                }
                for (int i = 0; i < 12; i++) {
                    assert_true(golden[g].want[i] > 0 || count[i] == 0);
                    assert_close(count[i], golden[g].want[i], 0.02);
                }
            }
            iad_sampler_free(s);
        }
}

/* The steps as they read, on a sorted list. Returns the number kept; probability per id in p. */
enum { VOCAB = 300 };
static int plain(const float *logits, const int32_t *seen, int n_seen, const uint64_t *allowed,
                 const iad_sampler_options *o, double *p) {
    float score[VOCAB];
    int32_t order[VOCAB], n = 0;
    for (int i = 0; i < VOCAB; i++) {
        int hit = 0;
        for (int k = 0; k < n_seen; k++) hit |= seen[k] == i;
        score[i] = !hit            ? logits[i]
                   : logits[i] < 0 ? logits[i] * o->repetition_penalty
                                   : logits[i] / o->repetition_penalty;
        p[i] = 0;
        if ((!allowed || (allowed[i / 64] >> (i % 64) & 1)) && (!o->n_known || i < o->n_known)) order[n++] = i;
        score[i] /= o->temperature;
    }
    for (int i = 1; i < n; i++) /* insertion keeps lower ids first among equals */
        for (int j = i; j > 0 && score[order[j]] > score[order[j - 1]]; j--) {
            const int32_t swap = order[j];
            order[j] = order[j - 1];
            order[j - 1] = swap;
        }
    if (o->top_k && o->top_k < n) {
        int k = o->top_k;
        while (k < n && score[order[k]] == score[order[o->top_k - 1]]) k++;
        n = k;
    }
    double total = 0, above = 0;
    for (int i = 0; i < n; i++) total += exp((double)score[order[i]] - (double)score[order[0]]);
    int kept = 0;
    while (kept < n && (kept == 0 || o->top_p >= 1 || above < (double)o->top_p * total))
        above += exp((double)score[order[kept]] - (double)score[order[0]]), kept++;
    for (int i = 0; i < kept; i++) p[order[i]] = exp((double)score[order[i]] - (double)score[order[0]]) / above;
    return kept;
}

static void random_options(void **state) {
    (void)state;
    iad_rng rng;
    iad_err err;
    iad_rng_init(&rng, 21, 0);
    for (int round = 0; round < 1500; round++) {
        float logits[VOCAB];
        uint64_t allowed[(VOCAB + 63) / 64] = {0};
        int32_t seen[50], n_seen = iad_rng_int(&rng, 0, 50), ids[VOCAB], n;
        double p[VOCAB], want[VOCAB], got[VOCAB] = {0};
        for (int i = 0; i < VOCAB; i++) {
            logits[i] = (float)iad_rng_int(&rng, -40, 40) / 8; /* many ties */
            if (iad_rng_chance(&rng, 0.5)) allowed[i / 64] |= UINT64_C(1) << (i % 64);
        }
        allowed[0] |= 1;
        for (int i = 0; i < n_seen; i++) seen[i] = iad_rng_int(&rng, 0, VOCAB - 1);
        iad_sampler_options o = {.temperature = (float)iad_rng_range(&rng, 0.2, 2),
                                 .top_k = iad_rng_chance(&rng, 0.5) ? iad_rng_int(&rng, 1, 320) : 0,
                                 .top_p = iad_rng_chance(&rng, 0.6) ? (float)iad_rng_range(&rng, 0, 0.999) : 1,
                                 .repetition_penalty =
                                     iad_rng_chance(&rng, 0.5) ? (float)iad_rng_range(&rng, 0.8, 1.5) : 1,
                                 .n_known = iad_rng_chance(&rng, 0.5) ? iad_rng_int(&rng, 1, VOCAB) : 0};
        const uint64_t *mask = iad_rng_chance(&rng, 0.5) ? allowed : NULL;
        iad_sampler *s;
        assert_ok(iad_sampler_new(VOCAB, &o, &s, &err));
        assert_ok(iad_sampler_see(s, seen, n_seen, &err));
        assert_ok(iad_sampler_candidates(s, logits, mask, VOCAB, ids, p, &n, &err));
        const int kept = plain(logits, seen, n_seen, mask, &o, want);
        assert_int_equal(kept, n);
        for (int i = 0; i < n; i++) got[ids[i]] = p[i];
        for (int i = 0; i < VOCAB; i++) assert_close(got[i], want[i], 1e-9);
        for (int i = 0; i < 20; i++) {
            int32_t id;
            assert_ok(iad_sampler_next(s, logits, mask, &id, &err));
            assert_true(want[id] > 0);
        }
        iad_sampler_free(s);
    }
}

static void repeatable(void **state) {
    (void)state;
    iad_err err;
    float logits[100] = {0};
    iad_sampler_options o = {.temperature = 1, .top_p = 1, .repetition_penalty = 1, .seed = 77};
    iad_sampler *a, *b;
    int32_t first[50], id;
    int differs = 0;
    assert_ok(iad_sampler_new(100, &o, &a, &err));
    o.seed = 78;
    assert_ok(iad_sampler_new(100, &o, &b, &err));
    for (int i = 0; i < 50; i++) {
        assert_ok(iad_sampler_next(a, logits, NULL, &first[i], &err));
        assert_ok(iad_sampler_next(b, logits, NULL, &id, &err));
        differs |= id != first[i];
    }
    assert_true(differs);
    iad_sampler_reset(a);
    for (int i = 0; i < 50; i++) {
        assert_ok(iad_sampler_next(a, logits, NULL, &id, &err));
        assert_int_equal(first[i], id);
    }
    iad_sampler_free(a);
    iad_sampler_free(b);
}

static void edges(void **state) {
    (void)state;
    iad_err err;
    iad_sampler_options o = iad_sampler_greedy();
    iad_sampler *s;
    float logits[70];
    int32_t id;
    const uint64_t none[2] = {0, 0}, last[2] = {0, 1 << 5};
    for (int i = 0; i < 70; i++) logits[i] = i < 10 ? 1.0f : 0.5f;
    assert_ok(iad_sampler_new(70, &o, &s, &err));
    assert_ok(iad_sampler_next(s, logits, NULL, &id, &err));
    assert_int_equal(0, id); /* lowest among equals */
    assert_ok(iad_sampler_next(s, logits, last, &id, &err));
    assert_int_equal(69, id);
    assert_fails(IAD_ERR_ARG, iad_sampler_next(s, logits, none, &id, &err));
    logits[33] = NAN;
    assert_fails(IAD_ERR_FORMAT, iad_sampler_next(s, logits, NULL, &id, &err));
    assert_non_null(strstr(err.msg, "33"));
    assert_ok(iad_sampler_next(s, logits, last, &id, &err)); /* not a candidate */
    logits[33] = INFINITY;
    assert_fails(IAD_ERR_FORMAT, iad_sampler_next(s, logits, NULL, &id, &err));
    logits[33] = -INFINITY;
    assert_ok(iad_sampler_next(s, logits, NULL, &id, &err));
    id = 70;
    assert_fails(IAD_ERR_ARG, iad_sampler_see(s, &id, 1, &err));
    iad_sampler_free(s);
    o.n_known = 40;
    for (int i = 0; i < 70; i++) logits[i] = (float)i;
    logits[50] = NAN; /* an unknown row does not matter */
    assert_ok(iad_sampler_new(70, &o, &s, &err));
    assert_ok(iad_sampler_next(s, logits, NULL, &id, &err));
    assert_int_equal(39, id);
    iad_sampler_free(s);
    static const iad_sampler_options wrong[] = {{-1, 0, 1, 1, 0, 0},   {NAN, 0, 1, 1, 0, 0}, {1, -1, 1, 1, 0, 0},
                                                {1, 0, 1.5f, 1, 0, 0}, {1, 0, 1, 0, 0, 0},   {1, 0, 1, 1, 71, 0},
                                                {1e-7f, 0, 1, 1, 0, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(IAD_ERR_ARG, iad_sampler_new(70, &wrong[i], &s, &err));
        assert_null(s);
    }
}

/* Straight from the rule. */
static int stuck_by_rule(const int32_t *ids, int n) {
    for (int c = 1; c <= IAD_REPEAT_MAX_CYCLE; c++) {
        int length = 0; /* longest end that has period c */
        while (length < n && (length < c || ids[n - 1 - length] == ids[n - 1 - length + c])) length++;
        if (length > c && length >= 4 * c && length >= 64) return c;
    }
    return 0;
}

static void repetition(void **state) {
    (void)state;
    iad_rng rng;
    int found = 0;
    iad_rng_init(&rng, 6, 0);
    for (int round = 0; round < 60; round++) {
        int32_t ids[1500];
        int n = 0;
        while (n < 1100) { /* stretches of cycles, some long enough */
            const int c = round % 2 ? iad_rng_int(&rng, 1, 12) : iad_rng_int(&rng, 60, 280),
                      times = iad_rng_int(&rng, 1, 7);
            const int start = n;
            for (int i = 0; i < c * times && n < 1500; i++, n++)
                ids[n] = i < c ? iad_rng_int(&rng, 0, 3) : ids[start + i % c];
        }
        iad_repeat_guard guard;
        iad_repeat_guard_init(&guard);
        for (int i = 0; i < n; i++) {
            const int got = iad_repeat_guard_add(&guard, ids[i]);
            if (i % 3 == 0 || got) assert_int_equal(stuck_by_rule(ids, i + 1), got);
            found += got > 0;
        }
    }
    assert_true(found > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transformers_golden), cmocka_unit_test(random_options), cmocka_unit_test(repeatable),
        cmocka_unit_test(edges), cmocka_unit_test(repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
