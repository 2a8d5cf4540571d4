/* Cells of the kept picture are laid over the asking one at any place and size; sums of areas give their exact means there. Means are rounded
 * to sixteenths of a grey level, and everything that is summed up is an integer. */
#include "crawl/hash/gridmatch.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline)) /* into the variants at the end */

enum {
    FINE = IAD_MATCH_FINE,
    CELLS = IAD_MATCH_CELLS,
    ONE = 16,
    BLOCKS = 4,
    STARTS = 9,
    MIN_CELLS = 20,
    MIN_BLOCKS = 3,
    ROUNDS = 3
};

/* FLAT: variance of a block, in sixteenths squared, below which it says nothing; compression alone makes some in the details. GRAIN: noise that is
 * allowed for, likewise. */
static const double FLAT = 6.0 * ONE * ONE, GRAIN_BLOCK = 6.0 * ONE * ONE, GRAIN_ALL = 0.02 * ONE * ONE;
static const double CUT = 0.05, MAX_GAIN = 1.5;

/* Cell (x, y) of the kept picture covers x: ax + bx * x .. ax + bx * (x + 1) of the asking one, in its pixels; y likewise. */
typedef struct placing {
    double ax, ay, bx, by;
} placing;

/* Cells that lie inside both. */
typedef struct overlap {
    int x0, y0, w, h;
    int32_t asking[CELLS][CELLS], kept[CELLS][CELLS];
} overlap;

void iad_grey_sums_make(const uint8_t grey[FINE][FINE], iad_grey_sums *sums) {
    memset(sums->sum[0], 0, sizeof sums->sum[0]);
    for (int y = 0; y < FINE; y++) {
        uint32_t row = 0;
        sums->sum[y + 1][0] = 0;
        for (int x = 0; x < FINE; x++) {
            row += grey[y][x];
            sums->sum[y + 1][x + 1] = sums->sum[y][x + 1] + row;
        }
    }
}

/* First cell inside and number of cells inside along one axis. */
INLINE void inside(double a, double b, int *first, int *n) {
    const double slack = 1e-6;
    int lo = 0, hi = CELLS;
    while (lo < hi && a + b * lo < -slack) lo++;
    while (hi > lo && a + b * hi > FINE + slack) hi--;
    *first = lo;
    *n = hi - lo;
}

/* Borders of cells along one axis. Each lies at `pixel` (0..FINE-1) and a part of it; the sums there are read off a cubic through the four around
 * (Catmull-Rom): a straight line would take the pixels for flat, and fine textures would not find themselves. */
typedef struct borders {
    int32_t pixel[CELLS + 1];
    double weight[4][CELLS + 1]; /* of sums pixel - 1 .. pixel + 2 */
} borders;

INLINE void make_borders(double a, double b, int first, int n, borders *out) {
    for (int k = 0; k <= n; k++) {
        double at = a + b * (first + k);
        at = at < 0 ? 0 : at > FINE ? FINE : at;
        const int pixel = at >= FINE ? FINE - 1 : (int)at;
        const double t = at - pixel;
        out->pixel[k] = pixel;
        out->weight[0][k] = t * (-0.5 + t * (1 - 0.5 * t));
        out->weight[1][k] = 1 + t * t * (-2.5 + 1.5 * t);
        out->weight[2][k] = t * (0.5 + t * (2 - 1.5 * t));
        out->weight[3][k] = t * t * (-0.5 + 0.5 * t);
    }
}

/* The sums as numbers of floating point, by columns: at[x + 1][y]. Before the first one and behind the last one stands what the sums would be if they
 * went on as they did, so that no column is special. */
typedef struct wide_sums {
    double at[FINE + 3][FINE + 1];
} wide_sums;

INLINE void widen(const iad_grey_sums *asking, wide_sums *wide) {
    for (int y = 0; y <= FINE; y++) {
        const uint32_t *row = asking->sum[y];
        for (int x = 0; x <= FINE; x++) wide->at[x + 1][y] = row[x];
        wide->at[0][y] = -(double)row[1];
        wide->at[FINE + 2][y] = 2.0 * row[FINE] - row[FINE - 1];
    }
}

/* The sums at the vertical borders of the cells, of every row; what does not depend on the place along y. The rows go on at either end likewise. */
typedef struct columns {
    double a, b;
    int x0, w;
    double sum[FINE + 3][CELLS + 1]; /* [y + 1] */
} columns;

INLINE void read_columns(const wide_sums *asking, double a, double b, columns *c) {
    borders across;
    c->a = a;
    c->b = b;
    inside(a, b, &c->x0, &c->w);
    make_borders(a, b, c->x0, c->w, &across);
    for (int x = 0; x <= c->w; x++) {
        const double(*near)[FINE + 1] = &asking->at[across.pixel[x]];
        const double w0 = across.weight[0][x], w1 = across.weight[1][x], w2 = across.weight[2][x], w3 = across.weight[3][x];
        double column[FINE + 1];
        for (int y = 0; y <= FINE; y++) column[y] = w0 * near[0][y] + w1 * near[1][y] + w2 * near[2][y] + w3 * near[3][y];
        for (int y = 0; y <= FINE; y++) c->sum[y + 1][x] = column[y];
    }
    for (int x = 0; x <= c->w; x++) {
        c->sum[0][x] = 2 * c->sum[1][x] - c->sum[2][x];
        c->sum[FINE + 2][x] = 2 * c->sum[FINE + 1][x] - c->sum[FINE][x];
    }
}

