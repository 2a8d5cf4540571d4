/* The 8-bit code of optimizer states (train page, 2.4 and 3.2): blocks of IAD_ADAMW_BLOCK values share an f32 scale, and a value is scale *
 * code. The scale puts the largest magnitude of the block on the largest code, 1.875. Codes are small floats with three bits of mantissa, so
 * that the spacing is 6 to 12 % of the value over the whole range, and coding is shifting:
 *     m, signed:   byte = k, + 128 when negative; 0, or (1 + (k & 7) / 8) 2^((k >> 3) - 15) for k = 1..127. Nearest, ties away from 0.
 *     v, unsigned: byte = k; 0, or (1 + (k & 7) / 8) 2^((k >> 3) - 31) for k = 1..255. Only 0 becomes 0: a small v must not turn into a
 *                  division by eps. The range is that of m, squared.
 * v decays by a factor of 0.999 a step, far less than its spacing: nearest rounding would never move it. It is rounded up or down with
 * probabilities that keep the mean; the coin is a hash of the bits of the value and the gradient, so that it depends on neither threads
 * nor ranks nor history. The price is noise: with steady gradients v wanders by about 20 %, its root by 10 %. */
#ifndef IAD_TRAIN_ADAMW8_H
#define IAD_TRAIN_ADAMW8_H

#include <stdint.h>
#include <string.h>

#ifndef IAD_CODE8 /* train/cuda says what its compiler wants */
#define IAD_CODE8 static inline __attribute__((always_inline))
#endif
#define IAD_CODE8_MOST 1.875f

enum { IAD_CODE8_M_BIAS = (127 - 15) * 8, IAD_CODE8_V_BIAS = (127 - 31) * 8, IAD_CODE8_SHIFT = 20 };

IAD_CODE8 uint32_t iad_code8_bits(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

IAD_CODE8 float iad_code8_float(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Everything below is free of branches, so that loops over it become vectors. */

IAD_CODE8 float iad_code8_m(uint8_t byte) {
    uint32_t k = byte & 127u, sign = (uint32_t)(byte >> 7) << 31;
    return iad_code8_float(k == 0 ? 0 : ((k + IAD_CODE8_M_BIAS) << IAD_CODE8_SHIFT) | sign);
}

IAD_CODE8 float iad_code8_v(uint8_t byte) {
    uint32_t k = byte;
    return iad_code8_float(k == 0 ? 0 : (k + IAD_CODE8_V_BIAS) << IAD_CODE8_SHIFT);
}

/* Code of x, |x| <= 1.875. A NaN gives some code: its scale is a NaN then. */
IAD_CODE8 uint8_t iad_code8_of_m(float x) {
    uint32_t bits = iad_code8_bits(x), magnitude = bits & 0x7fffffffu;
    int32_t k = (int32_t)((magnitude + (1u << (IAD_CODE8_SHIFT - 1))) >> IAD_CODE8_SHIFT) - IAD_CODE8_M_BIAS;
    int32_t least = magnitude >= iad_code8_bits(0x1.2p-16f); /* half of the smallest */
    k = k < least ? least : k;
    k = k > 127 ? 127 : k;
    return (uint8_t)((uint32_t)k | (k > 0 ? bits >> 31 << 7 : 0u));
}

/* Code of x in 0..1.875, one of the two beside it: the mantissa is linear between them, so adding a uniform number to the bits that are
 * cut off rounds up with the right probability. */
IAD_CODE8 uint8_t iad_code8_of_v(float x, uint32_t coin) {
    uint32_t bits = iad_code8_bits(x) & 0x7fffffffu;
    int32_t k = (int32_t)((bits + (coin >> (32 - IAD_CODE8_SHIFT))) >> IAD_CODE8_SHIFT) - IAD_CODE8_V_BIAS;
    k = k < 1 ? 1 : k;
    k = k > 255 ? 255 : k;
    return (uint8_t)(bits == 0 ? 0 : k);
}

/* Mixes two words into a uniform one. */
IAD_CODE8 uint32_t iad_code8_coin(uint32_t a, uint32_t b) {
    uint32_t h = a * 0x9e3779b1u ^ (b * 0x85ebca77u + 0x27d4eb2fu);
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    return h ^ h >> 15;
}

#endif
