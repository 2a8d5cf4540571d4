#include "bench/reasoning/respondent.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "bench/enginecall.h"
#include "runtime/engine/engine.h"

enum { SLOTS = IAD_ASK_MAX_SHOTS + 2, MAX_TURNS = 64, MAX_ITEMS = IAD_ASK_MAX_SHOTS + 4 };

/* A decoded picture; the same exemplars are shown with question after question. */
typedef struct slot {
    char path[IAD_PATH_MAX];
    iad_image image;
    uint64_t used;
} slot;

struct iad_respondent {
    iad_engine_use use;
    iad_request request; /* the settings against the checkpoint: how pictures are resized */
    int max_tokens;
    const atomic_int *stop;
    char name[200];
    slot slots[SLOTS];
    uint64_t clock;
    char *text; /* of the last answer */
    iad_respondent_figures figures;
};

static int stopped(void *user) {
    const iad_respondent *r = user;
    return r->stop && atomic_load(r->stop);
}

static int32_t piece(void *user, const char *text, size_t n) {
    (void)text, (void)n;
    return stopped(user);
}

static iad_status open_parts(iad_respondent *r, const iad_scorer_options *options, iad_err *err) {
    iad_scorer_options watched = *options;
    watched.stopped = stopped;
    watched.user = r;
    IAD_TRY(iad_engine_use_init(&r->use, &watched, err));
    IAD_TRY(iad_request_init(&r->request, r->use.engine, &r->use.settings, err));
    snprintf(r->name, sizeof r->name, "iadgpt %s %s, greedy, %d tokens", iadgpt_version(), r->use.key, r->max_tokens);
    return IAD_OK;
}

iad_status iad_respondent_open(const iad_scorer_options *options, int max_tokens, const atomic_int *stop, iad_respondent **respondent, iad_err *err) {
    if (!options->model) return IAD_FAIL(err, IAD_ERR_ARG, "give the model to be asked (--model DIR), or those of another tool (--answers FILE)");
    iad_respondent *r = iad_calloc(1, sizeof *r);
    if (!r) return IAD_NOMEM(err, "the model");
    r->max_tokens = max_tokens;
    r->stop = stop;
    iad_status status = open_parts(r, options, err);
    if (status == IAD_OK) *respondent = r;
    else iad_respondent_close(r);
    return status;
}

void iad_respondent_close(iad_respondent *r) {
    if (!r) return;
    for (int i = 0; i < SLOTS; i++) iad_image_deinit(&r->slots[i].image);
    iad_request_deinit(&r->request);
    iad_engine_use_deinit(&r->use);
    free(r->text);
    free(r);
}

const char *iad_respondent_name(const iad_respondent *r) { return r->name; }
iad_respondent_figures iad_respondent_figures_get(const iad_respondent *r) { return r->figures; }

