/* IEEE 754 half precision. Internal. */
#ifndef IAD_METRICS_HALFFLOAT_H
#define IAD_METRICS_HALFFLOAT_H

#include <stdint.h>

/* Exact, subnormals, infinities and NaN included. */
float iad_half_float(uint16_t half);

#endif
