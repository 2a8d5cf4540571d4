/* What the server needs of the engine: stop texts, log probabilities, chats that begin with an exemplar set. */
#include "tests/unit/engine/engine_fixture.h"

#include <math.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/engine/engine.h"
#include "tests/unit/serve/serve_fixture.h"

typedef struct seen {
    iad_buf text;
    int n_token, stop_at;
    double least_sum;  /* of the probabilities of the top tokens */
    int32_t ids[64], best[64];
    double logprobs[64];
} seen;

static int32_t take_piece(void *user, const char *text, size_t n) { return iad_buf_add(&((seen *)user)->text, text, n, NULL) != IAD_OK; }

static int32_t take_token(void *user, const iadgpt_token *token, const iadgpt_token *top, int32_t n_top) {
    seen *s = user;
    double sum = 0;
    for (int i = 0; i < n_top; i++) {
        sum += exp(top[i].logprob);
        if (i) assert_true(top[i - 1].logprob > top[i].logprob || (top[i - 1].logprob == top[i].logprob && top[i - 1].id < top[i].id));
    }
    s->ids[s->n_token] = token->id;
    s->best[s->n_token] = n_top ? top[0].id : -1;
    s->logprobs[s->n_token++] = token->logprob;
    if (sum < s->least_sum) s->least_sum = sum;
    return s->stop_at > 0 && s->n_token == s->stop_at;
}

static void ask(iadgpt_session *session, const char *text) {
    iadgpt_error error;
    const iadgpt_item item = {.text = text};
    const iadgpt_message message = {IADGPT_ROLE_USER, &item, 1};
    assert_api(iadgpt_session_sync(session, &message, 1, NULL, &error));
}

static void answer(iadgpt_session *session, seen *s, const char *const *stop, int32_t n_stop, int32_t top, iadgpt_answer *a) {
    iadgpt_error error;
    iadgpt_generate_options o;
    iadgpt_generate_defaults(&o);
    *s = (seen){.stop_at = s->stop_at, .least_sum = 2};
    iad_buf_init(&s->text, 1 << 20);
    o.max_tokens = 24;
    o.piece = take_piece;
    o.token = take_token;
    o.user = s;
    o.stop = stop;
    o.n_stop = n_stop;
    o.top_tokens = top;
    assert_api(iadgpt_generate(session, &o, a, &error));
    assert_int_equal(s->text.len, a->n); /* the pieces are the answer */
    assert_memory_equal(iad_buf_str(&s->text), a->text, a->n);
}

static void stop_texts(iadgpt_session *session) {
    iadgpt_answer a;
    seen s = {.stop_at = 0};
    ask(session, "Describe the part.");
    answer(session, &s, NULL, 0, 0, &a);
    assert_true(a.n > 12 && a.n_tokens == s.n_token);
    char whole[600], stop[8] = "";
    assert_true(a.n < sizeof whole);
    memcpy(whole, a.text, a.n);
    const size_t n = a.n;
    const int tokens = s.n_token;
    iad_buf_deinit(&s.text);
    /* every stretch of the answer without NUL is a stop text that must end it at its first place */
    for (size_t at = 1; at + 3 < n; at++) {
        memcpy(stop, whole + at, 3);
        stop[3] = '\0';
        if (strlen(stop) != 3) continue;
        const char *const stops[2] = {"never in there", stop};
        const char *first = memmem(whole, n, stop, 3);
        answer(session, &s, stops, 2, 0, &a);
        assert_int_equal(a.n, first - whole);
        assert_memory_equal(a.text, whole, a.n);
        assert_int_equal(a.finish, IADGPT_FINISH_END);
        assert_true(s.n_token <= tokens);
        iad_buf_deinit(&s.text);
    }
    /* one that only begins at the end is no stop text: the answer is whole */
    char tail[8];
    snprintf(tail, sizeof tail, "%c~~", whole[n - 1] ? whole[n - 1] : 'x');
    const char *const stops[1] = {tail};
    answer(session, &s, stops, 1, 0, &a);
    assert_int_equal(a.n, n);
    iad_buf_deinit(&s.text);
    iadgpt_error error;
    iadgpt_generate_options o;
    iadgpt_generate_defaults(&o);
    const char *const empty[1] = {""};
    o.stop = empty;
    o.n_stop = 1;
    assert_int_equal(iadgpt_generate(session, &o, &a, &error), IADGPT_ERR_ARG);
}

