/* What a judge is asked and what it answered, as files: requests for any service that takes OpenAI's batch lines, replies of one.
 *
 * A request is known by its unit: 32 hex digits over the prompt file, the judge's name and the filled text. A changed answer is another unit, so that
 * a reply never meets an answer that it was not given for. */
#ifndef IAD_BENCH_JUDGEWORK_H
#define IAD_BENCH_JUDGEWORK_H

#include "bench/reasoning/judgeprompt.h"
#include "bench/reasoning/scorebook.h"

#define IAD_JUDGE_UNIT 33
#define IAD_JUDGE_MAX_REPLY (1u << 20)
#define IAD_JUDGE_MAX_LINE (8u << 20)

typedef struct iad_judge_item {
    char unit[IAD_JUDGE_UNIT];
    size_t at;   /* question */
    char *reply; /* owned; NULL: not yet */
} iad_judge_item;

typedef struct iad_judge_work {
    const iad_judge_prompt *prompt;
    const char *model;     /* the judge's name */
    iad_judge_item *items; /* sorted by unit; equal ones are several questions with one text */
    size_t n, replied;
    size_t stale; /* replies to no request of today */
} iad_judge_work;

/* Answers of kind "low" and "complex" that have a reference. */
iad_status iad_judge_work_init(iad_judge_work *work, const iad_scorebook *book, const iad_judge_prompt *prompt, const char *model, iad_err *err);
void iad_judge_work_deinit(iad_judge_work *work);

/* The text that the judge gets. Appended. */
iad_status iad_judge_work_text(const iad_judge_work *work, const iad_scorebook *book, size_t item, iad_buf *out, iad_err *err);
/* {"model","messages","max_tokens","temperature"}. Appended. */
iad_status iad_judge_work_body(const iad_judge_work *work, const iad_scorebook *book, size_t item, iad_buf *out, iad_err *err);
/* One line for every request without reply: {"custom_id": unit, "method": "POST", "url": "/v1/chat/completions", "body": ...}. Atomically. */
iad_status iad_judge_work_write(const iad_judge_work *work, const iad_scorebook *book, const char *path, size_t *written, iad_err *err);

/* Takes a reply; the first one of a unit counts. 0: no request of today has this unit. */
int iad_judge_work_take(iad_judge_work *work, const char *unit, const char *reply, iad_err *err);
/* Lines {"custom_id" or "unit": ..., "reply": text} or batch results {"custom_id", "response": {"body": {"choices": [...]}}}; lines that hold an
 * error of the service are skipped. Errors name the line: IAD_ERR_FORMAT, IAD_ERR_LIMIT. torn: 1: what stands behind the last line break is ignored,
 * *whole says where it begins. */
iad_status iad_judge_work_read(iad_judge_work *work, const char *text, size_t n, const char *name, int torn, size_t *whole, iad_err *err);

/* Scores out of the replies into the book; adds {"name","prompt","prompt_sha256","asked","scored","unreadable","missing"} to the results. */
iad_status iad_judge_work_score(const iad_judge_work *work, iad_scorebook *book, json_t *results, iad_err *err);

#endif
