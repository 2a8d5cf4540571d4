/* All questions to one answer. */
#ifndef IAD_ANNOTATE_JUDGE_ANSWER_H
#define IAD_ANNOTATE_JUDGE_ANSWER_H

#include "annotate/check/quality.h"

#define IAD_MAX_FINDINGS 32

typedef struct iad_finding {
    const char *check; /* "transport", "refusal", "length", "language", "repetition", "form", "distinct", "aspect", "contradiction", "hedging",
                        * "relevance", "watermark", "defect" */
    char field[40];    /* "": the whole answer */
    int fail;          /* 1: the answer is rejected; 0: a note about the picture */
    char why[IAD_WHY];
} iad_finding;

typedef struct iad_judged {
    int ok;       /* nothing failed */
    int withhold; /* 1: the answer stands, but its texts must not become captions: off topic, a large watermark, a visible defect on a picture that is
                   * not known to be anomalous */
    iad_answer_fields fields;
    char *texts[IAD_PROMPT_MAX_FIELDS]; /* without "The image shows", owned; NULL where the answer could not be read */
    iad_finding findings[IAD_MAX_FINDINGS];
    size_t n;
} iad_judged;

typedef struct iad_judge_facts {
    const iad_prompt *prompt;
    const char *model;    /* asked for */
    int names_differ;     /* of the profile */
    const char *category; /* "" unknown */
    const char *colour;   /* of iad_chat_colour */
    int anomalous;        /* the picture is known to show a defect */
} iad_judge_facts;

/* Errors: IAD_ERR_NOMEM only; a bad answer is a finding. */
iad_status iad_judge_answer(iad_judged *judged, const iad_judge_facts *facts, const iad_chat_answer *answer, iad_err *err);
void iad_judged_deinit(iad_judged *judged);

#endif
