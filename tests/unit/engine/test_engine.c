/* The engine as its users see it: what is equal must be equal, what differs must differ, what is wrong is refused. */
#include "tests/unit/engine/engine_fixture.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "base/file.h"

enum { N_PICTURE = 7 };

typedef struct fixture {
    char dir[64];
    iadgpt_engine *engine;
    iadgpt_session *session;
    iadgpt_picture pictures[N_PICTURE]; /* 0..3 exemplars */
} fixture;

static int setup(void **state) {
    fixture *f = iad_calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/iad-test-engine-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    fixture_model(f->dir);
    f->engine = fixture_open(f->dir, "cpu", "f32");
    iadgpt_error error;
    assert_api(iadgpt_session_new(f->engine, &f->session, &error));
    for (int i = 0; i < N_PICTURE; i++) f->pictures[i] = fixture_picture(100 + 9 * i, 90 + 5 * i, i);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    iadgpt_session_free(f->session);
    iadgpt_engine_close(f->engine);
    for (int i = 0; i < N_PICTURE; i++) iadgpt_picture_free(&f->pictures[i]);
    iad_strings files = {0};
    iad_err err;
    assert_ok(iad_dir_walk(f->dir, 1000, &files, &err));
    for (size_t i = 0; i < files.n; i++) {
        char path[512];
        assert_ok(iad_path_join(path, sizeof path, f->dir, files.items[i], &err));
        unlink(path);
    }
    iad_strings_deinit(&files);
    rmdir(f->dir);
    free(f);
    return 0;
}

static iadgpt_exemplars *prepare(fixture *f, iadgpt_session *session, int k, double retention) {
    iadgpt_error error;
    iadgpt_settings settings;
    iadgpt_settings_defaults(&settings);
    settings.retention = retention;
    iadgpt_exemplars *set = NULL;
    assert_api(iadgpt_exemplars_prepare(session, f->pictures, k, &settings, &set, &error));
    return set;
}

/* Score and maps, copied out of the session. */
typedef struct kept {
    iadgpt_result r;
    float anomaly[12], normal[12];
} kept;

static kept inspect(iadgpt_session *session, const iadgpt_exemplars *set, const iadgpt_picture *picture) {
    iadgpt_error error;
    kept k = {0};
    assert_api(iadgpt_inspect(session, set, picture, 1, &k.r, &error));
    if (k.r.grid_height > 0) {
        assert_int_equal(12, k.r.grid_height * k.r.grid_width);
        memcpy(k.anomaly, k.r.anomaly, sizeof k.anomaly);
        memcpy(k.normal, k.r.normal, sizeof k.normal);
    }
    return k;
}

static void assert_same(const kept *a, const kept *b, double tolerance) {
    assert_close(a->r.logit_yes, b->r.logit_yes, tolerance);
    assert_close(a->r.logit_no, b->r.logit_no, tolerance);
    for (int i = 0; i < 12; i++) {
        assert_close(a->anomaly[i], b->anomaly[i], tolerance);
        assert_close(a->normal[i], b->normal[i], tolerance);
    }
}

static void test_result(void **state) {
    fixture *f = *state;
    for (int k = 0; k <= 4; k += 2) {
        iadgpt_exemplars *set = prepare(f, f->session, k, 0.2);
        iadgpt_exemplars_info info;
        iadgpt_exemplars_describe(set, &info);
        assert_int_equal(12 * k, info.image_tokens);
        assert_int_equal(k == 0 ? 0 : 12 + 2 * (k - 1), info.image_tokens_kept); /* floor(0.2 * 12 + 0.5) = 2 */
        kept r = inspect(f->session, set, &f->pictures[5]);
        assert_true(r.r.score > 0 && r.r.score < 1);
        assert_close(r.r.score, 1 / (1 + exp((double)r.r.logit_yes - (double)r.r.logit_no)), 1e-12);
        assert_int_equal(3, r.r.grid_height);
        assert_int_equal(4, r.r.grid_width);
        assert_int_equal(info.tokens, r.r.timings.reused_tokens);
        double sum = 0;
        for (int i = 0; i < 12; i++) {
            assert_true(r.anomaly[i] > 0 && r.normal[i] > 0);
            sum += r.anomaly[i];
        }
        assert_true(sum < 1); /* a share of probabilities */
        float *map = iad_alloc((size_t)r.r.source_height * (size_t)r.r.source_width, sizeof *map);
        iadgpt_error error;
        kept again = {0};
        assert_api(iadgpt_inspect(f->session, set, &f->pictures[5], 1, &again.r, &error));
        assert_api(iadgpt_result_map(&again.r, IADGPT_MAP_ANOMALY, map, &error));
        assert_close(map[0], r.anomaly[0], 1e-6);
        free(map);
        iadgpt_exemplars_free(set);
    }
}

