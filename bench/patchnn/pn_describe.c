/* Patch descriptors on a grid. */
#include "bench/patchnn/pn_describe.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/patchnn/pn_pool.h"

static int level_dims(int n_planes) { return IAD_PN_ORIENTATIONS + 3 + (n_planes - 1); }

int iad_pn_describe_dims(const iad_pn_params *params, int n_planes) { return params->levels * level_dims(n_planes); }

static int groups_per_level(int n_planes) { return n_planes > 1 ? 4 : 3; }

int iad_pn_describe_n_groups(const iad_pn_params *params, int n_planes) { return params->levels * groups_per_level(n_planes); }

int iad_pn_describe_group(int n_planes, int dim) {
    int level = dim / level_dims(n_planes), k = dim % level_dims(n_planes);
    int kind = k < IAD_PN_ORIENTATIONS ? 0 : k < IAD_PN_ORIENTATIONS + 2 ? 1 : k == IAD_PN_ORIENTATIONS + 2 ? 2 : 3;
    return level * groups_per_level(n_planes) + kind;
}

void iad_pn_grid_deinit(iad_pn_grid *grid) {
    free(grid->v);
    *grid = (iad_pn_grid){0};
}

/* cos and sin of 45 degree steps */
#define R 0.70710678118654752440f
static const float direction[IAD_PN_ORIENTATIONS][2] = {{1, 0}, {R, R}, {0, 1}, {-R, R}, {-1, 0}, {-R, -R}, {0, -1}, {R, -R}};
#undef R

/* Scratch of one call, sized for the full-resolution octave. */
typedef struct scratch {
    float *level, *next;            /* [n_planes][h][w] of this octave and of the next */
    float *smooth, *wide;           /* luminance at two scales */
    float *gx, *gy, *feature, *row;
    float *block;
} scratch;

static iad_status scratch_init(scratch *s, const iad_pn_picture *picture, iad_err *err) {
    size_t n = (size_t)picture->width * (size_t)picture->height, planes = (size_t)picture->n_planes;
    size_t row = (size_t)picture->width;
    s->block = iad_alloc(n * (2 * planes + 5) + row, sizeof(float));
    if (!s->block) return IAD_NOMEM(err, "descriptors");
    s->level = s->block;
    s->next = s->level + n * planes;
    s->smooth = s->next + n * planes;
    s->wide = s->smooth + n;
    s->gx = s->wide + n;
    s->gy = s->gx + n;
    s->feature = s->gy + n;
    s->row = s->feature + n;
    return IAD_OK;
}

static void gradients(const float *p, int width, int height, float *gx, float *gy) {
    for (int y = 0; y < height; y++) {
        const float *line = p + (size_t)y * (size_t)width;
        const float *above = y > 0 ? line - width : line, *below = y + 1 < height ? line + width : line;
        float *ox = gx + (size_t)y * (size_t)width, *oy = gy + (size_t)y * (size_t)width;
        for (int x = 0; x < width; x++) oy[x] = below[x] - above[x];
        for (int x = 1; x + 1 < width; x++) ox[x] = line[x + 1] - line[x - 1];
        ox[0] = width > 1 ? line[1] - line[0] : 0.0f;
        if (width > 1) ox[width - 1] = line[width - 1] - line[width - 2];
    }
}