/* 0 when too few cells lie inside both. */
INLINE int lay(const columns *c, const uint8_t kept[CELLS][CELLS], double ay, double by, overlap *o) {
    borders down;
    double corner[2][CELLS + 1];
    o->x0 = c->x0;
    o->w = c->w;
    inside(ay, by, &o->y0, &o->h);
    if (o->w < MIN_CELLS || o->h < MIN_CELLS) return 0;
    make_borders(ay, by, o->y0, o->h, &down);
    const double scale = ONE / (c->b * by);
    for (int y = 0; y <= o->h; y++) {
        const double *zero = c->sum[down.pixel[y]], *one = c->sum[down.pixel[y] + 1], *two = c->sum[down.pixel[y] + 2],
                     *three = c->sum[down.pixel[y] + 3];
        const double w0 = down.weight[0][y], w1 = down.weight[1][y], w2 = down.weight[2][y], w3 = down.weight[3][y];
        double *now = corner[y & 1];
        const double *before = corner[(y & 1) ^ 1];
        for (int x = 0; x <= o->w; x++) now[x] = w0 * zero[x] + w1 * one[x] + w2 * two[x] + w3 * three[x];
        if (!y) continue;
        const uint8_t *other = &kept[o->y0 + y - 1][o->x0];
        for (int x = 0; x < o->w; x++) { /* rounded down: towards zero, and one less where that was upwards */
            const double at = (now[x + 1] - now[x] - before[x + 1] + before[x]) * scale + 0.5;
            const int32_t whole = (int32_t)at;
            o->asking[y - 1][x] = whole - ((double)whole > at);
        }
        for (int x = 0; x < o->w; x++) o->kept[y - 1][x] = other[x] * ONE;
    }
    return 1;
}

typedef struct moments {
    double a, b;        /* means of the asking and the kept cells */
    double va, vb, cov; /* variances, covariance, times the number of cells */
    int n;
} moments;

INLINE moments moments_of(const overlap *o, int x0, int x1, int y0, int y1) {
    int64_t a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (int y = y0; y < y1; y++) {
        int32_t ra = 0, rb = 0; /* a row of products of 24 bits needs 30 */
        int32_t raa = 0, rbb = 0, rab = 0;
        for (int x = x0; x < x1; x++) {
            const int32_t p = o->asking[y][x], q = o->kept[y][x];
            ra += p;
            rb += q;
            raa += p * p;
            rbb += q * q;
            rab += p * q;
        }
        a += ra, b += rb, aa += raa, bb += rbb, ab += rab;
    }
    const int n = (x1 - x0) * (y1 - y0);
    return (moments){(double)a / n, (double)b / n, (double)(n * aa - a * a) / n, (double)(n * bb - b * b) / n, (double)(n * ab - a * b) / n, n};
}

INLINE double correlation(const moments *m, double grain) {
    const double extra = grain * m->n;
    return (m->cov + extra) / sqrt((m->va + extra) * (m->vb + extra));
}

INLINE double whole_likeness(const overlap *o) {
    const moments m = moments_of(o, 0, o->w, 0, o->h);
    return correlation(&m, GRAIN_ALL);
}

/* One block when the asking picture is gain * kept + offset: 1 less the share of its differences; what is 1 for equal blocks and a correlation for
 * blocks of equal mean and variance. A correlation alone would call any two rings of one size alike, whatever their shades. */
INLINE double alike(const moments *m, double gain, double offset) {
    const double away = m->a - gain * m->b - offset, vb = gain * gain * m->vb;
    const double differences = m->va + vb - 2 * gain * m->cov + away * away * m->n;
    return 1 - differences / (m->va + vb + 2 * GRAIN_BLOCK * m->n);
}

INLINE int most_reach(const moments *block, double gain, double offset) {
    double value[BLOCKS * BLOCKS];
    int n = 0;
    for (int b = 0; b < BLOCKS * BLOCKS; b++) {
        const moments *m = &block[b];
        const double now = alike(m, gain, offset);
        if (m->va < FLAT * m->n && m->vb < FLAT * m->n && now > 0) continue; /* both flat and of one shade: that says nothing */
        int at = n++;
        for (; at > 0 && value[at - 1] < now; at--) value[at] = value[at - 1];
        value[at] = now;
    }
    if (n < MIN_BLOCKS) return IAD_MATCH_UNKNOWN;
    const double reached = value[n * 56 / 100];
    return reached > 0 ? (int)(1000 * reached + 0.5) : 0;
}

