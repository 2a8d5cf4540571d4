/* Registration of a picture to the exemplars. */
#include "bench/patchnn/pn_align.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/patchnn/pn_pool.h"

#define FINE_SIDE 64          /* cells of a square picture's side; the coarse view has half as many */
#define FINE_MAX 88           /* longest side: a turned coarse view must fit into the transform */
#define VIEW_SIGMA 0.75       /* blur in cells */
#define FLAT 0.004            /* a channel below one grey level (root mean square) carries nothing */
#define N_ANGLES 24
#define ANGLE_STEP 15.0
#define REFINE_STEP 5.0
#define FINE_REACH 2          /* cells searched around the coarse shift */
#define AREA (IAD_PN_FFT_SIZE * IAD_PN_FFT_SIZE)

static int n_channels_of(const iad_pn_picture *picture) { return picture->n_planes > 1 ? 4 : 2; }

/* Luminance, gradient magnitude, opponents on the small grid; the mean is still in. */
static iad_status view_init(iad_pn_view *view, const iad_pn_picture *picture, const iad_pn_params *params, iad_err *err) {
    double cell = (double)params->work_side / FINE_SIDE;
    int longest = picture->width > picture->height ? picture->width : picture->height;
    if (longest / cell > FINE_MAX) cell = (double)longest / FINE_MAX;
    int w = (int)floor(picture->width / cell + 0.5), h = (int)floor(picture->height / cell + 0.5);
    *view = (iad_pn_view){.width = w < 2 ? 2 : w, .height = h < 2 ? 2 : h, .n_channels = n_channels_of(picture)};
    w = view->width, h = view->height;
    view->cell = (double)picture->width / w;
    size_t n = (size_t)w * (size_t)h;
    view->px = iad_alloc(n * (size_t)view->n_channels, sizeof *view->px);
    float *row = iad_alloc((size_t)picture->width, sizeof *row);
    iad_pn_axis ax = {0}, ay = {0};
    double step_x = (double)picture->width / w, step_y = (double)picture->height / h;
    iad_status status = view->px && row ? IAD_OK : IAD_NOMEM(err, "a registration view");
    if (status == IAD_OK) status = iad_pn_axis_init(&ax, picture->width, w, step_x, VIEW_SIGMA * step_x, err);
    if (status == IAD_OK) status = iad_pn_axis_init(&ay, picture->height, h, step_y, VIEW_SIGMA * step_y, err);
    if (status == IAD_OK) {
        size_t plane = (size_t)picture->width * (size_t)picture->height;
        iad_pn_pool(picture->px, &ax, &ay, row, view->px, 1);
        for (int k = 1; k < picture->n_planes; k++)
            iad_pn_pool(picture->px + (size_t)k * plane, &ax, &ay, row, view->px + (size_t)(k + 1) * n, 1);
        const float *p = view->px;
        float *g = view->px + n;
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                int l = x > 0 ? x - 1 : x, r = x + 1 < w ? x + 1 : x, u = y > 0 ? y - 1 : y, d = y + 1 < h ? y + 1 : y;
                float gx = p[y * w + r] - p[y * w + l], gy = p[d * w + x] - p[u * w + x];
                g[y * w + x] = sqrtf(gx * gx + gy * gy);
            }
        }
    }
    iad_pn_axis_deinit(&ax), iad_pn_axis_deinit(&ay);
    free(row);
    return status; /* the caller deinits */
}

static void view_deinit(iad_pn_view *view) {
    free(view->px);
    *view = (iad_pn_view){0};
}

/* Takes the mean under the mask (NULL: everywhere) out, clears what the mask hides, measures the norms. */
static void centre(float *px, const float *mask, int n_channels, size_t n, double *norm) {
    for (int k = 0; k < n_channels; k++) {
        float *p = px + (size_t)k * n;
        double sum = 0.0, weight = 0.0, square = 0.0;
        for (size_t i = 0; i < n; i++) {
            double m = mask ? (double)mask[i] : 1.0;
            sum += m * (double)p[i];
            weight += m;
        }
        float mean = (float)(weight > 0.0 ? sum / weight : 0.0);
        for (size_t i = 0; i < n; i++) {
            p[i] = (p[i] - mean) * (mask ? mask[i] : 1.0f);
            square += (double)p[i] * (double)p[i];
        }
        norm[k] = square > FLAT * FLAT * weight ? sqrt(square) : 0.0;
    }
}

