#include "runtime/cpu/reference.h"

#include <math.h>
#include <string.h>

#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul.h"
#include "runtime/ops_check.h"

const iad_ops iad_ops_reference = {
    .name = "reference",
    .host_memory = 1,
    .device_free = iad_cpu_device_free,
    .device_memory = iad_cpu_device_memory,
    .alloc = iad_cpu_op_alloc,
    .release = iad_cpu_release,
    .borrow = iad_cpu_op_borrow,
    .unborrow = iad_cpu_op_unborrow,
    .queue_new = iad_cpu_op_queue_new,
    .queue_free = iad_cpu_op_queue_free,
    .upload = iad_cpu_op_upload,
    .download = iad_cpu_op_download,
    .zero = iad_cpu_op_zero,
    .weight_new = iad_ref_weight_new,
    .weight_free = iad_ref_weight_free,
    .weight_bytes = iad_ref_weight_bytes,
    .weight_set = iad_ref_weight_set,
    .linear = iad_ref_linear,
    .rmsnorm = iad_ref_rmsnorm,
    .rope = iad_ref_rope,
    .silu_mul = iad_ref_silu_mul,
    .gelu = iad_ref_gelu,
    .copy = iad_ref_copy,
    .gather = iad_ref_gather,
    .attend = iad_ref_attend,
    .probe = iad_ref_probe,
    .fuse = iad_ref_fuse,
    .best_match = iad_ref_best_match,
};

double iad_ref_get(const iad_mat *m, int64_t row, int64_t col) {
    const char *at = (const char *)m->data + (size_t)(row * m->stride + col) * iad_dtype_size(m->dtype);
    if (m->dtype == IAD_F32) {
        float f;
        memcpy(&f, at, sizeof f);
        return (double)f;
    }
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return (double)(m->dtype == IAD_BF16 ? iad_bf16_to_f32(bits) : iad_f16_to_f32(bits));
}

/* double -> f32 -> bf16 rounds twice; the first rounding is 2^-16 of the second's spacing. */
void iad_ref_put(const iad_mat *m, int64_t row, int64_t col, double value) {
    char *at = (char *)m->data + (size_t)(row * m->stride + col) * iad_dtype_size(m->dtype);
    float f = (float)value;
    if (m->dtype == IAD_F32) {
        memcpy(at, &f, sizeof f);
    } else {
        uint16_t bits = iad_f32_to_bf16(f);
        memcpy(at, &bits, sizeof bits);
    }
}

iad_status iad_ref_rmsnorm(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat y, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_rmsnorm(&x, weight, eps, &y, err));
    for (int64_t r = 0; r < x.rows; r++) {
        double sum = 0;
        for (int64_t c = 0; c < x.cols; c++) sum += iad_ref_get(&x, r, c) * iad_ref_get(&x, r, c);
        double factor = 1 / sqrt(sum / (double)x.cols + (double)eps);
        for (int64_t c = 0; c < x.cols; c++) iad_ref_put(&y, r, c, iad_ref_get(&x, r, c) * factor * (double)weight[c]);
    }
    return IAD_OK;
}

iad_status iad_ref_rope(iad_queue *queue, iad_mat x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_rope(&x, n_head, d_head, cosine, sine, err));
    int half = d_head / 2;
    for (int64_t r = 0; r < x.rows; r++)
        for (int h = 0; h < n_head; h++)
            for (int i = 0; i < half; i++) {
                double c = (double)cosine[r * half + i], s = (double)sine[r * half + i];
                double a = iad_ref_get(&x, r, h * d_head + i), b = iad_ref_get(&x, r, h * d_head + i + half);
                iad_ref_put(&x, r, h * d_head + i, a * c - b * s);
                iad_ref_put(&x, r, h * d_head + i + half, b * c + a * s);
            }
    return IAD_OK;
}

iad_status iad_ref_silu_mul(iad_queue *queue, iad_mat gate_up, iad_mat y, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_silu_mul(&gate_up, &y, err));
    for (int64_t r = 0; r < y.rows; r++)
        for (int64_t c = 0; c < y.cols; c++) {
            double gate = iad_ref_get(&gate_up, r, c);
            iad_ref_put(&y, r, c, gate / (1 + exp(-gate)) * iad_ref_get(&gate_up, r, y.cols + c));
        }
    return IAD_OK;
}