static iad_status describe_level(scratch *s, int width, int height, int n_planes, int level, const iad_pn_params *params,
                                 iad_pn_grid *grid, iad_err *err) {
    iad_pn_axis ax = {0}, ay = {0}, sx = {0}, sy = {0}, wx = {0}, wy = {0};
    double scale = (double)(1 << level), sigma = params->smooth_sigma;
    size_t n = (size_t)width * (size_t)height;
    iad_status status = iad_pn_axis_init(&ax, width, grid->width, grid->step_x / scale, params->pool_sigma, err);
    if (status == IAD_OK) status = iad_pn_axis_init(&ay, height, grid->height, grid->step_y / scale, params->pool_sigma, err);
    if (status == IAD_OK) status = iad_pn_axis_init(&sx, width, width, 1.0, sigma, err);
    if (status == IAD_OK) status = iad_pn_axis_init(&sy, height, height, 1.0, sigma, err);
    if (status == IAD_OK) status = iad_pn_axis_init(&wx, width, width, 1.0, 2.0 * sigma, err);
    if (status == IAD_OK) status = iad_pn_axis_init(&wy, height, height, 1.0, 2.0 * sigma, err);
    if (status == IAD_OK) {
        float *out = grid->v + (size_t)level * (size_t)level_dims(n_planes);
        int stride = grid->dims;
        iad_pn_pool(s->level, &sx, &sy, s->row, s->smooth, 1);
        iad_pn_pool(s->level, &wx, &wy, s->row, s->wide, 1);
        gradients(s->smooth, width, height, s->gx, s->gy);
        for (int k = 0; k < IAD_PN_ORIENTATIONS; k++) {
            float c = direction[k][0], d = direction[k][1];
            for (size_t i = 0; i < n; i++) {
                float g = c * s->gx[i] + d * s->gy[i];
                s->feature[i] = g > 0.0f ? g : 0.0f;
            }
            iad_pn_pool(s->feature, &ax, &ay, s->row, out++, stride);
        }
        for (int sign = 0; sign < 2; sign++) {
            for (size_t i = 0; i < n; i++) {
                float d = sign ? s->wide[i] - s->smooth[i] : s->smooth[i] - s->wide[i];
                s->feature[i] = d > 0.0f ? d : 0.0f;
            }
            iad_pn_pool(s->feature, &ax, &ay, s->row, out++, stride);
        }
        for (int k = 0; k < n_planes; k++) iad_pn_pool(s->level + (size_t)k * n, &ax, &ay, s->row, out++, stride);
    }
    iad_pn_axis_deinit(&ax), iad_pn_axis_deinit(&ay), iad_pn_axis_deinit(&sx);
    iad_pn_axis_deinit(&sy), iad_pn_axis_deinit(&wx), iad_pn_axis_deinit(&wy);
    return status;
}

static int cells(int size, int step) {
    int n = (size + step / 2) / step;
    return n > 0 ? n : 1;
}

void iad_pn_describe_size(const iad_pn_picture *picture, const iad_pn_params *params, int *width, int *height) {
    *width = cells(picture->width, params->grid_step);
    *height = cells(picture->height, params->grid_step);
}

iad_status iad_pn_describe(const iad_pn_picture *picture, const iad_pn_params *params, iad_pn_grid *grid, iad_err *err) {
    *grid = (iad_pn_grid){0};
    iad_pn_describe_size(picture, params, &grid->width, &grid->height);
    grid->dims = iad_pn_describe_dims(params, picture->n_planes);
    grid->step_x = (double)picture->width / grid->width;
    grid->step_y = (double)picture->height / grid->height;
    grid->v = iad_alloc((size_t)grid->width * (size_t)grid->height, (size_t)grid->dims * sizeof *grid->v);
    if (!grid->v) return IAD_NOMEM(err, "descriptors");
    scratch s = {0};
    iad_status status = scratch_init(&s, picture, err);
    int width = picture->width, height = picture->height, planes = picture->n_planes;
    if (status == IAD_OK)
        for (size_t i = 0; i < (size_t)width * (size_t)height * (size_t)planes; i++) s.level[i] = picture->px[i];
    for (int level = 0; status == IAD_OK && level < params->levels; level++) {
        status = describe_level(&s, width, height, planes, level, params, grid, err);
        size_t n = (size_t)width * (size_t)height, half = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
        for (int k = 0; k < planes; k++) iad_pn_halve(s.level + (size_t)k * n, width, height, s.row, s.next + (size_t)k * half);
        float *swap = s.level;
        s.level = s.next;
        s.next = swap;
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
    free(s.block);
    if (status != IAD_OK) iad_pn_grid_deinit(grid);
    return status;
}
