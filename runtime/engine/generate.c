#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/sampler.h"

typedef struct generation {
    iadgpt_session *s;
    iadgpt_generate_options o;
    iad_sampler *sampler;
    iad_constraint *constraint;
    iad_matcher *matcher;
    iad_token_stream stream;
    iad_repeat_guard guard;
    float *logits;
    size_t shown;          /* bytes of the answer already handed to the caller */
    size_t searched;       /* bytes of the answer in which no stop text begins */
} generation;

static iad_status open_constraint(generation *g, iad_err *err) {
    const iad_constrain_vocab *vocab = NULL;
    if (g->o.json_schema != NULL && g->o.n_choices > 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "an answer follows a schema or a list of choices, not both");
    if (g->o.json_schema != NULL) IAD_TRY(iad_constraint_json(g->o.json_schema, strlen(g->o.json_schema), &g->constraint, err));
    else if (g->o.n_choices > 0) IAD_TRY(iad_constraint_choices(g->o.choices, (size_t)g->o.n_choices, &g->constraint, err));
    else return IAD_OK;
    IAD_TRY(iad_engine_constrain(g->s->engine, &vocab, err));
    return iad_matcher_new(vocab, g->constraint, g->o.max_tokens, &g->matcher, err);
}

static iad_status open_sampler(generation *g, iad_err *err) {
    iadgpt_session *s = g->s;
    int32_t vocab = s->engine->model->config.text.vocab;
    iad_sampler_options options = iad_sampler_greedy();
    options.temperature = (float)g->o.temperature;
    options.top_k = g->o.top_k;
    options.top_p = (float)g->o.top_p;
    options.repetition_penalty = (float)g->o.repetition_penalty;
    options.n_known = iad_tokenizer_size(s->engine->tokenizer);
    options.seed = g->o.seed;
    IAD_TRY(iad_sampler_new(vocab, &options, &g->sampler, err));
    return iad_sampler_see(g->sampler, s->prompt_ids, (int64_t)s->n_prompt_ids, err);
}

static int is_end(const iadgpt_session *s, int32_t id) {
    const iad_token_ids *ids = &s->engine->model->config.ids;
    for (int i = 0; i < ids->n_eos; i++)
        if (ids->eos[i] == id) return 1;
    return id == s->engine->ids.im_end;
}

/* ---- stop texts ---- */

static iad_status check_stops(const generation *g, iad_err *err) {
    if (g->o.n_stop < 0 || g->o.n_stop > IAD_MAX_STOPS || (g->o.n_stop > 0 && g->o.stop == NULL))
        return IAD_FAIL(err, IAD_ERR_ARG, "%d stop texts, at most %d can be", g->o.n_stop, IAD_MAX_STOPS);
    for (int32_t i = 0; i < g->o.n_stop; i++)
        if (g->o.stop[i] == NULL || g->o.stop[i][0] == '\0' || strlen(g->o.stop[i]) > IAD_MAX_STOP_BYTES)
            return IAD_FAIL(err, IAD_ERR_ARG, "stop text %d is empty or longer than %d bytes", i + 1, IAD_MAX_STOP_BYTES);
    return IAD_OK;
}

/* Looks for stop texts in what is new. 1: the answer was cut before the first one. Afterwards no stop text begins before g->searched. */
static int stopped_by_text(generation *g) {
    iad_buf *answer = &g->s->answer;
    for (; g->searched < answer->len; g->searched++) {
        const char *at = answer->data + g->searched;
        size_t rest = answer->len - g->searched;
        int begins = 0; /* what is there may still become one */
        for (int32_t i = 0; i < g->o.n_stop; i++) {
            size_t n = strlen(g->o.stop[i]);
            if (memcmp(at, g->o.stop[i], n < rest ? n : rest) != 0) continue;
            begins = 1;
            if (n > rest) continue;
            answer->len = g->searched;
            answer->data[answer->len] = '\0';
            return 1;
        }
        if (begins) return 0;
    }
    return 0;
}

/* ---- the caller ---- */

/* Hands new whole characters to the caller, `end` bytes of the answer in all; 1 when he asked to stop. */
static int show(generation *g, size_t end) {
    const iad_buf *answer = &g->s->answer;
    if (g->o.piece == NULL || end <= g->shown) return 0;
    const char *text = iad_buf_str(answer) + g->shown;
    size_t n = end - g->shown;
    g->shown = end;
    return g->o.piece(g->o.user, text, n) != 0;
}

static int show_token(const generation *g, int32_t id, const float *logits) {
    if (g->o.token == NULL) return 0;
    iadgpt_token token, top[IAD_MAX_TOP_TOKENS];
    iad_token_logprobs(g->s->engine, logits, id, &token, top, g->o.top_tokens);
    return g->o.token(g->o.user, &token, top, g->o.top_tokens) != 0;
}

static iad_status step(generation *g, int32_t id, iad_err *err) {
    iadgpt_session *s = g->s;
    int64_t pos = s->line.next_pos;
    IAD_TRY(iad_feed_start(s, 1, err));
    IAD_TRY(iad_feed_text(s, &id, 1, &pos, err));
    const iad_text_seq seq = {.row = 0, .n_row = 1, .prefix = s->prefix != NULL ? &s->prefix->kv : NULL, .tail = &s->tail};
    IAD_TRY(iad_feed_run(s, &seq, 1, g->logits, err));
    return iad_timeline_add_text(&s->line, id, err);
}

