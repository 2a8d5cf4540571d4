#include "runtime/serve/setstore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/engine/engine.h"
#include "runtime/program/program.h"

enum { MAX_SET_FILE = 256 << 20 };

/* ---- names ---- */

static iad_status path_of(const iad_setstore *store, const char *id, const char *extension, char *path, iad_err *err) {
    char name[40];
    snprintf(name, sizeof name, "%s%s", id, extension);
    return iad_path_join(path, IAD_PATH_MAX, store->dir, name, err);
}

static size_t index_of(const iad_setstore *store, const char *id) {
    size_t i = 0;
    while (i < store->n && strcmp(store->sets[i]->id, id) != 0) i++;
    return i;
}

static void destroy(iad_set *set) {
    iadgpt_exemplars_free(set->exemplars);
    iad_set_clear(set);
    free(set);
}

static iad_status append(iad_setstore *store, iad_set *set, iad_err *err) {
    IAD_TRY(iad_grow((void **)&store->sets, &store->cap, store->n + 1, sizeof *store->sets, IAD_STORE_MAX_SETS, "exemplar sets", err));
    store->sets[store->n++] = set;
    return IAD_OK;
}

/* ---- the folder ---- */

static iad_status write_set(const iad_setstore *store, const iad_set *set, iad_err *err) {
    char path[IAD_PATH_MAX];
    if (!store->dir) return IAD_OK;
    iad_buf text;
    iad_buf_init(&text, MAX_SET_FILE);
    iad_status status = path_of(store, set->id, ".json", path, err);
    if (status == IAD_OK) status = iad_set_write(set, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}

static iad_status read_exemplars(const iad_setstore *store, const iad_set *set, iadgpt_exemplars **exemplars, iad_err *err) {
    char path[IAD_PATH_MAX];
    iadgpt_error error;
    IAD_TRY(path_of(store, set->id, ".iadx", path, err));
    IAD_TRY(iad_from_public(iadgpt_exemplars_load(store->engine, path, exemplars, &error), &error, err));
    if (strcmp(iadgpt_exemplars_key(*exemplars), set->key) == 0) return IAD_OK;
    iadgpt_exemplars_free(*exemplars);
    *exemplars = NULL;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s holds other exemplars than %s.json says", path, set->id);
}

static iad_status read_set(iad_setstore *store, const char *path, iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0;
    iad_set *set = iad_calloc(1, sizeof *set);
    if (!set) return IAD_NOMEM(err, "a set");
    iad_status status = iad_file_read(path, MAX_SET_FILE, &text, &n, err);
    if (status == IAD_OK) status = iad_set_read((const char *)text, n, path, set, err);
    free(text);
    char stem[64];
    iad_path_stem(stem, sizeof stem, path);
    if (status == IAD_OK && strcmp(stem, set->id) != 0) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s is the file of set %s", path, set->id);
    iadgpt_exemplars *exemplars = NULL;
    if (status == IAD_OK) status = read_exemplars(store, set, &exemplars, err);
    if (status == IAD_OK) iadgpt_exemplars_describe(exemplars, &set->info);
    iadgpt_exemplars_free(exemplars); /* verified; the engine keeps as many as its memory for sets holds */
    if (status == IAD_OK) status = append(store, set, err);
    if (status != IAD_OK) destroy(set);
    return status;
}

static int by_age(const void *a, const void *b) {
    const iad_set *x = *(iad_set *const *)a, *y = *(iad_set *const *)b;
    return x->created != y->created ? (x->created > y->created) - (x->created < y->created) : strcmp(x->id, y->id);
}

static iad_status lock_folder(iad_setstore *store, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_dir_make(store->dir, err));
    IAD_TRY(iad_path_join(path, sizeof path, store->dir, ".lock", err));
    store->dir_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->dir_lock < 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: %m", path);
    if (flock(store->dir_lock, LOCK_EX | LOCK_NB) == 0) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_EXISTS, "%s is in use by another server", store->dir);
}

