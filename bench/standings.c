#include "bench/standings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "bench/results.h"

static const char *const keys[IAD_STANDINGS_CELLS] = {"image_auroc", "pixel_auroc", "aupro"};

static void lower_copy(char *out, size_t size, const char *text) {
    size_t n = 0;
    for (; text[n] && n + 1 < size; n++) out[n] = (char)(text[n] >= 'A' && text[n] <= 'Z' ? text[n] + 32 : text[n]);
    out[n] = 0;
}

const char *iad_standings_dataset(const char *name) {
    char text[200];
    lower_copy(text, sizeof text, name);
    if (strstr(text, "mvtec") && !strstr(text, "loco") && !strstr(text, "ad2") && !strstr(text, "ad-2") && !strstr(text, "ad_2") &&
        !strstr(text, "3d"))
        return "MVTec";
    if (strstr(text, "visa")) return "VisA";
    return NULL;
}

static iad_standing *find_or_add(iad_standings *s, const iad_leaderboard_row *row) {
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->rows[i].method, row->method) && !strcmp(s->rows[i].setting, row->setting)) return &s->rows[i];
    iad_standing *added = &s->rows[s->n++];
    *added = (iad_standing){.method = row->method, .setting = row->setting, .source = row->source, .order = -1};
    for (int k = 0; k < IAD_STANDINGS_CELLS; k++) iad_text_copy(added->cell[k], sizeof added->cell[k], "-");
    return added;
}

static void set_cell(iad_standing *standing, int k, const iad_leaderboard_row *row) {
    const char *open = row->grade == 'M' ? "(" : "", *close = row->grade == 'M' ? ")" : "";
    char sd[16] = "";
    if (row->has_sd) snprintf(sd, sizeof sd, " ±%g", row->sd);
    snprintf(standing->cell[k], sizeof standing->cell[k], "%s%.10s%s%s", open, row->value_text, sd, close);
    if (k == 0) standing->order = row->value;
}

/* The own mean row, and what a reader must know before comparing. */
static void add_own(iad_standings *s, const char *dataset, const json_t *results, const json_t *row) {
    iad_standing *own = &s->rows[s->n++];
    const char *name = json_string_value(json_object_get(json_object_get(results, "scorer"), "name"));
    *own = (iad_standing){.method = name ? name : "own", .setting = "own", .source = "this result", .own = 1, .order = -1};
    for (int k = 0; k < IAD_STANDINGS_CELLS; k++) {
        double mean = iad_results_mean(row, keys[k]);
        if (isnan(mean)) iad_text_copy(own->cell[k], sizeof own->cell[k], "-");
        else snprintf(own->cell[k], sizeof own->cell[k], "%.1f", 100 * mean);
        if (k == 0 && !isnan(mean)) own->order = 100 * mean;
    }
    size_t have = json_array_size(json_object_get(row, "categories")), want = strcmp(dataset, "MVTec") == 0 ? 15 : 12;
    if (have != want)
        snprintf(s->warning, sizeof s->warning,
                 "This result covers %zu of the %zu categories of %s: its mean is not comparable with the published means.", have,
                 want, dataset);
}

static int falling(const void *a, const void *b) {
    const iad_standing *x = a, *y = b;
    if (x->order != y->order) return x->order < y->order ? 1 : -1;
    int order = strcmp(x->method, y->method);
    return order ? order : strcmp(x->setting, y->setting);
}

iad_status iad_standings_make(const iad_leaderboard *board, const char *dataset, int shots, const char *setting, const json_t *results,
                              const json_t *row, iad_standings *s, iad_err *err) {
    *s = (iad_standings){0};
    s->rows = iad_calloc(board->n + 1, sizeof *s->rows);
    if (!s->rows) return IAD_NOMEM(err, "the leaderboard");
    for (size_t i = 0; i < board->n; i++) {
        const iad_leaderboard_row *r = &board->rows[i];
        if (!r->primary || !r->has_value || strcmp(r->dataset, dataset) || strcmp(r->category, "mean") || r->shots != shots) continue;
        if (!strcmp(r->setting, "ablation") || (setting && strcmp(r->setting, setting))) continue;
        for (int k = 0; k < IAD_STANDINGS_CELLS; k++)
            if (strcmp(r->metric, keys[k]) == 0) set_cell(find_or_add(s, r), k, r);
    }
    if (row) add_own(s, dataset, results, row);
    if (s->n) qsort(s->rows, s->n, sizeof *s->rows, falling);
    return IAD_OK;
}

void iad_standings_deinit(iad_standings *s) {
    free(s->rows);
    *s = (iad_standings){0};
}
