/* One run: every picture that is chosen is asked about with every prompt until it has an answer that passed, or as often as allowed. The calling
 * thread has the network and the manifest; workers read, shrink and encode pictures. */
#ifndef IAD_ANNOTATE_ANNOTATERUN_H
#define IAD_ANNOTATE_ANNOTATERUN_H

#include <stdatomic.h>
#include <stdint.h>

#include "annotate/client/flow.h"
#include "annotate/client/prices.h"
#include "annotate/client/profile.h"
#include "base/secret.h"
#include "annotate/prompt/prompt.h"
#include "manifests/manifest.h"

typedef struct iad_annotate_counts {
    int64_t pictures, wanted; /* chosen; units that were missing when the run began to look, further rounds included as they come */
    int64_t had;              /* picture and prompt pairs that had an answer before */
    int64_t answers, ok, rejected, filtered, unusable, troubled; /* of this run; rejected: after the last round */
    int64_t requests, retries, rate_limited;
    int64_t prompt_tokens, completion_tokens;
    double cost;  /* of this run */
    double spent; /* of all answers of the manifest */
    int stopped_by_cost;
} iad_annotate_counts;

typedef struct iad_annotate_options {
    const iad_profile *profile;
    const char *url, *model;
    const iad_secret *key;
    const iad_prompt *const *prompts;
    size_t n_prompts;
    const iad_prompt *audit; /* with audit_share */
    double audit_share;      /* 0: describe pictures; else judge this share of the answers of other models, chosen by their units */
    const char *dataset;     /* NULL: all */
    const iad_strings *categories;
    int all_parts; /* 0: not the test parts and data sets that overlap a benchmark */
    int64_t limit; /* pictures; 0: all */
    iad_flow_options flow;
    int tries; /* of one unit on trouble that passes */
    double timeout_s, backoff_s;
    int rounds;      /* further ones after an answer that failed its checks */
    double max_cost; /* of all answers of the manifest; 0: none */
    iad_price price;
    int64_t max_pixels, seed;
    int quality, probe, feedback, threads;
    int64_t run_id;
    const atomic_int *stop;
    void (*progress)(void *user, const iad_annotate_counts *counts);
    void (*say)(void *user, const char *text);
    void *user;
} iad_annotate_options;

/* What was answered is committed within 10 ms, so a kill loses only what was on its way or had come at that moment. Errors: IAD_ERR_INTERRUPTED
 * (answers on their way were awaited), IAD_ERR_UNSUPPORTED (account, key or model; our requests are refused), IAD_ERR_IO, IAD_ERR_DB. */
iad_status iad_annotate_run(iad_manifest *m, const iad_annotate_options *options, iad_annotate_counts *counts, iad_err *err);

typedef struct iad_annotate_estimate {
    int64_t pictures, units, had, prompt_tokens, completion_tokens;
    double requests, cost, hours; /* with further rounds, at the rate at which answers failed so far */
    double rejected_share;
    int64_t learnt_from; /* answers of the same model and prompts that corrected the prediction; 0: predicted from sizes alone */
} iad_annotate_estimate;
/* Sends nothing. */
iad_status iad_annotate_predict(iad_manifest *m, const iad_annotate_options *options, iad_annotate_estimate *estimate, iad_err *err);

#endif
