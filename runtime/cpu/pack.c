#include "runtime/cpu/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul.h"
#include "runtime/cpu/matmul_kernels.h"
#include "runtime/cpu/split.h"

enum {
    CHUNK = 256,            /* words of a row staged at once: 64 rows fit in the second cache */
    STAGE = CHUNK + 16      /* words between staged rows, so that they do not share cache sets */
};

/* What one thread needs to pack a panel; on its stack. */
typedef struct stage {
    uint32_t words[IAD_PANEL * STAGE];
    float values[CHUNK * 4];
    float factor[IAD_PANEL];
    void (*turn)(const uint32_t *words, size_t stride, size_t n, void *dst);
} stage;

/* max|w| of a row, read in pieces. */
static iad_status row_max(const iad_weight_spec *spec, int64_t row, stage *st, float *max_abs, iad_err *err) {
    float most = 0.0f;
    for (int64_t k = 0; k < spec->n_in; k += CHUNK * 4) {
        size_t n = (size_t)(spec->n_in - k < CHUNK * 4 ? spec->n_in - k : CHUNK * 4);
        IAD_TRY(iad_spec_row(spec, row, k, n, st->values, err));
        float piece = iad_quant_max_abs(st->values, n);
        if (!(piece <= most)) most = piece;
        if (isnan(most)) break;
    }
    *max_abs = most;
    return IAD_OK;
}

/* Inputs [first, first + n) of a row in the storage type into dst. */
static iad_status stage_row(const iad_weight_spec *spec, iad_weight *w, int64_t row, int64_t first, size_t n, stage *st,
                            float factor, void *dst, iad_err *err) {
    int64_t inside;
    const iad_weight_part *part = iad_spec_part(spec, row, &inside);
    if (part->dtype == w->storage) {
        memcpy(dst, (const char *)part->data + (size_t)(inside * spec->n_in + first) * iad_dtype_size(part->dtype),
               n * iad_dtype_size(part->dtype));
    } else {
        IAD_TRY(iad_spec_row(spec, row, first, n, st->values, err));
        if (w->storage == IAD_F32) memcpy(dst, st->values, n * sizeof(float));
        else if (w->storage == IAD_BF16) iad_f32_to_bf16_array(st->values, n, dst);
        else iad_quant_row_s8(st->values, n, factor, dst);
    }
    if (w->storage == IAD_I8) {
        const int8_t *q = dst;
        int32_t sum = 0;
        for (size_t i = 0; i < n; i++) sum += q[i];
        w->offset[row] += 128 * sum;
    }
    return IAD_OK;
}

static iad_status pack_panel(const iad_weight_spec *spec, iad_weight *w, int64_t panel, stage *st, iad_err *err) {
    int64_t row0 = panel * IAD_PANEL;
    int rows = (int)(w->n_out - row0 < IAD_PANEL ? w->n_out - row0 : IAD_PANEL);
    if (w->storage == IAD_I8) {
        for (int r = 0; r < rows; r++) {
            int64_t inside;
            const iad_weight_part *part = iad_spec_part(spec, row0 + r, &inside);
            if (part->dtype == IAD_I8) {
                w->scale[row0 + r] = part->scale[inside];
            } else {
                float most;
                IAD_TRY(row_max(spec, row0 + r, st, &most, err));
                w->scale[row0 + r] = iad_quant_scale(most, &st->factor[r]);
            }
        }
    }
    if (w->offset != NULL) memset(w->offset + row0, 0, IAD_PANEL * sizeof *w->offset);
    unsigned char *dst = w->panels + (size_t)(panel * w->n_group) * IAD_GROUP_BYTES;
    for (int64_t g = 0; g < w->n_group; g += CHUNK) {
        size_t words = (size_t)(w->n_group - g < CHUNK ? w->n_group - g : CHUNK);
        int64_t first = g * w->per_group;
        int64_t n = w->n_in - first < (int64_t)words * w->per_group ? w->n_in - first : (int64_t)words * w->per_group;
        size_t whole = n > 0 ? (size_t)n / (size_t)w->per_group : 0; /* words without padding */
        for (int r = 0; r < IAD_PANEL; r++) {
            uint32_t *line = &st->words[r * STAGE];
            size_t keep = r < rows ? whole : 0;
            memset(line + keep, 0, (words - keep) * sizeof *line);
            if (r < rows && n > 0) IAD_TRY(stage_row(spec, w, row0 + r, first, (size_t)n, st, st->factor[r], line, err));
        }
        st->turn(st->words, STAGE, words, dst + (size_t)g * IAD_GROUP_BYTES);
    }
    return IAD_OK;
}

