#include "bench/report/report.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/html.h"
#include "bench/report/reportview.h"

#define MAX_PAGE (1u << 30)

const char *iad_report_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

long long iad_report_int(const json_t *object, const char *key) { return (long long)json_integer_value(json_object_get(object, key)); }

const json_t *iad_report_unit(const json_t *results, const json_t *row, const char *category) {
    size_t i;
    json_t *unit;
    json_array_foreach(json_object_get(results, "units"), i, unit)
        if (!strcmp(iad_report_text(unit, "dataset"), iad_report_text(row, "dataset")) && !strcmp(iad_report_text(unit, "category"), category) &&
            !strcmp(iad_report_text(unit, "preset"), iad_report_text(row, "preset")) && iad_report_int(unit, "shots") == iad_report_int(row, "shots"))
            return unit;
    return NULL;
}

/* The summary is sorted by preset, data set, shots: a group is a run of rows. */
static size_t take_group(const json_t *summary, size_t from, iad_report_group *group) {
    *group = (iad_report_group){0};
    size_t i = from;
    for (; i < json_array_size(summary); i++) {
        const json_t *row = json_array_get(summary, i);
        if (i == from) {
            group->dataset = iad_report_text(row, "dataset");
            group->preset = iad_report_text(row, "preset");
        } else if (strcmp(group->dataset, iad_report_text(row, "dataset")) || strcmp(group->preset, iad_report_text(row, "preset"))) {
            break;
        }
        if (group->n_rows < IAD_REPORT_MAX_SHOTS) group->rows[group->n_rows++] = row;
    }
    return i;
}

static iad_status add_fact(iad_report *r, const char *name, const char *value, iad_err *err) {
    if (!*value) return IAD_OK;
    IAD_TRY(iad_buf_addf(&r->html, err, "<div class=fact><span>%s</span><b>", name));
    IAD_TRY(iad_html_text(&r->html, value, err));
    return iad_buf_add_str(&r->html, "</b></div>\n", err);
}

static iad_status add_head(iad_report *r, iad_err *err) {
    const json_t *scorer = json_object_get(r->results, "scorer");
    char title[300] = "";
    size_t i;
    json_t *row;
    if (r->options.title) iad_text_copy(title, sizeof title, r->options.title);
    json_array_foreach(json_object_get(r->results, "summary"), i, row) {
        const char *name = iad_report_text(row, "dataset");
        if (r->options.title || strstr(title, name)) continue;
        size_t n = strlen(title);
        snprintf(title + n, sizeof title - n, "%s%s", n ? ", " : "", name);
    }
    IAD_TRY(iad_buf_add_str(&r->html,
                            "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
                            "content=\"width=device-width,initial-scale=1\">\n<title>", err));
    IAD_TRY(iad_html_text(&r->html, title, err));
    IAD_TRY(iad_buf_add_str(&r->html, "</title>\n", err));
    IAD_TRY(iad_report_style(r, err));
    IAD_TRY(iad_buf_add_str(&r->html, "</head><body><main>\n<header><p class=kicker>few-shot anomaly detection benchmark</p><h1>", err));
    IAD_TRY(iad_html_text(&r->html, title, err));
    IAD_TRY(iad_buf_add_str(&r->html, "</h1>\n<div class=facts>", err));
    char name[200];
    snprintf(name, sizeof name, "%s %s", iad_report_text(scorer, "name"), iad_report_text(scorer, "version"));
    IAD_TRY(add_fact(r, "scorer", name, err));
    IAD_TRY(add_fact(r, "exemplars chosen by", iad_report_text(r->results, "refs"), err));
    IAD_TRY(add_fact(r, "made by", iad_report_text(r->results, "program"), err));
    IAD_TRY(iad_buf_add_str(&r->html, "</div>\n<pre class=command>", err));
    IAD_TRY(iad_html_text(&r->html, iad_report_text(r->results, "command"), err));
    IAD_TRY(iad_buf_add_str(&r->html, "</pre>", err));
    if (*r->manifest_note) {
        IAD_TRY(iad_buf_add_str(&r->html, "<p class=note>", err));
        IAD_TRY(iad_html_text(&r->html, r->manifest_note, err));
        IAD_TRY(iad_buf_add_str(&r->html, "</p>", err));
    }
    return iad_buf_add_str(&r->html, "</header>\n", err);
}

static iad_status add_group(iad_report *r, const iad_report_group *group, iad_err *err) {
    IAD_TRY(iad_buf_add_str(&r->html, "<section><h2>", err));
    IAD_TRY(iad_html_text(&r->html, group->dataset, err));
    IAD_TRY(iad_buf_add_str(&r->html, " <small>preset ", err));
    IAD_TRY(iad_html_text(&r->html, group->preset, err));
    IAD_TRY(iad_buf_add_str(&r->html, "</small></h2>\n", err));
    IAD_TRY(iad_report_tables(r, group, err));
    IAD_TRY(iad_report_leaderboard(r, group, err));
    const json_t *last = group->rows[group->n_rows - 1];
    size_t i;
    json_t *category;
    json_array_foreach(json_object_get(last, "categories"), i, category)
        IAD_TRY(iad_report_category(r, group, iad_report_text(category, "category"), i, err));
    return iad_buf_add_str(&r->html, "</section>\n", err);
}

