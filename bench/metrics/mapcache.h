/* Append-only file of anomaly maps with their evaluation masks, so that metrics stream from disk by mmap and no map is
 * ever kept in memory. float32, little endian, raw scores. The same pictures appended in the same order give the same
 * bytes, also when the run was killed and resumed in between. Layout: bench/metrics/README.md. */
#ifndef IAD_METRICS_MAPCACHE_H
#define IAD_METRICS_MAPCACHE_H

#include "bench/metrics/mapset.h"

#define IAD_MAPCACHE_MAX_RECORDS 4000000u
#define IAD_MAPCACHE_MAX_NAME 4095u
#define IAD_MAPCACHE_MAX_SIDE 16384

/* One picture to append. */
typedef struct iad_mapcache_entry {
    const char *name;        /* picture id, unique in the file, 1..4095 bytes without NUL */
    uint8_t picture_hash[32];/* SHA-256 of the picture file, zeros when unknown */
    const float *map;        /* [height][width], finite */
    const uint8_t *mask;     /* [height][width], non-zero = defect; NULL: none */
    int width, height;       /* 1..IAD_MAPCACHE_MAX_SIDE */
    int label;               /* 0, 1, or -1 */
    int source_regions;      /* -1 unknown */
    double image_score;      /* raw; NaN when there is none */
} iad_mapcache_entry;

typedef struct iad_mapcache_writer iad_mapcache_writer;

/* Creates the file, or opens an existing one for appending: a torn last record (kill -9, full disk) is cut off.
 * tag: what these maps are, e.g. the protocol's hash and the model's; at most 127 bytes. A file with another tag is
 * IAD_ERR_EXISTS. The file is locked; a second writer gets IAD_ERR_EXISTS. */
iad_status iad_mapcache_append_open(const char *path, const char *tag, iad_mapcache_writer **out, iad_err *err);
/* 1 if the picture is already in the file (the caller skips it). */
int iad_mapcache_has(const iad_mapcache_writer *writer, const char *name);
size_t iad_mapcache_records(const iad_mapcache_writer *writer);
/* Bytes of a torn tail that opening removed, 0 normally. */
uint64_t iad_mapcache_recovered(const iad_mapcache_writer *writer);
/* Appending a name that is there already does nothing when map and mask are the same, else IAD_ERR_EXISTS. */
iad_status iad_mapcache_append(iad_mapcache_writer *writer, const iad_mapcache_entry *entry, iad_err *err);
/* Flushes to the disk (fsync) and frees. NULL is fine. */
iad_status iad_mapcache_append_close(iad_mapcache_writer *writer, iad_err *err);

typedef struct iad_mapcache iad_mapcache;

/* Maps the file read-only. A torn tail is ignored (iad_mapcache_torn says so). verify 1: every payload checksum is
 * checked now; 0: record headers only. Errors: IAD_ERR_IO, IAD_ERR_FORMAT (names the record and the offset). */
iad_status iad_mapcache_open(const char *path, int verify, iad_mapcache **out, iad_err *err);
/* The same over bytes that the caller keeps alive and aligned to 64 (tests, fuzzing). */
iad_status iad_mapcache_open_bytes(const void *bytes, size_t n, const char *name, int verify, iad_mapcache **out, iad_err *err);
void iad_mapcache_close(iad_mapcache *cache);

size_t iad_mapcache_count(const iad_mapcache *cache);
const char *iad_mapcache_tag(const iad_mapcache *cache);
uint64_t iad_mapcache_torn(const iad_mapcache *cache);
/* Record facts; `mask` of *out stays NULL (masks are stored as bits: use the source), map points into the file. */
iad_status iad_mapcache_entry_at(const iad_mapcache *cache, size_t index, iad_mapcache_entry *out, int *has_mask, iad_err *err);
/* -1 when absent. */
ptrdiff_t iad_mapcache_find(const iad_mapcache *cache, const char *name);
/* Checks one payload checksum. */
iad_status iad_mapcache_verify(const iad_mapcache *cache, size_t index, iad_err *err);

/* Thread-safe source for the pixel metrics; maps are used in place, masks are unpacked per picture and freed. */
iad_map_source iad_mapcache_source(const iad_mapcache *cache);

#endif
