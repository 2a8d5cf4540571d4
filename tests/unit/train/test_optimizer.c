/* The update: golden numbers of torch, worlds of 1 to 4 ranks, frozen tensors and padding, clipping, steps that are skipped, 8-bit states,
 * learning rates. */
#include "tests/unit/train/params_fixture.h"
#include "tests/unit/train/rank_threads.h"

#include "train/param/optimizer.h"

static iad_comm *alone(void) {
    iad_comm *comm = NULL;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_comm_self_new(&comm, &err));
    return comm;
}

static iad_step_result step(iad_optimizer *o, const pf *f, double rate, double divisor) {
    iad_step_result result;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_optimizer_step(o, f->queue, rate, divisor, &result, &err));
    return result;
}

/* ---- torch.optim.AdamW (2.x) behind torch.nn.utils.clip_grad_norm_(1.0): a matrix with decay 0.1 and a norm without ---- */

static const char *const golden_names[2] = {"model.layers.0.mlp.gate_proj.weight", "model.norm.weight"};
static const double golden_norm[10] = {33.9841423,   33.9864388,   33.9836845,   33.9859772,   33.9857483,
                                       0.0331889875, 0.0331887603, 0.0331885368, 0.0331883132, 0.033188086};
static const float golden_w[2][11] = {
    {-0.269031733f, 0.0812158957f, -0.181021333f, 0.127889201f, -0.134111866f, 0.163513124f, -0.0344966128f, 0.258608818f, 0.00533789815f,
     -0.250812054f, 0.0422914997f},
    {0.603182852f, 1.01950181f, 1.37940025f, 0.879346132f, 1.2394259f, 0.727935433f, 1.15252209f, 0.636366129f, 1.00536954f, 1.37142956f,
     0.855314374f}};
static const double golden_sum[2] = {-3.61094747717, 96.0960315466};

static void golden(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const char *all = "*";
    pf_model m = pf_open(IAD_BF16, 1, 1);
    pf f = pf_load(&m, &(iad_param_rules){.freeze = &all, .n_freeze = 1, .unfreeze = golden_names, .n_unfreeze = 2, .decay = 0.1f});
    iad_comm *comm = alone();
    iad_optimizer *o = NULL;
    const iad_param *t[2];
    float *w[2];
    for (int k = 0; k < 2; k++) {
        t[k] = iad_params_find(f.params, golden_names[k]);
        w[k] = iad_alloc((size_t)t[k]->n, sizeof **w);
        for (int64_t i = 0; i < t[k]->n; i++) w[k][i] = k ? 1 + (float)(i * 3 % 7 - 3) / 8 : (float)(i * 5 % 9 - 4) / 16;
        assert_ok(iad_params_set(f.params, f.queue, t[k], w[k], &err));
    }
    assert_ok(iad_optimizer_new(f.params, comm, NULL, &o, &err));
    for (int s = 1; s <= 10; s++) {
        const double divisor = s <= 5 ? 8 : 8192;
        for (int k = 0; k < 2; k++)
            for (int64_t i = 0; i < t[k]->n; i++) f.params->grad[t[k]->offset + i] = (float)((i * 7 + s * 13) % 11 - 5);
        iad_step_result r = step(o, &f, 0.002 * s, divisor);
        assert_close(r.grad_norm, golden_norm[s - 1], 1e-6 * golden_norm[s - 1]);
        assert_int_equal(0, r.skipped);
    }
    assert_int_equal(10, iad_optimizer_clock_get(o).t);
    for (int k = 0; k < 2; k++) {
        double sum = 0;
        assert_ok(iad_params_get(f.params, f.queue, t[k], w[k], &err));
        for (int i = 0; i < 11; i++) assert_close((double)w[k][i], (double)golden_w[k][i], 5e-7);
        for (int64_t i = 0; i < t[k]->n; i++) sum += (double)w[k][i];
        assert_close(sum, golden_sum[k], 2e-4); /* of 7296 values: 3e-8 each */
        free(w[k]);
    }
    iad_optimizer_free(o);
    iad_comm_free(comm);
    pf_free(&f);
    pf_close(&m);
}

/* ---- ranks ---- */

typedef struct run {
    const pf_model *model;
    const iad_param_rules *rules;
    int states8, steps;
    int exact;                   /* gradients whose sums do not depend on their order, and no clip */
    float *values[RT_MAX_WORLD]; /* master values of all tensors at the end, by rank */
    double norm;
    int64_t n;
} run;

