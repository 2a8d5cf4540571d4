/* A manifest in memory with a few invented pictures. */
#ifndef IAD_TEST_MANIFEST_FIXTURE_H
#define IAD_TEST_MANIFEST_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "manifests/manifest.h"
#include "manifests/records.h"
#include "tests/unit/iad_test.h"

static inline iad_manifest *fixture_open(void) {
    iad_err err;
    iad_manifest *m = NULL;
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &m, &err));
    return m;
}

static inline int64_t fixture_dataset(iad_manifest *m, const char *name, const char *adapter,
                                      const char *eval_overlap) {
    iad_err err;
    int64_t id = 0;
    iad_dataset_row row = {.name = name,
                           .adapter = adapter,
                           .root = "data",
                           .licence = "test",
                           .origin = "real",
                           .eval_overlap = eval_overlap};
    assert_ok(iad_dataset_put(m, &row, &id, &err));
    assert_true(id > 0);
    return id;
}

static inline int64_t fixture_category(iad_manifest *m, int64_t dataset, const char *name) {
    iad_err err;
    int64_t id = 0;
    iad_category_row row = {.dataset_id = dataset, .name = name, .kind = "object", .grey = -1, .aligned = -1};
    assert_ok(iad_category_put(m, &row, &id, &err));
    assert_true(id > 0);
    return id;
}

/* A picture of 8x6 pixels whose hashes follow from its path; exemplar_ok for normal training pictures. */
static inline iad_image_row fixture_row(int64_t dataset, int64_t category, const char *path, iad_part part,
                                        iad_label label) {
    iad_err err;
    iad_image_row row = {.dataset_id = dataset,
                         .category_id = category,
                         .path = path,
                         .width = 8,
                         .height = 6,
                         .channels = 3,
                         .depth = 8,
                         .format = "png",
                         .bytes = 100,
                         .mtime_ns = 5,
                         .part = part,
                         .source_split = iad_part_name(part),
                         .label = label,
                         .has_pixels = 1};
    assert_ok(iad_sha256_bytes(path, strlen(path), row.sha256, &err));
    assert_ok(iad_sha256_bytes(row.sha256, 32, row.pixel_sha256, &err));
    for (int i = 0; i < 4; i++) memcpy(&row.phash[i], row.pixel_sha256 + 8 * i, 8);
    row.exemplar_ok = part == IAD_PART_TRAIN && label == IAD_LABEL_NORMAL;
    if (label == IAD_LABEL_ANOMALOUS) row.defect = "scratch";
    return row;
}

static inline int64_t fixture_image(iad_manifest *m, int64_t dataset, int64_t category, const char *path, iad_part part,
                                    iad_label label) {
    iad_err err;
    int64_t id = 0;
    iad_image_row row = fixture_row(dataset, category, path, part, label);
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    return id;
}

#endif