iad_status iad_setstore_open(iad_setstore *store, iadgpt_engine *engine, const char *dir, const iad_log *log, iad_err *err) {
    *store = (iad_setstore){.engine = engine, .dir = dir, .dir_lock = -1};
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->loading, NULL);
    if (!dir) return IAD_OK;
    iad_dir_list list = {0};
    IAD_TRY(lock_folder(store, err));
    iad_status status = iad_dir_read(dir, &list, err);
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        char path[IAD_PATH_MAX];
        iad_err problem = IAD_ERR_NONE;
        if (list.items[i].is_dir || strcmp(iad_path_ext(list.items[i].name), ".json") != 0) continue;
        status = iad_path_join(path, sizeof path, dir, list.items[i].name, err);
        if (status == IAD_OK && read_set(store, path, &problem) != IAD_OK) {
            if (strstr(problem.msg, path)) IAD_WARN(log, "%s; this set is not offered", problem.msg);
            else IAD_WARN(log, "%s: %s; this set is not offered", path, problem.msg);
        }
    }
    iad_dir_list_deinit(&list);
    if (store->n) qsort(store->sets, store->n, sizeof *store->sets, by_age);
    if (status == IAD_OK && store->n) IAD_INFO(log, "%zu exemplar sets of %s are verified", store->n, dir);
    return status;
}

void iad_setstore_close(iad_setstore *store) {
    for (size_t i = 0; i < store->n; i++) destroy(store->sets[i]);
    free(store->sets);
    if (store->dir_lock >= 0) close(store->dir_lock);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->loading);
}

/* ---- holding ---- */

iad_set *iad_setstore_hold(iad_setstore *store, const char *id) {
    pthread_mutex_lock(&store->lock);
    const size_t i = index_of(store, id);
    iad_set *set = i < store->n ? store->sets[i] : NULL;
    if (set) set->users++;
    pthread_mutex_unlock(&store->lock);
    return set;
}

