/* The matrix product of oneDNN over our panels (pack.h), without copies of the weights. The only file that knows oneDNN, in its 2.x
 * and 3.x form.
 *
 * The runtime's own kernels do the products of the model (runtime/SPEED.md says why); this one is what the benchmark measures
 * them against, and what a test compares their results with. */
#ifndef IAD_BENCH_ONEDNN_H
#define IAD_BENCH_ONEDNN_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_dnnl_product iad_dnnl_product;

typedef enum iad_dnnl_kind {
    IAD_DNNL_F32,   /* f32 x f32 -> f32 */
    IAD_DNNL_BF16,  /* bf16 x bf16 -> f32 */
    IAD_DNNL_I8     /* u8 x s8 -> s32 */
} iad_dnnl_kind;

/* y [rows][n_out] = x [rows][n_in] W^T for exactly these sizes and this many threads (1..256). x is row-major with x_stride elements
 * from row to row, y is dense. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM, IAD_ERR_UNSUPPORTED with oneDNN's own code. */
iad_status iad_dnnl_product_new(iad_dnnl_kind kind, int64_t rows, int64_t n_in, int64_t n_out, int64_t x_stride, int threads,
                                iad_dnnl_product **product, iad_err *err);
/* y [n_out][n_in] = dy^T x for dense dy [rows][n_out] and x [rows][n_in], as a layer's weight gradient: run takes dy as x, and x where
 * the panels go. F32 and BF16. */
iad_status iad_dnnl_turned_new(iad_dnnl_kind kind, int64_t rows, int64_t n_in, int64_t n_out, int threads, iad_dnnl_product **product,
                               iad_err *err);
void iad_dnnl_product_free(iad_dnnl_product *product); /* NULL is fine */

/* What oneDNN calls the implementation it chose, e.g. "brg:avx512_core_bf16"; valid as long as the product. */
const char *iad_dnnl_product_name(const iad_dnnl_product *product);
/* Bytes of scratch, 64-byte aligned, that run needs. */
size_t iad_dnnl_product_scratch(const iad_dnnl_product *product);

/* One caller at a time per product. Changes the number of OpenMP threads of the calling thread for the length of the call. */
iad_status iad_dnnl_product_run(iad_dnnl_product *product, const void *x, const void *panels, void *y, void *scratch, iad_err *err);

/* "2.6.3" into text[16]. */
void iad_dnnl_version(char text[16]);

#endif
