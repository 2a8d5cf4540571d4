/* Requests of all kinds from many clients at once, good and bad: every good one must get its own answer, which the engine gave beforehand; none may
 * be lost, memory must stay, and the end must be clean. IAD_SOAK=10000 runs that many (the default keeps the suite short). */
#include <malloc.h>
#include <math.h>

#include "base/json.h"
#include "base/rng.h"
#include "runtime/serve/servemetrics.h"
#include "tests/unit/serve/serve_client.h"
#include "tests/unit/serve/serve_fixture.h"

enum { PICTURES = 8, TEXTS = 5, CLIENTS = 32, WORDS = 6 };
static const char *const texts[TEXTS] = {"Is there a scratch on the part?", "What is on the left side?", "Hello", "Describe the surface of the part.",
                                         "Yes or No?"};

typedef enum kind {
    INSPECT_ONE, INSPECT_MANY, INSPECT_PARTS, INSPECT_INLINE, INSPECT_WORDS, CHAT, CHAT_STREAM, CHAT_SET, GET, WRONG_JSON, UNKNOWN_SET, HUGE_BODY,
    HALF_BODY, SLOW_HEADER, LEAVES_STREAM, LEAVES_WAITING, NOISE, KINDS
} kind;

typedef struct known {
    iadgpt_picture picture;
    char *uri;
    iad_buf png;
    char score[40];           /* as the reply writes it */
    char *words;
    char *answers[TEXTS];     /* of a chat about this picture; [0] with the set before it */
} known;

typedef struct soak {
    server server;
    known known[PICTURES];
    char set[20], *good;      /* id; JSON list of the good pictures */
    atomic_long next, lost, wrong;
    atomic_long count[KINDS];
    long total;
    char first_wrong[600];
    pthread_mutex_t lock;
} soak;

/* ---- what the answers must be ---- */

/* JSON knows no NUL: the server writes U+FFFD. */
static char *visible(const iadgpt_answer *answer) {
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < answer->n; i++) iad_buf_add(&text, answer->text[i] ? answer->text + i : "\xef\xbf\xbd", answer->text[i] ? 1 : 3, NULL);
    char *all = iad_strdup(iad_buf_str(&text));
    iad_buf_deinit(&text);
    return all;
}

static char *ask_engine(iadgpt_session *session, const iadgpt_picture *picture, const char *text, const iadgpt_exemplars *set) {
    iadgpt_error error;
    iadgpt_answer answer;
    iadgpt_generate_options options;
    iadgpt_settings settings;
    const iadgpt_item items[2] = {{.picture = picture}, {.text = text}};
    const iadgpt_message message = {IADGPT_ROLE_USER, items, 2};
    iadgpt_generate_defaults(&options);
    iadgpt_settings_defaults(&settings);
    options.max_tokens = WORDS;
    settings.exemplars = set;
    assert_api(iadgpt_session_sync(session, &message, 1, &settings, &error));
    assert_api(iadgpt_generate(session, &options, &answer, &error));
    return visible(&answer);
}

static void prepare_known(soak *k, iadgpt_session *session) {
    iadgpt_error error;
    iadgpt_exemplars *set = NULL;
    iadgpt_picture good[2] = {fixture_picture(84, 84, 900), fixture_picture(90, 70, 901)};
    iad_err err = IAD_ERR_NONE;
    iad_buf list;
    iad_buf_init(&list, 1 << 24);
    assert_ok(iad_buf_add_str(&list, "[\"", &err));
    picture_uri(&good[0], &list);
    assert_ok(iad_buf_add_str(&list, "\",\"", &err));
    picture_uri(&good[1], &list);
    assert_ok(iad_buf_add_str(&list, "\"]", &err));
    k->good = iad_buf_take(&list, NULL);
    assert_api(iadgpt_exemplars_prepare(session, good, 2, NULL, &set, &error));
    for (int i = 0; i < PICTURES; i++) {
        known *w = &k->known[i];
        iadgpt_result result;
        iadgpt_answer answer;
        iadgpt_generate_options options;
        iad_buf uri;
        w->picture = fixture_picture(60 + 7 * i, 90 - 5 * i, i);
        iad_buf_init(&uri, 1 << 24);
        iad_buf_init(&w->png, 1 << 24);
        picture_uri(&w->picture, &uri);
        picture_png(&w->picture, &w->png);
        w->uri = iad_buf_take(&uri, NULL);
        assert_api(iadgpt_inspect(session, set, &w->picture, 1, &result, &error));
        snprintf(w->score, sizeof w->score, "%.17g", result.score);
        iadgpt_generate_defaults(&options);
        options.max_tokens = WORDS;
        assert_api(iadgpt_generate(session, &options, &answer, &error));
        w->words = visible(&answer);
        for (int t = 0; t < TEXTS; t++) w->answers[t] = ask_engine(session, &w->picture, texts[t], t == 0 ? set : NULL);
    }
    iadgpt_exemplars_free(set);
    iadgpt_picture_free(&good[0]);
    iadgpt_picture_free(&good[1]);
    for (int i = 1; i < PICTURES; i++) assert_string_not_equal(k->known[i].score, k->known[0].score); /* a mix-up must show */
}

