/* The bytes of a map cache, shared by its reader and writer. Little endian. Internal; described in README.md. */
#ifndef IAD_METRICS_MAPCACHE_RECORD_H
#define IAD_METRICS_MAPCACHE_RECORD_H

#include "bench/metrics/mapcache.h"

#define IAD_MAPCACHE_HEADER 256u /* file header */
#define IAD_MAPCACHE_RECORD 128u /* record header */
#define IAD_MAPCACHE_TAG 128u    /* with its NUL */
#define IAD_MAPCACHE_ALIGN 64u

typedef struct iad_mapcache_head {
    uint64_t bytes;      /* of the whole record */
    uint32_t width, height, name_bytes;
    int label, source_regions, has_mask;
    double image_score;
    uint8_t picture_hash[32];
    uint64_t payload_sum; /* checksum of everything behind the record header */
    uint64_t name_at, map_at, mask_at; /* offsets from the start of the record */
} iad_mapcache_head;

/* What stands at an offset. */
typedef enum iad_mapcache_state {
    IAD_MAPCACHE_WHOLE, /* a record header that is sound and whose record fits into the file */
    IAD_MAPCACHE_END,   /* exactly the end of the file */
    IAD_MAPCACHE_TORN,  /* the beginning of a record, or zeros up to the end: an interrupted append */
    IAD_MAPCACHE_BAD    /* anything else */
} iad_mapcache_state;

void iad_mapcache_put_file_header(uint8_t header[IAD_MAPCACHE_HEADER], const char *tag);
/* Errors: IAD_ERR_FORMAT, IAD_ERR_UNSUPPORTED (version). Copies the tag. */
iad_status iad_mapcache_check_file_header(const uint8_t *bytes, size_t n, const char *name, char tag[IAD_MAPCACHE_TAG], iad_err *err);

/* Sets bytes and the three offsets from the sizes. */
void iad_mapcache_layout(iad_mapcache_head *head);
void iad_mapcache_put_head(uint8_t out[IAD_MAPCACHE_RECORD], const iad_mapcache_head *head);
/* Looks at offset `at` of the file of n bytes. */
iad_mapcache_state iad_mapcache_look(const uint8_t *bytes, uint64_t n, uint64_t at, iad_mapcache_head *head);

/* Masks as bits, least significant first. */
void iad_mapcache_pack(const uint8_t *mask, size_t n, uint8_t *bits);
void iad_mapcache_unpack(const uint8_t *bits, size_t n, uint8_t *mask);

/* Names to record numbers. */
typedef struct iad_name_index {
    uint32_t *slots; /* record + 1, 0 free */
    size_t mask, used;
} iad_name_index;
typedef const char *(*iad_name_of)(const void *user, uint32_t record);
/* -1: not there. */
ptrdiff_t iad_name_index_find(const iad_name_index *index, const char *name, size_t n, iad_name_of name_of, const void *user);
iad_status iad_name_index_add(iad_name_index *index, uint32_t record, iad_name_of name_of, const void *user, iad_err *err);
void iad_name_index_deinit(iad_name_index *index);

#endif
