#include "train/run/curveplot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/html.h"

enum { LEFT = 58, RIGHT = 12, TOP = 28, BOTTOM = 26, MAX_TICKS = 12 };

const char *iad_curve_color(int i) {
    static const char *const colors[] = {"#0b7285", "#e8590c", "#7048e8", "#2b8a3e", "#c2255c", "#1971c2", "#b08800", "#5d6b7a"};
    return colors[i % (int)(sizeof colors / sizeof *colors)];
}

/* What maps a value to a pixel. */
typedef struct scale {
    double lo, hi; /* lo < hi; of the logarithm with log */
    int log;
    double at_lo, at_hi; /* pixels */
} scale;

static double place(const scale *s, double v) { return s->at_lo + (s->at_hi - s->at_lo) * ((s->log ? log10(v) : v) - s->lo) / (s->hi - s->lo); }

typedef struct view {
    const iad_curve_plot *plot;
    scale x, y;
    double **means; /* [n_run] smoothed values, NULL where there are none */
} view;

/* Beyond 1e100 nothing is a figure of a run, and differences could overflow. */
static int usable(const iad_curve_plot *p, double v) { return fabs(v) < 1e100 && (!p->log_scale || v > 1e-100); }

/* ---- smoothing ---- */

/* Mean with weights that fall off exponentially to both sides, so that the line does not trail behind its values. NULL: no memory. */
static double *smoothed(const iad_curve_plot *p, double window, const double *v, size_t n) {
    double *mean = iad_alloc(n, sizeof *mean), *weight = iad_alloc(n, sizeof *weight), keep = window / (1 + window), sum = 0, total = 0;
    for (size_t i = 0; i < n && mean && weight; i++) { /* what lies at i and before */
        int u = usable(p, v[i]);
        mean[i] = sum = keep * sum + (u ? v[i] : 0);
        weight[i] = total = keep * total + u;
    }
    sum = total = 0;
    for (size_t i = n; i-- > 0 && mean && weight;) { /* and behind it */
        int u = usable(p, v[i]);
        mean[i] = weight[i] + total > 0 ? (mean[i] + sum) / (weight[i] + total) : NAN;
        sum = keep * (sum + (u ? v[i] : 0));
        total = keep * (total + u);
    }
    free(weight);
    return mean;
}

/* ---- ranges ---- */

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void widen(double *lo, double *hi, double v) {
    if (v < *lo) *lo = v;
    if (v > *hi) *hi = v;
}

/* The means and all but the outermost hundredth of the values: a spike must not flatten everything else. */
static iad_status y_range(view *w, double *lo, double *hi, iad_err *err) {
    const iad_curve_plot *p = w->plot;
    *lo = INFINITY, *hi = -INFINITY;
    for (int r = 0; r < p->n_run; r++) {
        const iad_curve_run *run = &p->runs[r];
        const double *v = run->value[p->metric], *e = p->eval >= 0 ? run->value[p->eval] : NULL;
        size_t n = 0;
        double *sorted = iad_alloc(run->n, sizeof *sorted);
        if (!sorted) return IAD_NOMEM(err, "a plot");
        for (size_t i = 0; i < run->n; i++) {
            if (v && usable(p, v[i])) sorted[n++] = v[i];
            if (e && usable(p, e[i])) widen(lo, hi, e[i]);
            if (w->means[r] && usable(p, w->means[r][i])) widen(lo, hi, w->means[r][i]);
        }
        if (n) {
            qsort(sorted, n, sizeof *sorted, rising);
            widen(lo, hi, sorted[n / 100]);
            widen(lo, hi, sorted[n - 1 - n / 100]);
        }
        free(sorted);
    }
    return IAD_OK;
}

static void fit_y(view *w, double lo, double hi) {
    scale *y = &w->y;
    y->log = w->plot->log_scale;
    if (y->log) {
        y->lo = log10(lo), y->hi = log10(hi);
    } else {
        if (lo > 0 && lo < 0.5 * hi) lo = 0;
        y->lo = lo, y->hi = hi;
    }
    double room = y->hi - y->lo > 1e-12 * fmax(fabs(y->lo), fabs(y->hi)) ? 0.04 * (y->hi - y->lo) : fmax(0.1, 0.1 * fabs(y->hi));
    if (y->log || y->lo != 0) y->lo -= room;
    y->hi += room;
    y->at_lo = w->plot->height - BOTTOM;
    y->at_hi = TOP;
}

