/* Lists for readers of the manifest (bench, train, synth): categories, test pictures, train normals, masks, files. */
#ifndef IAD_MANIFESTS_PICTURES_H
#define IAD_MANIFESTS_PICTURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/image/image.h"
#include "base/status.h"
#include "manifests/arena.h"
#include "manifests/manifest.h"
#include "manifests/records.h"

/* All lists own their strings; zero-initialise, free with _deinit. */
typedef struct iad_category_list {
    iad_category_row *items;
    size_t n, cap;
    iad_arena arena;
} iad_category_list;
typedef struct iad_dataset_list {
    iad_dataset_row *items;
    size_t n, cap;
    iad_arena arena;
} iad_dataset_list;
typedef struct iad_image_list {
    iad_image_row *items;
    size_t n, cap;
    iad_arena arena;
} iad_image_list;

void iad_category_list_deinit(iad_category_list *list);
void iad_dataset_list_deinit(iad_dataset_list *list);
void iad_image_list_deinit(iad_image_list *list);

/* By name. */
iad_status iad_dataset_all(iad_manifest *manifest, iad_dataset_list *list, iad_err *err);
/* Categories of one data set (dataset_id 0: of all), ordered by data set name, then name (bytes). */
iad_status iad_category_all(iad_manifest *manifest, int64_t dataset_id, iad_category_list *list, iad_err *err);

/* Which pictures. scheme NULL: the source's split (image.part); else the named split: pictures without a row in it are
 * left out. Pictures with bad = 1 are never listed. Order: by path, bytewise; the same on every machine. */
typedef struct iad_picture_filter {
    int64_t category_id; /* required */
    const char *scheme;
    int any_part; /* 1: ignore part */
    iad_part part;
    int normals_only;   /* label = normal */
    int exemplars_only; /* label = normal, exemplar_ok = 1, not a double of another picture */
    int known_only;     /* label is not unknown */
    const char *view;   /* NULL: any; "": pictures without a view */
} iad_picture_filter;
iad_status iad_image_select(iad_manifest *manifest, const iad_picture_filter *filter, iad_image_list *list,
                            iad_err *err);

/* What bench scores: part test, label normal or anomalous. */
iad_status iad_image_tests(iad_manifest *manifest, int64_t category_id, const char *scheme, iad_image_list *list,
                           iad_err *err);
/* What may serve as an exemplar: part train, normal, exemplar_ok. */
iad_status iad_image_train_normals(iad_manifest *manifest, int64_t category_id, const char *scheme,
                                   iad_image_list *list, iad_err *err);

/* Pictures of that part that cannot be decoded and are therefore in no list. */
iad_status iad_image_count_bad(iad_manifest *manifest, int64_t category_id, const char *scheme, iad_part part,
                               int64_t *n, iad_err *err);

/* ---- masks ---- */

typedef enum iad_mask_state {
    IAD_MASK_NONE_NEEDED = 0, /* a normal picture: the mask is empty by definition */
    IAD_MASK_KNOWN,           /* ground truth is stored */
    IAD_MASK_UNKNOWN          /* anomalous or unlabelled, and nobody drew a mask */
} iad_mask_state;

typedef struct iad_mask_facts {
    iad_mask_state state;
    iad_mask_quality quality; /* the worst of the united masks */
    int64_t area;             /* non-zero pixels of the union; 0 unless KNOWN */
} iad_mask_facts;

/* The ground truth of a picture: the union of its gt masks as one channel of 0 and 255 in the picture's size. *mask is
 * initialised for NONE_NEEDED (all zero) and KNOWN, all-zero struct for UNKNOWN. facts may be NULL. A stored mask of
 * another size than the picture is IAD_ERR_FORMAT with both sizes. */
iad_status iad_image_mask(iad_manifest *manifest, int64_t image_id, iad_image *mask, iad_mask_facts *facts,
                          iad_err *err);
/* Without decoding: only whether there is one. */
iad_status iad_image_mask_state(iad_manifest *manifest, int64_t image_id, iad_mask_state *state, iad_err *err);
/* One stored mask with its raw values (0/255, or class ids). */
iad_status iad_mask_pixels(iad_manifest *manifest, int64_t mask_id, iad_image *mask, iad_err *err);

/* ---- files ---- */

/* Absolute path of a picture's file: data set root + path. Refuses a stored path that is not iad_path_safe. out[size].
 */
iad_status iad_image_path(iad_manifest *manifest, int64_t image_id, char *out, size_t size, iad_err *err);
/* The same from a row, with the data set's packed root at hand: no database access. */
iad_status iad_image_path_join(const iad_manifest *manifest, const char *stored_root, const char *path, char *out,
                               size_t size, iad_err *err);

#endif
