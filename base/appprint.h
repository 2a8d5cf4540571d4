/* Data of a program to its standard output. Used by programs only. */
#ifndef IAD_BASE_APPPRINT_H
#define IAD_BASE_APPPRINT_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"

/* Errors: IAD_ERR_IO (a full disk, a closed pipe). */
iad_status iad_app_print(const char *text, size_t n, iad_err *err);
/* As JSON with indent. */
iad_status iad_app_print_json(const json_t *value, iad_err *err);

#endif
