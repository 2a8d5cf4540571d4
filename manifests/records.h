/* Rows of the manifest as structs, with insert and look-up functions. Column by column they are explained in schema.c.
 *
 * Strings in a struct that is written are borrowed; in a struct that was read they belong to the arena or list it was
 * read into. NULL strings and 0 ids are stored as SQL NULL, except where "required" is said. */
#ifndef IAD_MANIFESTS_RECORDS_H
#define IAD_MANIFESTS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "base/status.h"
#include "manifests/arena.h"
#include "manifests/label.h"
#include "manifests/manifest.h"

/* ---- data set ---- */

typedef struct iad_dataset_row {
    int64_t id;
    const char *name; /* required, unique */
    const char *part, *version;
    const char *adapter; /* adapter that read it, "" or NULL */
    const char *root;    /* required; packed form, see iad_manifest_root_pack */
    const char *licence; /* required, "" when unknown */
    const char *licence_url, *citation;
    int redistributable, commercial;
    const char *origin;       /* real | rendered | web | generated, or NULL */
    const char *eval_overlap; /* "" or comma list: mvtec, visa, mmad: never trained on by default */
} iad_dataset_row;

/* Adds the row or updates the one with the same name; *id is its id. */
iad_status iad_dataset_put(iad_manifest *manifest, const iad_dataset_row *row, int64_t *id, iad_err *err);
/* *id = 0 when there is none. */
iad_status iad_dataset_find(iad_manifest *manifest, const char *name, int64_t *id, iad_err *err);
/* IAD_ERR_NOT_FOUND names the id. */
iad_status iad_dataset_get(iad_manifest *manifest, int64_t id, iad_arena *arena, iad_dataset_row *row, iad_err *err);

/* ---- category ---- */

typedef struct iad_category_row {
    int64_t id, dataset_id;
    const char *name;    /* required, unique within the data set */
    const char *display; /* for people and prompts; NULL: the name with '_' as ' ' */
    const char *kind;    /* object | texture | multi | logical, or NULL */
    int grey, aligned;   /* 1 yes, 0 no, -1 unknown */
    const char *fg_method, *fg_params, *description;
} iad_category_row;

/* Adds the row, or fills in what the stored one with the same name does not know yet (known facts are not overwritten).
 */
iad_status iad_category_put(iad_manifest *manifest, const iad_category_row *row, int64_t *id, iad_err *err);
iad_status iad_category_find(iad_manifest *manifest, int64_t dataset_id, const char *name, int64_t *id, iad_err *err);
iad_status iad_category_get(iad_manifest *manifest, int64_t id, iad_arena *arena, iad_category_row *row, iad_err *err);

/* ---- picture ---- */

typedef struct iad_image_row {
    int64_t id, dataset_id, category_id;
    const char *path;         /* required; relative to the data set's root, iad_path_safe */
    uint8_t sha256[32];       /* of the file, required */
    int has_pixels;           /* 1: pixel_sha256 and phash are set (0 for bad pictures) */
    uint8_t pixel_sha256[32]; /* iad_pixel_sha256 */
    uint64_t phash[4];        /* iad_leak_hash: after the border crop, turned by 0, 90, 180, 270 degrees */
    int64_t bytes, mtime_ns;  /* file size and modification time; 0 unknown */
    int width, height;        /* after EXIF orientation; 0 when bad */
    int channels, depth;      /* as stored in the file; 0 unknown */
    const char *format;       /* jpeg | png | webp | bmp | ... */
    const char *source_split; /* the source's word */
    iad_part part;            /* its meaning, iad_part_of_split */
    iad_label label;
    const char *defect;     /* NULL for normals */
    const char *object_key; /* the same physical object */
    const char *view, *light;
    int exemplar_ok; /* may serve as a normal example */
    const char *source_url, *licence;
    int64_t dup_of; /* the same or nearly the same picture, kept elsewhere */
    int bad;        /* 1: cannot be decoded; kept so that it is not tried again */
    const char *bad_reason;
    const char *note;
} iad_image_row;

typedef enum iad_put_result { IAD_PUT_ADDED = 0, IAD_PUT_SAME, IAD_PUT_CHANGED } iad_put_result;

/* Adds the picture or updates the row with the same (data set, path); its id stays. SAME: nothing was different. On
 * CHANGED content (another sha256) the picture's masks and boxes are forgotten. `result` may be NULL. */
iad_status iad_image_put(iad_manifest *manifest, const iad_image_row *row, int64_t *id, iad_put_result *result,
                         iad_err *err);
/* *id = 0 when absent. */
iad_status iad_image_find(iad_manifest *manifest, int64_t dataset_id, const char *path, int64_t *id, iad_err *err);
iad_status iad_image_get(iad_manifest *manifest, int64_t id, iad_arena *arena, iad_image_row *row, iad_err *err);
/* What a re-run needs to skip an unchanged file: 1 in *same when the path is stored with this size and time. */
iad_status iad_image_unchanged(iad_manifest *manifest, int64_t dataset_id, const char *path, int64_t bytes,
                               int64_t mtime_ns, int64_t *id, int *same, iad_err *err);

