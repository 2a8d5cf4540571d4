#include "synth/task/taskpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/decode.h"
#include "base/pool.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define MAX_GROUPS 1000000u
#define BATCH 256                           /* masks decoded together */
#define MAX_BATCH_BYTES (32u * 1024u * 1024u) /* of their PNGs */

/* ---- strings: views, lights, defects repeat all the time ---- */

/* The same text as last time costs no memory. */
static iad_status keep(iad_arena *arena, const char *text, const char *last, const char **kept, iad_err *err) {
    *kept = NULL;
    if (!text) return IAD_OK;
    if (last && strcmp(last, text) == 0) {
        *kept = last;
        return IAD_OK;
    }
    *kept = iad_arena_str(arena, text);
    return *kept ? IAD_OK : IAD_NOMEM(err, "a category's pictures");
}

static iad_status new_item(iad_task_pool *pool, iad_pool_item **item, iad_err *err) {
    void *block = pool->items;
    IAD_TRY(iad_grow(&block, &pool->cap, pool->n + 1, sizeof *pool->items, IAD_TASK_POOL_MAX, "pictures of one category", err));
    pool->items = block;
    *item = &pool->items[pool->n];
    memset(*item, 0, sizeof **item);
    return IAD_OK;
}

/* ---- the category ---- */

static iad_status load_category(iad_manifest *manifest, iad_task_pool *pool, iad_err *err) {
    iad_category_row category;
    iad_dataset_row dataset;
    IAD_TRY(iad_category_get(manifest, pool->category_id, &pool->arena, &category, err));
    IAD_TRY(iad_dataset_get(manifest, category.dataset_id, &pool->arena, &dataset, err));
    pool->dataset_id = category.dataset_id;
    pool->dataset = dataset.name;
    pool->category = category.name;
    pool->display = category.display ? category.display : category.name;
    pool->kind = category.kind;
    pool->knowledge = category.description && *category.description ? category.description : NULL;
    pool->eval = dataset.eval_overlap && *dataset.eval_overlap;
    return IAD_OK;
}

/* ---- real pictures ---- */

/* Columns: id, pixel hash, file hash, width, height, anomalous, test, exemplar_ok, object, view, light, defect. */
static iad_status take_real(iad_task_pool *pool, iad_query *q, const iad_task_pool_options *options, iad_err *err) {
    int anomalous = iad_query_col_i64(q, 5) != 0;
    if (anomalous && !options->real) return IAD_OK;
    const iad_pool_item *last = pool->n ? &pool->items[pool->n - 1] : NULL;
    const char *last_object = last ? last->object_key : NULL, *last_view = last ? last->view : NULL;
    const char *last_light = last ? last->light : NULL, *last_defect = last ? last->defect : NULL;
    iad_pool_item *item;
    IAD_TRY(new_item(pool, &item, err));
    item->image_id = item->original = iad_query_col_i64(q, 0);
    if (!iad_query_col_bytes(q, 1, item->key, sizeof item->key) && !iad_query_col_bytes(q, 2, item->key, sizeof item->key))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "picture %lld has no hash", (long long)item->image_id);
    item->width = (int)iad_query_col_i64(q, 3);
    item->height = (int)iad_query_col_i64(q, 4);
    item->anomalous = anomalous;
    item->test = !options->eval && iad_query_col_i64(q, 6);
    item->exemplar_ok = !anomalous && iad_query_col_i64(q, 7);
    item->delta_mean = -1;
    item->label_conf = 1;
    IAD_TRY(keep(&pool->arena, iad_query_col_text(q, 8), last_object, &item->object_key, err));
    IAD_TRY(keep(&pool->arena, iad_query_col_text(q, 9), last_view, &item->view, err));
    IAD_TRY(keep(&pool->arena, iad_query_col_text(q, 10), last_light, &item->light, err));
    IAD_TRY(keep(&pool->arena, iad_query_col_text(q, 11), last_defect, &item->defect, err));
    pool->n++;
    return IAD_OK;
}

