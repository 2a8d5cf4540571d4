#include "synth/defect/perlinnoise.h"

#include <math.h>

#include "base/fmath.h"
#include "base/image/resize.h"

enum { GRID_LEAST = 64, GRID_PER_CELL = 16, GRID_MOST = 512, MAX_CELLS = 1024 };
#define PI 3.14159265358979323846

/* SplitMix64 of a lattice point: which of the 256 directions it has. */
static unsigned direction(uint64_t seed, int64_t x, int64_t y) {
    uint64_t z = seed + (uint64_t)x * 0x9e3779b97f4a7c15u + (uint64_t)y * 0xc2b2ae3d27d4eb4fu;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (unsigned)((z ^ z >> 31) & 255);
}

static double fade(double t) { return t * t * t * (t * (t * 6 - 15) + 10); }

static double at(uint64_t seed, double gradients[256][2], double x, double y) {
    double fx = floor(x), fy = floor(y), u = x - fx, v = y - fy, dot[2][2];
    int64_t cx = (int64_t)fx, cy = (int64_t)fy;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            const double *g = gradients[direction(seed, cx + i, cy + j)];
            dot[j][i] = g[0] * (u - i) + g[1] * (v - j);
        }
    double a = fade(u), b = fade(v), top = dot[0][0] + a * (dot[0][1] - dot[0][0]), bottom = dot[1][0] + a * (dot[1][1] - dot[1][0]);
    return 1.41421356237309504880 * (top + b * (bottom - top));
}

iad_status iad_perlin_noise(const iad_perlin *noise, int width, int height, iad_plane *plane, iad_err *err) {
    *plane = (iad_plane){0};
    if (width < 1 || height < 1 || noise->cells_x < 1 || noise->cells_y < 1 || noise->cells_x > MAX_CELLS || noise->cells_y > MAX_CELLS)
        return IAD_FAIL(err, IAD_ERR_ARG, "noise of %d x %d pixels with %d x %d cells", width, height, noise->cells_x, noise->cells_y);
    int longer = width > height ? width : height, w = width, h = height;
    int cells = noise->cells_x > noise->cells_y ? noise->cells_x : noise->cells_y, side = cells * GRID_PER_CELL;
    side = side < GRID_LEAST ? GRID_LEAST : side > GRID_MOST ? GRID_MOST : side;
    if (longer > side) {
        w = (int)((int64_t)width * side / longer);
        h = (int)((int64_t)height * side / longer);
        w = w < 1 ? 1 : w;
        h = h < 1 ? 1 : h;
    }
    double gradients[256][2];
    for (int i = 0; i < 256; i++) {
        gradients[i][0] = iad_cos(2 * PI * i / 256);
        gradients[i][1] = iad_sin(2 * PI * i / 256);
    }
    iad_plane grid;
    IAD_TRY(iad_plane_init(&grid, w, h, err));
    double c = iad_cos(noise->angle * (PI / 180000)), s = iad_sin(noise->angle * (PI / 180000));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            /* turned in pixels about the middle, so that cells keep their shape */
            double dx = (x + 0.5 - w / 2.0), dy = (y + 0.5 - h / 2.0), u = c * dx + s * dy + w / 2.0, v = c * dy - s * dx + h / 2.0;
            grid.px[(size_t)y * (size_t)w + (size_t)x] = (float)at(noise->seed, gradients, u * noise->cells_x / w, v * noise->cells_y / h);
        }
    if (w == width && h == height) {
        *plane = grid;
        return IAD_OK;
    }
    iad_status status = iad_plane_bilinear(&grid, width, height, 0, plane, err);
    iad_plane_deinit(&grid);
    return status;
}
