/* Pictures of tasks as training, export and preview see them: the one way from a row of task_image to pixels. Real and synthetic pictures take the
 * same path (work size, then jitter with its codec step), so that nothing but the defect tells them apart (synth-data 1.8). */
#ifndef IAD_SYNTH_PICTURESTORE_H
#define IAD_SYNTH_PICTURESTORE_H

#include "base/image/image.h"
#include "manifests/manifest.h"
#include "synth/recipe/recipe.h"

#define IAD_WORK_MAX_SIDE 1024 /* default of max_side */

/* Decoded pictures at work size with their foregrounds, shared by all threads, least recently used ones leave when `budget` bytes are exceeded. */
typedef struct iad_picture_store iad_picture_store;
iad_status iad_picture_store_new(size_t budget, int max_side, iad_picture_store **store, iad_err *err);
void iad_picture_store_free(iad_picture_store *store);

/* What one thread needs: a manifest of its own (borrowed) beside the common store. */
typedef struct iad_picture_loader iad_picture_loader;
iad_status iad_picture_loader_new(iad_picture_store *store, iad_manifest *manifest, iad_picture_loader **loader, iad_err *err);
void iad_picture_loader_free(iad_picture_loader *loader);

typedef struct iad_loaded {
    iad_image picture; /* RGB, owned */
    iad_image mask;    /* one channel 0/255 in the picture's size; empty struct: unknown (an anomalous real picture without ground truth) */
    int work_w, work_h; /* before jitter; equal to picture's size */
} iad_loaded;
void iad_loaded_deinit(iad_loaded *loaded);

/* Exactly one of image_id, synth_id is not 0. jitter: text of jitter.h or NULL. Errors name the picture: IAD_ERR_NOT_FOUND (row or file gone), IAD_ERR_FORMAT
 * (broken), IAD_ERR_EXISTS (the file's pixels are not those of the recipe or the row any more). */
iad_status iad_picture_load(iad_picture_loader *loader, int64_t image_id, int64_t synth_id, const char *jitter, iad_loaded *loaded, iad_err *err);

#endif
