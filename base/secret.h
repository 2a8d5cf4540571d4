/* The key of a service. It lives in memory only: it is never part of a message, a row, a file or a command line. */
#ifndef IAD_BASE_SECRET_H
#define IAD_BASE_SECRET_H

#include <stddef.h>

#include "base/status.h"

#define IAD_SECRET_MAX 4096

typedef struct iad_secret {
    char text[IAD_SECRET_MAX]; /* "" : none */
} iad_secret;

/* From the variable `env` or the file `path` (its first line); both NULL: none. The file must be a regular file that only its owner can read (mode
 * 0600 or 0400). Errors name the variable or the file, never what it holds: IAD_ERR_NOT_FOUND, IAD_ERR_ARG (mode, both given, characters that no key
 * has). */
iad_status iad_secret_load(iad_secret *secret, const char *env, const char *path, iad_err *err);
/* Overwrites it. */
void iad_secret_clear(iad_secret *secret);
/* Replaces the key in text[n] by '*': servers like to repeat it in their errors. */
void iad_secret_hide(const iad_secret *secret, char *text, size_t n);

#endif
