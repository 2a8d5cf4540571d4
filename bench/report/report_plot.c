/* Curves and score strips as inline SVG. */
#include <math.h>
#include <stdio.h>

#include "base/html.h"
#include "bench/jsonwrite.h"
#include "bench/report/reportview.h"

enum { PLOT_W = 280, PLOT_H = 220, LEFT = 44, RIGHT = 8, TOP = 24, BOTTOM = 34 };

static const char *const colors[] = {"#adb5bd", "#4dabf7", "#0b7285", "#e8590c", "#7048e8", "#2b8a3e"};
enum { N_COLORS = sizeof colors / sizeof *colors };

/* With few lines the strong colours are used; the last line (most shots) is always the strongest. */
static const char *color_of(size_t i, size_t n) {
    size_t shift = n <= 3 ? 3 - n : 0;
    return colors[(i + shift) % N_COLORS];
}

static iad_status add_axes(iad_buf *html, const char *title, const char *x_label, const char *y_label, double x_max, iad_err *err) {
    int w = PLOT_W - LEFT - RIGHT, h = PLOT_H - TOP - BOTTOM;
    IAD_TRY(iad_buf_addf(html, err, "<svg width=%d height=%d viewBox=\"0 0 %d %d\" role=img aria-label=\"%s\"><text class=t x=%d y=14>%s</text>",
                         PLOT_W, PLOT_H, PLOT_W, PLOT_H, title, LEFT, title));
    for (int i = 0; i <= 4; i++) {
        int x = LEFT + w * i / 4, y = TOP + h - h * i / 4;
        IAD_TRY(iad_buf_addf(html, err,
                             "<path d=\"M%d %dH%dM%d %dV%d\" stroke=\"#e2e7ec\"/><text x=%d y=%d text-anchor=end>%g</text><text x=%d y=%d "
                             "text-anchor=middle>%.3g</text>", LEFT, y, LEFT + w, x, TOP, TOP + h, LEFT - 5, y + 4, i / 4.0, x, TOP + h + 14,
                             x_max * i / 4));
    }
    return iad_buf_addf(html, err,
                        "<text x=%d y=%d text-anchor=middle>%s</text><text transform=\"translate(11 %d) rotate(-90)\" text-anchor=middle>%s</text>",
                        LEFT + w / 2, PLOT_H - 4, x_label, TOP + h / 2, y_label);
}

static iad_status add_line(iad_buf *html, const json_t *points, double x_max, const char *color, iad_err *err) {
    int w = PLOT_W - LEFT - RIGHT, h = PLOT_H - TOP - BOTTOM;
    size_t i;
    json_t *point;
    double last_x = 0, last_y = 0;
    IAD_TRY(iad_buf_addf(html, err, "<polyline fill=none stroke=\"%s\" stroke-width=1.8 points=\"", color));
    json_array_foreach(points, i, point) {
        double x = json_number_value(json_array_get(point, 0)) / x_max, y = json_number_value(json_array_get(point, 1));
        if (x > 1) { /* cut at the border */
            y = last_y + (y - last_y) * (1 - last_x) / (x - last_x);
            x = 1;
        }
        IAD_TRY(iad_buf_addf(html, err, "%.1f,%.1f ", LEFT + w * x, TOP + h - h * y));
        last_x = x;
        last_y = y;
        if (x >= 1 && x_max < 1) break;
    }
    return iad_buf_add_str(html, "\"/>", err);
}

iad_status iad_report_plot(iad_report *r, const char *title, const char *x_label, const char *y_label, double x_max, const iad_report_curve *curves,
                           size_t n, iad_err *err) {
    size_t drawn = 0;
    for (size_t i = 0; i < n; i++) drawn += json_array_size(curves[i].points) > 0;
    if (!drawn) return IAD_OK;
    iad_buf *html = &r->html;
    IAD_TRY(add_axes(html, title, x_label, y_label, x_max, err));
    for (size_t i = 0; i < n; i++)
        if (json_array_size(curves[i].points)) IAD_TRY(add_line(html, curves[i].points, x_max, color_of(i, n), err));
    for (size_t i = 0; i < n; i++)
        IAD_TRY(iad_buf_addf(html, err, "<text x=%d y=%d text-anchor=end style=\"fill:%s\">%s</text>", PLOT_W - RIGHT - 5,
                             PLOT_H - BOTTOM - 6 - 14 * (int)(n - 1 - i), color_of(i, n), curves[i].label));
    return iad_buf_add_str(html, "</svg>\n", err);
}

iad_status iad_report_score_strip(iad_report *r, const json_t *unit, iad_err *err) {
    const json_t *pictures = json_object_get(unit, "pictures");
    double lo = INFINITY, hi = -INFINITY, threshold = iad_json_num_or_nan(json_object_get(unit, "image"), "f1_max_threshold");
    size_t i;
    json_t *picture;
    json_array_foreach(pictures, i, picture) {
        double score = iad_json_num_or_nan(picture, "score");
        if (score < lo) lo = score;
        if (score > hi) hi = score;
    }
    if (!(hi >= lo)) return IAD_OK;
    if (hi == lo) hi = lo + 1;
    enum { W = 330, X0 = 48, X1 = W - 10 };
    iad_buf *html = &r->html;
    IAD_TRY(iad_buf_addf(html, err,
                         "<svg width=%d height=%d viewBox=\"0 0 %d %d\" role=img aria-label=\"scores\"><text class=t x=%d y=14>Image scores</text>"
                         "<text x=%d y=64 text-anchor=end>good</text><text x=%d y=134 text-anchor=end>bad</text>", W, PLOT_H, W, PLOT_H, X0, X0 - 10,
                         X0 - 10));
    json_array_foreach(pictures, i, picture) {
        double score = iad_json_num_or_nan(picture, "score");
        int bad = iad_report_int(picture, "label") != 0;
        if (isnan(score)) continue;
        /* Spread dots over the row by a fixed pattern so that equal scores stay visible. */
        double y = (bad ? 130 : 60) + (double)((i * 29) % 47) - 23;
        IAD_TRY(iad_buf_addf(html, err, "<circle cx=%.1f cy=%.1f r=3 fill=\"%s\" fill-opacity=.55><title>", X0 + (X1 - X0) * (score - lo) / (hi - lo),
                             y, bad ? "#c92a2a" : "#2b8a3e"));
        IAD_TRY(iad_html_text(html, iad_report_text(picture, "path"), err));
        IAD_TRY(iad_buf_addf(html, err, " %.4g</title></circle>", score));
    }
    if (!isnan(threshold)) {
        double x = X0 + (X1 - X0) * (threshold - lo) / (hi - lo);
        IAD_TRY(iad_buf_addf(html, err,
                             "<path d=\"M%.1f 26V166\" stroke=\"#17202a\" stroke-dasharray=\"3 3\"/><text x=%.1f y=180 text-anchor=middle>best F1 at "
                             "%.4g</text>", x, x < X0 + 50 ? X0 + 50 : x > X1 - 50 ? X1 - 50 : x, threshold));
    }
    return iad_buf_addf(html, err,
                        "<path d=\"M%d 168H%d\" stroke=\"#adb5bd\"/><text x=%d y=196>%.3g</text><text x=%d y=196 text-anchor=end>%.3g</text></svg>\n",
                        X0, X1, X0, lo, X1, hi);
}
