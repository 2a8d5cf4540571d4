/* How alike two texts are, as Python's difflib.SequenceMatcher sees it: the measure by which answers without a letter were given to options. */
#ifndef IAD_BENCH_DIFFLIB_H
#define IAD_BENCH_DIFFLIB_H

#include "base/status.h"

/* Characters of one text that are compared; what follows is ignored, so that a runaway answer cannot cost minutes. */
#define IAD_DIFFLIB_MAX 20000

/* 2 M / T over Unicode characters, M of them in the matching blocks of SequenceMatcher(None, a, b) with its "autojunk" (characters that are frequent
 * in a `b` of 200 or more are no starting points), T those of both; 1 for two empty texts. Bytes that are not UTF-8 count as one character each. The
 * order of the arguments matters, as it does there. Errors: IAD_ERR_NOMEM. */
iad_status iad_difflib_ratio(const char *a, const char *b, double *ratio, iad_err *err);

#endif
