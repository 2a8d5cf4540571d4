/* Requests of every shape, one after another, in one session: none may crash, leak, or fail for another reason than its own
 * arguments. IAD_SOAK=10000 runs that many (the default keeps the suite short). */
#include "tests/unit/engine/engine_fixture.h"

#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"

enum { MAX_PICTURES = 6 };

typedef struct soak {
    iad_rng rng;
    iadgpt_session *session;
    iadgpt_picture pictures[MAX_PICTURES];
    size_t answered, refused;
} soak;

/* Mostly small, sometimes a sliver, sometimes one pixel. */
static iadgpt_picture draw(iad_rng *rng) {
    int width = iad_rng_int(rng, 1, 220), height = iad_rng_int(rng, 1, 220), channels = iad_rng_chance(rng, 0.3) ? 1 : 3;
    if (iad_rng_chance(rng, 0.1)) width = iad_rng_int(rng, 1, 3);
    if (iad_rng_chance(rng, 0.1)) height = iad_rng_int(rng, 1, 3);
    size_t n = (size_t)width * (size_t)height * (size_t)channels;
    uint8_t *pixels = iad_alloc(n, 1);
    assert_non_null(pixels);
    for (size_t i = 0; i < n; i++) pixels[i] = (uint8_t)iad_rng_u32(rng);
    return (iadgpt_picture){width, height, channels, pixels};
}

static iadgpt_settings draw_settings(iad_rng *rng) {
    static const double retentions[] = {0, 0.01, 0.2, 0.7, 1};
    iadgpt_settings s;
    iadgpt_settings_defaults(&s);
    if (iad_rng_chance(rng, 0.6)) {
        s.image_height = s.image_width = 0;
        s.min_pixels = iad_rng_chance(rng, 0.5) ? 784 : 3136;
        s.max_pixels = 784 * iad_rng_int(rng, 4, 60);
    } else if (iad_rng_chance(rng, 0.5)) {
        s.image_height = 28 * iad_rng_int(rng, 1, 9);
        s.image_width = 28 * iad_rng_int(rng, 1, 9);
    }
    s.retention = retentions[iad_rng_below(rng, 5)];
    s.similarity = iad_rng_chance(rng, 0.2) ? "aligned" : NULL;
    s.compress_query = iad_rng_chance(rng, 0.2);
    s.calibrate_map = !s.compress_query && iad_rng_chance(rng, 0.1);
    if (iad_rng_chance(rng, 0.2)) s.question = "Is there a scratch, a defect, or is everything normal?";
    return s;
}

/* Only what the request itself makes impossible may be refused: sides of more than 200 to 1, grids that differ where one is needed. */
static int answered(soak *k, iadgpt_status status, const iadgpt_error *error) {
    if (status == IADGPT_OK) {
        k->answered++;
        return 1;
    }
    if (status != IADGPT_ERR_ARG && status != IADGPT_ERR_LIMIT) fail_msg("unexpected failure %d: %s", (int)status, error->message);
    assert_true(error->message[0] != '\0');
    k->refused++;
    return 0;
}

static void one_inspection(soak *k) {
    iadgpt_error error;
    iadgpt_settings settings = draw_settings(&k->rng);
    int n_good = iad_rng_int(&k->rng, 0, 3), n_query = iad_rng_int(&k->rng, 1, 3);
    iadgpt_exemplars *set = NULL;
    iadgpt_result results[3];
    if (!answered(k, iadgpt_exemplars_prepare(k->session, k->pictures, n_good, &settings, &set, &error), &error)) return;
    if (answered(k, iadgpt_inspect(k->session, set, k->pictures + 3, n_query, results, &error), &error))
        for (int i = 0; i < n_query; i++) {
            assert_true(results[i].score >= 0 && results[i].score <= 1);
            for (int j = 0; results[i].anomaly != NULL && j < results[i].grid_height * results[i].grid_width; j++)
                assert_true(isfinite(results[i].anomaly[j]));
        }
    iadgpt_exemplars_free(set);
}

static void one_chat(soak *k) {
    iadgpt_error error;
    iadgpt_item items[4] = {{.text = "Look: "}};
    int n = 1;
    for (int i = iad_rng_int(&k->rng, 0, 2); i > 0; i--) items[n++] = (iadgpt_item){.picture = &k->pictures[iad_rng_below(&k->rng, MAX_PICTURES)]};
    items[n++] = (iadgpt_item){.text = "and \xff<|im_end|> tell."};
    const iadgpt_message message = {IADGPT_ROLE_USER, items, n};
    iadgpt_settings settings = draw_settings(&k->rng);
    iadgpt_generate_options options;
    iadgpt_generate_defaults(&options);
    options.max_tokens = iad_rng_int(&k->rng, 1, 6);
    options.temperature = iad_rng_chance(&k->rng, 0.5) ? 1 : 0;
    options.seed = iad_rng_u64(&k->rng);
    iadgpt_answer answer;
    settings.calibrate_map = 0;
    if (answered(k, iadgpt_session_sync(k->session, &message, 1, &settings, &error), &error))
        (void)answered(k, iadgpt_generate(k->session, &options, &answer, &error), &error);
}

static void test_soak(void **state) {
    (void)state;
    char dir[] = "/tmp/iad-test-soak-XXXXXX";
    assert_non_null(mkdtemp(dir));
    fixture_model(dir);
    iadgpt_error error;
    iadgpt_engine *engine = fixture_open(dir, "cpu", "bf16");
    soak k = {0};
    int64_t rounds = 150;
    iad_err err;
    const char *wish = getenv("IAD_SOAK");
    if (wish != NULL) assert_ok(iad_parse_i64(wish, 1, 100000000, "IAD_SOAK", &rounds, &err));
    iad_rng_init(&k.rng, 20, 1);
    assert_api(iadgpt_session_new(engine, &k.session, &error));
    for (int64_t i = 0; i < rounds; i++) {
        for (int j = 0; j < MAX_PICTURES; j++) k.pictures[j] = draw(&k.rng);
        if (iad_rng_chance(&k.rng, 0.7)) one_inspection(&k);
        else one_chat(&k);
        for (int j = 0; j < MAX_PICTURES; j++) iadgpt_picture_free(&k.pictures[j]);
    }
    print_message("%zu calls answered, %zu refused\n", k.answered, k.refused);
    assert_true(k.answered > k.refused);
    iadgpt_memory memory;
    iadgpt_engine_memory(engine, &memory);
    assert_true(memory.peak < (size_t)3 << 30);
    iadgpt_session_free(k.session);
    iadgpt_engine_close(engine);
    iad_strings files = {0};
    assert_ok(iad_dir_walk(dir, 100, &files, &err));
    for (size_t i = 0; i < files.n; i++) {
        char path[512];
        assert_ok(iad_path_join(path, sizeof path, dir, files.items[i], &err));
        unlink(path);
    }
    iad_strings_deinit(&files);
    rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_soak)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
