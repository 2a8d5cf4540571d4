#include "bench/metrics/mapcache_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/metrics/checksum64.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "map caches hold little-endian floats that are used in place"
#endif

static const char file_magic[8] = "IADMAPS\n";
static const char record_magic[8] = "MAPREC1\n";
#define VERSION 1u
#define DTYPE_F32 1u
#define FLAG_MASK 1u

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }
static void put64(uint8_t *p, uint64_t v) { memcpy(p, &v, sizeof v); }
static uint32_t get32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static uint64_t get64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

void iad_mapcache_put_file_header(uint8_t h[IAD_MAPCACHE_HEADER], const char *tag) {
    memset(h, 0, IAD_MAPCACHE_HEADER);
    memcpy(h, file_magic, sizeof file_magic);
    put32(h + 8, VERSION);
    put32(h + 12, IAD_MAPCACHE_HEADER);
    memcpy(h + 16, tag, strnlen(tag, IAD_MAPCACHE_TAG - 1));
    put64(h + IAD_MAPCACHE_HEADER - 8, iad_checksum64(h, IAD_MAPCACHE_HEADER - 8));
}

iad_status iad_mapcache_check_file_header(const uint8_t *h, size_t n, const char *name, char tag[IAD_MAPCACHE_TAG], iad_err *err) {
    if (n < IAD_MAPCACHE_HEADER || memcmp(h, file_magic, sizeof file_magic) != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a map cache", name);
    if (get32(h + 8) != VERSION) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: map cache of version %u", name, get32(h + 8));
    if (get64(h + IAD_MAPCACHE_HEADER - 8) != iad_checksum64(h, IAD_MAPCACHE_HEADER - 8) || get32(h + 12) != IAD_MAPCACHE_HEADER ||
        h[16 + IAD_MAPCACHE_TAG - 1] != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the header of the map cache is damaged", name);
    memcpy(tag, h + 16, IAD_MAPCACHE_TAG);
    return IAD_OK;
}

static uint64_t padded(uint64_t n) { return (n + IAD_MAPCACHE_ALIGN - 1) / IAD_MAPCACHE_ALIGN * IAD_MAPCACHE_ALIGN; }

void iad_mapcache_layout(iad_mapcache_head *r) {
    uint64_t pixels = (uint64_t)r->width * r->height;
    r->name_at = IAD_MAPCACHE_RECORD;
    r->map_at = r->name_at + padded((uint64_t)r->name_bytes + 1); /* the name ends with a NUL */
    r->mask_at = r->map_at + padded(pixels * sizeof(float));
    r->bytes = r->mask_at + (r->has_mask ? padded((pixels + 7) / 8) : 0);
}

void iad_mapcache_put_head(uint8_t h[IAD_MAPCACHE_RECORD], const iad_mapcache_head *r) {
    uint64_t score;
    memcpy(&score, &r->image_score, sizeof score);
    if (r->image_score != r->image_score) score = 0x7ff8000000000000u; /* one NaN, so that files compare equal */
    memset(h, 0, IAD_MAPCACHE_RECORD);
    memcpy(h, record_magic, sizeof record_magic);
    put64(h + 8, r->bytes);
    put32(h + 16, r->width);
    put32(h + 20, r->height);
    put32(h + 24, DTYPE_F32);
    put32(h + 28, (uint32_t)r->label);
    put32(h + 32, (uint32_t)r->source_regions);
    put32(h + 36, r->has_mask ? FLAG_MASK : 0);
    put64(h + 40, score);
    memcpy(h + 48, r->picture_hash, 32);
    put32(h + 80, r->name_bytes);
    put64(h + 88, r->payload_sum);
    put64(h + 120, iad_checksum64(h, 120));
}

static int sound_head(const uint8_t *h, iad_mapcache_head *r) {
    if (memcmp(h, record_magic, sizeof record_magic) != 0 || get64(h + 120) != iad_checksum64(h, 120)) return 0;
    *r = (iad_mapcache_head){.width = get32(h + 16), .height = get32(h + 20), .name_bytes = get32(h + 80),
                             .label = (int32_t)get32(h + 28), .source_regions = (int32_t)get32(h + 32),
                             .has_mask = (int)(get32(h + 36) & FLAG_MASK), .payload_sum = get64(h + 88)};
    memcpy(r->picture_hash, h + 48, 32);
    memcpy(&r->image_score, h + 40, sizeof r->image_score);
    if (!r->width || !r->height || r->width > IAD_MAPCACHE_MAX_SIDE || r->height > IAD_MAPCACHE_MAX_SIDE) return 0;
    if (!r->name_bytes || r->name_bytes > IAD_MAPCACHE_MAX_NAME) return 0;
    if (get32(h + 24) != DTYPE_F32 || get32(h + 36) > FLAG_MASK || r->label < -1 || r->label > 1 || r->source_regions < -1) return 0;
    iad_mapcache_layout(r);
    return get64(h + 8) == r->bytes;
}

static int all_zero(const uint8_t *p, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        if (p[i]) return 0;
    return 1;
}

/* The beginning of a record header, ended by the end of the file or, after a power cut, by zeros up to there. */
static int torn_head(const uint8_t *h, uint64_t left) {
    uint64_t magic = 0, head = left < IAD_MAPCACHE_RECORD ? left : IAD_MAPCACHE_RECORD;
    while (magic < head && magic < sizeof record_magic && h[magic] == (uint8_t)record_magic[magic]) magic++;
    if (magic < sizeof record_magic) return all_zero(h + magic, left - magic);
    return all_zero(h + head, left - head);
}

iad_mapcache_state iad_mapcache_look(const uint8_t *bytes, uint64_t n, uint64_t at, iad_mapcache_head *r) {
    uint64_t left = n - at;
    const uint8_t *h = bytes + at;
    if (!left) return IAD_MAPCACHE_END;
    if (left < IAD_MAPCACHE_RECORD || !sound_head(h, r)) return torn_head(h, left) ? IAD_MAPCACHE_TORN : IAD_MAPCACHE_BAD;
    if (r->bytes > left) return IAD_MAPCACHE_TORN;
    /* The name must be what its length says: no NUL inside, one behind it. */
    const char *name = (const char *)h + r->name_at;
    return strnlen(name, r->name_bytes + 1u) == r->name_bytes ? IAD_MAPCACHE_WHOLE : IAD_MAPCACHE_BAD;
}

void iad_mapcache_pack(const uint8_t *mask, size_t n, uint8_t *bits) {
    for (size_t i = 0; i < n; i += 8) {
        uint8_t byte = 0;
        for (size_t j = 0; j < 8 && i + j < n; j++) byte |= (uint8_t)((mask[i + j] != 0) << j);
        bits[i / 8] = byte;
    }
}

void iad_mapcache_unpack(const uint8_t *bits, size_t n, uint8_t *mask) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        /* Byte j keeps bit j alone; adding 0x7f carries any bit to the top of its byte, never beyond. */
        uint64_t spread = bits[i / 8] * 0x0101010101010101u & 0x8040201008040201u;
        spread = (spread + 0x7f7f7f7f7f7f7f7fu) >> 7 & 0x0101010101010101u;
        memcpy(mask + i, &spread, 8);
    }
    for (; i < n; i++) mask[i] = bits[i / 8] >> (i % 8) & 1;
}

