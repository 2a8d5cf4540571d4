/* The rows of annotation: units, answers, verdicts, captions. Writers run inside the caller's transaction. */
#ifndef IAD_ANNOTATE_ANNOTATESTORE_H
#define IAD_ANNOTATE_ANNOTATESTORE_H

#include "annotate/check/judge_answer.h"
#include "annotate/client/chatanswer.h"
#include "manifests/manifest.h"

#define IAD_UNIT_BYTES 32

/* Parameters as canonical JSON: what changes an answer apart from picture, prompt, model and round. */
void iad_annotate_params(char out[160], int64_t max_pixels, int quality, double temperature, int64_t seed);
/* of_unit: NULL, or the answer that is audited. */
iad_status iad_annotate_unit(const uint8_t image_sha256[32], const uint8_t prompt_sha256[32], const char *model, const char *params, int round,
                             const uint8_t *of_unit, uint8_t unit[IAD_UNIT_BYTES], iad_err *err);

/* Keeps the prompt's text. */
iad_status iad_annotate_prompt_put(iad_manifest *m, const iad_prompt *prompt, iad_err *err);

typedef enum iad_unit_state {
    IAD_UNIT_MISSING = 0,
    IAD_UNIT_OK,
    IAD_UNIT_REJECTED,
    IAD_UNIT_FINAL /* filtered, unusable */,
    IAD_UNIT_IN_BATCH
} iad_unit_state;
iad_status iad_annotate_unit_state(iad_manifest *m, const uint8_t unit[IAD_UNIT_BYTES], iad_unit_state *state, iad_err *err);

typedef struct iad_answer_row {
    const uint8_t *unit, *image_sha256, *of_unit; /* of_unit may be NULL */
    int64_t image_id, run_id;
    const iad_prompt *prompt;
    const char *model, *params, *colour, *batch; /* batch may be NULL */
    int round, attempts;
    const char *raw; /* NULL with filtered and unusable */
    size_t n_raw;
    int64_t predicted, ms;
    double cost;
    int feedback; /* 1: pictures of a crawl that are off topic are refused there */
} iad_answer_row;

/* An answer with what was found about it; captions when it passed and its picture is fit. Nothing happens when the unit has an answer: *added = 0. */
iad_status iad_annotate_answer_put(iad_manifest *m, const iad_answer_row *row, const iad_chat_answer *answer, const iad_judged *judged, int *added,
                                   iad_err *err);
/* The end of a unit that will never have one: state "filtered" or "unusable". */
iad_status iad_annotate_final_put(iad_manifest *m, const iad_answer_row *row, const char *state, const char *detail, iad_err *err);
iad_status iad_annotate_trouble_put(iad_manifest *m, const iad_answer_row *row, const char *class_name, const char *detail, iad_err *err);

/* Captions of an answer: made from its raw text, or removed. */
iad_status iad_annotate_captions_put(iad_manifest *m, const uint8_t unit[IAD_UNIT_BYTES], int64_t image_id, const iad_prompt *prompt,
                                     const char *model, char *const *texts, int verified, iad_err *err);
iad_status iad_annotate_captions_drop(iad_manifest *m, const uint8_t unit[IAD_UNIT_BYTES], int64_t image_id, iad_err *err);

/* A person's word about answers, named by the first digits (8 and more) of their units. Rejected: the captions go, and the next run asks again with a
 * further round. Accepted: the captions come, whatever the checks said, and a refusal of the picture by its flags is taken back. Errors: IAD_ERR_ARG,
 * IAD_ERR_NOT_FOUND, naming the word; then nothing changed. */
iad_status iad_annotate_review(iad_manifest *m, const iad_strings *ids, int accept, const char *reason, int64_t run_id, int64_t *changed,
                               iad_err *err);

void iad_annotate_now(char out[32]); /* UTC, ISO 8601 */

#endif
