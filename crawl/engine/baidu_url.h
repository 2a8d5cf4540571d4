/* Addresses as Baidu's image search writes them. */
#ifndef IAD_CRAWL_BAIDU_URL_H
#define IAD_CRAWL_BAIDU_URL_H

#include "base/buf.h"
#include "base/status.h"

/* Appends the plain form of an obfuscated address; one that is plain already (does not begin with "ippr") is appended as it is. Errors:
 * IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_baidu_url_decode(const char *text, iad_buf *out, iad_err *err);

/* 1 when `url` is one of Baidu's own copies (thumbnails, caches) rather than the original. */
int iad_baidu_url_is_copy(const char *url);

/* Appends the original address inside a wrapper (gimg2.baidu.com/image_search/src=...), or the address itself. Wrappers expire, the
 * original does not. */
iad_status iad_baidu_url_unwrap(const char *url, iad_buf *out, iad_err *err);

#endif
