#include "runtime/engine/mapping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/resize.h"

static int record_is_sound(const iad_resize_record *size) {
    return size->source_h >= 1 && size->source_w >= 1 && size->resized_h >= 1 && size->resized_w >= 1;
}

iad_status iad_map_to_picture(const float *map, int lh, int lw, const iad_resize_record *size, iad_plane *plane,
                              iad_err *err) {
    iad_plane grid = {0};
    memset(plane, 0, sizeof *plane);
    if (!map || lh < 1 || lw < 1 || !record_is_sound(size))
        return IAD_FAIL(err, IAD_ERR_ARG, "map of %d x %d cells", lw, lh);
    IAD_TRY(iad_plane_init(&grid, lw, lh, err));
    memcpy(grid.px, map, (size_t)lh * (size_t)lw * sizeof *map);
    iad_status status = iad_plane_bilinear(&grid, size->source_w, size->source_h, 0, plane, err);
    iad_plane_deinit(&grid);
    return status;
}

/* ---- boxes ---- */

static int scale_axis(int x, int from, int to) {
    const double scaled = floor((double)x * (double)to / (double)from + 0.5);
    if (!(scaled > 0)) return 0;
    return scaled > to - 1 ? to - 1 : (int)scaled;
}

static iad_box scale_box(iad_box box, int from_w, int from_h, int to_w, int to_h) {
    const int xa = scale_axis(box.x0, from_w, to_w), xb = scale_axis(box.x1, from_w, to_w);
    const int ya = scale_axis(box.y0, from_h, to_h), yb = scale_axis(box.y1, from_h, to_h);
    return (iad_box){xa < xb ? xa : xb, ya < yb ? ya : yb, xa < xb ? xb : xa, ya < yb ? yb : ya};
}

iad_box iad_box_to_source(iad_box box, const iad_resize_record *size) {
    if (!record_is_sound(size)) return (iad_box){0, 0, 0, 0};
    return scale_box(box, size->resized_w, size->resized_h, size->source_w, size->source_h);
}

iad_box iad_box_to_resized(iad_box box, const iad_resize_record *size) {
    if (!record_is_sound(size)) return (iad_box){0, 0, 0, 0};
    return scale_box(box, size->source_w, size->source_h, size->resized_w, size->resized_h);
}

int iad_verdict(double score, double threshold) {
    if (isnan(score) || isnan(threshold)) return -1;
    return score > threshold;
}

iad_map_box_options iad_map_box_defaults(float threshold) {
    return (iad_map_box_options){.threshold = threshold, .min_area = 12, .merge_gap = 0.015, .max_boxes = 8};
}

/* ---- regions ---- */

typedef struct region {
    iad_map_box found;
    double sum;
} region;

/* A run of pixels above the threshold in one row. */
typedef struct run {
    int y, x0, x1; /* x1 exclusive */
    uint32_t parent;
} run;

static uint32_t root_of(run *runs, uint32_t i) {
    while (runs[i].parent != i) {
        runs[i].parent = runs[runs[i].parent].parent;
        i = runs[i].parent;
    }
    return i;
}

static iad_status collect_runs(const iad_plane *plane, float threshold, run **runs, size_t *n, iad_err *err) {
    size_t cap = 0, count = 0;
    run *items = NULL;
    size_t above = 0; /* first run of the row above */
    for (int y = 0; y < plane->height; y++) {
        const float *row = plane->px + (size_t)y * (size_t)plane->width;
        const size_t here = count;
        size_t touch = above;
        for (int x = 0; x < plane->width; x++) {
            if (!(row[x] > threshold)) continue;
            const int x0 = x;
            while (x < plane->width && row[x] > threshold) x++;
            if (count == cap) {
                iad_status status = iad_grow((void **)&items, &cap, count + 1, sizeof *items, IAD_IMAGE_MAX_PIXELS,
                                             "runs of a map", err);
                if (status != IAD_OK) {
                    free(items);
                    return status;
                }
            }
            items[count] = (run){y, x0, x, (uint32_t)count};
            while (touch < here && items[touch].x1 < x0) touch++; /* ends left of the left diagonal */
            for (size_t k = touch; k < here && items[k].x0 <= x; k++) {
                const uint32_t a = root_of(items, (uint32_t)k), b = root_of(items, (uint32_t)count);
                if (a < b) items[b].parent = a;
                else items[a].parent = b;
            }
            count++;
        }
        above = here;
    }
    *runs = items;
    *n = count;
    return IAD_OK;
}

static void join(region *a, const region *b) {
    iad_map_box *p = &a->found;
    const iad_map_box *q = &b->found;
    if (q->box.x0 < p->box.x0) p->box.x0 = q->box.x0;
    if (q->box.y0 < p->box.y0) p->box.y0 = q->box.y0;
    if (q->box.x1 > p->box.x1) p->box.x1 = q->box.x1;
    if (q->box.y1 > p->box.y1) p->box.y1 = q->box.y1;
    if (q->peak > p->peak ||
        (q->peak == p->peak && (q->peak_y < p->peak_y || (q->peak_y == p->peak_y && q->peak_x < p->peak_x)))) {
        p->peak = q->peak;
        p->peak_x = q->peak_x;
        p->peak_y = q->peak_y;
    }
    p->area += q->area;
    a->sum += b->sum;
}

static region region_of_run(const iad_plane *plane, const run *r) {
    const float *row = plane->px + (size_t)r->y * (size_t)plane->width;
    const iad_box box = {r->x0, r->y, r->x1 - 1, r->y};
    region made = {.found = {.box = box, .area = r->x1 - r->x0, .peak = row[r->x0], .peak_x = r->x0, .peak_y = r->y}};
    for (int x = r->x0; x < r->x1; x++) {
        made.sum += (double)row[x];
        if (row[x] > made.found.peak) {
            made.found.peak = row[x];
            made.found.peak_x = x;
        }
    }
    return made;
}

