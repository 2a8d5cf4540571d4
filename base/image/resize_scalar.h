/* Internal to the resampler: both passes of the antialiased resize in plain C. */
#ifndef IAD_IMAGE_RESIZE_SCALAR_H
#define IAD_IMAGE_RESIZE_SCALAR_H

#include "base/image/resize_axis.h"

/* dst is initialised to across->out x down->out with src's channels. Errors: IAD_ERR_NOMEM. */
iad_status iad_resize_passes_scalar(const iad_image *src, const iad_axis *across, const iad_axis *down, iad_image *dst,
                                    iad_err *err);

#endif
