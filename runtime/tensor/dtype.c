#include "runtime/tensor/dtype.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned char size, is_float;
} kinds[IAD_DTYPE_COUNT] = {
    [IAD_F32] = {"F32", 4, 1},         [IAD_BF16] = {"BF16", 2, 1},       [IAD_F16] = {"F16", 2, 1},
    [IAD_F64] = {"F64", 8, 1},         [IAD_I8] = {"I8", 1, 0},           [IAD_U8] = {"U8", 1, 0},
    [IAD_I16] = {"I16", 2, 0},         [IAD_U16] = {"U16", 2, 0},         [IAD_I32] = {"I32", 4, 0},
    [IAD_U32] = {"U32", 4, 0},         [IAD_I64] = {"I64", 8, 0},         [IAD_U64] = {"U64", 8, 0},
    [IAD_BOOL] = {"BOOL", 1, 0},       [IAD_F8_E4M3] = {"F8_E4M3", 1, 1}, [IAD_F8_E5M2] = {"F8_E5M2", 1, 1},
    [IAD_F8_E8M0] = {"F8_E8M0", 1, 0}, [IAD_C64] = {"C64", 8, 0},
};

static int known(iad_dtype dtype) { return (unsigned)dtype < IAD_DTYPE_COUNT; }

const char *iad_dtype_name(iad_dtype dtype) { return known(dtype) ? kinds[dtype].name : "?"; }

int iad_dtype_find(const char *name, iad_dtype *dtype) {
    for (int i = 0; i < IAD_DTYPE_COUNT; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *dtype = (iad_dtype)i;
            return 1;
        }
    return 0;
}

size_t iad_dtype_size(iad_dtype dtype) { return known(dtype) ? kinds[dtype].size : 0; }

int iad_dtype_is_float(iad_dtype dtype) { return known(dtype) && kinds[dtype].is_float; }

/* ---- scalars ---- */

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float iad_bf16_to_f32(uint16_t bits) { return from_bits((uint32_t)bits << 16); }

