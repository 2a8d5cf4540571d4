#include "bench/metrics/mapreader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/image/decode.h"

iad_status iad_mapreader_png(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err) {
    *plane = (iad_plane){0};
    iad_image16 image = {0};
    iad_image_info info = {0};
    IAD_TRY(iad_image_probe(bytes, n, name, &info, err));
    IAD_TRY(iad_image_decode16(bytes, n, name, &image, err));
    iad_status status = iad_plane_init(plane, image.width, image.height, err);
    size_t count = (size_t)image.width * (size_t)image.height;
    /* 8-bit values come widened by 257; here they keep their own scale. */
    const int divide = info.depth == 16 ? 1 : 257;
    for (size_t i = 0; i < count && status == IAD_OK; i++) plane->px[i] = (float)(image.px[i] / divide);
    iad_image16_deinit(&image);
    return status;
}

iad_status iad_mapreader_decode(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err) {
    const uint8_t *p = bytes;
    *plane = (iad_plane){0};
    iad_status status;
    if (n >= 6 && !memcmp(p, "\x93NUMPY", 6)) status = iad_mapreader_npy(bytes, n, name, plane, err);
    else if (n >= 4 && (!memcmp(p, "II*\0", 4) || !memcmp(p, "MM\0*", 4) || !memcmp(p, "II+\0", 4) || !memcmp(p, "MM\0+", 4)))
        status = iad_mapreader_tiff(bytes, n, name, plane, err);
    else if (iad_image_sniff(bytes, n) == IAD_IMAGE_PNG) status = iad_mapreader_png(bytes, n, name, plane, err);
    else return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an anomaly map (.npy, TIFF or PNG)", name);
    IAD_TRY(status);
    size_t count = (size_t)plane->width * (size_t)plane->height;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(plane->px[i])) continue;
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: score %g at x=%zu y=%zu is not a finite number", name, (double)plane->px[i],
                          i % (size_t)plane->width, i / (size_t)plane->width);
        iad_plane_deinit(plane);
        return status;
    }
    return IAD_OK;
}

iad_status iad_mapreader_load(const char *path, iad_plane *plane, iad_err *err) {
    *plane = (iad_plane){0};
    uint8_t *data = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(path, IAD_MAPREADER_MAX_BYTES, &data, &n, err));
    iad_status status = iad_mapreader_decode(data, n, path, plane, err);
    free(data);
    return status;
}
