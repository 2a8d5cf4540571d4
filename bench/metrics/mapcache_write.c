#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "bench/metrics/checksum64.h"
#include "bench/metrics/mapcache_record.h"

typedef struct record {
    uint64_t at;
    char *name; /* owned */
} record;

struct iad_mapcache_writer {
    int fd;
    char *path;
    uint64_t end; /* where the next record goes */
    uint64_t recovered;
    record *records;
    size_t count, cap;
    iad_name_index names;
    uint8_t *block; /* one record, reused */
    size_t block_cap;
};

static const char *name_of(const void *user, uint32_t i) { return ((const iad_mapcache_writer *)user)->records[i].name; }

static iad_status io_error(const iad_mapcache_writer *w, const char *what, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_IO, "%s: %s: %s", w->path, what, strerror(errno));
}

static iad_status write_at(iad_mapcache_writer *w, const uint8_t *bytes, size_t n, uint64_t at, iad_err *err) {
    for (size_t done = 0; done < n;) {
        ssize_t wrote = pwrite(w->fd, bytes + done, n - done, (off_t)(at + done));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            iad_status status = io_error(w, "writing", err);
            /* Nothing half written stays behind; if this fails too, the next opening cuts the tail. */
            if (ftruncate(w->fd, (off_t)at) != 0) return status;
            return status;
        }
        done += (size_t)wrote;
    }
    return IAD_OK;
}

static iad_status remember(iad_mapcache_writer *w, uint64_t at, const char *name, iad_err *err) {
    IAD_TRY(iad_grow((void **)&w->records, &w->cap, w->count + 1, sizeof *w->records, IAD_MAPCACHE_MAX_RECORDS, "map cache records", err));
    char *copy = iad_strdup(name);
    if (!copy) return IAD_NOMEM(err, "map cache names");
    w->records[w->count] = (record){at, copy};
    iad_status status = iad_name_index_add(&w->names, (uint32_t)w->count, name_of, w, err);
    if (status != IAD_OK) {
        free(copy);
        return status;
    }
    w->count++;
    return IAD_OK;
}

/* Walks the records that are there. The last one is checked whole, because only an append can have been interrupted;
 * damage anywhere else is an error, never cut off. */
static iad_status recover(iad_mapcache_writer *w, const iad_map *file, const char *tag, iad_err *err) {
    char stored[IAD_MAPCACHE_TAG];
    IAD_TRY(iad_mapcache_check_file_header(file->data, file->n, w->path, stored, err));
    if (strcmp(stored, tag) != 0)
        return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: holds maps of \"%s\", not of \"%s\"", w->path, stored, tag);
    uint64_t at = IAD_MAPCACHE_HEADER;
    for (;;) {
        iad_mapcache_head head = {0}, next = {0};
        iad_mapcache_state state = iad_mapcache_look(file->data, file->n, at, &head);
        if (state == IAD_MAPCACHE_BAD)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: record %zu at byte %llu is damaged", w->path, w->count, (unsigned long long)at);
        if (state != IAD_MAPCACHE_WHOLE) break;
        iad_mapcache_state behind = iad_mapcache_look(file->data, file->n, at + head.bytes, &next);
        int last = behind == IAD_MAPCACHE_END || behind == IAD_MAPCACHE_TORN;
        const uint8_t *payload = file->data + at + IAD_MAPCACHE_RECORD;
        if (last && iad_checksum64(payload, (size_t)(head.bytes - IAD_MAPCACHE_RECORD)) != head.payload_sum) break;
        const char *name = (const char *)file->data + at + head.name_at;
        if (iad_mapcache_has(w, name)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: record %zu repeats \"%s\"", w->path, w->count, name);
        IAD_TRY(remember(w, at, name, err));
        at += head.bytes;
    }
    w->end = at;
    w->recovered = file->n - at;
    return IAD_OK;
}

