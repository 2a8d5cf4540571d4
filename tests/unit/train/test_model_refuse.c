#include "tests/unit/train/model_train_fixture.h"

/* Samples that contradict themselves are refused by their task's number, before anything is computed. */

typedef void (*breaker)(iad_sample *s);

static void word_far(iad_sample *s) { s->words[0].position = s->n_id; }
static void word_early(iad_sample *s) { s->words[1].position = 0; }
static void word_class(iad_sample *s) { s->words[2].row_class = 2; }
static void word_none(iad_sample *s) { s->n_word = 0; }
static void token_high(iad_sample *s) { s->ids[0] = 320; }
static void token_low(iad_sample *s) { s->ids[0] = -1; }
static void target_high(iad_sample *s) { s->target[s->n_id - 2] = 320; }
static void target_count(iad_sample *s) { s->n_target++; }
static void target_picture(iad_sample *s) {
    s->target[s->pictures[0].position] = 1;
    s->n_target++;
}
static void picture_far(iad_sample *s) { s->pictures[1].position = s->n_id; }
static void picture_order(iad_sample *s) { s->pictures[1].position = s->pictures[0].position; }
static void picture_text(iad_sample *s) { s->pictures[0].position--; }
static void picture_missing(iad_sample *s) { s->ids[0] = 300; }
static void picture_grid(iad_sample *s) { s->pictures[0].patches.gh++; }
static void picture_wide(iad_sample *s) { s->pictures[0].patches.n_col--; }
static void reference_far(iad_sample *s) { s->pictures[0].reference = 2; }
static void reference_self(iad_sample *s) { s->pictures[0].reference = 0; }
static void query_far(iad_sample *s) { s->query = 2; }
static void query_compressed(iad_sample *s) { s->pictures[1].reference = 0; }
static void mask_empty(iad_sample *s) { s->mask_h = 0; }
static void mask_huge(iad_sample *s) { s->mask_h = 5000; }
static void weight_bad(iad_sample *s) { s->weight = NAN; }
static void nothing(iad_sample *s) { s->n_id = 0; }

static const struct {
    const char *what;
    breaker break_it;
} broken[] = {{"word far", word_far},
              {"word early", word_early},
              {"word class", word_class},
              {"no words", word_none},
              {"token high", token_high},
              {"token low", token_low},
              {"target high", target_high},
              {"target count", target_count},
              {"target picture", target_picture},
              {"picture far", picture_far},
              {"picture order", picture_order},
              {"picture text", picture_text},
              {"picture missing", picture_missing},
              {"picture grid", picture_grid},
              {"picture wide", picture_wide},
              {"reference far", reference_far},
              {"reference self", reference_self},
              {"query far", query_far},
              {"query compressed", query_compressed},
              {"mask empty", mask_empty},
              {"mask huge", mask_huge},
              {"weight", weight_bad},
              {"nothing", nothing}};

static void test_broken(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    iad_device *device = NULL;
    static const tm_picture two[2] = {{2, 2, 2, -1}, {2, 3, 3, -1}};
    const iad_train_model_options options = tm_options();
    fx_tiny(&config);
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    tm_fx t;
    tm_open(&t, device, &config, &options, NULL);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        iad_sample good, bad;
        iad_train_sums sums = tm_no_sums();
        tm_sample(&good, &config, 1, NULL, 0, -1, 2, 2);
        tm_sample(&bad, &config, 4711, two, 2, 1, 4, 2);
        int mask_h = bad.mask_h, gh = bad.pictures[0].patches.gh, n_col = bad.pictures[0].patches.n_col;
        int64_t n_id = bad.n_id;
        const iad_sample *list[2] = {&good, &bad};
        broken[i].break_it(&bad);
        iad_status status = iad_train_model_run(t.model, t.queue, list, 2, 1, 1, &tm_range, &sums, &err);
        if (status != IAD_ERR_ARG || strstr(err.msg, "task 4711: ") == NULL) fail_msg("%s: %s: %s", broken[i].what, iad_status_name(status), err.msg);
        bad.mask_h = mask_h;
        bad.n_id = n_id;
        bad.pictures[0].patches.gh = gh;
        bad.pictures[0].patches.n_col = n_col;
        assert_ok(iad_train_model_run(t.model, t.queue, list, 1, 1, 1, &tm_range, &sums, &err)); /* the model is none the worse for it */
        iad_sample_deinit(&good);
        iad_sample_deinit(&bad);
    }
    tm_close(&t);
}

/* Without a map's supervision its words and mask are not looked at. */
static void test_unsupervised(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    iad_device *device = NULL;
    static const tm_picture two[2] = {{2, 2, 2, -1}, {2, 3, 3, -1}};
    iad_train_model_options options = tm_options();
    iad_train_sums sums = tm_no_sums();
    iad_sample s;
    const iad_sample *list[1] = {&s};
    options.map_weight = 0;
    fx_tiny(&config);
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    tm_fx t;
    tm_open(&t, device, &config, &options, NULL);
    tm_sample(&s, &config, 5, two, 2, 1, 4, 2);
    word_far(&s);
    assert_ok(iad_train_model_run(t.model, t.queue, list, 1, 1, 1, NULL, &sums, &err));
    assert_true(sums.n_map == 0 && sums.n_token == 2);
    iad_sample_deinit(&s);
    tm_close(&t);
}

static void test_counts(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    iad_device *device = NULL;
    iad_train_model_options options = tm_options();
    iad_train_sums sums = tm_no_sums();
    iad_sample s;
    const iad_sample *list[IAD_TEXT_MAX_SEQS + 1];
    fx_tiny(&config);
    tm_sample(&s, &config, 6, NULL, 0, -1, 1, 1);
    for (int i = 0; i <= IAD_TEXT_MAX_SEQS; i++) list[i] = &s;
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    tm_fx t;
    tm_open(&t, device, &config, &options, NULL);
    assert_fails(IAD_ERR_LIMIT, iad_train_model_run(t.model, t.queue, list, IAD_TEXT_MAX_SEQS + 1, 1, 1, NULL, &sums, &err));
    assert_fails(IAD_ERR_LIMIT, iad_train_model_run(t.model, t.queue, list, 0, 1, 1, NULL, &sums, &err));
    assert_ok(iad_train_model_run(t.model, t.queue, list, IAD_TEXT_MAX_SEQS, 1, 1, NULL, &sums, &err));
    assert_true(sums.n_token == IAD_TEXT_MAX_SEQS);
    iad_sample_deinit(&s);
    tm_close(&t);
    options.compute = IAD_I8;
    iad_train_model *model = NULL;
    iad_params params = {.config = config};
    assert_fails(IAD_ERR_ARG, iad_train_model_new(&params, &options, &model, &err));
    assert_null(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_broken), cmocka_unit_test(test_unsupervised), cmocka_unit_test(test_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
