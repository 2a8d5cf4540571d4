/* The pictures of one data set that are in the manifest already, looked up by path from many threads. */
#ifndef IAD_MANIFESTS_INGEST_KNOWN_H
#define IAD_MANIFESTS_INGEST_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "manifests/arena.h"
#include "manifests/manifest.h"

typedef struct iad_known_picture {
    const char *path;
    int64_t id, bytes, mtime_ns;
    int has_mask, bad;
    int seen; /* for the writer */
} iad_known_picture;

/* Sorted by path (bytes). Zero-initialise. */
typedef struct iad_known_pictures {
    iad_known_picture *items;
    size_t n, cap;
    iad_arena arena;
} iad_known_pictures;

iad_status iad_known_pictures_load(iad_manifest *manifest, int64_t dataset_id, iad_known_pictures *known, iad_err *err);
/* NULL when the path is new. */
iad_known_picture *iad_known_pictures_find(const iad_known_pictures *known, const char *path);
void iad_known_pictures_deinit(iad_known_pictures *known);

#endif
