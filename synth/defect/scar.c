/* CutPaste-Scar (Li et al. 2021): a thin rectangle of the picture, its colours jittered, turned and pasted elsewhere. synth-data 1.2. Colour and
 * alpha are sampled bilinearly, and the place is drawn for the turned piece, so that it lies inside the picture as a whole. */
#include <math.h>
#include <string.h>

#include "base/fmath.h"
#include "synth/defect/piece.h"

#define SPREAD 100000
#define MAX_ANGLE 45000
#define MARGIN 32 /* pixels round the strip that a feathered blend may look at */
#define MILLIDEGREE (3.14159265358979323846 / 180000.0)

/* A scar is a thin thing: a quarter of it must lie on the object (synth-data 1.6). */
#define LEAST_ON_OBJECT 0.25

/* Size of the box round w x h turned by `angle`. */
static void turned_size(int64_t w, int64_t h, int64_t angle, int *box_w, int *box_h) {
    double c = fabs(iad_cos((double)angle * MILLIDEGREE)), s = fabs(iad_sin((double)angle * MILLIDEGREE));
    *box_w = (int)ceil((double)w * c + (double)h * s - 1e-9);
    *box_h = (int)ceil((double)w * s + (double)h * c - 1e-9);
    if (*box_w < 1) *box_w = 1;
    if (*box_h < 1) *box_h = 1;
}

static void draw_sides(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, int *w, int *h) {
    int shorter = scene->dst->width < scene->dst->height ? scene->dst->width : scene->dst->height;
    double width, length;
    if (size->published) {
        width = iad_rng_range(rng, 2, 16) / 256 * shorter;
        length = iad_rng_range(rng, 10, 25) / 256 * shorter;
    } else {
        double area = iad_defect_area(scene, size, rng), slender = iad_rng_range(rng, 2, 8);
        width = sqrt(area / slender);
        length = width * slender;
    }
    *w = (int)(width + 0.5) < 2 ? 2 : (int)(width + 0.5);
    *h = (int)(length + 0.5) < 2 ? 2 : (int)(length + 0.5);
    if (*w > scene->dst->width) *w = scene->dst->width;
    if (*h > scene->dst->height) *h = scene->dst->height;
}

/* Bilinear sample at (u, v) in pixel middles; the border repeats. */
static void sample(const iad_image *p, double u, double v, uint8_t *out) {
    double fu = floor(u), fv = floor(v);
    int x0 = (int)fu, y0 = (int)fv, a = (int)((u - fu) * 256 + 0.5), b = (int)((v - fv) * 256 + 0.5);
    int x1 = x0 + 1, y1 = y0 + 1;
    x0 = x0 < 0 ? 0 : x0 >= p->width ? p->width - 1 : x0;
    x1 = x1 < 0 ? 0 : x1 >= p->width ? p->width - 1 : x1;
    y0 = y0 < 0 ? 0 : y0 >= p->height ? p->height - 1 : y0;
    y1 = y1 < 0 ? 0 : y1 >= p->height ? p->height - 1 : y1;
    const uint8_t *p00 = iad_image_at(p, x0, y0), *p10 = iad_image_at(p, x1, y0), *p01 = iad_image_at(p, x0, y1), *p11 = iad_image_at(p, x1, y1);
    for (int c = 0; c < p->channels; c++) {
        int top = p00[c] * (256 - a) + p10[c] * a, bottom = p01[c] * (256 - a) + p11[c] * a;
        out[c] = (uint8_t)((top * (256 - b) + bottom * b + 32768) >> 16);
    }
}

/* How much of the unit pixel round u lies within 0..length: 0..1. */
static double inside(double u, double length) {
    double low = u - 0.5 < 0 ? 0 : u - 0.5, high = u + 0.5 > length ? length : u + 0.5;
    return high > low ? high - low : 0;
}

/* Narrows columns *x0..*x1 to where low <= slope dx + offset <= high, two columns of slack on either side. */
static void narrow(double slope, double offset, double low, double high, double middle, int *x0, int *x1) {
    if (fabs(slope) < 1e-6) return;
    double a = (low - offset) / slope, b = (high - offset) / slope, left = middle + (a < b ? a : b) - 2.5, right = middle + (a < b ? b : a) + 2.5;
    if (left > *x0) *x0 = left < *x1 ? (int)left : *x1;
    if (right < *x1) *x1 = right > *x0 ? (int)right + 1 : *x0;
}

