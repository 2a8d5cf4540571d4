/* The files of a tokenizer on their way from one model folder to another. */
#ifndef IAD_TOKEN_TOKENIZER_COPY_H
#define IAD_TOKEN_TOKENIZER_COPY_H

#include "base/status.h"

/* Copies the tokenizer's files of one folder into another, tokenizer.json last. IAD_ERR_NOT_FOUND when there are none. */
iad_status iad_tokenizer_copy(const char *from, const char *to, iad_err *err);

#endif
