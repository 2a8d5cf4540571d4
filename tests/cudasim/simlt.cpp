/* cuBLASLt on the processor: the products in double or in integers, rounded once. */
#include <math.h>
#include <stdlib.h>

#include <vector>

#include "runtime/cuda/lt.cuh"
#include "tests/cudasim/shadow/cuda_fp8.h"

struct sim_lt {
    int unused;
};
struct sim_lt_desc {
    cublasComputeType_t compute;
    cudaDataType_t scale;
    cublasOperation_t op[2];
    cublasLtEpilogue_t epilogue;
    const void *bias;
    int32_t bias_type;
    const float *factor[2];
};
struct sim_lt_layout {
    cudaDataType_t type;
    uint64_t rows, cols;
    int64_t ld;
};
struct sim_lt_preference {
    uint32_t align[4];
};

namespace {
size_t size_of(cudaDataType_t type) {
    switch (type) {
    case CUDA_R_64F: return 8;
    case CUDA_R_32F:
    case CUDA_R_32I: return 4;
    case CUDA_R_16F:
    case CUDA_R_16BF: return 2;
    default: return 1;
    }
}

float value(cudaDataType_t type, const void *data, size_t i) {
    switch (type) {
    case CUDA_R_32F: return ((const float *)data)[i];
    case CUDA_R_16BF: return __uint_as_float((unsigned)((const uint16_t *)data)[i] << 16);
    case CUDA_R_8F_E4M3: return sim_e4m3_value(((const unsigned char *)data)[i]);
    case CUDA_R_8I: return (float)((const int8_t *)data)[i];
    default: abort();
    }
}

/* op(matrix) with the summed dimension contiguous: [outer][k]. */
std::vector<float> gather(const void *data, const sim_lt_layout *layout, bool k_is_row, uint64_t outer, uint64_t k) {
    std::vector<float> out(outer * k);
    for (uint64_t o = 0; o < outer; o++)
        for (uint64_t i = 0; i < k; i++) {
            uint64_t row = k_is_row ? i : o, col = k_is_row ? o : i;
            out[o * k + i] = value(layout->type, data, col * (uint64_t)layout->ld + row);
        }
    return out;
}

bool known(cudaDataType_t a, cudaDataType_t b, cudaDataType_t d, int32_t bias) {
    bool no_bias = bias < 0;
    if (a == CUDA_R_32F && b == a) return d == a && (no_bias || bias == CUDA_R_32F);
    if (a == CUDA_R_16BF && b == a) return d == CUDA_R_32F ? no_bias || bias == CUDA_R_32F : d == CUDA_R_16BF && (no_bias || bias == CUDA_R_16BF);
    if (a == CUDA_R_8F_E4M3 && b == a) return (d == CUDA_R_32F || d == CUDA_R_16BF) && (no_bias || bias == CUDA_R_16BF);
    return a == CUDA_R_8I && b == a && d == CUDA_R_32I && no_bias;
}

struct shape {
    uint64_t m, n, k;
};

cublasStatus_t shapes(const sim_lt_desc *desc, const sim_lt_layout *a, const sim_lt_layout *b, const sim_lt_layout *d, shape *s) {
    bool ta = desc->op[0] == CUBLAS_OP_T, tb = desc->op[1] == CUBLAS_OP_T;
    s->m = ta ? a->cols : a->rows;
    s->k = ta ? a->rows : a->cols;
    s->n = tb ? b->rows : b->cols;
    if ((tb ? b->cols : b->rows) != s->k || d->rows != s->m || d->cols != s->n) return CUBLAS_STATUS_INVALID_VALUE;
    if (a->ld < (int64_t)a->rows || b->ld < (int64_t)b->rows || d->ld < (int64_t)d->rows) return CUBLAS_STATUS_INVALID_VALUE;
    if (!known(a->type, b->type, d->type, desc->epilogue == CUBLASLT_EPILOGUE_BIAS ? desc->bias_type : -1)) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (a->type == CUDA_R_8I || a->type == CUDA_R_8F_E4M3) {
        uint64_t grain = a->type == CUDA_R_8I ? 4 : 16;
        if (!ta || tb || s->m % grain != 0 || s->k % grain != 0 || a->ld % (int64_t)grain != 0 || b->ld % (int64_t)grain != 0)
            return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    return CUBLAS_STATUS_SUCCESS;
}

void multiply(const sim_lt_desc *desc, const sim_lt_layout *a, const sim_lt_layout *b, const sim_lt_layout *d, const shape *s, float alpha,
              float beta,
              const void *pa, const void *pb, const void *pc, void *pd) {
    std::vector<float> left = gather(pa, a, desc->op[0] == CUBLAS_OP_T, s->m, s->k), right = gather(pb, b, desc->op[1] == CUBLAS_OP_N, s->n, s->k);
    for (uint64_t n = 0; n < s->n; n++)
        for (uint64_t m = 0; m < s->m; m++) {
            const float *x = &left[m * s->k], *y = &right[n * s->k];
            double sums[8] = {0}, sum = 0;
            uint64_t i = 0;
            for (; i + 8 <= s->k; i += 8)
                for (int j = 0; j < 8; j++) sums[j] += (double)x[i + (uint64_t)j] * (double)y[i + (uint64_t)j];
            for (; i < s->k; i++) sum += (double)x[i] * (double)y[i];
            for (int j = 0; j < 8; j++) sum += sums[j];
            uint64_t at = n * (uint64_t)d->ld + m;
            if (d->type == CUDA_R_32I) {
                ((int32_t *)pd)[at] = (int32_t)sum; /* below 2^53: exact */
                continue;
            }
            for (int f = 0; f < 2; f++)
                if (desc->factor[f] != nullptr) sum *= (double)*desc->factor[f];
            sum = sum * (double)alpha;
            if (beta != 0) sum += (double)beta * (double)value(d->type, pc, at);
            if (desc->epilogue == CUBLASLT_EPILOGUE_BIAS) sum += (double)value((cudaDataType_t)desc->bias_type, desc->bias, m);
            if (d->type == CUDA_R_32F) ((float *)pd)[at] = (float)sum;
            else ((uint16_t *)pd)[at] = __bfloat16_as_ushort(__float2bfloat16_rn((float)sum));
        }
}

bool aligned(const void *data, size_t to) { return (uintptr_t)data % to == 0; }
} // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
    *handle = new sim_lt{0};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *desc, cublasComputeType_t compute, cudaDataType_t scale) {
    *desc = new sim_lt_desc{compute, scale, {CUBLAS_OP_N, CUBLAS_OP_N}, CUBLASLT_EPILOGUE_DEFAULT, nullptr, -1, {nullptr, nullptr}};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
    delete desc;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attribute, const void *from, size_t bytes) {
    void *to = nullptr;
    size_t size = 0;
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
    case CUBLASLT_MATMUL_DESC_TRANSB:
        to = &desc->op[attribute == CUBLASLT_MATMUL_DESC_TRANSB];
        size = sizeof desc->op[0];
        break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        to = &desc->epilogue;
        size = sizeof desc->epilogue;
        break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        to = &desc->bias;
        size = sizeof desc->bias;
        break;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
        to = &desc->bias_type;
        size = sizeof desc->bias_type;
        break;
    case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER:
    case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER:
        to = &desc->factor[attribute == CUBLASLT_MATMUL_DESC_B_SCALE_POINTER];
        size = sizeof desc->factor[0];
        break;
    case CUBLASLT_MATMUL_DESC_FAST_ACCUM: return bytes == 1 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (bytes != size) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(to, from, bytes);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType_t type, uint64_t rows, uint64_t cols, int64_t ld) {
    *layout = new sim_lt_layout{type, rows, cols, ld};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference) {
    *preference = new sim_lt_preference{{256, 256, 256, 256}};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *from, size_t bytes) {
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return bytes == 8 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
    if (bytes != 4) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&preference->align[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], from, 4);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t *results, int *found) {
    shape s;
    *found = 0;
    if (wanted < 1 || c->type != d->type) return CUBLAS_STATUS_INVALID_VALUE;
    cublasStatus_t status = shapes(desc, a, b, d, &s);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    /* Stricter than the library may be: the tree must have a way of its own for odd addresses. */
    if (a->type == CUDA_R_16BF && (preference->align[0] < 4 || preference->align[1] < 4 || a->ld % 2 != 0 || b->ld % 2 != 0))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    memset(results, 0, sizeof *results);
    /* The alignment that was promised is the algorithm's, and the product checks it. */
    for (int i = 0; i < 4; i++) results->algo.data[i] = preference->align[i];
    results->algo.data[7] = 0x1ad;
    results->state = CUBLAS_STATUS_SUCCESS;
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void *alpha, const void *a, cublasLtMatrixLayout_t a_layout,
                              const void *b, cublasLtMatrixLayout_t b_layout, const void *beta, const void *c, cublasLtMatrixLayout_t c_layout,
                                  void *d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *algo, void *workspace, size_t, cudaStream_t stream) {
    shape s;
    cublasStatus_t status = shapes(desc, a_layout, b_layout, d_layout, &s);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    if (algo == nullptr || algo->data[7] != 0x1ad || c != d || c_layout != d_layout || workspace == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    if (!aligned(a, algo->data[0]) || !aligned(b, algo->data[1]) || !aligned(d, algo->data[3])) return CUBLAS_STATUS_INVALID_VALUE;
    bool integers = desc->compute == CUBLAS_COMPUTE_32I;
    if (integers != (a_layout->type == CUDA_R_8I)) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (integers && (*(const int32_t *)alpha != 1 || *(const int32_t *)beta != 0)) return CUBLAS_STATUS_NOT_SUPPORTED;
    float fa = integers ? 1.0f : *(const float *)alpha, fb = integers ? 0.0f : *(const float *)beta;
    sim_lt_desc held = *desc;
    sim_lt_layout la = *a_layout, lb = *b_layout, ld = *d_layout;
    sim_enqueue(stream, [=] { multiply(&held, &la, &lb, &ld, &s, fa, fb, a, b, c, d); });
    return CUBLAS_STATUS_SUCCESS;
}

iad_status iad_lt_library(const iad_lt_api **api, iad_err *) {
    static const iad_lt_api functions = {cublasLtCreate,
                                         cublasLtDestroy,
                                         cublasLtMatmulDescCreate,
                                         cublasLtMatmulDescDestroy,
                                         cublasLtMatmulDescSetAttribute,
                                         cublasLtMatrixLayoutCreate,
                                         cublasLtMatrixLayoutDestroy,
                                         cublasLtMatmulPreferenceCreate,
                                         cublasLtMatmulPreferenceDestroy,
                                         cublasLtMatmulPreferenceSetAttribute,
                                         cublasLtMatmulAlgoGetHeuristic,
                                         cublasLtMatmul};
    *api = &functions;
    return IAD_OK;
}
