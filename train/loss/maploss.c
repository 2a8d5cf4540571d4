#include "train/loss/maploss.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "train/loss/bilinear.h"

enum { MAX_SIDE = 4096 };

static const double RANGE_FLOOR = 1e-12; /* e0 of train page 5.3: keeps a constant map from dividing by 0 */
static const double P_FLOOR = 1e-5;      /* probabilities of the focal loss stay this far from 0 and 1 */

iad_map_options iad_map_options_default(void) {
    return (iad_map_options){.norm = IAD_MAP_LAG, .focal = IAD_FOCAL_TWO_MAPS, .gamma = 2, .w_focal = 1, .w_dice_a = 1, .w_dice_n = 1,
                             .dice_smooth = 1, .gain = 4};
}

/* ---- losses on the mask's grid ---- */

/* The derivative at value v with slope g of a clamp to [lo, hi]: descent goes against g. */
static double through_clamp(const iad_map_options *o, double v, double lo, double hi, double g) {
    if (v >= lo && v <= hi) return g;
    return o->pass_clamp && ((v < lo && g < 0) || (v > hi && g > 0)) ? g : 0;
}

/* f(p) = -(1 - p)^gamma ln p with p clamped, and its derivative. */
static double focal_of(const iad_map_options *o, double p, double *slope) {
    double q = p < P_FLOOR ? P_FLOOR : p > 1 - P_FLOOR ? 1 - P_FLOOR : p;
    double log_q = iad_log(q), power = iad_pow(1 - q, o->gamma);
    *slope = through_clamp(o, p, P_FLOOR, 1 - P_FLOOR, o->gamma * power / (1 - q) * log_q - power / q);
    return -power * log_q;
}

/* Mean focal loss over n cells; its weighted gradient is added to da, dn. */
static double focal(const iad_map_options *o, const double *ua, const double *un, const float *mask, long n, double *da, double *dn) {
    double sum = 0, scale = o->w_focal / (double)n;
    for (long i = 0; i < n; i++) {
        double y = mask[i], slope_a, slope_n;
        if (o->focal == IAD_FOCAL_TWO_MAPS) {
            sum += y * focal_of(o, ua[i], &slope_a) + (1 - y) * focal_of(o, un[i], &slope_n);
            da[i] += scale * y * slope_a;
            dn[i] += scale * (1 - y) * slope_n;
        } else if (o->focal == IAD_FOCAL_ONE_MAP) {
            sum += y * focal_of(o, ua[i], &slope_a) + (1 - y) * focal_of(o, 1 - ua[i], &slope_n);
            da[i] += scale * (y * slope_a - (1 - y) * slope_n);
        } else {
            double total = ua[i] + un[i] + 2 * P_FLOOR, p = (ua[i] + P_FLOOR) / total;
            sum += y * focal_of(o, p, &slope_a) + (1 - y) * focal_of(o, 1 - p, &slope_n);
            double slope = scale * (y * slope_a - (1 - y) * slope_n) / total;
            da[i] += slope * (1 - p);
            dn[i] -= slope * p;
        }
    }
    return sum / (double)n;
}

/* 1 - (2 I + s) / (sum U + sum Y + s) against the mask (invert 1: against 1 - mask); weight times its gradient is added to du. */
static double dice(const double *u, const float *mask, int invert, long n, double smooth, double weight, double *du) {
    double both = 0, total = smooth;
    for (long i = 0; i < n; i++) {
        double y = invert ? 1.0 - mask[i] : mask[i];
        both += u[i] * y;
        total += u[i] + y;
    }
    if (total <= 0) return 0; /* smooth 0 and nothing on either side */
    double top = 2 * both + smooth;
    for (long i = 0; i < n; i++) {
        double y = invert ? 1.0 - mask[i] : mask[i];
        du[i] += weight * (-2 * y / total + top / (total * total));
    }
    return 1 - top / total;
}

