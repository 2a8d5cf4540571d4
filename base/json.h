/* JSON over jansson, with limits for hostile input and getters that name what is missing. Include <jansson.h> for json_t. */
#ifndef IAD_BASE_JSON_H
#define IAD_BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_JSON_MAX_DEPTH 200
#define IAD_JSON_MAX_BYTES (1024u * 1024u * 1024u)

/* Parses text[n]; depth above max_depth (0: IAD_JSON_MAX_DEPTH) or duplicate keys are refused. `name` is used in messages
 * with line and column. The caller owns *root (json_decref). */
iad_status iad_json_parse(const char *text, size_t n, int max_depth, const char *name, json_t **root, iad_err *err);
/* Same from a file of at most max_bytes (0: IAD_JSON_MAX_BYTES). */
iad_status iad_json_load(const char *path, size_t max_bytes, json_t **root, iad_err *err);

/* Members of an object, borrowed. `where` names the object in messages ("train[12] of screw.json").
 * Missing or of another type: IAD_ERR_FORMAT. The _opt forms give the fallback for a missing member or null. */
iad_status iad_json_string(const json_t *object, const char *key, const char *where, const char **value, iad_err *err);
iad_status iad_json_string_opt(const json_t *object, const char *key, const char *fallback, const char *where, const char **value, iad_err *err);
iad_status iad_json_int(const json_t *object, const char *key, int64_t lo, int64_t hi, const char *where, int64_t *value, iad_err *err);
iad_status iad_json_number(const json_t *object, const char *key, const char *where, double *value, iad_err *err);
iad_status iad_json_array(const json_t *object, const char *key, const char *where, json_t **value, iad_err *err);
iad_status iad_json_object(const json_t *object, const char *key, const char *where, json_t **value, iad_err *err);

/* Canonical text: sorted keys, no white space, UTF-8 as is. Appended to out. */
iad_status iad_json_canonical(const json_t *value, iad_buf *out, iad_err *err);
/* Readable text: two spaces of indent, keys in order of insertion, one trailing newline. */
iad_status iad_json_pretty(const json_t *value, iad_buf *out, iad_err *err);

/* Appends text as a JSON string with its quotes (also safe inside HTML script blocks: '<' is escaped). */
iad_status iad_json_quote(const char *text, iad_buf *out, iad_err *err);

#endif
