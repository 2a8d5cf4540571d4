/* Pictures and their annotated boxes. */
#include "manifests/records_image.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

static void put_u64(uint8_t *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_u64(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

static int small_int(iad_query *q, int column) {
    int64_t value = iad_query_col_i64(q, column);
    return value < 0 ? 0 : value > INT_MAX ? INT_MAX : (int)value;
}

iad_status iad_image_read(iad_query *q, iad_arena *arena, iad_image_row *row, iad_err *err) {
    memset(row, 0, sizeof *row);
    row->id = iad_query_col_i64(q, 0);
    row->dataset_id = iad_query_col_i64(q, 1);
    row->category_id = iad_query_col_i64(q, 2);
    const char *path = iad_query_col_text(q, 3);
    if (!path) return IAD_FAIL(err, IAD_ERR_FORMAT, "picture %lld has no path", (long long)row->id);
    row->path = iad_arena_str(arena, path);
    if (!row->path) return IAD_NOMEM(err, "picture rows");
    if (!iad_query_col_bytes(q, 4, row->sha256, 32))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "picture %s: bad file hash", row->path);
    uint8_t turns[24];
    row->has_pixels = iad_query_col_bytes(q, 5, row->pixel_sha256, 32) && !iad_query_col_null(q, 6) &&
                      iad_query_col_bytes(q, 7, turns, 24);
    if (row->has_pixels) {
        row->phash[0] = (uint64_t)iad_query_col_i64(q, 6);
        for (int i = 0; i < 3; i++) row->phash[i + 1] = get_u64(turns + 8 * i);
    }
    row->bytes = iad_query_col_i64(q, 8);
    row->mtime_ns = iad_query_col_i64(q, 9);
    row->width = small_int(q, 10);
    row->height = small_int(q, 11);
    row->channels = small_int(q, 12);
    row->depth = small_int(q, 13);
    IAD_TRY(iad_part_parse(iad_query_col_text(q, 16), &row->part, err));
    IAD_TRY(iad_label_parse(iad_query_col_text(q, 17), &row->label, err));
    row->exemplar_ok = small_int(q, 22);
    row->dup_of = iad_query_col_i64(q, 25);
    row->bad = small_int(q, 26);
    static const struct {
        int column;
        size_t offset;
    } texts[] = {{14, offsetof(iad_image_row, format)},     {15, offsetof(iad_image_row, source_split)},
                 {18, offsetof(iad_image_row, defect)},     {19, offsetof(iad_image_row, object_key)},
                 {20, offsetof(iad_image_row, view)},       {21, offsetof(iad_image_row, light)},
                 {23, offsetof(iad_image_row, source_url)}, {24, offsetof(iad_image_row, licence)},
                 {27, offsetof(iad_image_row, bad_reason)}, {28, offsetof(iad_image_row, note)}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = iad_query_col_text(q, texts[i].column);
        const char *copy = iad_arena_str(arena, text);
        if (text && !copy) return IAD_NOMEM(err, "picture rows");
        memcpy((char *)row + texts[i].offset, &copy, sizeof copy);
    }
    return IAD_OK;
}

iad_status iad_image_find(iad_manifest *manifest, int64_t dataset_id, const char *path, int64_t *id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", "SELECT id FROM image WHERE dataset_id=? AND path=?", err));
    iad_query_i64(&q, dataset_id);
    iad_query_text(&q, path);
    *id = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    return iad_query_close(&q, err);
}

iad_status iad_image_get(iad_manifest *manifest, int64_t id, iad_arena *arena, iad_image_row *row, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", "SELECT " IAD_IMAGE_COLUMNS " FROM image i WHERE i.id=?", err));
    iad_query_i64(&q, id);
    int found = iad_query_next(&q);
    iad_status status = found ? iad_image_read(&q, arena, row, err) : IAD_OK;
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status != IAD_OK || closed != IAD_OK) return status != IAD_OK ? status : closed;
    if (!found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no picture with id %lld", (long long)id);
    return IAD_OK;
}

iad_status iad_image_unchanged(iad_manifest *manifest, int64_t dataset_id, const char *path, int64_t bytes,
                               int64_t mtime_ns, int64_t *id, int *same, iad_err *err) {
    *id = 0;
    *same = 0;
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", "SELECT id,bytes,mtime_ns FROM image WHERE dataset_id=? AND path=?",
                           err));
    iad_query_i64(&q, dataset_id);
    iad_query_text(&q, path);
    if (iad_query_next(&q)) {
        *id = iad_query_col_i64(&q, 0);
        *same = mtime_ns != 0 && iad_query_col_i64(&q, 1) == bytes && iad_query_col_i64(&q, 2) == mtime_ns;
    }
    return iad_query_close(&q, err);
}

