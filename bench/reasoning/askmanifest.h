/* Questions about the pictures of a manifest: is it defective, and where. */
#ifndef IAD_BENCH_ASKMANIFEST_H
#define IAD_BENCH_ASKMANIFEST_H

#include "bench/reasoning/asklist.h"
#include "manifests/manifest.h"

typedef struct iad_ask_manifest_options {
    const iad_strings *datasets, *categories; /* NULL or empty: all */
    const char *scheme;                       /* split scheme, NULL: the source's */
    const char *rule;                         /* how exemplars are chosen: manifests/refs.h */
    uint64_t seed;
    int shots;     /* 0..IAD_ASK_MAX_SHOTS; 0: no exemplars */
    int64_t limit; /* pictures per category, 0: all */
    const char *question;
} iad_ask_manifest_options;

/* A yes-or-no question about every labelled test picture; kind "detection". question NULL: the canonical one (manifests/canonical.h), where Yes means
 * normal. Ids: "<data set>/<path>". Errors: those of the manifest, IAD_ERR_NOT_FOUND (no picture; exemplars that a rule cannot meet). */
iad_status iad_asks_yesno(iad_asks *asks, iad_manifest *manifest, const iad_ask_manifest_options *options, iad_err *err);

/* "Where?" about every test picture whose truth is known: boxes drawn by people, else those of the mask's regions, none for good pictures. Pictures
 * with more than IAD_ANSWER_BOXES true boxes are left out with a note. question NULL: asks for a JSON list with bbox_2d and label, as stage 3 of the
 * training does. */
iad_status iad_asks_boxes(iad_asks *asks, iad_manifest *manifest, const iad_ask_manifest_options *options, iad_err *err);

/* Held-out records of a training stage (iad-synth tasks --part eval): kind "loss", id "<task>#<row>", task_id set. names: only these task names
 * ("s3_reason"). limit: records, 0 all. */
iad_status iad_asks_records(iad_asks *asks, iad_manifest *manifest, int stage, const iad_strings *names, int64_t limit, iad_err *err);

#endif