/* 2 x 2 means; a last odd row or column is dropped. */
static void coarsen(const float *fine, int n_planes, int width, int height, float *coarse) {
    int w = width / 2, h = height / 2;
    for (int k = 0; k < n_planes; k++) {
        const float *p = fine + (size_t)k * (size_t)width * (size_t)height;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                const float *q = p + (size_t)(2 * y) * (size_t)width + (size_t)(2 * x);
                *coarse++ = 0.25f * (q[0] + q[1] + q[width] + q[width + 1]);
            }
    }
}

static void to_spectrum(const iad_pn_fft *fft, const float *plane, int width, int height, float *re, float *im) {
    for (int i = 0; i < AREA; i++) re[i] = im[i] = 0.0f;
    for (int y = 0; y < height && y < IAD_PN_FFT_SIZE; y++)
        for (int x = 0; x < width && x < IAD_PN_FFT_SIZE; x++) re[y * IAD_PN_FFT_SIZE + x] = plane[y * width + x];
    iad_pn_fft_forward(fft, re, im);
}

iad_status iad_pn_template_init(iad_pn_template *t, const iad_pn_fft *fft, const iad_pn_picture *exemplar, const iad_pn_params *params,
                                iad_err *err) {
    *t = (iad_pn_template){0};
    iad_status status = view_init(&t->view, exemplar, params, err);
    float *coarse = NULL;
    if (status == IAD_OK) {
        t->coarse_width = t->view.width / 2;
        t->coarse_height = t->view.height / 2;
        size_t n = (size_t)t->coarse_width * (size_t)t->coarse_height;
        coarse = iad_alloc(n * (size_t)t->view.n_channels, sizeof *coarse);
        t->spectrum = iad_alloc((size_t)t->view.n_channels * 2 * AREA, sizeof *t->spectrum);
        if (!coarse || !t->spectrum) status = IAD_NOMEM(err, "a registration template");
        else {
            coarsen(t->view.px, t->view.n_channels, t->view.width, t->view.height, coarse);
            centre(coarse, NULL, t->view.n_channels, n, t->norm);
            centre(t->view.px, NULL, t->view.n_channels, (size_t)t->view.width * (size_t)t->view.height, t->view.norm);
            for (int k = 0; k < t->view.n_channels; k++) {
                float *re = t->spectrum + (size_t)k * 2 * AREA;
                to_spectrum(fft, coarse + (size_t)k * n, t->coarse_width, t->coarse_height, re, re + AREA);
            }
        }
    }
    free(coarse);
    if (status != IAD_OK) iad_pn_template_deinit(t);
    return status;
}

void iad_pn_template_deinit(iad_pn_template *t) {
    view_deinit(&t->view);
    free(t->spectrum);
    *t = (iad_pn_template){0};
}

/* Scratch of one alignment. */
typedef struct scratch {
    iad_pn_view query;          /* fine, mean still in, with a plane of ones behind: the mask */
    float *turned, *coarse;     /* [channels + 1][...] of the turned view and its half */
    float *spectrum;            /* [channels][2][AREA] */
    float *product;             /* [2][AREA] */
    int turned_width, turned_height;
    double norm[IAD_PN_MAX_CHANNELS];
} scratch;

/* The turned fine view, centred under its mask. */
static void turn_view(scratch *s, double degrees, int centred) {
    iad_pn_turn turn = iad_pn_turn_make(s->query.width, s->query.height, degrees);
    int channels = s->query.n_channels;
    size_t n = (size_t)turn.width * (size_t)turn.height;
    iad_pn_turn_planes(&turn, s->query.px, channels, s->query.width, s->query.height, s->turned);
    float *mask = s->turned + (size_t)channels * n;
    for (int y = 0; y < turn.height; y++) {
        for (int x = 0; x < turn.width; x++) {
            double qx, qy;
            iad_pn_turn_undo(&turn, x, y, &qx, &qy);
            mask[(size_t)y * (size_t)turn.width + (size_t)x] =
                qx > -0.5 && qy > -0.5 && qx < s->query.width - 0.5 && qy < s->query.height - 0.5 ? 1.0f : 0.0f;
        }
    }
    s->turned_width = turn.width;
    s->turned_height = turn.height;
    if (centred) centre(s->turned, mask, channels, n, s->norm);
}

