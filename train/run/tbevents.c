#include "train/run/tbevents.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/file.h"

/* Field numbers of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto. */
enum {
    EVENT_WALL_TIME = 1,
    EVENT_STEP = 2,
    EVENT_FILE_VERSION = 3,
    EVENT_SUMMARY = 5,
    EVENT_SESSION_LOG = 7,
    SUMMARY_VALUE = 1,
    VALUE_TAG = 1,
    VALUE_SIMPLE = 2,
    SESSION_STATUS = 1,
    SESSION_START = 1
};
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct iad_tb_writer {
    FILE *file;
    char path[IAD_PATH_MAX];
    iad_buf event, part, value;
};

/* ---- protocol buffers ---- */

static iad_status put_varint(iad_buf *out, uint64_t v, iad_err *err) {
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 128; v >>= 7) bytes[n++] = (uint8_t)(v | 128);
    bytes[n++] = (uint8_t)v;
    return iad_buf_add(out, bytes, n, err);
}

static iad_status put_fixed(iad_buf *out, uint64_t bits, size_t n, iad_err *err) {
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(bits >> (8 * i));
    return iad_buf_add(out, bytes, n, err);
}

static iad_status put_key(iad_buf *out, int field, int wire, iad_err *err) { return put_varint(out, (uint64_t)(field << 3 | wire), err); }

static iad_status put_int(iad_buf *out, int field, int64_t v, iad_err *err) {
    IAD_TRY(put_key(out, field, WIRE_VARINT, err));
    return put_varint(out, (uint64_t)v, err);
}

static iad_status put_double(iad_buf *out, int field, double v, iad_err *err) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    IAD_TRY(put_key(out, field, WIRE_64, err));
    return put_fixed(out, bits, 8, err);
}

static iad_status put_float(iad_buf *out, int field, float v, iad_err *err) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    IAD_TRY(put_key(out, field, WIRE_32, err));
    return put_fixed(out, bits, 4, err);
}

static iad_status put_bytes(iad_buf *out, int field, const void *bytes, size_t n, iad_err *err) {
    IAD_TRY(put_key(out, field, WIRE_BYTES, err));
    IAD_TRY(put_varint(out, n, err));
    return iad_buf_add(out, bytes, n, err);
}

/* ---- records ---- */

static uint32_t masked_crc(const void *bytes, size_t n) {
    uint32_t crc = iad_crc32c(0, bytes, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put_le(uint8_t *p, uint64_t v, size_t n) {
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(v >> (8 * i));
}

/* u64 length, u32 checksum of the length, the event, u32 checksum of the event. */
static iad_status write_event(iad_tb_writer *w, iad_err *err) {
    uint8_t head[12], tail[4];
    put_le(head, w->event.len, 8);
    put_le(head + 8, masked_crc(head, 8), 4);
    put_le(tail, masked_crc(iad_buf_str(&w->event), w->event.len), 4);
    if (fwrite(head, 1, sizeof head, w->file) == sizeof head && fwrite(iad_buf_str(&w->event), 1, w->event.len, w->file) == w->event.len &&
        fwrite(tail, 1, sizeof tail, w->file) == sizeof tail && fflush(w->file) == 0)
        return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %s", w->path, strerror(errno));
}

/* ---- the file ---- */

static iad_status begin_file(iad_tb_writer *w, double wall_time, int64_t first_step, iad_err *err) {
    static const char version[] = "brain.Event:2";
    IAD_TRY(put_double(&w->event, EVENT_WALL_TIME, wall_time, err));
    IAD_TRY(put_bytes(&w->event, EVENT_FILE_VERSION, version, sizeof version - 1, err));
    IAD_TRY(write_event(w, err));
    if (first_step <= 0) return IAD_OK;
    iad_buf_reset(&w->event);
    IAD_TRY(put_double(&w->event, EVENT_WALL_TIME, wall_time, err));
    IAD_TRY(put_int(&w->event, EVENT_STEP, first_step, err));
    IAD_TRY(put_int(&w->part, SESSION_STATUS, SESSION_START, err));
    IAD_TRY(put_bytes(&w->event, EVENT_SESSION_LOG, w->part.data, w->part.len, err));
    return write_event(w, err);
}

iad_status iad_tb_open(const char *dir, double wall_time, int64_t first_step, iad_tb_writer **writer, iad_err *err) {
    char name[100];
    *writer = NULL;
    if (!(wall_time >= 0 && wall_time < 1e12)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %g is no time in seconds since 1970", dir, wall_time);
    IAD_TRY(iad_dir_make(dir, err));
    iad_tb_writer *w = iad_calloc(1, sizeof *w);
    if (!w) return IAD_NOMEM(err, dir);
    iad_buf_init(&w->event, 1u << 20);
    iad_buf_init(&w->part, 1u << 20);
    iad_buf_init(&w->value, 4096);
    snprintf(name, sizeof name, "events.out.tfevents.%010" PRId64 ".iadgpt.%" PRId64, (int64_t)floor(wall_time), first_step);
    iad_status status = iad_path_join(w->path, sizeof w->path, dir, name, err);
    if (status == IAD_OK && !(w->file = fopen(w->path, "wbe"))) status = IAD_FAIL(err, IAD_ERR_IO, "%s: cannot create: %s", w->path, strerror(errno));
    if (status == IAD_OK) status = begin_file(w, wall_time, first_step, err);
    if (status != IAD_OK) {
        iad_tb_close(w, NULL);
        return status;
    }
    *writer = w;
    return IAD_OK;
}

static iad_status put_scalar(iad_tb_writer *w, const iad_tb_scalar *s, iad_err *err) {
    size_t n = strlen(s->tag);
    if (n > IAD_TB_MAX_TAG) return IAD_FAIL(err, IAD_ERR_ARG, "tag \"%.40s...\" has %zu bytes (limit %d)", s->tag, n, (int)IAD_TB_MAX_TAG);
    iad_buf_reset(&w->value);
    IAD_TRY(put_bytes(&w->value, VALUE_TAG, s->tag, n, err));
    IAD_TRY(put_float(&w->value, VALUE_SIMPLE, (float)s->value, err));
    return put_bytes(&w->part, SUMMARY_VALUE, w->value.data, w->value.len, err);
}

iad_status iad_tb_add(iad_tb_writer *w, double wall_time, int64_t step, const iad_tb_scalar *scalars, int n, iad_err *err) {
    if (n < 0 || n > IAD_TB_MAX_SCALARS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%d scalars in an event (limit %d)", n, (int)IAD_TB_MAX_SCALARS);
    iad_buf_reset(&w->event);
    iad_buf_reset(&w->part);
    for (int i = 0; i < n; i++) IAD_TRY(put_scalar(w, &scalars[i], err));
    IAD_TRY(put_double(&w->event, EVENT_WALL_TIME, wall_time, err));
    IAD_TRY(put_int(&w->event, EVENT_STEP, step, err));
    IAD_TRY(put_bytes(&w->event, EVENT_SUMMARY, iad_buf_str(&w->part), w->part.len, err));
    return write_event(w, err);
}

iad_status iad_tb_close(iad_tb_writer *w, iad_err *err) {
    if (!w) return IAD_OK;
    int failed = w->file && fclose(w->file) != 0;
    iad_status status = failed ? IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %s", w->path, strerror(errno)) : IAD_OK;
    iad_buf_deinit(&w->event);
    iad_buf_deinit(&w->part);
    iad_buf_deinit(&w->value);
    free(w);
    return status;
}
