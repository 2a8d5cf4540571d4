/* All decoders: sniffing, probing, decoding with every option, 16-bit decoding. Besides memory errors this catches
 * results that contradict each other. */
#include <stdint.h>
#include <stdlib.h>

#include "base/image/decode.h"

#define MAX_PIXELS (1u << 16)

static void demand(int condition) {
    if (!condition) abort();
}

static unsigned read_pixels(const iad_image *image) {
    unsigned sum = 0;
    size_t n = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    for (size_t i = 0; i < n; i++) sum += image->px[i];
    return sum;
}

static void try_options(const uint8_t *data, size_t size, int channels, int keep, int raw) {
    iad_decode_options options = {MAX_PIXELS, channels, keep, raw};
    iad_image image;
    iad_image_info info, probed;
    iad_err err = IAD_ERR_NONE;
    iad_status status = iad_image_decode(data, size, "input", &options, &image, &info, &err);
    if (status != IAD_OK) {
        demand(err.code == status && err.msg[0] && !image.px);
        demand(status == IAD_ERR_FORMAT || status == IAD_ERR_LIMIT || status == IAD_ERR_UNSUPPORTED);
        return;
    }
    demand(info.width == image.width && info.height == image.height);
    demand(!channels || image.channels == channels);
    demand((uint64_t)image.width * (uint64_t)image.height <= MAX_PIXELS);
    demand(keep || !info.truncated);
    demand(iad_image_probe(data, size, NULL, &probed, NULL) == IAD_OK);
    demand(probed.width == info.width && probed.height == info.height && probed.format == info.format);
    demand(probed.orientation == info.orientation && probed.channels == info.channels);
    demand(read_pixels(&image) <= 255u * 3u * MAX_PIXELS); /* a branch on every pixel: shows the ones nobody wrote */
    iad_image_deinit(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_image_info info;
    iad_err err;
    if (iad_image_probe(data, size, "input", &info, &err) != IAD_OK) return 0;
    if ((uint64_t)info.width * (uint64_t)info.height > MAX_PIXELS) return 0;
    try_options(data, size, 0, 0, 0);
    try_options(data, size, 0, 1, 0);
    try_options(data, size, 1, 1, 0);
    try_options(data, size, 3, 0, 1);
    iad_image16 wide;
    if (iad_image_decode16(data, size, NULL, &wide, &err) == IAD_OK) {
        demand(wide.width == info.width && wide.height == info.height);
        iad_image16_deinit(&wide);
    }
    return 0;
}
