/* Reading ground truth as the sources store it. Pure: runs on worker threads.
 *
 * Rules. Non-zero means defect, on the maximum over the channels; no threshold at 128, which would lose masks of 0 and 1 and class
 * ids. Values outside {0, 1} and {0, 255} are class ids and stay as they are, with a map from value to name (null where the source
 * does not say); more than IAD_MASK_MAX_CLASSES different ones are the soft edge of a plain mask. Palette pictures are read by index;
 * the background is index 0, or the black entry where index 0 is not black. JPEG masks are noisy: there 128 is the threshold.
 * Several files are united, the first one that says something wins a pixel. Another size than the picture's is resized by nearest
 * neighbour and noted. */
#ifndef IAD_MANIFESTS_INGEST_MASK_H
#define IAD_MANIFESTS_INGEST_MASK_H

#include <stddef.h>
#include <stdint.h>

#include "base/image/image.h"
#include "manifests/records.h"

#define IAD_MASK_MAX_CLASSES 32

/* One mask file: a plane of raw values. */
typedef struct iad_mask_file {
    iad_image values;    /* 1 channel */
    int jpeg;            /* values were cut at 128 */
} iad_mask_file;

/* Decodes bytes[n] to a plane of values by the rules above. name is used in messages. */
iad_status iad_mask_decode(const void *bytes, size_t n, const char *name, iad_mask_file *file, iad_err *err);
static inline void iad_mask_file_deinit(iad_mask_file *file) { iad_image_deinit(&file->values); }

/* The plane in width x height: itself when it has this size, else by nearest neighbour; *resized says so. Takes `plane` over. */
iad_status iad_mask_fit(iad_image *plane, int width, int height, int *resized, iad_err *err);

/* What the values of a plane are. */
typedef enum iad_mask_kind { IAD_MASK_EMPTY = 0, IAD_MASK_PLAIN, IAD_MASK_CLASSES, IAD_MASK_SOFT } iad_mask_kind;
typedef struct iad_mask_values {
    uint8_t present[256]; /* 1: the value occurs */
    iad_mask_kind kind;
} iad_mask_values;
/* names: canonical JSON object {"3": "scratch"} of the source, or NULL. With names, values that it lists are class ids even when
 * they are 1 or 255. */
void iad_mask_classify(const iad_image *plane, const char *names, iad_mask_values *values);

/* Row for the database from a plane of the picture's size; names and values as above. */
iad_status iad_mask_make_row(const iad_image *plane, const char *names, const iad_mask_values *values, iad_mask_quality quality, iad_mask_row *row,
                             iad_err *err);

/* Union in place: where *into is zero, the other plane's value. Sizes must be equal. */
void iad_mask_unite(iad_image *into, const iad_image *other);

/* A plane of width x height with the boxes filled (255), clipped to the picture. */
iad_status iad_mask_from_boxes(const iad_box_row *boxes, size_t n, int width, int height, iad_image *plane, iad_err *err);

#endif