/* ---- asking ---- */

static void complain(soak *k, kind what, const client *c, const char *text) {
    pthread_mutex_lock(&k->lock);
    if (atomic_fetch_add(&k->wrong, 1) == 0)
        snprintf(k->first_wrong, sizeof k->first_wrong, "kind %d, status %d: %s: %.400s", (int)what, c->status, text, iad_buf_str(&c->body));
    pthread_mutex_unlock(&k->lock);
}

static json_t *reply_json(const client *c) {
    json_t *root = NULL;
    return iad_json_parse(iad_buf_str(&c->body), c->body.len, 0, "reply", &root, NULL) == IAD_OK ? root : NULL;
}

static void ask_json(client *c, const char *path, const iad_buf *body) {
    (void)client_ask(c, "POST", path, "application/json", body->data, body->len);
}

/* Scores (and words) of the pictures asked about, in order. */
static const char *check_inspection(const soak *k, const client *c, const int *pictures, int n, int words) {
    const char *bad = NULL;
    if (c->status != 200) return "not 200";
    json_t *root = reply_json(c), *results = json_object_get(root, "results");
    if ((int)json_array_size(results) != n) bad = "another number of results";
    for (int i = 0; i < n && !bad; i++) {
        const known *w = &k->known[pictures[i]];
        const json_t *r = json_array_get(results, (size_t)i);
        char score[40];
        snprintf(score, sizeof score, "%.17g", json_real_value(json_object_get(r, "score")));
        if (strcmp(score, w->score) != 0) bad = "another picture's score";
        const char *said = json_string_value(json_object_get(r, "words"));
        if (words && (!said || strcmp(said, w->words) != 0)) bad = "another picture's words";
    }
    json_decref(root);
    return bad;
}

static void inspect(soak *k, client *c, iad_rng *rng, kind what) {
    int pictures[3], n = what == INSPECT_MANY ? iad_rng_int(rng, 2, 3) : 1;
    iad_buf body;
    iad_buf_init(&body, 1 << 24);
    if (what == INSPECT_INLINE) iad_buf_addf(&body, NULL, "{\"good\":%s", k->good);
    else iad_buf_addf(&body, NULL, "{\"exemplar_set\":\"%s\"", k->set);
    iad_buf_add_str(&body, what == INSPECT_WORDS ? ",\"words\":true,\"max_tokens\":6,\"images\":[" : ",\"images\":[", NULL);
    for (int i = 0; i < n; i++) {
        pictures[i] = iad_rng_int(rng, 0, PICTURES - 1);
        iad_buf_addf(&body, NULL, "%s\"%s\"", i ? "," : "", k->known[pictures[i]].uri);
    }
    iad_buf_add_str(&body, "]}", NULL);
    ask_json(c, "/v1/inspect", &body);
    const char *bad = check_inspection(k, c, pictures, n, what == INSPECT_WORDS);
    if (bad) complain(k, what, c, bad);
    iad_buf_deinit(&body);
}

