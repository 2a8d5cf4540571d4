/* results.json: everything a benchmark measured, unrounded, and the tables made from it.
 *
 * {"format": "iadgpt-bench-1", "program": ..., "command": ..., "scorer": {"name","version"}, "refs": RULE, "round": -1,
 *  "presets": [{"name","hash","text","note"}],
 *  "units":   [{"dataset","category","shots","seed","preset","counts","exemplars","image","pixel","defects","curves","pictures","notes"}],
 *  "failed":  [{"unit": "mvtec/screw k=4 seed=0", "item": PATH or null, "reason"}],
 *  "summary": [{"preset","dataset","shots","seeds","categories": [{"category","normal","anomalous","metrics": {KEY: CELL}}], "mean": {KEY: CELL}}]}
 * CELL of a category: {"mean","sd" (over seeds, null for one),"n","low","high" (of the one unit, else null)};
 * CELL of the mean row: {"mean","sd","n" (seeds),"categories","undefined" (left out, one class or no masks)}. */
#ifndef IAD_BENCH_RESULTS_H
#define IAD_BENCH_RESULTS_H

#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_RESULTS_FORMAT "iadgpt-bench-1"

typedef struct iad_results_metric {
    const char *key;   /* "image_auroc" */
    const char *group; /* member of the unit: "image" or "pixel" */
    const char *field; /* member of the group: "auroc" */
    const char *title; /* "I-AUROC" */
    int shown;         /* 1: in the text table */
} iad_results_metric;

/* Ended by key NULL; the order of the table's columns. */
const iad_results_metric *iad_results_metrics(void);

/* Sorts "units" and replaces "summary". decimals: each category is rounded to so many decimals of a percent before the mean over
 * categories (some papers do); below 0: not rounded. */
iad_status iad_results_summarise(json_t *results, int decimals, iad_err *err);

/* DIR/results.json, atomically. */
iad_status iad_results_write(const json_t *results, const char *dir, iad_err *err);
/* From a folder or a file; checks the format. Errors: IAD_ERR_NOT_FOUND, IAD_ERR_FORMAT. */
iad_status iad_results_load(const char *path, json_t **results, iad_err *err);

/* Text tables, one per summary row; format: "table" | "tsv" | "markdown". */
iad_status iad_results_format(const json_t *results, const char *format, iad_buf *out, iad_err *err);

/* The mean row of one summary entry; NaN when undefined. */
double iad_results_mean(const json_t *summary_row, const char *key);

/* Checks "KEY=VALUE" gates (values as fractions or percents above 1.5) against every mean row; *failed counts rows below, each
 * named in *text. */
iad_status iad_results_gate(const json_t *results, const char *gate, int *failed, iad_buf *text, iad_err *err);

#endif
