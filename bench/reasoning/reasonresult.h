/* results.json of questions and answers.
 *
 * {"format": "iadgpt-reasoning-1", "task", "program", "command", "system", "board": {"dataset","shots"} or absent, "questions", "answered", "cut_off"
 * (answers at the greatest length), "notes": [text], "failed": [{"item","reason"}], "tables": scoretable.h, "figures": {name: value}, "judge":
 * judgework.h or absent, "sbert": {"model","dim","truncated"} or absent, "items":
 * [{"id","dataset","category","image","path","kind","question","answer","reference", and what of it applies:
 * "truth","says","right","letter","strict_letter","rouge_l","sbert", "judge","judge_reference","iou","boxes","nll","tokens"}]} */
#ifndef IAD_BENCH_REASONRESULT_H
#define IAD_BENCH_REASONRESULT_H

#include "base/buf.h"
#include "bench/reasoning/scorebook.h"

#define IAD_REASON_FORMAT "iadgpt-reasoning-1"

/* Fills "questions", "answered", "cut_off" and "items". */
iad_status iad_reason_items(const iad_scorebook *book, json_t *results, iad_err *err);

/* DIR/results.json, atomically. */
iad_status iad_reason_write(const json_t *results, const char *dir, iad_err *err);
/* From a folder or a file. *results NULL with IAD_OK: it is a result of another kind. Errors: IAD_ERR_NOT_FOUND, IAD_ERR_FORMAT. */
iad_status iad_reason_load(const char *path, json_t **results, iad_err *err);

/* "FIGURE=VALUE": *failed is 1 more when the figure is below or not there; a line is appended to text. Errors: IAD_ERR_ARG. */
iad_status iad_reason_gate(const json_t *results, const char *gate, int *failed, iad_buf *text, iad_err *err);

/* report.html at `path`: tables, notes, failures, and pictures with their questions, answers, references and scores, `per_category` of them, wrong
 * answers first. */
iad_status iad_reason_page(const json_t *results, const char *path, int per_category, int thumb, iad_err *err);

#endif
