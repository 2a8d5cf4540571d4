#include "manifests/ingest/ingest_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/decode.h"
#include "base/textargs.h"
#include "manifests/identity.h"
#include "manifests/ingest/ingest_mask.h"

/* ---- texts ---- */

/* One more remark about the picture, separated by "; ". */
static void add_note(iad_picture *picture, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_note(iad_picture *picture, const char *fmt, ...) {
    char text[sizeof picture->note];
    IAD_TEXT_OF_ARGS(text, fmt);
    if (strstr(picture->note, text)) return; /* the source's own note may say it: lists that were exported do */
    size_t len = strlen(picture->note);
    snprintf(picture->note + len, sizeof picture->note - len, "%s%s", len ? "; " : "", text);
    /* Names in it may be cut in the middle of a character. */
    picture->note[iad_utf8_valid(picture->note, strlen(picture->note))] = 0;
}

/* Messages name the file by its path below the root: a manifest must not depend on where the root lies. */
static void set_reason(iad_picture *picture, const char *text) {
    iad_text_copy(picture->reason, sizeof picture->reason, text);
    picture->reason[iad_utf8_valid(picture->reason, strlen(picture->reason))] = 0;
}

static int is_fatal(iad_status status) { return status == IAD_ERR_NOMEM || status == IAD_ERR_INTERNAL; }

/* ---- masks ---- */

/* One file as a plane of the picture's size. IAD_ERR_FORMAT and the like: not usable, message in *err. */
static iad_status read_mask(const iad_ingest_root *root, const char *path, iad_picture *picture, iad_image *plane, iad_err *err) {
    iad_ingest_file source;
    uint8_t *bytes;
    size_t n;
    iad_mask_file file;
    IAD_TRY(iad_ingest_file_open(root, path, &source, err));
    iad_status status = iad_ingest_file_read(&source, path, IAD_IMAGE_MAX_FILE_BYTES, &bytes, &n, err);
    iad_ingest_file_close(&source);
    if (status != IAD_OK) return status;
    status = iad_mask_decode(bytes, n, path, &file, err);
    free(bytes);
    if (status != IAD_OK) return status;
    if (file.jpeg) add_note(picture, "mask %s is a JPEG: cut at 128", path);
    int width = file.values.width, height = file.values.height, resized = 0;
    status = iad_mask_fit(&file.values, picture->row.width, picture->row.height, &resized, err);
    if (resized) add_note(picture, "mask %s is %dx%d: resized by nearest neighbour", path, width, height);
    if (status != IAD_OK) iad_mask_file_deinit(&file);
    else *plane = file.values;
    return status;
}

static iad_status add_mask(iad_picture *picture, const iad_ingest_entry *entry, const iad_image *plane, const iad_mask_values *values,
                           const char *role, iad_err *err) {
    iad_picture_mask *mask = &picture->masks[picture->n_masks];
    iad_mask_quality quality = entry->item.n_masks ? entry->item.mask_quality : IAD_MASK_BOX; /* without a file: filled boxes */
    IAD_TRY(iad_mask_make_row(plane, entry->value_map, values, quality, &mask->row, err));
    mask->role = role;
    picture->n_masks++;
    return IAD_OK;
}

/* The union of the item's files in *whole; parts go to picture->masks when wanted. */
static iad_status unite_files(const iad_ingest_root *root, const iad_ingest_entry *entry, iad_picture *picture, iad_image *whole, iad_err *err) {
    const iad_ingest_item *item = &entry->item;
    for (size_t i = 0; i < item->n_masks; i++) {
        iad_image plane = {0};
        iad_status status = read_mask(root, item->masks[i], picture, &plane, err);
        if (status == IAD_OK && item->mask_parts) {
            iad_mask_values values;
            iad_mask_classify(&plane, entry->value_map, &values);
            status = add_mask(picture, entry, &plane, &values, "part", err);
        }
        if (status != IAD_OK) {
            iad_image_deinit(&plane);
            return status;
        }
        if (i == 0) {
            *whole = plane;
        } else {
            iad_mask_unite(whole, &plane);
            iad_image_deinit(&plane);
        }
    }
    return IAD_OK;
}

static iad_status fill_boxes(const iad_ingest_item *item, const iad_picture *picture, iad_image *whole, iad_err *err) {
    iad_box_row *boxes = iad_calloc(item->n_boxes, sizeof *boxes);
    if (!boxes) return IAD_NOMEM(err, item->path);
    for (size_t i = 0; i < item->n_boxes; i++)
        boxes[i] = (iad_box_row){item->boxes[i].x0, item->boxes[i].y0, item->boxes[i].x1, item->boxes[i].y1, NULL};
    iad_status status = iad_mask_from_boxes(boxes, item->n_boxes, picture->row.width, picture->row.height, whole, err);
    free(boxes);
    return status;
}

/* What the ground truth says about the label, and what must be told about it. `whole` may be empty when there is none. */
static void apply_label(const iad_ingest_entry *entry, const iad_image *whole, iad_mask_kind kind, iad_picture *picture) {
    iad_image_row *row = &picture->row;
    if (kind == IAD_MASK_SOFT) add_note(picture, "mask with more than %d values: non-zero is defect", IAD_MASK_MAX_CLASSES);
    if (entry->item.label_from_mask) {
        row->label = !whole->px ? IAD_LABEL_UNKNOWN : kind == IAD_MASK_EMPTY ? IAD_LABEL_NORMAL : IAD_LABEL_ANOMALOUS;
    } else if (whole->px && kind == IAD_MASK_EMPTY && row->label == IAD_LABEL_ANOMALOUS) {
        add_note(picture, "anomalous, but its mask is empty");
    } else if (kind != IAD_MASK_EMPTY && row->label == IAD_LABEL_NORMAL) {
        add_note(picture, "normal, but its mask is not empty: the mask is not kept");
    }
    if (row->label != IAD_LABEL_ANOMALOUS) row->defect = NULL;
    row->exemplar_ok = row->exemplar_ok && row->label == IAD_LABEL_NORMAL;
}

static void drop_masks(iad_picture *picture) {
    for (size_t i = 0; i < picture->n_masks; i++) iad_mask_row_deinit(&picture->masks[i].row);
    picture->n_masks = 0;
}

static iad_status read_masks(const iad_ingest_root *root, const iad_ingest_entry *entry, iad_picture *picture, iad_err *err) {
    const iad_ingest_item *item = &entry->item;
    iad_image whole = {0};
    iad_mask_values values = {.kind = IAD_MASK_EMPTY};
    iad_err why = IAD_ERR_NONE;
    iad_status status = IAD_OK;
    if (item->n_masks || item->n_boxes) {
        picture->masks = iad_calloc(item->n_masks + 1, sizeof *picture->masks);
        if (!picture->masks) return IAD_NOMEM(err, item->path);
    }
    if (item->n_masks) status = unite_files(root, entry, picture, &whole, &why);
    else if (item->n_boxes && item->label == IAD_LABEL_ANOMALOUS) status = fill_boxes(item, picture, &whole, &why);
    if (status != IAD_OK) {
        iad_image_deinit(&whole);
        drop_masks(picture);
        if (is_fatal(status)) {
            if (err) *err = why;
            return status;
        }
        picture->masks_failed = 1;
        add_note(picture, "its mask is unknown: %s", why.msg);
    }
    if (whole.px) iad_mask_classify(&whole, entry->value_map, &values);
    apply_label(entry, &whole, values.kind, picture);
    /* A normal picture's mask is empty by definition: nothing is stored. */
    if (whole.px && picture->row.label == IAD_LABEL_NORMAL) drop_masks(picture);
    else if (whole.px) status = add_mask(picture, entry, &whole, &values, "gt", err);
    else status = IAD_OK;
    iad_image_deinit(&whole);
    return status;
}

/* ---- pixels ---- */

static void describe(iad_picture *picture, const iad_image_info *info, const iad_image *image) {
    iad_image_row *row = &picture->row;
    row->width = image->width;
    row->height = image->height;
    row->channels = info->channels;
    row->depth = info->depth;
    if (info->animated) add_note(picture, "animated: first frame");
    if (info->warnings) add_note(picture, "decoder warnings: %ld", info->warnings);
}

static iad_status read_pixels(const iad_ingest_root *root, const iad_ingest_entry *entry, const uint8_t *bytes, size_t n, iad_picture *picture,
                              iad_err *err) {
    iad_image_row *row = &picture->row;
    iad_image image = {0};
    iad_image_info info;
    iad_err why = IAD_ERR_NONE;
    row->format = iad_image_format_name(iad_image_sniff(bytes, n));
    iad_status status = iad_image_decode(bytes, n, entry->item.path, NULL, &image, &info, &why);
    if (is_fatal(status)) {
        if (err) *err = why;
        return status;
    }
    if (status != IAD_OK) {
        row->bad = 1;
        row->exemplar_ok = 0;
        set_reason(picture, why.msg);
        row->bad_reason = picture->reason;
        if (entry->item.label_from_mask) row->label = IAD_LABEL_UNKNOWN;
        return IAD_OK;
    }
    describe(picture, &info, &image);
    status = iad_pixel_sha256(&image, row->pixel_sha256, err);
    if (status == IAD_OK) status = iad_leak_hash(&image, row->phash, err);
    row->has_pixels = status == IAD_OK;
    iad_image_deinit(&image);
    if (status != IAD_OK) return status;
    return read_masks(root, entry, picture, err);
}

/* ---- the whole ---- */

static void set_facts(const iad_ingest_item *item, iad_image_row *row) {
    row->path = item->path;
    row->source_split = item->split;
    row->part = iad_part_of_split(item->split);
    row->label = item->label;
    row->defect = item->label == IAD_LABEL_NORMAL ? NULL : item->defect;
    row->object_key = item->object_key;
    row->view = item->view;
    row->light = item->light;
    row->exemplar_ok = item->exemplar_ok && (item->label == IAD_LABEL_NORMAL || item->label_from_mask);
}

/* Messages in the picture, an error code only for what must stop the run. */
static iad_status read_bytes(const iad_ingest_root *root, const iad_ingest_item *item, const iad_picture_before *before, iad_picture *picture,
                             uint8_t **bytes, size_t *n, iad_err *err) {
    iad_ingest_file file;
    iad_err why = IAD_ERR_NONE;
    iad_status status = iad_ingest_file_open(root, item->path, &file, &why);
    picture->outcome = status == IAD_ERR_ARG ? IAD_PICTURE_OUTSIDE : IAD_PICTURE_MISSING;
    if (status == IAD_OK) {
        picture->row.bytes = file.bytes;
        picture->row.mtime_ns = file.mtime_ns;
        if (before && !before->read_again && before->bytes == file.bytes && before->mtime_ns == file.mtime_ns) picture->outcome = IAD_PICTURE_KNOWN;
        else status = iad_ingest_file_read(&file, item->path, IAD_IMAGE_MAX_FILE_BYTES, bytes, n, &why);
        iad_ingest_file_close(&file);
        if (status == IAD_OK && *bytes) picture->outcome = IAD_PICTURE_READ;
    }
    if (status != IAD_OK) set_reason(picture, why.msg);
    if (is_fatal(status) && err) *err = why;
    return is_fatal(status) ? status : IAD_OK;
}

iad_status iad_picture_read(const iad_ingest_root *root, const iad_ingest_entry *entry, const iad_picture_before *before, iad_picture *picture,
                            iad_err *err) {
    const iad_ingest_item *item = &entry->item;
    uint8_t *bytes = NULL;
    size_t n = 0;
    IAD_TRY(read_bytes(root, item, before, picture, &bytes, &n, err));
    if (picture->outcome != IAD_PICTURE_READ) return IAD_OK;
    picture->row.bytes = (int64_t)n;
    set_facts(item, &picture->row);
    if (item->note) add_note(picture, "%s", item->note);
    iad_status status = iad_sha256_bytes(bytes, n, picture->row.sha256, err);
    if (status == IAD_OK) status = read_pixels(root, entry, bytes, n, picture, err);
    free(bytes);
    picture->row.note = *picture->note ? picture->note : NULL;
    return status;
}

void iad_picture_deinit(iad_picture *picture) {
    drop_masks(picture);
    free(picture->masks);
    picture->masks = NULL;
}
