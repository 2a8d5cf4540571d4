/* Data sets, categories, pictures, masks and what hangs on pictures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "manifests/merge_rows.h"
#include "manifests/pictures.h"
#include "manifests/records_image.h"

static int differ(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") != 0;
}

/* ---- data sets ---- */

/* The folder as this manifest would store it, even when it does not exist on this machine. */
static iad_status move_root(iad_merge_state *state, const char *stored, char *out, size_t size, iad_err *err) {
    char root[IAD_PATH_MAX];
    IAD_TRY(iad_manifest_root_unpack(state->from, stored, root, sizeof root, err));
    if (iad_manifest_root_pack(state->into, root, out, size, NULL) == IAD_OK) return IAD_OK;
    const char *dir = iad_manifest_dir(state->into);
    size_t n = strlen(dir);
    const char *packed = !strncmp(root, dir, n) && root[n] == '/' && iad_path_safe(root + n + 1) ? root + n + 1 : root;
    return iad_text_copy(out, size, packed) ? IAD_OK : IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: path too long", root);
}

static iad_status merge_dataset(iad_merge_state *state, const iad_dataset_row *theirs, iad_err *err) {
    iad_arena arena = {0};
    iad_dataset_row ours;
    int64_t id = 0;
    char root[IAD_PATH_MAX];
    iad_status status = iad_dataset_find(state->into, theirs->name, &id, err);
    if (status == IAD_OK && id) {
        status = iad_dataset_get(state->into, id, &arena, &ours, err);
        if (status == IAD_OK) {
            const struct {
                const char *name, *a, *b;
            } facts[] = {
                {"licence", ours.licence, theirs->licence}, {"version", ours.version, theirs->version},
                {"part", ours.part, theirs->part},          {"adapter", ours.adapter, theirs->adapter},
                {"origin", ours.origin, theirs->origin},    {"eval_overlap", ours.eval_overlap, theirs->eval_overlap}};
            for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
                if (differ(facts[i].a, facts[i].b))
                    iad_merge_conflict(state, theirs->name, "%s: '%s' here, '%s' there", facts[i].name,
                                       facts[i].a ? facts[i].a : "", facts[i].b ? facts[i].b : "");
            state->counts->same++;
        }
    } else if (status == IAD_OK) {
        iad_dataset_row fresh = *theirs;
        status = move_root(state, theirs->root, root, sizeof root, err);
        fresh.root = root;
        if (status == IAD_OK) status = iad_dataset_put(state->into, &fresh, &id, err);
        state->counts->added++;
    }
    iad_arena_deinit(&arena);
    return status == IAD_OK ? iad_merge_map_add(state, IAD_MAP_DATASET, theirs->id, id, err) : status;
}

