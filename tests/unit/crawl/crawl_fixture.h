/* Pictures and manifests for tests of the crawl. */
#ifndef IAD_TEST_CRAWL_FIXTURE_H
#define IAD_TEST_CRAWL_FIXTURE_H

#include "base/image/encode.h"
#include "base/rng.h"
#include "tests/unit/iad_test.h"

/* A picture of soft blobs that differ with the seed: no two seeds are near copies. Caller: iad_image_deinit. */
static inline iad_image fixture_picture(int width, int height, uint64_t seed) {
    iad_err err;
    iad_image image;
    iad_rng rng;
    double x[12], y[12], r[12];
    int colour[12][3];
    iad_rng_init(&rng, seed, 77);
    assert_ok(iad_image_init(&image, width, height, 3, &err));
    for (int k = 0; k < 12; k++) {
        x[k] = iad_rng_unit(&rng);
        y[k] = iad_rng_unit(&rng);
        r[k] = iad_rng_range(&rng, 0.05, 0.25);
        for (int c = 0; c < 3; c++) colour[k][c] = iad_rng_int(&rng, 0, 255);
    }
    for (int py = 0; py < height; py++)
        for (int px = 0; px < width; px++) {
            uint8_t *p = iad_image_at(&image, px, py);
            for (int c = 0; c < 3; c++) p[c] = (uint8_t)(200 + (px * 7 + py * 13) % 23);
            for (int k = 0; k < 12; k++) {
                double dx = (double)px / width - x[k], dy = (double)py / height - y[k];
                if (dx * dx + dy * dy < r[k] * r[k])
                    for (int c = 0; c < 3; c++) p[c] = (uint8_t)((p[c] + 3 * colour[k][c]) / 4);
            }
        }
    return image;
}

/* The same as a JPEG file. Caller: iad_buf_deinit. */
static inline iad_buf fixture_jpeg(int width, int height, uint64_t seed) {
    iad_err err;
    iad_buf out;
    iad_image image = fixture_picture(width, height, seed);
    iad_jpeg_options options = {.quality = 92};
    iad_buf_init(&out, 64 << 20);
    assert_ok(iad_encode_jpeg(&image, &options, &out, &err));
    iad_image_deinit(&image);
    return out;
}

#endif
