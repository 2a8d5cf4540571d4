/* Counts of everything in a manifest. */
#ifndef IAD_MANIFESTS_STATS_H
#define IAD_MANIFESTS_STATS_H

#include <jansson.h>

#include "base/status.h"
#include "manifests/manifest.h"

/* A new JSON object (caller: json_decref):
 *   {"datasets": [{"name", "adapter", "licence", "eval_overlap", "root", "pictures", "categories": [{"name", "kind",
 * "pictures", "bad", "parts": {"train": {"normal": 3, "anomalous": 0, "unknown": 0}, ...}, "defects": {"scratch": 5},
 * "masks": 5, "masks_unknown": 0, "exemplars": 3, "doubles": 0, "bytes": 1000, "width": [8, 8], "height": [6, 6]}]}],
 *    "tasks": [{"task", "stage", "part", "count"}], "exemplar_sets", "captions", "synth", "masks", "runs"}
 * Bad pictures count in "pictures" and "bad" only. masks_unknown: readable anomalous pictures without ground truth.
 * Categories and data sets by name; a picture without category counts under the category "". dataset NULL: all. scheme
 * NULL: the source's split. */
iad_status iad_stats_json(iad_manifest *manifest, const char *dataset, const char *scheme, json_t **stats,
                          iad_err *err);

#endif