/* The cached prefix changes nothing: the same prompt as one chat in a fresh session gives the same logits. */
static void test_cache_equals_none(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_exemplars *set = prepare(f, f->session, 2, 1);
    kept cached = inspect(f->session, set, &f->pictures[4]);
    iadgpt_answer a, b;
    iadgpt_generate_options options;
    iadgpt_generate_defaults(&options);
    options.max_tokens = 8;
    assert_api(iadgpt_generate(f->session, &options, &a, &error));
    assert_true(a.n_tokens > 0);
    int32_t tokens[8];
    int32_t n = a.n_tokens;
    memcpy(tokens, a.tokens, (size_t)n * sizeof *tokens);

    iadgpt_session *fresh = NULL;
    iadgpt_engine *engine = fixture_open(f->dir, "cpu", "f32"); /* nothing on its shelf */
    assert_api(iadgpt_session_new(engine, &fresh, &error));
    const iadgpt_item items[] = {{.picture = &f->pictures[0]}, {.picture = &f->pictures[1]}, {.picture = &f->pictures[4]},
                                 {.text = IAD_CANONICAL_QUESTION}};
    const iadgpt_message message = {.role = IADGPT_ROLE_USER, .items = items, .n_items = 4};
    assert_api(iadgpt_session_sync(fresh, &message, 1, NULL, &error));
    assert_api(iadgpt_generate(fresh, &options, &b, &error));
    assert_int_equal(n, b.n_tokens);
    assert_memory_equal(tokens, b.tokens, (size_t)n * sizeof *tokens);
    assert_int_equal(b.timings.prompt_tokens, cached.r.timings.prompt_tokens);
    iadgpt_session_free(fresh);
    iadgpt_engine_close(engine);
    iadgpt_exemplars_free(set);
}

static void test_batch_equals_single(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_exemplars *set = prepare(f, f->session, 3, 0.2);
    iadgpt_result results[3];
    kept batch[3], single;
    assert_api(iadgpt_inspect(f->session, set, &f->pictures[4], 3, results, &error));
    for (int i = 0; i < 3; i++) {
        batch[i].r = results[i];
        memcpy(batch[i].anomaly, results[i].anomaly, sizeof batch[i].anomaly);
        memcpy(batch[i].normal, results[i].normal, sizeof batch[i].normal);
    }
    for (int i = 0; i < 3; i++) {
        single = inspect(f->session, set, &f->pictures[4 + i]);
        assert_same(&single, &batch[i], 1e-5);
    }
    /* One text, two pictures: two answers. */
    assert_true(fabs(results[0].score - results[1].score) > 1e-9);
    iadgpt_exemplars_free(set);
}

