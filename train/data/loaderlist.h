/* Which records a stage has, in the order of the manifest: the numbers that order.h permutes. */
#ifndef IAD_TRAIN_LOADERLIST_H
#define IAD_TRAIN_LOADERLIST_H

#include "train/data/loader.h"

#include "manifests/manifest.h"

typedef struct iad_loader_list {
    int64_t *id;   /* own records by id, then replayed ones by id */
    int64_t n, n_own;
    size_t cap;
} iad_loader_list;
/* Fills *list (initialised here) from options' stage, seed, replay_share, tasks and part. IAD_ERR_NOT_FOUND when there is no record; IAD_ERR_ARG. */
iad_status iad_loader_list_read(const iad_loader_options *options, iad_manifest *manifest, iad_loader_list *list, iad_err *err);
void iad_loader_list_deinit(iad_loader_list *list);

#endif
