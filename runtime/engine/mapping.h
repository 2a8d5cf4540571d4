/* From the model's geometry back to the picture that the user gave: anomaly maps, boxes, verdicts.
 *
 * Everything goes through the resize record. The resized picture covers the whole original, so an axis is one factor:
 * original = resized * source / resized. A token of the merged grid covers an equal share of both. */
#ifndef IAD_RUNTIME_MAPPING_H
#define IAD_RUNTIME_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "base/image/image.h"
#include "base/status.h"
#include "runtime/model/preprocess.h"

#define IAD_MAPPING_MAX_BOXES 1024 /* of a map with more regions, merging looks at the largest only */

/* The map of the merged grid, map [lh][lw] row-major, on the original picture: bilinear with half-pixel centres,
 * clamped at the border (source = (x + 0.5) lw / source_w - 0.5). *plane (source_h x source_w) is initialised here.
 * Values are not scaled: a cell that is constant stays that value. Errors: IAD_ERR_ARG (empty), IAD_ERR_LIMIT,
 * IAD_ERR_NOMEM. */
iad_status iad_map_to_picture(const float *map, int lh, int lw, const iad_resize_record *size, iad_plane *plane,
                              iad_err *err);

/* Pixel coordinates as they stand in answers: x0 <= x1, y0 <= y1, both corners inside the picture (0 .. side - 1). */
typedef struct iad_box {
    int x0, y0, x1, y1;
} iad_box;

/* Coordinates of an answer (pixels of the resized picture) to the original: floor(x * source / resized + 0.5), clamped
 * to 0 .. side - 1; corners given the wrong way round are swapped. Any int is taken. */
iad_box iad_box_to_source(iad_box box, const iad_resize_record *size);
/* The way in: the same with source and resized exchanged. A box that comes out thinner than 2 pixels is not changed;
 * callers decide. */
iad_box iad_box_to_resized(iad_box box, const iad_resize_record *size);

/* A region of a map above a threshold. The box has inclusive corners. */
typedef struct iad_map_box {
    iad_box box;
    int64_t area;      /* pixels above the threshold */
    float peak, mean;  /* of the map over those pixels */
    int peak_x, peak_y; /* first pixel (raster order) that has the peak */
} iad_map_box;

typedef struct iad_map_box_options {
    float threshold;    /* pixels with value > threshold belong to regions; NaN pixels never do */
    int64_t min_area;   /* regions with fewer pixels are dropped after merging, unless it is the only one; 12 */
    double merge_gap;   /* regions whose boxes lie closer than this fraction of the shorter side are merged; 0.015; 0:
                           never */
    int max_boxes;      /* the largest are kept; 8 */
} iad_map_box_options;
iad_map_box_options iad_map_box_defaults(float threshold);

/* 8-connected regions of the plane above the threshold, merged until no two boxes are closer than the gap (gap =
 * Euclidean distance of the pixel boxes, 0 when they touch or overlap), by area descending, then top row, then left
 * column. *boxes is owned by the caller (free); *n may be 0. Errors: IAD_ERR_ARG, IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_map_boxes(const iad_plane *plane, const iad_map_box_options *options, iad_map_box **boxes, size_t *n,
                         iad_err *err);

/* Verdict of a score: 1 (anomalous) exactly when score > threshold. A score that equals the threshold is good: the
 * guarantee of calibrate.h counts on that. NaN gives -1 (no verdict). */
int iad_verdict(double score, double threshold);

#endif
