/* A whole data set of rendered pictures as files in MVTec layout:
 *
 *     <out>/render.json                                  what made it: renderer version, seed, picture side
 *     <out>/<category>/train/good/000.png
 *     <out>/<category>/test/good/000.png, test/<kind>/000.png
 *     <out>/<category>/ground_truth/<kind>/000_mask.png  8-bit grey, 0 or 255
 *
 * A category is one product: the first design of a family bears the family's name, the others "<family>_2", "<family>_3" and so on. A set
 * that is all for training has its good pictures in train/good, the defective ones in train/<kind> with masks in ground_truth/train/<kind>.
 *
 * Each picture's seed follows from the set's seed, the picture's folder and its number alone: asking for more pictures
 * or more families later adds files and leaves those that are there as they are. Every file appears complete or not at
 * all, so an interrupted run goes on with the same call and ends with the same bytes. */
#ifndef IAD_RENDER_RENDERSET_H
#define IAD_RENDER_RENDERSET_H

#include <stdatomic.h>

#include "synth/render/render.h"

#define IAD_RENDER_MAX_PER_PART 10000 /* train, good or bad pictures of one category */
#define IAD_RENDER_MAX_DESIGNS 1000
#define IAD_RENDER_NAME 64            /* bytes of a category's name */

typedef enum iad_render_part { IAD_RENDER_TRAIN = 0, IAD_RENDER_GOOD, IAD_RENDER_BAD } iad_render_part;

typedef struct iad_render_set {
    const char *out;                          /* folder, made when it is not there */
    const iad_render_family *const *families; /* borrowed */
    size_t n_families;
    int designs;                              /* products of each family, 1..IAD_RENDER_MAX_DESIGNS; 0: one */
    int side;                                 /* pixels */
    int train, good, bad; /* pictures per category, 0..IAD_RENDER_MAX_PER_PART; bad ones go round the kinds */
    int all_train;                            /* 1: good and bad ones are training pictures too */
    uint64_t seed;
    int threads;                              /* 1..256 */
    const atomic_int *stop;                   /* may be NULL */
    void (*progress)(void *user, int written,
                     int failed); /* after every picture, in order; 0 0: it was there. May be NULL */
    void (*trouble)(void *user, const char *message);      /* a picture that cannot be rendered. May be NULL */
    void *user;
} iad_render_set;

typedef struct iad_render_counts {
    size_t pictures; /* of the plan */
    size_t written, present, failed;
} iad_render_counts;

/* Number of pictures that the set will have. */
size_t iad_render_set_size(const iad_render_set *set);

size_t iad_render_set_categories(const iad_render_set *set);
/* Name of category number `category` (families in their order, their designs in turn). */
void iad_render_set_category(const iad_render_set *set, size_t category, char name[IAD_RENDER_NAME]);
/* The other way: the family of a category's name, NULL when no set has such a category. */
const iad_render_family *iad_render_category_family(const char *name);
/* The product of a category: what iad_render_job calls the design. */
uint64_t iad_render_category_design(uint64_t seed, const char *name);

/* Path of picture `item` (0..size-1) relative to out, and of its mask ("" for a good one), and how to render it. */
iad_status iad_render_set_item(const iad_render_set *set, size_t item, iad_render_job *job, char *picture, char *mask,
                               size_t size, iad_err *err);

/* What made the folder `out`, from its render.json. Errors: IAD_ERR_NOT_FOUND (no such file: not a folder of ours), IAD_ERR_FORMAT,
 * IAD_ERR_UNSUPPORTED (made by another version of the renderer). */
iad_status iad_render_folder_seed(const char *out, uint64_t *seed, int *side, iad_err *err);

/* Renders and writes what is missing. A picture counts as present when its file and, for a defective one, its mask are
 * there. Errors: IAD_ERR_ARG (options out of range), IAD_ERR_EXISTS (the folder holds something that this call would
 * not have written: other files without a render.json, or another seed, side or renderer version), IAD_ERR_FORMAT
 * (broken render.json), IAD_ERR_IO, IAD_ERR_NOMEM, IAD_ERR_INTERRUPTED. A picture that cannot be rendered is counted in
 * `failed` and is no error. */
iad_status iad_render_set_run(const iad_render_set *set, iad_render_counts *counts, iad_err *err);

#endif
