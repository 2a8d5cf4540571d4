/* Building result JSON: values that may be undefined become null, the first failure sticks and is reported once. */
#ifndef IAD_BENCH_JSONWRITE_H
#define IAD_BENCH_JSONWRITE_H

#include <jansson.h>

#include "base/status.h"

/* An object under construction. `failed` becomes 1 when memory is out or a text is not UTF-8. */
typedef struct iad_jsonw {
    json_t *object;
    int failed;
} iad_jsonw;

iad_jsonw iad_jsonw_new(void);
void iad_jsonw_num(iad_jsonw *w, const char *key, double value); /* NaN and Inf become null */
void iad_jsonw_int(iad_jsonw *w, const char *key, long long value);
void iad_jsonw_str(iad_jsonw *w, const char *key, const char *text); /* NULL becomes null; bad UTF-8 bytes become '?' */
void iad_jsonw_take(iad_jsonw *w, const char *key, json_t *value);   /* owns value from here; NULL is a failure */

/* A text value with '?' for bytes that are not UTF-8: file names may be anything. NULL when memory is out. */
json_t *iad_jsonw_text(const char *text);

/* Hands the object over; on failure frees it and returns IAD_ERR_NOMEM. */
iad_status iad_jsonw_finish(iad_jsonw *w, json_t **object, iad_err *err);

/* Reading back: a member that is null or missing is NaN. */
double iad_json_num_or_nan(const json_t *object, const char *key);

#endif
