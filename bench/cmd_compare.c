/* iad-bench compare A B: how two results differ: scores picture by picture, metrics category by category, and whether B is worse. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "bench/bench_cmd.h"
#include "bench/evalunit.h"
#include "bench/jsonwrite.h"
#include "bench/metrics/metricstats.h"
#include "bench/results.h"
#include "bench/scoreset.h"


static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static long long int_of(const json_t *object, const char *key) { return (long long)json_integer_value(json_object_get(object, key)); }

/* ---- loading: a result, or a score file measured on the spot ---- */

static iad_status unit_of_scores(const iad_score_row *rows, size_t n, json_t *units, iad_err *err) {
    iad_protocol protocol;
    IAD_TRY(iad_protocol_find("iadgpt-224", &protocol, err));
    iad_eval_options options = {.protocol = &protocol, .threads = 1};
    iad_eval_test *tests = iad_calloc(n, sizeof *tests);
    json_t *unit = NULL;
    iad_status status = tests ? IAD_OK : IAD_NOMEM(err, "the scores");
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        tests[i] = (iad_eval_test){rows[i].path, rows[i].defect, rows[i].label, rows[i].score};
        if (isnan(rows[i].score)) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no score", rows[i].path);
    }
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_str(&w, "dataset", rows[0].dataset);
    iad_jsonw_str(&w, "category", rows[0].category);
    iad_jsonw_int(&w, "shots", 0);
    iad_jsonw_int(&w, "seed", 0);
    iad_jsonw_str(&w, "preset", "");
    if (status == IAD_OK) status = iad_jsonw_finish(&w, &unit, err);
    else json_decref(w.object);
    if (status == IAD_OK) status = iad_evalunit_measure(tests, n, NULL, &options, unit, err);
    if (status == IAD_OK && json_array_append(units, unit) != 0) status = IAD_NOMEM(err, "the results");
    json_decref(unit);
    free(tests);
    return status;
}

static iad_status load_scores(const char *path, json_t **results, iad_err *err) {
    iad_scoreset set = {0};
    IAD_TRY(iad_scoreset_load(&set, path, err));
    json_t *root = json_pack("{s[] s[]}", "units", "summary");
    iad_status status = root ? IAD_OK : IAD_NOMEM(err, "the results");
    for (size_t from = 0; from < set.n && status == IAD_OK;) {
        size_t to = from + 1;
        while (to < set.n && !strcmp(set.rows[to].dataset, set.rows[from].dataset) && !strcmp(set.rows[to].category, set.rows[from].category)) to++;
        status = unit_of_scores(set.rows + from, to - from, json_object_get(root, "units"), err);
        from = to;
    }
    iad_scoreset_deinit(&set);
    if (status == IAD_OK) *results = root;
    else json_decref(root);
    return status;
}

static iad_status load(const char *path, json_t **results, iad_err *err) {
    if (iad_text_ends_nocase(path, ".tsv") || iad_text_ends_nocase(path, ".csv")) return load_scores(path, results, err);
    return iad_results_load(path, results, err);
}

/* ---- comparing ---- */

static const json_t *find_unit(const json_t *units, const json_t *like) {
    size_t i;
    json_t *unit;
    json_array_foreach(units, i, unit)
        if (!strcmp(text_of(unit, "dataset"), text_of(like, "dataset")) && !strcmp(text_of(unit, "category"), text_of(like, "category")) &&
            !strcmp(text_of(unit, "preset"), text_of(like, "preset")) && int_of(unit, "shots") == int_of(like, "shots") &&
            int_of(unit, "seed") == int_of(like, "seed"))
            return unit;
    return NULL;
}

typedef struct score_change {
    size_t common, only_a, only_b;
    double max_difference, rank_correlation;
    const char *worst;
} score_change;

