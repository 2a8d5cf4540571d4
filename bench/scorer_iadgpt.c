/* The model of the paper as a scorer: exemplars are prepared once per category, queries pay only for themselves. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "bench/enginecall.h"
#include "bench/scorer.h"

typedef struct iadgpt_scorer {
    iad_engine_use use;
    iadgpt_timings sum;      /* over all queries */
    size_t n_query, n_set;
} iadgpt_scorer;

typedef struct iadgpt_model {
    iadgpt_scorer *scorer;
    iadgpt_exemplars *exemplars;
} iadgpt_model;

static void iadgpt_scorer_close(void *context) {
    iadgpt_scorer *s = context;
    if (s == NULL) return;
    iad_engine_use_deinit(&s->use);
    free(s);
}

static iad_status iadgpt_scorer_open(const iad_scorer_options *options, iad_scorer *scorer, iad_err *err) {
    if (options->model == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "the scorer iadgpt needs --model DIR");
    iadgpt_scorer *s = iad_calloc(1, sizeof *s);
    if (s == NULL) return IAD_NOMEM(err, "the scorer");
    iad_status status = iad_engine_use_init(&s->use, options, err);
    if (status != IAD_OK) {
        iadgpt_scorer_close(s);
        return status;
    }
    iad_text_copy(scorer->version, sizeof scorer->version, "1 ");
    iad_text_copy(scorer->version + 2, sizeof scorer->version - 2, s->use.key);
    scorer->context = s;
    return IAD_OK;
}

static iadgpt_picture view(const iad_image *image) { return (iadgpt_picture){image->width, image->height, image->channels, image->px}; }

static void iadgpt_scorer_release(void *model) {
    iadgpt_model *m = model;
    if (m == NULL) return;
    iadgpt_exemplars_free(m->exemplars);
    free(m);
}

static iad_status iadgpt_scorer_prepare(void *context, const iad_image *exemplars, int n, void **model, iad_err *err) {
    iadgpt_scorer *s = context;
    iadgpt_picture pictures[16];
    iadgpt_error error;
    *model = NULL;
    if (n > 16) return IAD_FAIL(err, IAD_ERR_ARG, "%d exemplars, iadgpt takes at most 16", n);
    for (int i = 0; i < n; i++) pictures[i] = view(&exemplars[i]);
    iadgpt_model *m = iad_calloc(1, sizeof *m);
    if (m == NULL) return IAD_NOMEM(err, "the exemplars");
    m->scorer = s;
    iad_status status = iad_engine_call(iadgpt_exemplars_prepare(s->use.session, pictures, n, &s->use.settings, &m->exemplars, &error), &error, err);
    if (status != IAD_OK) {
        iadgpt_scorer_release(m);
        return status;
    }
    s->n_set++;
    *model = m;
    return IAD_OK;
}

static iad_status iadgpt_scorer_score(const void *model, const iad_image *query, double *score, iad_plane *map, iad_err *err) {
    const iadgpt_model *m = model;
    iadgpt_scorer *s = m->scorer;
    iadgpt_picture picture = view(query);
    iadgpt_result r;
    iadgpt_error error;
    IAD_TRY(iad_engine_call(iadgpt_inspect(s->use.session, m->exemplars, &picture, 1, &r, &error), &error, err));
    if (r.anomaly == NULL) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "the model compresses the query, so there is no map to measure");
    IAD_TRY(iad_plane_init(map, r.grid_width, r.grid_height, err));
    memcpy(map->px, r.anomaly, (size_t)r.grid_width * (size_t)r.grid_height * sizeof(float));
    *score = r.score;
    s->n_query++;
    s->sum.preprocess += r.timings.preprocess;
    s->sum.vision += r.timings.vision;
    s->sum.prefill += r.timings.prefill;
    s->sum.prompt_tokens += r.timings.prompt_tokens;
    s->sum.reused_tokens += r.timings.reused_tokens;
    return IAD_OK;
}

static iad_status iadgpt_scorer_timings(void *context, json_t *timings, iad_err *err) {
    const iadgpt_scorer *s = context;
    iadgpt_memory memory;
    if (s == NULL) return IAD_OK;
    iadgpt_engine_memory(s->use.engine, &memory);
    double n = s->n_query > 0 ? (double)s->n_query : 1;
    json_t *stages = json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I}", "preprocess_ms", s->sum.preprocess / n, "vision_ms", s->sum.vision / n,
                               "prefill_ms", s->sum.prefill / n, "prompt_tokens", (double)s->sum.prompt_tokens / n, "reused_tokens",
                               (double)s->sum.reused_tokens / n, "weight_bytes", (json_int_t)memory.weights, "peak_device_bytes",
                               (json_int_t)memory.peak, "exemplar_sets", (json_int_t)s->n_set);
    if (stages == NULL || json_object_set_new(timings, "iadgpt_per_query", stages) != 0) return IAD_NOMEM(err, "the timings");
    return IAD_OK;
}

const iad_scorer iad_scorer_iadgpt = {.name = "iadgpt", .summary = "the model of the paper, from a checkpoint directory (--model)", .serial = 1,
                                      .open = iadgpt_scorer_open, .close = iadgpt_scorer_close, .prepare = iadgpt_scorer_prepare,
                                      .score = iadgpt_scorer_score, .release = iadgpt_scorer_release, .timings = iadgpt_scorer_timings};
