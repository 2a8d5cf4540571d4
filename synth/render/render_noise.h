/* Lattice noise for materials: pure functions of (seed, position), the same bits on every machine. */
#ifndef IAD_RENDER_NOISE_H
#define IAD_RENDER_NOISE_H

#include <stdint.h>

/* Gradient noise (Perlin 1985 with a quintic fade), about -1..1, zero mean, one feature per unit of x and y. */
float iad_noise(uint32_t seed, float x, float y);

/* Sum of `octaves` layers, each of twice the frequency and half the amplitude, scaled to about -1..1. */
float iad_noise_fbm(uint32_t seed, float x, float y, int octaves);

/* Value noise on a line, -1..1, one feature per unit. */
float iad_noise_line(uint32_t seed, float x);

/* Cellular noise (Worley 1996), one point per unit cell. */
typedef struct iad_noise_cell {
    float near;  /* distance to the nearest point */
    float next;  /* distance to the second nearest; next - near is small at the border between two cells */
    float dx, dy; /* from the nearest point to (x, y) */
    uint32_t id; /* hash of the nearest point */
} iad_noise_cell;
void iad_noise_cells(uint32_t seed, float x, float y, iad_noise_cell *cell);

#endif
