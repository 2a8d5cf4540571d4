/* Element types of stored tensors and exact conversions between the floating kinds.
 *
 * Stored tensors are little-endian and byte-packed; `src` and `dst` of the array functions need no alignment. */
#ifndef IAD_TENSOR_DTYPE_H
#define IAD_TENSOR_DTYPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum iad_dtype {
    IAD_F32 = 0,
    IAD_BF16,
    IAD_F16,
    IAD_F64,
    IAD_I8,
    IAD_U8,
    IAD_I16,
    IAD_U16,
    IAD_I32,
    IAD_U32,
    IAD_I64,
    IAD_U64,
    IAD_BOOL,
    IAD_F8_E4M3, /* OCP "E4M3FN": no infinities, NaN is S.1111.111 */
    IAD_F8_E5M2, /* IEEE-like, with infinities */
    IAD_F8_E8M0, /* powers of two, 0xff is NaN */
    IAD_C64,     /* two F32 */
    IAD_DTYPE_COUNT
} iad_dtype;

/* Name as safetensors spells it ("BF16"); "?" outside the enumeration. */
const char *iad_dtype_name(iad_dtype dtype);
/* 1 and *dtype when `name` is one of the names above (exact spelling), else 0. */
int iad_dtype_find(const char *name, iad_dtype *dtype);
/* Bytes of one element; 0 outside the enumeration. */
size_t iad_dtype_size(iad_dtype dtype);
/* 1 for F32, BF16, F16, F64, F8_E4M3, F8_E5M2: the kinds that iad_dtype_to_f32 takes as weights. */
int iad_dtype_is_float(iad_dtype dtype);

/* ---- scalars; the oracle of the array functions ---- */

float iad_bf16_to_f32(uint16_t bits);
/* Nearest, ties to even; overflow gives infinity; a NaN stays a (quiet) NaN with its sign and upper payload. */
uint16_t iad_f32_to_bf16(float value);
float iad_f16_to_f32(uint16_t bits);
uint16_t iad_f32_to_f16(float value); /* same rules; subnormals kept */
float iad_f8_e4m3_to_f32(uint8_t bits);
float iad_f8_e5m2_to_f32(uint8_t bits);

/* ---- arrays of n elements ---- */

/* dtype (a floating kind) -> f32. F64 rounds to nearest even. IAD_ERR_UNSUPPORTED for other kinds. */
iad_status iad_dtype_to_f32(iad_dtype dtype, const void *src, size_t n, float *dst, iad_err *err);
/* f32 -> dtype (F32, BF16, F16, F64). IAD_ERR_UNSUPPORTED for other kinds. */
iad_status iad_dtype_from_f32(iad_dtype dtype, const float *src, size_t n, void *dst, iad_err *err);
/* Between any two floating kinds of the two functions above, by way of f32 in pieces; the same kind is copied bit for bit. */
iad_status iad_dtype_convert(iad_dtype from, const void *src, size_t n, iad_dtype to, void *dst, iad_err *err);

void iad_bf16_to_f32_array(const void *src, size_t n, float *dst);
void iad_f32_to_bf16_array(const float *src, size_t n, void *dst);
void iad_f16_to_f32_array(const void *src, size_t n, float *dst);
void iad_f32_to_f16_array(const float *src, size_t n, void *dst);

/* The same without vector instructions, for tests. */
void iad_bf16_to_f32_scalar(const void *src, size_t n, float *dst);
void iad_f32_to_bf16_scalar(const float *src, size_t n, void *dst);
void iad_f16_to_f32_scalar(const void *src, size_t n, float *dst);
void iad_f32_to_f16_scalar(const float *src, size_t n, void *dst);

#endif
