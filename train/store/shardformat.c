#include "train/store/shardformat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "train/grad.h"

static const char magic[8] = {'i', 'a', 'd', 's', 'h', 'a', 'r', 'd'};

const char *iad_shard_kind_name(iad_shard_kind kind) {
    static const char *const names[IAD_SHARD_KINDS] = {"weight", "remainder", "m", "v", "8-bit m", "8-bit v", "scales of m", "scales of v"};
    return (unsigned)kind < IAD_SHARD_KINDS ? names[kind] : "?";
}

uint64_t iad_shard_bytes(iad_shard_kind kind, int64_t count) {
    uint64_t n = (uint64_t)count;
    switch (kind) {
    case IAD_SHARD_HIGH:
    case IAD_SHARD_LOW: return 2 * n;
    case IAD_SHARD_M:
    case IAD_SHARD_V: return 4 * n;
    case IAD_SHARD_M_SCALE:
    case IAD_SHARD_V_SCALE: return 4 * ((n + IAD_ADAMW_BLOCK - 1) / IAD_ADAMW_BLOCK);
    default: return n;
    }
}

static uint64_t chunks_of(uint64_t bytes) { return (bytes + IAD_SHARD_CHUNK - 1) / IAD_SHARD_CHUNK; }

void iad_shard_place(iad_shard_record *records, size_t n, uint64_t *data, uint64_t *crcs) {
    const uint64_t begin = IAD_SHARD_HEADER + (uint64_t)n * IAD_SHARD_RECORD;
    *data = *crcs = 0;
    for (size_t i = 0; i < n; i++) {
        records[i].bytes = iad_shard_bytes(records[i].kind, records[i].count);
        records[i].at = begin + *data;
        records[i].first_crc = *crcs;
        *data += records[i].bytes;
        *crcs += chunks_of(records[i].bytes);
    }
}

/* ---- numbers ---- */

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}
static void put64(uint8_t *p, uint64_t v) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (8 * i));
}
static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint64_t get64(const uint8_t *p) { return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32; }

void iad_shard_encode(const iad_shard_info *info, const iad_shard_record *records, size_t n, uint64_t data, uint64_t crcs, uint8_t *out) {
    memset(out, 0, IAD_SHARD_HEADER);
    memcpy(out, magic, sizeof magic);
    put32(out + 8, 1);
    put32(out + 12, info->rank);
    put32(out + 16, info->world);
    put32(out + 20, (uint32_t)n);
    put64(out + 24, (uint64_t)info->step);
    put64(out + 32, data);
    put32(out + 40, (uint32_t)crcs);
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = out + IAD_SHARD_HEADER + i * IAD_SHARD_RECORD;
        put32(p, records[i].tensor);
        put32(p + 4, (uint32_t)records[i].kind);
        put64(p + 8, (uint64_t)records[i].begin);
        put64(p + 16, (uint64_t)records[i].count);
        put64(p + 24, records[i].at);
    }
}

/* ---- reading ---- */

static int compare(const iad_shard_record *a, uint32_t tensor, iad_shard_kind kind, int64_t begin) {
    if (a->tensor != tensor) return a->tensor < tensor ? -1 : 1;
    if (a->kind != kind) return a->kind < kind ? -1 : 1;
    return (a->begin > begin) - (a->begin < begin);
}

