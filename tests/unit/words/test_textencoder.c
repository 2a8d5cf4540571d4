/* Hidden states against transformers' (golden files of tests/tools/make_words_fixture.py), on every instruction set; refusals. */
#include "tests/unit/words/words_fixture.h"

#include "bench/words/textencoder.h"

enum { N_TEXT = 3, N_TOKEN = 28 };
static const int lengths[N_TEXT] = {1, 5, 22};

static void fill_ids(int mpnet, int32_t *ids) {
    for (int t = 0; t < N_TEXT; t++)
        for (int i = 0; i < lengths[t]; i++) *ids++ = mpnet && t == N_TEXT - 1 && i % 4 == 3 ? 1 : (7 * i + lengths[t]) % 38 + 2;
}

static void read_golden(const char *kind, float *golden) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s.txt", IAD_TEST_DATA, kind);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int i = 0; i < N_TOKEN * FIX_DIM; i++) assert_int_equal(fscanf(file, "%f", &golden[i]), 1);
    fclose(file);
}

static iad_status open_encoder(const char *dir, int mpnet, int max_tokens, iad_cpu_isa isa, iad_text_encoder **encoder, iad_err *err) {
    iad_encoder_config config;
    IAD_TRY(iad_encoder_config_parse(fix_config_text(mpnet), strlen(fix_config_text(mpnet)), "config.json", &config, err));
    return iad_text_encoder_open(dir, &config, max_tokens, isa, encoder, err);
}

static void compare(int mpnet, const char *prefix, iad_cpu_isa isa) {
    iad_err err = IAD_ERR_NONE;
    char dir[64];
    int32_t ids[N_TOKEN];
    float golden[N_TOKEN * FIX_DIM];
    iad_text_encoder *encoder;
    iad_text_worker *worker;
    const float *hidden;
    fix_dir(dir);
    fix_weights(dir, mpnet, prefix, NULL);
    iad_status status = open_encoder(dir, mpnet, 22, isa, &encoder, &err);
    if (status == IAD_ERR_UNSUPPORTED) {
        fix_remove(dir);
        return; /* this processor lacks the instructions */
    }
    assert_int_equal(status, IAD_OK);
    assert_ok(iad_text_worker_new(encoder, N_TOKEN, &worker, &err));
    fill_ids(mpnet, ids);
    read_golden(mpnet ? "mpnet" : "bert", golden);
    assert_ok(iad_text_encoder_run(encoder, worker, ids, lengths, N_TEXT, &hidden, &err));
    for (int i = 0; i < N_TOKEN * FIX_DIM; i++) assert_close((double)hidden[i], (double)golden[i], 2e-5);
    /* Alone, the last text has the same bits. */
    float together[22 * FIX_DIM];
    memcpy(together, hidden + 6 * FIX_DIM, sizeof together);
    assert_ok(iad_text_encoder_run(encoder, worker, ids + 6, lengths + 2, 1, &hidden, &err));
    assert_memory_equal(hidden, together, sizeof together);
    iad_text_worker_free(worker);
    iad_text_encoder_free(encoder);
    fix_remove(dir);
}

static void test_against_transformers(void **state) {
    (void)state;
    static const iad_cpu_isa isas[] = {IAD_CPU_AUTO, IAD_CPU_PLAIN, IAD_CPU_AVX2, IAD_CPU_AVX512};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        compare(0, "", isas[i]);
        compare(1, "", isas[i]);
    }
    compare(0, "bert.", IAD_CPU_AUTO);
    compare(1, "mpnet.", IAD_CPU_AUTO);
}

static void test_refusals(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char dir[64];
    iad_text_encoder *encoder;
    fix_dir(dir);
    assert_fails(IAD_ERR_NOT_FOUND, open_encoder(dir, 0, 20, IAD_CPU_AUTO, &encoder, &err));
    fix_weights(dir, 0, "", "encoder.layer.1.output.dense.weight");
    assert_fails(IAD_ERR_FORMAT, open_encoder(dir, 0, 20, IAD_CPU_AUTO, &encoder, &err));
    assert_non_null(strstr(err.msg, "encoder.layer.1.output.dense.weight is missing"));
    fix_weights(dir, 1, "", NULL);
    assert_fails(IAD_ERR_FORMAT, open_encoder(dir, 0, 20, IAD_CPU_AUTO, &encoder, &err));
    assert_non_null(strstr(err.msg, "embeddings.position_embeddings.weight is [32, 24], config.json wants [30, 24]"));
    assert_fails(IAD_ERR_ARG, open_encoder(dir, 1, 31, IAD_CPU_AUTO, &encoder, &err)); /* 32 places, two of which no token has */
    iad_text_worker *worker;
    const float *hidden;
    int32_t ids[3] = {2, FIX_VOCAB, 3};
    int length = 3, none = 0;
    assert_ok(open_encoder(dir, 1, 30, IAD_CPU_AUTO, &encoder, &err));
    assert_ok(iad_text_worker_new(encoder, 30, &worker, &err));
    assert_fails(IAD_ERR_ARG, iad_text_encoder_run(encoder, worker, ids, &length, 1, &hidden, &err));
    assert_fails(IAD_ERR_ARG, iad_text_encoder_run(encoder, worker, ids, &none, 1, &hidden, &err));
    length = 31;
    assert_fails(IAD_ERR_ARG, iad_text_encoder_run(encoder, worker, ids, &length, 1, &hidden, &err));
    iad_text_worker_free(worker);
    iad_text_encoder_free(encoder);
    fix_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_transformers), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
