/* MVTec AD's folders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "manifests/export/export.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

/* A picture's place: folder below the category, and file name. */
typedef struct place {
    char folder[300]; /* "test/scratch" */
    char name[512];
    size_t row;
} place;

/* One component of a path: other tools meet plain names only. */
static void safe_name(const char *text, char *out, size_t size) {
    size_t n = 0;
    for (const char *p = text; *p && n + 1 < size; p++) {
        int plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("._-", *p);
        out[n++] = plain ? *p : '_';
    }
    out[n] = 0;
    if (n == 0 || out[0] == '.') snprintf(out, size, "_%s", text[0] == '.' ? "dot" : "");
}

static iad_status part_of(iad_export_state *state, const iad_image_row *row, iad_part *part, iad_err *err) {
    *part = row->part;
    if (!state->options->scheme) return IAD_OK;
    iad_query q;
    *part = IAD_PART_NONE;
    IAD_TRY(iad_query_open(&q, state->manifest, "split", "SELECT part FROM split WHERE image_id=? AND scheme=?", err));
    iad_query_i64(&q, row->id);
    iad_query_text(&q, state->options->scheme);
    if (iad_query_next(&q)) (void)iad_part_parse(iad_query_col_text(&q, 0), part, NULL);
    return iad_query_close(&q, err);
}

/* 0 when the layout has no place for it. */
static int find_place(const iad_image_row *row, iad_part part, place *out) {
    char defect[200];
    if (part == IAD_PART_NONE || row->label == IAD_LABEL_UNKNOWN ||
        (part != IAD_PART_TEST && row->label != IAD_LABEL_NORMAL))
        return 0;
    if (row->label == IAD_LABEL_NORMAL) {
        snprintf(out->folder, sizeof out->folder, "%s/good",
                 part == IAD_PART_TRAIN ? "train"
                 : part == IAD_PART_VAL ? "validation"
                                        : "test");
    } else {
        safe_name(row->defect ? row->defect : "defect", defect, sizeof defect);
        snprintf(out->folder, sizeof out->folder, "test/%s%s", defect, strcmp(defect, "good") ? "" : "_");
    }
    safe_name(iad_path_base(row->path), out->name, sizeof out->name);
    return 1;
}

/* Two files that would get one mask name clash as well: stems count. */
static int same_place(const place *a, const place *b) {
    size_t n = strlen(a->name) - strlen(iad_path_ext(a->name)), m = strlen(b->name) - strlen(iad_path_ext(b->name));
    int order = strcmp(a->folder, b->folder);
    if (!order) order = strncmp(a->name, b->name, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static int by_place(const void *a, const void *b) {
    const place *x = a, *y = b;
    int order = same_place(x, y);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Pictures of different folders may share a name: then their whole path becomes the name ("a/b/0.png" -> "a_b_0.png"),
 * and a counter is added if even that was taken. */
static void part_names(place *places, size_t n, const iad_image_row *rows) {
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && same_place(&places[i], &places[end]) == 0) end++;
        for (size_t k = i; end - i > 1 && k < end; k++) {
            char name[480];
            safe_name(rows[places[k].row].path, name, sizeof name);
            snprintf(places[k].name, sizeof places[k].name, "%s", name);
        }
        i = end;
    }
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 1; i < n; i++) {
        if (same_place(&places[i - 1], &places[i]) != 0) continue;
        char name[480];
        snprintf(name, sizeof name, "%.470s", places[i].name);
        snprintf(places[i].name, sizeof places[i].name, "%zu_%s", i, name);
    }
}

static iad_status export_one(iad_export_state *state, const iad_image_row *row, const place *where, iad_err *err) {
    char category[256], relative[IAD_PATH_MAX], stem[512];
    int done, written;
    safe_name(state->category.name, category, sizeof category);
    snprintf(relative, sizeof relative, "%s/%s/%s", category, where->folder, where->name);
    IAD_TRY(iad_export_place(state, row, relative, &done, err));
    if (!done) return IAD_OK;
    state->counts->pictures++;
    if (row->label == IAD_LABEL_NORMAL) return IAD_OK;
    iad_path_stem(stem, sizeof stem, where->name);
    snprintf(relative, sizeof relative, "%s/ground_truth/%s/%s_mask.png", category, where->folder + strlen("test/"),
             stem);
    return iad_export_mask(state, row, relative, 0, &written, err);
}

iad_status iad_export_mvtec(iad_export_state *state, const iad_image_row *rows, size_t n, iad_err *err) {
    place *places = iad_calloc(n, sizeof *places);
    size_t count = 0;
    iad_status status = places ? IAD_OK : IAD_NOMEM(err, "places of pictures");
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        iad_part part;
        status = part_of(state, &rows[i], &part, err);
        if (status != IAD_OK) break;
        places[count].row = i;
        if (find_place(&rows[i], part, &places[count])) count++;
        else state->counts->skipped++;
    }
    if (status == IAD_OK) part_names(places, count, rows);
    for (size_t i = 0; status == IAD_OK && i < count; i++) {
        if (state->options->stop && *state->options->stop) status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
        else status = export_one(state, &rows[places[i].row], &places[i], err);
    }
    free(places);
    return status;
}
