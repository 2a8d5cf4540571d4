/* Runs, captions, templates, recipes, exemplar sets, tasks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "manifests/merge_rows.h"

#define MAX_TASKS 1000000000u

static const iad_merge_kind row_kinds[] = {
    {"run", IAD_MAP_RUN, "SELECT id,tool,version,argv,config,seed,started,ended,status,counts FROM run ORDER BY id",
     ".........",
     "INSERT INTO run(tool,version,argv,config,seed,started,ended,status,counts) VALUES(?,?,?,?,?,?,?,?,?)",
     "SELECT id FROM run WHERE tool=? AND argv=? AND started=? AND seed=? AND counts IS ?", "acfei", -1},
    {"caption", -1, "SELECT id,image_id,aspect,lang,text,model,prompt_sha256,params,verified FROM caption ORDER BY id",
     "i.......",
     "INSERT INTO caption(image_id,aspect,lang,text,model,prompt_sha256,params,verified) VALUES(?,?,?,?,?,?,?,?)",
     "SELECT id FROM caption WHERE image_id=? AND aspect=? AND lang=? AND text=? AND model IS ?", "abcde", -1},
    {"template", IAD_MAP_TEMPLATE,
     "SELECT id,task,lang,text,answer_form,yes_means,canonical,version FROM template ORDER BY id", ".......",
     "INSERT INTO template(task,lang,text,answer_form,yes_means,canonical,version) VALUES(?,?,?,?,?,?,?)",
     "SELECT id,yes_means FROM template WHERE task=? AND text=?", "ac", 4},
    {"synth", IAD_MAP_SYNTH,
     "SELECT id,recipe_sha256,dst_image,src_image,tex_image,generator,generator_version,preset,params,seed,attempts,"
     "work_w,work_h,blend,opacity,kind,mask_geom,"
     "mask_vis,fg_mask,area_frac,delta_mean,delta_max,defect,label_conf,out_pixel_sha256,out_path,out_codec"
     " FROM synth ORDER BY id",
     ".iii...........mmm........",
     "INSERT INTO synth(recipe_sha256,dst_image,src_image,tex_image,generator,generator_version,preset,params,seed,"
     "attempts,work_w,work_h,blend,opacity,kind,"
     "mask_geom,mask_vis,fg_mask,area_frac,delta_mean,delta_max,defect,label_conf,out_pixel_sha256,out_path,out_codec)"
     " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
     "SELECT id,out_pixel_sha256 FROM synth WHERE recipe_sha256=?", "a", 23}};

static iad_status find_row(iad_merge_state *state, const iad_merge_kind *kind, iad_query *row, int64_t *id, iad_err *err) {
    static const char letters[] = IAD_MERGE_LETTERS;
    iad_query q;
    *id = 0;
    IAD_TRY(iad_query_open(&q, state->into, kind->table, kind->find, err));
    for (const char *p = kind->find_by; *p; p++) {
        int column = *p - 'a';
        const char *letter = kind->kinds[column] == '.' ? NULL : strchr(letters, kind->kinds[column]);
        if (letter)
            iad_query_i64(&q, iad_merge_map_get(state, (int)(letter - letters), iad_query_col_i64(row, column + 1)));
        else if (sqlite3_bind_value(q.stmt, q.next++, sqlite3_column_value(row->stmt, column + 1)) != SQLITE_OK)
            q.status = IAD_NOMEM(&q.err, "a row");
    }
    if (iad_query_next(&q)) {
        *id = iad_query_col_i64(&q, 0);
        if (kind->compare >= 0) {
            size_t n, m;
            const void *ours = iad_query_col_blob(&q, 1, &n), *theirs = iad_query_col_blob(row, kind->compare + 1, &m);
            char item[80];
            snprintf(item, sizeof item, "%.40s %lld", kind->table, (long long)*id);
            if (ours && theirs && (n != m || memcmp(ours, theirs, n) != 0))
                iad_merge_conflict(state, item, "%s differs", sqlite3_column_name(row->stmt, kind->compare + 1));
        }
    }
    return iad_query_close(&q, err);
}

iad_status iad_merge_table(iad_merge_state *state, const iad_merge_kind *kind, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->from, kind->table, kind->select, err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        int64_t id = 0;
        int whole = 1;
        status = find_row(state, kind, &q, &id, err);
        if (status == IAD_OK && id) state->counts->same++;
        else if (status == IAD_OK)
            status = iad_merge_copy(state, &q, 1, kind->kinds, kind->table, kind->insert, &id, &whole, err);
        if (status == IAD_OK && kind->map >= 0)
            status = iad_merge_map_add(state, kind->map, iad_query_col_i64(&q, 0), whole ? id : 0, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_status iad_merge_texts(iad_merge_state *state, iad_err *err) {
    for (size_t i = 0; i < sizeof row_kinds / sizeof *row_kinds; i++) IAD_TRY(iad_merge_table(state, &row_kinds[i], err));
    return IAD_OK;
}

/* ---- exemplar sets ---- */

