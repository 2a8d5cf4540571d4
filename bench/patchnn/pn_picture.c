/* The working picture and its turned copies. */
#include "bench/patchnn/pn_picture.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/image/resize.h"

#define MIN_SIDE 16
#define MAX_ASPECT_SIDE 8    /* longest side in units of the working side */
#define COLOUR_TOLERANCE 12  /* JPEG's chroma rounding of a grey picture stays below */

static int clamp_int(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

int iad_pn_picture_has_colour(const iad_image *image) {
    if (image->channels != 3) return 0;
    size_t n = (size_t)image->width * (size_t)image->height, coloured = 0;
    for (size_t i = 0; i < n; i++) {
        int r = image->px[3 * i], g = image->px[3 * i + 1], b = image->px[3 * i + 2];
        coloured += abs(r - g) > COLOUR_TOLERANCE || abs(g - b) > COLOUR_TOLERANCE;
    }
    return coloured * 1000 > n;
}

void iad_pn_picture_deinit(iad_pn_picture *picture) {
    free(picture->px);
    *picture = (iad_pn_picture){0};
}

static iad_status allocate(iad_pn_picture *picture, int width, int height, int n_planes, iad_err *err) {
    *picture = (iad_pn_picture){width, height, n_planes, NULL};
    picture->px = iad_alloc((size_t)width * (size_t)height * (size_t)n_planes, sizeof *picture->px);
    return picture->px ? IAD_OK : IAD_NOMEM(err, "a working picture");
}

static void to_planes(const iad_image *image, iad_pn_picture *picture) {
    size_t n = (size_t)image->width * (size_t)image->height;
    float *luma = picture->px, *rg = luma + n, *yb = rg + n;
    if (image->channels == 1) {
        for (size_t i = 0; i < n; i++) luma[i] = (float)image->px[i] * (1.0f / 255.0f);
        for (size_t i = n; i < n * (size_t)picture->n_planes; i++) picture->px[i] = 0.0f;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        int r = image->px[3 * i], g = image->px[3 * i + 1], b = image->px[3 * i + 2];
        luma[i] = (float)(299 * r + 587 * g + 114 * b) * (1.0f / 255000.0f);
        if (picture->n_planes == 1) continue;
        rg[i] = (float)(r - g) * (1.0f / 255.0f);
        yb[i] = (float)(r + g - 2 * b) * (1.0f / 510.0f);
    }
}

iad_status iad_pn_picture_init(iad_pn_picture *picture, const iad_image *image, int side, int n_planes, iad_err *err) {
    *picture = (iad_pn_picture){0};
    if (!image || !image->px || image->width < 1 || image->height < 1 || (image->channels != 1 && image->channels != 3))
        return IAD_FAIL(err, IAD_ERR_ARG, "patchnn: a picture without pixels, or not of 1 or 3 channels");
    double factor = (double)side / sqrt((double)image->width * (double)image->height);
    int width = clamp_int((int)floor(image->width * factor + 0.5), MIN_SIDE, MAX_ASPECT_SIDE * side);
    int height = clamp_int((int)floor(image->height * factor + 0.5), MIN_SIDE, MAX_ASPECT_SIDE * side);
    IAD_TRY(allocate(picture, width, height, n_planes, err));
    iad_image resized = {0};
    iad_status status = iad_resize(image, width, height, factor < 1.0 ? IAD_FILTER_BOX : IAD_FILTER_BILINEAR, &resized, err);
    if (status == IAD_OK) to_planes(&resized, picture);
    else iad_pn_picture_deinit(picture);
    iad_image_deinit(&resized);
    return status;
}

iad_pn_turn iad_pn_turn_make(int width, int height, double degrees) {
    iad_pn_turn turn = {.degrees = degrees, .c = 1.0, .s = 0.0};
    double quarter = degrees / 90.0;
    if (quarter == floor(quarter)) {
        int q = (int)(quarter - 4.0 * floor(quarter / 4.0));
        turn.c = q == 0 ? 1.0 : q == 2 ? -1.0 : 0.0;
        turn.s = q == 1 ? 1.0 : q == 3 ? -1.0 : 0.0;
    } else {
        turn.c = iad_cos(degrees * (3.14159265358979323846 / 180.0));
        turn.s = iad_sin(degrees * (3.14159265358979323846 / 180.0));
    }
    turn.width = (int)ceil(width * fabs(turn.c) + height * fabs(turn.s) - 1e-6);
    turn.height = (int)ceil(width * fabs(turn.s) + height * fabs(turn.c) - 1e-6);
    double mx = 0.5 * (width - 1), my = 0.5 * (height - 1);
    turn.tx = 0.5 * (turn.width - 1) - (turn.c * mx - turn.s * my);
    turn.ty = 0.5 * (turn.height - 1) - (turn.s * mx + turn.c * my);
    return turn;
}

void iad_pn_turn_apply(const iad_pn_turn *turn, double x, double y, double *cx, double *cy) {
    *cx = turn->c * x - turn->s * y + turn->tx;
    *cy = turn->s * x + turn->c * y + turn->ty;
}

void iad_pn_turn_undo(const iad_pn_turn *turn, double cx, double cy, double *x, double *y) {
    double dx = cx - turn->tx, dy = cy - turn->ty;
    *x = turn->c * dx + turn->s * dy;
    *y = -turn->s * dx + turn->c * dy;
}

void iad_pn_turn_planes(const iad_pn_turn *turn, const float *planes, int n, int width, int height, float *out) {
    size_t in_size = (size_t)width * (size_t)height, out_size = (size_t)turn->width * (size_t)turn->height;
    for (int cy = 0; cy < turn->height; cy++) {
        for (int cx = 0; cx < turn->width; cx++) {
            double x, y;
            iad_pn_turn_undo(turn, cx, cy, &x, &y);
            x = x < 0.0 ? 0.0 : x > width - 1 ? width - 1 : x;
            y = y < 0.0 ? 0.0 : y > height - 1 ? height - 1 : y;
            int x0 = (int)x, y0 = (int)y, x1 = x0 + 1 < width ? x0 + 1 : x0, y1 = y0 + 1 < height ? y0 + 1 : y0;
            float fx = (float)(x - x0), fy = (float)(y - y0);
            size_t a = (size_t)y0 * (size_t)width, b = (size_t)y1 * (size_t)width;
            for (int k = 0; k < n; k++) {
                const float *p = planes + (size_t)k * in_size;
                float top = p[a + (size_t)x0] + fx * (p[a + (size_t)x1] - p[a + (size_t)x0]);
                float bottom = p[b + (size_t)x0] + fx * (p[b + (size_t)x1] - p[b + (size_t)x0]);
                out[(size_t)k * out_size + (size_t)cy * (size_t)turn->width + (size_t)cx] = top + fy * (bottom - top);
            }
        }
    }
}

iad_status iad_pn_picture_turn(const iad_pn_picture *picture, const iad_pn_turn *turn, iad_pn_picture *turned, iad_err *err) {
    IAD_TRY(allocate(turned, turn->width, turn->height, picture->n_planes, err));
    iad_pn_turn_planes(turn, picture->px, picture->n_planes, picture->width, picture->height, turned->px);
    return IAD_OK;
}
