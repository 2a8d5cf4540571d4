#include "synth/recipe/pictureshelf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { BUCKETS = 1024 };

struct iad_picture_shelf {
    pthread_mutex_t lock;
    size_t budget, bytes;
    iad_shelf_item *buckets[BUCKETS];
    iad_shelf_item *oldest, *newest; /* by last use */
};

static size_t bucket_of(const iad_shelf_key *key) { return (size_t)(((uint64_t)key->image_id * 0x9e3779b97f4a7c15u) >> 54) % BUCKETS; }

static int same_key(const iad_shelf_key *a, const iad_shelf_key *b) {
    return a->image_id == b->image_id && a->w == b->w && a->h == b->h && a->channels == b->channels && strcmp(a->fg_rule, b->fg_rule) == 0;
}

static void unchain(iad_picture_shelf *shelf, iad_shelf_item *item) {
    *(item->older ? &item->older->newer : &shelf->oldest) = item->newer;
    *(item->newer ? &item->newer->older : &shelf->newest) = item->older;
}

static void chain_newest(iad_picture_shelf *shelf, iad_shelf_item *item) {
    item->newer = NULL;
    item->older = shelf->newest;
    *(shelf->newest ? &shelf->newest->newer : &shelf->oldest) = item;
    shelf->newest = item;
}

static void item_free(iad_shelf_item *item) {
    iad_image_deinit(&item->picture);
    iad_foreground_deinit(&item->fg);
    free(item);
}

static iad_shelf_item *find_locked(iad_picture_shelf *shelf, const iad_shelf_key *key) {
    iad_shelf_item *item = shelf->buckets[bucket_of(key)];
    while (item && !same_key(&item->key, key)) item = item->next_in_bucket;
    if (!item) return NULL;
    item->users++;
    unchain(shelf, item);
    chain_newest(shelf, item);
    return item;
}

/* Drops the longest unused until the budget is kept; what is in use stays. */
static void shrink_locked(iad_picture_shelf *shelf) {
    for (iad_shelf_item *item = shelf->oldest, *newer; item && shelf->bytes > shelf->budget; item = newer) {
        newer = item->newer;
        if (item->users) continue;
        iad_shelf_item **at = &shelf->buckets[bucket_of(&item->key)];
        while (*at != item) at = &(*at)->next_in_bucket;
        *at = item->next_in_bucket;
        unchain(shelf, item);
        shelf->bytes -= item->bytes;
        item_free(item);
    }
}

iad_status iad_picture_shelf_new(size_t budget, iad_picture_shelf **shelf, iad_err *err) {
    *shelf = iad_calloc(1, sizeof **shelf);
    if (!*shelf) return IAD_NOMEM(err, "a store of pictures");
    (*shelf)->budget = budget;
    pthread_mutex_init(&(*shelf)->lock, NULL);
    return IAD_OK;
}

void iad_picture_shelf_free(iad_picture_shelf *shelf) {
    if (!shelf) return;
    for (iad_shelf_item *item = shelf->oldest, *newer; item; item = newer) {
        newer = item->newer;
        item_free(item);
    }
    pthread_mutex_destroy(&shelf->lock);
    free(shelf);
}

iad_shelf_item *iad_picture_shelf_find(iad_picture_shelf *shelf, const iad_shelf_key *key) {
    pthread_mutex_lock(&shelf->lock);
    iad_shelf_item *item = find_locked(shelf, key);
    pthread_mutex_unlock(&shelf->lock);
    return item;
}

iad_shelf_item *iad_picture_shelf_add(iad_picture_shelf *shelf, iad_shelf_item *item) {
    item->bytes = sizeof *item + (size_t)item->picture.width * (size_t)item->picture.height * (size_t)item->picture.channels +
                  (size_t)item->fg.mask.height * ((size_t)item->fg.mask.width + sizeof *item->fg.row_end);
    pthread_mutex_lock(&shelf->lock);
    iad_shelf_item *there = find_locked(shelf, &item->key);
    if (!there) {
        size_t bucket = bucket_of(&item->key);
        item->users = 1;
        item->next_in_bucket = shelf->buckets[bucket];
        shelf->buckets[bucket] = item;
        chain_newest(shelf, item);
        shelf->bytes += item->bytes;
        shrink_locked(shelf);
    }
    pthread_mutex_unlock(&shelf->lock);
    if (there) item_free(item);
    return there ? there : item;
}

void iad_picture_shelf_release(iad_picture_shelf *shelf, iad_shelf_item *item) {
    if (!item) return;
    pthread_mutex_lock(&shelf->lock);
    item->users--;
    shrink_locked(shelf);
    pthread_mutex_unlock(&shelf->lock);
}

size_t iad_picture_shelf_bytes(iad_picture_shelf *shelf) {
    pthread_mutex_lock(&shelf->lock);
    size_t bytes = shelf->bytes;
    pthread_mutex_unlock(&shelf->lock);
    return bytes;
}
