/* Connected regions of a mask. */
#ifndef IAD_MANIFESTS_COMPONENTS_H
#define IAD_MANIFESTS_COMPONENTS_H

#include <stdint.h>

#include "base/image/image.h"
#include "base/status.h"

typedef struct iad_component {
    int x0, y0, x1, y1; /* bounding box, x1 and y1 exclusive */
    int64_t area;       /* pixels */
} iad_component;

/* 8-connected regions of the non-zero pixels of a one-channel image, in raster order of their first pixel. *items is
 * owned by the caller (free). Memory: proportional to the number of runs of non-zero pixels. Errors: IAD_ERR_ARG,
 * IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_components(const iad_image *mask, iad_component **items, size_t *n, iad_err *err);

#endif
