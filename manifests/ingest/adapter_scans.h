/* The adapters that work on a list of paths, one function each, and the parsers of their side files: what unit tests and
 * fuzz targets call without a file system. Programs use the table of adapter.h. */
#ifndef IAD_MANIFESTS_ADAPTER_SCANS_H
#define IAD_MANIFESTS_ADAPTER_SCANS_H

#include "manifests/ingest/scan_tree.h"

iad_status iad_dagm_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_eyecandies_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_ksdd_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_ksdd2_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_real_iad_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_std_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_cid_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_mmad_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_anomaly_instruct_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
iad_status iad_anomaly_instruct_mvtec_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink,
                                                iad_err *err);
iad_status iad_visa_dr_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);

/* DAGM's Labels.txt: adds the picture names whose line also names a "..._label" file. Lines of another form are skipped. */
iad_status iad_dagm_labels(const char *text, size_t n, iad_strings *defective, iad_err *err);

/* Eyecandies' metadata.yaml: 0 or 1 as its member `anomalous` says, -1 when there is none. */
int iad_eyecandies_anomalous(const char *text, size_t n);

/* Boxes of one picture of the Steel Tube Dataset. */
#define IAD_STD_MAX_BOXES 4096u
typedef struct iad_std_boxes {
    iad_ingest_box *items; /* names point into `names` */
    size_t n, cap;
    iad_strings names;
    size_t dropped; /* boxes without area, or with an unknown class */
} iad_std_boxes;
void iad_std_boxes_deinit(iad_std_boxes *boxes);
/* Pascal VOC XML: coordinates as written, clipped to the picture when the file states its size. No entities, no document
 * type, no network. Errors: IAD_ERR_FORMAT, IAD_ERR_LIMIT. */
iad_status iad_std_parse_voc(const char *text, size_t n, const char *name, iad_std_boxes *boxes, iad_err *err);
/* YOLO lines "id cx cy w h", shares of the picture of width x height pixels. */
iad_status iad_std_parse_yolo(const char *text, size_t n, int width, int height, const char *name, iad_std_boxes *boxes, iad_err *err);
/* {"outputs": {"object": [{"name", "bndbox": {"xmin", ...}}]}, "size": {...}}, the form in the authors' repository. */
iad_status iad_std_parse_json(const json_t *root, const char *name, iad_std_boxes *boxes, iad_err *err);

/* "air-hole(color)1-13": class "air-hole", variant "color", video 1, frame 13; "overlap000": no video (-1), frame 0. 0 when
 * the stem does not start with one of the eight classes. */
typedef struct iad_std_name {
    const char *defect; /* static */
    long video, frame;
    const char *variant; /* text in brackets, in the stem; NULL: none */
    size_t variant_n;
} iad_std_name;
int iad_std_parse_name(const char *stem, iad_std_name *name);

#endif