/* From the slots, or decoded into the one that was used longest ago; a prompt never has more pictures than there are slots. */
static iad_status get_picture(iad_respondent *r, const char *path, iadgpt_picture *picture, iad_err *err) {
    slot *s = &r->slots[0];
    for (int i = 0; i < SLOTS; i++) {
        if (r->slots[i].image.px && strcmp(r->slots[i].path, path) == 0) {
            s = &r->slots[i];
            break;
        }
        if (r->slots[i].used < s->used) s = &r->slots[i];
    }
    if (!s->image.px || strcmp(s->path, path) != 0) {
        iad_image_deinit(&s->image);
        if (!iad_text_copy(s->path, sizeof s->path, path)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
        IAD_TRY(iad_image_load(path, NULL, &s->image, NULL, err));
    }
    s->used = ++r->clock;
    *picture = (iadgpt_picture){s->image.width, s->image.height, s->image.channels, s->image.px};
    return IAD_OK;
}

/* Words, exemplars, words, picture, question: what is not there is left out. pictures[IAD_ASK_MAX_SHOTS + 1]; the last one is the query. */
static iad_status first_turn(iad_respondent *r, const iad_ask *ask, iadgpt_picture *pictures, iadgpt_item *items, int32_t *n, iad_err *err) {
    if (!ask->path) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%.300s: there is no such picture", ask->image);
    if (ask->n_shown > IAD_ASK_MAX_SHOTS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%zu exemplars: %d are possible", ask->n_shown, IAD_ASK_MAX_SHOTS);
    *n = 0;
    if (*ask->lead) items[(*n)++] = (iadgpt_item){.text = ask->lead};
    for (size_t i = 0; i < ask->n_shown; i++) {
        IAD_TRY(get_picture(r, ask->shown[i], &pictures[i], err));
        items[(*n)++] = (iadgpt_item){.picture = &pictures[i]};
    }
    if (*ask->middle) items[(*n)++] = (iadgpt_item){.text = ask->middle};
    IAD_TRY(get_picture(r, ask->path, &pictures[ask->n_shown], err));
    items[(*n)++] = (iadgpt_item){.picture = &pictures[ask->n_shown]};
    items[(*n)++] = (iadgpt_item){.text = ask->text};
    return IAD_OK;
}

static iad_status make_messages(iad_respondent *r, const iad_asks *asks, const iad_sayings *s, size_t at, iadgpt_picture *pictures,
                                iadgpt_item items[MAX_ITEMS], iadgpt_item later[2 * MAX_TURNS], iadgpt_message messages[2 * MAX_TURNS], int32_t *n,
                                iad_err *err) {
    size_t turns[MAX_TURNS], n_turn = 0;
    for (int64_t i = (int64_t)at; i >= 0; i = asks->items[i].previous) {
        if (n_turn == MAX_TURNS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s: more than %d turns", asks->items[at].id, MAX_TURNS);
        turns[n_turn++] = (size_t)i;
    }
    *n = 0;
    for (size_t k = n_turn; k-- > 0;) {
        const iad_ask *ask = &asks->items[turns[k]];
        iadgpt_message *m = &messages[(*n)++];
        *m = (iadgpt_message){.role = IADGPT_ROLE_USER, .items = items};
        if (k + 1 == n_turn) IAD_TRY(first_turn(r, ask, pictures, items, &m->n_items, err));
        else {
            later[*n] = (iadgpt_item){.text = ask->text};
            m->items = &later[*n];
            m->n_items = 1;
        }
        if (k == 0) break;
        if (!s->items[turns[k]].text) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%.200s: the question before it has no answer", ask->id);
        later[*n] = (iadgpt_item){.text = s->items[turns[k]].text};
        messages[*n] = (iadgpt_message){.role = IADGPT_ROLE_ASSISTANT, .items = &later[*n], .n_items = 1};
        ++*n;
    }
    return IAD_OK;
}

iad_status iad_respondent_ask(iad_respondent *r, const iad_asks *asks, const iad_sayings *s, size_t at, iad_said *said, iad_err *err) {
    static const char *const finishes[] = {"end", "length", "repetition"};
    iadgpt_picture pictures[IAD_ASK_MAX_SHOTS + 1];
    iadgpt_item items[MAX_ITEMS], later[2 * MAX_TURNS];
    iadgpt_message messages[2 * MAX_TURNS];
    iadgpt_generate_options g;
    iadgpt_answer answer;
    iadgpt_error error;
    int32_t n = 0;
    IAD_TRY(make_messages(r, asks, s, at, pictures, items, later, messages, &n, err));
    if (iad_engine_call(iadgpt_session_sync(r->use.session, messages, n, &r->use.settings, &error), &error, err) != IAD_OK)
        return iad_err_prefix(err, "%s", asks->items[at].id);
    r->figures.seconds_prompt += (r->use.session->timings.preprocess + r->use.session->timings.vision + r->use.session->timings.prefill) / 1000;
    r->figures.prompt_tokens += r->use.session->timings.prompt_tokens;
    r->figures.reused_tokens += r->use.session->timings.reused_tokens;
    iadgpt_generate_defaults(&g);
    g.max_tokens = r->max_tokens;
    g.piece = piece;
    g.user = r;
    if (iad_engine_call(iadgpt_generate(r->use.session, &g, &answer, &error), &error, err) != IAD_OK)
        return iad_err_prefix(err, "%s", asks->items[at].id);
    if (answer.finish == IADGPT_FINISH_STOPPED) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
    r->figures.seconds_answer += answer.timings.decode / 1000;
    r->figures.answer_tokens += answer.n_tokens;
    r->figures.asked++;
    free(r->text);
    r->text = iad_strdup(answer.text);
    if (!r->text) return IAD_NOMEM(err, "an answer");
    const iad_ask *first = &asks->items[at];
    while (first->previous >= 0) first = &asks->items[first->previous];
    const iadgpt_picture *query = &pictures[first->n_shown];
    iad_resize_record size;
    IAD_TRY(iad_preprocess_size(query->height, query->width, &r->request.image, &size, err));
    *said = (iad_said){.text = r->text,
                       .tokens = answer.n_tokens,
                       .source_w = query->width,
                       .source_h = query->height,
                       .resized_w = size.resized_w,
                       .resized_h = size.resized_h,
                       .nll = NAN};
    iad_text_copy(said->finish, sizeof said->finish, finishes[answer.finish]);
    return IAD_OK;
}
