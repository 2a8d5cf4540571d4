/* Files that name things, one a line: what a person ticked on a page and saved. */
#ifndef IAD_BASE_IDLIST_H
#define IAD_BASE_IDLIST_H

#include "base/status.h"
#include "base/text.h"

#define IAD_ID_LIST_MAX_BYTES (64u << 20)

/* Appends the first word of every line of text[n]. Blanks around it, empty lines, and what stands behind a '#' are ignored; lines end with LF, CR LF
 * or CR. `name` is used in messages. Errors: IAD_ERR_FORMAT (a second word, a NUL byte; with the line's number), IAD_ERR_NOMEM. */
iad_status iad_id_list_parse(const char *text, size_t n, const char *name, iad_strings *ids, iad_err *err);
/* The same from a file of at most IAD_ID_LIST_MAX_BYTES. */
iad_status iad_id_list_load(const char *path, iad_strings *ids, iad_err *err);

#endif
