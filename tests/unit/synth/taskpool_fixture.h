/* Invented categories for the makers of records: good pictures in two views, real and synthetic anomalies with masks, null edits, test pictures; and
 * a sink that keeps records. */
#ifndef IAD_TEST_TASKPOOL_FIXTURE_H
#define IAD_TEST_TASKPOOL_FIXTURE_H

#include "base/alloc.h"
#include "base/image/image.h"
#include "manifests/arena.h"
#include "manifests/identity.h"
#include "manifests/query.h"
#include "synth/task/taskmaker.h"
#include "synth/task/taskpool.h"
#include "tests/unit/manifest/manifest_fixture.h"

#define TASKS_WIDTH 163 /* no multiple of 8 */
#define TASKS_HEIGHT 120

typedef struct tasks_shape {
    int good, real, per_good, null_edits, test; /* per view; per_good: recipes of every good picture; null_edits: good pictures that also have one */
} tasks_shape;

typedef struct tasks_rect { int x0, y0, x1, y1; } tasks_rect;

static inline int64_t tasks_mask(iad_manifest *m, int width, int height, const tasks_rect *rects, size_t n) {
    iad_err err = IAD_ERR_NONE;
    iad_image mask;
    iad_mask_row row = {0};
    int64_t id = 0;
    assert_ok(iad_image_init(&mask, width, height, 1, &err));
    for (size_t i = 0; i < n; i++)
        for (int y = rects[i].y0; y < rects[i].y1; y++)
            memset(mask.px + (size_t)y * (size_t)width + rects[i].x0, 255, (size_t)(rects[i].x1 - rects[i].x0));
    assert_ok(iad_mask_prepare(&mask, NULL, IAD_MASK_EXACT, &row, &err));
    assert_ok(iad_mask_put(m, &row, &id, &err));
    iad_mask_row_deinit(&row);
    iad_image_deinit(&mask);
    return id;
}

/* A rectangle that depends on the number: all cells, several sizes; every third has two pieces far from each other. */
static inline int64_t tasks_numbered_mask(iad_manifest *m, int number) {
    int x = 5 + number * 37 % 90, y = 4 + number * 23 % 70, w = 6 + number % 17, h = 5 + number * 3 % 13;
    tasks_rect rects[2] = {{x, y, x + w, y + h}, {x + w + 20, y + h + 12, x + w + 32, y + h + 21}};
    return tasks_mask(m, TASKS_WIDTH, TASKS_HEIGHT, rects, number % 3 == 0 ? 2 : 1);
}

static inline int64_t tasks_picture(iad_manifest *m, int64_t dataset, int64_t category, const char *path, const char *view, iad_part part,
                                    iad_label label) {
    iad_err err = IAD_ERR_NONE;
    int64_t id = 0;
    iad_image_row row = fixture_row(dataset, category, path, part, label);
    row.width = TASKS_WIDTH;
    row.height = TASKS_HEIGHT;
    row.view = view;
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    return id;
}

/* mask 0: a null edit. */
static inline int64_t tasks_recipe(iad_manifest *m, int64_t dst, int number, int64_t mask, double delta) {
    static const char *const generators[] = {"cutpaste", "scar", "nsa", "perlin"};
    iad_err err = IAD_ERR_NONE;
    char name[64];
    uint8_t digest[32];
    snprintf(name, sizeof name, "recipe %lld %d %d", (long long)dst, number, mask == 0);
    assert_ok(iad_sha256_bytes(name, strlen(name), digest, &err));
    iad_query q;
    assert_ok(iad_query_open(
        &q, m, "synth",
        "INSERT INTO synth(recipe_sha256,dst_image,generator,generator_version,preset,params,seed,work_w,work_h,kind,mask_vis,delta_mean)"
        " VALUES(?,?,?,'1','full','{}',?,?,?,?,?,?)",
        &err));
    iad_query_blob(&q, digest, 32);
    iad_query_i64(&q, dst);
    iad_query_text(&q, mask ? generators[number % 4] : "null_edit");
    iad_query_i64(&q, number);
    iad_query_i64(&q, TASKS_WIDTH);
    iad_query_i64(&q, TASKS_HEIGHT);
    iad_query_text(&q, mask ? "anomalous" : "null_edit");
    iad_query_id(&q, mask);
    iad_query_f64(&q, delta);
    assert_ok(iad_query_run(&q, name, &err));
    return iad_query_last_id(m);
}

/* One category; its id. Deltas of the recipes go from 5 to 24. */
static inline int64_t tasks_category(iad_manifest *m, int64_t dataset, const char *name, tasks_shape shape) {
    static const char *const views[] = {"front", "side"};
    iad_err err = IAD_ERR_NONE;
    int64_t category = fixture_category(m, dataset, name);
    int number = 0;
    for (int v = 0; v < 2; v++) {
        char path[128];
        for (int i = 0; i < shape.good; i++) {
            snprintf(path, sizeof path, "%s/%s/good/%03d.png", name, views[v], i);
            int64_t id = tasks_picture(m, dataset, category, path, views[v], IAD_PART_TRAIN, IAD_LABEL_NORMAL);
            for (int k = 0; k < shape.per_good; k++, number++) tasks_recipe(m, id, number, tasks_numbered_mask(m, number), 5 + number % 20);
            if (i < shape.null_edits) tasks_recipe(m, id, i, 0, 1);
        }
        for (int i = 0; i < shape.real; i++, number++) {
            snprintf(path, sizeof path, "%s/%s/bad/%03d.png", name, views[v], i);
            int64_t id = tasks_picture(m, dataset, category, path, views[v], IAD_PART_TRAIN, IAD_LABEL_ANOMALOUS);
            assert_ok(iad_image_mask_put(m, id, tasks_numbered_mask(m, number), "gt", &err));
        }
        for (int i = 0; i < shape.test; i++) {
            snprintf(path, sizeof path, "%s/%s/test/%03d.png", name, views[v], i);
            int64_t id = tasks_picture(m, dataset, category, path, views[v], IAD_PART_TEST, i % 2 ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL);
            if (i % 2) assert_ok(iad_image_mask_put(m, id, tasks_numbered_mask(m, i), "gt", &err));
        }
    }
    return category;
}

