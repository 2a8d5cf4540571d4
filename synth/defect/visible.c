#include "synth/defect/visible.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "synth/defect/visiblebox.h"

#define MEAN_PAD 1
#define MEDIAN_PAD 2
#define MAX_GROW 4096
#define DIFF_BLOCK 256 /* pixels whose bytes are compared at once */

/* A byte plane of scratch. */
typedef struct plane {
    uint8_t *px;
    int w, h;
    size_t stride;
} plane;

/* Lines of scratch: two of w + 4 sums, one of bytes, wide enough for every step. */
typedef struct scratch {
    uint16_t *lines;
    uint8_t *line;
} scratch;

static iad_status plane_init(plane *p, int w, int h, iad_err *err) {
    p->w = w;
    p->h = h;
    p->stride = (size_t)w;
    p->px = iad_calloc((size_t)w * (size_t)h, 1);
    return p->px ? IAD_OK : IAD_NOMEM(err, "a mask");
}

static void row_or(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, int n) {
    for (int i = 0; i < n; i++) out[i] = a[i] | b[i];
}

static void row_and(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, int n) {
    for (int i = 0; i < n; i++) out[i] = a[i] & b[i];
}

/* Every pixel becomes the union (all 0: the section) of the (2r+1) x (2r+1) square whose upper left corner it is; the plane shrinks by 2r
 * in both directions. Windows are put together from windows of half the length. */
static void windows(plane *p, int r, int section, uint8_t *line) {
    void (*join)(uint8_t *restrict, const uint8_t *restrict, const uint8_t *restrict, int) = section ? row_and : row_or;
    int k = 2 * r + 1, have = 1;
    if (r == 0) return;
    while (have < k) {
        int step = have * 2 <= k ? have : k - have;
        for (int y = 0; y < p->h; y++) {
            uint8_t *row = p->px + (size_t)y * p->stride;
            int n = p->w - (have + step) + 1;
            join(line, row, row + step, n);
            memcpy(row, line, (size_t)n);
        }
        have += step;
    }
    for (have = 1; have < k;) {
        int step = have * 2 <= k ? have : k - have;
        for (int y = 0; y + have + step <= p->h; y++) {
            uint8_t *row = p->px + (size_t)y * p->stride;
            join(line, row, row + (size_t)step * p->stride, p->w - 2 * r);
            memcpy(row, line, (size_t)(p->w - 2 * r));
        }
        have += step;
    }
    p->w -= 2 * r;
    p->h -= 2 * r;
}

/* How many positions of at-reach..at+reach lie in 0..n-1. */
static int inside(int at, int reach, int n) {
    int lo = at - reach < 0 ? 0 : at - reach, hi = at + reach >= n ? n - 1 : at + reach;
    return hi < lo ? 0 : hi - lo + 1;
}

/* Sum over the channels of |after - before|, with two pixels of zeros around: diff[h + 4][w + 4]. */
static void differences(const iad_visible_box *v, int w, int h, uint16_t *diff) {
    size_t stride = (size_t)w + 4;
    uint8_t apart[3 * DIFF_BLOCK];
    for (int y = 0; y < h; y++) {
        const uint8_t *restrict a = v->before + (size_t)y * v->before_stride;
        const uint8_t *restrict b = v->after + (size_t)y * v->after_stride;
        uint16_t *restrict out = diff + ((size_t)y + 2) * stride + 2;
        if (v->channels == 1) {
            for (int x = 0; x < w; x++) out[x] = (uint16_t)(a[x] > b[x] ? a[x] - b[x] : b[x] - a[x]);
        } else {
            for (int first = 0; first < w; first += DIFF_BLOCK) {
                int n = w - first < DIFF_BLOCK ? w - first : DIFF_BLOCK;
                for (int i = 0; i < 3 * n; i++) {
                    uint8_t p = a[3 * first + i], q = b[3 * first + i];
                    apart[i] = (uint8_t)(p > q ? p - q : q - p);
                }
                for (int x = 0; x < n; x++) out[first + x] = (uint16_t)(apart[3 * x] + apart[3 * x + 1] + apart[3 * x + 2]);
            }
        }
    }
}