/* A picture of the source's own test part stays one under any other scheme: what is measured with it must never have been shown. */
static iad_status load_real(iad_manifest *manifest, const iad_task_pool_options *options, iad_task_pool *pool, iad_err *err) {
    static const char plain[] =
        "SELECT i.id,i.pixel_sha256,i.sha256,i.width,i.height,i.label='anomalous',i.part='test',i.exemplar_ok,i.object_key,i.view,i.light,i.defect"
        " FROM image i WHERE i.category_id=? AND i.bad=0 AND i.dup_of IS NULL AND i.label<>'unknown' ORDER BY i.path";
    static const char named[] =
        "SELECT i.id,i.pixel_sha256,i.sha256,i.width,i.height,i.label='anomalous',i.part='test' OR "
        "s.part='test',i.exemplar_ok,i.object_key,i.view,i.light,i.defect"
        " FROM image i JOIN split s ON s.image_id=i.id AND s.scheme=? WHERE i.category_id=? AND i.bad=0 AND i.dup_of IS NULL AND i.label<>'unknown'"
        " ORDER BY i.path";
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", options->scheme ? named : plain, err));
    if (options->scheme) iad_query_text(&q, options->scheme);
    iad_query_i64(&q, pool->category_id);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = take_real(pool, &q, options, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    pool->n_real = pool->n;
    return status != IAD_OK ? status : closed;
}

/* ---- by image id ---- */

static int compare_image(const void *a, const void *b, void *user) {
    const iad_pool_item *items = user;
    int64_t x = items[*(const uint32_t *)a].image_id, y = items[*(const uint32_t *)b].image_id;
    return (x > y) - (x < y);
}

static iad_status index_images(iad_task_pool *pool, iad_err *err) {
    pool->by_image = iad_alloc(pool->n_real, sizeof *pool->by_image);
    if (!pool->by_image) return IAD_NOMEM(err, "a category's pictures");
    for (size_t i = 0; i < pool->n_real; i++) pool->by_image[i] = (uint32_t)i;
    qsort_r(pool->by_image, pool->n_real, sizeof *pool->by_image, compare_image, pool->items);
    return IAD_OK;
}

static iad_pool_item *find_image(const iad_task_pool *pool, int64_t image_id) {
    size_t lo = 0, hi = pool->n_real;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (pool->items[pool->by_image[mid]].image_id < image_id) lo = mid + 1;
        else hi = mid;
    }
    if (lo == pool->n_real || pool->items[pool->by_image[lo]].image_id != image_id) return NULL;
    return &pool->items[pool->by_image[lo]];
}

const iad_pool_item *iad_task_pool_image(const iad_task_pool *pool, int64_t image_id) {
    return find_image(pool, image_id);
}

/* ---- recipes ---- */

/* Columns: id, recipe hash, destination, work size, null edit, mask, delta, defect or generator, confidence, a further picture is of a test part. */
static iad_status take_recipe(iad_task_pool *pool, iad_query *q, const iad_task_pool_options *options, iad_err *err) {
    const iad_pool_item *original = find_image(pool, iad_query_col_i64(q, 2));
    if (!original) return IAD_OK; /* its picture is bad, a double, unlabelled or not in the scheme */
    iad_pool_item from = *original;
    const char *last_defect = pool->n > pool->n_real ? pool->items[pool->n - 1].defect : NULL;
    iad_pool_item *item;
    IAD_TRY(new_item(pool, &item, err));
    item->synth_id = iad_query_col_i64(q, 0);
    item->original = from.image_id;
    if (!iad_query_col_bytes(q, 1, item->key, sizeof item->key))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe %lld has no hash", (long long)item->synth_id);
    item->width = (int)iad_query_col_i64(q, 3);
    item->height = (int)iad_query_col_i64(q, 4);
    if (item->width < 1 || item->height < 1) {
        item->width = from.width;
        item->height = from.height;
    }
    item->anomalous = !iad_query_col_i64(q, 5);
    item->test = from.test || (!options->eval && iad_query_col_i64(q, 10));
    item->exemplar_ok = !item->anomalous && from.exemplar_ok;
    item->object_key = from.object_key;
    item->view = from.view;
    item->light = from.light;
    if (item->anomalous) item->mask_id = iad_query_col_i64(q, 6);
    item->delta_mean = iad_query_col_f64(q, 7);
    item->label_conf = iad_query_col_f64(q, 9);
    if (item->anomalous) IAD_TRY(keep(&pool->arena, iad_query_col_text(q, 8), last_defect, &item->defect, err));
    pool->n++;
    return IAD_OK;
}