/* Many pictures of unlike sizes: small ones share passes of the tower, and no bit shows it. */
static void test_shared_passes(void **state) {
    fixture *f = *state;
    enum { N = 64 };
    iadgpt_error error;
    iadgpt_settings settings;
    iadgpt_settings_defaults(&settings);
    settings.image_height = settings.image_width = 0;
    settings.min_pixels = 28 * 28;
    iadgpt_exemplars *set = NULL;
    assert_api(iadgpt_exemplars_prepare(f->session, f->pictures, 2, &settings, &set, &error));
    iadgpt_picture *pictures = iad_calloc(N, sizeof *pictures);
    iadgpt_result *results = iad_calloc(N, sizeof *results), single;
    float *logits = iad_calloc(2 * N, sizeof *logits), *first = iad_calloc(N, sizeof *first);
    assert_true(pictures && results && logits && first);
    for (int i = 0; i < N; i++) pictures[i] = fixture_picture(30 + 53 * (i % 7), 40 + 31 * (i % 5), i);
    assert_api(iadgpt_inspect(f->session, set, pictures, N, results, &error));
    int sizes = 0;
    for (int i = 0; i < N; i++) {
        logits[2 * i] = results[i].logit_yes;
        logits[2 * i + 1] = results[i].logit_no;
        first[i] = results[i].anomaly[0];
        sizes += i > 0 && results[i].grid_width != results[i - 1].grid_width;
    }
    assert_true(sizes > 3);
    for (int i = 0; i < N; i++) {
        assert_api(iadgpt_inspect(f->session, set, &pictures[i], 1, &single, &error));
        assert_memory_equal(&single.logit_yes, &logits[2 * i], sizeof(float));
        assert_memory_equal(&single.logit_no, &logits[2 * i + 1], sizeof(float));
        assert_memory_equal(single.anomaly, &first[i], sizeof(float));
    }
    /* One that cannot be read is named, and the session goes on. */
    const uint8_t *pixels = pictures[17].pixels;
    pictures[17].pixels = NULL;
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_inspect(f->session, set, pictures, N, results, &error));
    assert_non_null(strstr(error.message, "picture 18"));
    pictures[17].pixels = pixels;
    assert_api(iadgpt_inspect(f->session, set, &pictures[17], 1, &single, &error));
    assert_memory_equal(&single.logit_yes, &logits[34], sizeof(float));
    for (int i = 0; i < N; i++) iadgpt_picture_free(&pictures[i]);
    free(pictures);
    free(results);
    free(logits);
    free(first);
    iadgpt_exemplars_free(set);
}

static void test_file_equals_fresh(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_settings settings;
    iadgpt_settings_defaults(&settings);
    for (int compress = 0; compress < 2; compress++) {
        settings.compress_query = compress;
        iadgpt_exemplars *set = NULL, *loaded = NULL;
        assert_api(iadgpt_exemplars_prepare(f->session, f->pictures, 4, &settings, &set, &error));
        kept before = inspect(f->session, set, &f->pictures[6]);
        if (compress) assert_int_equal(0, before.r.grid_height);
        char path[128];
        snprintf(path, sizeof path, "%s/set.ikv", f->dir);
        assert_api(iadgpt_exemplars_save(set, path, &error));
        iadgpt_engine *engine = fixture_open(f->dir, "cpu", "f32");
        iadgpt_session *session = NULL;
        assert_api(iadgpt_session_new(engine, &session, &error));
        assert_api(iadgpt_exemplars_load(engine, path, &loaded, &error));
        assert_string_equal(iadgpt_exemplars_key(set), iadgpt_exemplars_key(loaded));
        kept after = inspect(session, loaded, &f->pictures[6]);
        assert_same(&before, &after, 0);
        /* Another number format refuses the file. */
        iadgpt_engine *other = fixture_open(f->dir, "cpu", "bf16");
        iadgpt_exemplars *refused = NULL;
        assert_int_equal(IADGPT_ERR_ARG, iadgpt_exemplars_load(other, path, &refused, &error));
        iadgpt_engine_close(other);
        /* Any flipped byte is found. */
        uint8_t *bytes = NULL;
        size_t n = 0;
        iad_err err;
        assert_ok(iad_file_read(path, 1 << 26, &bytes, &n, &err));
        for (size_t at = 0; at < n; at += n / 37 + 1) {
            bytes[at] ^= 1;
            assert_ok(iad_file_write(path, bytes, n, &err));
            assert_int_equal(IADGPT_ERR_FORMAT, iadgpt_exemplars_load(engine, path, &refused, &error));
            bytes[at] ^= 1;
        }
        free(bytes);
        iadgpt_exemplars_free(set);
        iadgpt_exemplars_free(loaded);
        iadgpt_session_free(session);
        iadgpt_engine_close(engine);
    }
}

static void test_keys(void **state) {
    fixture *f = *state;
    iadgpt_exemplars *a = prepare(f, f->session, 2, 0.2), *same = prepare(f, f->session, 2, 0.2), *more = prepare(f, f->session, 3, 0.2),
                     *other = prepare(f, f->session, 2, 0.5);
    assert_ptr_equal(a, same); /* from the shelf */
    assert_string_not_equal(iadgpt_exemplars_key(a), iadgpt_exemplars_key(more));
    assert_string_not_equal(iadgpt_exemplars_key(a), iadgpt_exemplars_key(other));
    /* The same bytes as another shape are another picture. */
    iadgpt_error error;
    iadgpt_picture turned = f->pictures[0];
    turned.width = f->pictures[0].height;
    turned.height = f->pictures[0].width;
    iadgpt_exemplars *t = NULL, *u = NULL;
    assert_api(iadgpt_exemplars_prepare(f->session, &turned, 1, NULL, &t, &error));
    assert_api(iadgpt_exemplars_prepare(f->session, &f->pictures[0], 1, NULL, &u, &error));
    assert_string_not_equal(iadgpt_exemplars_key(t), iadgpt_exemplars_key(u));
    iadgpt_exemplars *all[] = {a, same, more, other, t, u};
    for (size_t i = 0; i < 6; i++) iadgpt_exemplars_free(all[i]);
}

