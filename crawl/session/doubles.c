/* The pictures that are kept, by file, by pixels, by look. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "crawl/session/decide_parts.h"
#include "crawl/session/strmap.h"

#define MAX_KEPT 50000000u

typedef struct kept {
    int64_t hit_id, category_id;
    size_t place;
} kept;

struct iad_doubles {
    iad_copies *copies;   /* its ids are places in items */
    iad_strmap by_text;   /* "p<picture id>" and the pixels' hash in hexadecimal -> place + 1 */
    kept *items;
    size_t n, cap;
};

iad_status iad_doubles_new(iad_doubles **out, iad_err *err) {
    iad_doubles *d = iad_calloc(1, sizeof *d);
    *out = d;
    if (!d) return IAD_NOMEM(err, "kept pictures");
    iad_status status = iad_copies_new(&d->copies, err);
    if (status != IAD_OK) {
        free(d);
        *out = NULL;
    }
    return status;
}

void iad_doubles_free(iad_doubles *d) {
    if (!d) return;
    iad_copies_free(d->copies);
    iad_strmap_deinit(&d->by_text);
    free(d->items);
    free(d);
}

static const kept *look_up(const iad_doubles *d, const char *key) {
    uintptr_t place = (uintptr_t)iad_strmap_get(&d->by_text, key);
    return place ? &d->items[place - 1] : NULL;
}

static void keys_of(int64_t picture_id, const uint8_t pixel_sha256[32], char picture[24], char pixels[IAD_SHA256_HEX]) {
    snprintf(picture, 24, "p%lld", (long long)picture_id);
    iad_hex(pixel_sha256, 32, pixels);
}

static void found_one(iad_double *found, const char *why, const kept *item) {
    *found = (iad_double){why, item->place, item->hit_id, item->category_id, found->alike};
}

iad_status iad_doubles_find(iad_doubles *d, int64_t picture_id, const uint8_t pixel_sha256[32], const iad_signature *signature,
                            iad_double *found, iad_err *err) {
    char picture[24], pixels[IAD_SHA256_HEX];
    const kept *item;
    memset(found, 0, sizeof *found);
    keys_of(picture_id, pixel_sha256, picture, pixels);
    if ((item = look_up(d, picture))) {
        found_one(found, "file", item);
    } else if ((item = look_up(d, pixels))) {
        found_one(found, "pixels", item);
    } else {
        iad_copy_hit hit;
        IAD_TRY(iad_copies_find(d->copies, signature, &hit, err));
        if (hit.kind == IAD_COPY_SAME) found_one(found, "near", &d->items[hit.id]);
        else if (hit.kind == IAD_COPY_ALIKE) found->alike = d->items[hit.id].hit_id;
    }
    return IAD_OK;
}

iad_status iad_doubles_add(iad_doubles *d, int64_t picture_id, const uint8_t pixel_sha256[32], const iad_signature *signature, int64_t hit_id,
                           int64_t category_id, size_t place, iad_err *err) {
    char picture[24], pixels[IAD_SHA256_HEX];
    void *items = d->items;
    keys_of(picture_id, pixel_sha256, picture, pixels);
    IAD_TRY(iad_grow(&items, &d->cap, d->n + 1, sizeof *d->items, MAX_KEPT, "kept pictures", err));
    d->items = items;
    IAD_TRY(iad_copies_add(d->copies, (int64_t)d->n, signature, err));
    d->items[d->n++] = (kept){hit_id, category_id, place};
    void *number = (void *)(uintptr_t)d->n;
    IAD_TRY(iad_strmap_put(&d->by_text, picture, number, err));
    return iad_strmap_put(&d->by_text, pixels, number, err);
}

void iad_doubles_close(iad_doubles *d, const iad_decision *decision) {
    for (size_t i = 0; i < d->n; i++) {
        if (!d->items[i].place) continue;
        const iad_candidate *c = &decision->items[d->items[i].place - 1];
        if (c->state == IAD_HIT_DOUBLE) d->items[i].hit_id = c->of_hit; /* a larger copy took its place */
        d->items[i].place = 0;
    }
}
