#include <math.h>
#include <string.h>

#include "runtime/engine/engine.h"

static iadgpt_token describe(const iadgpt_engine *engine, int32_t id, double logprob) {
    iadgpt_token token = {.id = id, .logprob = logprob};
    token.bytes = iad_tokenizer_bytes(engine->tokenizer, id, &token.n);
    return token;
}

void iad_token_logprobs(const iadgpt_engine *engine, const float *logits, int32_t id, iadgpt_token *token, iadgpt_token *top, int32_t n_top) {
    int32_t known = iad_tokenizer_size(engine->tokenizer), vocab = engine->model->config.text.vocab, best[IAD_MAX_TOP_TOKENS], n = 0;
    if (known > vocab) known = vocab;
    float most = -INFINITY;
    double sum = 0;
    for (int32_t i = 0; i < known; i++) most = fmaxf(most, logits[i]);
    for (int32_t i = 0; i < known; i++) {
        sum += exp((double)logits[i] - (double)most);
        if (n_top == 0 || (n == n_top && logits[i] <= logits[best[n - 1]])) continue;
        int32_t at = n < n_top ? n++ : n - 1;
        for (; at > 0 && logits[i] > logits[best[at - 1]]; at--) best[at] = best[at - 1];
        best[at] = i;
    }
    const double zero = (double)most + log(sum);
    *token = describe(engine, id, (double)logits[id] - zero);
    for (int32_t i = 0; i < n_top; i++)
        top[i] = i < n ? describe(engine, best[i], (double)logits[best[i]] - zero) : (iadgpt_token){.id = -1, .bytes = ""};
}
