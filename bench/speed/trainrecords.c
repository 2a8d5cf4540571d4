#include "bench/speed/trainrecords.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/image/image.h"

static iad_status painted(const iad_model_config *config, int side, int k, iad_patches *patches, iad_err *err) {
    iad_image image;
    IAD_TRY(iad_image_init(&image, side, side, 3, err));
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++) iad_image_at(&image, x, y)[c] = (uint8_t)(7 * y + 13 * x + 31 * c + 17 * k + 5 * ((x * y) % 11));
    iad_preprocess_options options = iad_preprocess_of_config(config);
    iad_status status = iad_preprocess_rows(&image, &options, patches, err);
    iad_image_deinit(&image);
    return status;
}

static int32_t word(int s, int64_t i) { return (int32_t)((131 * s + 17 * i + 7) % 250); }

static void supervise_maps(const iad_model_config *config, int64_t answer_at, iad_sample *sample) {
    static const struct { int row_class, token; float share; } words[] = {{0, 1, 0.5f}, {0, 2, 0.5f}, {1, 4, 1.0f}};
    float layers = (float)config->paper.n_map_layers;
    for (int i = 0; i < 3; i++)
        sample->words[sample->n_word++] =
            (iad_sample_word){.position = answer_at + words[i].token, .row_class = words[i].row_class, .weight = words[i].share / layers};
    sample->query = sample->n_picture - 1;
    for (int y = sample->mask_h / 4; y < sample->mask_h / 2; y++)
        for (int x = sample->mask_w / 3; x < 2 * sample->mask_w / 3; x++) sample->mask[y * sample->mask_w + x] = 1;
}

iad_status iad_speed_record(const iad_model_config *config, const iad_speed_case *c, int s, int answer, iad_sample *sample, iad_err *err) {
    int grid = c->side / (config->vision.patch * config->vision.merge) * 2;
    size_t n = (size_t)(2 * IAD_SPEED_TEXT + 3 * c->pictures + answer + 1);
    *sample = (iad_sample){.task_id = s, .weight = 1, .query = -1, .mask_h = c->maps ? grid : 0, .mask_w = c->maps ? grid : 0};
    sample->pictures = iad_calloc((size_t)c->pictures, sizeof *sample->pictures);
    sample->ids = iad_alloc(n, sizeof *sample->ids);
    sample->target = iad_alloc(n, sizeof *sample->target);
    if (c->maps) sample->words = iad_calloc(3, sizeof *sample->words);
    if (c->maps) sample->mask = iad_calloc((size_t)grid * (size_t)grid, sizeof *sample->mask);
    if (!sample->pictures || !sample->ids || !sample->target || (c->maps && (!sample->words || !sample->mask))) return IAD_NOMEM(err, "a record");
    int64_t text = 0;
    for (int i = 0; i < IAD_SPEED_TEXT; i++) sample->ids[sample->n_id++] = word(s, text++);
    for (int k = 0; k < c->pictures; k++) {
        sample->ids[sample->n_id++] = config->ids.vision_start;
        sample->pictures[k].position = sample->n_id;
        sample->pictures[k].reference = c->paper && k > 0 && k < c->pictures - 1 ? 0 : -1;
        sample->ids[sample->n_id++] = config->ids.image;
        sample->ids[sample->n_id++] = config->ids.vision_end;
        sample->n_picture++;
        IAD_TRY(painted(config, c->side, 5 * s + k, &sample->pictures[k].patches, err));
    }
    for (int i = 0; i < IAD_SPEED_TEXT; i++) sample->ids[sample->n_id++] = word(s, text++);
    int64_t answer_at = sample->n_id;
    for (int i = 0; i <= answer; i++) sample->ids[sample->n_id++] = word(s, text++);
    for (int64_t i = 0; i < sample->n_id; i++) {
        int supervised = i >= answer_at - 1 && i < answer_at - 1 + answer;
        sample->target[i] = supervised ? sample->ids[i + 1] : -1;
        sample->n_target += supervised;
    }
    if (c->maps) supervise_maps(config, answer_at, sample);
    return IAD_OK;
}
