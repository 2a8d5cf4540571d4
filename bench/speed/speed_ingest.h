/* Speed of ingest beside bare decoding of the same files. */
#ifndef IAD_SPEED_INGEST_H
#define IAD_SPEED_INGEST_H

#include <stdio.h>

#include "base/status.h"

/* root: a folder that an adapter recognises. Decodes every picture and mask with libjpeg-turbo and libpng alone, from memory into a reused
 * row, then ingests the folder into a temporary manifest with one thread; both in turns, CPU time of the best turn. Prints files,
 * pixels, rates, and the share of the bare rate that ingest reaches. Files of other formats are left out of both counts of the bare
 * side and named. Errors: IAD_ERR_NOT_FOUND (no data set), IAD_ERR_IO, IAD_ERR_NOMEM, and what ingest reports. */
iad_status iad_speed_ingest(FILE *out, const char *root, iad_err *err);

#endif
