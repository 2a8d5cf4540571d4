#include "bench/metrics/regions.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/metrics/pixelmetrics.h"

/* First x >= from with mask[x] != 0, or width. */
static int next_set(const uint8_t *mask, int from, int width) {
    int x = from;
    for (; x + 8 <= width; x += 8) {
        uint64_t eight;
        memcpy(&eight, mask + x, sizeof eight);
        if (eight) break;
    }
    while (x < width && !mask[x]) x++;
    return x;
}

static int next_clear(const uint8_t *mask, int from, int width) {
    int x = from;
    while (x < width && mask[x]) x++;
    return x;
}

static uint32_t find(uint32_t *parent, uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

/* The smaller index becomes the root, so a root is always the first run of its region. */
static void unite(uint32_t *parent, uint32_t a, uint32_t b) {
    a = find(parent, a);
    b = find(parent, b);
    if (a < b) parent[b] = a;
    else parent[a] = b;
}

static iad_status collect_runs(iad_regions *r, const uint8_t *mask, int width, int height, iad_err *err) {
    r->n_runs = 0;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = mask + (size_t)y * (size_t)width;
        for (int x = next_set(row, 0, width); x < width;) {
            int end = next_clear(row, x, width);
            if (r->n_runs == r->cap_runs)
                IAD_TRY(iad_grow((void **)&r->runs, &r->cap_runs, r->n_runs + 1, sizeof *r->runs, UINT32_MAX / 2,
                                 "mask runs", err));
            r->runs[r->n_runs++] = (iad_run){y, x, end, 0};
            x = next_set(row, end, width);
        }
    }
    return IAD_OK;
}

static void join_runs(const iad_regions *r, uint32_t *parent, int reach) {
    size_t above = 0, above_end = 0; /* runs of the row above the current one */
    for (size_t i = 0; i < r->n_runs;) {
        int y = r->runs[i].y;
        size_t row_end = i;
        while (row_end < r->n_runs && r->runs[row_end].y == y) row_end++;
        if (above < above_end && r->runs[above].y == y - 1) {
            size_t a = above;
            for (size_t b = i; b < row_end; b++) {
                int from = r->runs[b].x0 - reach, to = r->runs[b].x1 + reach;
                while (a < above_end && r->runs[a].x1 <= from) a++;
                for (size_t t = a; t < above_end && r->runs[t].x0 < to; t++) unite(parent, (uint32_t)t, (uint32_t)b);
            }
        }
        above = i;
        above_end = row_end;
        i = row_end;
    }
}

iad_status iad_regions_label(iad_regions *r, const uint8_t *mask, int width, int height, int connectivity, iad_err *err) {
    if (connectivity != 8 && connectivity != 4) return IAD_FAIL(err, IAD_ERR_ARG, "connectivity %d is neither 4 nor 8", connectivity);
    free(r->area);
    r->area = NULL;
    r->n_regions = 0;
    r->pixels = 0;
    IAD_TRY(collect_runs(r, mask, width, height, err));
    uint32_t *parent = iad_alloc(r->n_runs, sizeof *parent);
    if (!parent) return IAD_NOMEM(err, "mask regions");
    for (size_t i = 0; i < r->n_runs; i++) parent[i] = (uint32_t)i;
    join_runs(r, parent, connectivity == 8);
    for (size_t i = 0; i < r->n_runs; i++) {
        uint32_t root = find(parent, (uint32_t)i);
        r->runs[i].region = root == i ? (uint32_t)r->n_regions++ : r->runs[root].region;
    }
    free(parent);
    r->area = iad_calloc(r->n_regions, sizeof *r->area);
    if (!r->area) return IAD_NOMEM(err, "mask regions");
    for (size_t i = 0; i < r->n_runs; i++) {
        uint32_t n = (uint32_t)(r->runs[i].x1 - r->runs[i].x0);
        r->area[r->runs[i].region] += n;
        r->pixels += n;
    }
    return IAD_OK;
}

void iad_regions_deinit(iad_regions *r) {
    free(r->runs);
    free(r->area);
    *r = (iad_regions){0};
}

typedef struct box {
    int x0, y0, x1, y1;  /* half open */
    size_t first, n_run; /* its runs in order[] */
} box;

