/* The memory of picturestore.h: decoded pictures and foregrounds by key, shared by threads, dropped in order of last use when the budget is exceeded.
 */
#ifndef IAD_SYNTH_PICTURESHELF_H
#define IAD_SYNTH_PICTURESHELF_H

#include "base/image/image.h"
#include "synth/defect/foreground.h"

typedef struct iad_shelf_key {
    int64_t image_id;
    int w, h;          /* work size */
    int channels;
    char fg_rule[128]; /* "": the picture, else its foreground by this rule */
} iad_shelf_key;

/* What stands on the shelf: one of the two. */
typedef struct iad_shelf_item {
    iad_image picture;
    iad_foreground fg;
    int grey;           /* picture: shows no colour */
    uint8_t pixels[32]; /* picture: pixel_sha256 of the file's pixels */
    /* the shelf's own */
    iad_shelf_key key;
    size_t bytes;
    int users;
    struct iad_shelf_item *next_in_bucket, *older, *newer;
} iad_shelf_item;

typedef struct iad_picture_shelf iad_picture_shelf;
iad_status iad_picture_shelf_new(size_t budget, iad_picture_shelf **shelf, iad_err *err);
void iad_picture_shelf_free(iad_picture_shelf *shelf); /* nothing may be in use */
/* NULL when it is not there; else in use until put back. */
iad_shelf_item *iad_picture_shelf_find(iad_picture_shelf *shelf, const iad_shelf_key *key);
/* Takes a filled item (heap, key set) over and returns the one that stands there now, in use: this one, or an equal one that another thread was
 * quicker with (this one is then freed). */
iad_shelf_item *iad_picture_shelf_add(iad_picture_shelf *shelf, iad_shelf_item *item);
void iad_picture_shelf_release(iad_picture_shelf *shelf, iad_shelf_item *item); /* NULL is fine */
size_t iad_picture_shelf_bytes(iad_picture_shelf *shelf);

#endif
