#include "runtime/engine/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/rng.h"

typedef struct candidate {
    float score;
    int32_t id;
    double weight; /* exp(score - best) */
} candidate;

struct iad_sampler {
    iad_sampler_options options;
    int32_t n_vocab, n_known;
    iad_rng rng;
    uint64_t *seen_bits; /* [(n_vocab + 63) / 64] */
    int32_t *seen;       /* distinct ids, in order of arrival */
    int32_t n_seen;
    float *scores;       /* [n_vocab] after penalty and masks; -infinity: not a candidate */
    candidate *heap;     /* [n_vocab] */
};

iad_sampler_options iad_sampler_greedy(void) {
    return (iad_sampler_options){
        .temperature = 0, .top_k = 0, .top_p = 1, .repetition_penalty = 1, .n_known = 0, .seed = 0};
}

static iad_status check_options(int32_t n_vocab, const iad_sampler_options *o, iad_err *err) {
    if (n_vocab < 1) return IAD_FAIL(err, IAD_ERR_ARG, "vocabulary of %d tokens", n_vocab);
    if (n_vocab > IAD_SAMPLER_MAX_VOCAB)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "vocabulary of more than %d tokens", IAD_SAMPLER_MAX_VOCAB);
    if (o->temperature != 0 && !(o->temperature >= 1e-6f && o->temperature <= 100))
        return IAD_FAIL(err, IAD_ERR_ARG, "temperature %g is neither 0 nor in 1e-6..100", (double)o->temperature);
    if (o->top_k < 0) return IAD_FAIL(err, IAD_ERR_ARG, "top_k %d is below 0", o->top_k);
    if (!(o->top_p >= 0 && o->top_p <= 1))
        return IAD_FAIL(err, IAD_ERR_ARG, "top_p %g is not in 0..1", (double)o->top_p);
    if (!(o->repetition_penalty >= 0.01f && o->repetition_penalty <= 100))
        return IAD_FAIL(err, IAD_ERR_ARG, "repetition_penalty %g is not in 0.01..100", (double)o->repetition_penalty);
    if (o->n_known < 0 || o->n_known > n_vocab)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d known tokens in a vocabulary of %d", o->n_known, n_vocab);
    return IAD_OK;
}

static size_t words_of(int32_t n_vocab) { return ((size_t)n_vocab + 63) / 64; }

iad_status iad_sampler_new(int32_t n_vocab, const iad_sampler_options *options, iad_sampler **sampler, iad_err *err) {
    *sampler = NULL;
    IAD_TRY(check_options(n_vocab, options, err));
    iad_sampler *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, "the sampler");
    made->options = *options;
    made->n_vocab = n_vocab;
    made->n_known = options->n_known ? options->n_known : n_vocab;
    made->seen_bits = iad_calloc(words_of(n_vocab), sizeof *made->seen_bits);
    made->seen = iad_alloc((size_t)n_vocab, sizeof *made->seen);
    made->scores = iad_alloc((size_t)n_vocab, sizeof *made->scores);
    made->heap = options->temperature > 0 ? iad_alloc((size_t)n_vocab, sizeof *made->heap) : NULL;
    if (!made->seen_bits || !made->seen || !made->scores || (options->temperature > 0 && !made->heap)) {
        iad_sampler_free(made);
        return IAD_NOMEM(err, "the sampler");
    }
    iad_sampler_reset(made);
    *sampler = made;
    return IAD_OK;
}

void iad_sampler_free(iad_sampler *sampler) {
    if (!sampler) return;
    free(sampler->seen_bits);
    free(sampler->seen);
    free(sampler->scores);
    free(sampler->heap);
    free(sampler);
}

void iad_sampler_reset(iad_sampler *sampler) {
    memset(sampler->seen_bits, 0, words_of(sampler->n_vocab) * sizeof *sampler->seen_bits);
    sampler->n_seen = 0;
    iad_rng_init(&sampler->rng, sampler->options.seed, 0);
}

iad_status iad_sampler_see(iad_sampler *sampler, const int32_t *ids, int64_t n, iad_err *err) {
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= sampler->n_vocab)
            return IAD_FAIL(err, IAD_ERR_ARG, "token %d is outside the vocabulary of %d", ids[i], sampler->n_vocab);
    for (int64_t i = 0; i < n; i++) {
        uint64_t *word = &sampler->seen_bits[ids[i] / 64], bit = UINT64_C(1) << (ids[i] % 64);
        if (*word & bit) continue;
        *word |= bit;
        sampler->seen[sampler->n_seen++] = ids[i];
    }
    return IAD_OK;
}

/* Penalty and masks. Fails when nothing is left or a candidate is not a number that can be compared. */
static iad_status score_tokens(iad_sampler *s, const float *logits, const uint64_t *allowed, iad_err *err) {
    memcpy(s->scores, logits, (size_t)s->n_vocab * sizeof *logits);
    const float penalty = s->options.repetition_penalty;
    if (penalty != 1.0f)
        for (int32_t i = 0; i < s->n_seen; i++) {
            float *score = &s->scores[s->seen[i]];
            *score = *score < 0 ? *score * penalty : *score / penalty;
        }
    if (allowed)
        for (int32_t i = 0; i < s->n_known; i++)
            if (!(allowed[i / 64] >> (i % 64) & 1)) s->scores[i] = -INFINITY;
    int any = 0;
    for (int32_t i = 0; i < s->n_known; i++) {
        if (!(s->scores[i] <= IAD_SAMPLER_MAX_LOGIT))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "the logit of token %d is %g", i, (double)s->scores[i]);
        if (s->scores[i] < -IAD_SAMPLER_MAX_LOGIT) s->scores[i] = -INFINITY;
        else any = 1;
    }
    return any ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "no token may be chosen");
}

