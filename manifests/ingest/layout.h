/* The layout that MVTec AD made common, with what other data sets changed in it:
 *
 *     <category>/train/good/000.png                    also ok, normal; validation/ beside train/ and test/
 *     <category>/test/good/000.png
 *     <category>/test/<defect>/000.png                 any other folder name is the defect's name
 *     <category>/ground_truth/<defect>/000_mask.png    or 000.png, or a folder 000/ with several files, any picture extension;
 *                                                      or ground_truth/<split>/<defect>/ (VisA's two-class copies)
 *     <category>/boxes/000.txt                         optional: "x0 y0 x1 y1 [type]" a line, corners inclusive (DeepPCB)
 *     <category>/image/<defect>/000.png, mask/<defect>/000_mask.png    the Defect Spectrum copy, everything is a test picture
 *
 * The root may be one category's folder, a folder of categories, or a folder of data sets of categories. */
#ifndef IAD_MANIFESTS_LAYOUT_H
#define IAD_MANIFESTS_LAYOUT_H

#include "base/text.h"
#include "manifests/ingest/adapter.h"

#define IAD_LAYOUT_DEPTH 3 /* folders between root and a category's folder, at most, counting the latter */

typedef struct iad_layout_rules {
    int closed;               /* 1: folders above a category do not count: its name is its own folder's name */
    const char *textures;     /* names of categories of kind texture; NULL: none */
    const char *multi;        /* ... of kind multi */
    const char *default_kind; /* of the others; NULL: unknown */
    iad_mask_quality quality;
    int mask_parts;           /* see iad_ingest_item */
    /* Class ids of a category's masks; *values stays NULL when there are none. May be NULL. A failure ends the scan. */
    iad_status (*values)(const char *root, const char *folder, json_t **values, iad_err *err);
} iad_layout_rules;

/* The option keys that iad_layout_scan reads, for iad_adapter.options. */
#define IAD_LAYOUT_OPTIONS "mask-quality box-names"

/* 1 when <root>/<relative> is a category's folder of this layout. */
int iad_layout_is_category(const char *root, const char *relative);

/* Folders of all categories, relative to root, in byte order ("" for root itself). */
iad_status iad_layout_categories(const char *root, iad_strings *folders, iad_err *err);
/* Name of a category from its folder: the relative path, root's own name for "". closed: only the last component. */
void iad_layout_category_name(const char *root, const char *folder, int closed, char *name, size_t size);

/* Delivers everything. Order: categories by bytes; train, validation, test; folders and files by bytes.
 * Options: mask-quality = exact|coarse|box|auto, box-names = names of the types 1, 2, ... separated by commas. */
iad_status iad_layout_scan(const char *root, const json_t *options, const iad_ingest_sink *sink, const iad_layout_rules *rules,
                           iad_err *err);

#endif
