/* defects_config.json of MVTec LOCO AD: which pixel value of a mask is which defect. */
#ifndef IAD_MANIFESTS_LOCO_CONFIG_H
#define IAD_MANIFESTS_LOCO_CONFIG_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"

/* text[n]: a list of {"defect_name": "...", "pixel_value": 1..255, ...}. *values: {"255": "missing_part", ...} (json_decref), NULL
 * for an empty list or a failure. */
iad_status iad_loco_config_parse(const char *text, size_t n, const char *name, json_t **values, iad_err *err);

#endif
