/* Cells of the kept picture are laid over the asking one at any place and size; sums of areas give their exact means there. Means are rounded
 * to sixteenths of a grey level, and everything that is summed up is an integer. */
#include "crawl/hash/gridmatch.h"

#include <math.h>
#include <string.h>

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
static void inside(double a, double b, int *first, int *n) {
    const double slack = 1e-6;
    int lo = 0, hi = CELLS;
    while (lo < hi && a + b * lo < -slack) lo++;
    while (hi > lo && a + b * hi > FINE + slack) hi--;
    *first = lo;
    *n = hi - lo;
}

/* A border lies at `pixel` (0..FINE-1) and a part of it; the sums there are read off a cubic through the four around (Catmull-Rom): a straight line
 * would take the pixels for flat, and fine textures would not find themselves. */
typedef struct border {
    int pixel;
    double weight[4]; /* of sums pixel - 1 .. pixel + 2 */
} border;

static void borders(double a, double b, int first, int n, border out[CELLS + 1]) {
    for (int k = 0; k <= n; k++) {
        double at = a + b * (first + k);
        at = at < 0 ? 0 : at > FINE ? FINE : at;
        out[k].pixel = at >= FINE ? FINE - 1 : (int)at;
        const double t = at - out[k].pixel;
        out[k].weight[0] = t * (-0.5 + t * (1 - 0.5 * t));
        out[k].weight[1] = 1 + t * t * (-2.5 + 1.5 * t);
        out[k].weight[2] = t * (0.5 + t * (2 - 1.5 * t));
        out[k].weight[3] = t * t * (-0.5 + 0.5 * t);
    }
}

/* The sums at the vertical borders of the cells, of every row; what does not depend on the place along y. */
typedef struct columns {
    double a, b;
    int x0, w;
    double sum[FINE + 1][CELLS + 1];
} columns;

static void read_columns(const iad_grey_sums *asking, double a, double b, columns *c) {
    border across[CELLS + 1];
    c->a = a;
    c->b = b;
    inside(a, b, &c->x0, &c->w);
    borders(a, b, c->x0, c->w, across);
    for (int y = 0; y <= FINE; y++) {
        const uint32_t *row = asking->sum[y];
        /* Behind the edges the sums go on as they did. */
        const double before = -(double)row[1], behind = 2.0 * row[FINE] - row[FINE - 1];
        for (int x = 0; x <= c->w; x++) {
            const border *at = &across[x];
            const double first = at->pixel ? row[at->pixel - 1] : before, last = at->pixel + 2 <= FINE ? row[at->pixel + 2] : behind;
            c->sum[y][x] = at->weight[0] * first + at->weight[1] * row[at->pixel] + at->weight[2] * row[at->pixel + 1] + at->weight[3] * last;
        }
    }
}

/* 0 when too few cells lie inside both. */
static int lay(const columns *c, const uint8_t kept[CELLS][CELLS], double ay, double by, overlap *o) {
    border down[CELLS + 1];
    double corner[2][CELLS + 1];
    o->x0 = c->x0;
    o->w = c->w;
    inside(ay, by, &o->y0, &o->h);
    if (o->w < MIN_CELLS || o->h < MIN_CELLS) return 0;
    borders(ay, by, o->y0, o->h, down);
    const double scale = ONE / (c->b * by);
    for (int y = 0; y <= o->h; y++) {
        const border *at = &down[y];
        double *now = corner[y & 1];
        const double *before = corner[(y & 1) ^ 1];
        for (int x = 0; x <= o->w; x++) {
            const double one = c->sum[at->pixel][x], two = c->sum[at->pixel + 1][x];
            const double zero = at->pixel ? c->sum[at->pixel - 1][x] : 2 * one - two,
                         three = at->pixel + 2 <= FINE ? c->sum[at->pixel + 2][x] : 2 * two - one;
            now[x] = at->weight[0] * zero + at->weight[1] * one + at->weight[2] * two + at->weight[3] * three;
        }
        for (int x = 0; y && x < o->w; x++) {
            o->asking[y - 1][x] = (int32_t)floor((now[x + 1] - now[x] - before[x + 1] + before[x]) * scale + 0.5);
            o->kept[y - 1][x] = kept[o->y0 + y - 1][o->x0 + x] * ONE;
        }
    }
    return 1;
}

typedef struct moments {
    double a, b;        /* means of the asking and the kept cells */
    double va, vb, cov; /* variances, covariance, times the number of cells */
    int n;
} moments;

static moments moments_of(const overlap *o, int x0, int x1, int y0, int y1) {
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

static double correlation(const moments *m, double grain) {
    const double extra = grain * m->n;
    return (m->cov + extra) / sqrt((m->va + extra) * (m->vb + extra));
}

static double whole_likeness(const overlap *o) {
    const moments m = moments_of(o, 0, o->w, 0, o->h);
    return correlation(&m, GRAIN_ALL);
}

/* One block when the asking picture is gain * kept + offset: 1 less the share of its differences; what is 1 for equal blocks and a correlation for
 * blocks of equal mean and variance. A correlation alone would call any two rings of one size alike, whatever their shades. */
static double alike(const moments *m, double gain, double offset) {
    const double away = m->a - gain * m->b - offset, vb = gain * gain * m->vb;
    const double differences = m->va + vb - 2 * gain * m->cov + away * away * m->n;
    return 1 - differences / (m->va + vb + 2 * GRAIN_BLOCK * m->n);
}

static int most_reach(const moments *block, double gain, double offset) {
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
static int block_likeness(const overlap *o) {
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
static void keep_details(int32_t cell[CELLS][CELLS], int w, int h) {
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
static int full_likeness(overlap *o) {
    const int shades = block_likeness(o);
    keep_details(o->asking, o->w, o->h);
    keep_details(o->kept, o->w, o->h);
    const int details = block_likeness(o);
    return shades < details ? shades : details;
}

/* Keeps the better placing. */
static void try_placing(const columns *c, const uint8_t kept[CELLS][CELLS], const placing *p, placing *best, double *likeness, overlap *room) {
    if (!lay(c, kept, p->ay, p->by, room)) return;
    const double now = whole_likeness(room);
    if (now <= *likeness) return;
    *likeness = now;
    *best = *p;
}

int iad_grid_match(const iad_grey_sums *asking, const uint8_t kept[CELLS][CELLS], int quick) {
    const double cell = (double)FINE / CELLS;
    placing best = {0, 0, cell, cell};
    overlap room;
    columns c;
    read_columns(asking, 0, cell, &c);
    lay(&c, kept, 0, cell, &room);
    double likeness = whole_likeness(&room);
    const int straight = full_likeness(&room);
    if (quick) return straight;
    for (int larger = 0; larger < 2; larger++) {
        /* The asking picture is a piece of the kept one, whose cells are then larger in it and begin outside; or the other way round. */
        const double size = larger ? 1 - CUT : 1 / (1 - CUT), range = larger ? CUT * FINE : -CUT / (1 - CUT) * FINE;
        for (int x = 0; x < STARTS; x++) {
            placing p = {range * x / (STARTS - 1), 0, cell * size, cell * size};
            read_columns(asking, p.ax, p.bx, &c);
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
            read_columns(asking, p.ax, p.bx, &c);
            try_placing(&c, kept, &p, &best, &likeness, &room);
        }
    read_columns(asking, best.ax, best.bx, &c);
    lay(&c, kept, best.ay, best.by, &room);
    const int aligned = full_likeness(&room);
    return aligned > straight ? aligned : straight;
}
