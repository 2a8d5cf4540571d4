#include "runtime/cuda/weightrows.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/cpu/matmul_kernels.h"
#include "runtime/cpu/pack.h"

enum { MAX_TEAM = 16, SERIAL = 1 << 16 }; /* elements below which waking threads does not pay */

/* values: room for n_in floats. */
static iad_status one_row(const iad_weight_spec *spec, int64_t row, int64_t stride, char *dst, float *scale, float *values, iad_err *err) {
    size_t n = (size_t)spec->n_in, size = iad_dtype_size(spec->storage);
    int64_t inside;
    const iad_weight_part *part = iad_spec_part(spec, row, &inside);
    memset(dst + n * size, 0, ((size_t)stride - n) * size);
    if (part->dtype == spec->storage) {
        if (scale != NULL) *scale = part->scale[inside];
        memcpy(dst, (const char *)part->data + (size_t)inside * n * size, n * size);
        return IAD_OK;
    }
    IAD_TRY(iad_spec_row(spec, row, 0, n, values, err));
    if (spec->storage == IAD_I8) {
        float factor;
        *scale = iad_quant_scale(iad_quant_max_abs(values, n), &factor);
        iad_quant_row_s8(values, n, factor, (int8_t *)dst);
        return IAD_OK;
    }
    return iad_dtype_from_f32(spec->storage, values, n, dst, err);
}

iad_status iad_weight_rows(const iad_weight_spec *spec, int64_t row, int64_t n, int64_t stride, void *dst, float *scale, iad_err *err) {
    int threads = omp_get_num_procs() < MAX_TEAM ? omp_get_num_procs() : MAX_TEAM;
    if (n * spec->n_in < SERIAL) threads = 1;
    if (threads > n) threads = n > 0 ? (int)n : 1;
    float *values = iad_alloc((size_t)threads * (size_t)spec->n_in, sizeof *values);
    if (values == NULL) return IAD_NOMEM(err, "rows of a weight");
    size_t line = (size_t)stride * iad_dtype_size(spec->storage);
    iad_status status = IAD_OK;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < n; r++) {
        iad_err own = IAD_ERR_NONE;
        iad_status result = one_row(spec, row + r, stride, (char *)dst + (size_t)r * line, scale != NULL ? scale + r : NULL,
                                    values + (size_t)omp_get_thread_num() * (size_t)spec->n_in, &own);
        if (result != IAD_OK) {
#pragma omp critical(iad_weight_rows_error)
            {
                status = result;
                if (err != NULL) *err = own;
            }
        }
    }
    free(values);
    return status;
}