/* Both lists are sorted by path. */
static iad_status compare_scores(const json_t *a, const json_t *b, score_change *out, iad_err *err) {
    size_t na = json_array_size(a), nb = json_array_size(b), i = 0, k = 0;
    *out = (score_change){.worst = "", .rank_correlation = NAN};
    double *x = iad_calloc(na, sizeof *x), *y = iad_calloc(na, sizeof *y);
    iad_status status = x && y ? IAD_OK : IAD_NOMEM(err, "the scores");
    while (status == IAD_OK && (i < na || k < nb)) {
        const json_t *p = json_array_get(a, i), *q = json_array_get(b, k);
        int order = !p ? 1 : !q ? -1 : strcmp(text_of(p, "path"), text_of(q, "path"));
        if (order < 0) {
            out->only_a++;
            i++;
        } else if (order > 0) {
            out->only_b++;
            k++;
        } else {
            double u = iad_json_num_or_nan(p, "score"), v = iad_json_num_or_nan(q, "score"), d = fabs(u - v);
            x[out->common] = u;
            y[out->common++] = v;
            if (!(d <= out->max_difference)) {
                out->max_difference = d;
                out->worst = text_of(p, "path");
            }
            i++;
            k++;
        }
    }
    if (status == IAD_OK && out->common) status = iad_rank_correlation(x, y, out->common, &out->rank_correlation, err);
    free(x);
    free(y);
    return status;
}

typedef struct comparison {
    const json_t *a, *b;
    double *va, *vb; /* [units] values of one metric */
    size_t common, only_a, only_b;
    double max_difference;
} comparison;

static iad_status print_units(comparison *c, iad_err *err) {
    const json_t *units_a = json_object_get(c->a, "units"), *units_b = json_object_get(c->b, "units");
    size_t i;
    json_t *unit;
    printf("dataset\tcategory\tshots\tseed\tpreset\tpictures\tonly_a\tonly_b\tmax_score_difference\tworst_picture\trank_correlation");
    for (const iad_results_metric *m = iad_results_metrics(); m->key; m++) printf("\td_%s", m->key);
    printf("\n");
    json_array_foreach(units_a, i, unit) {
        const json_t *other = find_unit(units_b, unit);
        score_change change;
        if (!other) {
            c->only_a++;
            continue;
        }
        c->common++;
        IAD_TRY(compare_scores(json_object_get(unit, "pictures"), json_object_get(other, "pictures"), &change, err));
        if (!(change.max_difference <= c->max_difference)) c->max_difference = change.max_difference;
        printf("%s\t%s\t%lld\t%lld\t%s\t%zu\t%zu\t%zu\t%.6g\t%s\t%.6f", text_of(unit, "dataset"), text_of(unit, "category"), int_of(unit, "shots"),
               int_of(unit, "seed"), text_of(unit, "preset"), change.common, change.only_a, change.only_b, change.max_difference, change.worst,
               change.rank_correlation);
        for (const iad_results_metric *m = iad_results_metrics(); m->key; m++)
            printf("\t%+.6f", iad_json_num_or_nan(json_object_get(other, m->group), m->field)
                   - iad_json_num_or_nan(json_object_get(unit, m->group), m->field));
        printf("\n");
    }
    json_array_foreach(units_b, i, unit) c->only_b += find_unit(units_a, unit) == NULL;
    return IAD_OK;
}

/* All common units' values of one metric, side by side. */
static size_t gather(comparison *c, const iad_results_metric *m) {
    size_t i, n = 0;
    json_t *unit;
    json_array_foreach(json_object_get(c->a, "units"), i, unit) {
        const json_t *other = find_unit(json_object_get(c->b, "units"), unit);
        if (!other) continue;
        c->va[n] = iad_json_num_or_nan(json_object_get(unit, m->group), m->field);
        c->vb[n++] = iad_json_num_or_nan(json_object_get(other, m->group), m->field);
    }
    return n;
}

/* A regression: B's mean falls below A's by more than the tolerance given for this metric. */
static iad_status check_gate(const iad_strings *gates, const iad_results_metric *m, double change, int *worse, iad_err *err) {
    for (size_t i = 0; i < gates->n; i++) {
        size_t n = strlen(m->key);
        const char *gate = gates->items[i];
        double tolerance;
        if (strncmp(gate, m->key, n) != 0 || gate[n] != '=') continue;
        IAD_TRY(iad_parse_f64(gate + n + 1, 0, 1, "--tolerance", &tolerance, err));
        if (change < -tolerance) {
            ++*worse;
            fprintf(stderr, "%s fell by %.6f, more than %.6f\n", m->key, -change, tolerance);
        }
    }
    return IAD_OK;
}

