/* One record of visa_dr.json: a picture's questions and what answers there are, in any of the forms that are accepted (adapter_visa_dr.c names them).
 * Shared by the adapter and by the benchmark, which reads such files without a manifest. */
#ifndef IAD_MANIFESTS_DIALOGUE_RECORD_H
#define IAD_MANIFESTS_DIALOGUE_RECORD_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"

enum { IAD_DIALOGUE_MAX_TURNS = 64 };

typedef struct iad_dialogue_record {
    const char *image;                           /* as listed; not yet checked (iad_path_safe) */
    const char *questions[IAD_DIALOGUE_MAX_TURNS]; /* borrowed from the record */
    const char *answers[IAD_DIALOGUE_MAX_TURNS];   /* NULL: not found */
    size_t n;
} iad_dialogue_record;

/* `where` names the record. Errors: IAD_ERR_FORMAT, IAD_ERR_LIMIT (a text above IAD_SCAN_MAX_TEXT). */
iad_status iad_dialogue_record_read(const json_t *record, const char *where, iad_dialogue_record *d, iad_err *err);

/* The class in a listed path: "VisA/candle/..." -> candle; "visa" when there is none. */
void iad_visa_dr_class(const char *listed, char *name, size_t size);
/* The classes that the authors' scripts leave out. */
int iad_visa_dr_left_out(const char *class_name);

#endif
