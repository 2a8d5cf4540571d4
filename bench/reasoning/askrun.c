#include "bench/reasoning/askrun.h"

#include <string.h>

#include "base/alloc.h"
#include "bench/jsonwrite.h"

static iad_status add_failure(json_t *failed, const char *item, const char *reason, iad_err *err) {
    iad_jsonw w = iad_jsonw_new();
    json_t *entry = NULL;
    iad_jsonw_str(&w, "item", item);
    iad_jsonw_str(&w, "reason", reason);
    IAD_TRY(iad_jsonw_finish(&w, &entry, err));
    return json_array_append_new(failed, entry) == 0 ? IAD_OK : IAD_NOMEM(err, "the failures");
}

/* What would only repeat itself with the next question. */
static int ends_run(iad_status status) {
    return status == IAD_ERR_INTERRUPTED || status == IAD_ERR_NOMEM || status == IAD_ERR_INTERNAL || status == IAD_ERR_DB;
}

static iad_status ask(iad_ask_run *run, size_t at, iad_err *err) {
    iad_said said = {0};
    iad_err why = IAD_ERR_NONE;
    iad_status status;
    if (run->meter) status = iad_lossmeter_measure(run->meter, run->asks->items[at].task_id, &said.nll, &said.tokens, &why);
    else status = iad_respondent_ask(run->respondent, run->asks, run->said, at, &said, &why);
    if (status == IAD_OK) {
        IAD_TRY(iad_answer_file_add(run->file, run->said, run->asks, at, &said, err));
        run->asked++;
        iad_progress_add(run->progress, 1, 0);
        return IAD_OK;
    }
    if (ends_run(status)) {
        if (err) *err = why;
        return status;
    }
    iad_progress_add(run->progress, 0, 1);
    return add_failure(run->failed, run->asks->items[at].id, why.msg, err);
}

iad_status iad_ask_run_all(iad_ask_run *run, iad_err *err) {
    run->progress->total = run->asks->n;
    run->progress->skipped = run->said->there;
    for (size_t i = 0; i < run->asks->n; i++) {
        if (run->said->items[i].there) continue;
        if (run->stop && atomic_load(run->stop)) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
        IAD_TRY(ask(run, i, err));
    }
    return IAD_OK;
}

iad_status iad_ask_unanswered(const iad_asks *asks, const iad_sayings *said, json_t *failed, iad_err *err) {
    for (size_t i = 0; i < asks->n; i++)
        if (!said->items[i].there) IAD_TRY(add_failure(failed, asks->items[i].id, "there is no answer", err));
    return IAD_OK;
}
