/* The pictures of exported records as files. */
#ifndef IAD_SYNTH_TASK_EXPORT_PICTURES_H
#define IAD_SYNTH_TASK_EXPORT_PICTURES_H

#include "base/file.h"
#include "manifests/records.h"
#include "synth/export/task_export.h"
#include "synth/recipe/picturestore.h"

typedef struct iad_export_picture {
    char path[IAD_PATH_MAX];   /* of the file, absolute when referenced, else relative to the export's folder */
    char key[IAD_SHA256_HEX];  /* the same picture with the same changes: the same key */
    int own_width, own_height; /* what boxes and masks of the record speak of: the file's size, a recipe's work size */
    int width, height;         /* of the file at path */
    int referenced;            /* 1: path is absolute */
} iad_export_picture;

typedef struct iad_export_pictures {
    const iad_task_export *run;
    iad_picture_store *store;
    iad_picture_loader *loader;
    iad_export_counts *counts;
    iad_buf bytes;
} iad_export_pictures;

iad_status iad_export_pictures_open(iad_export_pictures *pictures, const iad_task_export *run, iad_export_counts *counts, iad_err *err);
void iad_export_pictures_close(iad_export_pictures *pictures);

/* Finds or makes the picture's file: "render/<key>.jpg" (recipes, changed pictures), "files/<key>.<ext>" (copied or linked), or the original itself.
 * Errors name the picture: IAD_ERR_NOT_FOUND (file gone), IAD_ERR_FORMAT, IAD_ERR_IO. */
iad_status iad_export_picture_file(iad_export_pictures *pictures, const iad_task_image *image, iad_export_picture *picture, iad_err *err);
/* Finds or makes the mask of a picture as "masks/<key>.png" (1 bit, the size of the picture's file); mask_id 0: the picture's own. path[size] is ""
 * when nobody knows it. */
iad_status iad_export_mask_file(iad_export_pictures *pictures, const iad_task_image *image, const iad_export_picture *picture, int64_t mask_id,
                                char *path, size_t size, iad_err *err);

#endif
