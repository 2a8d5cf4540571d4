/* Order-preserving integer keys of floats: x < y iff key(x) < key(y), with -0 and +0 equal. NaN has no key. */
#ifndef IAD_METRICS_FLOATKEY_H
#define IAD_METRICS_FLOATKEY_H

#include <stdint.h>
#include <string.h>

static inline uint32_t iad_float_key(float x) {
    x += 0.0f; /* -0 becomes +0 */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static inline float iad_key_float(uint32_t key) {
    uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t iad_double_key(double x) {
    x += 0.0;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000u;
}

static inline double iad_key_double(uint64_t key) {
    uint64_t bits = key >> 63 ? key & 0x7fffffffffffffffu : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Keys of -FLT_MAX and FLT_MAX: every finite float lies between them. */
#define IAD_FLOAT_KEY_MIN 0x00800000u
#define IAD_FLOAT_KEY_MAX 0xff7fffffu

#endif
