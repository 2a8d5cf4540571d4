/* Everything that the manifest knows about one thing. */
#ifndef IAD_MANIFESTS_SHOW_H
#define IAD_MANIFESTS_SHOW_H

#include <jansson.h>

#include "base/status.h"
#include "manifests/manifest.h"

/* kind: picture | dataset | category | task | set | run | mask. key: a row id; or, for pictures, a path (of its file,
 * "dataset/path", or the path within its data set when only one has it); for data sets a name; for categories
 * "dataset/name" or a name that only one data set has. *object is a new JSON object (json_decref): the row's columns
 * without NULLs, hashes in hexadecimal, and what points at it. Errors: IAD_ERR_NOT_FOUND names kind and key,
 * IAD_ERR_ARG (unknown kind, several pictures fit). */
iad_status iad_show(iad_manifest *manifest, const char *kind, const char *key, json_t **object, iad_err *err);

#endif
