/* Speed of the annotator against the scripted endpoint, beside an asyncio client with the openai package. */
#ifndef IAD_SPEED_ANNOTATE_H
#define IAD_SPEED_ANNOTATE_H

#include <stdio.h>

#include "base/status.h"

typedef struct iad_speed_annotate_options {
    const char *python;   /* with openai; NULL: not run */
    const char *baseline; /* bench/speed/annotate_baseline.py */
    int pictures;         /* 64..1000000 */
    int side;             /* of the pictures, 64.. */
    int threads;
} iad_speed_annotate_options;

/* Prints a table: answers per second and what share that is of what 64 requests at a time with answers after 50 ms allow, processor time
 * per answer of both, and of ours without reading, decoding and encoding the pictures (measured alone, in this process). The endpoint runs
 * on the same machine. iad-annotate, iad-manifest and ../tests/iad_endpoint are those beside this program. Errors: IAD_ERR_IO (a program
 * cannot be started, scratch folder), IAD_ERR_FORMAT (ours did not answer all). */
iad_status iad_speed_annotate(FILE *out, const iad_speed_annotate_options *options, iad_err *err);

#endif
