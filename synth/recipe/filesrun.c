#include "synth/recipe/filesrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/encode.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "manifests/query.h"
#include "synth/recipe/picturestore.h"
#include "synth/recipe/wholefile.h"

enum { MAX_THREADS = 256, MAX_LIST = 1 << 30 };

/* One file to be: a recipe, or a good picture (synth_id 0). */
typedef struct file_item {
    int64_t image_id, synth_id;
    uint8_t key[32];
    char *relative; /* "gear/test/scar/001_ab12cd34" without its ending; owned */
    char *line;     /* rest of its line in the list; owned */
    int null_edit;
} file_item;

typedef struct files_state {
    const iad_files_run *run;
    iad_files_counts *counts;
    file_item *items;
    size_t n, cap;
    iad_picture_store *store;
    iad_manifest *manifests[MAX_THREADS];
    iad_picture_loader *loaders[MAX_THREADS];
    iad_buf list;
} files_state;

/* ---- what to write ---- */

/* The file's name without folders and ending; anything that is no letter, digit, '-', '_' or '.' becomes '_'. Folders of one category may hold files
 * of one name: the picture's number keeps them apart. */
static void stem_of(const char *path, int64_t id, char stem[160]) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    if (n > 100) n = 100;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        stem[i] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ? c : '_';
    }
    snprintf(stem + n, 160 - n, "-%lld", (long long)id);
}

static int named(const iad_strings *names, const char *name) {
    if (!names || names->n == 0) return 1;
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i], name) == 0) return 1;
    return 0;
}

static iad_status add_item(files_state *s, const file_item *item, const char *folder, const char *name, const char *line, iad_err *err) {
    char relative[600];
    snprintf(relative, sizeof relative, "%s/%s", folder, name);
    IAD_TRY(iad_grow((void **)&s->items, &s->cap, s->n + 1, sizeof *s->items, (size_t)1 << 31, "files", err));
    file_item *to = &s->items[s->n];
    *to = *item;
    to->relative = iad_strdup(relative);
    to->line = iad_strdup(line);
    s->n++;
    return to->relative && to->line ? IAD_OK : IAD_NOMEM(err, "a list of files");
}

/* Rows come ordered by destination: its good picture is added before its first recipe. */
static iad_status take_row(files_state *s, iad_query *q, int64_t *last_dst, int64_t *last_category, size_t *of_category, iad_err *err) {
    const char *dataset = iad_query_col_text(q, 5), *category = iad_query_col_text(q, 6), *generator = iad_query_col_text(q, 3),
               *path = iad_query_col_text(q, 4);
    char folder[400], name[220], stem[160], line[2000], hex[65], base[300];
    uint8_t dst_key[32];
    if (!named(s->run->categories, category)) return IAD_OK;
    if (iad_query_col_i64(q, 9) != *last_category) *of_category = 0;
    *last_category = iad_query_col_i64(q, 9);
    if (s->run->limit && *of_category >= s->run->limit) return IAD_OK;
    ++*of_category;
    int64_t dst = iad_query_col_i64(q, 1);
    file_item item = {.synth_id = iad_query_col_i64(q, 0), .null_edit = iad_query_col_i64(q, 8) != 0};
    if (!iad_query_col_bytes(q, 2, item.key, 32) || !iad_query_col_bytes(q, 7, dst_key, 32))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "synth %lld has no hash", (long long)item.synth_id);
    if (iad_query_col_i64(q, 10) > 1) snprintf(base, sizeof base, "%.120s-%.120s", dataset, category);
    else snprintf(base, sizeof base, "%.200s", category);
    stem_of(path, dst, stem);
    if (dst != *last_dst) {
        file_item good = {.image_id = dst};
        memcpy(good.key, dst_key, 32);
        snprintf(folder, sizeof folder, "%s/train/good", base);
        snprintf(line, sizeof line, "good\t%.400s\t%.200s\tnormal\t\t", path, category);
        IAD_TRY(add_item(s, &good, folder, stem, line, err));
        *last_dst = dst;
    }
    iad_hex(item.key, 32, hex);
    snprintf(folder, sizeof folder, "%s/test/%s", base, item.null_edit ? "good" : generator);
    snprintf(name, sizeof name, "%s_%.8s", stem, hex);
    if (item.null_edit) snprintf(line, sizeof line, "%s\t%.400s\t%.200s\tnormal\t\t%s", generator, path, category, hex);
    else
        snprintf(line, sizeof line, "%.40s\t%.400s\t%.200s\tanomalous\t%s/ground_truth/%s/%s_mask.png\t%s", generator, path, category, base,
                 generator, name, hex);
    return add_item(s, &item, folder, name, line, err);
}

