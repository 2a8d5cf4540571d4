/* Pictures of a manifest in the forms that others read: lists (TSV, CSV, JSON lines) that the `list` adapter takes
 * back, and MVTec AD's folders. */
#ifndef IAD_MANIFESTS_EXPORT_H
#define IAD_MANIFESTS_EXPORT_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"
#include "manifests/manifest.h"
#include "manifests/records.h"

typedef enum iad_export_format {
    IAD_EXPORT_TSV = 0,
    IAD_EXPORT_CSV,
    IAD_EXPORT_JSONL,
    IAD_EXPORT_MVTEC
} iad_export_format;
typedef enum iad_export_files {
    IAD_EXPORT_NONE = 0,
    IAD_EXPORT_COPY,
    IAD_EXPORT_HARDLINK,
    IAD_EXPORT_SYMLINK
} iad_export_files;

typedef struct iad_export_options {
    const char *dataset;           /* NULL: the only one of the manifest */
    const iad_strings *categories; /* names; NULL or empty: all */
    const char *scheme;            /* split scheme, NULL: the source's */
    iad_export_format format;
    iad_export_files
        files;       /* NONE is for lists only: paths stay relative to the data set's folder, masks are not written */
    const char *out; /* folder; may be NULL when nothing but the list is made */
    const atomic_int *stop; /* may be NULL */
    /* A picture that could not be exported, and why; may be NULL. */
    void (*trouble)(void *user, const char *path, const char *reason);
    void *user;
} iad_export_options;

typedef struct iad_export_counts {
    size_t pictures, masks; /* exported */
    size_t skipped; /* bad pictures; for MVTec also those that its layout has no place for (unlabelled, anomalous
                       training pictures) */
    size_t failed;  /* files that are gone or changed since they were taken in */
} iad_export_counts;

/* Lists are appended to `list` (also written to OUT/list.tsv and so on by the caller, iad_export_list_name); columns:
 * path label category split defect kind object_key view light note mask_quality exemplar_ok mask boxes sha256 width
 * height format mask_state. With files, pictures go to OUT/<path> and the united ground truth to OUT/iad_masks/<path
 * without extension>.png. MVTec: OUT/<category>/{train,validation,test}/{good,<defect>}/ and
 * ground_truth/<defect>/<name>_mask.png; `list` stays empty. Existing files are replaced; each file appears whole or
 * not at all. Errors: IAD_ERR_NOT_FOUND (data set, category), IAD_ERR_ARG, IAD_ERR_IO (writing), IAD_ERR_INTERRUPTED,
 * IAD_ERR_UNSUPPORTED (a tab in a TSV cell). */
iad_status iad_export_run(iad_manifest *manifest, const iad_export_options *options, iad_buf *list,
                          iad_export_counts *counts, iad_err *err);

/* "list.tsv", "list.csv", "list.jsonl". */
const char *iad_export_list_name(iad_export_format format);

/* ---- shared by the files of this folder ---- */

typedef struct iad_export_state {
    iad_manifest *manifest;
    const iad_export_options *options;
    iad_dataset_row dataset;
    iad_category_row category; /* at hand */
    iad_arena arena;
    iad_buf *list;
    iad_export_counts *counts;
} iad_export_state;

/* Puts the picture's file at OUT/relative in the wanted way. 1 in *done; a file that is gone or has other content than
 * its hash is reported as trouble, counted, *done = 0. */
iad_status iad_export_place(iad_export_state *state, const iad_image_row *row, const char *relative, int *done,
                            iad_err *err);
/* Writes the united ground truth as an 8-bit PNG of 0 and 255, or the class ids when there is one mask with a value map
 * and `ids` is set. *written = 0 for normals and unknown masks. */
iad_status iad_export_mask(iad_export_state *state, const iad_image_row *row, const char *relative, int ids,
                           int *written, iad_err *err);
iad_status iad_export_list_row(iad_export_state *state, const iad_image_row *row, iad_err *err);
iad_status iad_export_list_head(iad_export_state *state, iad_err *err);
/* All pictures of one category. */
iad_status iad_export_mvtec(iad_export_state *state, const iad_image_row *rows, size_t n, iad_err *err);

#endif