/* over[h + 4][w + 4] = 1 where the (3x3 mean of the) difference exceeds the tolerance; pixels outside of the picture do not count. */
static void threshold(const iad_visible_box *v, const iad_visible_rule *rule, int w, int h, const uint16_t *diff, uint16_t *lines, plane *over) {
    int stride = w + 4, level = rule->tol * v->channels;
    uint16_t *sum = lines, *limit = lines + stride;
    for (int y = 1; y < h + 3; y++) {
        int py = v->box.y0 + y - 2;
        if (py < 0 || py >= v->height) continue;
        const uint16_t *row = diff + (size_t)y * (size_t)stride;
        uint8_t *out = over->px + (size_t)y * over->stride;
        if (!rule->smooth) {
            for (int x = 0; x < stride; x++) out[x] = row[x] > level;
            continue;
        }
        const uint16_t *restrict up = row - stride, *restrict mid = row, *restrict down = row + stride;
        uint16_t *restrict s = sum;
        for (int x = 0; x < stride; x++) s[x] = (uint16_t)(up[x] + mid[x] + down[x]);
        int rows = inside(py, MEAN_PAD, v->height);
        for (int x = 1; x + 1 < stride; x++) limit[x] = (uint16_t)(level * 3 * rows);
        for (int side = 0; side < 2; side++) { /* where a column is missing */
            int x = side ? v->width - 1 - v->box.x0 + 2 : 2 - v->box.x0;
            if (x >= 1 && x + 1 < stride) limit[x] = (uint16_t)(level * rows * inside(side ? v->width - 1 : 0, MEAN_PAD, v->width));
        }
        for (int x = 1; x + 1 < stride; x++) out[x] = (uint16_t)(s[x - 1] + s[x] + s[x + 1]) > limit[x];
        if (v->box.x0 == 0) out[1] = 0; /* a column outside of the picture */
        if (v->box.x1 == v->width) out[w + 2] = 0;
    }
}

/* 5x5 median of a binary picture: 1 where more than half of the pixels inside the picture are. */
static void majority(const iad_visible_box *v, int w, int h, const plane *over, uint8_t *line, plane *out, int pad) {
    for (int y = 0; y < h; y++) {
        const uint8_t *restrict a = over->px + (size_t)y * over->stride, *restrict b = a + over->stride, *restrict c = b + over->stride,
                      *restrict d = c + over->stride, *restrict e = d + over->stride;
        uint8_t *restrict column = line;
        for (int x = 0; x < w + 4; x++) column[x] = (uint8_t)(a[x] + b[x] + c[x] + d[x] + e[x]);
        int rows = inside(v->box.y0 + y, MEDIAN_PAD, v->height);
        uint8_t *restrict to = out->px + (size_t)(y + pad) * out->stride + pad;
        uint8_t half = (uint8_t)(rows * 5 / 2);
        for (int x = 0; x < w; x++) to[x] = (uint8_t)(column[x] + column[x + 1] + column[x + 2] + column[x + 3] + column[x + 4]) > half;
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < MEDIAN_PAD; i++) {
                int px = side ? v->width - 1 - i : i, x = px - v->box.x0;
                if (x < 0 || x >= w) continue;
                int n = column[x] + column[x + 1] + column[x + 2] + column[x + 3] + column[x + 4];
                to[x] = 2 * n > rows * inside(px, MEDIAN_PAD, v->width);
            }
    }
}

/* The pasted area grown by `grow` pixels, [h][w] of 0 and 1. */
static iad_status grown_geom(const iad_visible_box *v, int w, int h, int grow, uint8_t *line, plane *near, int64_t *area, iad_err *err) {
    IAD_TRY(plane_init(near, w + 2 * grow, h + 2 * grow, err));
    *area = 0;
    for (int y = 0; y < h; y++) {
        const uint8_t *restrict from = v->geom + (size_t)y * v->geom_stride;
        uint8_t *restrict to = near->px + (size_t)(y + grow) * near->stride + grow;
        int n = 0;
        for (int x = 0; x < w; x++) {
            to[x] = from[x] != 0;
            n += to[x];
        }
        *area += n;
    }
    windows(near, grow, 0, line);
    return IAD_OK;
}

static void keep_within(plane *p, int pad, int w, int h, const plane *near) {
    for (int y = 0; y < h; y++) {
        uint8_t *restrict a = p->px + (size_t)(y + pad) * p->stride + pad;
        const uint8_t *restrict b = near->px + (size_t)y * near->stride;
        for (int x = 0; x < w; x++) a[x] &= b[x];
    }
}

/* Every step from differences to the closed mask, for one tolerance. seen[h][w] of 0 and 1, initialised here. */
static iad_status seen_at(const iad_visible_box *v, const iad_visible_rule *rule, int w, int h, const uint16_t *diff, const scratch *s,
                          const plane *near, plane *seen, iad_err *err) {
    plane over;
    int close = (v->width < v->height ? v->width : v->height) / 256, pad = 2 * close;
    IAD_TRY(plane_init(&over, w + 4, h + 4, err));
    iad_status status = plane_init(seen, w + 2 * pad, h + 2 * pad, err);
    if (status == IAD_OK) {
        threshold(v, rule, w, h, diff, s->lines, &over);
        majority(v, w, h, &over, s->line, seen, pad);
        keep_within(seen, pad, w, h, near);
        windows(seen, close, 0, s->line); /* grown, then shrunk; what lies outside of the picture is as if it went on */
        windows(seen, close, 1, s->line);
        keep_within(seen, 0, w, h, near);
    }
    free(over.px);
    return status;
}

