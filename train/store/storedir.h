/* The folder of a run with its checkpoints: names, order, removal.
 *
 *   OUT/step-00001200/       a checkpoint, if it has a manifest.json
 *   OUT/step-00001200.tmp/   being written, or left by a run that died
 *   OUT/step-00001200.old/   what the checkpoint of the same step replaces, for a moment
 *   OUT/latest               "step-00001200", the one to go on from; only ever replaced by rename */
#ifndef IAD_TRAIN_STOREDIR_H
#define IAD_TRAIN_STOREDIR_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

/* dir/step-N + suffix ("", ".tmp", ".old"). */
iad_status iad_store_step_path(const char *dir, int64_t step, const char *suffix, char path[IAD_PATH_MAX], iad_err *err);

/* Steps of the folders that have a manifest, in the order in which a reader tries them: what `latest` names and everything below it, falling;
 * all of them when that leaves none. *steps is the caller's. A folder that does not exist has none. */
iad_status iad_store_candidates(const char *dir, int64_t **steps, size_t *n, iad_err *err);

iad_status iad_store_latest_write(const char *dir, int64_t step, iad_err *err);
/* Makes the names of the folder's entries last. */
iad_status iad_store_sync_dir(const char *path, iad_err *err);
/* Removes a checkpoint's folder, the manifest first: it stops being one before anything else goes. Fine when it is not there. */
iad_status iad_store_remove(const char *path, iad_err *err);
/* Puts right what a run that died left: removes .tmp and folders without manifest, takes back an .old whose successor is not there. */
iad_status iad_store_clean(const char *dir, iad_err *err);
/* Of the checkpoints at or below `step`, removes all but the newest `keep` and those at multiples of keep_every (0: none). */
iad_status iad_store_prune(const char *dir, int64_t step, int keep, int keep_every, iad_err *err);

#endif
