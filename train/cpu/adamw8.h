/* The 8-bit code of optimizer states (train page, 2.4 and 3.2): blocks of IAD_ADAMW_BLOCK values share an f32 scale, the largest
 * magnitude of the block; a value is scale * code. Codes are geometric, so that the relative error is the same over the whole range:
 *     m, signed:   0, or +-2^((k - 127) / 6) for k = 1..127, 21 octaves; byte = k, + 128 when negative. Nearest; below half of the
 *                  smallest it is 0.
 *     v, unsigned: 0, or 2^((k - 255) / 8) for k = 1..255, 31.75 octaves; byte = k. Only 0 becomes 0: a small v must not turn into a
 *                  division by eps.
 * v decays by a factor of 0.999 a step, far less than its spacing of 9 %: nearest rounding would never move it. It is rounded up or
 * down with probabilities that keep the mean; the coin is a hash of the bits of the value and the gradient, so that it depends on
 * neither threads nor ranks nor history. The price is noise: with steady gradients v wanders by about 20 %, its root by 10 %. */
#ifndef IAD_TRAIN_ADAMW8_H
#define IAD_TRAIN_ADAMW8_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define IAD_CODE8 static inline __attribute__((always_inline))

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

/* Mantissa bits of 2^(j / 6) and 2^(j / 8). */
static const uint32_t iad_code8_m_step[6] = {0x000000, 0x0facd6, 0x214518, 0x3504f3, 0x4b2ff5, 0x6411f0};
static const uint32_t iad_code8_v_step[8] = {0x000000, 0x0b95c2, 0x1837f0, 0x25fed7, 0x3504f3, 0x45672a, 0x5744fd, 0x6ac0c7};

/* Value of a byte over its scale, 0..1 in magnitude. */
IAD_CODE8 float iad_code8_m(uint8_t byte) {
    int k = byte & 127, e = (k + 5) / 6 - 22, j = (k + 5) % 6; /* k - 127 = 6 e + j */
    float v = iad_code8_float((uint32_t)(e + 127) << 23 | iad_code8_m_step[j]);
    v = k == 0 ? 0.0f : v;
    return byte & 128 ? -v : v;
}

IAD_CODE8 float iad_code8_v(uint8_t byte) {
    int k = byte, e = (k + 1) / 8 - 32, j = (k + 1) % 8; /* k - 255 = 8 e + j */
    return k == 0 ? 0.0f : iad_code8_float((uint32_t)(e + 127) << 23 | iad_code8_v_step[j]);
}

/* Nearest code of x, |x| <= 1. Ties go up. A NaN gives some code: its scale is a NaN then. */
IAD_CODE8 uint8_t iad_code8_of_m(float x) {
    uint32_t bits = iad_code8_bits(x), sign = bits >> 31 << 7;
    bits &= 0x7fffffffu;
    bits = bits > 0x3f800000u ? 0x3f800000u : bits;
    int e = (int)(bits >> 23) - 127, j = 0;
    uint32_t mantissa = bits & 0x7fffffu;
    for (int i = 1; i < 6; i++) j += mantissa >= iad_code8_m_step[i];
    int k = 127 + 6 * e + j; /* the code at or below */
    float magnitude = iad_code8_float(bits), low = k >= 1 ? iad_code8_m((uint8_t)k) : 0.0f;
    if (k < 0) k = 0;
    if (k < 127) {
        float high = iad_code8_m((uint8_t)(k + 1));
        k += magnitude - low >= high - magnitude;
    }
    return k == 0 ? 0 : (uint8_t)((uint32_t)k | sign);
}

/* Code of x in 0..1 at or below it, or the next one when the coin (uniform over 32 bits) falls inside the part of the gap that x fills. */
IAD_CODE8 uint8_t iad_code8_of_v(float x, uint32_t coin) {
    uint32_t bits = iad_code8_bits(x) & 0x7fffffffu;
    bits = bits > 0x3f800000u ? 0x3f800000u : bits;
    int e = (int)(bits >> 23) - 127, j = 0;
    uint32_t mantissa = bits & 0x7fffffu;
    for (int i = 1; i < 8; i++) j += mantissa >= iad_code8_v_step[i];
    int k = 255 + 8 * e + j;
    if (bits == 0) return 0;
    if (k < 1) return 1;
    if (k >= 255) return 255;
    float low = iad_code8_v((uint8_t)k), high = iad_code8_v((uint8_t)(k + 1));
    return (uint8_t)(k + ((iad_code8_float(bits) - low) * 4294967296.0f > (high - low) * (float)coin));
}

/* Mixes two words into a uniform one. */
IAD_CODE8 uint32_t iad_code8_coin(uint32_t a, uint32_t b) {
    uint32_t h = a * 0x9e3779b1u ^ (b * 0x85ebca77u + 0x27d4eb2fu);
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    return h ^ h >> 15;
}

#endif