uint16_t iad_f32_to_bf16(float value) {
    uint32_t u = to_bits(value);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(u >> 16 | 0x40u); /* NaN: quiet, never rounded to infinity */
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

/* A float with `man` mantissa bits below `exp` exponent bits, IEEE-like with infinities and subnormals. All values are exact in f32. */
static float small_float(uint32_t bits, int exp, int man) {
    uint32_t sign = bits >> (exp + man) << 31, e = bits >> man & ((1u << exp) - 1), m = bits & ((1u << man) - 1);
    int bias = (1 << (exp - 1)) - 1;
    if (e == (1u << exp) - 1) return from_bits(sign | 0x7f800000u | m << (23 - man) | (m ? 0x400000u : 0));
    if (e) return from_bits(sign | (uint32_t)((int)e - bias + 127) << 23 | m << (23 - man));
    float value = (float)m * from_bits((uint32_t)(1 - bias - man + 127) << 23); /* exact: m is small, the power a normal */
    return sign ? -value : value;
}

float iad_f16_to_f32(uint16_t bits) { return small_float(bits, 5, 10); }

float iad_f8_e5m2_to_f32(uint8_t bits) { return small_float(bits, 5, 2); }

float iad_f8_e4m3_to_f32(uint8_t bits) {
    uint32_t sign = (uint32_t)(bits >> 7) << 31, e = bits >> 3 & 15u, m = bits & 7u;
    if (e == 15 && m == 7) return from_bits(sign | 0x7fc00000u);
    if (e) return from_bits(sign | (e - 7 + 127) << 23 | m << 20); /* e = 15 is an ordinary exponent: up to 448 */
    float value = (float)m * 0x1p-9f;
    return sign ? -value : value;
}

uint16_t iad_f32_to_f16(float value) {
    uint32_t u = to_bits(value), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* 65520 and above round to infinity */
    if (a >= 0x38800000u) {                                  /* normal: rebias, round, a carry may enter the exponent */
        a -= 112u << 23;
        return (uint16_t)(sign | (a + 0xfffu + (a >> 13 & 1u)) >> 13);
    }
    if (a < 0x33000000u) return (uint16_t)sign; /* below half of the smallest subnormal */
    uint32_t e = a >> 23, m = (a & 0x7fffffu) | 0x800000u, shift = 126 - e; /* value = m * 2^(e-150); unit is 2^-24 */
    uint32_t q = m >> shift, rest = m & ((1u << shift) - 1), half = 1u << (shift - 1);
    if (rest > half || (rest == half && (q & 1u))) q++;
    return (uint16_t)(sign | q);
}

/* ---- arrays, scalar ---- */

static uint16_t load16(const uint8_t *at) {
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

void iad_bf16_to_f32_scalar(const void *src, size_t n, float *dst) {
    const uint8_t *p = src;
    for (size_t i = 0; i < n; i++) dst[i] = iad_bf16_to_f32(load16(p + 2 * i));
}

void iad_f16_to_f32_scalar(const void *src, size_t n, float *dst) {
    const uint8_t *p = src;
    for (size_t i = 0; i < n; i++) dst[i] = iad_f16_to_f32(load16(p + 2 * i));
}

void iad_f32_to_bf16_scalar(const float *src, size_t n, void *dst) {
    uint8_t *p = dst;
    for (size_t i = 0; i < n; i++) {
        uint16_t v = iad_f32_to_bf16(src[i]);
        memcpy(p + 2 * i, &v, sizeof v);
    }
}

void iad_f32_to_f16_scalar(const float *src, size_t n, void *dst) {
    uint8_t *p = dst;
    for (size_t i = 0; i < n; i++) {
        uint16_t v = iad_f32_to_f16(src[i]);
        memcpy(p + 2 * i, &v, sizeof v);
    }
}

/* ---- by kind ---- */

iad_status iad_dtype_to_f32(iad_dtype dtype, const void *src, size_t n, float *dst, iad_err *err) {
    const uint8_t *p = src;
    switch (dtype) {
    case IAD_F32:
        if (n) memcpy(dst, src, n * sizeof *dst);
        return IAD_OK;
    case IAD_BF16: iad_bf16_to_f32_array(src, n, dst); return IAD_OK;
    case IAD_F16: iad_f16_to_f32_array(src, n, dst); return IAD_OK;
    case IAD_F64:
        for (size_t i = 0; i < n; i++) {
            double v;
            memcpy(&v, p + 8 * i, sizeof v);
            dst[i] = (float)v;
        }
        return IAD_OK;
    case IAD_F8_E4M3:
        for (size_t i = 0; i < n; i++) dst[i] = iad_f8_e4m3_to_f32(p[i]);
        return IAD_OK;
    case IAD_F8_E5M2:
        for (size_t i = 0; i < n; i++) dst[i] = iad_f8_e5m2_to_f32(p[i]);
        return IAD_OK;
    default: return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s cannot be read as floating point", iad_dtype_name(dtype));
    }
}

iad_status iad_dtype_from_f32(iad_dtype dtype, const float *src, size_t n, void *dst, iad_err *err) {
    uint8_t *p = dst;
    switch (dtype) {
    case IAD_F32:
        if (n) memcpy(dst, src, n * sizeof *src);
        return IAD_OK;
    case IAD_BF16: iad_f32_to_bf16_array(src, n, dst); return IAD_OK;
    case IAD_F16: iad_f32_to_f16_array(src, n, dst); return IAD_OK;
    case IAD_F64:
        for (size_t i = 0; i < n; i++) {
            double v = (double)src[i];
            memcpy(p + 8 * i, &v, sizeof v);
        }
        return IAD_OK;
    default: return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "floating point cannot be written as %s", iad_dtype_name(dtype));
    }
}

iad_status iad_dtype_convert(iad_dtype from, const void *src, size_t n, iad_dtype to, void *dst, iad_err *err) {
    enum { PIECE = 1024 };
    float piece[PIECE];
    const uint8_t *in = src;
    uint8_t *out = dst;
    if (!iad_dtype_is_float(from)) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s cannot be read as floating point", iad_dtype_name(from));
    if (from == to) {
        if (n) memcpy(dst, src, n * iad_dtype_size(from));
        return IAD_OK;
    }
    for (size_t i = 0; i < n; i += PIECE) {
        size_t k = n - i < PIECE ? n - i : PIECE;
        IAD_TRY(iad_dtype_to_f32(from, in + i * iad_dtype_size(from), k, piece, err));
        IAD_TRY(iad_dtype_from_f32(to, piece, k, out + i * iad_dtype_size(to), err));
    }
    return IAD_OK;
}
