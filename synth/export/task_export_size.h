/* What a Qwen2.5-VL model sees of a picture. */
#ifndef IAD_SYNTH_TASK_EXPORT_SIZE_H
#define IAD_SYNTH_TASK_EXPORT_SIZE_H

#include "base/status.h"

#define IAD_EXPORT_FACTOR 28
#define IAD_EXPORT_MAX_ASPECT 200

/* Size after smart_resize (synth-data 3.6): sides are multiples of 28, their product lies within min..max pixels where that is possible, halves are
 * rounded to even. Errors: IAD_ERR_ARG (sizes or limits not positive, min above max), IAD_ERR_UNSUPPORTED (one side more than 200 times the other).
 */
iad_status iad_export_resized(int width, int height, int min_pixels, int max_pixels, int *new_width, int *new_height, iad_err *err);

#endif
