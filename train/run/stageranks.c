#include "train/run/stageranks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "train/comm/comm_loopback.h"

typedef struct logical {
    iad_stage_options options;
    iad_stage_result result;
    iad_status status;
    iad_err err;
    pthread_t thread;
} logical;

static void *start(void *user) {
    logical *l = user;
    l->status = iad_stage_run(&l->options, &l->result, &l->err);
    iad_comm_free(l->options.comm);
    return NULL;
}

iad_status iad_stage_run_ranks(const iad_stage_options *options, int world, double deadline, iad_stage_result *result, iad_err *err) {
    iad_loopback *loop = NULL;
    *result = (iad_stage_result){0};
    if (strcmp(options->device, "cpu") != 0)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "device %.40s: logical ranks copy between ordinary memory, which only the CPU has",
                        options->device);
    IAD_TRY(iad_loopback_new(world, deadline, &loop, err));
    logical *ranks = iad_calloc((size_t)world, sizeof *ranks);
    if (!ranks) {
        iad_loopback_free(loop);
        return IAD_NOMEM(err, "logical ranks");
    }
    int started = 1;
    for (int r = 0; r < world; r++) {
        ranks[r] = (logical){.options = *options, .err = IAD_ERR_NONE};
        ranks[r].options.comm = iad_loopback_get(loop, r);
        ranks[r].options.threads = options->threads > world ? options->threads / world : 1;
    }
    while (started < world && pthread_create(&ranks[started].thread, NULL, start, &ranks[started]) == 0) started++;
    if (started < world) iad_comm_abort(ranks[0].options.comm, "not all threads could be started");
    else start(&ranks[0]);
    for (int r = 1; r < started; r++) pthread_join(ranks[r].thread, NULL);

    iad_status status = started < world ? IAD_FAIL(err, IAD_ERR_LIMIT, "%d logical ranks: not all threads could be started", world) : IAD_OK;
    for (int r = 0; r < world && status == IAD_OK; r++) {
        int from = iad_loopback_heard(loop, r);
        if (ranks[r].status == IAD_OK) continue;
        if (from < 0 || ranks[from].status == IAD_OK) from = r;
        status = ranks[from].status;
        if (err) *err = ranks[from].err;
        if (from > 0) iad_err_prefix(err, "rank %d", from);
    }
    *result = ranks[0].result;
    free(ranks);
    iad_loopback_free(loop);
    return status;
}
