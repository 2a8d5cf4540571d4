/* file:// addresses below the folders that the operator allowed. */
#ifndef IAD_SERVE_ALLOWEDFILE_H
#define IAD_SERVE_ALLOWEDFILE_H

#include "base/buf.h"
#include "base/text.h"

/* Reads the file of "file:///path" (percent-decoded) when, after all links, it is a regular file below one of the roots. The opened file
 * itself is looked at, not its name: nobody can change it in between. Errors: IAD_ERR_ARG (outside, or no root at all; whether it exists is
 * not told), IAD_ERR_LIMIT, IAD_ERR_NOT_FOUND (below a root), IAD_ERR_IO. *out is initialised here. */
iad_status iad_allowed_file_read(const iad_strings *roots, const char *address, size_t max, iad_buf *out, iad_err *err);

#endif