/* Files of a set in order, as text. */
static iad_status set_text(iad_manifest *manifest, int64_t set_id, char **text, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "exemplar",
        "SELECT coalesce((SELECT group_concat(hex(sha256)) FROM (SELECT sha256 FROM exemplar WHERE set_id=?1"
        " ORDER BY rank)),'')||'/'||"
        "coalesce((SELECT group_concat(h) FROM (SELECT hex(i.sha256)||hex(e.sha256) AS h FROM exemplar_query e"
        " JOIN image i ON"
        " i.id=e.query_id WHERE e.set_id=?1 ORDER BY i.sha256,e.rank,h)),'')",
        err));
    iad_query_i64(&q, set_id);
    const char *found = iad_query_next(&q) ? iad_query_col_text(&q, 0) : NULL;
    *text = iad_strdup(found ? found : "");
    IAD_TRY(iad_query_close(&q, err));
    return *text ? IAD_OK : IAD_NOMEM(err, "exemplar sets");
}

static iad_status copy_members(iad_merge_state *state, int64_t set_id, iad_err *err) {
    static const struct {
        const char *table, *select, *kinds, *insert;
    } tables[] = {
        {"exemplar", "SELECT set_id,rank,image_id,sha256 FROM exemplar WHERE set_id=? ORDER BY rank", "e.i.",
         "INSERT INTO exemplar(set_id,rank,image_id,sha256) VALUES(?,?,?,?)"},
        {"exemplar_query",
         "SELECT set_id,query_id,rank,image_id,sha256 FROM exemplar_query WHERE set_id=? ORDER BY query_id,rank",
         "ei.i.", "INSERT INTO exemplar_query(set_id,query_id,rank,image_id,sha256) VALUES(?,?,?,?,?)"}};
    for (int t = 0; t < 2; t++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, state->from, tables[t].table, tables[t].select, err));
        iad_query_i64(&q, set_id);
        iad_status status = IAD_OK;
        while (status == IAD_OK && iad_query_next(&q)) {
            int64_t id;
            int whole;
            status = iad_merge_copy(state, &q, 0, tables[t].kinds, tables[t].table, tables[t].insert, &id, &whole, err);
        }
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status != IAD_OK || closed != IAD_OK) return status != IAD_OK ? status : closed;
    }
    return IAD_OK;
}

/* 1 when every picture of the set has a row here. */
static iad_status set_is_whole(iad_merge_state *state, int64_t set_id, int *whole, iad_err *err) {
    iad_query q;
    *whole = 1;
    IAD_TRY(iad_query_open(
        &q, state->from, "exemplar",
        "SELECT image_id FROM exemplar WHERE set_id=?1 UNION SELECT image_id FROM exemplar_query WHERE set_id=?1"
        " UNION SELECT query_id FROM"
        " exemplar_query WHERE set_id=?1",
        err));
    iad_query_i64(&q, set_id);
    while (*whole && iad_query_next(&q))
        *whole = iad_merge_map_get(state, IAD_MAP_IMAGE, iad_query_col_i64(&q, 0)) != 0;
    return iad_query_close(&q, err);
}

