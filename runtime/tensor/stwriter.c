#include "runtime/tensor/stwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/tensor/nametable.h"
#include "runtime/tensor/safetensors.h"

#define ALIGNMENT 64u

typedef struct declared {
    char *name;
    iad_dtype dtype;
    int rank;
    int64_t shape[IAD_TENSOR_MAX_RANK];
    uint64_t bytes;
    size_t shard;
} declared;

typedef struct shard {
    char name[64];             /* "model-00001-of-00002.safetensors"; "" in a one-file writer: the path says it */
    char temp[IAD_PATH_MAX];
    uint64_t header, data;     /* bytes; header with its length field and padding */
    int on_disk;               /* temp exists */
} shard;

struct iad_st_writer {
    char *path;        /* file or directory */
    int is_dir, begun, finished, failed, made_dir;
    uint64_t max_shard;
    declared *items;
    size_t n, cap;
    json_t *metadata;
    shard *shards;
    size_t n_shards;
    uint64_t total, written;
    size_t at;         /* shard being written */
    uint64_t at_done;  /* data bytes written to it */
    int fd;
};

static iad_status io_fail(iad_err *err, const char *path, const char *doing) {
    return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot %s: %s", path, doing, strerror(errno));
}

static iad_status new_writer(const char *path, int is_dir, uint64_t max_shard, iad_st_writer **writer, iad_err *err) {
    iad_st_writer *w = *writer = iad_calloc(1, sizeof *w);
    if (!w) return IAD_NOMEM(err, path);
    w->fd = -1;
    w->is_dir = is_dir;
    w->max_shard = max_shard;
    w->path = iad_strdup(path);
    w->metadata = json_pack("{s:s}", "format", "pt");
    if (w->path && w->metadata) return IAD_OK;
    iad_st_writer_free(w);
    *writer = NULL;
    return IAD_NOMEM(err, path);
}

iad_status iad_st_writer_new_file(const char *path, iad_st_writer **writer, iad_err *err) { return new_writer(path, 0, 0, writer, err); }

iad_status iad_st_writer_new_dir(const char *dir, uint64_t max_shard_bytes, iad_st_writer **writer, iad_err *err) {
    return new_writer(dir, 1, max_shard_bytes, writer, err);
}

iad_status iad_st_writer_metadata(iad_st_writer *w, const char *key, const char *value, iad_err *err) {
    if (w->begun) return IAD_FAIL(err, IAD_ERR_ARG, "%s: metadata after the start of writing", w->path);
    if (json_object_set_new(w->metadata, key, json_string(value)) == 0) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "%s: metadata \"%.60s\" is not UTF-8", w->path, key);
}

iad_status iad_st_writer_declare(iad_st_writer *w, const char *name, iad_dtype dtype, int rank, const int64_t *shape, iad_err *err) {
    size_t len = strnlen(name, IAD_ST_MAX_NAME + 1);
    uint64_t bytes;
    if (w->begun) return IAD_FAIL(err, IAD_ERR_ARG, "%s: tensor %.200s declared after the start of writing", w->path, name);
    if (!len || len > IAD_ST_MAX_NAME || iad_utf8_valid(name, len) != len || strcmp(name, "__metadata__") == 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.60s\" is no name for a tensor", w->path, name);
    IAD_TRY(iad_tensor_bytes(name, dtype, rank, shape, &bytes, err));
    if (bytes > (uint64_t)INT64_MAX / 2 - w->total) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: tensor %.200s: too many bytes in all", w->path, name);
    void *items = w->items;
    IAD_TRY(iad_grow(&items, &w->cap, w->n + 1, sizeof *w->items, IAD_ST_MAX_TENSORS, w->path, err));
    w->items = items;
    declared *d = &w->items[w->n];
    *d = (declared){.name = iad_strdup(name), .dtype = dtype, .rank = rank, .bytes = bytes};
    if (!d->name) return IAD_NOMEM(err, w->path);
    for (int i = 0; i < rank; i++) d->shape[i] = shape[i];
    w->n++;
    w->total += bytes;
    return IAD_OK;
}

/* ---- begin ---- */

