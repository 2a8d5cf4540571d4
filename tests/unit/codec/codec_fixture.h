/* Reading the small pictures beside the tests of the codecs. */
#ifndef IAD_TESTS_CODEC_FIXTURE_H
#define IAD_TESTS_CODEC_FIXTURE_H

#include "tests/unit/iad_test.h"

#include "base/file.h"
#include "base/image/decode.h"

typedef struct codec_file {
    uint8_t *bytes;
    size_t n;
} codec_file;

/* The file of the data folder, which only a test program's build knows. */
#define codec_read(name) codec_read_from(IAD_TEST_DATA, (name))

static inline codec_file codec_read_from(const char *folder, const char *name) {
    iad_err err = IAD_ERR_NONE;
    codec_file file;
    char path[IAD_PATH_MAX];
    assert_ok(iad_path_join(path, sizeof path, folder, name, &err));
    assert_ok(iad_file_read(path, 1u << 20, &file.bytes, &file.n, &err));
    return file;
}

static inline size_t codec_bytes(const iad_image *image) {
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

/* Position of a byte string within the file; the test fails when it is not there. */
static inline size_t codec_find(const codec_file *file, const void *what, size_t n) {
    const uint8_t *at = memmem(file->bytes, file->n, what, n);
    if (!at) fail_msg("byte string not found");
    return (size_t)(at - file->bytes);
}

#endif
