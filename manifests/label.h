/* The small closed vocabularies of the manifest: label, part, mask quality. Their names are what the database stores.
 */
#ifndef IAD_MANIFESTS_LABEL_H
#define IAD_MANIFESTS_LABEL_H

#include "base/status.h"

typedef enum iad_label { IAD_LABEL_NORMAL = 0, IAD_LABEL_ANOMALOUS, IAD_LABEL_UNKNOWN } iad_label;

/* How far a mask can be trusted: pixel outlines, rough ellipses, filled boxes, made by a machine. */
typedef enum iad_mask_quality { IAD_MASK_EXACT = 0, IAD_MASK_COARSE, IAD_MASK_BOX, IAD_MASK_AUTO } iad_mask_quality;

/* What a picture may be used for. The source's own word stays in image.source_split; this is its meaning. */
typedef enum iad_part { IAD_PART_NONE = 0, IAD_PART_TRAIN, IAD_PART_VAL, IAD_PART_TEST } iad_part;

const char *iad_label_name(iad_label label);                 /* normal | anomalous | unknown */
const char *iad_mask_quality_name(iad_mask_quality quality); /* exact | coarse | box | auto */
const char *iad_part_name(iad_part part);                    /* none | train | val | test */

/* IAD_ERR_FORMAT with the list of the known names for any other text. */
iad_status iad_label_parse(const char *text, iad_label *label, iad_err *err);
iad_status iad_mask_quality_parse(const char *text, iad_mask_quality *quality, iad_err *err);
iad_status iad_part_parse(const char *text, iad_part *part, iad_err *err);

/* The meaning of a source's split name, ASCII case ignored: train, training -> train; val, valid, validation -> val;
 * test, testing, test_public, test_all ... (everything that starts with "test") -> test; NULL and the rest -> none. */
iad_part iad_part_of_split(const char *source_split);

#endif
