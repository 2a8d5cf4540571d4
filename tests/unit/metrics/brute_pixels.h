/* Slow, literal definitions of the pixel metrics for small sets: the oracle of the tests. */
#ifndef TEST_BRUTE_PIXELS_H
#define TEST_BRUTE_PIXELS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/metrics/mapset.h"

#define BRUTE_MAX_PIXELS 4096
#define BRUTE_MAX_REGIONS 2048

typedef struct brute {
    int n;                                /* pixels of all pictures */
    double s[BRUTE_MAX_PIXELS];
    int region[BRUTE_MAX_PIXELS];         /* -1: normal pixel */
    int picture[BRUTE_MAX_PIXELS];
    double threshold[BRUTE_MAX_PIXELS];   /* distinct scores, descending */
    int n_thresholds;
    double area[BRUTE_MAX_REGIONS];
    int regions;
    double p, q;
} brute;

static inline void brute_flood(const iad_map_view *v, int *region, int x, int y, int id, int connectivity) {
    if (x < 0 || y < 0 || x >= v->width || y >= v->height) return;
    int at = y * v->width + x;
    if (!v->mask[at] || region[at] >= 0) return;
    region[at] = id;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            if ((dx || dy) && (connectivity == 8 || !dx || !dy)) brute_flood(v, region, x + dx, y + dy, id, connectivity);
}

static inline int brute_down(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x > y ? -1 : x < y;
}

static inline void brute_load(brute *b, const iad_map_view *views, size_t count, int connectivity) {
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < count; i++) {
        const iad_map_view *v = views + i;
        int base = b->n, size = v->width * v->height;
        for (int j = 0; j < size; j++) {
            b->s[base + j] = (double)v->map[j];
            b->region[base + j] = -1;
            b->picture[base + j] = (int)i;
        }
        if (v->mask)
            for (int j = 0; j < size; j++)
                if (v->mask[j] && b->region[base + j] < 0)
                    brute_flood(v, b->region + base, j % v->width, j / v->width, b->regions++, connectivity);
        b->n += size;
    }
    for (int j = 0; j < b->n; j++) {
        b->threshold[j] = b->s[j];
        if (b->region[j] >= 0) {
            b->area[b->region[j]]++;
            b->p++;
        }
    }
    b->q = b->n - b->p;
    qsort(b->threshold, (size_t)b->n, sizeof(double), brute_down);
    for (int j = 0; j < b->n; j++)
        if (!b->n_thresholds || b->threshold[j] != b->threshold[b->n_thresholds - 1]) b->threshold[b->n_thresholds++] = b->threshold[j];
}

/* Predicted iff s >= t (strict 0) or s > t. */
static inline void brute_at(const brute *b, double t, int strict, double *tp, double *fp, double *pro) {
    static double found[BRUTE_MAX_REGIONS];
    memset(found, 0, sizeof found);
    *tp = *fp = *pro = 0;
    for (int j = 0; j < b->n; j++) {
        if (strict ? !(b->s[j] > t) : !(b->s[j] >= t)) continue;
        if (b->region[j] >= 0) {
            ++*tp;
            found[b->region[j]]++;
        } else {
            ++*fp;
        }
    }
    for (int r = 0; r < b->regions; r++) *pro += found[r] / b->area[r] / b->regions;
}

static inline double brute_auroc(const brute *b) {
    double sum = 0;
    for (int i = 0; i < b->n; i++)
        for (int j = 0; j < b->n; j++)
            if (b->region[i] >= 0 && b->region[j] < 0) sum += b->s[i] > b->s[j] ? 1 : b->s[i] == b->s[j] ? 0.5 : 0;
    return sum / (b->p * b->q);
}

/* The MVTec curve: all distinct thresholds, straight lines between them, (0,0) in front, cut at the limit. */
static inline double brute_aupro(const brute *b, double limit) {
    double x0 = 0, y0 = 0, area = 0;
    for (int k = 0; k < b->n_thresholds; k++) {
        double tp, x, y;
        brute_at(b, b->threshold[k], 0, &tp, &x, &y);
        x /= b->q;
        if (x > limit) {
            double cut = y0 + (y - y0) * (limit - x0) / (x - x0);
            return (area + (limit - x0) * (y0 + cut) / 2) / limit;
        }
        area += (x - x0) * (y0 + y) / 2;
        x0 = x;
        y0 = y;
    }
    return area / limit;
}

/* AP, trapezoid AUPR, F1-max and its threshold. */
static inline void brute_precision(const brute *b, double *ap, double *aupr, double *f1, double *at) {
    double r0 = 0, p0 = 1;
    *ap = *aupr = 0;
    *f1 = -1;
    for (int k = 0; k < b->n_thresholds; k++) {
        double tp, fp, pro;
        brute_at(b, b->threshold[k], 0, &tp, &fp, &pro);
        double r = tp / b->p, p = tp / (tp + fp), f = 2 * tp / (tp + fp + b->p);
        *ap += (r - r0) * p;
        *aupr += (r - r0) * (p + p0) / 2;
        if (f > *f1) {
            *f1 = f;
            *at = b->threshold[k];
        }
        r0 = r;
        p0 = p;
    }
}

#endif
