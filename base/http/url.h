/* URLs of http and https in one normal form, so that equal addresses are equal texts. Over libcurl's URL parser. */
#ifndef IAD_BASE_HTTP_URL_H
#define IAD_BASE_HTTP_URL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_URL_MAX 8192 /* bytes of a URL, as given and in normal form */

typedef struct iad_url {
    char *text;   /* "https://example.com/a%20b?c": owned, as are all below */
    char *scheme; /* http | https */
    char *host;   /* lower case, without brackets; IDNA form where libcurl can make it */
    char *origin; /* "https://example.com:443": what robots.txt is valid for */
    char *target; /* "/a%20b?c" */
    char *domain; /* registrable domain ("example.co.uk"), by the public suffix list; an address with its port */
    int port;
} iad_url;

/* Reads `text`, relative to `base` (may be NULL). Spaces around it and tabs and newlines inside are dropped, bytes that do not belong into
 * a URL are percent-encoded, scheme and host become lower case, default port, user name, password and fragment are dropped, "." and
 * ".." are resolved. Errors: IAD_ERR_FORMAT (no URL), IAD_ERR_UNSUPPORTED (another scheme than http and https), IAD_ERR_LIMIT (length),
 * IAD_ERR_NOMEM; the struct is all zero then. */
iad_status iad_url_parse(const char *text, const char *base, iad_url *url, iad_err *err);
void iad_url_deinit(iad_url *url);

/* Appends bytes percent-encoded for a query's value: all but A-Z a-z 0-9 - . _ ~ (RFC 3986, 2.3). */
iad_status iad_url_encode(iad_buf *out, const char *bytes, size_t n, iad_err *err);
/* Appends the bytes behind percent signs; what is no escape stays. Bytes of value 0 stay encoded. */
iad_status iad_url_decode(iad_buf *out, const char *text, size_t n, iad_err *err);

#endif