/* ---- annotated boxes of a picture (not those computed from a mask) ---- */

typedef struct iad_box_row {
    double x0, y0, x1, y1; /* original pixels, x1 and y1 exclusive */
    const char *name;      /* class, may be NULL */
} iad_box_row;

/* Replaces all boxes of the picture. */
iad_status iad_image_boxes_set(iad_manifest *manifest, int64_t image_id, const iad_box_row *boxes, size_t n,
                               iad_err *err);
iad_status iad_image_boxes_get(iad_manifest *manifest, int64_t image_id, iad_arena *arena, iad_box_row **boxes,
                               size_t *n, iad_err *err);

/* ---- mask ---- */

/* A mask ready for the database. Masks are content-addressed: equal pixels, value map and quality are one row. */
typedef struct iad_mask_row {
    int64_t id;
    uint8_t sha256[32]; /* of size, pixels, value map and quality; independent of the PNG encoder */
    int width, height;
    iad_buf png;       /* owned; 1-bit for plain masks, 8-bit class ids with a value map */
    iad_buf value_map; /* owned; canonical JSON {"3":"scratch"}, empty for plain masks */
    iad_buf boxes; /* owned; JSON [[x0,y0,x1,y1],...] of the components in raster order, at most IAD_MASK_MAX_BOXES */
    int64_t area;  /* non-zero pixels */
    int64_t n_components; /* 8-connected regions of non-zero pixels */
    iad_mask_quality quality;
} iad_mask_row;

#define IAD_MASK_MAX_BOXES 1024

void iad_mask_row_deinit(iad_mask_row *row);
/* Writes the row unless it is there; *id is its id. */
iad_status iad_mask_put(iad_manifest *manifest, const iad_mask_row *row, int64_t *id, iad_err *err);

/* role: "gt" (ground truth; several are united), "part" (one region of it, kept apart), "foreground". Idempotent. */
iad_status iad_image_mask_put(iad_manifest *manifest, int64_t image_id, int64_t mask_id, const char *role,
                              iad_err *err);
/* Removes the picture's masks of this role (the mask rows stay). */
iad_status iad_image_mask_clear(iad_manifest *manifest, int64_t image_id, const char *role, iad_err *err);

/* ---- named splits beside the source's own ---- */

iad_status iad_split_put(iad_manifest *manifest, int64_t image_id, const char *scheme, iad_part part, iad_err *err);

/* ---- caption ---- */

typedef struct iad_caption_row {
    int64_t id, image_id;
    const char *aspect; /* overall | material | structure | surface | defect; required */
    const char *lang;   /* en | zh; required */
    const char *text;   /* required */
    const char *model, *params;
    const uint8_t *prompt_sha256; /* 32 bytes or NULL */
    int verified;
} iad_caption_row;
iad_status iad_caption_put(iad_manifest *manifest, const iad_caption_row *row, int64_t *id, iad_err *err);

/* ---- template ---- */

typedef struct iad_template_row {
    int64_t id;
    const char *task, *lang, *text; /* required */
    const char *answer_form;
    const char *yes_means; /* normal | anomalous, or NULL */
    int canonical, version;
} iad_template_row;
/* Adds or updates by (task, text). */
iad_status iad_template_put(iad_manifest *manifest, const iad_template_row *row, int64_t *id, iad_err *err);

/* ---- task: one question with its pictures and answer ---- */

typedef struct iad_task_image {
    int64_t image_id, synth_id; /* exactly one of them */
    const char *role;           /* ref | query | group; required */
    const char *jitter;
} iad_task_image;

typedef struct iad_task_row {
    int64_t id, dataset_id, category_id;
    int stage;        /* 0: made by others (benchmarks, instruction data), 1..3: ours */
    const char *task; /* required: mmad | visa_dr | instruct | s1_caption | s2_outlier | ... | s3_reason */
    int shots;
    int64_t template_id;
    uint64_t seed;
    const char *question, *answer; /* required */
    const char *turns;             /* JSON, NULL for one turn */
    const char *yes_means;         /* normal | anomalous, or NULL */
    int query_pos;                 /* index of the query among the pictures, -1: none */
    int64_t mask_id;
    const char *anomaly_spans, *normal_spans, *boxes; /* JSON or NULL */
    double weight;
    const char *part;        /* train | eval; required */
    const char *external_id; /* unique within (data set, task) */
    int64_t run_id;
    const iad_task_image *images; /* in prompt order */
    size_t n_images;
} iad_task_row;
/* Adds the task with its pictures; an equal (data set, task, external id) is left as it is: *added = 0. */
iad_status iad_task_put(iad_manifest *manifest, const iad_task_row *row, int64_t *id, int *added, iad_err *err);

#endif