/* As they are, and with the one change of brightness and contrast that fits best. */
INLINE int block_likeness(const overlap *o) {
    moments block[BLOCKS * BLOCKS];
    for (int b = 0; b < BLOCKS * BLOCKS; b++) {
        const int row = b / BLOCKS, column = b % BLOCKS;
        block[b] = moments_of(o, o->w * column / BLOCKS, o->w * (column + 1) / BLOCKS, o->h * row / BLOCKS, o->h * (row + 1) / BLOCKS);
    }
    const moments all = moments_of(o, 0, o->w, 0, o->h);
    const int plain = most_reach(block, 1, 0);
    const double gain = all.vb > 0 ? all.cov / all.vb : 0;
    if (gain < 1 / MAX_GAIN || gain > MAX_GAIN) return plain;
    const int fitted = most_reach(block, gain, all.a - gain * all.b);
    return fitted > plain ? fitted : plain;
}

/* Leaves the details: from every cell the mean of the 5 x 5 around it (fewer at the border) is taken away. */
INLINE void keep_details(int32_t cell[CELLS][CELLS], int w, int h) {
    enum { REACH = 2 };
    int32_t sum[CELLS + 1][CELLS + 1];
    for (int x = 0; x <= w; x++) sum[0][x] = 0;
    for (int y = 0; y < h; y++) {
        sum[y + 1][0] = 0;
        for (int x = 0, row = 0; x < w; x++) sum[y + 1][x + 1] = sum[y][x + 1] + (row += cell[y][x]);
    }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const int x0 = x < REACH ? 0 : x - REACH, x1 = x + REACH + 1 > w ? w : x + REACH + 1, y0 = y < REACH ? 0 : y - REACH,
                      y1 = y + REACH + 1 > h ? h : y + REACH + 1;
            cell[y][x] -= (sum[y1][x1] - sum[y0][x1] - sum[y1][x0] + sum[y0][x0]) / ((x1 - x0) * (y1 - y0));
        }
}

/* The lesser likeness of the two pictures and of their details. */
INLINE int full_likeness(overlap *o) {
    const int shades = block_likeness(o);
    keep_details(o->asking, o->w, o->h);
    keep_details(o->kept, o->w, o->h);
    const int details = block_likeness(o);
    return shades < details ? shades : details;
}

/* Keeps the better placing. */
INLINE void try_placing(const columns *c, const uint8_t kept[CELLS][CELLS], const placing *p, placing *best, double *likeness, overlap *room) {
    if (!lay(c, kept, p->ay, p->by, room)) return;
    const double now = whole_likeness(room);
    if (now <= *likeness) return;
    *likeness = now;
    *best = *p;
}

INLINE int match(const iad_grey_sums *asking, const uint8_t kept[CELLS][CELLS], int quick) {
    const double cell = (double)FINE / CELLS;
    placing best = {0, 0, cell, cell};
    overlap room;
    columns c;
    wide_sums wide;
    widen(asking, &wide);
    read_columns(&wide, 0, cell, &c);
    lay(&c, kept, 0, cell, &room);
    double likeness = whole_likeness(&room);
    const int straight = full_likeness(&room);
    if (quick) return straight;
    for (int larger = 0; larger < 2; larger++) {
        /* The asking picture is a piece of the kept one, whose cells are then larger in it and begin outside; or the other way round. */
        const double size = larger ? 1 - CUT : 1 / (1 - CUT), range = larger ? CUT * FINE : -CUT / (1 - CUT) * FINE;
        for (int x = 0; x < STARTS; x++) {
            placing p = {range * x / (STARTS - 1), 0, cell * size, cell * size};
            read_columns(&wide, p.ax, p.bx, &c);
            for (int y = 0; y < STARTS; y++) {
                p.ay = range * y / (STARTS - 1);
                try_placing(&c, kept, &p, &best, &likeness, &room);
            }
        }
    }
    double step = FINE / 320.0, stretch = cell / 320;
    for (int round = 0; round < ROUNDS; round++, step *= 0.6, stretch *= 0.6)
        for (int k = 0; k < 8; k++) {
            const double sign = k % 2 ? 1 : -1;
            placing p = best;
            if (k < 2) p.ax += sign * step;
            else if (k < 4) p.ay += sign * step;
            else if (k < 6) p.bx += sign * stretch, p.ax -= sign * stretch * CELLS / 2; /* about the middle */
            else p.by += sign * stretch, p.ay -= sign * stretch * CELLS / 2;
            read_columns(&wide, p.ax, p.bx, &c);
            try_placing(&c, kept, &p, &best, &likeness, &room);
        }
    read_columns(&wide, best.ax, best.bx, &c);
    lay(&c, kept, best.ay, best.by, &room);
    const int aligned = full_likeness(&room);
    return aligned > straight ? aligned : straight;
}

/* The same code for the compiler to widen. Everything is done element by element and the compiler may not contract, so the results are the same. */
int iad_grid_match_plain(const iad_grey_sums *asking, const uint8_t kept[CELLS][CELLS], int quick) { return match(asking, kept, quick); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) static int match_avx2(const iad_grey_sums *asking, const uint8_t kept[CELLS][CELLS], int quick) {
    return match(asking, kept, quick);
}
#endif

int iad_grid_match(const iad_grey_sums *asking, const uint8_t kept[CELLS][CELLS], int quick) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return match_avx2(asking, kept, quick);
#endif
    return iad_grid_match_plain(asking, kept, quick);
}