static iad_status check_names(const iad_st_writer *w, iad_err *err) {
    iad_nametable seen;
    IAD_TRY(iad_nametable_init(&seen, w->n, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < w->n && status == IAD_OK; i++)
        if (!iad_nametable_add(&seen, w->items[i].name, i))
            status = IAD_FAIL(err, IAD_ERR_ARG, "%s: tensor %.200s declared twice", w->path, w->items[i].name);
    iad_nametable_deinit(&seen);
    return status;
}

static iad_status plan(iad_st_writer *w, iad_err *err) {
    uint64_t used = 0;
    size_t n = 1;
    for (size_t i = 0; i < w->n; i++) {
        if (w->max_shard && used && used + w->items[i].bytes > w->max_shard) {
            n++;
            used = 0;
        }
        used += w->items[i].bytes;
        w->items[i].shard = n - 1;
    }
    if (n > IAD_ST_MAX_SHARDS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %zu files, more than %u: choose larger shards", w->path, n, IAD_ST_MAX_SHARDS);
    if (!(w->shards = iad_calloc(n, sizeof *w->shards))) return IAD_NOMEM(err, w->path);
    w->n_shards = n;
    for (size_t i = 0; i < w->n; i++) w->shards[w->items[i].shard].data += w->items[i].bytes;
    for (size_t i = 0; i < n && w->is_dir; i++) {
        if (n == 1) snprintf(w->shards[i].name, sizeof w->shards[i].name, "model.safetensors");
        else snprintf(w->shards[i].name, sizeof w->shards[i].name, "model-%05zu-of-%05zu.safetensors", i + 1, n);
    }
    return IAD_OK;
}

static iad_status header_text(const iad_st_writer *w, size_t which, iad_buf *out, iad_err *err) {
    uint64_t at = 0;
    IAD_TRY(iad_buf_add(out, "\0\0\0\0\0\0\0\0{\"__metadata__\":", 24, err));
    IAD_TRY(iad_json_canonical(w->metadata, out, err));
    for (size_t i = 0; i < w->n; i++) {
        const declared *d = &w->items[i];
        char shape[200];
        if (d->shard != which) continue;
        json_t *name = json_string(d->name);
        if (!name) return IAD_NOMEM(err, w->path);
        iad_status status = iad_buf_add_str(out, ",", err);
        if (status == IAD_OK) status = iad_json_canonical(name, out, err);
        json_decref(name);
        IAD_TRY(status);
        IAD_TRY(iad_buf_addf(out, err, ":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%llu,%llu]}", iad_dtype_name(d->dtype),
                             iad_tensor_shape_text(d->rank, d->shape, shape, sizeof shape), (unsigned long long)at,
                             (unsigned long long)(at + d->bytes)));
        at += d->bytes;
    }
    IAD_TRY(iad_buf_add_str(out, "}", err));
    while (out->len % ALIGNMENT) IAD_TRY(iad_buf_add_str(out, " ", err));
    for (int i = 0; i < 8; i++) out->data[i] = (char)((uint64_t)(out->len - 8) >> (8 * i));
    return IAD_OK;
}

static iad_status write_all(int fd, const char *path, const void *bytes, size_t n, iad_err *err) {
    const uint8_t *p = bytes;
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return io_fail(err, path, "write");
        p += k;
        n -= (size_t)k;
    }
    return IAD_OK;
}

/* The folder that the temporary files of this writer stand in, and the final path of a shard. */
static iad_status final_path(const iad_st_writer *w, const shard *s, char path[IAD_PATH_MAX], iad_err *err) {
    if (w->is_dir) return iad_path_join(path, IAD_PATH_MAX, w->path, s->name, err);
    return iad_text_copy(path, IAD_PATH_MAX, w->path) ? IAD_OK : IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", w->path);
}

static iad_status create(iad_st_writer *w, size_t which, iad_err *err) {
    shard *s = &w->shards[which];
    char path[IAD_PATH_MAX], dir[IAD_PATH_MAX];
    iad_buf header;
    IAD_TRY(final_path(w, s, path, err));
    iad_path_dir(dir, sizeof dir, path);
    int fd = -1;
    for (unsigned attempt = 0; attempt < 1000 && fd < 0; attempt++) {
        int len = snprintf(s->temp, sizeof s->temp, "%s/.%s.%lld-%u.part", dir, iad_path_base(path), (long long)getpid(), attempt);
        if (len < 0 || len >= (int)sizeof s->temp) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
        fd = open(s->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) return io_fail(err, path, "create");
    s->on_disk = 1;
    iad_buf_init(&header, (size_t)IAD_ST_MAX_HEADER + 8);
    iad_status status = header_text(w, which, &header, err);
    s->header = header.len;
    /* Only ENOSPC and EFBIG are news: not every file system can reserve. */
    if (status == IAD_OK && s->data && fallocate(fd, 0, 0, (off_t)(s->header + s->data)) != 0 &&
        (errno == ENOSPC || errno == EFBIG || errno == EDQUOT))
        status = IAD_FAIL(err, IAD_ERR_IO, "%s: no room for %llu bytes (%llu in all): %s", path, (unsigned long long)(s->header + s->data),
                          (unsigned long long)w->total, strerror(errno));
    if (status == IAD_OK) status = write_all(fd, path, header.data, header.len, err);
    iad_buf_deinit(&header);
    if (close(fd) != 0 && status == IAD_OK) status = io_fail(err, path, "write");
    return status;
}

static iad_status open_shard(iad_st_writer *w, iad_err *err) {
    const shard *s = &w->shards[w->at];
    w->fd = open(s->temp, O_WRONLY | O_CLOEXEC);
    if (w->fd < 0 || lseek(w->fd, (off_t)s->header, SEEK_SET) < 0) return io_fail(err, s->temp, "write");
    return IAD_OK;
}

static iad_status close_shard(iad_st_writer *w, iad_err *err) {
    const shard *s = &w->shards[w->at];
    iad_status status = IAD_OK;
    if (fsync(w->fd) != 0 && errno != EINVAL && errno != EROFS) status = io_fail(err, s->temp, "write");
    if (close(w->fd) != 0 && status == IAD_OK) status = io_fail(err, s->temp, "write");
    w->fd = -1;
    w->at++;
    w->at_done = 0;
    return status;
}

/* Shards whose data is complete are closed, the next one with data is opened. */
static iad_status advance(iad_st_writer *w, iad_err *err) {
    while (w->at < w->n_shards) {
        if (w->fd < 0) IAD_TRY(open_shard(w, err));
        if (w->at_done < w->shards[w->at].data) break;
        IAD_TRY(close_shard(w, err));
    }
    return IAD_OK;
}

static iad_status begin(iad_st_writer *w, iad_err *err) {
    char dir[IAD_PATH_MAX];
    IAD_TRY(check_names(w, err));
    if (w->is_dir) {
        w->made_dir = !iad_file_exists(w->path);
        IAD_TRY(iad_dir_make(w->path, err));
    } else {
        iad_path_dir(dir, sizeof dir, w->path);
        IAD_TRY(iad_dir_make(dir, err));
    }
    IAD_TRY(plan(w, err));
    for (size_t i = 0; i < w->n_shards; i++) IAD_TRY(create(w, i, err));
    return advance(w, err);
}

static iad_status keep(iad_st_writer *w, iad_status status) {
    if (status != IAD_OK) w->failed = 1;
    return status;
}

iad_status iad_st_writer_begin(iad_st_writer *w, iad_err *err) {
    if (w->begun) return IAD_FAIL(err, IAD_ERR_ARG, "%s: begun twice", w->path);
    w->begun = 1;
    return keep(w, begin(w, err));
}

iad_status iad_st_writer_write(iad_st_writer *w, const void *bytes, size_t n, iad_err *err) {
    const uint8_t *p = bytes;
    if (!w->begun || w->failed || w->finished) return IAD_FAIL(err, IAD_ERR_ARG, "%s: not open for writing", w->path);
    if (n > w->total - w->written)
        return keep(w, IAD_FAIL(err, IAD_ERR_ARG, "%s: more than the %llu bytes declared", w->path, (unsigned long long)w->total));
    while (n) {
        uint64_t room = w->shards[w->at].data - w->at_done;
        size_t k = n < room ? n : (size_t)room;
        if (write_all(w->fd, w->path, p, k, err) != IAD_OK) {
            iad_err_prefix(err, "after %llu of %llu bytes", (unsigned long long)w->written, (unsigned long long)w->total);
            w->failed = 1;
            return IAD_ERR_IO;
        }
        w->at_done += k;
        w->written += k;
        p += k;
        n -= k;
        IAD_TRY(keep(w, advance(w, err)));
    }
    return IAD_OK;
}

/* ---- finish ---- */

static iad_status write_index(const iad_st_writer *w, const char *path, iad_err *err) {
    json_t *map = json_object(), *root = json_object(), *meta = json_object();
    iad_buf text;
    iad_buf_init(&text, IAD_ST_MAX_INDEX);
    for (size_t i = 0; i < w->n; i++) json_object_set_new(map, w->items[i].name, json_string(w->shards[w->items[i].shard].name));
    json_object_set_new(meta, "total_size", json_integer((json_int_t)w->total));
    json_object_set_new(root, "metadata", meta);
    json_object_set_new(root, "weight_map", map);
    iad_status status = iad_json_pretty(root, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    json_decref(root);
    iad_buf_deinit(&text);
    return status;
}

/* "model-<digits>-of-<digits>.safetensors" */
static int is_shard_name(const char *name) {
    unsigned k, n;
    int used = 0;
    return sscanf(name, "model-%5u-of-%5u.safetensors%n", &k, &n, &used) == 2 && used > 0 && !name[used];
}

/* Weights in the folder that are not ours go: they would shadow ours, or fill the disk for nothing. */
static void remove_old(const iad_st_writer *w) {
    iad_dir_list list;
    char path[IAD_PATH_MAX];
    if (iad_dir_read(w->path, &list, NULL) != IAD_OK) return;
    for (size_t i = 0; i < list.n; i++) {
        const char *name = list.items[i].name;
        int ours = 0, old = is_shard_name(name) || strcmp(name, "model.safetensors") == 0 || strcmp(name, "model.safetensors.index.json") == 0;
        for (size_t k = 0; k < w->n_shards && old; k++) ours |= strcmp(name, w->shards[k].name) == 0;
        if (old && !ours && iad_path_join(path, sizeof path, w->path, name, NULL) == IAD_OK) unlink(path);
    }
    iad_dir_list_deinit(&list);
}

static iad_status finish(iad_st_writer *w, iad_err *err) {
    char path[IAD_PATH_MAX], index[IAD_PATH_MAX];
    if (w->written != w->total)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %llu of the %llu bytes declared", w->path, (unsigned long long)w->written,
                        (unsigned long long)w->total);
    if (w->is_dir && w->n_shards > 1) remove_old(w); /* an old model.safetensors would win over the new index */
    for (size_t i = 0; i < w->n_shards; i++) {
        IAD_TRY(final_path(w, &w->shards[i], path, err));
        if (rename(w->shards[i].temp, path) != 0) return io_fail(err, path, "rename to");
        w->shards[i].on_disk = 0;
    }
    if (w->is_dir && w->n_shards > 1) {
        IAD_TRY(iad_path_join(index, sizeof index, w->path, "model.safetensors.index.json", err));
        IAD_TRY(write_index(w, index, err));
    } else if (w->is_dir) {
        remove_old(w);
    }
    return IAD_OK;
}

iad_status iad_st_writer_finish(iad_st_writer *w, iad_err *err) {
    if (!w->begun || w->failed || w->finished) return IAD_FAIL(err, IAD_ERR_ARG, "%s: nothing to finish", w->path);
    IAD_TRY(keep(w, finish(w, err)));
    w->finished = 1;
    return IAD_OK;
}

uint64_t iad_st_writer_total(const iad_st_writer *w) { return w->total; }

uint64_t iad_st_writer_written(const iad_st_writer *w) { return w->written; }

void iad_st_writer_free(iad_st_writer *w) {
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    for (size_t i = 0; i < w->n_shards; i++)
        if (w->shards[i].on_disk) unlink(w->shards[i].temp);
    if (w->made_dir && !w->finished) rmdir(w->path); /* only when nothing else is in it */
    for (size_t i = 0; i < w->n; i++) free(w->items[i].name);
    free(w->items);
    free(w->shards);
    json_decref(w->metadata);
    free(w->path);
    free(w);
}