static iad_status load_recipes(iad_manifest *manifest, const iad_task_pool_options *options, iad_task_pool *pool, iad_err *err) {
    static const char sql[] =
        "SELECT "
        "y.id,y.recipe_sha256,y.dst_image,y.work_w,y.work_h,y.kind='null_edit',y.mask_vis,y.delta_mean,coalesce(y.defect,y.generator),y.label_conf,"
        "coalesce(a.part='test',0) OR coalesce(b.part='test',0) FROM image i JOIN synth y ON y.dst_image=i.id LEFT JOIN image a ON a.id=y.src_image"
        " LEFT JOIN image b ON b.id=y.tex_image WHERE i.category_id=? AND (?2 IS NULL OR y.preset=?2)"
        " AND (y.kind='null_edit' OR (coalesce(y.area_frac,0)>=?3 AND coalesce(y.delta_mean,0)>=?4)) ORDER BY y.recipe_sha256";
    if (!options->synthetic) return IAD_OK;
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "synth", sql, err));
    iad_query_i64(&q, pool->category_id);
    iad_query_text(&q, options->preset);
    iad_query_f64(&q, options->min_area);
    iad_query_f64(&q, options->min_change);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = take_recipe(pool, &q, options, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- masks ---- */

static iad_status load_mask_ids(iad_manifest *manifest, iad_task_pool *pool, iad_err *err) {
    static const char sql[] = "SELECT x.image_id,x.mask_id FROM image i JOIN image_mask x ON x.image_id=i.id AND x.role='gt' WHERE i.category_id=?"
                              " ORDER BY x.image_id,x.mask_id";
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image_mask", sql, err));
    iad_query_i64(&q, pool->category_id);
    while (iad_query_next(&q)) {
        iad_pool_item *item = find_image(pool, iad_query_col_i64(&q, 0));
        if (!item || !item->anomalous) continue;
        if (item->mask_id) item->several_masks = 1;
        else item->mask_id = iad_query_col_i64(&q, 1);
    }
    return iad_query_close(&q, err);
}

/* A mask that waits for being decoded. */
typedef struct mask_job {
    iad_pool_item *item;
    uint8_t *png; /* owned */
    size_t bytes;
    iad_status status;
    iad_err err;
} mask_job;

typedef struct mask_batch {
    mask_job jobs[BATCH];
    size_t n, bytes;
} mask_batch;

static iad_status check_size(const iad_pool_item *item, int width, int height, iad_err *err) {
    if (width == item->width && height == item->height) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "mask %lld is %dx%d, its %s %lld is %dx%d", (long long)item->mask_id, width, height,
                    item->synth_id ? "recipe" : "picture", (long long)(item->synth_id ? item->synth_id : item->image_id), item->width, item->height);
}

static void decode_job(void *user, size_t i, int thread) {
    mask_job *job = &((mask_batch *)user)->jobs[i];
    iad_image mask = {0};
    iad_decode_options options = {.channels = 1, .raw_values = 1};
    (void)thread;
    job->status = iad_image_decode(job->png, job->bytes, NULL, &options, &mask, NULL, &job->err);
    if (job->status != IAD_OK) job->status = iad_err_prefix(&job->err, "mask %lld", (long long)job->item->mask_id);
    if (job->status == IAD_OK) job->status = check_size(job->item, mask.width, mask.height, &job->err);
    if (job->status == IAD_OK) job->status = iad_regions_of_mask(&mask, &job->item->regions, &job->err);
    iad_image_deinit(&mask);
}

static iad_status flush(mask_batch *batch, int threads, iad_err *err) {
    iad_parallel_for(batch->n, threads, decode_job, batch);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < batch->n; i++) {
        if (status == IAD_OK && batch->jobs[i].status != IAD_OK) {
            status = batch->jobs[i].status;
            if (err) *err = batch->jobs[i].err;
        }
        free(batch->jobs[i].png);
    }
    batch->n = batch->bytes = 0;
    return status;
}

/* Number of the third that [a, b) lies in with all its pixels, -1 when it reaches over a border. */
static int third_of(int64_t a, int64_t b, int64_t side) {
    if (3 * b <= side) return 0;
    if (3 * a > side && 3 * b <= 2 * side) return 1;
    return 3 * a > 2 * side ? 2 : -1;
}