static iad_status read_records(iad_shard *s, size_t n_bytes, uint64_t data, uint32_t crcs, iad_err *err) {
    uint64_t at = IAD_SHARD_HEADER + (uint64_t)s->n_record * IAD_SHARD_RECORD, crc = 0;
    const uint64_t end = at + data;
    for (size_t i = 0; i < s->n_record; i++) {
        const uint8_t *p = s->bytes + IAD_SHARD_HEADER + i * IAD_SHARD_RECORD;
        uint32_t kind = get32(p + 4);
        uint64_t begin = get64(p + 8), count = get64(p + 16);
        if (kind >= IAD_SHARD_KINDS || begin > (uint64_t)IAD_SHARD_MAX_ELEMENTS || count > (uint64_t)IAD_SHARD_MAX_ELEMENTS || count == 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: record %zu makes no sense (kind %" PRIu32 ", %" PRIu64 " elements from %" PRIu64 ")", s->name,
                            i, kind, count, begin);
        iad_shard_record *r = &s->records[i];
        *r = (iad_shard_record){.tensor = get32(p), .kind = (iad_shard_kind)kind, .begin = (int64_t)begin, .count = (int64_t)count};
        r->at = get64(p + 24);
        r->bytes = iad_shard_bytes(r->kind, r->count);
        r->first_crc = crc;
        if (r->at != at || r->bytes > end - at)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the data of record %zu is not where it should be", s->name, i);
        if (i && compare(r - 1, r->tensor, r->kind, r->begin) >= 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: record %zu is out of order", s->name, i);
        at += r->bytes;
        crc += chunks_of(r->bytes);
    }
    if (at != end || crc != crcs || n_bytes - end != 4 * (uint64_t)crcs + 4)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the records do not add up to the file", s->name);
    return IAD_OK;
}

static iad_status parse(iad_shard *s, size_t n, iad_err *err) {
    if (n < IAD_SHARD_HEADER + 4) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu bytes are too few for a part of a training checkpoint", s->name, n);
    if (memcmp(s->bytes, magic, sizeof magic) != 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a part of a training checkpoint", s->name);
    if (get32(s->bytes + 8) != 1)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: version %" PRIu32 ", this program reads 1", s->name, get32(s->bytes + 8));
    uint64_t step = get64(s->bytes + 24), data = get64(s->bytes + 32);
    uint32_t records = get32(s->bytes + 20), crcs = get32(s->bytes + 40);
    uint64_t meta = IAD_SHARD_HEADER + (uint64_t)records * IAD_SHARD_RECORD;
    s->info = (iad_shard_info){get32(s->bytes + 12), get32(s->bytes + 16), (int64_t)step};
    if (s->info.world < 1 || s->info.world > IAD_SHARD_MAX_WORLD || s->info.rank >= s->info.world || step > INT64_MAX)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: rank %" PRIu32 " of %" PRIu32 " at step %" PRIu64 " makes no sense", s->name, s->info.rank,
                        s->info.world, step);
    if (records > IAD_SHARD_MAX_RECORDS || meta > n || data > n - meta || 4 * (uint64_t)crcs + 4 != n - meta - data)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu bytes, but its header tells of %" PRIu64 "; the file is cut or damaged", s->name, n,
                        data <= UINT64_MAX / 2 ? meta + data + 4 * (uint64_t)crcs + 4 : data);
    s->crcs = s->bytes + meta + data;
    s->meta_crc = get32(s->crcs + 4 * (size_t)crcs);
    if (iad_crc32c(iad_crc32c(0, s->bytes, meta), s->crcs, 4 * (size_t)crcs) != s->meta_crc)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the checksum of its table of records is wrong", s->name);
    if (!(s->records = iad_calloc(records, sizeof *s->records))) return IAD_NOMEM(err, s->name);
    s->n_record = records;
    return read_records(s, n, data, crcs, err);
}

iad_status iad_shard_parse(const uint8_t *bytes, size_t n, const char *name, iad_shard *shard, iad_err *err) {
    *shard = (iad_shard){.bytes = bytes, .name = name};
    iad_status status = parse(shard, n, err);
    if (status != IAD_OK) iad_shard_deinit(shard);
    return status;
}

void iad_shard_deinit(iad_shard *s) {
    free(s->records);
    *s = (iad_shard){0};
}

const iad_shard_record *iad_shard_find(const iad_shard *s, uint32_t tensor, iad_shard_kind kind, int64_t begin) {
    size_t lo = 0, hi = s->n_record;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = compare(&s->records[mid], tensor, kind, begin);
        if (order == 0) return &s->records[mid];
        if (order < 0) lo = mid + 1;
        else hi = mid;
    }
    return NULL;
}

iad_status iad_shard_verify(const iad_shard *s, const iad_shard_record *r, const char *tensor_name, iad_err *err) {
    for (uint64_t at = 0, k = r->first_crc; at < r->bytes; at += IAD_SHARD_CHUNK, k++) {
        size_t n = r->bytes - at < IAD_SHARD_CHUNK ? (size_t)(r->bytes - at) : IAD_SHARD_CHUNK;
        if (iad_crc32c(0, s->bytes + r->at + at, n) != get32(s->crcs + 4 * k))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the checksum of tensor %.100s (%s) is wrong in bytes %" PRIu64 " to %" PRIu64 " of the file",
                            s->name, tensor_name,
                            iad_shard_kind_name(r->kind), r->at + at, r->at + at + n);
    }
    return IAD_OK;
}