static void fit_x(view *w) {
    double first = INFINITY, last = -INFINITY;
    for (int r = 0; r < w->plot->n_run; r++) {
        widen(&first, &last, (double)w->plot->runs[r].step[0]);
        widen(&first, &last, (double)w->plot->runs[r].step[w->plot->runs[r].n - 1]);
    }
    w->x = (scale){.lo = first, .hi = last > first ? last : first + 1, .at_lo = LEFT, .at_hi = w->plot->width - RIGHT};
}

/* ---- axes ---- */

/* 1, 2 or 5 times a power of ten, at most `most` of them in the range. */
static int linear_ticks(const scale *s, int most, double ticks[MAX_TICKS]) {
    double raw = (s->hi - s->lo) / most, unit = pow(10, floor(log10(raw)));
    double step = unit * (raw <= unit ? 1 : raw <= 2 * unit ? 2 : raw <= 5 * unit ? 5 : 10);
    int n = 0;
    for (double k = ceil(s->lo / step); k * step <= s->hi + 1e-9 * step && n < MAX_TICKS; k++) ticks[n++] = k * step;
    return n;
}

/* Decades, with 2 and 5 between them when they are few; -1 below about a decade, where evenly spaced values read better. */
static int log_ticks(const scale *s, double ticks[MAX_TICKS]) {
    static const double steps[] = {1, 2, 5};
    int many = s->hi - s->lo > 3.2, every = (int)ceil((s->hi - s->lo) / (MAX_TICKS - 2)), n = 0;
    for (int decade = (int)floor(s->lo); decade <= (int)ceil(s->hi); decade += many ? every : 1)
        for (int k = 0; k < (many ? 1 : 3); k++) {
            double v = pow(10, decade) * steps[k];
            if (log10(v) >= s->lo && log10(v) <= s->hi && n < MAX_TICKS) ticks[n++] = v;
        }
    return s->hi - s->lo > 1.2 ? n : -1;
}

static iad_status add_axes(const view *w, iad_buf *svg, iad_err *err) {
    const iad_curve_plot *p = w->plot;
    double ticks[MAX_TICKS];
    int n = p->log_scale ? log_ticks(&w->y, ticks) : -1;
    if (n < 0 && p->log_scale) {
        const scale flat = {.lo = pow(10, w->y.lo), .hi = pow(10, w->y.hi)};
        n = linear_ticks(&flat, 5, ticks);
    } else if (n < 0) {
        n = linear_ticks(&w->y, p->height > 260 ? 7 : 5, ticks);
    }
    for (int i = 0; i < n; i++) {
        double y = place(&w->y, ticks[i]);
        IAD_TRY(iad_buf_addf(svg, err, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>", LEFT, y,
                             p->width - RIGHT, LEFT - 6,
                             y + 4, ticks[i] * p->factor));
    }
    n = linear_ticks(&w->x, p->width > 600 ? 10 : 5, ticks);
    for (int i = 0; i < n; i++) {
        double x = place(&w->x, ticks[i]);
        int end = x > p->width - RIGHT - 20;
        IAD_TRY(iad_buf_addf(svg, err, "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%.6g</text>", x, TOP,
                             p->height - BOTTOM,
                             end ? p->width - 2.0 : x, p->height - BOTTOM + 16, end ? "end" : "middle", ticks[i]));
    }
    return IAD_OK;
}

/* ---- lines ---- */

/* A path through the values; where several steps share a pixel column, their range (raw) or the last of them (mean). */
static iad_status add_path(const view *w, int r, const double *v, int raw, iad_buf *svg, iad_err *err) {
    const iad_curve_run *run = &w->plot->runs[r];
    const char *move = "M";
    IAD_TRY(iad_buf_addf(svg, err, "<path class=\"%s r%d\" stroke=\"%s\" d=\"", raw ? "raw" : "mean", r, iad_curve_color(r)));
    for (size_t i = 0; i < run->n;) {
        double x = place(&w->x, (double)run->step[i]), lo = INFINITY, hi = -INFINITY, last = NAN;
        size_t j = i;
        for (; j < run->n && place(&w->x, (double)run->step[j]) < floor(x) + 1; j++) {
            if (!usable(w->plot, v[j])) continue;
            last = place(&w->y, v[j]);
            widen(&lo, &hi, last);
        }
        if (!isfinite(last)) {
            move = "M"; /* a hole */
        } else if (raw && j > i + 1) {
            IAD_TRY(iad_buf_addf(svg, err, "%s%.1f %.1fV%.1f", move, x, hi, lo));
            move = "L";
        } else {
            IAD_TRY(iad_buf_addf(svg, err, "%s%.1f %.1f", move, x, last));
            move = "L";
        }
        i = j > i ? j : i + 1;
    }
    return iad_buf_add_str(svg, "\"/>", err);
}

