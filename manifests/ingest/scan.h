/* What adapters share: names of pictures and folders, and finding the mask that belongs to a picture by its name. */
#ifndef IAD_MANIFESTS_SCAN_H
#define IAD_MANIFESTS_SCAN_H

#include <stddef.h>

#include "base/file.h"
#include "base/status.h"
#include "manifests/ingest/adapter.h"

/* Extension of a picture, any case: png jpg jpeg bmp webp tif tiff. (TIFF is not decoded: it becomes a bad picture with a
 * reason, which is better than silence.) */
int iad_scan_is_picture(const char *name);

/* Folder names for "nothing wrong" (good, ok, normal) and for "something wrong, no further name" (bad, ko, ng, defect,
 * defective, anomaly, anomalous, abnormal); ASCII case ignored. */
int iad_scan_is_normal(const char *folder);
int iad_scan_is_anomalous(const char *folder);

/* 1 when `word` is one of the words of `list` (separated by spaces or commas), exact or with ASCII case ignored. */
int iad_scan_in_list(const char *list, const char *word);
int iad_scan_in_list_nocase(const char *list, const char *word);

/* Entry called `name`, or NULL. */
const iad_dir_entry *iad_scan_entry(const iad_dir_list *list, const char *name);
/* First file "<stem><suffix>.<picture extension>", or NULL. `list` as iad_dir_read gives it. */
const iad_dir_entry *iad_scan_picture(const iad_dir_list *list, const char *stem, const char *suffix);

/* Folder <root>/<relative>; a missing one gives an empty list. */
iad_status iad_scan_list(const char *root, const char *relative, iad_dir_list *list, iad_err *err);
/* 1 when <root>/<relative> is a folder (or a file). */
int iad_scan_has_dir(const char *root, const char *relative);
int iad_scan_has_file(const char *root, const char *relative);

/* Name of the folder itself, "." and links resolved: the category when a category's folder is given as root. */
void iad_scan_root_name(const char *root, char *name, size_t size);

/* Folders below root, at most `depth` levels down (0: only root itself), for which `is(root, relative)` holds, in byte order;
 * nothing inside a hit is looked at. "" stands for root. Used to accept a category, a data set, or a folder of data sets. */
iad_status iad_scan_find_dirs(const char *root, int depth, int (*is)(const char *root, const char *relative),
                              iad_strings *found, iad_err *err);

/* Delivers a remark built like printf (cut at 500 bytes). */
void iad_scan_remark(const iad_ingest_sink *sink, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
