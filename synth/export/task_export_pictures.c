#include "synth/export/task_export_pictures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/image/decode.h"
#include "base/image/encode.h"
#include "base/image/resize.h"
#include "base/sha256.h"
#include "manifests/pictures.h"
#include "manifests/query.h"
#include "synth/recipe/wholefile.h"

#define STORE_BYTES ((size_t)256 << 20)
#define MAX_ENCODED ((size_t)256 << 20)
#define QUALITY 95 /* 4:4:4; the pictures' own codec steps are part of their changes */

iad_status iad_export_pictures_open(iad_export_pictures *pictures, const iad_task_export *run, iad_export_counts *counts, iad_err *err) {
    *pictures = (iad_export_pictures){.run = run, .counts = counts};
    iad_buf_init(&pictures->bytes, MAX_ENCODED);
    iad_status status = iad_picture_store_new(STORE_BYTES, run->max_side, &pictures->store, err);
    if (status == IAD_OK) status = iad_picture_loader_new(pictures->store, run->manifest, &pictures->loader, err);
    if (status != IAD_OK) iad_export_pictures_close(pictures);
    return status;
}

void iad_export_pictures_close(iad_export_pictures *pictures) {
    iad_picture_loader_free(pictures->loader);
    iad_picture_store_free(pictures->store);
    iad_buf_deinit(&pictures->bytes);
    *pictures = (iad_export_pictures){0};
}

/* ---- what the manifest says ---- */

/* The key's hash: what the pixels are made of. hash: of a real picture's file, of a recipe. */
static iad_status facts_of(const iad_export_pictures *pictures, const iad_task_image *image, uint8_t hash[32], iad_export_picture *p, iad_err *err) {
    iad_query q;
    if (image->image_id)
        IAD_TRY(iad_query_open(&q, pictures->run->manifest, "image", "SELECT coalesce(pixel_sha256,sha256),width,height FROM image WHERE id=?", err));
    else IAD_TRY(iad_query_open(&q, pictures->run->manifest, "synth", "SELECT recipe_sha256,work_w,work_h FROM synth WHERE id=?", err));
    int64_t id = image->image_id ? image->image_id : image->synth_id;
    iad_query_i64(&q, id);
    int there = iad_query_next(&q) && iad_query_col_bytes(&q, 0, hash, 32);
    if (there) {
        p->own_width = (int)iad_query_col_i64(&q, 1);
        p->own_height = (int)iad_query_col_i64(&q, 2);
    }
    IAD_TRY(iad_query_close(&q, err));
    if (!there || p->own_width < 1 || p->own_height < 1)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s %lld is not in the manifest, or cannot be decoded", image->image_id ? "picture" : "recipe",
                        (long long)id);
    return IAD_OK;
}

static iad_status key_of(const iad_export_pictures *pictures, const iad_task_image *image, const uint8_t hash[32], char key[IAD_SHA256_HEX],
                         iad_err *err) {
    iad_sha256 h;
    char side[32];
    snprintf(side, sizeof side, "%c %d ", image->image_id ? 'i' : 's', pictures->run->max_side);
    IAD_TRY(iad_sha256_init(&h, err));
    iad_status status = iad_sha256_add(&h, hash, 32, err);
    if (status == IAD_OK) status = iad_sha256_add(&h, side, strlen(side), err);
    if (status == IAD_OK && image->jitter) status = iad_sha256_add(&h, image->jitter, strlen(image->jitter), err);
    return iad_sha256_end_hex(&h, status, key, err);
}

/* ---- files ---- */

static iad_status full_path(const iad_export_pictures *pictures, const char *relative, char *out, iad_err *err) {
    return iad_path_join(out, IAD_PATH_MAX, pictures->run->out, relative, err);
}

static iad_status render(iad_export_pictures *pictures, const iad_task_image *image, iad_export_picture *p, iad_err *err) {
    const iad_jpeg_options jpeg = {.quality = QUALITY};
    char path[IAD_PATH_MAX];
    iad_loaded loaded;
    snprintf(p->path, sizeof p->path, "render/%s.jpg", p->key);
    IAD_TRY(full_path(pictures, p->path, path, err));
    if (iad_picture_file_whole(path, &p->width, &p->height)) {
        pictures->counts->present++;
        return IAD_OK;
    }
    IAD_TRY(iad_picture_load(pictures->loader, image->image_id, image->synth_id, image->jitter, &loaded, err));
    p->width = loaded.picture.width;
    p->height = loaded.picture.height;
    iad_buf_reset(&pictures->bytes);
    iad_status status = iad_encode_jpeg(&loaded.picture, &jpeg, &pictures->bytes, err);
    iad_loaded_deinit(&loaded);
    if (status == IAD_OK) status = iad_file_write_soon(path, pictures->bytes.data, pictures->bytes.len, err);
    pictures->counts->rendered += status == IAD_OK;
    return status;
}

static iad_status copy(const char *from, const char *to, iad_err *err) {
    iad_map map;
    IAD_TRY(iad_map_open(&map, from, err));
    iad_status status = iad_file_write(to, map.data, map.n, err);
    iad_map_close(&map);
    return status;
}

/* A link under a name that is not there yet; links are made whole. Another file system: a copy. */
static iad_status place(const iad_export_pictures *pictures, const char *from, const char *to, iad_err *err) {
    char folder[IAD_PATH_MAX];
    int bad = 0;
    iad_path_dir(folder, sizeof folder, to);
    IAD_TRY(iad_dir_make(folder, err));
    if (pictures->run->files == IAD_EXPORT_COPY) return copy(from, to, err);
    bad = pictures->run->files == IAD_EXPORT_HARDLINK ? link(from, to) != 0 : symlink(from, to) != 0;
    if (bad && errno == EEXIST) return IAD_OK;
    if (bad && pictures->run->files == IAD_EXPORT_HARDLINK && (errno == EXDEV || errno == EPERM || errno == EMLINK)) return copy(from, to, err);
    return bad ? IAD_FAIL(err, IAD_ERR_IO, "%s: cannot link: %m", to) : IAD_OK;
}