/* A growing chat reuses what is there and answers as a fresh session does. */
static void test_sync_reuses(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    const iadgpt_item first[] = {{.text = "Look at this: "}, {.picture = &f->pictures[0]}, {.text = "What is it?"}};
    const iadgpt_item reply[] = {{.text = "A part."}}, second[] = {{.picture = &f->pictures[1]}, {.text = "And this?"}},
        changed[] = {{.picture = &f->pictures[2]}, {.text = "And this?"}};
    const iadgpt_message chat[] = {{IADGPT_ROLE_USER, first, 3}, {IADGPT_ROLE_ASSISTANT, reply, 1}, {IADGPT_ROLE_USER, second, 2}};
    const iadgpt_message other[] = {chat[0], chat[1], {IADGPT_ROLE_USER, changed, 2}};
    iadgpt_generate_options options;
    iadgpt_generate_defaults(&options);
    options.max_tokens = 6;
    iadgpt_answer a;
    assert_api(iadgpt_session_sync(f->session, chat, 1, NULL, &error));
    assert_api(iadgpt_generate(f->session, &options, &a, &error));
    int64_t prompt = a.timings.prompt_tokens;
    assert_api(iadgpt_session_sync(f->session, chat, 3, NULL, &error));
    assert_api(iadgpt_session_sync(f->session, other, 3, NULL, &error));
    assert_api(iadgpt_generate(f->session, &options, &a, &error));
    char *text = iad_strdup(a.text);
    iadgpt_session *fresh = NULL;
    iadgpt_answer b;
    assert_api(iadgpt_session_new(f->engine, &fresh, &error));
    assert_api(iadgpt_session_sync(fresh, other, 3, NULL, &error));
    assert_api(iadgpt_generate(fresh, &options, &b, &error));
    assert_string_equal(text, b.text);
    assert_true(b.timings.prompt_tokens > prompt);
    free(text);
    iadgpt_session_free(fresh);
}

static int32_t collect(void *user, const char *text, size_t n) {
    iad_buf *buf = user;
    iad_err err;
    return iad_buf_add(buf, text, n, &err) != IAD_OK;
}

static int32_t stop_at_once(void *user, const char *text, size_t n) {
    (void)user, (void)text, (void)n;
    return 1;
}

static void test_generate(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_answer a;
    const iadgpt_item items[] = {{.picture = &f->pictures[0]}, {.text = "Describe."}};
    const iadgpt_message message = {.role = IADGPT_ROLE_USER, .items = items, .n_items = 2};
    iadgpt_session *fresh = NULL;
    assert_api(iadgpt_session_new(f->engine, &fresh, &error));
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_generate(fresh, NULL, &a, &error));
    assert_api(iadgpt_session_sync(fresh, &message, 1, NULL, &error));
    iadgpt_generate_options options;
    iadgpt_generate_defaults(&options);
    options.max_tokens = 12;
    iad_buf streamed;
    iad_buf_init(&streamed, 1 << 16);
    options.piece = collect;
    options.user = &streamed;
    assert_api(iadgpt_generate(fresh, &options, &a, &error));
    assert_string_equal(a.text, iad_buf_str(&streamed));
    char *text = iad_strdup(a.text);
    options.piece = NULL;
    assert_api(iadgpt_generate(fresh, &options, &a, &error)); /* the same prompt again */
    assert_string_equal(text, a.text);
    free(text);
    options.piece = stop_at_once;
    assert_api(iadgpt_generate(fresh, &options, &a, &error));
    assert_int_equal(IADGPT_FINISH_STOPPED, a.finish);
    options.piece = NULL;
    static const char *const choices[] = {"scratch", "dent", "nothing at all"};
    options.choices = choices;
    options.n_choices = 3;
    options.max_tokens = 64;
    assert_api(iadgpt_generate(fresh, &options, &a, &error));
    assert_int_equal(IADGPT_FINISH_END, a.finish);
    assert_true(strcmp(a.text, choices[0]) == 0 || strcmp(a.text, choices[1]) == 0 || strcmp(a.text, choices[2]) == 0);
    options.n_choices = 0;
    options.json_schema = "{\"type\":\"object\",\"properties\":{\"defect\":{\"type\":\"boolean\"},\"where\":{\"type\":\"string\",\"maxLength\":20}},"
                          "\"required\":[\"defect\",\"where\"]}";
    for (uint64_t seed = 0; seed < 5; seed++) {
        options.temperature = seed > 0 ? 1.5 : 0;
        options.seed = seed;
        assert_api(iadgpt_generate(fresh, &options, &a, &error));
        assert_true(strncmp(a.text, "{\"defect\":", 10) == 0 && a.text[a.n - 1] == '}');
    }
    options.json_schema = "{\"type\":";
    assert_int_equal(IADGPT_ERR_FORMAT, iadgpt_generate(fresh, &options, &a, &error));
    iadgpt_session_free(fresh);
    iad_buf_deinit(&streamed);
}

