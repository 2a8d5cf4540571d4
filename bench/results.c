#include "bench/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "bench/jsonwrite.h"
#include "bench/metrics/metricstats.h"

static const iad_results_metric metrics[] = {
    {"image_auroc", "image", "auroc", "I-AUROC", 1},   {"image_ap", "image", "ap", "I-AP", 1},
    {"image_f1_max", "image", "f1_max", "I-F1", 1},    {"image_aupr_trapz", "image", "aupr_trapz", "I-AUPRt", 0},
    {"pixel_auroc", "pixel", "auroc", "P-AUROC", 1},   {"pixel_ap", "pixel", "ap", "P-AP", 1},
    {"pixel_f1_max", "pixel", "f1_max", "P-F1", 1},    {"pixel_aupr_trapz", "pixel", "aupr_trapz", "P-AUPRt", 0},
    {"aupro", "pixel", "aupro", "AUPRO", 1},           {NULL, NULL, NULL, NULL, 0}};

const iad_results_metric *iad_results_metrics(void) { return metrics; }

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static long long int_of(const json_t *object, const char *key) { return (long long)json_integer_value(json_object_get(object, key)); }

/* ---- order and grouping ---- */

/* preset, data set, shots, category, seed */
static int unit_order(const void *a, const void *b) {
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int order = strcmp(text_of(x, "preset"), text_of(y, "preset"));
    if (!order) order = strcmp(text_of(x, "dataset"), text_of(y, "dataset"));
    if (!order) order = (int_of(x, "shots") > int_of(y, "shots")) - (int_of(x, "shots") < int_of(y, "shots"));
    if (!order) order = strcmp(text_of(x, "category"), text_of(y, "category"));
    if (!order) order = (int_of(x, "seed") > int_of(y, "seed")) - (int_of(x, "seed") < int_of(y, "seed"));
    return order;
}

static int same_row(const json_t *x, const json_t *y) {
    return !strcmp(text_of(x, "preset"), text_of(y, "preset")) && !strcmp(text_of(x, "dataset"), text_of(y, "dataset")) &&
           int_of(x, "shots") == int_of(y, "shots");
}

/* The units of one summary row are units[from..to), sorted by category, then seed. */
typedef struct row {
    json_t **units;
    size_t n;
} row;

static double unit_value(const json_t *unit, const iad_results_metric *m) {
    return iad_json_num_or_nan(json_object_get(unit, m->group), m->field);
}

static json_t *category_cell(json_t *const *units, size_t n, const iad_results_metric *m, double *values) {
    for (size_t i = 0; i < n; i++) values[i] = unit_value(units[i], m);
    iad_spread spread = iad_spread_of(values, n);
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_num(&w, "mean", spread.mean);
    iad_jsonw_num(&w, "sd", spread.sd);
    iad_jsonw_int(&w, "n", (long long)spread.n);
    char low[64], high[64];
    snprintf(low, sizeof low, "%s_low", m->field);
    snprintf(high, sizeof high, "%s_high", m->field);
    const json_t *group = json_object_get(units[0], m->group);
    iad_jsonw_num(&w, "low", n == 1 ? iad_json_num_or_nan(group, low) : NAN);
    iad_jsonw_num(&w, "high", n == 1 ? iad_json_num_or_nan(group, high) : NAN);
    json_t *cell = NULL;
    iad_jsonw_finish(&w, &cell, NULL);
    return cell;
}

static json_t *category_json(json_t *const *units, size_t n, double *values) {
    iad_jsonw w = iad_jsonw_new(), cells = iad_jsonw_new();
    for (const iad_results_metric *m = metrics; m->key; m++) iad_jsonw_take(&cells, m->key, category_cell(units, n, m, values));
    const json_t *counts = json_object_get(units[0], "counts");
    iad_jsonw_str(&w, "category", text_of(units[0], "category"));
    iad_jsonw_int(&w, "normal", int_of(counts, "normal"));
    iad_jsonw_int(&w, "anomalous", int_of(counts, "anomalous"));
    json_t *made = NULL;
    if (iad_jsonw_finish(&cells, &made, NULL) != IAD_OK) w.failed = 1;
    iad_jsonw_take(&w, "metrics", made);
    json_t *category = NULL;
    iad_jsonw_finish(&w, &category, NULL);
    return category;
}

