/* Speed of synthesis, one thread, beside the codec alone and what people do in Python; and of making training records. */
#ifndef IAD_SPEED_SYNTH_H
#define IAD_SPEED_SYNTH_H

#include <stdio.h>

#include "base/status.h"

typedef struct iad_speed_synth_options {
    const char *python;   /* NULL: no baseline */
    const char *baseline; /* bench/speed/synth_baseline.py */
    int side;             /* of the picture, a rendered part; 64..1024 */
    int repeats;          /* of each measurement; the mean counts, since defects differ in size */
    int pictures;         /* of the manifest for the records; 0: no records */
    int records;          /* at least so many */
    int threads;          /* for the records; all else runs on one thread */
    int floor;            /* least JPEG to JPEG pictures per second of processor time of every preset; 0: none */
} iad_speed_synth_options;

/* Prints tables. Errors: IAD_ERR_IO (scratch folder), IAD_ERR_LIMIT (slower than floor), those of what is measured. */
iad_status iad_speed_synth(FILE *out, const iad_speed_synth_options *options, iad_err *err);

#endif
