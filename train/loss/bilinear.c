#include "train/loss/bilinear.h"

#include <math.h>

/* The two source cells of an output cell; `part` is the share of the second. */
typedef struct place {
    int first, second;
    double part;
} place;

static place place_of(int i, int n_out, int n_in) {
    double at = (i + 0.5) * n_in / n_out - 0.5;
    if (at <= 0) return (place){0, 0, 0};
    if (at >= n_in - 1) return (place){n_in - 1, n_in - 1, 0};
    int first = (int)floor(at);
    return (place){first, first + 1, at - first};
}

void iad_bilinear(const double *src, int h, int w, double *dst, int out_h, int out_w) {
    for (int y = 0; y < out_h; y++) {
        place v = place_of(y, out_h, h);
        for (int x = 0; x < out_w; x++) {
            place u = place_of(x, out_w, w);
            const double *top = src + (long)v.first * w, *low = src + (long)v.second * w;
            double a = (1 - u.part) * top[u.first] + u.part * top[u.second], b = (1 - u.part) * low[u.first] + u.part * low[u.second];
            dst[(long)y * out_w + x] = (1 - v.part) * a + v.part * b;
        }
    }
}

void iad_bilinear_adjoint(const double *src, int out_h, int out_w, double *dst, int h, int w) {
    for (int y = 0; y < out_h; y++) {
        place v = place_of(y, out_h, h);
        for (int x = 0; x < out_w; x++) {
            place u = place_of(x, out_w, w);
            double *top = dst + (long)v.first * w, *low = dst + (long)v.second * w, g = src[(long)y * out_w + x];
            top[u.first] += (1 - v.part) * (1 - u.part) * g;
            top[u.second] += (1 - v.part) * u.part * g;
            low[u.first] += v.part * (1 - u.part) * g;
            low[u.second] += v.part * u.part * g;
        }
    }
}
