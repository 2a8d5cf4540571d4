/* Speed of making the records of stage 2 from a large manifest. */
#ifndef IAD_SPEED_RECORDS_H
#define IAD_SPEED_RECORDS_H

#include <stdio.h>

#include "base/status.h"

/* Makes a manifest of `pictures` rows in a scratch folder (100 categories; a quarter of the pictures defective, with masks; no picture files, since
 * records do not open any), then at least `records` records of stage 2 on `threads` threads, and prints rate and size. Errors: those of the manifest.
 */
iad_status iad_speed_records(FILE *out, int pictures, int records, int threads, iad_err *err);

#endif
