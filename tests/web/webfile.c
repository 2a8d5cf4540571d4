#include "tests/web/webfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/encode.h"
#include "base/image/resize.h"
#include "base/rng.h"

enum { MAX_FILE = 16 << 20, NOISE = 20000, SLOTS = 1 << 18 };

/* ---- making ---- */

static iad_status encode(const iad_image *image, const iad_web_item *item, iad_buf *out, iad_err *err) {
    const iad_jpeg_options jpeg = {.quality = item->copy == IAD_WEB_OWN ? 90 : 80, .subsample = 1};
    switch (item->format) {
        case IAD_WEB_PNG: return iad_encode_png(image, -1, out, err);
        case IAD_WEB_WEBP: return iad_web_put_webp(image, 90, out, err);
        case IAD_WEB_BMP: return iad_web_put_bmp(image, out, err);
        case IAD_WEB_GIF: return iad_web_put_gif(image, out, err);
        default: return iad_encode_jpeg(image, &jpeg, out, err);
    }
}

static void mirror(iad_image *image) {
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width / 2; x++) {
            uint8_t swap[3], *a = iad_image_at(image, x, y), *b = iad_image_at(image, image->width - 1 - x, y);
            memcpy(swap, a, 3);
            memcpy(a, b, 3);
            memcpy(b, swap, 3);
        }
}

/* The pixels that a picture shows. */
static iad_status pixels(const iad_web_plan *plan, const iad_web_item *item, iad_image *image, iad_err *err) {
    if (item->kind == IAD_WEB_PLACEHOLDER) return iad_web_paint(iad_web_number(plan, "placeholder", (uint64_t)item->host), 300, 300, image, err);
    if (item->kind == IAD_WEB_BLANK) {
        IAD_TRY(iad_image_init(image, item->width, item->height, 3, err));
        memset(image->px, 201, (size_t)item->width * (size_t)item->height * 3);
        return IAD_OK;
    }
    const uint64_t number = iad_web_number(plan, "picture", (uint64_t)item->of_category << 32 | (uint32_t)item->of_number);
    if (item->copy != IAD_WEB_SCALED) {
        IAD_TRY(iad_web_paint(number, item->width, item->height, image, err));
        if (item->copy == IAD_WEB_MIRRORED) mirror(image);
        return IAD_OK;
    }
    iad_web_item other;
    iad_image whole;
    iad_web_item_get(plan, item->of_category, item->of_number, &other);
    IAD_TRY(iad_web_paint(number, other.width, other.height, &whole, err));
    const iad_status status = iad_resize(&whole, item->width, item->height, IAD_FILTER_BICUBIC, image, err);
    iad_image_deinit(&whole);
    return status;
}

static iad_status put_noise(const iad_web_plan *plan, const iad_web_item *item, iad_buf *out, iad_err *err) {
    uint64_t noise[NOISE / 8];
    iad_rng rng;
    iad_rng_init(&rng, iad_web_number(plan, "noise", (uint64_t)item->category << 32 | (uint32_t)item->number), 0);
    for (size_t i = 0; i < NOISE / 8; i++) noise[i] = iad_rng_u64(&rng);
    return iad_buf_add(out, noise, sizeof noise, err);
}

iad_status iad_web_file_make(const iad_web_plan *plan, const iad_web_item *item, iad_buf *out, iad_err *err) {
    if (item->kind == IAD_WEB_NOISE) return put_noise(plan, item, out, err);
    if (item->kind == IAD_WEB_HUGE) return iad_web_put_png_header(60000, 60000, out, err);
    iad_web_item other;
    if (item->copy == IAD_WEB_SAME_BYTES || item->copy == IAD_WEB_FOREIGN) {
        iad_web_item_get(plan, item->of_category, item->of_number, &other);
        item = &other;
    }
    iad_image image;
    iad_buf whole;
    iad_buf_init(&whole, MAX_FILE);
    IAD_TRY(pixels(plan, item, &image, err));
    iad_status status = encode(&image, item, &whole, err);
    iad_image_deinit(&image);
    if (status == IAD_OK && item->kind == IAD_WEB_ANIMATED) status = iad_web_put_apng(whole.data, whole.len, item->width, item->height, out, err);
    else if (status == IAD_OK) status = iad_buf_add(out, whole.data, item->kind == IAD_WEB_CUT ? whole.len * 6 / 10 : whole.len, err);
    iad_buf_deinit(&whole);
    return status;
}

/* ---- keeping ---- */

typedef struct entry {
    uint64_t key; /* 0: empty */
    char *bytes;
    size_t n;
} entry;

struct iad_web_cache {
    size_t max, held, next; /* next: the slot that is emptied next when there is no room */
    entry slot[SLOTS];
};

iad_status iad_web_cache_new(size_t max_bytes, iad_web_cache **cache, iad_err *err) {
    if (!(*cache = iad_calloc(1, sizeof **cache))) return IAD_NOMEM(err, "the pictures");
    (*cache)->max = max_bytes;
    return IAD_OK;
}

void iad_web_cache_free(iad_web_cache *cache) {
    if (!cache) return;
    for (size_t i = 0; i < SLOTS; i++) free(cache->slot[i].bytes);
    free(cache);
}

static void drop(iad_web_cache *cache, entry *e) {
    cache->held -= e->n;
    free(e->bytes);
    memset(e, 0, sizeof *e);
}

/* One picture per slot: a newcomer takes the place of the one before it. */
static void keep(iad_web_cache *cache, uint64_t key, const char *bytes, size_t n) {
    entry *e = &cache->slot[key % SLOTS];
    char *copy = n < cache->max ? iad_alloc(n, 1) : NULL;
    if (!copy) return;
    memcpy(copy, bytes, n);
    if (e->key) drop(cache, e);
    for (size_t tries = 0; cache->held + n > cache->max && tries < SLOTS; tries++, cache->next = (cache->next + 1) % SLOTS)
        if (cache->slot[cache->next].key) drop(cache, &cache->slot[cache->next]);
    *e = (entry){key, copy, n};
    cache->held += n;
}

iad_status iad_web_cache_get(iad_web_cache *cache, const iad_web_plan *plan, const iad_web_item *item, char **bytes, size_t *n, iad_err *err) {
    const uint64_t key = iad_web_number(plan, iad_web_kind_name(item->kind), (uint64_t)item->category << 32 | (uint32_t)item->number) | 1;
    *bytes = NULL;
    const entry *e = &cache->slot[key % SLOTS];
    if (e->key == key && (*bytes = iad_alloc(e->n, 1))) memcpy(*bytes, e->bytes, *n = e->n);
    if (*bytes) return IAD_OK;
    iad_buf made;
    iad_buf_init(&made, MAX_FILE);
    iad_status status = iad_web_file_make(plan, item, &made, err);
    if (status == IAD_OK) {
        keep(cache, key, made.data, made.len);
        if (!(*bytes = iad_buf_take(&made, n))) status = IAD_NOMEM(err, "a picture");
    }
    iad_buf_deinit(&made);
    return status;
}