/* The cover of a turned w x h piece, and, where there is a piece, its content. Most of the box of a turned strip is far from it and stays 0. */
static void turn(const iad_image *piece, int w, int h, int64_t angle, iad_image *cover, iad_image *content) {
    double c = iad_cos((double)angle * MILLIDEGREE), s = iad_sin((double)angle * MILLIDEGREE);
    double middle_x = cover->width / 2.0, middle_y = cover->height / 2.0;
    size_t pixels = (size_t)cover->width * (size_t)cover->height;
    memset(cover->px, 0, pixels);
    if (piece) memset(content->px, 0, pixels * (size_t)content->channels);
    for (int y = 0; y < cover->height; y++) {
        double dy = y + 0.5 - middle_y;
        int x0 = 0, x1 = cover->width;
        narrow(c, s * dy + w / 2.0, -MARGIN, w + MARGIN, middle_x, &x0, &x1);
        narrow(-s, c * dy + h / 2.0, -MARGIN, h + MARGIN, middle_x, &x0, &x1);
        for (int x = x0; x < x1; x++) {
            double dx = x + 0.5 - middle_x, u = c * dx + s * dy + w / 2.0, v = c * dy - s * dx + h / 2.0;
            if (u < -MARGIN || v < -MARGIN || u > w + MARGIN || v > h + MARGIN) continue;
            *iad_image_at(cover, x, y) = (uint8_t)(inside(u, w) * inside(v, h) * 255 + 0.5);
            if (piece) sample(piece, u - 0.5, v - 0.5, iad_image_at(content, x, y));
        }
    }
}

static iad_status draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err) {
    iad_defect_scene where = *scene;
    int w, h, box_w, box_h, x, y;
    if (size->published) where.fg = NULL;
    draw_sides(scene, size, rng, &w, &h);
    int angle = iad_rng_int(rng, -MAX_ANGLE, MAX_ANGLE);
    iad_piece piece = iad_piece_draw(scene, rng, w, h, !size->published);
    turned_size(w, h, angle, &box_w, &box_h);
    iad_image cover;
    if (box_w > scene->dst->width || box_h > scene->dst->height)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "the turned scar is larger than the picture");
    IAD_TRY(iad_image_init_raw(&cover, box_w, box_h, 1, err));
    turn(NULL, w, h, angle, &cover, NULL);
    iad_status placed = iad_defect_place(&where, rng, box_w, box_h, &cover, LEAST_ON_OBJECT, &x, &y, err);
    iad_image_deinit(&cover);
    if (placed != IAD_OK) return placed;
    iad_color_jitter jitter = iad_color_jitter_draw(rng, scene->grey, SPREAD);
    *params = json_pack("{s:i,s:i,s:i,s:o}", "angle", angle, "x", x, "y", y, "jitter", iad_color_jitter_json(&jitter));
    if (*params && iad_piece_json(&piece, *params)) return IAD_OK;
    json_decref(*params);
    *params = NULL;
    return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for the parameters of a defect");
}

static iad_status layers(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *out, iad_err *err) {
    iad_piece piece;
    iad_color_jitter jitter;
    iad_image cut = {0};
    int64_t angle, x, y;
    int w, h;
    *out = (iad_defect_layers){0};
    IAD_TRY(iad_piece_parse(scene, params, &piece, err));
    IAD_TRY(iad_color_jitter_parse(params, "jitter", &jitter, err));
    IAD_TRY(iad_defect_param(params, "angle", -MAX_ANGLE, MAX_ANGLE, &angle, err));
    turned_size(piece.w, piece.h, angle, &w, &h);
    if (w > scene->dst->width || h > scene->dst->height)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "the turned piece of %d x %d pixels is larger than the picture", w, h);
    IAD_TRY(iad_defect_param(params, "x", 0, scene->dst->width - w, &x, err));
    IAD_TRY(iad_defect_param(params, "y", 0, scene->dst->height - h, &y, err));
    iad_defect_layer *layer = &out->items[0];
    *layer = (iad_defect_layer){.x = (int)x, .y = (int)y};
    out->n = 1;
    iad_status status = iad_piece_cut(scene, &piece, &cut, err);
    if (status == IAD_OK) status = iad_image_init_raw(&layer->content, w, h, scene->dst->channels, err);
    if (status == IAD_OK) status = iad_image_init_raw(&layer->cover, w, h, 1, err);
    if (status == IAD_OK) {
        iad_color_jitter_apply(&cut, &jitter);
        turn(&cut, cut.width, cut.height, angle, &layer->cover, &layer->content);
    } else iad_defect_layers_deinit(out);
    iad_image_deinit(&cut);
    return status;
}

const iad_defect_generator iad_defect_scar = {.name = "scar", .version = "1", .wants_src = 1, .draw = draw, .layers = layers};
