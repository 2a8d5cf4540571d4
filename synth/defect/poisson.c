#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/image.h"
#include "synth/defect/blend.h"
#include "synth/defect/poisson_solvers.h"

#define TOLERANCE 0.01f /* grey levels; the promise is 0.05 */

/* Half-open rectangle around all that is inside; returns how many pixels that are. */
static size_t bounds(int w, int h, const uint8_t *inside, int box[4]) {
    size_t count = 0;
    box[0] = w, box[1] = h, box[2] = 0, box[3] = 0;
    for (int y = 0; y < h; y++) {
        const uint8_t *row = inside + (size_t)y * (size_t)w;
        for (int x = 0; x < w; x++) {
            if (!row[x]) continue;
            count++;
            if (x < box[0]) box[0] = x;
            if (x >= box[2]) box[2] = x + 1;
            if (y < box[1]) box[1] = y;
            box[3] = y + 1;
        }
    }
    return count;
}

static void cut(const float *from, int planes, int w, int h, int x0, int y0, float *to, int bw, int bh) {
    for (int p = 0; p < planes; p++)
        for (int y = 0; y < bh; y++)
            memcpy(to + ((size_t)p * (size_t)bh + (size_t)y) * (size_t)bw,
                   from + ((size_t)p * (size_t)h + (size_t)(y0 + y)) * (size_t)w + (size_t)x0, (size_t)bw * sizeof(float));
}

/* The box around the inside, with its boundary, solved on its own. */
static iad_status solve_cut(int planes, int w, int h, const uint8_t *inside, const float *div, float *value, const int box[4], int full,
                            iad_err *err) {
    int x0 = box[0] - 1, y0 = box[1] - 1, bw = box[2] - box[0] + 2, bh = box[3] - box[1] + 2;
    size_t area = (size_t)bw * (size_t)bh;
    float *v = iad_alloc_aligned((size_t)planes * area, sizeof(float)), *d = NULL;
    uint8_t *in = iad_alloc(area, 1);
    if (div != NULL) d = iad_alloc_aligned((size_t)planes * area, sizeof(float));
    iad_status status = IAD_OK;
    if (v == NULL || in == NULL || (div != NULL && d == NULL)) {
        status = IAD_NOMEM(err, "Poisson equation");
        goto done;
    }
    cut(value, planes, w, h, x0, y0, v, bw, bh);
    if (div != NULL) cut(div, planes, w, h, x0, y0, d, bw, bh);
    for (int y = 0; y < bh; y++) memcpy(in + (size_t)y * (size_t)bw, inside + (size_t)(y0 + y) * (size_t)w + (size_t)x0, (size_t)bw);
    status = full ? iad_poisson_rect(planes, bw, bh, d, v, 1, err) : iad_poisson_grid(planes, bw, bh, in, d, v, TOLERANCE, 1, NULL, err);
    for (int p = 0; status == IAD_OK && p < planes; p++)
        for (int y = 1; y < bh - 1; y++)
            for (int x = 1; x < bw - 1; x++)
                if (in[(size_t)y * (size_t)bw + (size_t)x])
                    value[((size_t)p * (size_t)h + (size_t)(y0 + y)) * (size_t)w + (size_t)(x0 + x)] =
                        v[((size_t)p * (size_t)bh + (size_t)y) * (size_t)bw + (size_t)x];
done:
    free(v);
    free(d);
    free(in);
    return status;
}

iad_status iad_poisson_planes(int planes, int w, int h, const uint8_t *inside, const float *div, float *value, iad_err *err) {
    if (w < 1 || h < 1 || w > IAD_IMAGE_MAX_SIDE || h > IAD_IMAGE_MAX_SIDE || planes < 1 || planes > 4)
        return IAD_FAIL(err, IAD_ERR_ARG, "Poisson equation on a box of %d x %d, %d planes", w, h, planes);
    int box[4];
    size_t count = bounds(w, h, inside, box);
    if (count == 0) return IAD_OK;
    if (box[0] == 0 || box[1] == 0 || box[2] == w || box[3] == h)
        return IAD_FAIL(err, IAD_ERR_ARG, "Poisson equation: the box's border belongs to the inside");
    int full = count == (size_t)(box[2] - box[0]) * (size_t)(box[3] - box[1]);
    if (box[0] > 1 || box[1] > 1 || box[2] < w - 1 || box[3] < h - 1) return solve_cut(planes, w, h, inside, div, value, box, full, err);
    return full ? iad_poisson_rect(planes, w, h, div, value, 1, err) : iad_poisson_grid(planes, w, h, inside, div, value, TOLERANCE, 1, NULL, err);
}

iad_status iad_poisson_solve(int w, int h, const uint8_t *inside, const float *div, float *value, iad_err *err) {
    return iad_poisson_planes(1, w, h, inside, div, value, err);
}
