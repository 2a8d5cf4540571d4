/* What the parts of the report share: the result seen as groups, and the page under construction. */
#ifndef IAD_BENCH_REPORTVIEW_H
#define IAD_BENCH_REPORTVIEW_H

#include <jansson.h>

#include "base/buf.h"
#include "bench/report/report.h"
#include "manifests/manifest.h"

/* One data set under one protocol: rows of the summary with rising numbers of shots. */
#define IAD_REPORT_MAX_SHOTS 16
typedef struct iad_report_group {
    const char *dataset, *preset;
    const json_t *rows[IAD_REPORT_MAX_SHOTS]; /* summary rows */
    size_t n_rows;
} iad_report_group;

typedef struct iad_report {
    const json_t *results;
    const char *out_dir;
    iad_report_options options;
    iad_manifest *manifest; /* NULL: pictures cannot be shown */
    char manifest_note[600];
    iad_buf html;
} iad_report;

/* Members of JSON objects: "" or 0 when absent. */
const char *iad_report_text(const json_t *object, const char *key);
long long iad_report_int(const json_t *object, const char *key);

/* The first unit (lowest seed) of a category in a summary row; NULL when there is none. */
const json_t *iad_report_unit(const json_t *results, const json_t *row, const char *category);

/* Sections, each appended to report->html. */
iad_status iad_report_style(iad_report *report, iad_err *err);
iad_status iad_report_tables(iad_report *report, const iad_report_group *group, iad_err *err);
iad_status iad_report_leaderboard(iad_report *report, const iad_report_group *group, iad_err *err);
iad_status iad_report_category(iad_report *report, const iad_report_group *group, const char *category, size_t index, iad_err *err);

/* Curves of one kind ("image_roc", "pixel_pro" ...) of units[n], one line per unit, x up to x_max, as a small SVG. */
typedef struct iad_report_curve {
    const json_t *points; /* [[x,y],...] */
    char label[48];
} iad_report_curve;
iad_status iad_report_plot(iad_report *report, const char *title, const char *x_label, const char *y_label, double x_max,
                           const iad_report_curve *curves, size_t n, iad_err *err);
/* Scores of normal and anomalous pictures as two rows of dots on one axis; the threshold of F1-max as a line. */
iad_status iad_report_score_strip(iad_report *report, const json_t *unit, iad_err *err);

/* Gallery of a unit: picture, truth, map on the category's fixed scale, score; and its worst errors. */
iad_status iad_report_gallery(iad_report *report, const json_t *unit, iad_err *err);

#endif