static iad_status add_eval(const view *w, int r, const double *v, iad_buf *svg, iad_err *err) {
    const iad_curve_run *run = &w->plot->runs[r];
    const char *move = "M";
    IAD_TRY(iad_buf_addf(svg, err, "<g class=\"eval r%d\" stroke=\"%s\"><path d=\"", r, iad_curve_color(r)));
    for (size_t i = 0; i < run->n; i++) {
        if (!usable(w->plot, v[i])) continue;
        IAD_TRY(iad_buf_addf(svg, err, "%s%.1f %.1f", move, place(&w->x, (double)run->step[i]), place(&w->y, v[i])));
        move = "L";
    }
    IAD_TRY(iad_buf_add_str(svg, "\"/>", err));
    for (size_t i = 0; i < run->n; i++) {
        if (!usable(w->plot, v[i])) continue;
        IAD_TRY(iad_buf_addf(svg, err, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>", place(&w->x, (double)run->step[i]), place(&w->y, v[i])));
        IAD_TRY(iad_html_text(svg, run->name, err));
        IAD_TRY(iad_buf_addf(svg, err, ", held out, step %lld: %.4g</title></circle>", (long long)run->step[i], v[i] * w->plot->factor));
    }
    return iad_buf_add_str(svg, "</g>", err);
}

static iad_status add_lines(const view *w, iad_buf *svg, iad_err *err) {
    const iad_curve_plot *p = w->plot;
    /* An inner element cuts at the frame, with room for the dots of the first and last step. */
    const int x = LEFT - 4, width = p->width - RIGHT + 4 - x, height = p->height - TOP - BOTTOM;
    IAD_TRY(iad_buf_addf(svg, err, "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" ", x, TOP, width, height));
    IAD_TRY(iad_buf_addf(svg, err, "viewBox=\"%d %d %d %d\">", x, TOP, width, height));
    for (int r = 0; r < p->n_run; r++)
        if (p->runs[r].value[p->metric] && p->smooth != 0) IAD_TRY(add_path(w, r, p->runs[r].value[p->metric], 1, svg, err));
    for (int r = 0; r < p->n_run; r++)
        if (w->means[r]) IAD_TRY(add_path(w, r, w->means[r], 0, svg, err));
    for (int r = 0; r < p->n_run && p->eval >= 0; r++)
        if (p->runs[r].value[p->eval]) IAD_TRY(add_eval(w, r, p->runs[r].value[p->eval], svg, err));
    return iad_buf_add_str(svg, "</svg>", err);
}

static iad_status draw(view *w, iad_buf *svg, int *drawn, iad_err *err) {
    const iad_curve_plot *p = w->plot;
    double lo, hi;
    for (int r = 0; r < p->n_run; r++) {
        const double *v = p->runs[r].value[p->metric], window = p->smooth < 0 ? (double)p->runs[r].n / 50 : p->smooth;
        if (v && !(w->means[r] = smoothed(p, window, v, p->runs[r].n))) return IAD_NOMEM(err, "a plot");
    }
    IAD_TRY(y_range(w, &lo, &hi, err));
    if (!(lo <= hi)) return IAD_OK;
    fit_x(w);
    fit_y(w, lo, hi);
    *drawn = 1;
    IAD_TRY(iad_buf_addf(svg, err,
                         "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"%s\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" ",
                         p->classes, p->width, p->height, p->width, p->height));
    IAD_TRY(iad_buf_add_str(svg, "aria-label=\"", err));
    IAD_TRY(iad_html_text(svg, p->title, err));
    IAD_TRY(iad_buf_addf(svg, err, "\"><text class=\"t\" x=\"%d\" y=\"16\">", LEFT));
    IAD_TRY(iad_html_text(svg, p->title, err));
    IAD_TRY(iad_buf_add_str(svg, "</text>", err));
    IAD_TRY(add_axes(w, svg, err));
    IAD_TRY(add_lines(w, svg, err));
    return iad_buf_add_str(svg, "</svg>\n", err);
}

iad_status iad_curve_plot_add(const iad_curve_plot *plot, iad_buf *svg, int *drawn, iad_err *err) {
    view w = {.plot = plot};
    *drawn = 0;
    if (!(w.means = iad_calloc((size_t)plot->n_run, sizeof *w.means))) return IAD_NOMEM(err, "a plot");
    iad_status status = draw(&w, svg, drawn, err);
    for (int r = 0; r < plot->n_run; r++) free(w.means[r]);
    free(w.means);
    return status;
}
