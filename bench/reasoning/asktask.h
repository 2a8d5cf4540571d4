/* The kinds of runs over questions: what each reads, which options it has, how it is scored. */
#ifndef IAD_BENCH_ASKTASK_H
#define IAD_BENCH_ASKTASK_H

#include "base/args.h"
#include "bench/reasoning/scorebook.h"
#include "bench/scorer.h"

typedef enum iad_ask_kind { IAD_ASK_REASONING = 0, IAD_ASK_MMAD, IAD_ASK_YESNO, IAD_ASK_BOXES, IAD_ASK_LOSS, IAD_ASK_KINDS } iad_ask_kind;
const char *iad_ask_kind_name(iad_ask_kind kind); /* "reasoning" "mmad" "yesno" "boxes" "instruct-loss" */
/* 0: no such task. */
int iad_ask_kind_parse(const char *name, iad_ask_kind *kind);

typedef struct iad_ask_options {
    iad_ask_kind kind;
    const char *task; /* as given, for the option table */
    /* what is asked */
    const char *questions, *detection, *root, *exemplars, *classes, *templates, *knowledge, *db, *scheme, *rule, *question, *yes_means, *box_space,
        *compute;
    iad_strings datasets, categories, records;
    int64_t shots, seed, limit, low, stage;
    /* who answers */
    iad_scorer_options model;
    const char *answers;
    int64_t max_tokens;
    /* scores */
    const char *sbert, *judge, *judge_model, *judge_prompt, *judge_profile, *key_env;
    double judge_rpm;
    int64_t judge_tries, judge_concurrency;
    iad_strings judge_replies, gates;
    /* output */
    const char *out, *format;
    int64_t gallery;
    int restart, no_report;
} iad_ask_options;

#define IAD_ASK_N_OPTIONS 48

void iad_ask_options_init(iad_ask_options *o, iad_ask_kind kind);
/* The rows of this kind, end mark included (IAD_ASK_N_OPTIONS at most). */
void iad_ask_options_rows(iad_ask_options *o, iad_arg *table);
/* What the table cannot say. Errors: IAD_ERR_ARG. */
iad_status iad_ask_options_check(const iad_ask_options *o, iad_err *err);
void iad_ask_options_deinit(iad_ask_options *o);

/* Reads the questions. Errors: those of the readers. */
iad_status iad_ask_load(const iad_ask_options *o, iad_asks *asks, iad_err *err);
/* The tables of this kind. */
iad_status iad_ask_score(const iad_ask_options *o, iad_scorebook *book, iad_err *err);

#endif
