/* The prompts of the judge: versioned text files, some of which travel inside the program.
 *
 *     # comment
 *     id judge-two           letters, digits, '-'
 *     version 1
 *     scores 2               2: the reference and the answer are rated; 1: the answer alone
 *     max_tokens 400
 *     temperature 0
 *     ---
 *     text with {category}, {question}, {reference}, {answer} */
#ifndef IAD_BENCH_JUDGEPROMPT_H
#define IAD_BENCH_JUDGEPROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_JUDGE_PROMPT_MAX 32768 /* bytes of a file */

typedef struct iad_judge_prompt {
    char id[64];
    int version, scores, max_tokens;
    double temperature;
    char *file;       /* the whole file, owned */
    const char *text; /* behind "---" */
    char sha256[65];  /* of the file, hex */
} iad_judge_prompt;

/* The files inside the program (embed_texts.cmake makes the table). */
typedef struct iad_judge_file {
    const char *name, *text;
    size_t n;
} iad_judge_file;
extern const iad_judge_file iad_builtin_judges[];
extern const size_t iad_builtin_judges_n;

/* `name` is used in messages. Errors: IAD_ERR_FORMAT names the file and the line; IAD_ERR_LIMIT. */
iad_status iad_judge_prompt_parse(iad_judge_prompt *prompt, const char *text, size_t n, const char *name, iad_err *err);
/* A built-in one by its id ("judge-two", the highest version, or "judge-two@1"), or a file, when `which` has a '/' or a '.'. Errors also:
 * IAD_ERR_NOT_FOUND lists what there is. */
iad_status iad_judge_prompt_load(iad_judge_prompt *prompt, const char *which, iad_err *err);
void iad_judge_prompt_deinit(iad_judge_prompt *prompt);

/* Appends the text with the four values in place; braces inside of values stay as they are. */
iad_status iad_judge_prompt_fill(const iad_judge_prompt *prompt, const char *category, const char *question, const char *reference,
                                 const char *answer, iad_buf *out, iad_err *err);

#endif