static void best_coarse(const scratch *s, const iad_pn_template *t, const float *correlation, int width, int height, double *best, int *bx, int *by) {
    double cx = 0.5 * (t->coarse_width - width), cy = 0.5 * (t->coarse_height - height);
    double reach_x = t->coarse_width / 4.0 + 1.0, reach_y = t->coarse_height / 4.0 + 1.0;
    (void)s;
    *best = -2.0;
    *bx = *by = 0;
    for (int dy = (int)ceil(cy - reach_y); dy <= (int)floor(cy + reach_y); dy++) {
        for (int dx = (int)ceil(cx - reach_x); dx <= (int)floor(cx + reach_x); dx++) {
            double v = (double)correlation[(dy & (IAD_PN_FFT_SIZE - 1)) * IAD_PN_FFT_SIZE + (dx & (IAD_PN_FFT_SIZE - 1))];
            if (v > *best) *best = v, *bx = dx, *by = dy;
        }
    }
}

/* Adds scale * template * conj(query), turned by i when `odd`, so that two real correlations share one inverse transform. */
static void add_product(const float *t, const float *q, float scale, int odd, float *product) {
    const float *tr = t, *ti = t + AREA, *qr = q, *qi = q + AREA;
    float *pr = product, *pi = product + AREA;
    for (int i = 0; i < AREA; i++) {
        float re = scale * (tr[i] * qr[i] + ti[i] * qi[i]), im = scale * (ti[i] * qr[i] - tr[i] * qi[i]);
        if (odd) pr[i] -= im, pi[i] += re;
        else pr[i] += re, pi[i] += im;
    }
}

typedef struct coarse_match {
    double value, degrees;
    int dx, dy; /* exemplar cell = canvas cell + (dx, dy) */
} coarse_match;

static int usable_channels(const iad_pn_template *t, const double *coarse_norm) {
    int n = 0;
    for (int k = 0; k < t->view.n_channels; k++) n += coarse_norm[k] > 0.0;
    return n;
}

static void coarse_angle(const iad_pn_fft *fft, scratch *s, const iad_pn_template *templates, int n, double degrees, coarse_match *best,
                         coarse_match *unturned) {
    turn_view(s, degrees, 0);
    int channels = s->query.n_channels, w = s->turned_width / 2, h = s->turned_height / 2;
    size_t size = (size_t)w * (size_t)h;
    double norm[IAD_PN_MAX_CHANNELS];
    coarsen(s->turned, channels + 1, s->turned_width, s->turned_height, s->coarse);
    centre(s->coarse, s->coarse + (size_t)channels * size, channels, size, norm);
    for (int k = 0; k < channels; k++)
        to_spectrum(fft, s->coarse + (size_t)k * size, w, h, s->spectrum + (size_t)k * 2 * AREA, s->spectrum + (size_t)k * 2 * AREA + AREA);
    for (int e = 0; e < n; e += 2) {
        for (int i = 0; i < 2 * AREA; i++) s->product[i] = 0.0f;
        for (int odd = 0; odd < 2 && e + odd < n; odd++) {
            const iad_pn_template *t = templates + e + odd;
            int usable = usable_channels(t, t->norm);
            for (int k = 0; k < channels; k++) {
                if (!(t->norm[k] > 0.0) || !(norm[k] > 0.0)) continue;
                float scale = (float)(1.0 / (t->norm[k] * norm[k] * usable * AREA));
                add_product(t->spectrum + (size_t)k * 2 * AREA, s->spectrum + (size_t)k * 2 * AREA, scale, odd, s->product);
            }
        }
        iad_pn_fft_inverse(fft, s->product, s->product + AREA);
        for (int odd = 0; odd < 2 && e + odd < n; odd++) {
            coarse_match m = {.degrees = degrees};
            best_coarse(s, templates + e + odd, s->product + (odd ? AREA : 0), w, h, &m.value, &m.dx, &m.dy);
            if (degrees == 0.0) unturned[e + odd] = m;
            if (degrees == 0.0 || m.value > best[e + odd].value) best[e + odd] = m;
        }
    }
}

/* Correlation of the centred turned view shifted by (dx, dy) with the template, at fine cells. */
static double fine_value(const scratch *s, const iad_pn_template *t, int dx, int dy) {
    const iad_pn_view *v = &t->view;
    int x0 = dx < 0 ? -dx : 0, y0 = dy < 0 ? -dy : 0;
    int x1 = s->turned_width < v->width - dx ? s->turned_width : v->width - dx;
    int y1 = s->turned_height < v->height - dy ? s->turned_height : v->height - dy;
    int usable = usable_channels(t, v->norm);
    double total = 0.0;
    for (int k = 0; k < v->n_channels; k++) {
        if (!(v->norm[k] > 0.0) || !(s->norm[k] > 0.0)) continue;
        const float *a = s->turned + (size_t)k * (size_t)s->turned_width * (size_t)s->turned_height;
        const float *b = v->px + (size_t)k * (size_t)v->width * (size_t)v->height;
        double sum = 0.0;
        for (int y = y0; y < y1; y++) {
            const float *p = a + (size_t)y * (size_t)s->turned_width, *q = b + (ptrdiff_t)(y + dy) * v->width + dx;
            float line = 0.0f;
            for (int x = x0; x < x1; x++) line += p[x] * q[x];
            sum += (double)line;
        }
        total += sum / (v->norm[k] * s->norm[k] * usable);
    }
    return total;
}