void iad_setstore_release(iad_setstore *store, iad_set *set) {
    if (!set) return;
    iadgpt_exemplars *drop = NULL;
    pthread_mutex_lock(&store->lock);
    const int last = --set->users == 0, dead = last && set->deleted;
    if (last && !dead && store->dir) { /* the folder has it, and the engine as long as its memory for sets lasts */
        drop = set->exemplars;
        set->exemplars = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    iadgpt_exemplars_free(drop);
    if (dead) destroy(set);
}

iad_status iad_setstore_exemplars(iad_setstore *store, iad_set *set, const iadgpt_exemplars **exemplars, iad_err *err) {
    iad_status status = IAD_OK;
    pthread_mutex_lock(&store->loading); /* one reader: a second one that wants the same set finds it */
    pthread_mutex_lock(&store->lock);
    iadgpt_exemplars *found = set->exemplars;
    pthread_mutex_unlock(&store->lock);
    if (!found) {
        iad_hash key;
        status = iad_unhex(set->key, key.bytes, sizeof key.bytes, err);
        if (status == IAD_OK && (found = iad_shelf_find(&store->engine->shelf, &key)) == NULL) status = read_exemplars(store, set, &found, err);
        pthread_mutex_lock(&store->lock);
        set->exemplars = found;
        pthread_mutex_unlock(&store->lock);
    }
    pthread_mutex_unlock(&store->loading);
    *exemplars = found;
    return status;
}

/* ---- changing ---- */

iad_status iad_setstore_add(iad_setstore *store, iadgpt_exemplars *exemplars, const char *name, const char *category, iad_set **out, int *existed,
                            iad_err *err) {
    char path[IAD_PATH_MAX];
    iadgpt_error error;
    *out = NULL;
    *existed = 0;
    iad_set *set = iad_calloc(1, sizeof *set);
    if (!set) {
        iadgpt_exemplars_free(exemplars);
        return IAD_NOMEM(err, "a set");
    }
    *set = (iad_set){.name = iad_strdup(name), .category = iad_strdup(category), .created = (int64_t)time(NULL), .exemplars = exemplars, .users = 1,
                     .target_fpr = 0.05, .confidence = 0.95};
    iad_text_copy(set->key, sizeof set->key, iadgpt_exemplars_key(exemplars));
    iadgpt_exemplars_describe(exemplars, &set->info);
    iad_status status = set->name && set->category ? iad_set_make_id(set, err) : IAD_NOMEM(err, "a set");
    if (status == IAD_OK && (*out = iad_setstore_hold(store, set->id)) != NULL) {
        *existed = 1;
        destroy(set);
        return IAD_OK;
    }
    if (status == IAD_OK && store->dir) {
        status = path_of(store, set->id, ".iadx", path, err);
        if (status == IAD_OK) status = iad_from_public(iadgpt_exemplars_save(exemplars, path, &error), &error, err);
        if (status == IAD_OK) status = write_set(store, set, err); /* last: without it the other file counts for nothing */
    }
    if (status != IAD_OK) {
        destroy(set);
        return status;
    }
    pthread_mutex_lock(&store->lock);
    const size_t twin = index_of(store, set->id); /* the same request, twice at once */
    if (twin < store->n) {
        *existed = 1;
        *out = store->sets[twin];
        (*out)->users++;
    } else if ((status = append(store, set, err)) == IAD_OK) *out = set;
    pthread_mutex_unlock(&store->lock);
    if (*out != set) destroy(set);
    return status;
}

static int counted(const iad_set *set, const char *picture) {
    for (size_t i = 0; i < set->n_scores; i++)
        if (strcmp(set->scores[i].picture, picture) == 0) return 1;
    return 0;
}

iad_status iad_setstore_calibrate(iad_setstore *store, iad_set *set, const iad_set_score *scores, size_t n, double target_fpr, double confidence,
                                  iad_err *err) {
    pthread_mutex_lock(&store->lock);
    const size_t before = set->n_scores;
    const double old_fpr = set->target_fpr, old_confidence = set->confidence;
    iad_status status = iad_grow((void **)&set->scores, &set->cap_scores, before + n, sizeof *set->scores, IAD_SET_MAX_SCORES, "scores of a set",
                                 err);
    for (size_t i = 0; i < n && status == IAD_OK; i++)
        if (!counted(set, scores[i].picture)) set->scores[set->n_scores++] = scores[i];
    if (target_fpr > 0) {
        set->target_fpr = target_fpr;
        set->confidence = confidence;
    }
    if (status == IAD_OK && !set->deleted) status = write_set(store, set, err);
    if (status != IAD_OK) { /* memory says what the file says */
        set->n_scores = before;
        set->target_fpr = old_fpr;
        set->confidence = old_confidence;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

void iad_setstore_verdict(iad_setstore *store, const iad_set *set, int *has_threshold, double *threshold, int *has_range, float *lo, float *hi) {
    double reached;
    pthread_mutex_lock(&store->lock);
    if (iad_set_threshold(set, has_threshold, threshold, &reached, NULL) != IAD_OK) *has_threshold = 0;
    *has_range = iad_set_map_range(set, lo, hi);
    pthread_mutex_unlock(&store->lock);
}

iad_status iad_setstore_delete(iad_setstore *store, const char *id, iad_err *err) {
    char json[IAD_PATH_MAX], file[IAD_PATH_MAX];
    iad_status status = IAD_OK;
    pthread_mutex_lock(&store->lock);
    const size_t i = index_of(store, id);
    iad_set *set = i < store->n ? store->sets[i] : NULL;
    if (!set) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "there is no exemplar set \"%.40s\"", id);
    if (set && store->dir) {
        status = path_of(store, id, ".json", json, err);
        if (status == IAD_OK) status = path_of(store, id, ".iadx", file, err);
        if (status == IAD_OK && unlink(json) != 0 && errno != ENOENT) status = IAD_FAIL(err, IAD_ERR_IO, "%s cannot be deleted: %m", json);
        if (status == IAD_OK) (void)unlink(file); /* alone it counts for nothing */
    }
    if (set && status == IAD_OK) {
        memmove(store->sets + i, store->sets + i + 1, (store->n - i - 1) * sizeof *store->sets);
        store->n--;
        set->deleted = 1;
    }
    const int dead = set && status == IAD_OK && set->users == 0;
    pthread_mutex_unlock(&store->lock);
    if (dead) destroy(set);
    return status;
}

/* ---- showing ---- */

iad_status iad_setstore_json(iad_setstore *store, const iad_set *set, iad_buf *out, iad_err *err) {
    pthread_mutex_lock(&store->lock);
    iad_status status = iad_set_json(set, out, err);
    pthread_mutex_unlock(&store->lock);
    return status;
}

iad_status iad_setstore_list(iad_setstore *store, iad_buf *out, iad_err *err) {
    iad_status status = iad_buf_add_str(out, "{\"object\":\"list\",\"data\":[", err);
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->n && status == IAD_OK; i++) {
        if (i) status = iad_buf_add_str(out, ",\n", err);
        if (status == IAD_OK) status = iad_set_json(store->sets[i], out, err);
    }
    pthread_mutex_unlock(&store->lock);
    return status == IAD_OK ? iad_buf_add_str(out, "]}\n", err) : status;
}
