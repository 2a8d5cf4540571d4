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

/* Exactly one of image_id, synth_id is not 0. jitter: text of jitter.h or NULL. Errors name the picture: IAD_ERR_NOT_FOUND (row or file gone),
 * IAD_ERR_FORMAT (broken), IAD_ERR_EXISTS (the file's pixels are not those of the recipe or the row any more). */
iad_status iad_picture_load(iad_picture_loader *loader, int64_t image_id, int64_t synth_id, const char *jitter, iad_loaded *loaded, iad_err *err);

/* Everything about one recipe, for people: the picture before, after, what was pasted and what can be seen. */
typedef struct iad_rendering {
    iad_image before, after; /* at work size, RGB; owned */
    iad_image geom, vis;     /* one channel 0/255; owned */
    iad_recipe recipe;       /* owned */
    iad_recipe_facts facts;
} iad_rendering;
void iad_rendering_deinit(iad_rendering *rendering);
iad_status iad_picture_render(iad_picture_loader *loader, int64_t synth_id, iad_rendering *rendering, iad_err *err);

/* The scene of a picture, for drawing recipes: dst at work size with its foreground, and, where the generator wants them, a source and a texture
 * picture (0: none). The pictures stay in the store until the scene is given back. */
typedef struct iad_loaded_scene {
    iad_defect_scene scene;
    uint8_t dst_pixels[32], src_pixels[32], tex_pixels[32];
    char fg_rule[128];
    void *held[5]; /* of the store */
} iad_loaded_scene;
iad_status iad_picture_scene(iad_picture_loader *loader, int64_t dst, int64_t src, int64_t tex, iad_loaded_scene *scene, iad_err *err);
void iad_picture_scene_release(iad_picture_loader *loader, iad_loaded_scene *scene);

#endif
