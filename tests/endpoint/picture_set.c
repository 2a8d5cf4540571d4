/* picture_set DIR N [SIDE]: N small JPEGs that all differ, in MVTec layout (DIR/part/train/good), for tests that need many pictures and not what is
 * on them. A file that is there is kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/image/encode.h"
#include "base/rng.h"
#include "base/text.h"

enum { MAX_JPEG = 1 << 20, TONES = 6 };

static iad_status write_picture(const char *dir, int64_t at, int side, iad_err *err) {
    static const iad_jpeg_options jpeg = {.quality = 90, .subsample = 1};
    char path[1200];
    iad_image image;
    iad_buf bytes;
    iad_rng rng;
    snprintf(path, sizeof path, "%.1000s/part/train/good/%07lld.jpg", dir, (long long)at);
    if (iad_file_exists(path)) return IAD_OK;
    IAD_TRY(iad_image_init(&image, side, side, 3, err));
    iad_rng_init(&rng, 3, (uint64_t)at);
    uint8_t tones[TONES * TONES];
    for (int i = 0; i < TONES * TONES; i++) tones[i] = (uint8_t)iad_rng_below(&rng, 256);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) memset(iad_image_at(&image, x, y), tones[y * TONES / side * TONES + x * TONES / side], 3);
    iad_buf_init(&bytes, MAX_JPEG);
    iad_status status = iad_encode_jpeg(&image, &jpeg, &bytes, err);
    if (status == IAD_OK) status = iad_file_write(path, bytes.data, bytes.len, err);
    iad_buf_deinit(&bytes);
    iad_image_deinit(&image);
    return status;
}

int main(int argc, char **argv) {
    iad_err err = IAD_ERR_NONE;
    int64_t n = 0, side = 64;
    char good[1100];
    if (argc < 3 || argc > 4) return fprintf(stderr, "usage: picture_set DIR N [SIDE]\n"), 2;
    iad_status status = iad_parse_i64(argv[2], 1, 10000000, "N", &n, &err);
    if (status == IAD_OK && argc == 4) status = iad_parse_i64(argv[3], 28, 2048, "SIDE", &side, &err);
    snprintf(good, sizeof good, "%.1000s/part/train/good", argv[1]);
    if (status == IAD_OK) status = iad_dir_make(good, &err);
    for (int64_t i = 0; status == IAD_OK && i < n; i++) status = write_picture(argv[1], i, (int)side, &err);
    if (status != IAD_OK) fprintf(stderr, "picture_set: %s\n", err.msg);
    return status == IAD_OK ? 0 : 1;
}
