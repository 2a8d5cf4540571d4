#include "manifests/merge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/textargs.h"
#include "manifests/merge_rows.h"

#define MAX_ROWS 1000000000u

iad_status iad_merge_map_add(iad_merge_state *state, int map, int64_t from, int64_t to, iad_err *err) {
    iad_id_map *m = &state->maps[map];
    void *block = m->pairs;
    IAD_TRY(iad_grow(&block, &m->cap, m->n + 1, sizeof *m->pairs, MAX_ROWS, "row ids", err));
    m->pairs = block;
    m->pairs[m->n].from = from;
    m->pairs[m->n++].to = to;
    return IAD_OK;
}

int64_t iad_merge_map_get(const iad_merge_state *state, int map, int64_t from) {
    const iad_id_map *m = &state->maps[map];
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->pairs[mid].from < from) lo = mid + 1;
        else hi = mid;
    }
    return lo < m->n && m->pairs[lo].from == from ? m->pairs[lo].to : 0;
}

void iad_merge_conflict(iad_merge_state *state, const char *item, const char *fmt, ...) {
    char text[1024];
    IAD_TEXT_OF_ARGS(text, fmt);
    state->counts->conflicts++;
    if (state->options->conflict) state->options->conflict(state->options->user, item, text);
}

iad_status iad_merge_copy(iad_merge_state *state, iad_query *row, int first, const char *kinds, const char *table,
                          const char *insert, int64_t *id, int *whole, iad_err *err) {
    static const char letters[] = IAD_MERGE_LETTERS;
    iad_query q;
    *id = 0;
    *whole = 1;
    IAD_TRY(iad_query_open(&q, state->into, table, insert, err));
    for (int i = 0; kinds[i] && *whole; i++) {
        const char *letter = strchr(letters, kinds[i]);
        if (kinds[i] == '.' || !letter || iad_query_col_null(row, first + i)) {
            if (sqlite3_bind_value(q.stmt, q.next++, sqlite3_column_value(row->stmt, first + i)) != SQLITE_OK &&
                q.status == IAD_OK)
                q.status =
                    iad_query_fail(iad_manifest_sqlite(state->into), iad_manifest_path(state->into), table, &q.err);
        } else {
            int64_t mapped = iad_merge_map_get(state, (int)(letter - letters), iad_query_col_i64(row, first + i));
            iad_query_i64(&q, mapped);
            *whole = mapped != 0;
        }
    }
    if (!*whole) {
        state->counts->left_out++;
        return iad_query_close(&q, err);
    }
    IAD_TRY(iad_query_run(&q, NULL, err));
    *id = iad_query_last_id(state->into);
    state->counts->added++;
    return IAD_OK;
}

static int same_file(const iad_manifest *a, const iad_manifest *b) {
    struct stat x, y;
    return stat(iad_manifest_path(a), &x) == 0 && stat(iad_manifest_path(b), &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static iad_status merge_all(iad_merge_state *state, iad_err *err) {
    static iad_status (*const steps[])(iad_merge_state *, iad_err *) = {
        iad_merge_datasets,    iad_merge_categories, iad_merge_images, iad_merge_masks,
        iad_merge_annotations, iad_merge_texts,      iad_merge_sets,   iad_merge_tasks,
        iad_merge_crawl,       iad_merge_annotate};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (state->options->stop && *state->options->stop)
            return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted, nothing was merged");
        IAD_TRY(steps[i](state, err));
    }
    return IAD_OK;
}

iad_status iad_merge_run(iad_manifest *into, iad_manifest *from, const iad_merge_options *options,
                         iad_merge_counts *counts, iad_err *err) {
    iad_merge_state state = {.into = into, .from = from, .options = options, .counts = counts};
    memset(counts, 0, sizeof *counts);
    if (into == from || same_file(into, from))
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: cannot be merged into itself", iad_manifest_path(into));
    IAD_TRY(iad_manifest_begin(into, err));
    iad_status status = merge_all(&state, err);
    if (status == IAD_OK) status = iad_manifest_commit(into, err);
    else iad_manifest_rollback(into);
    for (int i = 0; i < IAD_N_MAPS; i++) free(state.maps[i].pairs);
    return status;
}