static void train_rank(iad_comm *comm, void *user) {
    run *r = user;
    iad_err err = IAD_ERR_NONE;
    iad_optimizer *o = NULL;
    iad_optimizer_options options = iad_optimizer_defaults();
    pf f = pf_load(r->model, r->rules);
    options.states8 = r->states8;
    if (r->exact) options.clip = 0;
    assert_ok(iad_optimizer_new(f.params, comm, &options, &o, &err));
    for (int s = 0; s < r->steps; s++) {
        pf_gradients(f.params, s, comm->rank, comm->world, r->exact);
        iad_step_result result = step(o, &f, 1e-4, PF_SAMPLES);
        if (comm->rank == 0) r->norm = result.grad_norm;
    }
    float *values = r->values[comm->rank] = iad_calloc((size_t)f.params->n, sizeof *values);
    for (int i = 0; i < f.params->n_tensor; i++)
        assert_ok(iad_params_get(f.params, f.queue, &f.params->tensors[i], values + f.params->tensors[i].offset, &err));
    if (comm->rank == 0) r->n = f.params->n;
    for (int i = 0; i < f.params->n_tensor; i++) /* padding stays 0 */
        for (int64_t e = f.params->tensors[i].offset + f.params->tensors[i].n; e % IAD_PARAM_ALIGN; e++)
            assert_int_equal(0, f.params->high[e] | f.params->low[e]);
    iad_optimizer_free(o);
    pf_free(&f);
}

static run train(const pf_model *model, const iad_param_rules *rules, int world, int states8, int exact, int steps) {
    run r = {.model = model, .rules = rules, .states8 = states8, .exact = exact, .steps = steps};
    rt_run(world, train_rank, &r);
    for (int k = 1; k < world; k++) { /* every rank ends with the same values */
        assert_memory_equal(r.values[0], r.values[k], (size_t)r.n * sizeof(float));
        free(r.values[k]);
    }
    return r;
}

static const char *const frozen[] = {"visual.blocks.*"};
static const iad_param_rules half_frozen = {.freeze = frozen, .n_freeze = 1, .decay = 0.1f};

/* Sums in another order differ in the last bit, and no more than that may come out. */
static void worlds(void **state) {
    (void)state;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    run one = train(&m, &half_frozen, 1, 0, 0, 4);
    for (int world = 1; world <= 4; world++) {
        run a = train(&m, &half_frozen, world, 0, 0, 4), b = train(&m, &half_frozen, world, 0, 0, 4);
        double worst = 0;
        for (int64_t i = 0; i < a.n; i++) worst = fmax(worst, fabs((double)a.values[0][i] - (double)one.values[0][i]));
        print_message("world %d is off by at most %.2g\n", world, worst);
        assert_close(worst, 0, world == 1 ? 0 : 1e-6);
        assert_close(a.norm, one.norm, 1e-6 * one.norm);
        assert_memory_equal(a.values[0], b.values[0], (size_t)a.n * sizeof(float)); /* run to run */
        free(a.values[0]), free(b.values[0]);
    }
    free(one.values[0]);
    pf_close(&m);
}

/* Where the sums do not depend on the order, no bit depends on the number of ranks: also the blocks of 8-bit states lie the same way. */
static void worlds_bit_equal(void **state) {
    (void)state;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    for (int states8 = 0; states8 < 2; states8++) {
        run one = train(&m, &half_frozen, 1, states8, 1, 4), start = train(&m, &half_frozen, 1, states8, 1, 0);
        for (int world = 2; world <= 4; world++) {
            run a = train(&m, &half_frozen, world, states8, 1, 4);
            assert_memory_equal(a.values[0], one.values[0], (size_t)a.n * sizeof(float));
            free(a.values[0]);
        }
        /* Frozen tensors have not moved by a bit, all others have. */
        pf f = pf_load(&m, &half_frozen);
        for (int i = 0; i < f.params->n_tensor; i++) {
            const iad_param *t = &f.params->tensors[i];
            int same = memcmp(one.values[0] + t->offset, start.values[0] + t->offset, (size_t)t->n * sizeof(float)) == 0;
            assert_int_equal(!t->trainable, same);
        }
        pf_free(&f);
        free(one.values[0]), free(start.values[0]);
    }
    pf_close(&m);
}

/* ---- skipping ---- */

typedef struct skip_case {
    const pf_model *model;
    int who; /* rank whose gradient is broken */
    float bad;
} skip_case;

