#include "train/model/samplecheck.h"

#include <math.h>

static iad_status check_picture(const iad_sample *s, int i, const iad_model_config *c, iad_err *err) {
    const iad_sample_picture *p = &s->pictures[i];
    const iad_vision_config *v = &c->vision;
    int values = v->in_channels * v->temporal * v->patch * v->patch;
    if (p->position < 0 || p->position >= s->n_id)
        return IAD_FAIL(err, IAD_ERR_ARG, "picture %d stands at position %lld of %lld", i + 1, (long long)p->position, (long long)s->n_id);
    if (i > 0 && p->position <= s->pictures[i - 1].position) return IAD_FAIL(err, IAD_ERR_ARG, "picture %d stands before picture %d", i + 1, i);
    if (s->ids[p->position] != c->ids.image) return IAD_FAIL(err, IAD_ERR_ARG, "picture %d stands at another token than the image's", i + 1);
    if (p->patches.rows == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "picture %d has no patches in f32", i + 1);
    if (p->patches.gh < v->merge || p->patches.gw < v->merge || p->patches.gh % v->merge != 0 || p->patches.gw % v->merge != 0 ||
        p->patches.n_row != (int64_t)p->patches.gh * p->patches.gw || p->patches.n_col != values)
        return IAD_FAIL(err, IAD_ERR_ARG, "picture %d: %d x %d patches of %d values do not fit the model", i + 1, p->patches.gh, p->patches.gw,
                        p->patches.n_col);
    if (p->reference < -1 || p->reference >= s->n_picture || p->reference == i)
        return IAD_FAIL(err, IAD_ERR_ARG, "picture %d is compressed against picture %d of %d", i + 1, p->reference + 1, s->n_picture);
    return IAD_OK;
}

static iad_status check_tokens(const iad_sample *s, const iad_model_config *c, iad_err *err) {
    int64_t n_image = 0, n_target = 0;
    if (s->n_id < 1 || s->ids == NULL || s->target == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "there are no tokens");
    for (int64_t i = 0; i < s->n_id; i++) {
        if (s->ids[i] < 0 || s->ids[i] >= c->text.vocab || s->target[i] < -1 || s->target[i] >= c->text.vocab)
            return IAD_FAIL(err, IAD_ERR_ARG, "position %lld: token %d or target %d is outside the vocabulary of %d", (long long)i, s->ids[i],
                            s->target[i], c->text.vocab);
        n_image += s->ids[i] == c->ids.image;
        n_target += s->target[i] >= 0;
        if (s->ids[i] == c->ids.image && s->target[i] >= 0)
            return IAD_FAIL(err, IAD_ERR_ARG, "position %lld: a picture predicts nothing", (long long)i);
    }
    if (n_image != s->n_picture) return IAD_FAIL(err, IAD_ERR_ARG, "%lld image tokens for %d pictures", (long long)n_image, s->n_picture);
    if (n_target != s->n_target) return IAD_FAIL(err, IAD_ERR_ARG, "%lld targets, said to be %lld", (long long)n_target, (long long)s->n_target);
    if (!isfinite(s->weight) || s->weight < 0) return IAD_FAIL(err, IAD_ERR_ARG, "weight %g", (double)s->weight);
    return IAD_OK;
}

static iad_status check_map(const iad_sample *s, const iad_model_config *c, int compress, iad_err *err) {
    if (s->mask == NULL) return IAD_OK;
    if (s->query < 0 || s->query >= s->n_picture || s->mask_h < 1 || s->mask_w < 1 || s->n_word < 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "a mask of %d x %d with %d words for picture %d of %d", s->mask_h, s->mask_w, s->n_word, s->query + 1,
                        s->n_picture);
    if (compress && s->pictures[s->query].reference >= 0) return IAD_FAIL(err, IAD_ERR_ARG, "the map of a compressed picture is supervised");
    for (int i = 0; i < s->n_word; i++) {
        const iad_sample_word *w = &s->words[i];
        if (w->position <= s->pictures[s->query].position || w->position >= s->n_id || s->ids[w->position] == c->ids.image)
            return IAD_FAIL(err, IAD_ERR_ARG, "word %d stands at position %lld, which is no text behind the query", i + 1, (long long)w->position);
        if (w->row_class < 0 || w->row_class > 1 || !isfinite(w->weight))
            return IAD_FAIL(err, IAD_ERR_ARG, "word %d has class %d", i + 1, w->row_class);
    }
    return IAD_OK;
}

static iad_status check(const iad_sample *s, const iad_model_config *c, int maps, int compress, iad_err *err) {
    if (s->n_picture < 0 || (s->n_picture > 0 && s->pictures == NULL)) return IAD_FAIL(err, IAD_ERR_ARG, "%d pictures", s->n_picture);
    IAD_TRY(check_tokens(s, c, err));
    for (int i = 0; i < s->n_picture; i++) IAD_TRY(check_picture(s, i, c, err));
    return maps ? check_map(s, c, compress, err) : IAD_OK;
}

iad_status iad_sample_check(const iad_sample *sample, const iad_model_config *config, int maps, int compress, iad_err *err) {
    iad_status status = check(sample, config, maps, compress, err);
    if (status != IAD_OK) iad_err_prefix(err, "task %lld", (long long)sample->task_id);
    return status;
}