static inline void tasks_pool(iad_manifest *m, int64_t category, iad_task_pool *pool) {
    iad_err err = IAD_ERR_NONE;
    iad_task_pool_options options = {.real = 1, .synthetic = 1, .threads = 2};
    assert_ok(iad_task_pool_load(m, category, &options, pool, &err));
}

/* ---- records ---- */

typedef struct tasks_kept {
    iad_task_row *rows;
    size_t n, cap, skipped;
    const char *last_reason;
    iad_arena arena;
} tasks_kept;

static inline iad_status tasks_keep(void *user, const iad_task_row *row, iad_err *err) {
    tasks_kept *kept = user;
    void *block = kept->rows;
    IAD_TRY(iad_grow(&block, &kept->cap, kept->n + 1, sizeof *kept->rows, 10000000, "rows", err));
    kept->rows = block;
    iad_task_row *to = &kept->rows[kept->n++];
    *to = *row;
    const char **texts[] = {&to->task, &to->question,    &to->answer,        &to->yes_means,   &to->boxes,
                            &to->part, &to->external_id, &to->anomaly_spans, &to->normal_spans};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) *texts[i] = iad_arena_str(&kept->arena, *texts[i]);
    iad_task_image *images = iad_arena_take(&kept->arena, row->n_images * sizeof *images);
    for (size_t i = 0; i < row->n_images; i++) {
        images[i] = row->images[i];
        images[i].role = iad_arena_str(&kept->arena, images[i].role);
        images[i].jitter = iad_arena_str(&kept->arena, images[i].jitter);
    }
    to->images = images;
    return IAD_OK;
}

static inline void tasks_skip(void *user, const char *maker, const char *reason) {
    tasks_kept *kept = user;
    assert_non_null(maker);
    kept->skipped++;
    kept->last_reason = reason;
}

static inline void tasks_make(const iad_task_maker *maker, iad_manifest *m, const iad_task_pool *pool, const iad_task_options *options,
                              tasks_kept *kept) {
    iad_err err = IAD_ERR_NONE;
    iad_task_sink sink = {tasks_keep, tasks_skip, kept};
    memset(kept, 0, sizeof *kept);
    assert_ok(maker->make(m, pool, options, &sink, &err));
}

static inline void tasks_forget(tasks_kept *kept) {
    free(kept->rows);
    iad_arena_deinit(&kept->arena);
    memset(kept, 0, sizeof *kept);
}

static inline iad_task_options tasks_options(const iad_templates *templates, double per_picture) {
    iad_task_options options = iad_task_options_default();
    options.templates = templates;
    options.per_picture = per_picture;
    return options;
}

static inline const iad_pool_item *tasks_item(const iad_task_pool *pool, const iad_task_image *image) {
    for (size_t i = 0; i < pool->n; i++)
        if (pool->items[i].image_id == image->image_id && pool->items[i].synth_id == image->synth_id) return &pool->items[i];
    fail_msg("a picture that the pool does not hold");
    return NULL;
}

/* What every record must obey: parts, as many marks as pictures, no test picture, jitter on every picture, pictures all different, slots filled. */
static inline void tasks_check_row(const iad_task_pool *pool, const iad_task_row *row) {
    size_t marks = 0;
    for (const char *p = row->question; (p = strstr(p, "<image>")) != NULL; p++) marks++;
    assert_int_equal(marks, row->n_images);
    assert_null(strstr(row->answer, "<image>"));
    assert_true(*row->answer);
    assert_string_equal(row->part, pool->eval ? "eval" : "train");
    for (size_t i = 0; i < row->n_images; i++) {
        const iad_pool_item *item = tasks_item(pool, &row->images[i]);
        assert_false(item->test);
        assert_non_null(row->images[i].jitter);
        assert_string_equal(item->view, tasks_item(pool, &row->images[0])->view);
        for (size_t k = 0; k < i; k++)
            assert_false(row->images[i].image_id == row->images[k].image_id && row->images[i].synth_id == row->images[k].synth_id && row->stage != 2);
    }
    if (row->query_pos >= 0) assert_string_equal(row->images[row->query_pos].role, "query");
}

/* |observed - expected| in standard deviations of a binomial. */
static inline double tasks_sigmas(size_t hits, size_t n, double p) {
    double mean = (double)n * p, var = mean * (1 - p), d = (double)hits - mean, root = 1;
    for (int i = 0; i < 60; i++) root = 0.5 * (root + var / root);
    return (d < 0 ? -d : d) / root;
}

#endif
