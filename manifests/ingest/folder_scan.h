/* The plain-folder adapter over a list of paths (for tests without a file system). */
#ifndef IAD_MANIFESTS_FOLDER_SCAN_H
#define IAD_MANIFESTS_FOLDER_SCAN_H

#include "manifests/ingest/scan_tree.h"

iad_status iad_folder_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);

#endif
