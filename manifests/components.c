#include "manifests/components.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Runs of one mask; half of a checkerboard of the largest picture. */
#define MAX_RUNS (IAD_IMAGE_MAX_PIXELS / 2 + IAD_IMAGE_MAX_SIDE)

typedef struct run {
    int x0, x1, y; /* x1 exclusive */
    uint32_t parent;
} run;

/* Root of a run's tree; path halving. Roots are the lowest index of their tree, so that raster order survives. */
static uint32_t root_of(run *runs, uint32_t i) {
    while (runs[i].parent != i) {
        runs[i].parent = runs[runs[i].parent].parent;
        i = runs[i].parent;
    }
    return i;
}

static void join(run *runs, uint32_t a, uint32_t b) {
    a = root_of(runs, a);
    b = root_of(runs, b);
    if (a < b) runs[b].parent = a;
    else runs[a].parent = b;
}

/* First place at or after x, before n, where the row is non-zero (or zero); n when there is none. Eight pixels at a
 * time: masks are nearly all of one value. */
static int skip(const uint8_t *row, int x, int n, int zeros) {
    for (; x + 8 <= n; x += 8) {
        uint64_t eight;
        memcpy(&eight, row + x, 8);
        if (zeros ? eight != 0 : eight != UINT64_MAX) break;
    }
    while (x < n && (row[x] == 0) == zeros) x++;
    return x;
}

/* Finds the runs of row y and joins them with those of the row before, runs[first..end). */
static iad_status scan_row(const iad_image *mask, int y, run **runs, size_t *n, size_t *cap, size_t first,
                           iad_err *err) {
    const uint8_t *row = mask->px + (size_t)y * (size_t)mask->width;
    size_t end = *n, above = first;
    for (int x = skip(row, 0, mask->width, 1); x < mask->width; x = skip(row, x, mask->width, 1)) {
        int x0 = x;
        x = skip(row, x, mask->width, 0);
        void *block = *runs;
        IAD_TRY(iad_grow(&block, cap, *n + 1, sizeof **runs, MAX_RUNS, "runs of a mask", err));
        *runs = block;
        uint32_t self = (uint32_t)(*n)++;
        (*runs)[self] = (run){x0, x, y, self};
        /* 8-connected: runs of the row above that reach into [x0 - 1, x + 1). */
        while (above < end && (*runs)[above].x1 < x0) above++;
        for (size_t k = above; k < end && (*runs)[k].x0 <= x; k++) join(*runs, self, (uint32_t)k);
    }
    return IAD_OK;
}

static iad_status collect(run *runs, size_t n_runs, iad_component **items, size_t *n, iad_err *err) {
    size_t count = 0;
    for (size_t i = 0; i < n_runs; i++) count += runs[i].parent == i;
    iad_component *list = iad_calloc(count, sizeof *list);
    uint32_t *number = iad_alloc(n_runs, sizeof *number);
    if (!list || !number) {
        free(list);
        free(number);
        return IAD_NOMEM(err, "regions of a mask");
    }
    size_t next = 0;
    for (size_t i = 0; i < n_runs; i++) {
        uint32_t root = root_of(runs, (uint32_t)i);
        if (root == i) {
            number[i] = (uint32_t)next;
            list[next++] = (iad_component){runs[i].x0, runs[i].y, runs[i].x1, runs[i].y + 1, 0};
        }
        iad_component *c = &list[number[root]];
        if (runs[i].x0 < c->x0) c->x0 = runs[i].x0;
        if (runs[i].x1 > c->x1) c->x1 = runs[i].x1;
        c->y1 = runs[i].y + 1;
        c->area += runs[i].x1 - runs[i].x0;
    }
    free(number);
    *items = list;
    *n = count;
    return IAD_OK;
}

iad_status iad_components(const iad_image *mask, iad_component **items, size_t *n, iad_err *err) {
    *items = NULL;
    *n = 0;
    if (mask->channels != 1) return IAD_FAIL(err, IAD_ERR_ARG, "a mask has one channel, not %d", mask->channels);
    run *runs = NULL;
    size_t n_runs = 0, cap = 0, first = 0;
    iad_status status = IAD_OK;
    for (int y = 0; status == IAD_OK && y < mask->height; y++) {
        size_t start = n_runs;
        status = scan_row(mask, y, &runs, &n_runs, &cap, first, err);
        first = start;
    }
    if (status == IAD_OK) status = collect(runs, n_runs, items, n, err);
    free(runs);
    return status;
}
