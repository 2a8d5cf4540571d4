/* Asks what has no answer yet. */
#ifndef IAD_BENCH_ASKRUN_H
#define IAD_BENCH_ASKRUN_H

#include <jansson.h>

#include "base/progress.h"
#include "bench/reasoning/answerfile.h"
#include "bench/reasoning/lossmeter.h"
#include "bench/reasoning/respondent.h"

typedef struct iad_ask_run {
    const iad_asks *asks;
    iad_sayings *said;
    iad_answer_file *file;
    iad_respondent *respondent; /* one of the two */
    iad_lossmeter *meter;
    const atomic_int *stop;
    iad_progress *progress; /* started; total is set here */
    json_t *failed;         /* array: {"item","reason"} is appended for what could not be asked */
    size_t asked;           /* by this run: out */
} iad_ask_run;

/* In the order of the list; every answer is in the file before the next question is asked. A picture that fails is named and left for the next run;
 * later turns of its dialogue are left out with it. Errors: IAD_ERR_INTERRUPTED, IAD_ERR_NOMEM, IAD_ERR_IO of the file. */
iad_status iad_ask_run_all(iad_ask_run *run, iad_err *err);

/* Questions that have no answer, as failures: {"item": id, "reason"}; for answers of another tool. */
iad_status iad_ask_unanswered(const iad_asks *asks, const iad_sayings *said, json_t *failed, iad_err *err);

#endif
