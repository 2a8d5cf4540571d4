/* One category: its curves for every number of shots, kinds of defects, gallery, exemplars. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/html.h"
#include "bench/jsonwrite.h"
#include "bench/report/reportview.h"

static iad_status add_plots(iad_report *r, const iad_report_group *g, const char *category, const json_t *unit, iad_err *err) {
    static const struct { const char *key, *title, *x, *y; } kinds[] = {
        {"image_roc", "Image ROC", "false positive rate", "recall"},
        {"pixel_roc", "Pixel ROC", "false positive rate", "recall"},
        {"pixel_pro", "PRO", "false positive rate", "region overlap"}};
    IAD_TRY(iad_buf_add_str(&r->html, "<div class=plots>\n", err));
    IAD_TRY(iad_report_score_strip(r, unit, err));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        iad_report_curve curves[IAD_REPORT_MAX_SHOTS];
        for (size_t i = 0; i < g->n_rows; i++) {
            const json_t *of = iad_report_unit(r->results, g->rows[i], category);
            curves[i].points = json_object_get(json_object_get(of, "curves"), kinds[k].key);
            snprintf(curves[i].label, sizeof curves[i].label, "%lld-shot", iad_report_int(g->rows[i], "shots"));
        }
        double limit = iad_json_num_or_nan(json_object_get(unit, "pixel"), "aupro_limit");
        IAD_TRY(iad_report_plot(r, kinds[k].title, kinds[k].x, kinds[k].y, k == 2 && !isnan(limit) ? limit : 1, curves, g->n_rows, err));
    }
    return iad_buf_add_str(&r->html, "</div>\n", err);
}

static iad_status add_percent(iad_buf *html, const char *name, double value, iad_err *err) {
    return isnan(value) ? IAD_OK : iad_buf_addf(html, err, "<i>%s</i> %.1f", name, 100 * value);
}

static iad_status add_defects(iad_report *r, const json_t *unit, iad_err *err) {
    const json_t *defects = json_object_get(unit, "defects");
    size_t i;
    json_t *defect;
    IAD_TRY(iad_buf_add_str(&r->html, "<div class=chips>", err));
    json_array_foreach(defects, i, defect) {
        IAD_TRY(iad_buf_add_str(&r->html, "<span class=chip><b>", err));
        IAD_TRY(iad_html_text(&r->html, iad_report_text(defect, "name"), err));
        IAD_TRY(iad_buf_addf(&r->html, err, "</b> &times;%lld", iad_report_int(defect, "n")));
        IAD_TRY(add_percent(&r->html, "I", iad_json_num_or_nan(defect, "image_auroc"), err));
        IAD_TRY(add_percent(&r->html, "P", iad_json_num_or_nan(defect, "pixel_auroc"), err));
        IAD_TRY(add_percent(&r->html, "PRO", iad_json_num_or_nan(defect, "aupro"), err));
        IAD_TRY(iad_buf_add_str(&r->html, "</span>", err));
    }
    return iad_buf_add_str(&r->html, "</div>\n", err);
}

static iad_status add_exemplars(iad_report *r, const iad_report_group *g, const char *category, iad_err *err) {
    iad_buf *html = &r->html;
    IAD_TRY(iad_buf_add_str(html, "<details><summary>exemplars and notes</summary>\n", err));
    for (size_t k = 0; k < g->n_rows; k++) {
        const json_t *unit = iad_report_unit(r->results, g->rows[k], category), *list = json_object_get(unit, "exemplars");
        size_t i;
        json_t *item;
        IAD_TRY(iad_buf_addf(html, err, "<p class=note>%lld-shot, seed %lld", iad_report_int(unit, "shots"), iad_report_int(unit, "seed")));
        json_array_foreach(list, i, item) {
            if (i == 40) {
                IAD_TRY(iad_buf_addf(html, err, "<br>&hellip; %zu more in results.json", json_array_size(list) - i));
                break;
            }
            IAD_TRY(iad_buf_add_str(html, "<br><code>", err));
            IAD_TRY(iad_html_text(html, iad_report_text(item, "path"), err));
            IAD_TRY(iad_buf_addf(html, err, "</code> <code>%.16s</code>", iad_report_text(item, "sha256")));
            if (*iad_report_text(item, "query")) {
                IAD_TRY(iad_buf_add_str(html, " for <code>", err));
                IAD_TRY(iad_html_text(html, iad_report_text(item, "query"), err));
                IAD_TRY(iad_buf_add_str(html, "</code>", err));
            }
        }
        json_array_foreach(json_object_get(unit, "notes"), i, item) {
            IAD_TRY(iad_buf_add_str(html, "<br><span class=warn>", err));
            IAD_TRY(iad_html_text(html, json_string_value(item), err));
            IAD_TRY(iad_buf_add_str(html, "</span>", err));
        }
        IAD_TRY(iad_buf_add_str(html, "</p>\n", err));
    }
    return iad_buf_add_str(html, "</details>\n", err);
}

iad_status iad_report_category(iad_report *r, const iad_report_group *g, const char *category, size_t index, iad_err *err) {
    const json_t *row = g->rows[g->n_rows - 1], *unit = iad_report_unit(r->results, row, category);
    if (!unit) return IAD_OK;
    IAD_TRY(iad_buf_addf(&r->html, err, "<div class=card id=c%zu><h3>", index));
    IAD_TRY(iad_html_text(&r->html, category, err));
    IAD_TRY(iad_buf_addf(&r->html, err, " <small>%lld-shot below, unless said otherwise</small></h3>\n", iad_report_int(row, "shots")));
    IAD_TRY(add_defects(r, unit, err));
    IAD_TRY(add_plots(r, g, category, unit, err));
    IAD_TRY(iad_report_gallery(r, unit, err));
    IAD_TRY(add_exemplars(r, g, category, err));
    return iad_buf_add_str(&r->html, "</div>\n", err);
}