/* One component inside one cell needs no pixels: box and area are in the mask's row, and the centroid lies in the cell. Else 0. */
static int describe_by_row(iad_pool_item *item, int64_t n_components, int64_t area, const char *boxes) {
    int box[4], end = 0;
    if (n_components != 1 || area < 1 || !boxes) return 0;
    if (sscanf(boxes, "[[%6d,%6d,%6d,%6d]]%n", &box[0], &box[1], &box[2], &box[3], &end) != 4 || end == 0 || boxes[end]) return 0;
    if (box[0] < 0 || box[1] < 0 || box[0] >= box[2] || box[1] >= box[3] || box[2] > item->width || box[3] > item->height) return 0;
    int column = third_of(box[0], box[2], item->width), row = third_of(box[1], box[3], item->height);
    if (column < 0 || row < 0) return 0;
    item->regions = (iad_regions){.n = 1, .width = item->width, .height = item->height, .area = area};
    item->regions.items[0] = (iad_region){box[0], box[1], box[2], box[3], area, 3 * row + column};
    return 1;
}

/* Columns: width, height, components, area, boxes, png. */
static iad_status queue_mask(iad_manifest *manifest, iad_pool_item *item, mask_batch *batch, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "mask", "SELECT width,height,n_components,area,boxes,png FROM mask WHERE id=?", err));
    iad_query_i64(&q, item->mask_id);
    iad_status status = IAD_OK;
    if (!iad_query_next(&q)) {
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no mask %lld", (long long)item->mask_id);
    } else {
        status = check_size(item, (int)iad_query_col_i64(&q, 0), (int)iad_query_col_i64(&q, 1), err);
        if (status == IAD_OK && !describe_by_row(item, iad_query_col_i64(&q, 2), iad_query_col_i64(&q, 3), iad_query_col_text(&q, 4))) {
            mask_job *job = &batch->jobs[batch->n];
            size_t bytes;
            const void *png = iad_query_col_blob(&q, 5, &bytes);
            *job = (mask_job){.item = item, .bytes = bytes};
            job->png = png ? iad_alloc(bytes, 1) : NULL;
            if (!png) status = IAD_FAIL(err, IAD_ERR_FORMAT, "mask %lld has no pixels", (long long)item->mask_id);
            else if (!job->png) status = IAD_NOMEM(err, "a mask");
            else {
                memcpy(job->png, png, bytes);
                batch->n++;
                batch->bytes += bytes;
            }
        }
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* Several masks of one picture: their union. Rare. */
static iad_status describe_union(iad_manifest *manifest, iad_pool_item *item, iad_err *err) {
    iad_image mask;
    IAD_TRY(iad_image_mask(manifest, item->image_id, &mask, NULL, err));
    iad_status status = iad_regions_of_mask(&mask, &item->regions, err);
    iad_image_deinit(&mask);
    return status;
}

static int compare_mask(const void *a, const void *b, void *user) {
    const iad_pool_item *items = user;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int64_t x = items[i].mask_id, y = items[j].mask_id;
    return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

/* Regions of all masks; a mask that several items share (order: by mask) is looked at once. */
static iad_status describe_masks(iad_manifest *manifest, iad_task_pool *pool, const uint32_t *order, size_t n, int threads, iad_err *err) {
    mask_batch *batch = iad_calloc(1, sizeof *batch);
    if (!batch) return IAD_NOMEM(err, "masks");
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        iad_pool_item *item = &pool->items[order[i]];
        const iad_pool_item *before = i ? &pool->items[order[i - 1]] : NULL;
        if (item->several_masks) status = describe_union(manifest, item, err);
        else if (before && before->mask_id == item->mask_id && !before->several_masks && before->width == item->width &&
                 before->height == item->height)
            continue;
        else status = queue_mask(manifest, item, batch, err);
        if (status == IAD_OK && (batch->n == BATCH || batch->bytes > MAX_BATCH_BYTES)) status = flush(batch, threads, err);
    }
    iad_status flushed = flush(batch, threads, status == IAD_OK ? err : NULL);
    free(batch);
    if (status != IAD_OK || flushed != IAD_OK) return status != IAD_OK ? status : flushed;
    for (size_t i = 1; i < n; i++) {
        iad_pool_item *item = &pool->items[order[i]];
        const iad_pool_item *before = &pool->items[order[i - 1]];
        if (!item->several_masks && !before->several_masks && before->mask_id == item->mask_id && item->regions.width == 0)
            item->regions = before->regions;
    }
    return IAD_OK;
}

static iad_status load_masks(iad_manifest *manifest, iad_task_pool *pool, int threads, iad_err *err) {
    IAD_TRY(load_mask_ids(manifest, pool, err));
    uint32_t *order = iad_alloc(pool->n, sizeof *order);
    if (!order) return IAD_NOMEM(err, "a category's masks");
    size_t n = 0;
    for (size_t i = 0; i < pool->n; i++) {
        if (pool->items[i].mask_id) order[n++] = (uint32_t)i;
        else if (pool->items[i].anomalous) pool->n_unknown++;
    }
    qsort_r(order, n, sizeof *order, compare_mask, pool->items);
    iad_status status = describe_masks(manifest, pool, order, n, threads, err);
    free(order);
    return status;
}

/* ---- groups ---- */

static int compare_text(const char *a, const char *b) {
    if (!a || !b) return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int compare_group(const void *a, const void *b, void *user) {
    const iad_pool_item *items = user;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int order = compare_text(items[i].view, items[j].view);
    if (order == 0) order = compare_text(items[i].light, items[j].light);
    return order ? order : (i > j) - (i < j);
}

static iad_status fill_groups(iad_task_pool *pool, const uint32_t *order, iad_err *err) {
    size_t cap = 0;
    for (size_t i = 0; i < pool->n; i++) {
        iad_pool_item *item = &pool->items[order[i]];
        iad_pool_group *last = pool->n_groups ? &pool->groups[pool->n_groups - 1] : NULL;
        if (!last || compare_text(last->view, item->view) != 0 || compare_text(last->light, item->light) != 0) {
            void *block = pool->groups;
            IAD_TRY(iad_grow(&block, &cap, pool->n_groups + 1, sizeof *pool->groups, MAX_GROUPS, "views of one category", err));
            pool->groups = block;
            last = &pool->groups[pool->n_groups++];
            *last = (iad_pool_group){item->view, item->light, (uint32_t)pool->n_normals, 0};
        }
        item->group = (uint32_t)(pool->n_groups - 1);
        if (item->anomalous || item->test || !item->exemplar_ok) continue;
        pool->normals[pool->n_normals++] = order[i];
        last->n_normals++;
    }
    return IAD_OK;
}

static iad_status make_groups(iad_task_pool *pool, iad_err *err) {
    uint32_t *order = iad_alloc(pool->n, sizeof *order);
    pool->normals = iad_alloc(pool->n, sizeof *pool->normals);
    pool->anomalies = iad_alloc(pool->n, sizeof *pool->anomalies);
    iad_status status = order && pool->normals && pool->anomalies ? IAD_OK : IAD_NOMEM(err, "a category's pictures");
    if (status == IAD_OK) {
        for (size_t i = 0; i < pool->n; i++) {
            order[i] = (uint32_t)i;
            if (pool->items[i].anomalous && !pool->items[i].test) pool->anomalies[pool->n_anomalies++] = (uint32_t)i;
        }
        qsort_r(order, pool->n, sizeof *order, compare_group, pool->items);
        status = fill_groups(pool, order, err);
    }
    free(order);
    return status;
}

/* ---- all of it ---- */

iad_status iad_task_pool_load(iad_manifest *manifest, int64_t category_id, const iad_task_pool_options *options, iad_task_pool *pool, iad_err *err) {
    memset(pool, 0, sizeof *pool);
    pool->category_id = category_id;
    IAD_TRY(load_category(manifest, pool, err));
    if (options->eval) pool->eval = 1;
    iad_status status = load_real(manifest, options, pool, err);
    if (status == IAD_OK) status = index_images(pool, err);
    if (status == IAD_OK) status = load_recipes(manifest, options, pool, err);
    if (status == IAD_OK) status = load_masks(manifest, pool, options->threads, err);
    if (status == IAD_OK) status = make_groups(pool, err);
    if (status != IAD_OK) return iad_err_prefix(err, "%s/%s", pool->dataset, pool->category);
    return IAD_OK;
}

void iad_task_pool_deinit(iad_task_pool *pool) {
    free(pool->items);
    free(pool->groups);
    free(pool->normals);
    free(pool->anomalies);
    free(pool->by_image);
    iad_arena_deinit(&pool->arena);
    memset(pool, 0, sizeof *pool);
}
