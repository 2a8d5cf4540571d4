/* Phrasings of questions and answers. They live in versioned text files (templates/<name>.txt, carried inside the program; --templates DIR reads
 * others):
 *
 *     version 1
 *     [s2_outlier index en]              task, form, language; options behind: yes_means=normal canonical
 *     ? These {n} images show the same kind of product ({category}). Which one ...     a question
 *     ! Image {index}                    an answer (forms whose answer is words)
 *
 * "#" starts a comment line; every ? or ! line is one phrasing. {slot} is replaced; {{ and }} are braces. *word* marks an anomaly word and +word+ a
 * normal word: the marks vanish, the places become the record's spans (bytes of the finished question). "<image>" never occurs: images are put in
 * front by the maker. */
#ifndef IAD_SYNTH_TEMPLATES_H
#define IAD_SYNTH_TEMPLATES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "manifests/manifest.h"

typedef struct iad_phrasing {
    const char *text; /* with slots and marks */
    int64_t row;      /* id in the manifest's table `template`; 0 before iad_templates_store */
} iad_phrasing;

/* One section of a file. */
typedef struct iad_template_form {
    const char *task, *form, *lang;
    const char *yes_means; /* normal | anomalous, or NULL */
    int canonical;
    int version;
    iad_phrasing *questions, *answers;
    size_t n_questions, n_answers;
} iad_template_form;

typedef struct iad_templates iad_templates;
/* folder NULL: the built-in ones. Errors name file and line: IAD_ERR_FORMAT (unknown section form, unclosed slot or mark, a form without question, a
 * second canonical form of a task with another yes_means), IAD_ERR_NOT_FOUND, IAD_ERR_IO. */
iad_status iad_templates_load(const char *folder, iad_templates **templates, iad_err *err);
/* One file's text; name is used in messages. Adds to *templates (made when NULL). What fuzzing calls. */
iad_status iad_templates_parse(const char *text, size_t n, const char *name, iad_templates **templates, iad_err *err);
void iad_templates_free(iad_templates *templates);
/* NULL when there is none. */
const iad_template_form *iad_templates_find(const iad_templates *templates, const char *task, const char *form, const char *lang);
const iad_template_form *iad_templates_all(const iad_templates *templates, size_t *n);
/* Writes the questions into the manifest's table `template` and remembers the rows' ids. Within the caller's transaction. */
iad_status iad_templates_store(iad_templates *templates, iad_manifest *manifest, iad_err *err);

typedef struct iad_slot { const char *name, *value; } iad_slot;
/* Fills a phrasing. `head` (the image marks, may be "") stands in front and counts in the spans. Appends text to *out, and JSON lists
 * [[start,end,"word"],...] to anomaly and normal (each may be NULL). A slot that has no value is IAD_ERR_ARG with its name. */
iad_status iad_phrasing_fill(const char *text, const char *head, const iad_slot *slots, size_t n, iad_buf *out, iad_buf *anomaly, iad_buf *normal,
                             iad_err *err);

#endif
