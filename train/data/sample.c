#include "train/data/sample.h"

#include <stdlib.h>

#include "runtime/model/compress.h"

void iad_sample_deinit(iad_sample *sample) {
    for (int i = 0; i < sample->n_picture; i++) iad_patches_deinit(&sample->pictures[i].patches);
    free(sample->pictures);
    free(sample->ids);
    free(sample->target);
    free(sample->words);
    free(sample->mask);
    *sample = (iad_sample){0};
}

int64_t iad_sample_picture_rows(const iad_sample_picture *picture, int merge, double retention) {
    int64_t n = picture->patches.n_row / ((int64_t)merge * merge);
    return picture->reference < 0 ? n : iad_compress_count(n, retention);
}

int64_t iad_sample_rows(const iad_sample *sample, int merge, double retention) {
    int64_t rows = sample->n_id - sample->n_picture;
    for (int i = 0; i < sample->n_picture; i++) rows += iad_sample_picture_rows(&sample->pictures[i], merge, retention);
    return rows;
}
