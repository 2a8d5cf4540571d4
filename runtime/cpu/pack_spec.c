#include "runtime/cpu/pack.h"

#include <math.h>
#include <string.h>

enum { MAX_SIZE = 1 << 24, MAX_I8_IN = 1 << 16 };

float iad_quant_scale(float max_abs, float *factor) {
    *factor = 0.0f;
    if (!isfinite(max_abs)) return NAN;
    if (max_abs < 1e-35f) return 0.0f;
    *factor = 127.0f / max_abs;
    return max_abs / 127.0f;
}

float iad_quant_max_abs(const float *v, size_t n) {
    /* As integers: the order is the same for finite values, and NaNs come out on top. */
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, v + i, sizeof bits);
        bits &= 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    float value;
    memcpy(&value, &most, sizeof value);
    return value;
}

const iad_weight_part *iad_spec_part(const iad_weight_spec *spec, int64_t row, int64_t *inside) {
    int p = 0;
    while (p + 1 < spec->n_parts && row >= spec->parts[p].n_out) row -= spec->parts[p++].n_out;
    *inside = row;
    return &spec->parts[p];
}

iad_status iad_spec_row(const iad_weight_spec *spec, int64_t row, int64_t first, size_t n, float *dst, iad_err *err) {
    int64_t inside;
    const iad_weight_part *part = iad_spec_part(spec, row, &inside);
    size_t at = (size_t)(inside * spec->n_in + first) * iad_dtype_size(part->dtype);
    const void *src = (const char *)part->data + at;
    if (part->dtype != IAD_I8) return iad_dtype_to_f32(part->dtype, src, n, dst, err);
    const int8_t *q = src;
    float scale = part->scale[inside];
    for (size_t i = 0; i < n; i++) dst[i] = (float)q[i] * scale;
    return IAD_OK;
}

int iad_spec_has_bias(const iad_weight_spec *spec) {
    int has = 0;
    for (int p = 0; p < spec->n_parts; p++) has |= spec->parts[p].bias != NULL;
    return has && !spec->transposed;
}

iad_status iad_spec_fits(const iad_weight_spec *spec, int64_t n_in, int64_t n_out, iad_dtype storage, int has_bias, iad_err *err) {
    int64_t in, out;
    IAD_TRY(iad_spec_check(spec, &in, &out, err));
    if (in == n_in && out == n_out && spec->storage == storage && iad_spec_has_bias(spec) == has_bias) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "%s: values of %lld -> %lld%s for a weight of %lld -> %lld%s", spec->name != NULL ? spec->name : "weight",
                    (long long)in, (long long)out, iad_spec_has_bias(spec) ? " with bias" : "", (long long)n_in, (long long)n_out,
                    has_bias ? " with bias" : "");
}

void iad_spec_bias(const iad_weight_spec *spec, float *bias) {
    for (int p = 0; p < spec->n_parts; bias += spec->parts[p++].n_out) {
        size_t bytes = (size_t)spec->parts[p].n_out * sizeof *bias;
        if (spec->parts[p].bias != NULL) memcpy(bias, spec->parts[p].bias, bytes);
        else memset(bias, 0, bytes);
    }
}

iad_status iad_spec_check(const iad_weight_spec *spec, int64_t *n_in, int64_t *n_out, iad_err *err) {
    const char *name = spec->name != NULL ? spec->name : "weight";
    if (spec->storage != IAD_F32 && spec->storage != IAD_BF16 && spec->storage != IAD_I8)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: weights cannot be held as %s", name, iad_dtype_name(spec->storage));
    if (spec->n_parts < 1 || spec->n_parts > IAD_WEIGHT_MAX_PARTS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %d parts", name, spec->n_parts);
    if (spec->n_in < 1) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %lld inputs", name, (long long)spec->n_in);
    if (spec->n_in > MAX_SIZE || (spec->storage == IAD_I8 && spec->n_in > MAX_I8_IN))
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %lld inputs are too many for %s", name, (long long)spec->n_in,
                        iad_dtype_name(spec->storage));
    int64_t outs = 0;
    for (int p = 0; p < spec->n_parts; p++) {
        const iad_weight_part *part = &spec->parts[p];
        if (part->data == NULL || part->n_out < 1)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: part %d is empty", name, p);
        if (part->dtype == IAD_I8 ? part->scale == NULL : !iad_dtype_is_float(part->dtype))
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: part %d of type %s%s", name, p, iad_dtype_name(part->dtype),
                            part->dtype == IAD_I8 ? " without scales" : "");
        if (spec->transposed && (spec->storage == IAD_I8 || part->dtype == IAD_I8))
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: 8-bit weights have no transpose", name);
        if (part->n_out > MAX_SIZE - outs) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: too many outputs", name);
        outs += part->n_out;
    }
    *n_in = spec->transposed ? outs : spec->n_in;
    *n_out = spec->transposed ? spec->n_in : outs;
    return IAD_OK;
}