/* Squared distance of two pixel boxes; 0 when they overlap or touch at a side or corner. */
static double gap_squared(const iad_box *a, const iad_box *b) {
    double dx = 0, dy = 0;
    if (b->x0 > a->x1 + 1) dx = b->x0 - (a->x1 + 1);
    else if (a->x0 > b->x1 + 1) dx = a->x0 - (b->x1 + 1);
    if (b->y0 > a->y1 + 1) dy = b->y0 - (a->y1 + 1);
    else if (a->y0 > b->y1 + 1) dy = a->y0 - (b->y1 + 1);
    return dx * dx + dy * dy;
}

/* Until nothing changes: a merged box may come close to one that its parts were far from. */
static void merge_close(region *regions, size_t *n, double gap) {
    for (int changed = gap > 0; changed;) {
        changed = 0;
        for (size_t i = 0; i < *n; i++)
            for (size_t j = i + 1; j < *n;) {
                if (gap_squared(&regions[i].found.box, &regions[j].found.box) < gap * gap) {
                    join(&regions[i], &regions[j]);
                    regions[j] = regions[--*n];
                    changed = 1;
                    j = i + 1; /* the larger box may reach those that were passed over */
                } else j++;
            }
    }
}

static int larger_first(const void *a, const void *b) {
    const region *p = a, *q = b;
    if (p->found.area != q->found.area) return p->found.area < q->found.area ? 1 : -1;
    if (p->found.box.y0 != q->found.box.y0) return p->found.box.y0 < q->found.box.y0 ? -1 : 1;
    if (p->found.box.x0 != q->found.box.x0) return p->found.box.x0 < q->found.box.x0 ? -1 : 1;
    /* same corner and area: the order of the first pixel of the peak settles it */
    if (p->found.peak_y != q->found.peak_y) return p->found.peak_y < q->found.peak_y ? -1 : 1;
    return (p->found.peak_x > q->found.peak_x) - (p->found.peak_x < q->found.peak_x);
}

static iad_status regions_of(const iad_plane *plane, float threshold, region **regions, size_t *n, iad_err *err) {
    run *runs = NULL;
    size_t n_run = 0;
    IAD_TRY(collect_runs(plane, threshold, &runs, &n_run, err));
    size_t n_region = 0;
    for (size_t i = 0; i < n_run; i++) n_region += runs[i].parent == i;
    region *items = iad_alloc(n_region, sizeof *items);
    uint32_t *number = iad_alloc(n_run, sizeof *number);
    if (!items || !number) {
        free(items);
        free(number);
        free(runs);
        return IAD_NOMEM(err, "regions of a map");
    }
    size_t next = 0;
    for (size_t i = 0; i < n_run; i++) { /* roots come first: a parent is never larger than its child */
        const uint32_t root = root_of(runs, (uint32_t)i);
        region part = region_of_run(plane, &runs[i]);
        if (root == i) {
            number[i] = (uint32_t)next;
            items[next++] = part;
        } else join(&items[number[root]], &part);
    }
    free(number);
    free(runs);
    *regions = items;
    *n = n_region;
    return IAD_OK;
}

iad_status iad_map_boxes(const iad_plane *plane, const iad_map_box_options *options, iad_map_box **boxes, size_t *n,
                         iad_err *err) {
    *boxes = NULL;
    *n = 0;
    if (!plane->px || plane->width < 1 || plane->height < 1) return IAD_FAIL(err, IAD_ERR_ARG, "empty map");
    if ((int64_t)plane->width * plane->height > IAD_IMAGE_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "map of more than %u pixels", IAD_IMAGE_MAX_PIXELS);
    if (isnan(options->threshold)) return IAD_FAIL(err, IAD_ERR_ARG, "the threshold of the map is not a number");
    if (options->min_area < 0 || !(options->merge_gap >= 0 && options->merge_gap <= 1))
        return IAD_FAIL(err, IAD_ERR_ARG, "boxes: least area %lld, gap %g", (long long)options->min_area,
                        options->merge_gap);
    if (options->max_boxes < 1 || options->max_boxes > IAD_MAPPING_MAX_BOXES)
        return IAD_FAIL(err, IAD_ERR_ARG, "boxes: at most %d is not in 1..%d", options->max_boxes,
                        IAD_MAPPING_MAX_BOXES);
    region *regions = NULL;
    size_t n_region = 0;
    IAD_TRY(regions_of(plane, options->threshold, &regions, &n_region, err));
    qsort(regions, n_region, sizeof *regions, larger_first);
    /* Merging compares all pairs: of a map that is nothing but specks only the largest regions take part. */
    if (n_region > IAD_MAPPING_MAX_BOXES) n_region = IAD_MAPPING_MAX_BOXES;
    const int shorter = plane->width < plane->height ? plane->width : plane->height;
    merge_close(regions, &n_region, options->merge_gap * shorter);
    qsort(regions, n_region, sizeof *regions, larger_first);
    size_t kept = 0;
    while (kept < n_region && kept < (size_t)options->max_boxes &&
           (regions[kept].found.area >= options->min_area || n_region == 1))
        kept++;
    iad_map_box *items = iad_alloc(kept, sizeof *items);
    if (!items) {
        free(regions);
        return IAD_NOMEM(err, "boxes of a map");
    }
    for (size_t i = 0; i < kept; i++) {
        items[i] = regions[i].found;
        items[i].mean = (float)(regions[i].sum / (double)regions[i].found.area);
    }
    free(regions);
    *boxes = items;
    *n = kept;
    return IAD_OK;
}