static int32_t best_token(const iad_sampler *s) {
    int32_t best = 0;
    for (int32_t i = 1; i < s->n_known; i++)
        if (s->scores[i] > s->scores[best]) best = i;
    return best;
}

/* ---- a heap with the best candidate on top: higher score, then lower id ---- */

static int better(const candidate *a, const candidate *b) {
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

static void sift_down(candidate *heap, int32_t n, int32_t i) {
    candidate moving = heap[i];
    for (;;) {
        int32_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && better(&heap[child + 1], &heap[child])) child++;
        if (!better(&heap[child], &moving)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moving;
}

/* Takes the best out and leaves it right behind the shrunken heap, so that the end of the array ends up sorted. */
static void pop_best(candidate *heap, int32_t *n) {
    candidate top = heap[0];
    heap[0] = heap[--*n];
    heap[*n] = top;
    if (*n > 1) sift_down(heap, *n, 0);
}

/* Leaves the tokens to draw from in heap[*first .. n), best last; *sum is the sum of their weights. */
static void warp(iad_sampler *s, int32_t *first, int32_t *n_all, double *sum) {
    candidate *heap = s->heap;
    int32_t n = 0;
    for (int32_t i = 0; i < s->n_known; i++)
        if (s->scores[i] > -INFINITY) heap[n++] = (candidate){s->scores[i] / s->options.temperature, i, 0};
    *n_all = n;
    for (int32_t i = n / 2; i-- > 0;) sift_down(heap, n, i);

    const int32_t all = n;
    const float best = heap[0].score;
    double total = 0;
    if (s->options.top_k > 0 && s->options.top_k < n) {
        for (int32_t k = 0; k < s->options.top_k; k++) pop_best(heap, &n);
        const float kth = heap[n].score;
        while (n > 0 && heap[0].score == kth) pop_best(heap, &n); /* ties with the k-th stay */
        *first = n;
        for (int32_t i = n; i < all; i++) total += heap[i].weight = iad_exp((double)heap[i].score - (double)best);
    } else {
        *first = 0;
        for (int32_t i = 0; i < all; i++) total += heap[i].weight = iad_exp((double)heap[i].score - (double)best);
    }
    *sum = total;
    if (s->options.top_p >= 1) return;

    const double enough = (double)s->options.top_p * total;
    double taken = 0;
    int32_t i = all;
    if (*first > 0 || n == 0) { /* cut by top-k: sorted already */
        do taken += heap[--i].weight;
        while (i > *first && taken < enough);
    } else {
        do {
            pop_best(heap, &i);
            taken += heap[i].weight;
        } while (i > 0 && taken < enough);
    }
    *first = i;
    *sum = taken;
}

iad_status iad_sampler_next(iad_sampler *sampler, const float *logits, const uint64_t *allowed, int32_t *id,
                            iad_err *err) {
    IAD_TRY(score_tokens(sampler, logits, allowed, err));
    if (sampler->options.temperature == 0) {
        *id = best_token(sampler);
        return IAD_OK;
    }
    int32_t first, n;
    double sum;
    warp(sampler, &first, &n, &sum);
    const double mark = iad_rng_unit(&sampler->rng) * sum;
    double passed = 0;
    int32_t i = n - 1;
    for (; i > first; i--) {
        passed += sampler->heap[i].weight;
        if (mark < passed) break;
    }
    *id = sampler->heap[i].id;
    return IAD_OK;
}

static int best_first(const void *a, const void *b) {
    const candidate *p = a, *q = b;
    return better(q, p) - better(p, q);
}

iad_status iad_sampler_candidates(iad_sampler *sampler, const float *logits, const uint64_t *allowed, int32_t max,
                                  int32_t *ids, double *probabilities, int32_t *n, iad_err *err) {
    *n = 0;
    IAD_TRY(score_tokens(sampler, logits, allowed, err));
    if (sampler->options.temperature == 0) {
        if (max > 0) {
            ids[0] = best_token(sampler);
            probabilities[0] = 1;
        }
        *n = 1;
        return IAD_OK;
    }
    int32_t first, all;
    double sum;
    warp(sampler, &first, &all, &sum);
    qsort(sampler->heap + first, (size_t)(all - first), sizeof *sampler->heap, best_first);
    for (int32_t i = 0; i < all - first && i < max; i++) {
        ids[i] = sampler->heap[first + i].id;
        probabilities[i] = sampler->heap[first + i].weight / sum;
    }
    *n = all - first;
    return IAD_OK;
}

/* ---- endless repetition ---- */

void iad_repeat_guard_init(iad_repeat_guard *guard) {
    memset(guard, 0, sizeof *guard);
    guard->min_repeats = 4;
    guard->min_tokens = 64;
}

int iad_repeat_guard_add(iad_repeat_guard *guard, int32_t id) {
    int stuck = 0;
    const int64_t n = guard->n;
    for (int c = 1; c <= IAD_REPEAT_MAX_CYCLE && c <= n; c++) {
        if (guard->ring[(n - c) % IAD_REPEAT_MAX_CYCLE] != id) {
            guard->same[c] = 0;
            continue;
        }
        /* `same` tokens equal the one c places before: with the c in front of them they are a cycle written (same + c)
         * / c times */
        const int64_t length = ++guard->same[c] + c;
        if (!stuck && length >= (int64_t)c * guard->min_repeats && length >= guard->min_tokens) stuck = c;
    }
    guard->ring[n % IAD_REPEAT_MAX_CYCLE] = id;
    guard->n++;
    return stuck;
}
