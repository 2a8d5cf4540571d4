/* What the pixel values of VisA's raw masks mean, per category (the data set's published id list). */
#ifndef IAD_MANIFESTS_VISA_CLASSES_H
#define IAD_MANIFESTS_VISA_CLASSES_H

#include <jansson.h>

#include "base/status.h"

/* *values: new object {"1": "burnt", ...} (json_decref); NULL for a category that is not one of the twelve. */
iad_status iad_visa_classes(const char *category, json_t **values, iad_err *err);

#endif
