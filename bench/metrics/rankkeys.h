/* Blocks of floats to shifted keys (see rankcount.c), vectorised where the processor can. */
#ifndef IAD_METRICS_RANKKEYS_H
#define IAD_METRICS_RANKKEYS_H

#include <stddef.h>
#include <stdint.h>

typedef struct iad_key_range {
    uint32_t min, max; /* float keys seen so far; updated */
    uint32_t bad;      /* becomes non-zero when a NaN or Inf was seen */
} iad_key_range;

/* out[i] = clamp(key(values[i]) - base, 0, top), i.e. 0 for keys at or below base. */
void iad_keys_shifted(const float *values, size_t n, uint32_t base, uint32_t top, uint32_t *out, iad_key_range *range);
void iad_keys_shifted_scalar(const float *values, size_t n, uint32_t base, uint32_t top, uint32_t *out,
                             iad_key_range *range);

#endif