/* s [2][h w] -> losses of the item, and their gradient g [2][h w] (SET). u, du: scratch [2][mask cells]. */
static void on_mask(const iad_map_options *o, iad_map_item *item, const double *s, double *g, double *u, double *du) {
    long n = (long)item->h * item->w, m = (long)item->mask_h * item->mask_w;
    for (int c = 0; c < 2; c++) iad_bilinear(s + c * n, item->h, item->w, u + c * m, item->mask_h, item->mask_w);
    for (long i = 0; i < 2 * m; i++) du[i] = 0;
    for (long i = 0; i < 2 * n; i++) g[i] = 0;
    item->focal = o->w_focal * focal(o, u, u + m, item->mask, m, du, du + m);
    item->dice = o->w_dice_a * dice(u, item->mask, 0, m, o->dice_smooth, o->w_dice_a, du);
    item->dice += o->w_dice_n * dice(u + m, item->mask, 1, m, o->dice_smooth, o->w_dice_n, du + m);
    for (int c = 0; c < 2; c++) iad_bilinear_adjoint(du + c * m, item->mask_h, item->mask_w, g + c * n, item->h, item->w);
}

/* ---- normalisation ---- */

/* Extremes of a class over the items, and where they stand first. */
typedef struct extremes {
    double lo, hi;
    int lo_item, hi_item;
    long lo_at, hi_at;
} extremes;

static extremes extremes_of(const iad_map_item *items, int n, int c) {
    extremes e = {.lo = INFINITY, .hi = -INFINITY};
    for (int i = 0; i < n; i++) {
        long cells = (long)items[i].h * items[i].w;
        for (long j = 0; j < cells; j++) {
            double a = items[i].raw[c * cells + j];
            if (a < e.lo) e.lo = a, e.lo_item = i, e.lo_at = j;
            if (a > e.hi) e.hi = a, e.hi_item = i, e.hi_at = j;
        }
    }
    return e;
}

static double clamp01(double v) { return v < 0 ? 0 : v > 1 ? 1 : v; }

/* Scratch of a group: for every item s and g [2][cells] one after the other, and u, du of the largest mask. */
typedef struct scratch {
    double *s, *g, *u, *du;
} scratch;

/* Items normalised together. range NULL: by their own extremes, with the gradient through them (train page 5.3, "batch"). */
static void group_loss(const iad_map_options *o, const iad_map_range *range, iad_map_item *items, int n, const scratch *t) {
    extremes own[2];
    double delta[2], sum_g[2] = {0, 0}, sum_gs[2] = {0, 0};
    for (int c = 0; c < 2; c++) {
        own[c] = range != NULL ? (extremes){.lo = range->lo[c], .hi = range->hi[c]} : extremes_of(items, n, c);
        delta[c] = own[c].hi - own[c].lo + RANGE_FLOOR;
    }
    long at = 0;
    for (int i = 0; i < n; i++) {
        long cells = (long)items[i].h * items[i].w;
        double *s = t->s + at, *g = t->g + at;
        for (int c = 0; c < 2; c++)
            for (long j = c * cells; j < (c + 1) * cells; j++) s[j] = clamp01((items[i].raw[j] - own[c].lo) / delta[c]);
        on_mask(o, &items[i], s, g, t->u, t->du);
        for (int c = 0; c < 2; c++)
            for (long j = c * cells; j < (c + 1) * cells; j++) {
                if (range != NULL) g[j] = through_clamp(o, (items[i].raw[j] - own[c].lo) / delta[c], 0, 1, g[j]);
                sum_g[c] += g[j];
                sum_gs[c] += g[j] * s[j];
                g[j] /= delta[c];
            }
        at += 2 * cells;
    }
    at = 0;
    for (int i = 0; i < n; i++) {
        long cells = (long)items[i].h * items[i].w;
        double *g = t->g + at;
        for (int c = 0; c < 2 && range == NULL; c++) {
            if (own[c].lo_item == i) g[c * cells + own[c].lo_at] += (sum_gs[c] - sum_g[c]) / delta[c];
            if (own[c].hi_item == i) g[c * cells + own[c].hi_at] -= sum_gs[c] / delta[c];
        }
        for (long j = 0; j < 2 * cells && items[i].draw != NULL; j++) items[i].draw[j] = (float)g[j];
        at += 2 * cells;
    }
}

