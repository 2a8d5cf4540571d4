/* What holders of exemplar sets need: look-up, text forms, release. */
#include "manifests/refs.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"

void iad_refs_deinit(iad_refs *refs) {
    free(refs->sets);
    iad_arena_deinit(&refs->arena);
    memset(refs, 0, sizeof *refs);
}

static int by_id(const void *key, const void *item) {
    int64_t a = *(const int64_t *)key, b = ((const iad_refs_query *)item)->query_id;
    return (a > b) - (a < b);
}

iad_status iad_refs_for(const iad_refs *refs, const iad_image_row *query, const iad_image_row **pictures, size_t *n,
                        iad_err *err) {
    const char *view = query->view ? query->view : "";
    for (size_t i = 0; i < refs->n; i++) {
        const iad_refs_set *set = &refs->sets[i];
        if (set->category_id != query->category_id || strcmp(set->view, view) != 0) continue;
        const iad_refs_query *own =
            set->n_queries ? bsearch(&query->id, set->queries, set->n_queries, sizeof *set->queries, by_id) : NULL;
        *pictures = set->pictures + (own ? own->first : 0);
        *n = own ? own->n : set->n_common;
        if (*n) return IAD_OK;
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: rule %s has no exemplar for it", query->path, set->rule);
    }
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no exemplar set for its category%s%s", query->path,
                    *view ? " and view " : "", view);
}

typedef iad_status (*line_fn)(const iad_refs_set *set, size_t rank, const char *query, const iad_image_row *picture,
                              iad_buf *out, iad_err *err);

static iad_status each_line(const iad_refs *refs, line_fn line, iad_buf *out, iad_err *err) {
    for (size_t s = 0; s < refs->n; s++) {
        const iad_refs_set *set = &refs->sets[s];
        for (size_t i = 0; i < set->n_common; i++) IAD_TRY(line(set, i, "", &set->pictures[i], out, err));
        for (size_t k = 0; k < set->n_queries; k++)
            for (size_t i = 0; i < set->queries[k].n; i++)
                IAD_TRY(line(set, i, set->queries[k].query_path, &set->pictures[set->queries[k].first + i], out, err));
    }
    return IAD_OK;
}

static iad_status json_text(iad_buf *out, const char *key, const char *value, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, "\"%s\":", key));
    IAD_TRY(iad_json_quote(value, out, err));
    return iad_buf_add_str(out, ",", err);
}

static iad_status json_line(const iad_refs_set *set, size_t rank, const char *query, const iad_image_row *picture,
                            iad_buf *out, iad_err *err) {
    char hex[IAD_SHA256_HEX];
    iad_hex(picture->sha256, 32, hex);
    IAD_TRY(iad_buf_add_str(out, "{", err));
    IAD_TRY(json_text(out, "dataset", set->dataset, err));
    IAD_TRY(json_text(out, "category", set->category, err));
    IAD_TRY(json_text(out, "view", set->view, err));
    IAD_TRY(json_text(out, "rule", set->rule, err));
    IAD_TRY(iad_buf_addf(out, err, "\"seed\":%llu,\"shots\":%d,\"rank\":%zu,", (unsigned long long)set->seed,
                         set->shots, rank));
    IAD_TRY(json_text(out, "query", query, err));
    IAD_TRY(json_text(out, "path", picture->path, err));
    return iad_buf_addf(out, err, "\"sha256\":\"%s\"}\n", hex);
}

/* TSV has no quoting: a tab or line break in a name would break the table. */
static iad_status cell(iad_buf *out, const char *text, iad_err *err) {
    if (strpbrk(text, "\t\r\n"))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "'%s' holds a tab or line break: use JSON", text);
    IAD_TRY(iad_buf_add_str(out, text, err));
    return iad_buf_add_str(out, "\t", err);
}

static iad_status tsv_line(const iad_refs_set *set, size_t rank, const char *query, const iad_image_row *picture,
                           iad_buf *out, iad_err *err) {
    char hex[IAD_SHA256_HEX];
    iad_hex(picture->sha256, 32, hex);
    IAD_TRY(cell(out, set->dataset, err));
    IAD_TRY(cell(out, set->category, err));
    IAD_TRY(cell(out, set->view, err));
    IAD_TRY(cell(out, set->rule, err));
    IAD_TRY(iad_buf_addf(out, err, "%llu\t%d\t%zu\t", (unsigned long long)set->seed, set->shots, rank));
    IAD_TRY(cell(out, query, err));
    IAD_TRY(cell(out, picture->path, err));
    return iad_buf_addf(out, err, "%s\n", hex);
}

iad_status iad_refs_json(const iad_refs *refs, iad_buf *out, iad_err *err) {
    return each_line(refs, json_line, out, err);
}

iad_status iad_refs_tsv(const iad_refs *refs, int header, iad_buf *out, iad_err *err) {
    if (header)
        IAD_TRY(iad_buf_add_str(out, "dataset\tcategory\tview\trule\tseed\tshots\trank\tquery\tpath\tsha256\n", err));
    return each_line(refs, tsv_line, out, err);
}
