/* The units that are still to be asked, one after the other, in the order of pictures and prompts. */
#ifndef IAD_ANNOTATE_WORKSOURCE_H
#define IAD_ANNOTATE_WORKSOURCE_H

#include "annotate/work/annotaterun.h"
#include "annotate/work/annotatestore.h"
#include "base/file.h"
#include "manifests/categories.h"

typedef struct iad_work {
    int64_t image_id;
    uint8_t image_sha256[32], unit[IAD_UNIT_BYTES], of_unit[IAD_UNIT_BYTES];
    int has_of, round, anomalous, width, height;
    char path[IAD_PATH_MAX], category[200], params[160];
    char *text; /* of the prompt with its values, owned */
    const iad_prompt *prompt;
    double temperature;
    int64_t seed, predicted; /* tokens of picture and text */
} iad_work;
void iad_work_deinit(iad_work *work);

typedef struct iad_source iad_source;
iad_status iad_source_new(iad_manifest *m, const iad_annotate_options *options, iad_source **source, iad_err *err);
void iad_source_free(iad_source *source);
/* *found = 0 at the end. counts: pictures and had are kept. */
iad_status iad_source_next(iad_source *source, iad_work *work, int *found, iad_annotate_counts *counts, iad_err *err);
/* The next round of a unit whose answer failed: *found = 0 when there is none left to ask. */
iad_status iad_source_round(iad_manifest *m, const iad_annotate_options *options, iad_work *work, int *found, iad_err *err);

#endif