static iad_status merge_set(iad_merge_state *state, iad_query *row, iad_err *err) {
    int64_t theirs_id = iad_query_col_i64(row, 0), id = 0;
    int whole;
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, state->into, "exemplar_set",
        "SELECT id FROM exemplar_set WHERE category_id=? AND view=? AND scheme=? AND rule=? AND shots=? AND seed=?",
        err));
    iad_query_i64(&q, iad_merge_map_get(state, IAD_MAP_CATEGORY, iad_query_col_i64(row, 1)));
    for (int i = 2; i <= 6; i++)
        if (sqlite3_bind_value(q.stmt, q.next++, sqlite3_column_value(row->stmt, i)) != SQLITE_OK)
            q.status = IAD_NOMEM(&q.err, "a row");
    if (iad_query_next(&q)) id = iad_query_col_i64(&q, 0);
    IAD_TRY(iad_query_close(&q, err));
    if (id) {
        char *ours = NULL, *theirs = NULL, item[300];
        iad_status status = set_text(state->into, id, &ours, err);
        if (status == IAD_OK) status = set_text(state->from, theirs_id, &theirs, err);
        const char *rule = iad_query_col_text(row, 4);
        snprintf(item, sizeof item, "exemplar set %lld (%.200s)", (long long)id, rule ? rule : "");
        if (status == IAD_OK && strcmp(ours, theirs) != 0)
            iad_merge_conflict(state, item, "other pictures here than there");
        else if (status == IAD_OK) state->counts->same++;
        free(ours);
        free(theirs);
        return status;
    }
    IAD_TRY(set_is_whole(state, theirs_id, &whole, err));
    if (!whole) {
        state->counts->left_out++;
        return IAD_OK;
    }
    IAD_TRY(iad_merge_copy(
        state, row, 1, "c.......", "exemplar_set",
        "INSERT INTO exemplar_set(category_id,view,scheme,rule,shots,seed,nested,note) VALUES(?,?,?,?,?,?,?,?)", &id,
        &whole, err));
    IAD_TRY(iad_merge_map_add(state, IAD_MAP_SET, theirs_id, id, err));
    return copy_members(state, theirs_id, err);
}

