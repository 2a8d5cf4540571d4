/* What a run would take, from the sizes of pictures and from earlier answers. */
#include <string.h>

#include "annotate/client/chatrequest.h"
#include "annotate/work/annotaterun.h"
#include "annotate/work/worksource.h"
#include "manifests/query.h"

#define ENOUGH 20 /* answers from which a correction is learnt */

typedef struct learnt {
    int64_t n;
    double prompt_ratio, completion, rejected, seconds;
} learnt;

static iad_status learn(iad_manifest *m, const iad_prompt *p, const char *model, learnt *l, iad_err *err) {
    iad_query q;
    *l = (learnt){.prompt_ratio = 1, .completion = p->expected_tokens, .seconds = 5};
    IAD_TRY(iad_query_open(&q, m, "annotate_answer",
                           "SELECT count(*),sum(prompt_tokens)*1.0/max(sum(predicted),1),avg(completion_tokens),avg(state='rejected'),avg(ms)/1000.0 "
                           "FROM annotate_answer"
                           " WHERE prompt_sha256=? AND model=? AND state IN('ok','rejected') AND prompt_tokens>0",
                           err));
    iad_query_blob(&q, p->sha256, 32);
    iad_query_text(&q, model);
    if (iad_query_next(&q) && iad_query_col_i64(&q, 0) >= ENOUGH)
        *l = (learnt){iad_query_col_i64(&q, 0), iad_query_col_f64(&q, 1), iad_query_col_f64(&q, 2), iad_query_col_f64(&q, 3),
                      iad_query_col_f64(&q, 4)};
    return iad_query_close(&q, err);
}

iad_status iad_annotate_predict(iad_manifest *m, const iad_annotate_options *o, iad_annotate_estimate *e, iad_err *err) {
    iad_annotate_counts counts = {0};
    iad_source *source = NULL;
    learnt known[64];
    const iad_prompt *seen[64];
    size_t n = 0;
    double requests = 0, in = 0, out = 0, seconds = 0, repeated = 0;
    memset(e, 0, sizeof *e);
    IAD_TRY(iad_source_new(m, o, &source, err));
    iad_status status = IAD_OK;
    for (int found = 1; status == IAD_OK && found;) {
        iad_work w;
        status = iad_source_next(source, &w, &found, &counts, err);
        if (status != IAD_OK || !found) break;
        size_t k = 0;
        while (k < n && seen[k] != w.prompt) k++;
        if (k == n && n < 64) {
            seen[n] = w.prompt;
            status = learn(m, w.prompt, o->model, &known[n], err);
            if (status == IAD_OK) e->learnt_from += known[n++].n;
        }
        if (k == 64) k = 63;
        if (status == IAD_OK) {
            double times = 1, share = 1;
            for (int r = w.round; r < o->rounds; r++) times += share *= known[k].rejected;
            e->units++;
            requests += times;
            in += times * (double)w.predicted * known[k].prompt_ratio;
            out += times * known[k].completion;
            seconds += times * known[k].seconds;
            repeated += known[k].rejected;
        }
        iad_work_deinit(&w);
    }
    iad_source_free(source);
    IAD_TRY(status);
    e->pictures = counts.pictures;
    e->had = counts.had;
    e->requests = requests;
    e->prompt_tokens = (int64_t)(in + 0.5);
    e->completion_tokens = (int64_t)(out + 0.5);
    e->cost = iad_price_of(&o->price, e->prompt_tokens, 0, e->completion_tokens, 0);
    e->rejected_share = e->units ? repeated / (double)e->units : 0;
    double minutes = seconds / 60 / (o->flow.concurrency > 0 ? o->flow.concurrency : 1);
    if (o->flow.rpm > 0 && requests / o->flow.rpm > minutes) minutes = requests / o->flow.rpm;
    if (o->flow.tpm > 0 && (in + out) / o->flow.tpm > minutes) minutes = (in + out) / o->flow.tpm;
    e->hours = minutes / 60;
    return IAD_OK;
}
