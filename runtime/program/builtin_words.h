/* A text of ours that is large enough to train the tokenizers of small models on. */
#ifndef IAD_PROGRAM_BUILTIN_WORDS_H
#define IAD_PROGRAM_BUILTIN_WORDS_H

#include "base/buf.h"

/* Appends about 100 KB of English words as inspectors use them. The same bytes always. */
iad_status iad_builtin_text(iad_buf *text, iad_err *err);

#endif