static iad_status print_metrics(comparison *c, const iad_strings *gates, int *worse, iad_err *err) {
    printf("\nmetric\tmean_a\tmean_b\tchange\tb_better\tb_worse\tequal\tsign_test_p\n");
    for (const iad_results_metric *m = iad_results_metrics(); m->key; m++) {
        size_t n = gather(c, m);
        iad_sign_test test = iad_sign_test_of(c->vb, c->va, n);
        double a = iad_spread_of(c->va, n).mean, b = iad_spread_of(c->vb, n).mean;
        if (isnan(a) && isnan(b)) continue;
        printf("%s\t%.6f\t%.6f\t%+.6f\t%zu\t%zu\t%zu\t%.4g\n", m->key, a, b, b - a, test.wins, test.losses, test.ties, test.p);
        IAD_TRY(check_gate(gates, m, b - a, worse, err));
    }
    return IAD_OK;
}

static iad_status check_gate_names(const iad_strings *gates, iad_err *err) {
    for (size_t i = 0; i < gates->n; i++) {
        const iad_results_metric *m = iad_results_metrics();
        const char *equals = strchr(gates->items[i], '=');
        while (m->key && !(equals && strlen(m->key) == (size_t)(equals - gates->items[i]) && !strncmp(m->key, gates->items[i], strlen(m->key)))) m++;
        if (!m->key) return IAD_FAIL(err, IAD_ERR_ARG, "--tolerance %s: METRIC=VALUE with a metric such as image_auroc wanted", gates->items[i]);
    }
    return IAD_OK;
}

static int compare(const iad_strings *paths, const iad_strings *gates, iad_err *err) {
    json_t *a = NULL, *b = NULL;
    int worse = 0;
    iad_status status = check_gate_names(gates, err);
    if (status == IAD_OK) status = load(paths->items[0], &a, err);
    if (status == IAD_OK) status = load(paths->items[1], &b, err);
    size_t n = json_array_size(json_object_get(a, "units"));
    comparison c = {a, b, iad_calloc(n, sizeof(double)), iad_calloc(n, sizeof(double)), 0, 0, 0, 0};
    if (status == IAD_OK && (!c.va || !c.vb)) status = IAD_NOMEM(err, "the comparison");
    if (status == IAD_OK) status = print_units(&c, err);
    if (status == IAD_OK && c.common == 0)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s and %s have no unit in common", paths->items[0], paths->items[1]);
    if (status == IAD_OK) status = print_metrics(&c, gates, &worse, err);
    if (status == IAD_OK)
        fprintf(stderr, "units=%zu only_a=%zu only_b=%zu max_score_difference=%.6g regressions=%d\n", c.common, c.only_a, c.only_b, c.max_difference,
                worse);
    free(c.va);
    free(c.vb);
    json_decref(a);
    json_decref(b);
    return status != IAD_OK ? iad_app_exit_code(status) : worse ? IAD_EXIT_FAILED : IAD_EXIT_OK;
}

int iad_cmd_compare(iad_app *app, int argc, char **argv, iad_err *err) {
    iad_strings paths = {0}, gates = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_LIST, .name = "tolerance", .value = &gates, .meta = "METRIC=VALUE",
         .help = "exit 1 when B's mean is lower by more than this, e.g. image_auroc=0.002"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "compare", .usage = "A B [options]",
                              .help = "A and B are result folders, results.json files, or score files (TSV, CSV). Changes are B minus A."};
    int code = iad_app_parse(app, &self, argc, argv, table, &paths, err);
    if (code < 0 && paths.n != 2) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "two results are wanted, %zu given", paths.n));
    if (code < 0) code = compare(&paths, &gates, err);
    iad_strings_deinit(&paths);
    iad_strings_deinit(&gates);
    return code;
}
