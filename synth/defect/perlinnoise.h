/* Gradient noise (Perlin 1985, fade of 2002), the same bits on every machine: 256 directions, lattice points hashed from (seed, x, y) so that nothing
 * is carried, any size. */
#ifndef IAD_SYNTH_PERLINNOISE_H
#define IAD_SYNTH_PERLINNOISE_H

#include <stdint.h>

#include "base/image/image.h"
#include "base/status.h"

typedef struct iad_perlin {
    uint64_t seed;
    int cells_x, cells_y; /* over the width and the height, >= 1 */
    int angle;            /* 1/1000 degree: turned by evaluating at turned coordinates */
} iad_perlin;

/* noise[y][x] of a width x height area, about -1..1 (times sqrt 2 as DRAEM has it); *plane is initialised here. Large areas are evaluated on a grid
 * of 16 points per cell (64 to 512 a side) and enlarged bilinearly: the noise has no finer detail than its cells. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM.
 */
iad_status iad_perlin_noise(const iad_perlin *noise, int width, int height, iad_plane *plane, iad_err *err);

#endif