static iad_status add_failures(iad_report *r, iad_err *err) {
    const json_t *failed = json_object_get(r->results, "failed");
    size_t i;
    json_t *failure;
    if (!json_array_size(failed)) return IAD_OK;
    IAD_TRY(iad_buf_addf(&r->html, err, "<section><h2>Failed <small>%zu</small></h2><ul class=failures>\n", json_array_size(failed)));
    json_array_foreach(failed, i, failure) {
        IAD_TRY(iad_buf_add_str(&r->html, "<li><b>", err));
        IAD_TRY(iad_html_text(&r->html, iad_report_text(failure, "unit"), err));
        IAD_TRY(iad_buf_add_str(&r->html, "</b> ", err));
        IAD_TRY(iad_html_text(&r->html, iad_report_text(failure, "item"), err));
        IAD_TRY(iad_buf_add_str(&r->html, " ", err));
        IAD_TRY(iad_html_text(&r->html, iad_report_text(failure, "reason"), err));
        IAD_TRY(iad_buf_add_str(&r->html, "</li>\n", err));
    }
    return iad_buf_add_str(&r->html, "</ul></section>\n", err);
}

static iad_status add_protocols(iad_report *r, iad_err *err) {
    size_t i;
    json_t *preset;
    IAD_TRY(iad_buf_add_str(&r->html, "<section><h2>Protocols</h2>\n", err));
    json_array_foreach(json_object_get(r->results, "presets"), i, preset) {
        IAD_TRY(iad_buf_add_str(&r->html, "<details><summary><b>", err));
        IAD_TRY(iad_html_text(&r->html, iad_report_text(preset, "name"), err));
        IAD_TRY(iad_buf_addf(&r->html, err, "</b> <code>%.64s</code></summary><p>", iad_report_text(preset, "hash")));
        IAD_TRY(iad_html_text(&r->html, iad_report_text(preset, "note"), err));
        IAD_TRY(iad_buf_add_str(&r->html, "</p><pre>", err));
        IAD_TRY(iad_html_text(&r->html, iad_report_text(preset, "text"), err));
        IAD_TRY(iad_buf_add_str(&r->html, "</pre></details>\n", err));
    }
    return iad_buf_add_str(&r->html,
        "<p class=note>I: picture level. P: pixel level, all pixels of all test pictures of the category pooled. AUROC counts ties one half. AP is "
        "the step sum, not the trapezoid. F1 is the maximum over all thresholds. AUPRO is exact, 8-connected regions, up to the stated false "
        "positive rate, divided by it. Brackets: 95 % intervals, DeLong for I-AUROC, a bootstrap over pictures for pixel metrics. Means are "
        "unweighted over categories. Scores are never transformed.</p></section>\n", err);
}

static iad_status build(iad_report *r, iad_err *err) {
    const json_t *summary = json_object_get(r->results, "summary");
    IAD_TRY(add_head(r, err));
    for (size_t from = 0; from < json_array_size(summary);) {
        iad_report_group group;
        from = take_group(summary, from, &group);
        IAD_TRY(add_group(r, &group, err));
    }
    IAD_TRY(add_failures(r, err));
    IAD_TRY(add_protocols(r, err));
    return iad_buf_add_str(&r->html, "</main></body></html>\n", err);
}

static void open_pictures(iad_report *r) {
    const char *path = r->options.manifest ? r->options.manifest : iad_report_text(r->results, "manifest");
    iad_err err = IAD_ERR_NONE;
    if (!*path) snprintf(r->manifest_note, sizeof r->manifest_note, "No manifest is known for this result: pictures are not shown.");
    else if (iad_manifest_open(path, IAD_MANIFEST_READ, &r->manifest, &err) != IAD_OK)
        snprintf(r->manifest_note, sizeof r->manifest_note, "Pictures are not shown: %.500s.", err.msg);
}

iad_status iad_report_write(const json_t *results, const char *out_dir, const char *path, const iad_report_options *options, iad_err *err) {
    iad_report r = {.results = results, .out_dir = out_dir};
    if (options) r.options = *options;
    if (!r.options.gallery) r.options.gallery = 12;
    if (!r.options.worst) r.options.worst = 4;
    if (!r.options.thumb) r.options.thumb = 200;
    open_pictures(&r);
    iad_buf_init(&r.html, MAX_PAGE);
    iad_status status = build(&r, err);
    if (status == IAD_OK) status = iad_file_write(path, r.html.data, r.html.len, err);
    iad_buf_deinit(&r.html);
    iad_manifest_close(r.manifest);
    return status;
}
