/* Pieces of self-contained HTML pages: escaped text and embedded pictures. */
#ifndef IAD_BASE_HTML_H
#define IAD_BASE_HTML_H

#include "base/buf.h"
#include "base/status.h"

/* Text for element content and for quoted attributes: & < > " ' are escaped, control bytes and bytes that are not UTF-8 become '?'. */
iad_status iad_html_text(iad_buf *out, const char *text, iad_err *err);

/* RFC 4648 base64 with padding. */
iad_status iad_base64(iad_buf *out, const void *bytes, size_t n, iad_err *err);

/* data:<mime>;base64,... */
iad_status iad_html_data_uri(iad_buf *out, const char *mime, const void *bytes, size_t n, iad_err *err);

#endif