/* Every cell's share of its map, times the number of cells, over the gain. */
static void share_loss(const iad_map_options *o, iad_map_item *item, const scratch *t) {
    long cells = (long)item->h * item->w;
    double total[2] = {0, 0}, factor = (double)cells / o->gain;
    for (int c = 0; c < 2; c++) {
        for (long j = c * cells; j < (c + 1) * cells; j++) total[c] += item->raw[j];
        for (long j = c * cells; j < (c + 1) * cells; j++) t->s[j] = total[c] > 0 ? clamp01(factor * item->raw[j] / total[c]) : 0;
    }
    on_mask(o, item, t->s, t->g, t->u, t->du);
    for (int c = 0; c < 2 && item->draw != NULL; c++) {
        double mean = 0;
        for (long j = c * cells; j < (c + 1) * cells && total[c] > 0; j++) {
            t->g[j] = through_clamp(o, factor * item->raw[j] / total[c], 0, 1, t->g[j]);
            mean += t->g[j] * item->raw[j] / total[c];
        }
        for (long j = c * cells; j < (c + 1) * cells; j++) item->draw[j] = total[c] > 0 ? (float)(factor * (t->g[j] - mean) / total[c]) : 0;
    }
}

/* ---- entry points ---- */

static int side_ok(int side) { return side >= 1 && side <= MAX_SIDE; }

static iad_status check(const iad_map_options *o, const iad_map_item *item, iad_err *err) {
    if (!side_ok(item->h) || !side_ok(item->w) || !side_ok(item->mask_h) || !side_ok(item->mask_w))
        return IAD_FAIL(err, IAD_ERR_ARG, "a map of %d x %d against a mask of %d x %d: sides of 1 to %d", item->h, item->w, item->mask_h,
                        item->mask_w, MAX_SIDE);
    if (!(o->gamma >= 0) || !(o->dice_smooth >= 0) || !(o->gain > 0))
        return IAD_FAIL(err, IAD_ERR_ARG, "map loss: gamma, dice_smooth or gain is negative");
    return IAD_OK;
}

static iad_status with_scratch(const iad_map_options *o, const iad_map_range *range, iad_map_item *items, int n, iad_err *err) {
    size_t cells = 0, mask = 0;
    for (int i = 0; i < n; i++) {
        IAD_TRY(check(o, &items[i], err));
        size_t here = (size_t)items[i].mask_h * (size_t)items[i].mask_w;
        cells += (size_t)items[i].h * (size_t)items[i].w;
        if (here > mask) mask = here;
    }
    double *block = iad_alloc(4 * (cells + mask), sizeof *block);
    if (block == NULL) return IAD_NOMEM(err, "the map loss");
    const scratch t = {block, block + 2 * cells, block + 4 * cells, block + 4 * cells + 2 * mask};
    if (o->norm == IAD_MAP_SHARE) share_loss(o, items, &t);
    else group_loss(o, range, items, n, &t);
    free(block);
    return IAD_OK;
}

iad_status iad_map_loss(const iad_map_options *options, const iad_map_range *range, const float *raw, int h, int w, const float *mask, int mask_h,
                        int mask_w, double *focal_loss, double *dice_loss, float *draw, iad_err *err) {
    iad_map_item item = {.raw = raw, .h = h, .w = w, .mask = mask, .mask_h = mask_h, .mask_w = mask_w, .draw = draw};
    if (options->norm == IAD_MAP_BATCH) return IAD_FAIL(err, IAD_ERR_ARG, "maps that are normalised over a batch need the whole batch");
    if (options->norm == IAD_MAP_LAG && range == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "the range of the last step's maps is missing");
    IAD_TRY(with_scratch(options, options->norm == IAD_MAP_LAG ? range : NULL, &item, 1, err));
    *focal_loss = item.focal;
    *dice_loss = item.dice;
    return IAD_OK;
}

iad_status iad_map_loss_batch(const iad_map_options *options, iad_map_item *items, int n, iad_err *err) {
    if (options->norm != IAD_MAP_BATCH) return IAD_FAIL(err, IAD_ERR_ARG, "these maps are not normalised over a batch");
    return with_scratch(options, NULL, items, n, err);
}