static void test_refused(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_exemplars *set = NULL;
    iadgpt_result result;
    iadgpt_settings s;
    iadgpt_settings_defaults(&s);
    s.image_height = 100;
    s.image_width = 112;
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_exemplars_prepare(f->session, f->pictures, 1, &s, &set, &error));
    iadgpt_settings_defaults(&s);
    s.retention = 1.5;
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_exemplars_prepare(f->session, f->pictures, 1, &s, &set, &error));
    iadgpt_settings_defaults(&s);
    s.yes_means = "defective";
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_exemplars_prepare(f->session, f->pictures, 1, &s, &set, &error));
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_exemplars_prepare(f->session, f->pictures, 17, NULL, &set, &error));
    const iadgpt_picture broken = {10, 10, 2, f->pictures[0].pixels}, thin = {400, 1, 3, f->pictures[0].pixels};
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_exemplars_prepare(f->session, &broken, 1, NULL, &set, &error));
    assert_non_null(strstr(error.message, "exemplar 1"));
    iadgpt_settings_defaults(&s);
    s.image_height = s.image_width = 0; /* its own size: 400 to 1 is too thin to resize */
    assert_int_equal(IADGPT_ERR_LIMIT, iadgpt_exemplars_prepare(f->session, &thin, 1, &s, &set, &error));
    set = prepare(f, f->session, 1, 0.2);
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_inspect(f->session, set, f->pictures, 65, &result, &error));
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_inspect(f->session, set, &broken, 1, &result, &error));
    assert_int_equal(IADGPT_ERR_ARG, iadgpt_inspect(f->session, NULL, f->pictures, 1, &result, &error));
    /* A question without the words has a score and no map. */
    iadgpt_exemplars *custom = NULL;
    iadgpt_settings_defaults(&s);
    s.question = "Is anything wrong?";
    s.yes_means = "defective";
    assert_api(iadgpt_exemplars_prepare(f->session, f->pictures, 1, &s, &custom, &error));
    assert_api(iadgpt_inspect(f->session, custom, &f->pictures[3], 1, &result, &error));
    assert_close(result.score, 1 / (1 + exp((double)result.logit_no - (double)result.logit_yes)), 1e-12);
    assert_null(result.anomaly);
    iadgpt_exemplars *none = set;
    assert_int_equal(IADGPT_ERR_NOT_FOUND, iadgpt_exemplars_load(f->engine, "/nonexistent/file", &none, &error));
    assert_null(none);
    iadgpt_exemplars_free(custom);
    iadgpt_exemplars_free(set);
    iadgpt_engine *engine = NULL;
    assert_int_not_equal(IADGPT_OK, iadgpt_engine_open("/nonexistent", NULL, &engine, &error));
    assert_null(engine);
}