static void log_probabilities(iadgpt_engine *engine, iadgpt_session *session) {
    iadgpt_answer a;
    seen s = {.stop_at = 0};
    ask(session, "Describe the part.");
    /* against the definition, on the logits of the prompt */
    const int32_t known = iad_tokenizer_size(engine->tokenizer);
    double sum = 0;
    for (int32_t i = 0; i < known; i++) sum += exp((double)session->logits[i]);
    iadgpt_token token, top[20];
    iad_token_logprobs(engine, session->logits, 7, &token, top, 20);
    assert_close(token.logprob, (double)session->logits[7] - log(sum), 1e-9);
    for (int i = 0; i < 20; i++) {
        int better = 0;
        for (int32_t k = 0; k < known; k++) better += session->logits[k] > session->logits[top[i].id];
        assert_true(better <= i);
        assert_close(top[i].logprob, (double)session->logits[top[i].id] - log(sum), 1e-9);
    }
    answer(session, &s, NULL, 0, 5, &a);
    for (int i = 0; i < s.n_token; i++) {
        assert_int_equal(s.ids[i], a.tokens[i]);
        assert_int_equal(s.ids[i], s.best[i]); /* greedy */
        assert_true(s.logprobs[i] < 0);
    }
    assert_true(s.least_sum > 0 && s.least_sum < 1);
    iad_buf_deinit(&s.text);
    s.stop_at = 3;
    answer(session, &s, NULL, 0, 0, &a);
    assert_true(a.finish == IADGPT_FINISH_STOPPED && s.n_token == 3);
    iad_buf_deinit(&s.text);
}

/* A chat over a set equals the same chat with the good pictures sent, as long as none of them is compressed. */
static void chat_over_a_set(iadgpt_session *session) {
    iadgpt_error error;
    iadgpt_settings settings;
    iadgpt_exemplars *set = NULL;
    iadgpt_answer a;
    iadgpt_picture good[2] = {fixture_picture(84, 84, 1), fixture_picture(84, 84, 2)}, part = fixture_picture(90, 60, 3);
    iadgpt_settings_defaults(&settings);
    settings.retention = 1;
    assert_api(iadgpt_exemplars_prepare(session, good, 2, &settings, &set, &error));
    const iadgpt_item all[4] = {{.picture = &good[0]}, {.picture = &good[1]}, {.picture = &part}, {.text = "What is different?"}};
    iadgpt_message message = {IADGPT_ROLE_USER, all, 4};
    iadgpt_settings_defaults(&settings);
    assert_api(iadgpt_session_sync(session, &message, 1, &settings, &error));
    const int64_t tokens = session->timings.prompt_tokens;
    assert_api(iadgpt_generate(session, NULL, &a, &error));
    char *want = iad_strdup(a.text);
    message.items = all + 2;
    message.n_items = 2;
    settings.exemplars = set;
    iad_session_reset(session);
    assert_api(iadgpt_session_sync(session, &message, 1, &settings, &error));
    assert_true(session->timings.prompt_tokens == tokens && session->timings.reused_tokens == set->line.n_row);
    assert_api(iadgpt_generate(session, NULL, &a, &error));
    assert_string_equal(a.text, want);
    free(want);
    settings.max_prompt_tokens = tokens - 1;
    assert_int_equal(iadgpt_session_sync(session, &message, 1, &settings, &error), IADGPT_ERR_LIMIT);
    settings.max_prompt_tokens = 0;
    const iadgpt_item system_text = {.text = "Another system message."};
    const iadgpt_message other[2] = {{IADGPT_ROLE_SYSTEM, &system_text, 1}, message};
    assert_int_equal(iadgpt_session_sync(session, other, 2, &settings, &error), IADGPT_ERR_ARG);
    assert_int_equal(iadgpt_session_sync(session, other, 1, &settings, &error), IADGPT_ERR_ARG); /* nobody asks */
    iadgpt_exemplars_free(set);
    for (int i = 0; i < 2; i++) iadgpt_picture_free(&good[i]);
    iadgpt_picture_free(&part);
}

static void answers(void **state) {
    (void)state;
    char dir[] = "/tmp/iad-test-answers-XXXXXX";
    assert_non_null(mkdtemp(dir));
    fixture_model(dir);
    iadgpt_error error;
    iadgpt_session *session = NULL;
    iadgpt_engine *engine = fixture_open(dir, "cpu", "f32");
    assert_api(iadgpt_session_new(engine, &session, &error));
    stop_texts(session);
    log_probabilities(engine, session);
    chat_over_a_set(session);
    iadgpt_session_free(session);
    iadgpt_engine_close(engine);
    remove_tree(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