iad_status iad_merge_sets(iad_merge_state *state, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, state->from, "exemplar_set",
        "SELECT id,category_id,view,scheme,rule,shots,seed,nested,note FROM exemplar_set ORDER BY id", err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = merge_set(state, &q, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- tasks ---- */

#define TASK_COLUMNS                                                                                                 \
    "t.dataset_id,t.category_id,t.stage,t.task,t.shots,t.template_id,t.seed,t.question,t.answer,t.turns,t.yes_means," \
    "t.query_pos,t.mask_id,t.anomaly_spans,t.normal_spans,t.boxes,t.weight,t.part,t.external_id,t.run_id"
static const char task_kinds[] = "dc...t......m......r";
enum { TASK_TASK = 4, TASK_ANSWER = 9, TASK_EXTERNAL = 19 }; /* columns behind the id */

typedef struct task_key {
    uint8_t digest[32];
    int64_t id;
} task_key;

/* What a task is: its texts and numbers (but not its run), and its pictures by their rows HERE. side 1: a row of
 * `from`. *whole = 0 when a picture has no row here. */
static iad_status task_digest(iad_merge_state *state, int side, iad_query *row, uint8_t digest[32], int *whole,
                              iad_err *err) {
    iad_sha256 hash;
    iad_query q;
    *whole = 1;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = IAD_OK;
    for (int i = 3; status == IAD_OK && i <= TASK_EXTERNAL; i++) {
        if (i == 6 || i == 13) continue; /* template, mask: rows, implied by the rest */
        size_t n = 0;
        const void *bytes = iad_query_col_blob(row, i, &n);
        uint8_t head[2] = {(uint8_t)i, (uint8_t)(bytes != NULL)};
        status = iad_sha256_add(&hash, head, 2, err);
        if (status == IAD_OK && bytes) status = iad_sha256_add(&hash, bytes, n, err);
        if (status == IAD_OK) status = iad_sha256_add(&hash, "", 1, err);
    }
    if (status == IAD_OK)
        status = iad_query_open(&q, side ? state->from : state->into, "task_image",
                                "SELECT image_id,synth_id,role FROM task_image WHERE task_id=? ORDER BY pos", err);
    if (status != IAD_OK) {
        iad_sha256_deinit(&hash);
        return status;
    }
    iad_query_i64(&q, iad_query_col_i64(row, 0));
    while (status == IAD_OK && iad_query_next(&q)) {
        int64_t ids[2] = {iad_query_col_i64(&q, 0), iad_query_col_i64(&q, 1)};
        if (side) {
            int had = ids[0] ? 0 : 1;
            ids[had] = iad_merge_map_get(state, had ? IAD_MAP_SYNTH : IAD_MAP_IMAGE, ids[had]);
            if (!ids[had]) *whole = 0;
        }
        status = iad_sha256_add(&hash, ids, sizeof ids, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = closed;
    return iad_sha256_end(&hash, status, digest, err);
}

static int by_digest(const void *a, const void *b) {
    return memcmp(((const task_key *)a)->digest, ((const task_key *)b)->digest, 32);
}

/* Digests of all tasks that are here already. */
static iad_status index_tasks(iad_merge_state *state, task_key **keys, size_t *n, iad_err *err) {
    size_t cap = 0;
    int whole;
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->into, "task", "SELECT t.id," TASK_COLUMNS " FROM task t ORDER BY t.id", err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        void *block = *keys;
        status = iad_grow(&block, &cap, *n + 1, sizeof **keys, MAX_TASKS, "tasks", err);
        if (status != IAD_OK) break;
        *keys = block;
        (*keys)[*n].id = iad_query_col_i64(&q, 0);
        status = task_digest(state, 0, &q, (*keys)[*n].digest, &whole, err);
        ++*n;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK && *n) qsort(*keys, *n, sizeof **keys, by_digest);
    return status != IAD_OK ? status : closed;
}

/* A task of the same data set, kind and external id that is not the same in content: 1 in *clash. */
static iad_status external_clash(iad_merge_state *state, iad_query *row, int *clash, iad_err *err) {
    *clash = 0;
    if (iad_query_col_null(row, TASK_EXTERNAL) || iad_query_col_null(row, 1)) return IAD_OK;
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->into, "task",
                           "SELECT id FROM task WHERE dataset_id=? AND task=? AND external_id=?", err));
    iad_query_i64(&q, iad_merge_map_get(state, IAD_MAP_DATASET, iad_query_col_i64(row, 1)));
    iad_query_text(&q, iad_query_col_text(row, TASK_TASK));
    iad_query_text(&q, iad_query_col_text(row, TASK_EXTERNAL));
    *clash = iad_query_next(&q);
    return iad_query_close(&q, err);
}

static iad_status copy_task_row(iad_merge_state *state, iad_query *row, iad_err *err) {
    int64_t id = 0, ignored;
    int whole, clash;
    IAD_TRY(external_clash(state, row, &clash, err));
    if (clash) {
        char item[300];
        snprintf(item, sizeof item, "task %.60s %.200s", iad_query_col_text(row, TASK_TASK),
                 iad_query_col_text(row, TASK_EXTERNAL));
        iad_merge_conflict(state, item, "another question, answer or pictures here than there");
        return IAD_OK;
    }
    IAD_TRY(iad_merge_copy(
        state, row, 1, task_kinds, "task",
        "INSERT INTO task(dataset_id,category_id,stage,task,shots,template_id,seed,question,answer,turns,yes_means,"
        "query_pos,mask_id,anomaly_spans,"
        "normal_spans,boxes,weight,part,external_id,run_id) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        &id, &whole, err));
    if (!whole) return IAD_OK;
    IAD_TRY(iad_merge_map_add(state, IAD_MAP_TASK, iad_query_col_i64(row, 0), id, err));
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, state->from, "task_image",
        "SELECT task_id,pos,image_id,synth_id,role,jitter FROM task_image WHERE task_id=? ORDER BY pos", err));
    iad_query_i64(&q, iad_query_col_i64(row, 0));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q))
        status = iad_merge_copy(state, &q, 0, "k.is..", "task_image",
                                "INSERT INTO task_image(task_id,pos,image_id,synth_id,role,jitter) VALUES(?,?,?,?,?,?)",
                                &ignored, &whole, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* Reads the row afresh: hashing looked at its numbers as text, and SQLite then hands out the converted values. */
static iad_status copy_task(iad_merge_state *state, int64_t task_id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->from, "task", "SELECT t.id," TASK_COLUMNS " FROM task t WHERE t.id=?", err));
    iad_query_i64(&q, task_id);
    iad_status status = iad_query_next(&q) ? copy_task_row(state, &q, err) : IAD_OK;
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_status iad_merge_tasks(iad_merge_state *state, iad_err *err) {
    task_key *keys = NULL, key;
    size_t n = 0;
    iad_query q;
    iad_status status = index_tasks(state, &keys, &n, err);
    if (status == IAD_OK)
        status = iad_query_open(&q, state->from, "task", "SELECT t.id," TASK_COLUMNS " FROM task t ORDER BY t.id", err);
    if (status == IAD_OK) {
        while (status == IAD_OK && iad_query_next(&q)) {
            int whole;
            status = task_digest(state, 1, &q, key.digest, &whole, err);
            if (status != IAD_OK) break;
            if (!whole) state->counts->left_out++;
            else if (n && bsearch(&key, keys, n, sizeof *keys, by_digest)) state->counts->same++;
            else status = copy_task(state, iad_query_col_i64(&q, 0), err);
        }
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status == IAD_OK) status = closed;
    }
    free(keys);
    return status;
}