/* Mean over categories for each seed, then mean and spread over seeds. */
static json_t *mean_cell(const row *r, const iad_results_metric *m, const long long *seeds, size_t n_seeds, int decimals, double *values,
                         double *means) {
    size_t categories = 0, undefined = 0;
    for (size_t s = 0; s < n_seeds; s++) {
        size_t n = 0, used = 0;
        for (size_t i = 0; i < r->n; i++)
            if (int_of(r->units[i], "seed") == seeds[s]) values[n++] = unit_value(r->units[i], m);
        for (size_t i = 0; i < n; i++) used += !isnan(values[i]);
        means[s] = iad_mean_rounded(values, n, decimals);
        if (used > categories) categories = used;
        if (n - used > undefined) undefined = n - used;
    }
    iad_spread spread = iad_spread_of(means, n_seeds);
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_num(&w, "mean", spread.mean);
    iad_jsonw_num(&w, "sd", spread.sd);
    iad_jsonw_int(&w, "n", (long long)spread.n);
    iad_jsonw_int(&w, "categories", (long long)categories);
    iad_jsonw_int(&w, "undefined", (long long)undefined);
    json_t *cell = NULL;
    iad_jsonw_finish(&w, &cell, NULL);
    return cell;
}

static json_t *row_json(const row *r, int decimals, double *values, double *means, long long *seeds) {
    size_t n_seeds = 0;
    iad_jsonw w = iad_jsonw_new(), mean = iad_jsonw_new();
    json_t *categories = json_array(), *seed_list = json_array();
    for (size_t from = 0; categories && from < r->n;) {
        size_t to = from + 1;
        while (to < r->n && !strcmp(text_of(r->units[to], "category"), text_of(r->units[from], "category"))) to++;
        if (json_array_append_new(categories, category_json(r->units + from, to - from, values)) != 0) w.failed = 1;
        from = to;
    }
    for (size_t i = 0; i < r->n; i++) {
        long long seed = int_of(r->units[i], "seed");
        size_t k = 0;
        while (k < n_seeds && seeds[k] != seed) k++;
        if (k == n_seeds) {
            seeds[n_seeds++] = seed;
            if (!seed_list || json_array_append_new(seed_list, json_integer(seed)) != 0) w.failed = 1;
        }
    }
    for (const iad_results_metric *m = metrics; m->key; m++)
        iad_jsonw_take(&mean, m->key, mean_cell(r, m, seeds, n_seeds, decimals, values, means));
    iad_jsonw_str(&w, "preset", text_of(r->units[0], "preset"));
    iad_jsonw_str(&w, "dataset", text_of(r->units[0], "dataset"));
    iad_jsonw_int(&w, "shots", int_of(r->units[0], "shots"));
    iad_jsonw_take(&w, "seeds", seed_list);
    iad_jsonw_take(&w, "categories", categories);
    json_t *made = NULL;
    if (iad_jsonw_finish(&mean, &made, NULL) != IAD_OK) w.failed = 1;
    iad_jsonw_take(&w, "mean", made);
    json_t *result = NULL;
    iad_jsonw_finish(&w, &result, NULL);
    return result;
}

