#include "synth/export/task_export_size.h"

#include <math.h>

static double at_least(double value) { return value < IAD_EXPORT_FACTOR ? IAD_EXPORT_FACTOR : value; }

iad_status iad_export_resized(int width, int height, int min_pixels, int max_pixels, int *new_width, int *new_height, iad_err *err) {
    const double f = IAD_EXPORT_FACTOR, w = width, h = height;
    if (width < 1 || height < 1) return IAD_FAIL(err, IAD_ERR_ARG, "a picture of %d x %d pixels", width, height);
    if (min_pixels < 1 || max_pixels < min_pixels || max_pixels < IAD_EXPORT_FACTOR * IAD_EXPORT_FACTOR)
        return IAD_FAIL(err, IAD_ERR_ARG, "limits of %d to %d pixels", min_pixels, max_pixels);
    if ((w > h ? w / h : h / w) > IAD_EXPORT_MAX_ASPECT)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "a picture of %d x %d pixels is too long for the model (%d : 1 at most)", width, height,
                        IAD_EXPORT_MAX_ASPECT);
    double nw = at_least(f * nearbyint(w / f)), nh = at_least(f * nearbyint(h / f));
    if (nw * nh > max_pixels) {
        double b = sqrt(h * w / max_pixels);
        nw = at_least(f * floor(w / b / f));
        nh = at_least(f * floor(h / b / f));
    } else if (nw * nh < min_pixels) {
        double b = sqrt(min_pixels / (h * w));
        nw = f * ceil(w * b / f);
        nh = f * ceil(h * b / f);
    }
    *new_width = (int)nw;
    *new_height = (int)nh;
    return IAD_OK;
}
