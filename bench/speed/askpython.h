/* What a user would run instead is mostly Python: one way to run it and hear what it prints. */
#ifndef IAD_SPEED_ASKPYTHON_H
#define IAD_SPEED_ASKPYTHON_H

#include "base/buf.h"
#include "base/status.h"

/* Runs words[0] (a path, or a name in PATH) with the words behind it, NULL ends them, and appends what it prints to *answer; its stderr is ours. *ok
 * = 0 when it cannot be run or fails: that is no error, the table then says that it is not there. Errors: IAD_ERR_IO (no pipe), IAD_ERR_NOMEM,
 * IAD_ERR_LIMIT (answer->max). */
iad_status iad_ask_python(const char *const *words, iad_buf *answer, int *ok, iad_err *err);

#endif
