/* What the makers of tasks choose from: the pictures of one category in memory, with everything that a record needs of them, so that
 * hundreds of thousands of records take one pass over the manifest. */
#ifndef IAD_SYNTH_TASKPOOL_H
#define IAD_SYNTH_TASKPOOL_H

#include <stdint.h>

#include "manifests/arena.h"
#include "manifests/manifest.h"
#include "manifests/records.h"
#include "synth/task/maskregions.h"

#define IAD_TASK_POOL_MAX 4000000u /* pictures and recipes of one category */

/* One picture that a task can show: a real one, or a recipe. */
typedef struct iad_pool_item {
    int64_t image_id, synth_id; /* exactly one is not 0 */
    int64_t original;           /* synthetic: the image id of its destination; real: its own id */
    uint8_t key[32];            /* pixel_sha256, or recipe_sha256: identity for seeds, the same in every manifest */
    int width, height;          /* real: of the file; synthetic: work size */
    int anomalous;              /* 0: good (also null edits) */
    int test; /* 1: in a test part (of the source's split or the named one; of a recipe: any picture it is made of): never in a training record */
    int exemplar_ok;            /* null edits: their original's */
    uint32_t group;             /* which of the pool's groups (view and light) it belongs to */
    const char *object_key, *view, *light; /* NULL: unknown */
    const char *defect;         /* kind of defect as the data set or the generator calls it; NULL */
    int64_t mask_id;            /* gt or mask_vis; 0: none (good) or unknown */
    int several_masks;          /* 1: the ground truth is a union: ask iad_image_mask */
    double delta_mean;          /* synthetic: mean visible difference; real: -1 */
    double label_conf;
    iad_regions regions;        /* of the mask; n = 0 for good ones, and for unknown ones */
} iad_pool_item;

/* Items of one view and light. */
typedef struct iad_pool_group {
    const char *view, *light;        /* NULL: unknown; (NULL, NULL) is one group */
    uint32_t first_normal, n_normals; /* in pool->normals */
} iad_pool_group;

typedef struct iad_task_pool {
    int64_t dataset_id, category_id;
    const char *dataset, *category, *display; /* names; display for prompts */
    const char *kind;                         /* object | texture | multi | logical, or NULL */
    const char *knowledge;                    /* the category's description, or NULL */
    int eval;                                 /* 1: the data set overlaps a benchmark: records get part "eval" or are left out */
    iad_pool_item *items;                     /* real ones by path, then synthetic ones by key; pictures that are bad or doubles are left out */
    size_t n, cap;
    size_t n_unknown;                         /* anomalous without a known mask */
    iad_pool_group *groups;                   /* by view, then light; NULL first */
    size_t n_groups;
    uint32_t *normals; /* item numbers of good items with exemplar_ok that are in no test part, group by group, in item order */
    size_t n_normals;
    uint32_t *anomalies;                      /* item numbers of anomalous items that are in no test part, in item order */
    size_t n_anomalies;
    uint32_t *by_image;                       /* numbers of the real items, by image id */
    size_t n_real;
    iad_arena arena;
} iad_task_pool;

typedef struct iad_task_pool_options {
    const char *scheme;   /* split scheme, NULL: the source's */
    int real, synthetic;  /* which anomalies to take in (null edits count as synthetic) */
    const char *preset;   /* synthetic: only of this preset; NULL: any */
    double min_area;      /* synthetic: only defects that cover at least this share of the picture, 0..1 ... */
    double min_change;    /* ... and change it by at least so much in the mean, in levels 0..255 */
    int threads;          /* for decoding masks; below 1: 1 */
    int eval;             /* 1: pictures of test parts count like all others (item.test is 0): records get part "eval" */
} iad_task_pool_options;
/* Fills *pool (initialised here; deinit also after a failure). A mask of one component inside one cell of the grid is described by its row alone;
 * others are decoded. Errors: IAD_ERR_NOT_FOUND (category), IAD_ERR_FORMAT (a mask that is broken or of another size than its picture, both named),
 * IAD_ERR_LIMIT, IAD_ERR_DB. */
iad_status iad_task_pool_load(iad_manifest *manifest, int64_t category_id, const iad_task_pool_options *options, iad_task_pool *pool, iad_err *err);
void iad_task_pool_deinit(iad_task_pool *pool);

/* The real item with this image id, NULL when the pool does not hold it. */
const iad_pool_item *iad_task_pool_image(const iad_task_pool *pool, int64_t image_id);

#endif