static iad_status row_as_bf16(const iad_weight_spec *spec, int64_t row, int64_t first, size_t n, float *values, uint16_t *dst, iad_err *err) {
    int64_t inside;
    const iad_weight_part *part = iad_spec_part(spec, row, &inside);
    if (part->dtype == IAD_BF16) {
        memcpy(dst, (const char *)part->data + (size_t)(inside * spec->n_in + first) * sizeof *dst, n * sizeof *dst);
        return IAD_OK;
    }
    IAD_TRY(iad_spec_row(spec, row, first, n, values, err));
    iad_f32_to_bf16_array(values, n, dst);
    return IAD_OK;
}

/* One panel of the transposed layer: a group holds 64 neighbours of one row (F32) or of two rows, woven (BF16). */
static iad_status pack_panel_transposed(const iad_weight_spec *spec, iad_weight *w, int64_t panel, stage *st, iad_err *err) {
    int64_t first = panel * IAD_PANEL;
    size_t n = (size_t)(w->n_out - first < IAD_PANEL ? w->n_out - first : IAD_PANEL);
    uint16_t half[2][IAD_PANEL] = {{0}};
    for (int64_t g = 0; g < w->n_group; g++) {
        uint32_t *dst = (uint32_t *)(void *)(w->panels + (size_t)(panel * w->n_group + g) * IAD_GROUP_BYTES);
        if (w->storage == IAD_F32) {
            if (g < w->n_in && n > 0) IAD_TRY(iad_spec_row(spec, g, first, n, (float *)(void *)dst, err));
            size_t have = g < w->n_in ? n : 0;
            memset(dst + have, 0, (IAD_PANEL - have) * sizeof *dst);
            continue;
        }
        for (int64_t i = 0; i < 2; i++) {
            if (2 * g + i >= w->n_in) memset(half[i], 0, sizeof half[i]);
            else IAD_TRY(row_as_bf16(spec, 2 * g + i, first, n, st->values, half[i], err));
        }
        for (int o = 0; o < IAD_PANEL; o++) dst[o] = half[0][o] | (uint32_t)half[1][o] << 16;
    }
    return IAD_OK;
}

/* Gives back the source pages of rows [row, end). */
static void drop_rows(const iad_weight_spec *spec, const int *droppable, int64_t row, int64_t end) {
    while (row < end) {
        int64_t inside;
        const iad_weight_part *part = iad_spec_part(spec, row, &inside);
        int64_t n = part->n_out - inside < end - row ? part->n_out - inside : end - row;
        size_t line = (size_t)spec->n_in * iad_dtype_size(part->dtype);
        if (droppable[part - spec->parts]) iad_pages_drop((const char *)part->data + (size_t)inside * line, (size_t)n * line);
        row += n;
    }
}

static iad_status weight_alloc(iad_device *device, const iad_weight_spec *spec, iad_weight *w, iad_err *err) {
    const char *name = spec->name != NULL ? spec->name : "weight";
    size_t outs = (size_t)w->n_panel * IAD_PANEL;
    size_t panels = (size_t)w->n_panel * (size_t)w->n_group * IAD_GROUP_BYTES;
    w->panels = iad_cpu_alloc(device, panels);
    w->bytes = panels;
    if (w->panels == NULL) return IAD_NOMEM(err, name);
    if (iad_spec_has_bias(spec)) {
        w->bias = iad_cpu_alloc(device, outs * sizeof(float));
        if (w->bias == NULL) return IAD_NOMEM(err, name);
        w->bytes += outs * sizeof(float);
        memset(w->bias, 0, outs * sizeof(float));
    }
    if (w->storage == IAD_I8) {
        w->scale = iad_cpu_alloc(device, outs * sizeof(float));
        w->offset = iad_cpu_alloc(device, outs * sizeof(int32_t));
        if (w->scale == NULL || w->offset == NULL) return IAD_NOMEM(err, name);
        w->bytes += outs * (sizeof(float) + sizeof(int32_t));
        memset(w->scale, 0, outs * sizeof(float));
    }
    return IAD_OK;
}