iad_status iad_results_summarise(json_t *results, int decimals, iad_err *err) {
    json_t *units = json_object_get(results, "units");
    size_t n = json_array_size(units);
    json_t **sorted = iad_calloc(n, sizeof *sorted);
    double *values = iad_calloc(n, sizeof *values), *means = iad_calloc(n, sizeof *means);
    long long *seeds = iad_calloc(n, sizeof *seeds);
    json_t *list = json_array(), *summary = json_array();
    iad_status status = sorted && values && means && seeds && list && summary ? IAD_OK : IAD_NOMEM(err, "the summary");
    for (size_t i = 0; status == IAD_OK && i < n; i++) sorted[i] = json_array_get(units, i);
    if (status == IAD_OK && n) qsort(sorted, n, sizeof *sorted, unit_order);
    for (size_t i = 0; status == IAD_OK && i < n; i++)
        if (json_array_append(list, sorted[i]) != 0) status = IAD_NOMEM(err, "the summary");
    for (size_t from = 0; status == IAD_OK && from < n;) {
        size_t to = from + 1;
        while (to < n && same_row(sorted[to], sorted[from])) to++;
        row r = {sorted + from, to - from};
        if (json_array_append_new(summary, row_json(&r, decimals, values, means, seeds)) != 0) status = IAD_NOMEM(err, "the summary");
        from = to;
    }
    if (status == IAD_OK && (json_object_set(results, "units", list) != 0 || json_object_set(results, "summary", summary) != 0 ||
                             json_object_set_new(results, "round", json_integer(decimals)) != 0))
        status = IAD_NOMEM(err, "the summary");
    json_decref(list);
    json_decref(summary);
    free(seeds);
    free(means);
    free(values);
    free(sorted);
    return status;
}

/* ---- files ---- */

iad_status iad_results_write(const json_t *results, const char *dir, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, dir, "results.json", err));
    iad_buf text;
    iad_buf_init(&text, IAD_JSON_MAX_BYTES);
    iad_status status = iad_json_pretty(results, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}

iad_status iad_results_load(const char *path, json_t **results, iad_err *err) {
    char file[IAD_PATH_MAX];
    if (iad_file_is_dir(path)) IAD_TRY(iad_path_join(file, sizeof file, path, "results.json", err));
    else if (!iad_text_copy(file, sizeof file, path)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: the path is too long", path);
    IAD_TRY(iad_json_load(file, 0, results, err));
    const json_t *root = *results;
    if (strcmp(text_of(root, "format"), IAD_RESULTS_FORMAT) == 0 && json_is_array(json_object_get(root, "units")) &&
        json_is_array(json_object_get(root, "summary")))
        return IAD_OK;
    json_decref(*results);
    *results = NULL;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a benchmark result (format \"%s\" wanted)", file, IAD_RESULTS_FORMAT);
}

double iad_results_mean(const json_t *summary_row, const char *key) {
    return iad_json_num_or_nan(json_object_get(json_object_get(summary_row, "mean"), key), "mean");
}

/* ---- gates ---- */

iad_status iad_results_gate(const json_t *results, const char *gate, int *failed, iad_buf *text, iad_err *err) {
    char key[64];
    const char *equals = strchr(gate, '=');
    const iad_results_metric *m = metrics;
    double wanted;
    if (!equals || (size_t)(equals - gate) >= sizeof key) return IAD_FAIL(err, IAD_ERR_ARG, "--min %s: METRIC=VALUE wanted", gate);
    memcpy(key, gate, (size_t)(equals - gate));
    key[equals - gate] = 0;
    while (m->key && strcmp(m->key, key) != 0) m++;
    if (!m->key) return IAD_FAIL(err, IAD_ERR_ARG, "--min %s: no metric of that name (image_auroc, pixel_auroc, aupro, ...)", gate);
    IAD_TRY(iad_parse_f64(equals + 1, 0, 100, "--min", &wanted, err));
    if (wanted > 1.5) wanted /= 100;
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(results, "summary"), i, r) {
        double mean = iad_results_mean(r, key);
        if (mean >= wanted) continue;
        ++*failed;
        IAD_TRY(iad_buf_addf(text, err, "%s, %lld shots, %s: %s is %.4f, below %.4f\n", text_of(r, "dataset"), int_of(r, "shots"),
                             text_of(r, "preset"), key, mean, wanted));
    }
    return IAD_OK;
}
