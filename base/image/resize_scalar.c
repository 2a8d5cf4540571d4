/* The scalar oracle of the antialiased resize: two plain passes over whole rows. Kept as the measure of every fast kernel. */
#include "base/image/resize_scalar.h"

#include <stdlib.h>

#include "base/alloc.h"

static uint8_t clip8(int32_t sum) {
    int32_t v = sum >> IAD_RESIZE_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* rows x length source pixels -> rows x out pixels. */
static void pass_along_rows(const uint8_t *src, int rows, int channels, const iad_axis *axis, uint8_t *dst) {
    for (int y = 0; y < rows; y++) {
        const uint8_t *line = src + (size_t)y * (size_t)axis->in * (size_t)channels;
        uint8_t *out = dst + (size_t)y * (size_t)axis->out * (size_t)channels;
        for (int x = 0; x < axis->out; x++) {
            const int32_t *w = axis->weight + (size_t)x * (size_t)axis->taps;
            const uint8_t *from = line + (size_t)axis->first[x] * (size_t)channels;
            for (int c = 0; c < channels; c++) {
                int32_t sum = 1 << (IAD_RESIZE_BITS - 1);
                for (int t = 0; t < axis->count[x]; t++) sum += from[(size_t)t * (size_t)channels + (size_t)c] * w[t];
                *out++ = clip8(sum);
            }
        }
    }
}

/* `samples` columns; src starts at source row `skip`. */
static void pass_across_rows(const uint8_t *src, int skip, size_t samples, const iad_axis *axis, uint8_t *dst) {
    for (int y = 0; y < axis->out; y++) {
        const int32_t *w = axis->weight + (size_t)y * (size_t)axis->taps;
        const uint8_t *from = src + (size_t)(axis->first[y] - skip) * samples;
        for (size_t s = 0; s < samples; s++) {
            int32_t sum = 1 << (IAD_RESIZE_BITS - 1);
            for (int t = 0; t < axis->count[y]; t++) sum += from[(size_t)t * samples + s] * w[t];
            *dst++ = clip8(sum);
        }
    }
}

iad_status iad_resize_passes_scalar(const iad_image *src, const iad_axis *across, const iad_axis *down, iad_image *dst,
                                    iad_err *err) {
    int first = down->first[0], last = down->first[down->out - 1] + down->count[down->out - 1];
    size_t samples = (size_t)across->out * (size_t)src->channels;
    uint8_t *middle = iad_alloc((size_t)(last - first), samples);
    if (!middle) return IAD_NOMEM(err, "resize rows");
    pass_along_rows(iad_image_at(src, 0, first), last - first, src->channels, across, middle);
    pass_across_rows(middle, first, samples, down, dst->px);
    free(middle);
    return IAD_OK;
}