static void inspect_parts(soak *k, client *c, iad_rng *rng) {
    const int i = iad_rng_int(rng, 0, PICTURES - 1);
    const known *w = &k->known[i];
    iad_buf body;
    iad_buf_init(&body, 1 << 24);
    iad_buf_addf(&body, NULL, "--XX\r\nContent-Disposition: form-data; name=\"options\"\r\n\r\n{\"exemplar_set\":\"%s\"}\r\n", k->set);
    iad_buf_add_str(&body, "--XX\r\nContent-Disposition: form-data; name=\"images\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n", NULL);
    iad_buf_add(&body, w->png.data, w->png.len, NULL);
    iad_buf_add_str(&body, "\r\n--XX--\r\n", NULL);
    (void)client_ask(c, "POST", "/v1/inspect", "multipart/form-data; boundary=XX", body.data, body.len);
    const char *bad = check_inspection(k, c, &i, 1, 0);
    if (bad) complain(k, INSPECT_PARTS, c, bad);
    iad_buf_deinit(&body);
}

static void chat_body(const soak *k, const known *w, int text, int stream, iad_buf *body) {
    iad_buf_addf(body, NULL, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"%s\"}},"
                             "{\"type\":\"text\",\"text\":\"%s\"}]}],\"max_tokens\":%d",
                 w->uri, texts[text], WORDS);
    if (text == 0) iad_buf_addf(body, NULL, ",\"iad\":{\"exemplar_set\":\"%s\"}", k->set);
    iad_buf_add_str(body, stream ? ",\"stream\":true,\"logprobs\":true,\"top_logprobs\":2}" : "}", NULL);
}

/* The pieces of a stream put together; NULL when it is none that ended. */
static char *joined(const client *c) {
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    int done = 0;
    for (char *at = strstr(iad_buf_str(&c->body), "data: "); at; at = strstr(at + 6, "\ndata: ") ? strstr(at + 6, "\ndata: ") + 1 : NULL) {
        const char *end = strchr(at, '\n');
        json_t *root = NULL;
        if (strncmp(at, "data: [DONE]", 12) == 0) done = 1;
        if (!end || iad_json_parse(at + 6, (size_t)(end - at) - 6, 0, "chunk", &root, NULL) != IAD_OK) continue;
        const char *piece = json_string_value(json_object_get(json_object_get(json_array_get(json_object_get(root, "choices"), 0), "delta"),
                                                              "content"));
        if (piece) iad_buf_add_str(&text, piece, NULL);
        json_decref(root);
    }
    char *all = done ? iad_strdup(iad_buf_str(&text)) : NULL;
    iad_buf_deinit(&text);
    return all;
}

static void chat(soak *k, client *c, iad_rng *rng, kind what) {
    const known *w = &k->known[iad_rng_int(rng, 0, PICTURES - 1)];
    const int text = what == CHAT_SET ? 0 : iad_rng_int(rng, 1, TEXTS - 1);
    iad_buf body;
    iad_buf_init(&body, 1 << 24);
    chat_body(k, w, text, what == CHAT_STREAM, &body);
    ask_json(c, "/v1/chat/completions", &body);
    iad_buf_deinit(&body);
    if (c->status != 200) {
        complain(k, what, c, "not 200");
        return;
    }
    json_t *root = what == CHAT_STREAM ? NULL : reply_json(c);
    const char *said = json_string_value(json_object_get(json_object_get(json_array_get(json_object_get(root, "choices"), 0), "message"), "content"));
    char *stream = what == CHAT_STREAM ? joined(c) : NULL;
    if (stream) said = stream;
    if (!said || strcmp(said, w->answers[text]) != 0) complain(k, what, c, "another answer");
    free(stream);
    json_decref(root);
}

static void get(soak *k, client *c, iad_rng *rng) {
    static const char *const paths[] = {"/health", "/metrics", "/v1/models", "/v1/exemplars", "/"};
    const char *path = paths[iad_rng_below(rng, 5)];
    if (!client_ask(c, "GET", path, NULL, NULL, 0) || c->status != 200) complain(k, GET, c, path);
}

/* ---- misbehaving ---- */