/* Binds every column but id, in the order of IAD_IMAGE_COLUMNS. */
static void bind_image(iad_query *q, const iad_image_row *row, uint8_t turns[24]) {
    iad_query_i64(q, row->dataset_id);
    iad_query_id(q, row->category_id);
    iad_query_text(q, row->path);
    iad_query_blob(q, row->sha256, 32);
    if (row->has_pixels) {
        for (int i = 0; i < 3; i++) put_u64(turns + 8 * i, row->phash[i + 1]);
        iad_query_blob(q, row->pixel_sha256, 32);
        iad_query_i64(q, (int64_t)row->phash[0]);
        iad_query_blob(q, turns, 24);
    } else {
        for (int i = 0; i < 3; i++) iad_query_null(q);
    }
    iad_query_id(q, row->bytes);
    iad_query_id(q, row->mtime_ns);
    iad_query_i64(q, row->width);
    iad_query_i64(q, row->height);
    iad_query_id(q, row->channels);
    iad_query_id(q, row->depth);
    iad_query_text(q, row->format);
    iad_query_text(q, row->source_split);
    iad_query_text(q, iad_part_name(row->part));
    iad_query_text(q, iad_label_name(row->label));
    iad_query_text(q, row->defect);
    iad_query_text(q, row->object_key);
    iad_query_text(q, row->view);
    iad_query_text(q, row->light);
    iad_query_i64(q, row->exemplar_ok != 0);
    iad_query_text(q, row->source_url);
    iad_query_text(q, row->licence);
    iad_query_id(q, row->dup_of);
    iad_query_i64(q, row->bad != 0);
    iad_query_text(q, row->bad_reason);
    iad_query_text(q, row->note);
}

static int text_differs(const char *a, const char *b) {
    return a && b ? strcmp(a, b) != 0 : a != b;
}

/* Everything but id and dup_of (which a later command sets). */
static int rows_differ(const iad_image_row *a, const iad_image_row *b) {
    return a->category_id != b->category_id || memcmp(a->sha256, b->sha256, 32) || a->has_pixels != b->has_pixels ||
           (a->has_pixels &&
            (memcmp(a->pixel_sha256, b->pixel_sha256, 32) || memcmp(a->phash, b->phash, sizeof a->phash))) ||
           a->bytes != b->bytes || a->mtime_ns != b->mtime_ns || a->width != b->width || a->height != b->height ||
           a->channels != b->channels || a->depth != b->depth || a->part != b->part || a->label != b->label ||
           (a->exemplar_ok != 0) != (b->exemplar_ok != 0) || (a->bad != 0) != (b->bad != 0) ||
           text_differs(a->format, b->format) || text_differs(a->source_split, b->source_split) ||
           text_differs(a->defect, b->defect) || text_differs(a->object_key, b->object_key) ||
           text_differs(a->view, b->view) || text_differs(a->light, b->light) ||
           text_differs(a->source_url, b->source_url) || text_differs(a->licence, b->licence) ||
           text_differs(a->bad_reason, b->bad_reason) || text_differs(a->note, b->note);
}

static iad_status insert_image(iad_manifest *manifest, const iad_image_row *row, int64_t *id, iad_err *err) {
    iad_query q;
    uint8_t turns[24];
    IAD_TRY(iad_query_open(
        &q, manifest, "image",
        "INSERT INTO image(dataset_id,category_id,path,sha256,pixel_sha256,phash,phash_turns,bytes,mtime_ns,width,"
        "height,"
        "channels,depth,format,source_split,part,label,defect,object_key,view,light,exemplar_ok,source_url,licence,"
        "dup_of,"
        "bad,bad_reason,note) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        err));
    bind_image(&q, row, turns);
    IAD_TRY(iad_query_run(&q, row->path, err));
    *id = iad_query_last_id(manifest);
    return IAD_OK;
}

static iad_status update_image(iad_manifest *manifest, int64_t id, const iad_image_row *row, iad_err *err) {
    iad_query q;
    uint8_t turns[24];
    IAD_TRY(iad_query_open(
        &q, manifest, "image",
        "UPDATE image SET dataset_id=?,category_id=?,path=?,sha256=?,pixel_sha256=?,phash=?,phash_turns=?,bytes=?,"
        "mtime_ns=?,"
        "width=?,height=?,channels=?,depth=?,format=?,source_split=?,part=?,label=?,defect=?,object_key=?,view=?,"
        "light=?,"
        "exemplar_ok=?,source_url=?,licence=?,dup_of=?,bad=?,bad_reason=?,note=? WHERE id=?",
        err));
    bind_image(&q, row, turns);
    iad_query_i64(&q, id);
    return iad_query_run(&q, row->path, err);
}

/* New pixels: what was said about the old ones no longer holds. */
static iad_status forget_annotations(iad_manifest *manifest, int64_t id, iad_err *err) {
    static const char *const sql[] = {"DELETE FROM image_mask WHERE image_id=?",
                                      "DELETE FROM image_box WHERE image_id=?"};
    for (int i = 0; i < 2; i++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, manifest, i ? "image_box" : "image_mask", sql[i], err));
        iad_query_i64(&q, id);
        IAD_TRY(iad_query_run(&q, NULL, err));
    }
    return IAD_OK;
}