/* Against its own exemplar a one-shot set shows nothing; the raw maps differ by the mean exactly; the file keeps it. */
static void test_calibrated_map(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_settings settings;
    iadgpt_settings_defaults(&settings);
    settings.calibrate_map = 1;
    iadgpt_exemplars *set = NULL, *raw = prepare(f, f->session, 1, 0.2), *loaded = NULL;
    assert_api(iadgpt_exemplars_prepare(f->session, f->pictures, 1, &settings, &set, &error));
    assert_string_not_equal(iadgpt_exemplars_key(set), iadgpt_exemplars_key(raw));
    kept own = inspect(f->session, set, &f->pictures[0]), own_raw = inspect(f->session, raw, &f->pictures[0]);
    kept other = inspect(f->session, set, &f->pictures[4]), other_raw = inspect(f->session, raw, &f->pictures[4]);
    assert_close(own.r.score, own_raw.r.score, 0);
    for (int i = 0; i < 12; i++) {
        assert_close(own.anomaly[i], 0, 1e-9);
        assert_close(other.anomaly[i], other_raw.anomaly[i] - own_raw.anomaly[i], 1e-9);
    }
    char path[128];
    snprintf(path, sizeof path, "%s/map.ikv", f->dir);
    assert_api(iadgpt_exemplars_save(set, path, &error));
    iadgpt_engine *engine = fixture_open(f->dir, "cpu", "f32");
    iadgpt_session *session = NULL;
    assert_api(iadgpt_session_new(engine, &session, &error));
    assert_api(iadgpt_exemplars_load(engine, path, &loaded, &error));
    kept again = inspect(session, loaded, &f->pictures[4]);
    assert_same(&other, &again, 0);
    iadgpt_exemplars_free(loaded);
    iadgpt_session_free(session);
    iadgpt_engine_close(engine);
    iadgpt_exemplars_free(set);
    iadgpt_exemplars_free(raw);
}

typedef struct worker {
    fixture *f;
    const iadgpt_exemplars *set;
    iadgpt_session *session;
    kept result[4];
} worker;

static void *work(void *user) {
    worker *w = user;
    for (int i = 0; i < 4; i++) {
        iadgpt_error error;
        if (iadgpt_inspect(w->session, w->set, &w->f->pictures[3 + i % 3], 1, &w->result[i].r, &error) != IADGPT_OK) w->result[i].r.score = -1;
    }
    return NULL;
}

static void test_sessions_in_parallel(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_exemplars *set = prepare(f, f->session, 2, 0.2);
    worker workers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        workers[i] = (worker){.f = f, .set = set};
        assert_api(iadgpt_session_new(f->engine, &workers[i].session, &error));
        assert_int_equal(0, pthread_create(&threads[i], NULL, work, &workers[i]));
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        for (int j = 0; j < 4; j++) assert_true(workers[i].result[j].r.score == workers[0].result[j].r.score && workers[i].result[j].r.score > 0);
        iadgpt_session_free(workers[i].session);
    }
    iadgpt_exemplars_free(set);
}

/* Lower precision stays near, and the oracle agrees with the fast kernels. */
static void test_formats_agree(void **state) {
    fixture *f = *state;
    iadgpt_error error;
    iadgpt_exemplars *set = prepare(f, f->session, 2, 1);
    kept exact = inspect(f->session, set, &f->pictures[5]);
    iadgpt_exemplars_free(set);
    static const struct { const char *device, *weights; double tolerance; } cases[] = {{"reference", "f32", 1e-4}, {"cpu", "bf16", 0.15},
                                                                                       {"cpu", "int8", 0.4}};
    for (size_t i = 0; i < 3; i++) {
        iadgpt_engine *engine = fixture_open(f->dir, cases[i].device, cases[i].weights);
        iadgpt_session *session = NULL;
        assert_api(iadgpt_session_new(engine, &session, &error));
        set = prepare(f, session, 2, 1);
        kept other = inspect(session, set, &f->pictures[5]);
        assert_close(exact.r.logit_yes, other.r.logit_yes, cases[i].tolerance);
        assert_close(exact.r.logit_no, other.r.logit_no, cases[i].tolerance);
        iadgpt_exemplars_free(set);
        iadgpt_session_free(session);
        iadgpt_engine_close(engine);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result),          cmocka_unit_test(test_cache_equals_none), cmocka_unit_test(test_batch_equals_single),
        cmocka_unit_test(test_shared_passes),
        cmocka_unit_test(test_file_equals_fresh), cmocka_unit_test(test_keys),            cmocka_unit_test(test_sync_reuses),
        cmocka_unit_test(test_generate),        cmocka_unit_test(test_refused),           cmocka_unit_test(test_sessions_in_parallel),
        cmocka_unit_test(test_formats_agree),   cmocka_unit_test(test_calibrated_map),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
