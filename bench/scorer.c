#include "bench/scorer.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bench/patchnn/patchnn.h"

static iad_status patchnn_prepare(void *context, const iad_image *exemplars, int n, void **model, iad_err *err) {
    (void)context;
    iad_patchnn *made = NULL;
    iad_status status = iad_patchnn_new(exemplars, n, NULL, &made, err);
    *model = made;
    return status;
}

static iad_status patchnn_score(const void *model, const iad_image *query, double *score, iad_plane *map, iad_err *err) {
    return iad_patchnn_score(model, query, score, map, err);
}

static void patchnn_release(void *model) { iad_patchnn_free(model); }

static const iad_scorer patchnn = {
    .name = "patchnn", .summary = "training-free: classical patch descriptors, nearest neighbour among the exemplars",
     .version = IAD_PATCHNN_VERSION, .prepare = patchnn_prepare, .score = patchnn_score, .release = patchnn_release};

void iad_scorer_options_init(iad_scorer_options *options) {
    *options = (iad_scorer_options){.device = "cpu", .weights = "auto", .vision_weights = "auto"};
}

int iad_scorer_options_rows(iad_scorer_options *o, iad_arg *rows) {
    const iad_arg table[IAD_SCORER_N_OPTIONS] = {
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o->model, .meta = "DIR", .help = "scorer iadgpt: checkpoint directory"},
        {.kind = IAD_ARG_STRING, .name = "device", .value = &o->device, .meta = "NAME", .help = "scorer iadgpt: cpu, cuda, cuda:N, reference"},
        {.kind = IAD_ARG_STRING, .name = "weights", .value = &o->weights, .meta = "KIND", .help = "scorer iadgpt: auto, f32, bf16 or int8"},
        {.kind = IAD_ARG_STRING, .name = "vision-weights", .value = &o->vision_weights, .meta = "KIND",
         .help = "scorer iadgpt: the same for the vision tower"},
        {.kind = IAD_ARG_STRING, .name = "image-size", .value = &o->image_size, .meta = "WxH",
         .help = "scorer iadgpt: multiples of 28, or native (default: as the checkpoint says)"},
        {.kind = IAD_ARG_FLOAT, .name = "retention", .value = &o->retention, .meta = "R",
         .help = "scorer iadgpt: tokens kept of exemplars 2..k, 0 as the checkpoint says", .flo = 0, .fhi = 1}};
    for (int i = 0; i < IAD_SCORER_N_OPTIONS; i++) rows[i] = table[i];
    return IAD_SCORER_N_OPTIONS;
}

iad_status iad_scorer_find(const char *name, iad_scorer *scorer, iad_err *err) {
    const iad_scorer *const scorers[] = {&patchnn, &iad_scorer_iadgpt};
    char names[256] = "";
    for (size_t i = 0; i < sizeof scorers / sizeof *scorers; i++) {
        if (strcmp(scorers[i]->name, name) == 0) {
            *scorer = *scorers[i];
            return IAD_OK;
        }
        size_t len = strlen(names);
        iad_text_copy(names + len, sizeof names - len, " ");
        iad_text_copy(names + len + 1, sizeof names - len - 1, scorers[i]->name);
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "unknown scorer \"%.80s\"; there are:%s", name, names);
}
