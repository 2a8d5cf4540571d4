/* JSON as some servers write it. */
#ifndef IAD_CRAWL_LAXJSON_H
#define IAD_CRAWL_LAXJSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_LAXJSON_MAX_BYTES (32u * 1024u * 1024u)

/* Rewrites text[n] as strict JSON: inside strings an escape that JSON does not know stands for its letter (\' is '), raw control characters are
 * escaped, bytes that are not UTF-8, lone surrogates and \u0000 become U+FFFD; outside of strings nothing changes. Errors: IAD_ERR_LIMIT,
 * IAD_ERR_NOMEM. */
iad_status iad_laxjson_repair(const char *text, size_t n, iad_buf *out, iad_err *err);

/* Repairs and parses; the first of equal keys does not count. IAD_ERR_FORMAT names the place. */
iad_status iad_laxjson_parse(const char *text, size_t n, const char *name, json_t **root, iad_err *err);

/* For a text that does not parse as a whole: calls visit with every {...} that stands directly in the array of member `key` and parses by
 * itself. Stops at the end of the array or of the text. *n_bad: objects that did not parse. */
iad_status iad_laxjson_salvage(const char *text, size_t n, const char *key, iad_status (*visit)(void *user, json_t *item, iad_err *err), void *user,
                               size_t *n_bad, iad_err *err);

/* The string of a member, NULL when it is absent or no string. */
const char *iad_laxjson_string(const json_t *object, const char *key);
/* The number of a member, given as a number or as text; 0 otherwise. */
int64_t iad_laxjson_int(const json_t *object, const char *key);

#endif
