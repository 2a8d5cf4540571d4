#include "bench/leak/leakfeatures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/image/decode.h"

enum { EDGE = 4 };

void iad_leak_feature_name(int feature, char text[24]) {
    static const char *const names[IAD_LEAK_FEATURES] = {
        [IAD_LEAK_BYTES] = "bytes",           [IAD_LEAK_JPEG] = "jpeg",
        [IAD_LEAK_PNG] = "png",               [IAD_LEAK_LUMA_TABLE] = "luma_table",
        [IAD_LEAK_CHROMA_TABLE] = "chroma_table", [IAD_LEAK_SUBSAMPLE] = "subsample",
        [IAD_LEAK_BORDER] = "border",         [IAD_LEAK_BORDER_MEAN] = "border_mean",
        [IAD_LEAK_MEAN] = "mean",             [IAD_LEAK_SD] = "sd",
        [IAD_LEAK_NOISE] = "noise",           [IAD_LEAK_CHROMA] = "chroma",
        [IAD_LEAK_WIDTH] = "width",           [IAD_LEAK_HEIGHT] = "height"};
    if (feature >= IAD_LEAK_PHASE_X && feature < IAD_LEAK_PHASE_Y + 8)
        snprintf(text, 24, "phase_%c%d", feature < IAD_LEAK_PHASE_Y ? 'x' : 'y', (feature - IAD_LEAK_PHASE_X) % 8);
    else snprintf(text, 24, "%s", feature >= 0 && feature < IAD_LEAK_FEATURES ? names[feature] : "?");
}

/* Means of the first two quantisation tables, and the subsampling, out of a JPEG's segments (ITU-T T.81, B.2). What is broken stays 0: the decoder
 * has judged the file. */
static void jpeg_tables(const uint8_t *p, size_t n, double *f) {
    for (size_t at = 2; at + 4 <= n && p[at] == 0xff;) {
        unsigned marker = p[at + 1];
        size_t length = (size_t)p[at + 2] << 8 | p[at + 3], end = at + 2 + length;
        if (marker == 0xda || length < 2 || end > n) return;
        if (marker == 0xdb)
            for (size_t t = at + 4; t < end;) {
                size_t wide = p[t] >> 4 ? 2 : 1, id = p[t] & 15, size = 64 * wide;
                if (t + 1 + size > end) return;
                double sum = 0;
                for (size_t i = 0; i < 64; i++) sum += wide == 2 ? p[t + 1 + 2 * i] * 256.0 + p[t + 2 + 2 * i] : p[t + 1 + i];
                if (id < 2) f[id == 0 ? IAD_LEAK_LUMA_TABLE : IAD_LEAK_CHROMA_TABLE] = sum / 64;
                t += 1 + size;
            }
        if (marker >= 0xc0 && marker <= 0xc2 && length >= 17 && p[at + 9] >= 3 && p[at + 14] != 0) {
            double luma = (double)(p[at + 11] >> 4) * (p[at + 11] & 15), chroma = (double)(p[at + 14] >> 4) * (p[at + 14] & 15);
            if (chroma > 0) f[IAD_LEAK_SUBSAMPLE] = luma / chroma;
        }
        at = end;
    }
}

/* Sum and number of steps across one axis by position modulo 8, of `lines` lines of `length` pixels. */
static void phase_steps(const iad_image *grey, int across, double *phase) {
    double sum[8] = {0}, total = 0;
    int64_t count[8] = {0}, all = 0;
    int length = across ? grey->width : grey->height, lines = across ? grey->height : grey->width;
    size_t step = across ? 1 : (size_t)grey->width, line = across ? (size_t)grey->width : 1;
    for (int j = 0; j < lines; j++) {
        const uint8_t *p = grey->px + (size_t)j * line;
        for (int i = 1; i < length; i++) {
            int d = abs(p[(size_t)i * step] - p[(size_t)(i - 1) * step]);
            sum[i & 7] += d;
            count[i & 7]++;
        }
    }
    for (int k = 0; k < 8; k++) {
        total += sum[k];
        all += count[k];
    }
    for (int k = 0; k < 8; k++) phase[k] = total > 0 && count[k] > 0 ? sum[k] / (double)count[k] / (total / (double)all) : 1;
}

static void pixel_statistics(const iad_image *picture, const iad_image *grey, double *f) {
    int w = grey->width, h = grey->height;
    double sum = 0, squares = 0, laplace = 0, chroma = 0, step[2] = {0}, level[2] = {0};
    int64_t count[2] = {0};
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const uint8_t *p = iad_image_at(grey, x, y);
            sum += *p;
            squares += (double)*p * *p;
            if (picture->channels == 3) {
                const uint8_t *c = iad_image_at(picture, x, y);
                int low = c[0] < c[1] ? c[0] : c[1], high = c[0] > c[1] ? c[0] : c[1];
                if (c[2] < low) low = c[2];
                if (c[2] > high) high = c[2];
                chroma += high - low;
            }
            if (x == 0 || y == 0 || x == w - 1 || y == h - 1) continue;
            int inner = x >= EDGE && y >= EDGE && x < w - EDGE && y < h - EDGE;
            step[inner] += abs(p[1] - p[0]) + abs(p[w] - p[0]);
            level[inner] += *p;
            count[inner]++;
            laplace += abs(4 * p[0] - p[-1] - p[1] - p[-w] - p[w]);
        }
    double n = (double)w * h, mean = sum / n, variance = squares / n - mean * mean;
    double outer = step[0] / (double)count[0], rest = step[1] / (double)count[1];
    f[IAD_LEAK_BORDER] = (outer + 0.1) / (rest + 0.1);
    f[IAD_LEAK_BORDER_MEAN] = (level[0] / (double)count[0] - level[1] / (double)count[1]) / 255;
    f[IAD_LEAK_MEAN] = mean / 255;
    f[IAD_LEAK_SD] = sqrt(variance > 0 ? variance : 0) / 255;
    f[IAD_LEAK_NOISE] = log(laplace / (double)(count[0] + count[1]) + 0.1);
    f[IAD_LEAK_CHROMA] = chroma / n / 255;
    f[IAD_LEAK_WIDTH] = log(w);
    f[IAD_LEAK_HEIGHT] = log(h);
}

iad_status iad_leak_features(const void *bytes, size_t n, const char *name, double features[IAD_LEAK_FEATURES], iad_err *err) {
    iad_image picture, grey = {0};
    iad_image_info info;
    for (int i = 0; i < IAD_LEAK_FEATURES; i++) features[i] = 0;
    IAD_TRY(iad_image_decode(bytes, n, name, NULL, &picture, &info, err));
    iad_status status = picture.width < 16 || picture.height < 16
                            ? IAD_FAIL(err, IAD_ERR_ARG, "%s: %d x %d pixels are too few", name, picture.width, picture.height)
                            : iad_image_to_grey(&picture, &grey, err);
    if (status == IAD_OK) {
        features[IAD_LEAK_BYTES] = log((double)n / ((double)picture.width * picture.height));
        features[IAD_LEAK_JPEG] = info.format == IAD_IMAGE_JPEG;
        features[IAD_LEAK_PNG] = info.format == IAD_IMAGE_PNG;
        if (info.format == IAD_IMAGE_JPEG) jpeg_tables(bytes, n, features);
        phase_steps(&grey, 1, features + IAD_LEAK_PHASE_X);
        phase_steps(&grey, 0, features + IAD_LEAK_PHASE_Y);
        pixel_statistics(&picture, &grey, features);
    }
    iad_image_deinit(&picture);
    iad_image_deinit(&grey);
    return status;
}