static iad_status pack_panels(const iad_device *device, const iad_weight_spec *spec, const int *droppable, iad_weight *w, int64_t begin,
                              int64_t end, iad_err *err) {
    stage st;
    st.turn = iad_matmul_kernels_for(device).turn;
    memset(st.factor, 0, sizeof st.factor);
    for (int64_t p = begin; p < end; p++) {
        if (w->split) IAD_TRY(iad_split_pack_panel(spec, w, p, err));
        else IAD_TRY(spec->transposed ? pack_panel_transposed(spec, w, p, &st, err) : pack_panel(spec, w, p, &st, err));
        if (!spec->transposed) drop_rows(spec, droppable, p * IAD_PANEL, w->n_out < (p + 1) * IAD_PANEL ? w->n_out : (p + 1) * IAD_PANEL);
    }
    return IAD_OK;
}

static iad_status pack_all(iad_device *device, const iad_weight_spec *spec, iad_weight *w, iad_err *err) {
    int droppable[IAD_WEIGHT_MAX_PARTS] = {0};
    for (int p = 0; p < spec->n_parts; p++) {
        size_t bytes = (size_t)(spec->parts[p].n_out * spec->n_in) * iad_dtype_size(spec->parts[p].dtype);
        droppable[p] = bytes >= (size_t)1 << 20 && iad_pages_droppable(spec->parts[p].data, bytes);
    }
    if (w->bias != NULL) iad_spec_bias(spec, w->bias);
    int threads = iad_cpu_threads(device);
    if (threads > w->n_panel) threads = (int)w->n_panel;
    if (w->n_panel * w->n_group < 64) threads = 1;
    iad_status status = IAD_OK;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int t = 0; t < threads; t++) {
        iad_err own = IAD_ERR_NONE;
        iad_status result = pack_panels(device, spec, droppable, w, w->n_panel * t / threads, w->n_panel * (t + 1) / threads, &own);
        if (result != IAD_OK) {
#pragma omp critical(iad_pack_error)
            {
                status = result;
                if (err != NULL) *err = own;
            }
        }
    }
    if (spec->transposed) drop_rows(spec, droppable, 0, w->n_in); /* every panel reads all rows */
    return status;
}

iad_status iad_cpu_weight_new(iad_device *device, const iad_weight_spec *spec, iad_weight **weight, iad_err *err) {
    *weight = NULL;
    int64_t n_in, n_out;
    IAD_TRY(iad_spec_check(spec, &n_in, &n_out, err));
    iad_weight *w = iad_calloc(1, sizeof *w);
    if (w == NULL) return IAD_NOMEM(err, "a weight");
    w->n_in = n_in;
    w->n_out = n_out;
    w->n_panel = (n_out + IAD_PANEL - 1) / IAD_PANEL;
    w->storage = spec->storage;
    w->per_group = spec->storage == IAD_F32 ? 1 : spec->storage == IAD_BF16 ? 2 : 4;
    w->n_group = (n_in + w->per_group - 1) / w->per_group;
    w->n_group = (w->n_group + IAD_GROUP_ALIGN - 1) / IAD_GROUP_ALIGN * IAD_GROUP_ALIGN;
    w->split = spec->storage == IAD_F32 && spec->fast32 && iad_split_has(device);
    if (w->split) w->n_group = (n_in + IAD_SPLIT_INPUTS - 1) / IAD_SPLIT_INPUTS * IAD_SPLIT_GROUPS;
    iad_status status = weight_alloc(device, spec, w, err);
    if (status == IAD_OK) status = pack_all(device, spec, w, err);
    if (status != IAD_OK) {
        iad_cpu_weight_free(device, w);
        return status;
    }
    *weight = w;
    return IAD_OK;
}

iad_status iad_cpu_weight_set(iad_device *device, const iad_weight_spec *spec, iad_weight *w, iad_err *err) {
    IAD_TRY(iad_spec_fits(spec, w->n_in, w->n_out, w->storage, w->bias != NULL, err));
    return pack_all(device, spec, w, err);
}

void iad_cpu_weight_free(iad_device *device, iad_weight *weight) {
    if (weight == NULL) return;
    iad_cpu_release(device, weight->panels);
    iad_cpu_release(device, weight->bias);
    iad_cpu_release(device, weight->scale);
    iad_cpu_release(device, weight->offset);
    free(weight);
}

size_t iad_cpu_weight_bytes(const iad_weight *weight) { return weight->bytes; }
