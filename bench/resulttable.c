/* The text forms of a summary: aligned for people, TSV for programs, Markdown for documents. */
#include <math.h>
#include <string.h>

#include "bench/jsonwrite.h"
#include "bench/results.h"

typedef struct style {
    const char *open, *between, *close; /* of a line */
    int aligned, full_precision;
} style;

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "96.3", "96.3 ±1.2" (sd over seeds) or "-" for an undefined cell; TSV has the unrounded fraction. */
static void format_cell(char *out, size_t size, const json_t *cell, const style *s) {
    double mean = iad_json_num_or_nan(cell, "mean"), sd = iad_json_num_or_nan(cell, "sd");
    if (isnan(mean)) snprintf(out, size, "-");
    else if (s->full_precision) snprintf(out, size, "%.10g", mean);
    else if (isnan(sd)) snprintf(out, size, "%.1f", 100 * mean);
    else snprintf(out, size, "%.1f ±%.1f", 100 * mean, 100 * sd);
}

/* Pads to `width` characters (not bytes): right-aligned for numbers. */
static iad_status add_padded(iad_buf *out, const char *text, int width, int right, iad_err *err) {
    int length = 0;
    for (const char *p = text; *p; p++) length += ((unsigned char)*p & 0xC0) != 0x80;
    int pad = width > length ? width - length : 0;
    return right ? iad_buf_addf(out, err, "%*s%s", pad, "", text) : iad_buf_addf(out, err, "%s%*s", text, pad, "");
}

static iad_status add_line(iad_buf *out, const char *name, const char *normal, const char *anomalous, const json_t *cells, int header,
                           const style *s, int name_width, int cell_width, iad_err *err) {
    int w = s->aligned;
    IAD_TRY(iad_buf_add_str(out, s->open, err));
    IAD_TRY(add_padded(out, name, w ? name_width : 0, 0, err));
    IAD_TRY(iad_buf_add_str(out, s->between, err));
    IAD_TRY(add_padded(out, normal, w ? 5 : 0, 1, err));
    IAD_TRY(iad_buf_add_str(out, s->between, err));
    IAD_TRY(add_padded(out, anomalous, w ? 5 : 0, 1, err));
    for (const iad_results_metric *m = iad_results_metrics(); m->key; m++) {
        if (!m->shown && !s->full_precision) continue;
        char text[48];
        if (header) snprintf(text, sizeof text, "%s", s->full_precision ? m->key : m->title);
        else format_cell(text, sizeof text, json_object_get(cells, m->key), s);
        IAD_TRY(iad_buf_add_str(out, s->between, err));
        IAD_TRY(add_padded(out, text, w ? cell_width : 0, 1, err));
    }
    IAD_TRY(iad_buf_add_str(out, s->close, err));
    return iad_buf_add_str(out, "\n", err);
}

static iad_status add_rule(iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "| --- | ---: | ---:", err));
    for (const iad_results_metric *m = iad_results_metrics(); m->key; m++)
        if (m->shown) IAD_TRY(iad_buf_add_str(out, " | ---:", err));
    return iad_buf_add_str(out, " |\n", err);
}

static iad_status add_summary(iad_buf *out, const json_t *row, const style *s, int markdown, iad_err *err) {
    const json_t *categories = json_object_get(row, "categories");
    size_t i, seeds = json_array_size(json_object_get(row, "seeds"));
    json_t *category;
    int name_width = 10, cell_width = seeds > 1 ? 11 : 8;
    json_array_foreach(categories, i, category) {
        int n = (int)strlen(text_of(category, "category"));
        if (n > name_width && n < 40) name_width = n;
    }
    char title[32] = "category";
    if (s->full_precision) {
        IAD_TRY(iad_buf_addf(out, err, "# dataset=%s shots=%lld preset=%s seeds=%zu\n", text_of(row, "dataset"),
                             (long long)json_integer_value(json_object_get(row, "shots")), text_of(row, "preset"), seeds));
    } else {
        IAD_TRY(iad_buf_addf(out, err, "%s%s · %lld-shot · %s · %zu exemplar %s\n%s", markdown ? "### " : "", text_of(row, "dataset"),
                             (long long)json_integer_value(json_object_get(row, "shots")), text_of(row, "preset"), seeds,
                             seeds == 1 ? "set" : "sets", markdown ? "\n" : ""));
    }
    IAD_TRY(add_line(out, title, "good", "bad", NULL, 1, s, name_width, cell_width, err));
    if (markdown) IAD_TRY(add_rule(out, err));
    json_array_foreach(categories, i, category) {
        char normal[24], anomalous[24];
        snprintf(normal, sizeof normal, "%lld", (long long)json_integer_value(json_object_get(category, "normal")));
        snprintf(anomalous, sizeof anomalous, "%lld", (long long)json_integer_value(json_object_get(category, "anomalous")));
        IAD_TRY(add_line(out, text_of(category, "category"), normal, anomalous, json_object_get(category, "metrics"), 0, s, name_width,
                         cell_width, err));
    }
    IAD_TRY(add_line(out, "mean", "", "", json_object_get(row, "mean"), 0, s, name_width, cell_width, err));
    for (const iad_results_metric *m = iad_results_metrics(); m->key && !s->full_precision; m++) {
        const json_t *cell = json_object_get(json_object_get(row, "mean"), m->key);
        long long undefined = (long long)json_integer_value(json_object_get(cell, "undefined"));
        if (m->shown && undefined)
            IAD_TRY(iad_buf_addf(out, err, "%s: %lld %s undefined and left out of the mean\n", m->title, undefined,
                                 undefined == 1 ? "category is" : "categories are"));
    }
    return iad_buf_add_str(out, "\n", err);
}

iad_status iad_results_format(const json_t *results, const char *format, iad_buf *out, iad_err *err) {
    int markdown = strcmp(format, "markdown") == 0, tsv = strcmp(format, "tsv") == 0;
    style s = markdown ? (style){"| ", " | ", " |", 0, 0} : tsv ? (style){"", "\t", "", 0, 1} : (style){"", "  ", "", 1, 0};
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(results, "summary"), i, row) IAD_TRY(add_summary(out, row, &s, markdown, err));
    return IAD_OK;
}