ptrdiff_t iad_name_index_find(const iad_name_index *index, const char *name, size_t n, iad_name_of name_of, const void *user) {
    if (!index->slots) return -1;
    for (size_t s = iad_checksum64(name, n) & index->mask; index->slots[s]; s = (s + 1) & index->mask) {
        const char *other = name_of(user, index->slots[s] - 1);
        if (strlen(other) == n && !memcmp(other, name, n)) return (ptrdiff_t)index->slots[s] - 1;
    }
    return -1;
}

static void place(iad_name_index *index, uint32_t record, iad_name_of name_of, const void *user) {
    const char *name = name_of(user, record);
    size_t s = iad_checksum64(name, strlen(name)) & index->mask;
    while (index->slots[s]) s = (s + 1) & index->mask;
    index->slots[s] = record + 1;
}

iad_status iad_name_index_add(iad_name_index *index, uint32_t record, iad_name_of name_of, const void *user, iad_err *err) {
    if (!index->slots || index->used * 2 >= index->mask) {
        iad_name_index next = {.mask = index->slots ? index->mask * 2 + 1 : 63};
        next.slots = iad_calloc(next.mask + 1, sizeof *next.slots);
        if (!next.slots) return IAD_NOMEM(err, "name index");
        for (size_t s = 0; index->slots && s <= index->mask; s++)
            if (index->slots[s]) place(&next, index->slots[s] - 1, name_of, user);
        next.used = index->used;
        free(index->slots);
        *index = next;
    }
    place(index, record, name_of, user);
    index->used++;
    return IAD_OK;
}

void iad_name_index_deinit(iad_name_index *index) {
    free(index->slots);
    *index = (iad_name_index){0};
}
