/* From a mask to a few regions. Components are labelled by runs, as manifests/components.c does; here their pixels are summed as well, for the
 * centroid. */
#include "synth/task/maskregions.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { MAX_RUNS = 1 << 24, MIN_PIXELS = 12 };

typedef struct blob {
    int x0, y0, x1, y1;
    int64_t area, sum_x, sum_y; /* sums of pixel positions */
} blob;

typedef struct run {
    int y, x0, x1; /* x1 exclusive */
    size_t parent; /* union-find over runs */
} run;

typedef struct run_list {
    run *items;
    size_t n, cap;
} run_list;

static size_t root_of(run *runs, size_t i) {
    while (runs[i].parent != i) i = runs[i].parent = runs[runs[i].parent].parent;
    return i;
}

static void unite(run *runs, size_t a, size_t b) {
    a = root_of(runs, a);
    b = root_of(runs, b);
    if (a < b) runs[b].parent = a;
    else runs[a].parent = b;
}

static iad_status find_runs(const iad_image *mask, run_list *list, iad_err *err) {
    size_t above = 0, above_end = 0; /* runs of the row before */
    for (int y = 0; y < mask->height; y++) {
        const uint8_t *row = mask->px + (size_t)y * (size_t)mask->width;
        size_t first = list->n;
        for (int x = 0; x < mask->width;) {
            for (uint64_t eight; x + 8 <= mask->width; x += 8) { /* masks are mostly empty */
                memcpy(&eight, row + x, 8);
                if (eight) break;
            }
            while (x < mask->width && !row[x]) x++;
            if (x == mask->width) break;
            int begin = x, end = begin;
            while (end < mask->width && row[end]) end++;
            IAD_TRY(iad_grow((void **)&list->items, &list->cap, list->n + 1, sizeof *list->items, MAX_RUNS, "runs of a mask", err));
            list->items[list->n] = (run){y, begin, end, list->n};
            list->n++;
            x = end;
        }
        for (size_t i = first, j = above; i < list->n && j < above_end;) { /* 8-connected: diagonal neighbours touch */
            if (list->items[j].x0 <= list->items[i].x1 && list->items[i].x0 <= list->items[j].x1) unite(list->items, i, j);
            if (list->items[j].x1 < list->items[i].x1) j++;
            else i++;
        }
        above = first;
        above_end = list->n;
    }
    return IAD_OK;
}

static void add_run(blob *b, const run *r) {
    int64_t n = r->x1 - r->x0;
    if (b->area == 0 || r->x0 < b->x0) b->x0 = r->x0;
    if (b->area == 0 || r->x1 > b->x1) b->x1 = r->x1;
    if (b->area == 0) b->y0 = r->y;
    b->y1 = r->y + 1;
    b->area += n;
    b->sum_x += n * (r->x0 + r->x1 - 1) / 2;
    b->sum_y += n * r->y;
}

/* Chebyshev gap between two boxes; 0 when they touch or overlap. */
static int gap(const blob *a, const blob *b) {
    int dx = a->x0 > b->x1 ? a->x0 - b->x1 : b->x0 > a->x1 ? b->x0 - a->x1 : 0;
    int dy = a->y0 > b->y1 ? a->y0 - b->y1 : b->y0 > a->y1 ? b->y0 - a->y1 : 0;
    return dx > dy ? dx : dy;
}

static void merge_into(blob *a, const blob *b) {
    if (b->x0 < a->x0) a->x0 = b->x0;
    if (b->y0 < a->y0) a->y0 = b->y0;
    if (b->x1 > a->x1) a->x1 = b->x1;
    if (b->y1 > a->y1) a->y1 = b->y1;
    a->area += b->area;
    a->sum_x += b->sum_x;
    a->sum_y += b->sum_y;
}

/* Blobs whose boxes lie closer than `reach` become one, until none are left. Only the largest MERGE_MAX take part: masks of noise have thousands of
 * specks. */
static size_t merge_near(blob *blobs, size_t n, double reach) {
    for (int changed = 1; changed;) {
        changed = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = i + 1; j < n; j++)
                if (gap(&blobs[i], &blobs[j]) < reach) {
                    merge_into(&blobs[i], &blobs[j]);
                    blobs[j] = blobs[--n];
                    changed = 1;
                    j--;
                }
    }
    return n;
}

static int by_area(const void *a, const void *b) {
    const blob *p = a, *q = b;
    if (p->area != q->area) return p->area > q->area ? -1 : 1;
    return p->y0 != q->y0 ? (p->y0 > q->y0) - (p->y0 < q->y0) : (p->x0 > q->x0) - (p->x0 < q->x0);
}

/* The third in which position sum / area (a pixel's middle is at + 0.5) lies; a border belongs to the lower one. */
static int third(int64_t sum, int64_t area, int length) {
    int64_t twice = 2 * sum + area; /* 2 area (mean + 0.5) */
    return 3 * twice <= 2 * area * length ? 0 : 3 * twice <= 4 * area * length ? 1 : 2;
}

static int by_order(const void *a, const void *b) {
    const iad_region *p = a, *q = b;
    if (p->area != q->area) return p->area > q->area ? -1 : 1;
    if (p->cell != q->cell) return p->cell - q->cell;
    return p->y0 != q->y0 ? p->y0 - q->y0 : p->x0 - q->x0;
}

static void choose(blob *blobs, size_t n, iad_regions *regions) {
    enum { MERGE_MAX = 256 };
    int shorter = regions->width < regions->height ? regions->width : regions->height;
    qsort(blobs, n, sizeof *blobs, by_area);
    if (n > MERGE_MAX) n = MERGE_MAX;
    n = merge_near(blobs, n, 0.015 * shorter);
    qsort(blobs, n, sizeof *blobs, by_area);
    for (size_t i = 0; i < n && regions->n < IAD_REGIONS_MAX; i++) {
        const blob *b = &blobs[i];
        if (b->area < MIN_PIXELS && n > 1 && i > 0) break;
        int cell = 3 * third(b->sum_y, b->area, regions->height) + third(b->sum_x, b->area, regions->width);
        regions->items[regions->n++] = (iad_region){b->x0, b->y0, b->x1, b->y1, b->area, cell};
        regions->area += b->area;
    }
    qsort(regions->items, (size_t)regions->n, sizeof *regions->items, by_order);
}

iad_status iad_regions_of_mask(const iad_image *mask, iad_regions *regions, iad_err *err) {
    *regions = (iad_regions){0};
    if (!mask->px || mask->channels != 1) return IAD_FAIL(err, IAD_ERR_ARG, "a mask has one channel");
    regions->width = mask->width;
    regions->height = mask->height;
    run_list runs = {0};
    blob *blobs = NULL;
    size_t n = 0;
    iad_status status = find_runs(mask, &runs, err);
    if (status == IAD_OK && runs.n && !(blobs = iad_calloc(runs.n, sizeof *blobs))) status = IAD_NOMEM(err, "regions of a mask");
    if (status == IAD_OK && runs.n) {
        for (size_t i = 0; i < runs.n; i++) add_run(&blobs[root_of(runs.items, i)], &runs.items[i]);
        for (size_t i = 0; i < runs.n; i++)
            if (blobs[i].area) blobs[n++] = blobs[i];
        choose(blobs, n, regions);
    }
    free(blobs);
    free(runs.items);
    return status;
}
