/* Which records of an earlier stage are shown again in a later one: 50 % of stage 1 in stage 2, 80 % of stage 2 in stage 3 (paper, training details).
 * By hash, so without order, state or count. */
#ifndef IAD_SYNTH_REPLAY_H
#define IAD_SYNTH_REPLAY_H

#include <stdint.h>

#include "base/status.h"
#include "manifests/manifest.h"

/* 1 when the record `external_id` of stage - 1 is part of `stage`: its hash with (seed, stage) lies below share. */
int iad_replay_keep(uint64_t seed, int stage, const char *external_id, double share);
/* 0.5 for stage 2, 0.8 for stage 3, else 0. */
double iad_replay_share(int stage);

typedef struct iad_stage_counts { int64_t own, replay, replay_of; } iad_stage_counts;
/* How many training records a stage has: its own, and replayed ones out of replay_of. */
iad_status iad_stage_count(iad_manifest *manifest, int stage, uint64_t seed, double share, iad_stage_counts *counts, iad_err *err);
/* Calls fn for the id of every record of a stage, own first, then replayed ones, each by id. */
iad_status iad_stage_each(iad_manifest *manifest, int stage, uint64_t seed, double share,
                          iad_status (*fn)(void *user, int64_t task_id, int replayed, iad_err *err), void *user, iad_err *err);

#endif
