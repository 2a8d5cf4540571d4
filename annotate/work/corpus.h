/* Questions to all texts together. */
#ifndef IAD_ANNOTATE_CORPUS_H
#define IAD_ANNOTATE_CORPUS_H

#include "base/buf.h"
#include "manifests/manifest.h"

#define IAD_CORPUS_MAX_SAME 3  /* identical texts are tolerated on so many pictures */
#define IAD_CORPUS_MAX_LIKE 20 /* texts of MinHash similarity 0.9 */

typedef struct iad_corpus_counts {
    int64_t texts, same_groups, like_groups, flagged;
} iad_corpus_counts;

/* Looks for texts that repeat over pictures, aspect by aspect and language by language, and notes their answers ("template" among the verdicts). The
 * finding of an earlier call is replaced. *worst receives lines "pictures<TAB>text" of the largest groups (10 at most). */
iad_status iad_corpus_templates(iad_manifest *m, iad_corpus_counts *counts, iad_buf *worst, iad_err *err);

#endif
