/* Asks a judge behind an OpenAI-compatible endpoint, through the annotator's client: quotas, waiting, retries, errors as there. */
#ifndef IAD_BENCH_JUDGECLIENT_H
#define IAD_BENCH_JUDGECLIENT_H

#include <stdatomic.h>

#include "annotate/client/flow.h"
#include "annotate/client/profile.h"
#include "base/secret.h"
#include "base/progress.h"
#include "bench/reasoning/judgework.h"

typedef struct iad_judge_client_options {
    const char *url; /* up to and with /v1 */
    const iad_profile *profile;
    const iad_secret *key; /* NULL: none */
    iad_flow_options flow;
    int tries; /* of one request on trouble that passes */
    double timeout_s, backoff_s;
    const char *path; /* judge.jsonl: replies are appended as they come; a torn last line is cut */
    const atomic_int *stop;
    iad_progress *progress;
} iad_judge_client_options;

typedef struct iad_judge_tally {
    size_t requests, retries, failed;
    char last[400]; /* why the last failed one failed */
} iad_judge_tally;

/* Replies to everything that has none, first out of the file, then by asking. A request that fails for good is counted, and asked again by the next
 * run. Errors: IAD_ERR_INTERRUPTED (replies on their way were awaited), IAD_ERR_UNSUPPORTED (account, key or model; the requests are refused),
 * IAD_ERR_IO. */
iad_status iad_judge_client_run(iad_judge_work *work, const iad_scorebook *book, const iad_judge_client_options *options, iad_judge_tally *tally,
                                iad_err *err);
/* Only what the file holds; nothing is asked. */
iad_status iad_judge_client_recall(iad_judge_work *work, const char *path, iad_err *err);

#endif