iad_status iad_ref_gelu(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_same("gelu", &x, &y, err));
    for (int64_t r = 0; r < y.rows; r++)
        for (int64_t c = 0; c < y.cols; c++) {
            double v = iad_ref_get(&x, r, c);
            iad_ref_put(&y, r, c, v * 0.5 * erfc(-v * 0.70710678118654752440)); /* erfc: no cancellation on the left */
        }
    return IAD_OK;
}

iad_status iad_ref_copy(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_same("copy", &x, &y, err));
    size_t size = iad_dtype_size(x.dtype);
    for (int64_t r = 0; r < y.rows; r++)
        for (int64_t c = 0; c < y.cols; c++) {
            if (x.dtype == y.dtype)
                memcpy((char *)y.data + (size_t)(r * y.stride + c) * size, (const char *)x.data + (size_t)(r * x.stride + c) * size, size);
            else iad_ref_put(&y, r, c, iad_ref_get(&x, r, c));
        }
    return IAD_OK;
}

iad_status iad_ref_gather(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err) {
    IAD_TRY(iad_check_gather(&table, index, &y, err));
    for (int64_t r = 0; r < y.rows; r++) {
        if (table.dtype == y.dtype) {
            IAD_TRY(iad_ref_copy(queue, iad_mat_rows(table, index[r], 1), iad_mat_rows(y, r, 1), err));
        } else {
            for (int64_t c = 0; c < y.cols; c++) iad_ref_put(&y, r, c, iad_ref_get(&table, index[r], c));
        }
    }
    return IAD_OK;
}

iad_status iad_ref_fuse(iad_queue *queue, const iad_fuse *job, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_fuse(job, err));
    int n_tap = job->n_tap;
    int64_t n = job->out.cols;
    const iad_mat *last = &job->taps[n_tap - 1];
    for (int64_t r = 0; r < job->out.rows; r++) {
        double rms[IAD_FUSE_MAX_TAPS], gate[IAD_FUSE_MAX_TAPS], top = -INFINITY, total = 0;
        for (int l = 0; l < n_tap; l++) {
            double sum = 0;
            for (int64_t c = 0; c < n; c++) sum += iad_ref_get(&job->taps[l], r, c) * iad_ref_get(&job->taps[l], r, c);
            rms[l] = sqrt(sum / (double)n + (double)job->eps);
        }
        for (int g = 0; g < n_tap; g++) {
            gate[g] = (double)job->gate_b[g];
            for (int l = 0; l < n_tap && job->gate_w != NULL; l++)
                for (int64_t c = 0; c < n; c++)
                    gate[g] += (double)job->gate_w[((int64_t)g * n_tap + l) * n + c] * iad_ref_get(&job->taps[l], r, c) / rms[l] *
                               (double)job->norm[l * n + c];
            top = fmax(top, gate[g]);
        }
        for (int g = 0; g < n_tap; g++) total += gate[g] = exp(gate[g] - top);
        for (int64_t c = 0; c < n; c++) {
            double mixed = 0, x = iad_ref_get(last, r, c);
            for (int l = 0; l < n_tap; l++)
                mixed += gate[l] / total * iad_ref_get(&job->taps[l], r, c) / rms[l] * (double)job->norm[l * n + c];
            /* Written so that scale 0 keeps the sign of a zero and infinities of x. */
            if (job->scale[0] == 0) iad_ref_put(&job->out, r, c, x);
            else iad_ref_put(&job->out, r, c, x + (double)job->scale[0] * (rms[n_tap - 1] * mixed - x));
        }
    }
    return IAD_OK;
}

iad_status iad_ref_best_match(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err) {
    (void)queue;
    IAD_TRY(iad_check_best_match(&x, &ref, aligned, best, err));
    for (int64_t i = 0; i < x.rows; i++) {
        double most = -INFINITY;
        for (int64_t j = aligned ? i : 0; j < (aligned ? i + 1 : ref.rows); j++) {
            double dot = 0, xx = 0, rr = 0;
            for (int64_t c = 0; c < x.cols; c++) {
                double a = iad_ref_get(&x, i, c), b = iad_ref_get(&ref, j, c);
                dot += a * b;
                xx += a * a;
                rr += b * b;
            }
            most = fmax(most, xx > 0 && rr > 0 ? dot / sqrt(xx) / sqrt(rr) : 0);
        }
        best[i] = (float)most;
    }
    return IAD_OK;
}