static void refused(soak *k, client *c, kind what, const char *body, int status) {
    (void)client_ask(c, "POST", what == UNKNOWN_SET ? "/v1/inspect" : "/v1/chat/completions", "application/json", body, strlen(body));
    if (c->status != status || !strstr(iad_buf_str(&c->body), "\"error\":{\"message\":")) complain(k, what, c, "not the refusal that it deserves");
}

static void huge(soak *k, client *c) {
    static const char head[] =
        "POST /v1/inspect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900000000\r\nExpect: 100-continue\r\n\r\n";
    client_close(c);
    if (!client_connect(c)) return;
    if (!client_send(c, head, sizeof head - 1) || !client_reply(c, 0) || c->status != 413) complain(k, HUGE_BODY, c, "not 413");
    client_close(c);
}

static void leave(soak *k, client *c, iad_rng *rng, kind what) {
    static const char head[] =
        "POST /v1/inspect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"images\":[";
    client_close(c);
    if (!client_connect(c)) return;
    if (what == HALF_BODY) (void)client_send(c, head, sizeof head - 1 - iad_rng_below(rng, 100));
    else if (what == NOISE) {
        char noise[300];
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)iad_rng_u32(rng);
        (void)client_send(c, noise, sizeof noise);
    } else {
        char line[200];
        iad_buf body;
        iad_buf_init(&body, 1 << 24);
        chat_body(k, &k->known[0], 1, what == LEAVES_STREAM, &body);
        const int n = snprintf(line, sizeof line,
                               "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                               "%zu\r\n\r\n", body.len);
        (void)client_send(c, line, (size_t)n);
        (void)client_send(c, body.data, body.len);
        if (what == LEAVES_STREAM) (void)client_reply(c, 1);
        iad_buf_deinit(&body);
    }
    client_close(c);
}

/* Sends a header byte by byte until the server has had enough. */
static void slow(soak *k, client *c) {
    client_close(c);
    if (!client_connect(c)) return;
    const struct timespec nap = {.tv_nsec = 100000000};
    int sent = 0;
    while (sent < 3000 && client_send(c, "G", 1)) { /* five minutes: it must have been closed long before */
        nanosleep(&nap, NULL);
        sent++;
    }
    if (sent == 3000) complain(k, SLOW_HEADER, c, "never closed");
    client_close(c);
}

/* ---- the run ---- */

static kind draw(iad_rng *rng, long number) {
    static const int weights[KINDS] = {[INSPECT_ONE] = 30, [INSPECT_MANY] = 8, [INSPECT_PARTS] = 8, [INSPECT_INLINE] = 3, [INSPECT_WORDS] = 5,
                                       [CHAT] = 10, [CHAT_STREAM] = 8, [CHAT_SET] = 4, [GET] = 8, [WRONG_JSON] = 3, [UNKNOWN_SET] = 2,
                                       [HUGE_BODY] = 2, [HALF_BODY] = 2, [LEAVES_STREAM] = 3, [LEAVES_WAITING] = 3, [NOISE] = 1};
    if (number % 500 == 7) return SLOW_HEADER; /* a second or so each */
    int sum = 0, at = 0;
    for (int i = 0; i < KINDS; i++) sum += weights[i];
    int drawn = iad_rng_int(rng, 0, sum - 1);
    while (drawn >= weights[at]) drawn -= weights[at++];
    return (kind)at;
}

static void *client_main(void *user) {
    soak *k = user;
    client c;
    client_init(&c, k->server.port);
    for (long i; (i = atomic_fetch_add(&k->next, 1)) < k->total;) {
        iad_rng rng;
        iad_rng_init(&rng, 11, (uint64_t)i);
        const kind what = draw(&rng, i);
        c.status = 0;
        switch (what) {
            case INSPECT_ONE: case INSPECT_MANY: case INSPECT_INLINE: case INSPECT_WORDS: inspect(k, &c, &rng, what); break;
            case INSPECT_PARTS: inspect_parts(k, &c, &rng); break;
            case CHAT: case CHAT_STREAM: case CHAT_SET: chat(k, &c, &rng, what); break;
            case GET: get(k, &c, &rng); break;
            case WRONG_JSON: refused(k, &c, what, "{\"messages\":[{]", 400); break;
            case UNKNOWN_SET: refused(k, &c, what, "{\"exemplar_set\":\"0123456789abcdef\",\"images\":[\"data:;base64,AA\"]}", 404); break;
            case HUGE_BODY: huge(k, &c); break;
            case SLOW_HEADER: slow(k, &c); break;
            default: leave(k, &c, &rng, what); break;
        }
        atomic_fetch_add(&k->count[what], 1);
    }
    client_deinit(&c);
    return NULL;
}