static iad_status loop(generation *g, iadgpt_answer *answer, iad_err *err) {
    iadgpt_session *s = g->s;
    answer->finish = IADGPT_FINISH_LENGTH;
    for (int32_t i = 0; i < g->o.max_tokens; i++) {
        int32_t id = 0;
        if (g->matcher != NULL && iad_matcher_done(g->matcher)) {
            answer->finish = IADGPT_FINISH_END;
            break;
        }
        const float *logits = i == 0 ? s->logits : g->logits;
        IAD_TRY(iad_sampler_next(g->sampler, logits, g->matcher != NULL ? iad_matcher_mask(g->matcher) : NULL, &id, err));
        if (is_end(s, id)) {
            answer->finish = IADGPT_FINISH_END;
            break;
        }
        if (g->matcher != NULL) IAD_TRY(iad_matcher_accept(g->matcher, id, err));
        IAD_TRY(iad_sampler_see(g->sampler, &id, 1, err));
        IAD_TRY(iad_token_list_add(&s->answer_ids, id, 0, 0, 0, err));
        IAD_TRY(iad_token_stream_add(&g->stream, s->engine->tokenizer, id, &s->answer, err));
        if (stopped_by_text(g)) {
            answer->finish = IADGPT_FINISH_END;
            (void)show(g, s->answer.len);
            return IAD_OK;
        }
        if (show_token(g, id, logits) || show(g, g->searched)) {
            answer->finish = IADGPT_FINISH_STOPPED;
            break;
        }
        if (g->matcher == NULL && iad_repeat_guard_add(&g->guard, id) > 0) { /* a schema ends by itself, and only whole */
            answer->finish = IADGPT_FINISH_REPETITION;
            break;
        }
        if (i + 1 < g->o.max_tokens) IAD_TRY(step(g, id, err));
    }
    if (g->matcher != NULL && answer->finish == IADGPT_FINISH_LENGTH && iad_matcher_complete(g->matcher)) answer->finish = IADGPT_FINISH_END;
    IAD_TRY(iad_token_stream_end(&g->stream, &s->answer, err));
    (void)show(g, s->answer.len);
    return IAD_OK;
}

static iad_status run(generation *g, iadgpt_answer *answer, iad_err *err) {
    iadgpt_session *s = g->s;
    if (g->o.max_tokens < 1 || g->o.max_tokens > IAD_MAX_PROMPT_TOKENS)
        return IAD_FAIL(err, IAD_ERR_ARG, "max_tokens %d: 1 to %d", g->o.max_tokens, IAD_MAX_PROMPT_TOKENS);
    if (g->o.top_tokens < 0 || g->o.top_tokens > IAD_MAX_TOP_TOKENS)
        return IAD_FAIL(err, IAD_ERR_ARG, "top_tokens %d: 0 to %d", g->o.top_tokens, IAD_MAX_TOP_TOKENS);
    IAD_TRY(check_stops(g, err));
    IAD_TRY(open_constraint(g, err));
    IAD_TRY(open_sampler(g, err));
    iad_repeat_guard_init(&g->guard);
    g->stream.skip_special = 1;
    g->logits = iad_alloc((size_t)s->engine->model->config.text.vocab, sizeof(float));
    if (g->logits == NULL) return IAD_NOMEM(err, "the logits");
    return loop(g, answer, err);
}

iad_status iad_session_generate(iadgpt_session *s, const iadgpt_generate_options *options, iadgpt_answer *answer, iad_err *err) {
    *answer = (iadgpt_answer){0};
    if (!s->ready) return IAD_FAIL(err, IAD_ERR_ARG, "there is no prompt to answer: sync a chat, or inspect one picture, first");
    generation *g = iad_calloc(1, sizeof *g);
    if (g == NULL) return IAD_NOMEM(err, "the answer");
    g->s = s;
    iadgpt_generate_defaults(&g->o);
    if (options != NULL && options->size > 0) memcpy(&g->o, options, options->size < sizeof g->o ? options->size : sizeof g->o);
    /* An earlier answer to the same prompt is forgotten. */
    iad_timeline_cut(&s->line, s->prompt_units);
    s->tail.len = s->prompt_rows - (s->prefix != NULL ? s->prefix->kv.len : 0);
    iad_buf_reset(&s->answer);
    s->answer_ids.n = 0;
    s->timings = (iadgpt_timings){.prompt_tokens = s->prompt_rows, .reused_tokens = s->prompt_rows};
    double start = iad_clock();
    iad_status status = run(g, answer, err);
    s->timings.decode = 1e3 * (iad_clock() - start);
    s->timings.prefill = 0;
    s->timings.generated_tokens = (int64_t)s->answer_ids.n;
    iad_matcher_free(g->matcher);
    iad_constraint_free(g->constraint);
    iad_sampler_free(g->sampler);
    free(g->logits);
    free(g);
    if (status != IAD_OK) {
        iad_session_reset(s);
        return status;
    }
    answer->text = iad_buf_str(&s->answer);
    answer->n = s->answer.len;
    answer->tokens = s->answer_ids.ids;
    answer->n_tokens = (int32_t)s->answer_ids.n;
    answer->timings = s->timings;
    return IAD_OK;
}