static iad_status start(iad_mapcache_writer *w, const char *tag, iad_err *err) {
    struct stat st;
    if (flock(w->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: another process is writing this map cache", w->path);
        return io_error(w, "locking", err);
    }
    if (fstat(w->fd, &st) != 0) return io_error(w, "reading", err);
    if (!S_ISREG(st.st_mode)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: not a regular file", w->path);
    uint8_t header[IAD_MAPCACHE_HEADER];
    iad_mapcache_put_file_header(header, tag);
    if ((uint64_t)st.st_size < IAD_MAPCACHE_HEADER) {
        /* New, or killed while the header was written: what is there must be the beginning of this very header. */
        uint8_t seen[IAD_MAPCACHE_HEADER];
        ssize_t n = pread(w->fd, seen, sizeof seen, 0);
        if (n < 0) return io_error(w, "reading", err);
        if (n > 0 && memcmp(seen, header, (size_t)n) != 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a map cache", w->path);
        w->end = IAD_MAPCACHE_HEADER;
        w->recovered = (uint64_t)n;
        return write_at(w, header, sizeof header, 0, err);
    }
    iad_map file;
    IAD_TRY(iad_map_open(&file, w->path, err));
    iad_status status = recover(w, &file, tag, err);
    iad_map_close(&file);
    if (status == IAD_OK && w->recovered && ftruncate(w->fd, (off_t)w->end) != 0) status = io_error(w, "cutting off a torn record", err);
    return status;
}

static void dispose(iad_mapcache_writer *w) {
    if (w->fd >= 0) close(w->fd);
    for (size_t i = 0; i < w->count; i++) free(w->records[i].name);
    free(w->records);
    iad_name_index_deinit(&w->names);
    free(w->path);
    free(w->block);
    free(w);
}

iad_status iad_mapcache_append_open(const char *path, const char *tag, iad_mapcache_writer **out, iad_err *err) {
    *out = NULL;
    if (strlen(tag) >= IAD_MAPCACHE_TAG)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: the tag of a map cache has at most %u bytes", path, IAD_MAPCACHE_TAG - 1);
    iad_mapcache_writer *w = iad_calloc(1, sizeof *w);
    if (!w) return IAD_NOMEM(err, "map cache");
    w->fd = -1;
    w->path = iad_strdup(path);
    iad_status status = w->path ? IAD_OK : IAD_NOMEM(err, "map cache");
    if (status == IAD_OK) {
        w->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        status = w->fd < 0 ? io_error(w, "opening", err) : start(w, tag, err);
    }
    if (status == IAD_OK) *out = w;
    else dispose(w);
    return status;
}

int iad_mapcache_has(const iad_mapcache_writer *w, const char *name) {
    return iad_name_index_find(&w->names, name, strlen(name), name_of, w) >= 0;
}
size_t iad_mapcache_records(const iad_mapcache_writer *w) { return w->count; }
uint64_t iad_mapcache_recovered(const iad_mapcache_writer *w) { return w->recovered; }

static iad_status check_entry(const iad_mapcache_entry *e, iad_err *err) {
    size_t n = e->name ? strlen(e->name) : 0;
    if (!n || n > IAD_MAPCACHE_MAX_NAME) return IAD_FAIL(err, IAD_ERR_ARG, "a map needs a name of 1..%u bytes", IAD_MAPCACHE_MAX_NAME);
    if (!e->map || e->width < 1 || e->height < 1 || e->width > IAD_MAPCACHE_MAX_SIDE || e->height > IAD_MAPCACHE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: map of %d x %d pixels, at most %d a side", e->name, e->width, e->height, IAD_MAPCACHE_MAX_SIDE);
    if (e->label < -1 || e->label > 1 || e->source_regions < -1)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: label %d, regions %d", e->name, e->label, e->source_regions);
    size_t pixels = (size_t)e->width * (size_t)e->height;
    for (size_t i = 0; i < pixels; i++)
        if (!isfinite(e->map[i]))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: score %g at x=%zu y=%zu is not a finite number", e->name, (double)e->map[i],
                            i % (size_t)e->width, i / (size_t)e->width);
    return IAD_OK;
}

/* The whole record into w->block. */
static iad_status build(iad_mapcache_writer *w, const iad_mapcache_entry *e, iad_mapcache_head *head, iad_err *err) {
    *head = (iad_mapcache_head){.width = (uint32_t)e->width, .height = (uint32_t)e->height, .name_bytes = (uint32_t)strlen(e->name),
                                .label = e->label, .source_regions = e->source_regions, .has_mask = e->mask != NULL,
                                .image_score = e->image_score};
    memcpy(head->picture_hash, e->picture_hash, sizeof head->picture_hash);
    iad_mapcache_layout(head);
    IAD_TRY(iad_grow((void **)&w->block, &w->block_cap, (size_t)head->bytes, 1, SIZE_MAX / 2, "map record", err));
    uint8_t *b = w->block;
    size_t pixels = (size_t)e->width * (size_t)e->height;
    memset(b, 0, (size_t)head->bytes);
    memcpy(b + head->name_at, e->name, head->name_bytes);
    memcpy(b + head->map_at, e->map, pixels * sizeof *e->map);
    if (e->mask) iad_mapcache_pack(e->mask, pixels, b + head->mask_at);
    head->payload_sum = iad_checksum64(b + IAD_MAPCACHE_RECORD, (size_t)head->bytes - IAD_MAPCACHE_RECORD);
    iad_mapcache_put_head(b, head);
    return IAD_OK;
}

iad_status iad_mapcache_append(iad_mapcache_writer *w, const iad_mapcache_entry *e, iad_err *err) {
    IAD_TRY(check_entry(e, err));
    iad_mapcache_head head = {0};
    IAD_TRY(build(w, e, &head, err));
    ptrdiff_t same = iad_name_index_find(&w->names, e->name, head.name_bytes, name_of, w);
    if (same >= 0) {
        /* The header carries all facts and the checksum of the rest. */
        uint8_t stored[IAD_MAPCACHE_RECORD];
        if (pread(w->fd, stored, sizeof stored, (off_t)w->records[same].at) != (ssize_t)sizeof stored) return io_error(w, "reading", err);
        if (!memcmp(stored, w->block, sizeof stored)) return IAD_OK;
        return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: \"%s\" is there already with another map or mask", w->path, e->name);
    }
    IAD_TRY(write_at(w, w->block, (size_t)head.bytes, w->end, err));
    iad_status status = remember(w, w->end, e->name, err);
    if (status == IAD_OK) w->end += head.bytes;
    else if (ftruncate(w->fd, (off_t)w->end) != 0) return status;
    return status;
}

iad_status iad_mapcache_append_close(iad_mapcache_writer *w, iad_err *err) {
    if (!w) return IAD_OK;
    iad_status status = fsync(w->fd) == 0 ? IAD_OK : io_error(w, "flushing", err);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0 && status == IAD_OK) status = io_error(w, "closing", err);
    dispose(w);
    return status;
}
