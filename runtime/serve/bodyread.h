/* Reading the JSON of a request: every member known, of its type, within its range; the place is kept for the error. */
#ifndef IAD_SERVE_BODYREAD_H
#define IAD_SERVE_BODYREAD_H

#include <jansson.h>
#include <stdint.h>

#include "base/status.h"

enum { IAD_BODY_MAX_DEPTH = 64, IAD_PARAM_MAX = 128 };

typedef struct iad_body {
    char param[IAD_PARAM_MAX]; /* what is being read: "messages[2].content[0].text"; of the error when one comes */
} iad_body;

/* "prefix.key" becomes the param; prefix "" for members of the root. The member, or NULL when it is missing or null. */
json_t *iad_body_member(iad_body *body, const json_t *object, const char *prefix, const char *key);
/* IAD_FAIL with the param in front. */
iad_status iad_body_fail(const iad_body *body, iad_status code, iad_err *err, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* value must be an object and have members of names (NULL-terminated) only. */
iad_status iad_body_known(iad_body *body, const json_t *value, const char *prefix, const char *const *names, iad_err *err);
/* These leave *value alone when the member is missing or null. Errors: IAD_ERR_FORMAT (type), IAD_ERR_ARG (range). */
iad_status iad_body_i64(iad_body *body, const json_t *object, const char *prefix, const char *key, int64_t lo, int64_t hi, int64_t *value,
                        iad_err *err);
iad_status iad_body_f64(iad_body *body, const json_t *object, const char *prefix, const char *key, double lo, double hi, double *value, iad_err *err);
iad_status iad_body_flag(iad_body *body, const json_t *object, const char *prefix, const char *key, int *value, iad_err *err);
/* 1..max bytes; borrowed from the JSON. */
iad_status iad_body_text(iad_body *body, const json_t *object, const char *prefix, const char *key, size_t max, const char **value, iad_err *err);
/* One of the choices "a|b". */
iad_status iad_body_choice(iad_body *body, const json_t *object, const char *prefix, const char *key, const char *choices, const char **value,
                           iad_err *err);

#endif