/* Vertex of the parabola through three equidistant values, -0.5..0.5. */
static double vertex(double left, double middle, double right) {
    double bend = left - 2.0 * middle + right;
    if (!(bend < -1e-12)) return 0.0;
    double v = 0.5 * (left - right) / bend;
    return v < -0.5 ? -0.5 : v > 0.5 ? 0.5 : v;
}

static void refine(scratch *s, const iad_pn_template *t, const coarse_match *start, iad_pn_alignment *out) {
    enum { SIDE = 2 * FINE_REACH + 1 };
    iad_pn_turn straight = iad_pn_turn_make(s->query.width, s->query.height, start->degrees);
    double off_x = 0.5 * (straight.width - 1) + 2.0 * start->dx - 0.5 * (t->view.width - 1);
    double off_y = 0.5 * (straight.height - 1) + 2.0 * start->dy - 0.5 * (t->view.height - 1);
    out->correlation = -2.0;
    int turns = start->degrees != 0.0;
    for (int a = -turns; a <= turns; a++) {
        turn_view(s, start->degrees + a * REFINE_STEP, 1);
        double base_x = 0.5 * (t->view.width - 1) - 0.5 * (s->turned_width - 1), base_y = 0.5 * (t->view.height - 1) - 0.5 * (s->turned_height - 1);
        int sx = (int)floor(base_x + off_x + 0.5), sy = (int)floor(base_y + off_y + 0.5);
        double value[SIDE][SIDE];
        int bx = 0, by = 0;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                value[y][x] = fine_value(s, t, sx + x - FINE_REACH, sy + y - FINE_REACH);
                if (value[y][x] > value[by][bx]) by = y, bx = x;
            }
        if (!(value[by][bx] > out->correlation)) continue;
        double fx = bx > 0 && bx + 1 < SIDE ? vertex(value[by][bx - 1], value[by][bx], value[by][bx + 1]) : 0.0;
        double fy = by > 0 && by + 1 < SIDE ? vertex(value[by - 1][bx], value[by][bx], value[by + 1][bx]) : 0.0;
        out->correlation = value[by][bx];
        out->degrees = start->degrees + a * REFINE_STEP;
        out->dx = (sx + bx - FINE_REACH + fx - base_x) * t->view.cell;
        out->dy = (sy + by - FINE_REACH + fy - base_y) * t->view.cell;
    }
}

iad_status iad_pn_align(const iad_pn_fft *fft, const iad_pn_template *templates, int n, const iad_pn_picture *query,
                        const iad_pn_params *params, iad_pn_alignment *out, iad_err *err) {
    scratch s = {0};
    iad_status status = view_init(&s.query, query, params, err);
    size_t channels = (size_t)s.query.n_channels + 1, diagonal = (size_t)(s.query.width + s.query.height + 2), canvas = diagonal * diagonal;
    coarse_match *best = iad_calloc((size_t)n, sizeof *best), *unturned = iad_calloc((size_t)n, sizeof *unturned);
    s.turned = iad_alloc(canvas * channels, sizeof *s.turned);
    s.coarse = iad_alloc(canvas / 4 * channels, sizeof *s.coarse);
    s.spectrum = iad_alloc((channels - 1) * 2 * AREA, sizeof *s.spectrum);
    s.product = iad_alloc(2 * AREA, sizeof *s.product);
    if (status == IAD_OK && !(best && unturned && s.turned && s.coarse && s.spectrum && s.product)) status = IAD_NOMEM(err, "registration");
    if (status == IAD_OK) {
        for (int a = 0; a < N_ANGLES; a++) coarse_angle(fft, &s, templates, n, a * ANGLE_STEP, best, unturned);
        for (int e = 0; e < n; e++) {
            int turn = best[e].value > unturned[e].value + params->rotate_gain;
            refine(&s, templates + e, turn ? &best[e] : &unturned[e], &out[e]);
        }
    }
    free(best), free(unturned);
    free(s.turned), free(s.coarse), free(s.spectrum), free(s.product);
    view_deinit(&s.query);
    return status;
}