static iad_status take_all(files_state *s, iad_err *err) {
    static const char sql[] =
        "SELECT "
        "s.id,s.dst_image,s.recipe_sha256,s.generator,i.path,d.name,coalesce(c.name,'none'),i.pixel_sha256,s.kind='null_edit',coalesce(c.id,0),"
        "(SELECT count(*) FROM category x WHERE x.name=c.name) FROM synth s JOIN image i ON i.id=s.dst_image JOIN dataset d ON d.id=i.dataset_id"
        " LEFT JOIN category c ON c.id=i.category_id WHERE (?1 IS NULL OR s.preset=?1) ORDER BY d.name,c.name,i.path,s.recipe_sha256";
    iad_query q;
    int64_t last_dst = 0, last_category = -1;
    size_t of_category = 0;
    IAD_TRY(iad_query_open(&q, s->run->manifest, "synth", sql, err));
    iad_query_text(&q, s->run->preset);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = take_row(s, &q, &last_dst, &last_category, &of_category, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = closed;
    if (status == IAD_OK && s->n == 0) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no such recipes: iad-synth anomalies draws them");
    return status;
}

/* ---- writing ---- */

static iad_status path_of(const files_state *s, const char *relative, const char *ending, char out[IAD_PATH_MAX], iad_err *err) {
    int n = snprintf(out, IAD_PATH_MAX, "%s/%s%s", s->run->out, relative, ending);
    return n > 0 && n < IAD_PATH_MAX ? IAD_OK : IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the path is too long", relative);
}

static iad_status write_file(const char *path, const iad_buf *bytes, iad_err *err) {
    char folder[IAD_PATH_MAX];
    iad_text_copy(folder, sizeof folder, path);
    *strrchr(folder, '/') = 0;
    IAD_TRY(iad_dir_make(folder, err));
    return iad_file_write_soon(path, bytes->data, bytes->len, err);
}

static int has_mask(const file_item *item) { return item->synth_id && !item->null_edit; }

/* Beside the folder test of the item lies one ground_truth. */
static iad_status mask_path(const files_state *s, const file_item *item, char path[IAD_PATH_MAX], iad_err *err) {
    char whole[700];
    const char *test = strstr(item->relative, "/test/");
    int n = test ? (int)(test - item->relative) : 0;
    snprintf(whole, sizeof whole, "%.*s/ground_truth/%s", n, item->relative, test ? test + 6 : "");
    return path_of(s, whole, "_mask.png", path, err);
}

static int mask_there(const files_state *s, const file_item *item) {
    char path[IAD_PATH_MAX];
    return !has_mask(item) || (mask_path(s, item, path, NULL) == IAD_OK && iad_picture_file_whole(path, NULL, NULL));
}

static iad_status write_mask(const files_state *s, const file_item *item, const iad_image *mask, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(mask_path(s, item, path, err));
    iad_buf bytes;
    iad_buf_init(&bytes, IAD_IMAGE_MAX_FILE_BYTES);
    iad_status status = iad_encode_png1(mask, &bytes, err);
    if (status == IAD_OK) status = write_file(path, &bytes, err);
    iad_buf_deinit(&bytes);
    return status;
}

/* The quality of one file comes from its key alone, whatever it shows. */
static iad_status encode(const files_state *s, const file_item *item, const iad_image *picture, iad_buf *bytes, iad_err *err) {
    static const int qualities[] = {85, 90, 95};
    char hex[65];
    iad_rng rng;
    if (s->run->png) return iad_encode_png(picture, -1, bytes, err);
    iad_hex(item->key, 32, hex);
    iad_rng_init(&rng, iad_rng_subseed(s->run->seed, hex, 0), 0);
    iad_jpeg_options options = {.quality = qualities[iad_rng_below(&rng, 3)]};
    options.subsample = (int)iad_rng_below(&rng, 2);
    return iad_encode_jpeg(picture, &options, bytes, err);
}

static iad_status work(void *user, size_t number, int thread, void *result, iad_err *err) {
    files_state *s = user;
    const file_item *item = &s->items[number];
    char path[IAD_PATH_MAX];
    IAD_TRY(path_of(s, item->relative, s->run->png ? ".png" : ".jpg", path, err));
    if (iad_picture_file_whole(path, NULL, NULL) && mask_there(s, item)) {
        *(int *)result = 1;
        return IAD_OK;
    }
    iad_loaded loaded;
    iad_buf bytes;
    IAD_TRY(iad_picture_load(s->loaders[thread], item->image_id, item->synth_id, NULL, &loaded, err));
    iad_buf_init(&bytes, IAD_IMAGE_MAX_FILE_BYTES);
    iad_status status = encode(s, item, &loaded.picture, &bytes, err);
    if (status == IAD_OK && has_mask(item)) status = write_mask(s, item, &loaded.mask, err);
    if (status == IAD_OK) status = write_file(path, &bytes, err);
    iad_buf_deinit(&bytes);
    iad_loaded_deinit(&loaded);
    return status;
}

static iad_status emit(void *user, size_t number, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    files_state *s = user;
    const file_item *item = &s->items[number];
    if (status == IAD_ERR_IO || status == IAD_ERR_NOMEM) {
        if (err) *err = *item_err;
        return status;
    }
    s->counts->pictures++;
    s->counts->good += item->synth_id == 0;
    if (status != IAD_OK) {
        s->counts->failed++;
        if (s->run->trouble) s->run->trouble(s->run->user, item_err->msg);
        return IAD_OK;
    }
    *(*(int *)result ? &s->counts->present : &s->counts->written) += 1;
    IAD_TRY(iad_buf_addf(&s->list, err, "%s%s\t%s\n", item->relative, s->run->png ? ".png" : ".jpg", item->line));
    if (s->run->progress) s->run->progress(s->run->user, number + 1, s->n);
    return IAD_OK;
}

static iad_status open_workers(files_state *s, iad_err *err) {
    IAD_TRY(iad_picture_store_new((size_t)512 << 20, s->run->max_side, &s->store, err));
    for (int t = 0; t < s->run->threads; t++) {
        IAD_TRY(iad_manifest_open(iad_manifest_path(s->run->manifest), IAD_MANIFEST_READ, &s->manifests[t], err));
        IAD_TRY(iad_picture_loader_new(s->store, s->manifests[t], &s->loaders[t], err));
    }
    return IAD_OK;
}

static void close_all(files_state *s) {
    for (int t = 0; t < MAX_THREADS; t++) {
        iad_picture_loader_free(s->loaders[t]);
        iad_manifest_close(s->manifests[t]);
    }
    iad_picture_store_free(s->store);
    for (size_t i = 0; i < s->n; i++) {
        free(s->items[i].relative);
        free(s->items[i].line);
    }
    free(s->items);
    iad_buf_deinit(&s->list);
    free(s);
}

iad_status iad_files_run_all(const iad_files_run *run, iad_files_counts *counts, iad_err *err) {
    *counts = (iad_files_counts){0};
    if (run->threads < 1 || run->threads > MAX_THREADS) return IAD_FAIL(err, IAD_ERR_ARG, "%d threads", run->threads);
    files_state *s = iad_calloc(1, sizeof *s);
    if (!s) return IAD_NOMEM(err, "a run");
    s->run = run;
    s->counts = counts;
    iad_buf_init(&s->list, MAX_LIST);
    iad_status status = iad_dir_make(run->out, err);
    if (status == IAD_OK) status = take_all(s, err);
    if (status == IAD_OK) status = open_workers(s, err);
    if (status == IAD_OK) status = iad_buf_add_str(&s->list, "path\tkind\toriginal\tcategory\tlabel\tmask\trecipe\n", err);
    const iad_pool_job job = {.work = work, .emit = emit, .user = s, .result_size = sizeof(int)};
    if (status == IAD_OK) status = iad_pool_run(&job, s->n, run->threads, 0, run->stop, err);
    char path[IAD_PATH_MAX];
    if (status == IAD_OK) status = path_of(s, "list", ".tsv", path, err);
    if (status == IAD_OK) status = iad_dir_flush(run->out, err);
    if (status == IAD_OK) status = iad_file_write(path, s->list.data, s->list.len, err);
    close_all(s);
    return status;
}