/* Marks the background that is reachable from outside in grid[h][w] (0 free, 1 region, 2 reached); the rim is free. */
static void flood(uint8_t *grid, int w, int h, uint32_t *stack) {
    size_t n = 0;
    stack[n++] = 0;
    grid[0] = 2;
    while (n) {
        uint32_t at = stack[--n];
        int x = (int)(at % (uint32_t)w), y = (int)(at / (uint32_t)w);
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                int nx = x + dx, ny = y + dy;
                if (nx < 0 || ny < 0 || nx >= w || ny >= h) continue;
                size_t to = (size_t)ny * (size_t)w + (size_t)nx;
                if (grid[to]) continue;
                grid[to] = 2;
                stack[n++] = (uint32_t)to;
            }
    }
}

static void fill_boxes(const iad_regions *r, box *boxes, uint32_t *order) {
    for (size_t g = 0; g < r->n_regions; g++) boxes[g] = (box){INT32_MAX, INT32_MAX, 0, 0, 0, 0};
    for (size_t i = 0; i < r->n_runs; i++) {
        const iad_run *run = r->runs + i;
        box *b = boxes + run->region;
        if (run->x0 < b->x0) b->x0 = run->x0;
        if (run->x1 > b->x1) b->x1 = run->x1;
        if (run->y < b->y0) b->y0 = run->y;
        if (run->y + 1 > b->y1) b->y1 = run->y + 1;
        b->n_run++;
    }
    size_t at = 0;
    for (size_t g = 0; g < r->n_regions; g++) {
        boxes[g].first = at;
        at += boxes[g].n_run;
        boxes[g].n_run = 0;
    }
    for (size_t i = 0; i < r->n_runs; i++) {
        box *b = boxes + r->runs[i].region;
        order[b->first + b->n_run++] = (uint32_t)i;
    }
}

/* Holes of one region. A hole needs 3 x 3 pixels around it, so most regions cost nothing. */
static iad_status box_holes(const iad_regions *r, uint32_t g, const box *b, const uint32_t *order, int width,
                            iad_hole **holes, size_t *n, size_t *cap, iad_err *err) {
    int w = b->x1 - b->x0 + 2, h = b->y1 - b->y0 + 2;
    if (w < 5 || h < 5) return IAD_OK;
    size_t cells = (size_t)w * (size_t)h;
    uint8_t *grid = iad_calloc(cells, 1);
    uint32_t *stack = iad_alloc(cells, sizeof *stack);
    iad_status status = grid && stack ? IAD_OK : IAD_NOMEM(err, "filled regions");
    if (status == IAD_OK) {
        for (size_t i = 0; i < b->n_run; i++) {
            const iad_run *run = r->runs + order[b->first + i];
            memset(grid + (size_t)(run->y - b->y0 + 1) * (size_t)w + (size_t)(run->x0 - b->x0 + 1), 1,
                   (size_t)(run->x1 - run->x0));
        }
        flood(grid, w, h, stack);
    }
    for (size_t i = 0; i < cells && status == IAD_OK; i++) {
        if (grid[i]) continue;
        size_t x = i % (size_t)w + (size_t)b->x0 - 1, y = i / (size_t)w + (size_t)b->y0 - 1;
        status = iad_grow((void **)holes, cap, *n + 1, sizeof **holes, SIZE_MAX / 2 / sizeof **holes, "hole pixels", err);
        if (status == IAD_OK) (*holes)[(*n)++] = (iad_hole){y * (size_t)width + x, g};
    }
    free(grid);
    free(stack);
    return status;
}

iad_status iad_regions_holes(const iad_regions *r, int width, iad_hole **holes, size_t *n, size_t *cap, iad_err *err) {
    box *boxes = iad_alloc(r->n_regions, sizeof *boxes);
    uint32_t *order = iad_alloc(r->n_runs, sizeof *order);
    iad_status status = boxes && order ? IAD_OK : IAD_NOMEM(err, "region boxes");
    if (status == IAD_OK) fill_boxes(r, boxes, order);
    for (size_t g = 0; g < r->n_regions && status == IAD_OK; g++)
        status = box_holes(r, (uint32_t)g, boxes + g, order, width, holes, n, cap, err);
    free(boxes);
    free(order);
    return status;
}

iad_status iad_mask_regions(const uint8_t *mask, int width, int height, int connectivity, uint64_t *count, iad_err *err) {
    iad_regions r = {0};
    iad_status status = iad_regions_label(&r, mask, width, height, connectivity, err);
    *count = r.n_regions;
    iad_regions_deinit(&r);
    return status;
}
