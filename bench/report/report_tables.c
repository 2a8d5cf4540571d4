/* The tables of a group: all shots side by side, then every metric per number of shots. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/html.h"
#include "bench/jsonwrite.h"
#include "bench/report/reportview.h"
#include "bench/results.h"

static const char *const headline[] = {"image_auroc", "pixel_auroc", "aupro"};
enum { N_HEADLINE = 3 };

static const char *title_of(const char *key) {
    for (const iad_results_metric *m = iad_results_metrics(); m->key; m++)
        if (strcmp(m->key, key) == 0) return m->title;
    return key;
}

/* Pale red below 60 %, white at 80 %, pale green towards 100 %: enough to find the weak cells at a glance. */
static iad_status add_shade(iad_buf *html, double value, iad_err *err) {
    double t = value <= 0.5 ? -1 : value < 0.8 ? (value - 0.8) / 0.3 : (value - 0.8) / 0.2;
    int hue = t < 0 ? 8 : 140;
    return iad_buf_addf(html, err, " style=\"background:hsl(%d 60%% 50%% / %.2f)\"", hue, 0.22 * fabs(t));
}

static iad_status add_cell(iad_buf *html, const json_t *cell, int first, int shaded, iad_err *err) {
    double mean = iad_json_num_or_nan(cell, "mean"), sd = iad_json_num_or_nan(cell, "sd"), low = iad_json_num_or_nan(cell, "low"),
           high = iad_json_num_or_nan(cell, "high");
    IAD_TRY(iad_buf_addf(html, err, "<td%s", first ? " class=shot" : ""));
    if (isnan(mean)) return iad_buf_add_str(html, " title=\"undefined: one class only, or no masks\">&ndash;</td>", err);
    if (shaded) IAD_TRY(add_shade(html, mean, err));
    IAD_TRY(iad_buf_addf(html, err, ">%.1f", 100 * mean));
    if (!isnan(sd)) IAD_TRY(iad_buf_addf(html, err, " <small>&plusmn;%.1f</small>", 100 * sd));
    else if (!isnan(low)) IAD_TRY(iad_buf_addf(html, err, " <small>[%.0f&hairsp;&ndash;&hairsp;%.0f]</small>", 100 * low, 100 * high));
    return iad_buf_add_str(html, "</td>", err);
}

static const json_t *category_of(const json_t *row, const char *name) {
    size_t i;
    json_t *category;
    json_array_foreach(json_object_get(row, "categories"), i, category)
        if (strcmp(iad_report_text(category, "category"), name) == 0) return category;
    return NULL;
}

static iad_status add_side_by_side(iad_report *r, const iad_report_group *g, iad_err *err) {
    iad_buf *html = &r->html;
    const json_t *last = g->rows[g->n_rows - 1];
    size_t i;
    json_t *category;
    IAD_TRY(iad_buf_add_str(html, "<div class=scroll><table><thead><tr class=top><th></th><th colspan=2>test pictures</th>", err));
    for (size_t k = 0; k < g->n_rows; k++)
        IAD_TRY(iad_buf_addf(html, err, "<th class=shot colspan=%d>%lld-shot</th>", N_HEADLINE, iad_report_int(g->rows[k], "shots")));
    IAD_TRY(iad_buf_add_str(html, "</tr><tr><th>category</th><th>good</th><th>bad</th>", err));
    for (size_t k = 0; k < g->n_rows; k++)
        for (int m = 0; m < N_HEADLINE; m++) IAD_TRY(iad_buf_addf(html, err, "<th%s>%s</th>", m ? "" : " class=shot", title_of(headline[m])));
    IAD_TRY(iad_buf_add_str(html, "</tr></thead><tbody>\n", err));
    json_array_foreach(json_object_get(last, "categories"), i, category) {
        const char *name = iad_report_text(category, "category");
        IAD_TRY(iad_buf_add_str(html, "<tr><td>", err));
        IAD_TRY(iad_html_text(html, name, err));
        IAD_TRY(iad_buf_addf(html, err, "</td><td>%lld</td><td>%lld</td>", iad_report_int(category, "normal"),
                             iad_report_int(category, "anomalous")));
        for (size_t k = 0; k < g->n_rows; k++)
            for (int m = 0; m < N_HEADLINE; m++)
                IAD_TRY(add_cell(html, json_object_get(json_object_get(category_of(g->rows[k], name), "metrics"), headline[m]), m == 0, 1, err));
        IAD_TRY(iad_buf_add_str(html, "</tr>\n", err));
    }
    IAD_TRY(iad_buf_add_str(html, "<tr class=mean><td>mean</td><td></td><td></td>", err));
    for (size_t k = 0; k < g->n_rows; k++)
        for (int m = 0; m < N_HEADLINE; m++)
            IAD_TRY(add_cell(html, json_object_get(json_object_get(g->rows[k], "mean"), headline[m]), m == 0, 0, err));
    return iad_buf_add_str(html, "</tr></tbody></table></div>\n", err);
}

static iad_status add_full(iad_report *r, const json_t *row, iad_err *err) {
    iad_buf *html = &r->html;
    size_t i;
    json_t *category;
    IAD_TRY(iad_buf_addf(html, err, "<details><summary>every metric, %lld-shot</summary><div class=scroll><table><thead><tr><th>category</th>",
                         iad_report_int(row, "shots")));
    for (const iad_results_metric *m = iad_results_metrics(); m->key; m++) IAD_TRY(iad_buf_addf(html, err, "<th>%s</th>", m->title));
    IAD_TRY(iad_buf_add_str(html, "</tr></thead><tbody>\n", err));
    json_array_foreach(json_object_get(row, "categories"), i, category) {
        IAD_TRY(iad_buf_add_str(html, "<tr><td>", err));
        IAD_TRY(iad_html_text(html, iad_report_text(category, "category"), err));
        IAD_TRY(iad_buf_add_str(html, "</td>", err));
        for (const iad_results_metric *m = iad_results_metrics(); m->key; m++)
            IAD_TRY(add_cell(html, json_object_get(json_object_get(category, "metrics"), m->key), 0, 0, err));
        IAD_TRY(iad_buf_add_str(html, "</tr>\n", err));
    }
    IAD_TRY(iad_buf_add_str(html, "<tr class=mean><td>mean</td>", err));
    for (const iad_results_metric *m = iad_results_metrics(); m->key; m++)
        IAD_TRY(add_cell(html, json_object_get(json_object_get(row, "mean"), m->key), 0, 0, err));
    return iad_buf_add_str(html, "</tr></tbody></table></div></details>\n", err);
}

iad_status iad_report_tables(iad_report *r, const iad_report_group *g, iad_err *err) {
    IAD_TRY(add_side_by_side(r, g, err));
    for (size_t k = 0; k < g->n_rows; k++) IAD_TRY(add_full(r, g->rows[k], err));
    const json_t *mean = json_object_get(g->rows[g->n_rows - 1], "mean");
    for (int m = 0; m < N_HEADLINE; m++) {
        long long undefined = iad_report_int(json_object_get(mean, headline[m]), "undefined");
        if (undefined)
            IAD_TRY(iad_buf_addf(&r->html, err, "<p class=\"note warn\">%s: %lld %s undefined and left out of the mean.</p>\n", title_of(headline[m]),
                                 undefined, undefined == 1 ? "category is" : "categories are"));
    }
    return IAD_OK;
}