/* The object grown by `reach` pixels, [h][w] of 0 and 1. */
static iad_status grown_object(const iad_visible_box *v, int w, int h, const iad_foreground *fg, int reach, plane *near, iad_err *err) {
    IAD_TRY(plane_init(near, w + 2 * reach, h + 2 * reach, err));
    uint8_t *line = iad_alloc((size_t)w + 2 * (size_t)reach, 1);
    if (!line) return IAD_NOMEM(err, "a mask");
    for (int y = 0; y < near->h; y++) {
        int py = v->box.y0 - reach + y;
        if (py < 0 || py >= v->height) continue;
        int x0 = v->box.x0 - reach < 0 ? 0 : v->box.x0 - reach, x1 = v->box.x1 + reach > v->width ? v->width : v->box.x1 + reach;
        const uint8_t *restrict object = fg->mask.px + (size_t)py * (size_t)v->width + x0;
        uint8_t *restrict row = near->px + (size_t)y * near->stride + (x0 - v->box.x0 + reach);
        int n = x1 - x0;
        for (int x = 0; x < n; x++) row[x] = object[x] != 0;
    }
    windows(near, reach, 0, line);
    free(line);
    return IAD_OK;
}

/* Whether something beside the object is set. */
static int beside(const plane *p, const iad_visible_box *v, int w, int h, const iad_foreground *fg) {
    int found = 0;
    for (int y = 0; y < h && !found; y++) {
        const uint8_t *object = fg->mask.px + (size_t)(v->box.y0 + y) * (size_t)v->width + v->box.x0;
        const uint8_t *row = p->px + (size_t)y * p->stride;
        for (int x = 0; x < w; x++) found |= row[x] & (object[x] == 0);
    }
    return found;
}

/* Of what lies farther than `reach` pixels from the object, only plain changes stay: a faint halo on the background is nobody's defect, a grey bar
 * is. */
static iad_status sift(plane *seen, const iad_visible_box *v, const iad_visible_rule *rule, int w, int h, const uint16_t *diff, const scratch *s,
                       const plane *pasted, const iad_foreground *fg, int reach, iad_err *err) {
    if (!beside(seen, v, w, h, fg)) return IAD_OK;
    plane object = {0}, plain = {0};
    iad_visible_rule strict = *rule;
    strict.tol = rule->tol_beside;
    iad_status status = grown_object(v, w, h, fg, reach, &object, err);
    if (status == IAD_OK) status = seen_at(v, &strict, w, h, diff, s, pasted, &plain, err);
    for (int y = 0; status == IAD_OK && y < h; y++) {
        uint8_t *restrict row = seen->px + (size_t)y * seen->stride;
        const uint8_t *restrict on = object.px + (size_t)y * object.stride, *restrict much = plain.px + (size_t)y * plain.stride;
        for (int x = 0; x < w; x++) row[x] &= on[x] | much[x];
    }
    free(object.px);
    free(plain.px);
    return status;
}

static void measure(const iad_visible_box *v, const plane *p, const uint16_t *diff, int w, int h, const iad_visible_rule *rule,
                    iad_visible_facts *facts) {
    int x0 = w, x1 = 0, y0 = h, y1 = 0, most = 0;
    int64_t sum = 0;
    facts->vis_area = 0;
    for (int y = 0; y < h; y++) {
        const uint8_t *restrict row = p->px + (size_t)y * p->stride;
        const uint16_t *restrict d = diff + ((size_t)y + 2) * ((size_t)w + 4) + 2;
        uint8_t *restrict out = v->vis + (size_t)y * v->vis_stride;
        uint32_t n = 0, line_sum = 0; /* 65500 pixels of 765 fit */
        uint16_t line_most = 0;
        for (int x = 0; x < w; x++) {
            uint16_t value = (uint16_t)(d[x] & (uint16_t)-row[x]);
            out[x] = (uint8_t)-row[x];
            n += row[x];
            line_sum += value;
            line_most = value > line_most ? value : line_most;
        }
        if (!n) continue;
        facts->vis_area += n;
        sum += line_sum;
        most = line_most > most ? line_most : most;
        if (y < y0) y0 = y;
        y1 = y + 1;
        for (int x = 0; x < x0; x++)
            if (row[x]) x0 = x;
        for (int x = w - 1; x >= x1; x--)
            if (row[x]) x1 = x + 1;
    }
    facts->delta_mean = facts->vis_area ? (double)sum / ((double)v->channels * (double)facts->vis_area) : 0;
    facts->delta_max = (double)most / v->channels;
    facts->box = (iad_rect){0, 0, 0, 0};
    if (facts->vis_area) facts->box = (iad_rect){v->box.x0 + x0, v->box.y0 + y0, v->box.x0 + x1, v->box.y0 + y1};
    facts->enough = facts->vis_area >= rule->min_pixels && facts->vis_area > 0 &&
                    (double)facts->vis_area >= rule->min_share * (double)facts->geom_area && facts->delta_mean >= rule->min_mean;
}

