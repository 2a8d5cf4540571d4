#include "runtime/model/positions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static iad_status too_far(iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_LIMIT, "the sequence is longer than %d positions", IAD_POSITION_MAX);
}

iad_status iad_positions_add_text(iad_positions *positions, int64_t n, int32_t *t, int32_t *h, int32_t *w,
                                  iad_err *err) {
    if (n < 0 || positions->next < 0) return IAD_FAIL(err, IAD_ERR_ARG, "%lld text tokens", (long long)n);
    if (positions->next > IAD_POSITION_MAX || n > IAD_POSITION_MAX - positions->next) return too_far(err);
    for (int64_t i = 0; i < n; i++) t[i] = h[i] = w[i] = (int32_t)(positions->next + i);
    positions->next += n;
    return IAD_OK;
}

iad_status iad_positions_add_kept(iad_positions *positions, int lh, int lw, const int32_t *kept, int64_t n_kept, int32_t *t, int32_t *h, int32_t *w,
                                  iad_err *err) {
    if (lh < 1 || lw < 1 || positions->next < 0) return IAD_FAIL(err, IAD_ERR_ARG, "picture of %d x %d tokens", lw, lh);
    const int longer = lh > lw ? lh : lw;
    if (positions->next > IAD_POSITION_MAX || longer > IAD_POSITION_MAX - positions->next) return too_far(err);
    const int32_t p = (int32_t)positions->next;
    for (int64_t i = 0; i < n_kept; i++) {
        const int64_t index = kept != NULL ? kept[i] : i;
        t[i] = p;
        h[i] = p + (int32_t)(index / lw);
        w[i] = p + (int32_t)(index % lw);
    }
    positions->next += longer;
    return IAD_OK;
}

iad_status iad_positions_add_image(iad_positions *positions, int lh, int lw, int32_t *t, int32_t *h, int32_t *w,
                                   iad_err *err) {
    return iad_positions_add_kept(positions, lh, lw, NULL, (int64_t)lh * lw, t, h, w, err);
}

iad_status iad_rope_frequencies(int dim, double theta, float *freq, iad_err *err) {
    if (dim < 2 || dim % 2 || dim > IAD_ROPE_MAX_DIM)
        return IAD_FAIL(err, IAD_ERR_ARG, "rotary width %d is not an even number of 2..%d", dim, IAD_ROPE_MAX_DIM);
    if (!(theta >= 1.0 && theta <= 1e30)) return IAD_FAIL(err, IAD_ERR_ARG, "rope theta %g is not in 1..1e30", theta);
    for (int j = 0; j < dim / 2; j++) {
        const float exponent = (float)(2 * j) / (float)dim;
        const float power = (float)pow(theta, (double)exponent);
        freq[j] = 1.0f / power;
    }
    return IAD_OK;
}

/* Lowest and highest of n positions; 0 when one is out of range. */
static int range_of(const int32_t *pos, int64_t n, int32_t *low, int32_t *high) {
    for (int64_t i = 0; i < n; i++) {
        if (pos[i] < *low) *low = pos[i];
        if (pos[i] > *high) *high = pos[i];
    }
    return *low >= 0 && *high <= IAD_POSITION_MAX;
}

/* One column range of the tables: columns [first, first + count) of every row turn by pos[row] * freq. A position
 * occurs many times, so that a small table over its range saves most of the cosines; both ways give the same bits. */
typedef struct rope_part {
    const int32_t *pos;
    const float *freq;
    int first, count;
} rope_part;

static void turn(int32_t pos, const float *freq, int count, float *cosine, float *sine) {
    for (int j = 0; j < count; j++) {
        const float angle = (float)pos * freq[j];
        cosine[j] = (float)cos((double)angle);
        sine[j] = (float)sin((double)angle);
    }
}

static iad_status fill_part(const rope_part *part, int64_t n, int half, float *cosine, float *sine, iad_err *err) {
    if (part->count == 0 || n == 0) return IAD_OK;
    int32_t low = INT32_MAX, high = -1;
    if (!range_of(part->pos, n, &low, &high))
        return IAD_FAIL(err, IAD_ERR_ARG, "a position is outside 0..%d", IAD_POSITION_MAX);
    const int64_t span = (int64_t)high - low + 1;
    const size_t count = (size_t)part->count;
    if (span >= n) {
        for (int64_t i = 0; i < n; i++)
            turn(part->pos[i], part->freq, part->count, cosine + i * half + part->first, sine + i * half + part->first);
        return IAD_OK;
    }
    float *table = iad_alloc((size_t)span * 2, count * sizeof *table);
    if (!table) return IAD_NOMEM(err, "rotary tables");
    for (int64_t p = 0; p < span; p++) {
        float *at = table + (size_t)p * 2 * count;
        turn((int32_t)(low + p), part->freq, part->count, at, at + count);
    }
    for (int64_t i = 0; i < n; i++) {
        const float *at = table + (size_t)(part->pos[i] - low) * 2 * count;
        memcpy(cosine + i * half + part->first, at, count * sizeof *at);
        memcpy(sine + i * half + part->first, at + count, count * sizeof *at);
    }
    free(table);
    return IAD_OK;
}

iad_status iad_mrope_angles(const int32_t *t, const int32_t *h, const int32_t *w, int64_t n, int d_head,
                            const int sections[3], double theta, float *cosine, float *sine, iad_err *err) {
    float freq[IAD_ROPE_MAX_DIM / 2];
    const int32_t *axes[3] = {t, h, w};
    IAD_TRY(iad_rope_frequencies(d_head, theta, freq, err));
    if (n < 0) return IAD_FAIL(err, IAD_ERR_ARG, "%lld positions", (long long)n);
    if (sections[0] < 0 || sections[1] < 0 || sections[2] < 0 || sections[0] > d_head || sections[1] > d_head ||
        sections[2] > d_head || sections[0] + sections[1] + sections[2] != d_head / 2)
        return IAD_FAIL(err, IAD_ERR_ARG, "mrope sections %d, %d, %d do not sum to %d", sections[0], sections[1],
                        sections[2], d_head / 2);
    for (int a = 0, first = 0; a < 3; first += sections[a++]) {
        rope_part part = {axes[a], freq + first, first, sections[a]};
        IAD_TRY(fill_part(&part, n, d_head / 2, cosine, sine, err));
    }
    return IAD_OK;
}

iad_status iad_vision_rope(const int32_t *row, const int32_t *col, int64_t n, int d_head, double theta, float *cosine,
                           float *sine, iad_err *err) {
    float freq[IAD_ROPE_MAX_DIM / 2];
    if (n < 0) return IAD_FAIL(err, IAD_ERR_ARG, "%lld positions", (long long)n);
    if (d_head < 4 || d_head % 4) return IAD_FAIL(err, IAD_ERR_ARG, "head width %d is not a multiple of 4", d_head);
    IAD_TRY(iad_rope_frequencies(d_head / 2, theta, freq, err));
    rope_part rows = {row, freq, 0, d_head / 4}, cols = {col, freq, d_head / 4, d_head / 4};
    IAD_TRY(fill_part(&rows, n, d_head / 2, cosine, sine, err));
    return fill_part(&cols, n, d_head / 2, cosine, sine, err);
}
