/* Speed of the resampler beside Pillow and scipy, one thread each. */
#ifndef IAD_SPEED_RESIZE_H
#define IAD_SPEED_RESIZE_H

#include <stdio.h>

#include "base/status.h"

/* Times our resize kernels (every one this processor runs, the scalar oracle too) and the Gaussian filter on noise, then the same
 * cases with Pillow and scipy through the interpreter `python` (a path or a name in PATH; NULL: not run), and prints a table: the
 * best of several runs in ms, and how many times faster we are. A Python that cannot be run, or lacks a package, is reported in
 * the table and is no error. Errors: IAD_ERR_NOMEM and what the kernels report. */
iad_status iad_speed_resize(FILE *out, const char *python, iad_err *err);

#endif
