/* JSON as one array of values, read in one pass: for texts that come by the thousand, where the tree of json.h costs more than all that is done
 * with it (about a tenth of its time). It takes and refuses exactly what iad_json_parse does, which stays its oracle (tests/fuzz/fuzz_jsonflat.c). */
#ifndef IAD_BASE_JSONFLAT_H
#define IAD_BASE_JSONFLAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum iad_flat_type {
    IAD_FLAT_NULL = 0,
    IAD_FLAT_FALSE,
    IAD_FLAT_TRUE,
    IAD_FLAT_INT,
    IAD_FLAT_REAL,
    IAD_FLAT_STRING,
    IAD_FLAT_ARRAY,
    IAD_FLAT_OBJECT
} iad_flat_type;

typedef struct iad_flat_value {
    iad_flat_type type;
    uint32_t next;   /* place behind this value and all inside it */
    const char *key; /* of a member of an object, NUL-terminated; else NULL */
    union {
        int64_t number;
        double real;
        const char *text; /* NUL-terminated UTF-8 without NUL bytes */
        size_t n;         /* members of an array or object */
    } is;
} iad_flat_value;

/* values[0] is the whole; the members of values[i] follow it, the first at i + 1, each next one at the `next` of the one before. */
typedef struct iad_json_flat {
    iad_flat_value *values;
    size_t n, cap;
    char *text; /* what keys and strings point into */
} iad_json_flat;

/* Parses text[n]: an object or array, at most max_depth deep (0: IAD_JSON_MAX_DEPTH), without duplicate keys. `name` is used in messages with the
 * byte. Errors: IAD_ERR_FORMAT, IAD_ERR_LIMIT (depth, IAD_JSON_MAX_BYTES), IAD_ERR_NOMEM; nothing is left to be freed then. */
iad_status iad_json_flat_parse(const char *text, size_t n, int max_depth, const char *name, iad_json_flat *flat, iad_err *err);
void iad_json_flat_deinit(iad_json_flat *flat);

/* The member of an object, or the i-th of an array; NULL when it is not there, or `of` is NULL or of another type. */
const iad_flat_value *iad_flat_get(const iad_json_flat *flat, const iad_flat_value *of, const char *key);
const iad_flat_value *iad_flat_at(const iad_json_flat *flat, const iad_flat_value *of, size_t i);

/* The text of a string; NULL for everything else. */
static inline const char *iad_flat_text(const iad_flat_value *value) { return value && value->type == IAD_FLAT_STRING ? value->is.text : NULL; }

#endif
