/* The two kinds of lists of VisA, read from memory. */
#ifndef IAD_MANIFESTS_VISA_LISTS_H
#define IAD_MANIFESTS_VISA_LISTS_H

#include <stddef.h>

#include "base/status.h"
#include "base/table.h"
#include "manifests/label.h"

typedef struct iad_visa_row {
    const char *image, *mask; /* relative to the root; mask "" for normals */
    const char *text;         /* split ("train", "test"), or the defect names of an annotation list */
    iad_label label;
    int used;                 /* for the caller: the picture was found */
} iad_visa_row;

/* Rows sorted by picture. */
typedef struct iad_visa_list {
    iad_table table; /* owns the strings */
    iad_visa_row *rows;
    size_t n;
} iad_visa_list;

/* split_csv/<name>.csv: object,split,label,image,mask; label normal | anomaly. */
iad_status iad_visa_split_parse(iad_visa_list *list, const char *text, size_t n, const char *name, iad_err *err);
/* <category>/image_anno.csv: image,label,mask; label "normal" or the names of the defects, kept as they are written. */
iad_status iad_visa_annotation_parse(iad_visa_list *list, const char *text, size_t n, const char *name, iad_err *err);
void iad_visa_list_deinit(iad_visa_list *list);

/* The row of a picture, or NULL. */
iad_visa_row *iad_visa_find(const iad_visa_list *list, const char *image);

#endif
