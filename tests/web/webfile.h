/* The bytes of the pictures: drawn when they are asked for, kept while there is room. */
#ifndef IAD_TEST_WEBFILE_H
#define IAD_TEST_WEBFILE_H

#include "base/buf.h"
#include "base/image/image.h"
#include "tests/web/webplan.h"

/* Shapes on a ground with grain, RGB: another picture for every number. *image is initialised here. */
iad_status iad_web_paint(uint64_t number, int width, int height, iad_image *image, iad_err *err);

/* Appends the file of a picture as its kind and its copy want it. */
iad_status iad_web_file_make(const iad_web_plan *plan, const iad_web_item *item, iad_buf *out, iad_err *err);

/* Formats that base/image does not write. */
iad_status iad_web_put_bmp(const iad_image *image, iad_buf *out, iad_err *err);
iad_status iad_web_put_gif(const iad_image *image, iad_buf *out, iad_err *err);
iad_status iad_web_put_webp(const iad_image *image, float quality, iad_buf *out, iad_err *err);
/* png[n]: a PNG; appends it as an animation of two frames, both the same. */
iad_status iad_web_put_apng(const char *png, size_t n, int width, int height, iad_buf *out, iad_err *err);
/* A PNG of a few bytes whose header says width x height. */
iad_status iad_web_put_png_header(int width, int height, iad_buf *out, iad_err *err);

/* Files that were made, some forgotten when there is no room. */
typedef struct iad_web_cache iad_web_cache;
iad_status iad_web_cache_new(size_t max_bytes, iad_web_cache **cache, iad_err *err);
void iad_web_cache_free(iad_web_cache *cache);
/* A copy of the file that the caller frees. */
iad_status iad_web_cache_get(iad_web_cache *cache, const iad_web_plan *plan, const iad_web_item *item, char **bytes, size_t *n, iad_err *err);

#endif