static const char *extension(iad_image_format format) {
    switch (format) {
    case IAD_IMAGE_JPEG: return "jpg";
    case IAD_IMAGE_PNG: return "png";
    case IAD_IMAGE_WEBP: return "webp";
    case IAD_IMAGE_BMP: return "bmp";
    case IAD_IMAGE_UNKNOWN: break;
    }
    return "bin";
}

static iad_status original(iad_export_pictures *pictures, const iad_task_image *image, iad_export_picture *p, iad_err *err) {
    char from[IAD_PATH_MAX], to[IAD_PATH_MAX];
    iad_map map;
    iad_image_info info;
    IAD_TRY(iad_image_path(pictures->run->manifest, image->image_id, from, sizeof from, err));
    IAD_TRY(iad_map_open(&map, from, err));
    iad_status status = iad_image_probe(map.data, map.n, from, &info, err);
    iad_map_close(&map);
    IAD_TRY(status);
    if (info.width != p->own_width || info.height != p->own_height)
        return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: %d x %d pixels, the manifest says %d x %d", from, info.width, info.height, p->own_width,
                        p->own_height);
    p->width = info.width;
    p->height = info.height;
    p->referenced = pictures->run->files == IAD_EXPORT_REFERENCE;
    if (p->referenced) {
        snprintf(p->path, sizeof p->path, "%s", from);
        return IAD_OK;
    }
    snprintf(p->path, sizeof p->path, "files/%s.%s", p->key, extension(info.format));
    IAD_TRY(full_path(pictures, p->path, to, err));
    if (iad_file_exists(to)) {
        pictures->counts->present++;
        return IAD_OK;
    }
    IAD_TRY(place(pictures, from, to, err));
    pictures->counts->linked++;
    return IAD_OK;
}

iad_status iad_export_picture_file(iad_export_pictures *pictures, const iad_task_image *image, iad_export_picture *picture, iad_err *err) {
    uint8_t hash[32];
    *picture = (iad_export_picture){0};
    IAD_TRY(facts_of(pictures, image, hash, picture, err));
    IAD_TRY(key_of(pictures, image, hash, picture->key, err));
    int unchanged = image->image_id && (!image->jitter || !image->jitter[0]);
    return unchanged && pictures->run->files != IAD_EXPORT_RENDER ? original(pictures, image, picture, err) : render(pictures, image, picture, err);
}

/* ---- masks ---- */

/* A thin defect must not vanish: a pixel of the smaller mask is set when any pixel that it covers is. */
static iad_status fit_mask(iad_image *mask, int width, int height, iad_err *err) {
    iad_image small;
    if (mask->width == width && mask->height == height) return IAD_OK;
    IAD_TRY(iad_image_init(&small, width, height, 1, err));
    for (int y = 0; y < mask->height; y++)
        for (int x = 0; x < mask->width; x++)
            if (*iad_image_at(mask, x, y))
                *iad_image_at(&small, (int)((int64_t)x * width / mask->width), (int)((int64_t)y * height / mask->height)) = 255;
    iad_image_deinit(mask);
    *mask = small;
    return IAD_OK;
}

static iad_status mask_pixels(iad_export_pictures *pictures, const iad_task_image *image, const iad_export_picture *p, int64_t mask_id,
                              iad_image *mask, iad_err *err) {
    *mask = (iad_image){0};
    if (p->width == p->own_width && p->height == p->own_height && mask_id) {
        IAD_TRY(iad_mask_pixels(pictures->run->manifest, mask_id, mask, err));
    } else if (image->image_id && (!image->jitter || !image->jitter[0])) {
        IAD_TRY(iad_image_mask(pictures->run->manifest, image->image_id, mask, NULL, err));
    } else {
        iad_loaded loaded;
        IAD_TRY(iad_picture_load(pictures->loader, image->image_id, image->synth_id, image->jitter, &loaded, err));
        *mask = loaded.mask;
        loaded.mask = (iad_image){0};
        iad_loaded_deinit(&loaded);
    }
    if (!mask->px) return IAD_OK;
    iad_status status = fit_mask(mask, p->width, p->height, err);
    if (status != IAD_OK) iad_image_deinit(mask);
    return status;
}

iad_status iad_export_mask_file(iad_export_pictures *pictures, const iad_task_image *image, const iad_export_picture *picture, int64_t mask_id,
                                char *path, size_t size, iad_err *err) {
    char to[IAD_PATH_MAX];
    iad_image mask;
    path[0] = 0;
    char name[IAD_SHA256_HEX + 16];
    snprintf(name, sizeof name, "masks/%s.png", picture->key);
    IAD_TRY(full_path(pictures, name, to, err));
    if (!iad_picture_file_whole(to, NULL, NULL)) {
        IAD_TRY(mask_pixels(pictures, image, picture, mask_id, &mask, err));
        if (!mask.px) return IAD_OK; /* an anomaly that nobody outlined */
        iad_buf_reset(&pictures->bytes);
        iad_status status = iad_encode_png1(&mask, &pictures->bytes, err);
        iad_image_deinit(&mask);
        if (status == IAD_OK) status = iad_file_write_soon(to, pictures->bytes.data, pictures->bytes.len, err);
        IAD_TRY(status);
        pictures->counts->masks++;
    }
    snprintf(path, size, "%s", name);
    return IAD_OK;
}