static int by_dataset_id(const void *a, const void *b) {
    const iad_dataset_row *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

iad_status iad_merge_datasets(iad_merge_state *state, iad_err *err) {
    iad_dataset_list list = {0};
    iad_status status = iad_dataset_all(state->from, &list, err);
    if (status == IAD_OK && list.n) qsort(list.items, list.n, sizeof *list.items, by_dataset_id);
    for (size_t i = 0; status == IAD_OK && i < list.n; i++) status = merge_dataset(state, &list.items[i], err);
    iad_dataset_list_deinit(&list);
    return status;
}

/* ---- categories ---- */

static iad_status merge_category(iad_merge_state *state, const iad_category_row *theirs, iad_err *err) {
    iad_arena arena = {0};
    iad_category_row fresh = *theirs, ours;
    int64_t id = 0, before = 0;
    fresh.dataset_id = iad_merge_map_get(state, IAD_MAP_DATASET, theirs->dataset_id);
    iad_status status = iad_category_find(state->into, fresh.dataset_id, theirs->name, &before, err);
    if (status == IAD_OK) status = iad_category_put(state->into, &fresh, &id, err);
    if (status == IAD_OK) status = iad_category_get(state->into, id, &arena, &ours, err);
    if (status == IAD_OK) {
        before ? state->counts->same++ : state->counts->added++;
        if (theirs->kind && differ(ours.kind, theirs->kind))
            iad_merge_conflict(state, theirs->name, "kind: '%s' here, '%s' there", ours.kind, theirs->kind);
        if (theirs->aligned >= 0 && ours.aligned != theirs->aligned)
            iad_merge_conflict(state, theirs->name, "aligned: %d here, %d there", ours.aligned, theirs->aligned);
        status = iad_merge_map_add(state, IAD_MAP_CATEGORY, theirs->id, id, err);
    }
    iad_arena_deinit(&arena);
    return status;
}

static int by_category_id(const void *a, const void *b) {
    const iad_category_row *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

iad_status iad_merge_categories(iad_merge_state *state, iad_err *err) {
    iad_category_list list = {0};
    iad_status status = iad_category_all(state->from, 0, &list, err);
    if (status == IAD_OK && list.n) qsort(list.items, list.n, sizeof *list.items, by_category_id);
    for (size_t i = 0; status == IAD_OK && i < list.n; i++) status = merge_category(state, &list.items[i], err);
    iad_category_list_deinit(&list);
    return status;
}

/* ---- pictures ---- */

/* A picture here with the same file, whose path the other manifest does not know: it was renamed on one of the
 * machines. 0: none. */
static iad_status find_renamed(iad_merge_state *state, const iad_image_row *theirs, int64_t dataset, int64_t *id,
                               iad_err *err) {
    iad_query q;
    *id = 0;
    IAD_TRY(iad_query_open(&q, state->into, "image",
                           "SELECT id,path FROM image WHERE sha256=? AND dataset_id=? ORDER BY id", err));
    iad_query_blob(&q, theirs->sha256, 32);
    iad_query_i64(&q, dataset);
    iad_status status = IAD_OK;
    while (status == IAD_OK && !*id && iad_query_next(&q)) {
        int64_t there = 0;
        status = iad_image_find(state->from, theirs->dataset_id, iad_query_col_text(&q, 1), &there, err);
        if (!there) *id = iad_query_col_i64(&q, 0);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* Fills what is unknown here, reports what contradicts. */
static iad_status reconcile(iad_merge_state *state, const iad_image_row *theirs, int64_t id, iad_err *err) {
    iad_arena arena = {0};
    iad_image_row ours;
    iad_status status = iad_image_get(state->into, id, &arena, &ours, err);
    if (status == IAD_OK) {
        const struct {
            const char *name, **a, *b;
        } facts[] = {{"defect", &ours.defect, theirs->defect},
                     {"object_key", &ours.object_key, theirs->object_key},
                     {"view", &ours.view, theirs->view},
                     {"light", &ours.light, theirs->light},
                     {"source_url", &ours.source_url, theirs->source_url},
                     {"licence", &ours.licence, theirs->licence},
                     {"split", &ours.source_split, theirs->source_split}};
        int filled = 0;
        if (ours.label != theirs->label)
            iad_merge_conflict(state, ours.path, "label: %s here, %s there", iad_label_name(ours.label),
                               iad_label_name(theirs->label));
        if (ours.bad != theirs->bad)
            iad_merge_conflict(state, ours.path, "bad: %d here, %d there", ours.bad, theirs->bad);
        for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
            if (!facts[i].b || (*facts[i].a && !strcmp(*facts[i].a, facts[i].b))) continue;
            if (*facts[i].a) {
                iad_merge_conflict(state, ours.path, "%s: '%s' here, '%s' there", facts[i].name, *facts[i].a,
                                   facts[i].b);
            } else if (i > 0 || ours.label != IAD_LABEL_NORMAL) { /* a normal picture gets no defect from elsewhere */
                *facts[i].a = facts[i].b;
                filled = 1;
            }
        }
        if (filled) status = iad_image_put(state->into, &ours, &id, NULL, err);
    }
    iad_arena_deinit(&arena);
    return status;
}

static iad_status merge_image(iad_merge_state *state, const iad_image_row *theirs, const char *dataset_name,
                              iad_err *err) {
    int64_t dataset = iad_merge_map_get(state, IAD_MAP_DATASET, theirs->dataset_id), id = 0;
    char item[IAD_PATH_MAX + 256];
    IAD_TRY(iad_image_find(state->into, dataset, theirs->path, &id, err));
    if (id) {
        iad_arena arena = {0};
        iad_image_row ours;
        iad_status status = iad_image_get(state->into, id, &arena, &ours, err);
        int other_file = status == IAD_OK && memcmp(ours.sha256, theirs->sha256, 32) != 0;
        iad_arena_deinit(&arena);
        IAD_TRY(status);
        if (other_file) {
            snprintf(item, sizeof item, "%.200s/%s", dataset_name, theirs->path);
            iad_merge_conflict(state, item, "another file here than there");
            return iad_merge_map_add(state, IAD_MAP_IMAGE, theirs->id, 0, err);
        }
    } else {
        IAD_TRY(find_renamed(state, theirs, dataset, &id, err));
        state->counts->renamed += id != 0;
    }
    if (id) {
        state->counts->same++;
        state->counts->pictures_same++;
        IAD_TRY(reconcile(state, theirs, id, err));
    } else {
        iad_image_row fresh = *theirs;
        fresh.dataset_id = dataset;
        fresh.category_id = iad_merge_map_get(state, IAD_MAP_CATEGORY, theirs->category_id);
        fresh.dup_of = 0; /* linked when all pictures are there */
        IAD_TRY(iad_image_put(state->into, &fresh, &id, NULL, err));
        state->counts->added++;
        state->counts->pictures_added++;
    }
    return iad_merge_map_add(state, IAD_MAP_IMAGE, theirs->id, id, err);
}

static iad_status link_doubles(iad_merge_state *state, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->from, "image", "SELECT id,dup_of FROM image WHERE dup_of IS NOT NULL ORDER BY id",
                           err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        int64_t id = iad_merge_map_get(state, IAD_MAP_IMAGE, iad_query_col_i64(&q, 0)),
                of = iad_merge_map_get(state, IAD_MAP_IMAGE, iad_query_col_i64(&q, 1));
        if (!id || !of || id == of) continue;
        iad_query update;
        status = iad_query_open(&update, state->into, "image",
                                "UPDATE image SET dup_of=? WHERE id=? AND dup_of IS NULL", err);
        if (status != IAD_OK) break;
        iad_query_i64(&update, of);
        iad_query_i64(&update, id);
        status = iad_query_run(&update, "dup_of", err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_status iad_merge_images(iad_merge_state *state, iad_err *err) {
    iad_query q;
    iad_arena arena = {0};
    size_t seen = 0;
    IAD_TRY(iad_query_open(
        &q, state->from, "image",
        "SELECT " IAD_IMAGE_COLUMNS ",d.name FROM image i JOIN dataset d ON d.id=i.dataset_id ORDER BY i.id", err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        iad_image_row row;
        status = iad_image_read(&q, &arena, &row, err);
        const char *name = iad_query_col_text(&q, IAD_IMAGE_N_COLUMNS);
        if (status == IAD_OK) status = merge_image(state, &row, name ? name : "?", err);
        if (++seen % 1024 == 0) iad_arena_deinit(&arena); /* memory stays bounded */
    }
    iad_arena_deinit(&arena);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = closed;
    return status == IAD_OK ? link_doubles(state, err) : status;
}

/* ---- masks ---- */

iad_status iad_merge_masks(iad_merge_state *state, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, state->from, "mask",
        "SELECT id,sha256,width,height,png,value_map,area,n_components,boxes,quality FROM mask ORDER BY id", err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        int64_t id = 0;
        int whole;
        size_t n;
        iad_query find;
        status = iad_query_open(&find, state->into, "mask", "SELECT id FROM mask WHERE sha256=?", err);
        if (status != IAD_OK) break;
        const void *sha = iad_query_col_blob(&q, 1, &n);
        iad_query_blob(&find, sha, n);
        if (iad_query_next(&find)) id = iad_query_col_i64(&find, 0);
        status = iad_query_close(&find, err);
        if (status == IAD_OK && id) state->counts->same++;
        else if (status == IAD_OK)
            status = iad_merge_copy(
                state, &q, 1, ".........", "mask",
                "INSERT INTO mask(sha256,width,height,png,value_map,area,n_components,boxes,quality)"
                " VALUES(?,?,?,?,?,?,?,?,?)",
                &id, &whole, err);
        if (status == IAD_OK) status = iad_merge_map_add(state, IAD_MAP_MASK, iad_query_col_i64(&q, 0), id, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- what hangs on pictures: masks of a role, boxes, splits ---- */

/* The rows that belong together (one picture's masks of one role, one picture's boxes, one picture's part in a split)
 * as one text, to be compared as a whole. */
typedef struct group_kind {
    const char *table, *what;
    const char *groups;  /* there: SELECT DISTINCT image_id, key */
    const char *content; /* text of a group, for (image_id, key): hashes and numbers, no row ids */
    const char *rows;    /* there: the group's rows to copy */
    const char *kinds, *insert;
} group_kind;

static const group_kind group_kinds[] = {
    {"image_mask", "mask", "SELECT DISTINCT image_id,role FROM image_mask ORDER BY image_id,role",
     "SELECT group_concat(h) FROM (SELECT hex(m.sha256) AS h FROM image_mask x JOIN mask m ON m.id=x.mask_id"
     " WHERE x.image_id=?1 AND x.role=?2 ORDER BY 1)",
     "SELECT image_id,role,mask_id FROM image_mask WHERE image_id=?1 AND role=?2", "i.m",
     "INSERT INTO image_mask(image_id,role,mask_id) VALUES(?,?,?)"},
    {"image_box", "boxes", "SELECT DISTINCT image_id,'boxes' FROM image_box ORDER BY image_id",
     "SELECT group_concat(b,';') FROM (SELECT x0||','||y0||','||x1||','||y1||','||coalesce(name,'') AS b"
     " FROM image_box WHERE image_id=?1 AND ?2='boxes' ORDER BY pos)",
     "SELECT image_id,pos,x0,y0,x1,y1,name FROM image_box WHERE image_id=?1 AND ?2='boxes' ORDER BY pos", "i......",
     "INSERT INTO image_box(image_id,pos,x0,y0,x1,y1,name) VALUES(?,?,?,?,?,?,?)"},
    {"split", "split", "SELECT DISTINCT image_id,scheme FROM split ORDER BY image_id,scheme",
     "SELECT part FROM split WHERE image_id=?1 AND scheme=?2",
     "SELECT image_id,scheme,part FROM split WHERE image_id=?1 AND scheme=?2", "i..",
     "INSERT INTO split(image_id,scheme,part) VALUES(?,?,?)"}};

/* *text is a new string, "" for an empty group. */
static iad_status group_text(iad_manifest *manifest, const group_kind *kind, int64_t image, const char *key,
                             char **text, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, kind->table, kind->content, err));
    iad_query_i64(&q, image);
    iad_query_text(&q, key);
    const char *found = iad_query_next(&q) ? iad_query_col_text(&q, 0) : NULL;
    *text = iad_strdup(found ? found : "");
    IAD_TRY(iad_query_close(&q, err));
    return *text ? IAD_OK : IAD_NOMEM(err, "annotations");
}

static iad_status copy_group(iad_merge_state *state, const group_kind *kind, int64_t image, const char *key,
                             iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->from, kind->table, kind->rows, err));
    iad_query_i64(&q, image);
    iad_query_text(&q, key);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        int64_t id;
        int whole;
        status = iad_merge_copy(state, &q, 0, kind->kinds, kind->table, kind->insert, &id, &whole, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status merge_group(iad_merge_state *state, const group_kind *kind, int64_t image, const char *key,
                              iad_err *err) {
    int64_t here = iad_merge_map_get(state, IAD_MAP_IMAGE, image);
    char *ours = NULL, *theirs = NULL, item[IAD_PATH_MAX + 64];
    if (!here) {
        state->counts->left_out++;
        return IAD_OK;
    }
    iad_status status = group_text(state->into, kind, here, key, &ours, err);
    if (status == IAD_OK) status = group_text(state->from, kind, image, key, &theirs, err);
    if (status == IAD_OK && !*ours) {
        status = copy_group(state, kind, image, key, err);
    } else if (status == IAD_OK && !strcmp(ours, theirs)) {
        state->counts->same++;
    } else if (status == IAD_OK) {
        if (iad_image_path(state->into, here, item, sizeof item, NULL) != IAD_OK)
            snprintf(item, sizeof item, "picture %lld", (long long)here);
        iad_merge_conflict(state, item, "%s (%s) differ", kind->what, key);
    }
    free(ours);
    free(theirs);
    return status;
}

iad_status iad_merge_annotations(iad_merge_state *state, iad_err *err) {
    for (size_t i = 0; i < sizeof group_kinds / sizeof *group_kinds; i++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, state->from, group_kinds[i].table, group_kinds[i].groups, err));
        iad_status status = IAD_OK;
        while (status == IAD_OK && iad_query_next(&q)) {
            const char *key = iad_query_col_text(&q, 1);
            if (key) status = merge_group(state, &group_kinds[i], iad_query_col_i64(&q, 0), key, err);
        }
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status != IAD_OK || closed != IAD_OK) return status != IAD_OK ? status : closed;
    }
    return IAD_OK;
}
