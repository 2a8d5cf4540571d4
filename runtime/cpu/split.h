/* f32 products from bf16 tiles (AMX): iad_weight_spec.fast32.
 *
 * Every f32 number is the sum of three bf16 numbers, high + middle + low, each the rounding (nearest even) of what the ones before it
 * left: 3 x 8 bits hold the 24 of an f32. Of the nine products of two such sums, six are made (all but middle * low, low * middle and
 * low * low, which are below 2^-26 of high * high) and summed in f32, so that a sum is as exact as one of f32 products. Six bf16
 * products in tiles take a third of the time of the one in f32 vectors.
 *
 * What differs from f32: a part below 2^-126 counts as zero, so numbers below 2^-110 lose digits; an infinity, and a number above the
 * largest bf16 (3.39e38), makes its outputs NaN. The parts take 6 bytes where f32 takes 4.
 *
 * Layout, of rows of x and of a panel of weights alike: 32 rows (outputs) by 32 inputs are a step of six tiles of 16 lines of 64 bytes,
 *     high of lines 0..15, high of 16..31, middle, middle, low, low.
 * Rows hold a line of 32 inputs each; weights, as TDPBF16PS wants them, 16 outputs of a pair of inputs. Steps along the inputs follow
 * each other, the last one filled up with zeros; then come the next 32 rows (outputs). */
#ifndef IAD_CPU_SPLIT_H
#define IAD_CPU_SPLIT_H

#include "runtime/cpu/matmul_kernels.h"

enum {
    IAD_SPLIT_INPUTS = 32,      /* of a step */
    IAD_SPLIT_ROWS = 32,        /* of a block */
    IAD_SPLIT_TILE = 1024,      /* bytes */
    IAD_SPLIT_STEP = 6 * IAD_SPLIT_TILE,
    IAD_SPLIT_GROUPS = 2 * IAD_SPLIT_STEP / IAD_GROUP_BYTES /* of a panel of 64 outputs, a step */
};

/* 1 when the device makes such products: it has AMX. */
int iad_split_has(const iad_device *device);

/* Packs one panel of w (w->split is set) from f32, bf16 or f16 parts, transposed or not. */
iad_status iad_split_pack_panel(const iad_weight_spec *spec, const iad_weight *w, int64_t panel, iad_err *err);

/* iad_cpu_linear for such a weight; shapes and types are checked already. */
iad_status iad_split_linear(iad_queue *queue, iad_mat x, const iad_weight *w, iad_store store, iad_mat y, iad_err *err);

/* ---- split_amx.c, only where IAD_AMX ---- */

/* Rows of n_in floats, `stride` floats apart, 1 to 32 of them, into a block of ceil(n_in / 32) steps. Lines of absent rows keep what they hold. */
void iad_split_rows(const float *x, int64_t stride, int rows, int64_t n_in, unsigned char *block);

/* acc[r][o] = bias[o] + x[r] . w[o], or acc[r][o] += x[r] . w[o] with `load`, over n_step steps. */
typedef struct iad_split_tile {
    int rows;
    const unsigned char *x;      /* blocks of 32 rows, n_step steps each */
    const unsigned char *panel;  /* from the first of the steps on */
    int64_t n_step, panel_step;  /* panel_step: steps from the panel's first 32 outputs to the others */
    const float *bias;           /* [64] or NULL */
    float *acc;                  /* [rows][64]; of outputs from `cols` on undefined */
    size_t acc_stride;           /* bytes */
    int load;
    int cols;                    /* outputs wanted, 1..64 */
} iad_split_tile;
void iad_split_multiply(const iad_split_tile *tile);

#endif
