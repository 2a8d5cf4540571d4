#include "bench/scorer.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bench/patchnn/patchnn.h"

static iad_status patchnn_prepare(const iad_image *exemplars, int n, void **model, iad_err *err) {
    iad_patchnn *made = NULL;
    iad_status status = iad_patchnn_new(exemplars, n, NULL, &made, err);
    *model = made;
    return status;
}

static iad_status patchnn_score(const void *model, const iad_image *query, double *score, iad_plane *map, iad_err *err) {
    return iad_patchnn_score(model, query, score, map, err);
}

static void patchnn_release(void *model) { iad_patchnn_free(model); }

static const iad_scorer scorers[] = {
    {.name = "patchnn", .summary = "training-free: classical patch descriptors, nearest neighbour among the exemplars",
     .version = IAD_PATCHNN_VERSION, .prepare = patchnn_prepare, .score = patchnn_score, .release = patchnn_release},
};

iad_status iad_scorer_find(const char *name, const iad_scorer **scorer, iad_err *err) {
    char names[256] = "";
    for (size_t i = 0; i < sizeof scorers / sizeof *scorers; i++) {
        if (strcmp(scorers[i].name, name) == 0) {
            *scorer = &scorers[i];
            return IAD_OK;
        }
        size_t len = strlen(names);
        iad_text_copy(names + len, sizeof names - len, " ");
        iad_text_copy(names + len + 1, sizeof names - len - 1, scorers[i].name);
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "unknown scorer \"%.80s\"; there are:%s", name, names);
}
