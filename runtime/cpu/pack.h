/* Packed weights: the one layout that every product of the CPU reads.
 *
 * A matrix [n_out][n_in] is cut into panels of 64 outputs. A panel is a sequence of "groups", 256 bytes each: group g holds for
 * every output of the panel the 32-bit word of its next inputs, which is
 *     F32   1 input:   word[g][o] = w[o][g]
 *     BF16  2 inputs:  word[g][o] = w[o][2g], w[o][2g + 1]
 *     I8    4 inputs:  word[g][o] = w[o][4g] .. w[o][4g + 3]
 * in memory order. Outputs past n_out and inputs past n_in are zero; groups are padded to a multiple of 16. These
 * are the layouts that oneDNN calls BA16a64b, BA16a64b2a and BA16a64b4a, so that its products take them as they are. */
#ifndef IAD_CPU_PACK_H
#define IAD_CPU_PACK_H

#include "runtime/ops.h"

enum {
    IAD_PANEL = 64,          /* outputs of a panel */
    IAD_GROUP_BYTES = 256,
    IAD_GROUP_ALIGN = 16     /* groups of a panel come in multiples of this */
};

/* Weights of a CPU device. `bias`, `scale` and `offset` have n_panel * 64 elements. */
struct iad_weight {
    int64_t n_in, n_out, n_panel;
    int64_t n_group;         /* groups of a panel, padding included */
    iad_dtype storage;
    int per_group;           /* inputs of a group: 1, 2 or 4 */
    int split;               /* F32: the panels hold three bf16 parts, laid out as runtime/cpu/split.h says */
    unsigned char *panels;   /* [n_panel][n_group][256 bytes] */
    float *bias;             /* NULL: none */
    float *scale;            /* I8: value = int8 * scale */
    int32_t *offset;         /* I8: 128 * sum of the int8 values of an output */
    size_t bytes;
};

/* One row quantised by the rule of both weights and activations: scale = max|v| / 127, q = v * (127 / max|v|) rounded to nearest,
 * ties to even. A row whose max|v| is below 1e-35 counts as zero (scale 0); a row with a NaN or an infinity has scale NaN and
 * q = 0, so that it poisons its outputs. Returns the scale; *factor is 127 / max|v| or 0. */
float iad_quant_scale(float max_abs, float *factor);

/* max|v| of n values: infinity when one is infinite, NaN when one is a NaN. */
float iad_quant_max_abs(const float *v, size_t n);

/* Elements [first, first + n) of row `row` (of all parts, stacked) as f32. */
iad_status iad_spec_row(const iad_weight_spec *spec, int64_t row, int64_t first, size_t n, float *dst, iad_err *err);
/* The part that holds the row, and the row inside it. */
const iad_weight_part *iad_spec_part(const iad_weight_spec *spec, int64_t row, int64_t *inside);
/* Checks a spec against the limits of matmul.h; *n_in and *n_out are those of the layer, transposed where the spec says so. */
iad_status iad_spec_check(const iad_weight_spec *spec, int64_t *n_in, int64_t *n_out, iad_err *err);
/* The same, and that it can give new values to a weight n_in -> n_out of `storage`, made with biases or without: IAD_ERR_ARG when not. */
iad_status iad_spec_fits(const iad_weight_spec *spec, int64_t n_in, int64_t n_out, iad_dtype storage, int has_bias, iad_err *err);
/* Whether the layer has a bias, and its values [sum of the parts' n_out], 0 for parts without one. */
int iad_spec_has_bias(const iad_weight_spec *spec);
void iad_spec_bias(const iad_weight_spec *spec, float *bias);

/* 1 when [data, data + bytes) lies in one mapping of a file that this process cannot write: its pages may be dropped at any time
 * and come back from the file. Anything else, and any doubt, is 0. */
int iad_pages_droppable(const void *data, size_t bytes);
/* Drops the pages that begin in the range (page cache keeps them). Only for droppable ranges. */
void iad_pages_drop(const void *data, size_t bytes);

#endif