static void skip_rank(iad_comm *comm, void *user) {
    const skip_case *c = user;
    iad_err err = IAD_ERR_NONE;
    iad_optimizer *o = NULL;
    pf f = pf_load(c->model, NULL);
    size_t bytes = (size_t)f.params->n * sizeof(uint16_t);
    uint16_t *high = iad_alloc(bytes, 1), *low = iad_alloc(bytes, 1);
    assert_ok(iad_optimizer_new(f.params, comm, NULL, &o, &err));
    for (int s = 0; s < 7; s++) {
        int broken = s != 2 && s != 3; /* 2 in a row, 2 whole steps, 3 in a row */
        memcpy(high, f.params->high, bytes), memcpy(low, f.params->low, bytes);
        pf_gradients(f.params, s, comm->rank, comm->world, 0);
        if (broken && comm->rank == c->who) f.params->grad[iad_params_find(f.params, "model.norm.weight")->offset + 5] = c->bad;
        iad_step_result r = step(o, &f, 1e-3, 1);
        assert_int_equal(broken, r.skipped);
        assert_int_equal(s == 6, r.diverged);
        assert_int_equal(!broken, isfinite(r.grad_norm) != 0);
        assert_int_equal(broken, memcmp(high, f.params->high, bytes) == 0 && memcmp(low, f.params->low, bytes) == 0);
    }
    iad_optimizer_clock clock = iad_optimizer_clock_get(o);
    assert_int_equal(2, clock.t);
    assert_int_equal(3, clock.skipped_in_row);
    assert_int_equal(5, clock.skipped_total);
    free(high), free(low);
    iad_optimizer_free(o);
    pf_free(&f);
}

static void skipping(void **state) {
    (void)state;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    skip_case cases[] = {{&m, 0, NAN}, {&m, 1, INFINITY}, {&m, 2, -INFINITY}};
    rt_run(1, skip_rank, &cases[0]);
    for (int i = 0; i < 3; i++) rt_run(3, skip_rank, &cases[i]);
    pf_close(&m);
}

/* ---- clipping, options ---- */

static void clipping(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    iad_comm *comm = alone();
    float *got[3];
    size_t bytes = 0;
    /* clip 1 on a gradient; no clip on the same gradient made as long as 1 by the divisor; no clip on the gradient itself. With one step
     * AdamW forgets the length, so look at two steps of which the second is small. */
    for (int k = 0; k < 3; k++) {
        pf f = pf_load(&m, NULL);
        iad_optimizer *o = NULL;
        iad_optimizer_options options = iad_optimizer_defaults();
        options.clip = k == 0;
        assert_ok(iad_optimizer_new(f.params, comm, &options, &o, &err));
        pf_gradients(f.params, 0, 0, 1, 0);
        double norm = 0;
        for (int64_t i = 0; i < f.params->n; i++) norm += (double)f.params->grad[i] * (double)f.params->grad[i];
        norm = sqrt(norm);
        assert_close(step(o, &f, 1e-3, k == 1 ? norm + 1e-6 : 1).grad_norm, k == 1 ? 1 : norm, 1e-5 * norm);
        pf_gradients(f.params, 1, 0, 1, 0);
        step(o, &f, 1e-3, norm * 100);
        bytes = (size_t)f.params->n * sizeof(float);
        got[k] = iad_calloc(bytes, 1);
        for (int i = 0; i < f.params->n_tensor; i++)
            assert_ok(iad_params_get(f.params, f.queue, &f.params->tensors[i], got[k] + f.params->tensors[i].offset, &err));
        iad_optimizer_free(o);
        pf_free(&f);
    }
    double same = 0, other = 0;
    for (size_t i = 0; i < bytes / sizeof(float); i++) {
        same = fmax(same, fabs((double)got[0][i] - (double)got[1][i]));
        other = fmax(other, fabs((double)got[0][i] - (double)got[2][i]));
    }
    assert_true(same < 1e-7);
    assert_true(other > 1e-5);
    for (int k = 0; k < 3; k++) free(got[k]);
    iad_comm_free(comm);
    pf_close(&m);
}

static void options(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    pf f = pf_load(&m, NULL);
    iad_comm *comm = alone();
    iad_optimizer *o = NULL;
    iad_optimizer_options good = iad_optimizer_defaults(), bad[7];
    for (int i = 0; i < 7; i++) bad[i] = good;
    bad[0].beta1 = 1, bad[1].beta2 = -0.1, bad[2].eps = 0, bad[3].clip = -1, bad[4].max_skipped = 0;
    bad[5].clip = (double)INFINITY, bad[6].beta2 = (double)NAN;
    for (int i = 0; i < 7; i++) {
        assert_fails(IAD_ERR_ARG, iad_optimizer_new(f.params, comm, &bad[i], &o, &err));
        assert_null(o);
    }
    assert_ok(iad_optimizer_new(f.params, comm, &good, &o, &err));
    iad_step_result result;
    assert_fails(IAD_ERR_ARG, iad_optimizer_step(o, f.queue, 1e-3, 0, &result, &err));
    assert_fails(IAD_ERR_ARG, iad_optimizer_step(o, f.queue, (double)NAN, 1, &result, &err));
    assert_fails(IAD_ERR_ARG, iad_optimizer_step(o, f.queue, -1, 1, &result, &err));
    assert_int_equal(0, iad_optimizer_clock_get(o).t);
    /* A step, a reset: as new. */
    const iad_optimizer_span *spans;
    pf_gradients(f.params, 0, 0, 1, 0);
    step(o, &f, 1e-3, 1);
    int n = iad_optimizer_spans(o, &spans);
    assert_int_equal(f.params->n_tensor, n);
    assert_true(spans[0].m[0] != 0 && spans[0].v[0] > 0);
    assert_ok(iad_optimizer_reset(o, f.queue, &err));
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < spans[i].end - spans[i].begin; k++) assert_true(spans[i].m[k] == 0 && spans[i].v[k] == 0);
    assert_int_equal(0, iad_optimizer_clock_get(o).t);
    iad_optimizer_free(o);
    iad_comm_free(comm);
    pf_free(&f);
    pf_close(&m);
}