static iad_status replace_image(iad_manifest *manifest, int64_t id, const iad_image_row *row, iad_put_result *result,
                                iad_err *err) {
    iad_arena arena = {0};
    iad_image_row old;
    iad_status status = iad_image_get(manifest, id, &arena, &old, err);
    if (status == IAD_OK) {
        iad_image_row fresh = *row;
        if (!fresh.dup_of) fresh.dup_of = old.dup_of;
        *result = rows_differ(&old, &fresh) || old.dup_of != fresh.dup_of ? IAD_PUT_CHANGED : IAD_PUT_SAME;
        int new_content = memcmp(old.sha256, fresh.sha256, 32) != 0;
        if (*result == IAD_PUT_CHANGED) status = update_image(manifest, id, &fresh, err);
        if (status == IAD_OK && new_content) status = forget_annotations(manifest, id, err);
    }
    iad_arena_deinit(&arena);
    return status;
}

iad_status iad_image_put(iad_manifest *manifest, const iad_image_row *row, int64_t *id, iad_put_result *result,
                         iad_err *err) {
    if (!row->path || !iad_path_safe(row->path))
        return IAD_FAIL(err, IAD_ERR_ARG, "picture '%.200s': unsafe path", row->path ? row->path : "");
    iad_put_result what = IAD_PUT_ADDED;
    IAD_TRY(iad_image_find(manifest, row->dataset_id, row->path, id, err));
    if (*id) IAD_TRY(replace_image(manifest, *id, row, &what, err));
    else IAD_TRY(insert_image(manifest, row, id, err));
    if (result) *result = what;
    return IAD_OK;
}

/* ---- boxes ---- */

iad_status iad_image_boxes_set(iad_manifest *manifest, int64_t image_id, const iad_box_row *boxes, size_t n,
                               iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image_box", "DELETE FROM image_box WHERE image_id=?", err));
    iad_query_i64(&q, image_id);
    IAD_TRY(iad_query_run(&q, NULL, err));
    for (size_t i = 0; i < n; i++) {
        IAD_TRY(iad_query_open(&q, manifest, "image_box",
                               "INSERT INTO image_box(image_id,pos,x0,y0,x1,y1,name) VALUES(?,?,?,?,?,?,?)", err));
        iad_query_i64(&q, image_id);
        iad_query_i64(&q, (int64_t)i);
        iad_query_f64(&q, boxes[i].x0);
        iad_query_f64(&q, boxes[i].y0);
        iad_query_f64(&q, boxes[i].x1);
        iad_query_f64(&q, boxes[i].y1);
        iad_query_text(&q, boxes[i].name);
        IAD_TRY(iad_query_run(&q, boxes[i].name, err));
    }
    return IAD_OK;
}

iad_status iad_image_boxes_get(iad_manifest *manifest, int64_t image_id, iad_arena *arena, iad_box_row **boxes,
                               size_t *n, iad_err *err) {
    *boxes = NULL;
    *n = 0;
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image_box", "SELECT count(*) FROM image_box WHERE image_id=?", err));
    iad_query_i64(&q, image_id);
    size_t count = iad_query_next(&q) ? (size_t)iad_query_col_i64(&q, 0) : 0;
    IAD_TRY(iad_query_close(&q, err));
    if (!count) return IAD_OK;
    iad_box_row *rows = count < SIZE_MAX / sizeof *rows ? iad_arena_take(arena, count * sizeof *rows) : NULL;
    if (!rows) return IAD_NOMEM(err, "boxes");
    IAD_TRY(iad_query_open(&q, manifest, "image_box",
                           "SELECT x0,y0,x1,y1,name FROM image_box WHERE image_id=? ORDER BY pos", err));
    iad_query_i64(&q, image_id);
    size_t i = 0;
    for (; i < count && iad_query_next(&q); i++)
        rows[i] = (iad_box_row){iad_query_col_f64(&q, 0), iad_query_col_f64(&q, 1), iad_query_col_f64(&q, 2),
                                iad_query_col_f64(&q, 3), iad_arena_str(arena, iad_query_col_text(&q, 4))};
    *boxes = rows;
    *n = i;
    return iad_query_close(&q, err);
}