iad_status iad_visible_in_box(const iad_visible_box *v, const iad_foreground *fg, int grow, const iad_visible_rule *rule, iad_visible_facts *facts,
                              iad_err *err) {
    int w = v->box.x1 - v->box.x0, h = v->box.y1 - v->box.y0;
    memset(facts, 0, sizeof *facts);
    if (v->box.x0 < 0 || v->box.y0 < 0 || v->box.x1 > v->width || v->box.y1 > v->height || w < 1 || h < 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "changed box %d,%d..%d,%d is not inside the picture (%dx%d)", v->box.x0, v->box.y0, v->box.x1, v->box.y1,
                        v->width, v->height);
    if (rule->tol < 0 || rule->tol > 255 || rule->tol_beside < rule->tol || rule->tol_beside > 255 || grow < 0 || grow > MAX_GROW ||
        (v->channels != 1 && v->channels != 3))
        return IAD_FAIL(err, IAD_ERR_ARG, "rule for the visible mask: tolerance %d, grown by %d, %d channels", rule->tol, grow, v->channels);
    if (fg && (fg->mask.width != v->width || fg->mask.height != v->height))
        return IAD_FAIL(err, IAD_ERR_ARG, "the object's mask is %dx%d, the picture %dx%d", fg->mask.width, fg->mask.height, v->width, v->height);
    int shorter = v->width < v->height ? v->width : v->height, pad = 2 * (shorter / 256);
    size_t stride = (size_t)w + 4;
    uint16_t *diff = iad_calloc(stride * ((size_t)h + 4), sizeof *diff);
    scratch s = {iad_alloc(2 * stride, sizeof *s.lines), iad_alloc((size_t)w + 4 + 2 * (size_t)(pad > grow ? pad : grow), 1)};
    plane seen = {0}, near = {0};
    iad_status status = diff && s.lines && s.line ? IAD_OK : IAD_NOMEM(err, "a mask");
    if (status == IAD_OK) status = grown_geom(v, w, h, grow, s.line, &near, &facts->geom_area, err);
    if (status == IAD_OK) {
        differences(v, w, h, diff);
        status = seen_at(v, rule, w, h, diff, &s, &near, &seen, err);
    }
    if (status == IAD_OK && fg && !fg->texture) status = sift(&seen, v, rule, w, h, diff, &s, &near, fg, shorter * 2 / 100, err);
    if (status == IAD_OK) measure(v, &seen, diff, w, h, rule, facts);
    free(diff);
    free(s.lines);
    free(s.line);
    free(seen.px);
    free(near.px);
    return status;
}

iad_status iad_visible_mask(const iad_image *before, const iad_image *after, const iad_image *geom, const iad_foreground *fg, iad_rect changed,
                            int grow, const iad_visible_rule *rule, iad_image *vis, iad_visible_facts *facts, iad_err *err) {
    memset(facts, 0, sizeof *facts);
    if (before->width != after->width || before->height != after->height || before->channels != after->channels || geom->width != before->width ||
        geom->height != before->height || geom->channels != 1 || vis->width != before->width || vis->height != before->height || vis->channels != 1)
        return IAD_FAIL(err, IAD_ERR_ARG, "pictures and masks of different sizes");
    if (changed.x0 >= changed.x1 || changed.y0 >= changed.y1) return IAD_OK;
    if (changed.x0 < 0 || changed.y0 < 0 || changed.x1 > before->width || changed.y1 > before->height)
        return IAD_FAIL(err, IAD_ERR_ARG, "changed box %d,%d..%d,%d is not inside the picture (%dx%d)", changed.x0, changed.y0, changed.x1,
                        changed.y1, before->width, before->height);
    size_t stride = (size_t)before->width;
    iad_visible_box work = {.width = before->width, .height = before->height, .channels = before->channels, .box = changed};
    work.before = iad_image_at(before, changed.x0, changed.y0);
    work.after = iad_image_at(after, changed.x0, changed.y0);
    work.before_stride = work.after_stride = stride * (size_t)before->channels;
    work.geom = iad_image_at(geom, changed.x0, changed.y0);
    work.vis = iad_image_at(vis, changed.x0, changed.y0);
    work.geom_stride = work.vis_stride = stride;
    return iad_visible_in_box(&work, fg, grow, rule, facts, err);
}