/* ---- 8-bit states ---- */

/* Half the mean of c (w - target)^2 after so many steps, c over three orders of magnitude, gradients with noise. */
static double quadratic(const pf_model *m, int states8, int steps) {
    iad_err err = IAD_ERR_NONE;
    const char *freeze = "*", *train_name = "model.layers.1.mlp.down_proj.weight";
    pf f = pf_load(m, &(iad_param_rules){.freeze = &freeze, .n_freeze = 1, .unfreeze = &train_name, .n_unfreeze = 1});
    iad_comm *comm = alone();
    iad_optimizer *o = NULL;
    iad_optimizer_options options8 = iad_optimizer_defaults();
    options8.states8 = states8;
    assert_ok(iad_optimizer_new(f.params, comm, &options8, &o, &err));
    const iad_param *t = iad_params_find(f.params, train_name);
    float *w = iad_alloc((size_t)t->n, sizeof *w);
    double loss = 0;
    for (int s = 0; s <= steps; s++) {
        assert_ok(iad_params_get(f.params, f.queue, t, w, &err));
        loss = 0;
        for (int64_t i = 0; i < t->n; i++) {
            float c = expf(6.9f * (float)(i % 97) / 96) * 1e-3f, target = pf_hash((uint32_t)i, 1, 1), d = w[i] - target;
            f.params->grad[t->offset + i] = c * (d + 0.1f * pf_hash((uint32_t)i, 2, (uint32_t)s));
            loss += 0.5 * (double)c * (double)d * (double)d / (double)t->n;
        }
        if (s < steps) step(o, &f, iad_rate_at(s, steps, 0.02, 0, 0.05), 1);
    }
    free(w);
    iad_optimizer_free(o);
    iad_comm_free(comm);
    pf_free(&f);
    return loss;
}

static void states_of_8_bits(void **state) {
    (void)state;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    double before = quadratic(&m, 0, 0), f32 = quadratic(&m, 0, 400), bits8 = quadratic(&m, 1, 400);
    print_message("quadratic: %.3g at the start, %.3g with f32 states, %.3g with 8-bit states\n", before, f32, bits8);
    assert_true(f32 < 1e-2 * before);
    assert_true(bits8 < 1.5 * f32 + 1e-4 * before);
    pf_close(&m);
}

/* ---- rates ---- */

static void rates(void **state) {
    (void)state;
    /* transformers.get_cosine_schedule_with_warmup(30, 1000) at 1e-5 */
    static const struct {
        int t;
        double rate;
    } want[] = {{0, 0}, {1, 3.3333333333333335e-07}, {15, 5e-06}, {29, 9.666666666666667e-06}, {30, 1e-05},
                {31, 9.99997377618298e-06}, {200, 9.261084118279846e-06}, {515, 5e-06}, {999, 2.622381702066523e-11}, {1000, 0}, {5000, 0}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) assert_close(iad_rate_at(want[i].t, 1000, 1e-5, 0, 0.03), want[i].rate, 1e-17);
    assert_close(iad_rate_at(0, 10, 2, 0.5, 0), 2, 0);
    assert_close(iad_rate_at(5, 10, 2, 0.5, 0), 1.25, 1e-12);
    assert_close(iad_rate_at(10, 10, 2, 0.5, 0), 0.5, 0);
    assert_close(iad_rate_at(7, 100, 1, 0, 0.07), 1, 0); /* seven whole steps of warm-up */
    assert_close(iad_rate_at(5, 10, 1, 0, 1), 0.5, 0);
    assert_close(iad_rate_at(0, 1, 3, 0, 0), 3, 0);
    assert_close(iad_rate_at(0, 0, 3, 1, 0), 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),   cmocka_unit_test(worlds),  cmocka_unit_test(worlds_bit_equal), cmocka_unit_test(skipping),
        cmocka_unit_test(clipping), cmocka_unit_test(options), cmocka_unit_test(rates),            cmocka_unit_test(states_of_8_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