static void run_clients(soak *k, long total) {
    pthread_t threads[CLIENTS];
    atomic_store(&k->next, 0);
    k->total = total;
    for (int i = 0; i < CLIENTS; i++) assert_int_equal(pthread_create(&threads[i], NULL, client_main, k), 0);
    for (int i = 0; i < CLIENTS; i++) pthread_join(threads[i], NULL);
    if (atomic_load(&k->wrong)) fail_msg("%ld of %ld requests went wrong; the first: %s", atomic_load(&k->wrong), total, k->first_wrong);
}

static void make_set(soak *k) {
    client c;
    iad_buf body;
    iad_buf_init(&body, 1 << 24);
    client_init(&c, k->server.port);
    iad_buf_addf(&body, NULL, "{\"name\":\"soak\",\"images\":%s}", k->good);
    ask_json(&c, "/v1/exemplars", &body);
    assert_int_equal(c.status, 201);
    json_t *root = reply_json(&c);
    snprintf(k->set, sizeof k->set, "%s", json_string_value(json_object_get(root, "id")));
    json_decref(root);
    iad_buf_deinit(&body);
    client_deinit(&c);
}

static uint64_t memory_now(void) {
    malloc_trim(0);
    return iad_resident_bytes();
}

static void every_client_gets_its_own_answer(void **state) {
    (void)state;
    const char *wanted = getenv("IAD_SOAK");
    const long total = wanted ? strtol(wanted, NULL, 10) : 400;
    soak *k = iad_calloc(1, sizeof *k);
    iadgpt_error error;
    iadgpt_session *session = NULL;
    assert_non_null(k);
    pthread_mutex_init(&k->lock, NULL);
    char dir[] = "/tmp/iad-test-serve-XXXXXX", state_dir[64];
    assert_non_null(mkdtemp(dir));
    fixture_model(dir);
    snprintf(state_dir, sizeof state_dir, "%s/state", dir);
    iadgpt_engine_options eo;
    iadgpt_engine *engine = NULL;
    iadgpt_engine_defaults(&eo);
    eo.threads = 1; /* OpenMP's own threads are nothing that ThreadSanitizer understands */
    assert_api(iadgpt_engine_open(dir, &eo, &engine, &error));
    assert_api(iadgpt_session_new(engine, &session, &error));
    prepare_known(k, session);
    iadgpt_session_free(session);
    iad_serve_options options = server_defaults(&k->server);
    options.state = state_dir;
    options.limits.header_s = 1;
    server_start(&k->server, engine, &options);
    make_set(k);

    run_clients(k, total / 4 > 200 ? total / 4 : 200);
    const uint64_t before = memory_now();
    run_clients(k, total);
    const uint64_t after = memory_now();
    for (int i = 0; i < KINDS; i++)
        if (i != SLOW_HEADER) assert_true(atomic_load(&k->count[i]) > 0);
    char summary[256];
    iad_serve_summary(k->server.serve, summary, sizeof summary);
    printf("%s memory_before_mib=%.1f memory_after_mib=%.1f\n", summary, (double)before / 1048576, (double)after / 1048576);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(after < before + (16u << 20));
#endif
    server_end(&k->server);
    iadgpt_memory memory;
    iadgpt_engine_memory(engine, &memory);
    iadgpt_engine_close(engine);
    for (int i = 0; i < PICTURES; i++) {
        known *w = &k->known[i];
        iadgpt_picture_free(&w->picture);
        iad_buf_deinit(&w->png);
        free(w->uri);
        free(w->words);
        for (int t = 0; t < TEXTS; t++) free(w->answers[t]);
    }
    free(k->good);
    pthread_mutex_destroy(&k->lock);
    free(k);
    remove_tree(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_client_gets_its_own_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
