/* Pictures by formula, and the tables that tests/tools/make_resample_fixtures.py wrote about them. */
#ifndef IAD_TESTS_RESAMPLE_FIXTURE_H
#define IAD_TESTS_RESAMPLE_FIXTURE_H

#include "tests/unit/iad_test.h"

#include "base/file.h"
#include "base/image/image.h"
#include "base/sha256.h"

enum { FIXTURE_COLUMNS = 10 };

static inline uint32_t fixture_noise(uint32_t i) {
    i = (i ^ 61u ^ (i >> 16)) * 9u;
    i = (i ^ (i >> 4)) * 0x27d4eb2du;
    return i ^ (i >> 15);
}

/* 0 noise, 1 ramps that wrap, 2 black and white tiles. */
static inline iad_image fixture_picture(int formula, int channels, int width, int height) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    assert_ok(iad_image_init(&image, width, height, channels, &err));
    uint8_t *px = image.px;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) {
                if (formula == 0)
                    *px++ = (uint8_t)(fixture_noise(((uint32_t)y * (uint32_t)width + (uint32_t)x) * (uint32_t)channels + (uint32_t)c) >> 24);
                else if (formula == 1)
                    *px++ = (uint8_t)(7 * x + 5 * y + 40 * c);
                else
                    *px++ = (uint8_t)(((x / 3 + y / 2 + c) & 1) * 255);
            }
    return image;
}

/* Values in [0, 1). */
static inline iad_plane fixture_plane(int width, int height) {
    iad_err err = IAD_ERR_NONE;
    iad_plane plane;
    assert_ok(iad_plane_init(&plane, width, height, &err));
    for (uint32_t i = 0; i < (uint32_t)width * (uint32_t)height; i++) plane.px[i] = (float)(fixture_noise(i) >> 8) * 0x1p-24f;
    return plane;
}

static inline size_t fixture_bytes(const iad_image *image) {
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

/* First 16 hex digits of SHA-256. */
static inline void fixture_digest(const void *bytes, size_t n, char hex[17]) {
    iad_err err = IAD_ERR_NONE;
    uint8_t digest[IAD_SHA256_BYTES];
    assert_ok(iad_sha256_bytes(bytes, n, digest, &err));
    iad_hex(digest, 8, hex);
}

typedef struct fixture_row {
    char *column[FIXTURE_COLUMNS];
    int n;
} fixture_row;

/* Calls visit for every line of a tab-separated file; returns the number of lines. */
static inline int fixture_rows(const char *path, void (*visit)(const fixture_row *row)) {
    iad_err err = IAD_ERR_NONE;
    uint8_t *data;
    size_t n;
    assert_ok(iad_file_read(path, 1u << 22, &data, &n, &err));
    int lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r((char *)data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
        fixture_row row = {{NULL}, 0};
        char *more = NULL;
        for (char *cell = strtok_r(line, "\t", &more); cell && row.n < FIXTURE_COLUMNS; cell = strtok_r(NULL, "\t", &more))
            row.column[row.n++] = cell;
        visit(&row);
    }
    free(data);
    return lines;
}

static inline int fixture_int(const fixture_row *row, int column) {
    assert_in_range(column, 0, row->n - 1);
    return (int)strtol(row->column[column], NULL, 10);
}

#endif
