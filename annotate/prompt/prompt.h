/* Prompts: versioned text files. Some travel inside the program; a folder of others can be given.
 *
 *     # comment
 *     id split-en            letters, digits, '-'
 *     version 1
 *     lang en                en | zh
 *     mode split             split | variants | defect | audit, or a word of one's own
 *     pictures any           any | normal (also unlabelled) | anomalous
 *     max_tokens 700
 *     expected_tokens 330    of an answer; what predictions start from
 *     temperature 0.2
 *     field shape_structure overall 15 150     key in the answer, aspect of the caption (overall|material|structure|surface|defect), least and most
 * words flags yes              yes: the answer carries the flags
 *     ---
 *     text with {category}, {group}, {defect}, {place}, {texts}
 */
#ifndef IAD_ANNOTATE_PROMPT_H
#define IAD_ANNOTATE_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

#define IAD_PROMPT_MAX_FIELDS 4
#define IAD_PROMPT_MAX_BYTES 32768

typedef struct iad_prompt_field {
    char key[40], aspect[16];
    int min_words, max_words;
} iad_prompt_field;

typedef struct iad_prompt {
    char id[64], lang[4], mode[24], pictures[16];
    int version, max_tokens, expected_tokens, flags, audit; /* audit: mode is "audit", the answer judges another one */
    double temperature;
    iad_prompt_field fields[IAD_PROMPT_MAX_FIELDS];
    size_t n_fields;
    char *file;         /* the whole file, owned */
    const char *text;   /* behind "---" */
    char *schema;       /* JSON schema of the answer, owned */
    uint8_t sha256[32]; /* of the file */
} iad_prompt;

typedef struct iad_prompts {
    iad_prompt *items;
    size_t n, cap;
} iad_prompts;

/* Errors: IAD_ERR_FORMAT names the file and the line. */
iad_status iad_prompt_parse(iad_prompt *prompt, const char *text, size_t n, const char *name, iad_err *err);
void iad_prompt_deinit(iad_prompt *prompt);
/* The built-in ones, or those of a folder (*.txt). Two with the same id and version are IAD_ERR_EXISTS. */
iad_status iad_prompts_load(iad_prompts *prompts, const char *folder, iad_err *err);
void iad_prompts_deinit(iad_prompts *prompts);
/* Those of `ids` ("split-en" or "split-en@1"; the highest version counts), or, with no ids, the highest versions of all of `mode` and `lang`, in the
 * order of their names. chosen has room for prompts->n. IAD_ERR_NOT_FOUND lists what there is. */
iad_status iad_prompts_choose(const iad_prompts *prompts, const iad_strings *ids, const char *mode, const char *lang, const iad_prompt **chosen,
                              size_t *n, iad_err *err);

typedef struct iad_prompt_values {
    const char *category, *group, *defect, *place, *texts; /* NULL: "" */
} iad_prompt_values;
/* Appends the text with the values in place. Unknown names in braces stay. */
iad_status iad_prompt_fill(const iad_prompt *prompt, const iad_prompt_values *values, iad_buf *out, iad_err *err);

#endif
