/* Matrix products by cuBLASLt. The library is opened when a card is, so that programs start without it; its choice of algorithm is made
 * once per kind of product and kept ("plan").
 *
 * Plans come from the library's heuristics, which are a function of the library's version, the card and the product: the same call gives the
 * same bytes in every run. Another number of rows may have another plan: a row's bits may depend on its neighbours' number. */
#ifndef IAD_CUDA_LT_CUH
#define IAD_CUDA_LT_CUH

#include <cublasLt.h>

#include "runtime/cuda/cuda_device.cuh"

/* y [m][n] = alpha x w' + beta y (+ bias per column), all row-major: x [m][k], w [n][k] (w_rows_are_out 1, w' its transpose) or w [k][n] (0). */
typedef struct iad_lt_product {
    int64_t m, n, k;
    const void *x, *w;
    void *y;
    int64_t x_stride, w_stride, y_stride; /* elements */
    cudaDataType_t x_type, w_type, y_type; /* CUDA_R_32F, CUDA_R_16BF; CUDA_R_8I x CUDA_R_8I -> CUDA_R_32I; CUDA_R_8F_E4M3 -> CUDA_R_16BF, _32F */
    int x_turned;         /* 1: x is [k][m] */
    int w_rows_are_out;
    float alpha, beta;    /* integers: 1 and 0 */
    const void *bias;     /* device [n], or NULL */
    cudaDataType_t bias_type;
} iad_lt_product;

/* Opens the library for a card. IAD_ERR_UNSUPPORTED when it is not installed, with the name it is looked for under. */
iad_status iad_lt_open(const iad_cuda_device *device, iad_lt **lt, iad_err *err);
void iad_lt_close(iad_lt *lt); /* NULL is fine */

/* Starts the product in the queue's stream. m, n and k > 0. IAD_ERR_UNSUPPORTED when the library has no algorithm for it. */
iad_status iad_lt_run(iad_queue *queue, const iad_lt_product *product, iad_err *err);
/* 1 when the library has an algorithm for it, 0 when not; pointers count by their alignment only. */
int iad_lt_has(iad_queue *queue, const iad_lt_product *product);

/* ---- the library's functions, lt_library.cu ---- */
typedef struct iad_lt_api {
    decltype(&cublasLtCreate) create;
    decltype(&cublasLtDestroy) destroy;
    decltype(&cublasLtMatmulDescCreate) desc_create;
    decltype(&cublasLtMatmulDescDestroy) desc_destroy;
    decltype(&cublasLtMatmulDescSetAttribute) desc_set;
    decltype(&cublasLtMatrixLayoutCreate) layout_create;
    decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
    decltype(&cublasLtMatmulPreferenceCreate) preference_create;
    decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
    decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;
    decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
    decltype(&cublasLtMatmul) matmul;
} iad_lt_api;

/* The functions, loaded once per process; never unloaded. */
iad_status iad_lt_library(const iad_lt_api **api, iad_err *err);

#endif
