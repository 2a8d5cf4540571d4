/* Telling the data sets of one layout apart by what is in the folder: category names, defect names, numbers of pictures. */
#ifndef IAD_MANIFESTS_KNOWN_H
#define IAD_MANIFESTS_KNOWN_H

#include "base/text.h"
#include "manifests/ingest/adapter.h"

/* 1 when `category` is one of the adapter's published categories (rows of `counts` with a category; of `defects` too). */
int iad_known_category(const iad_adapter *adapter, const char *category);
/* 1 when the adapter's tables know `defect` for this category, or know nothing about the category's defects. */
int iad_known_defect(const iad_adapter *adapter, const char *category, const char *defect);

/* 1 when every category folder below root bears a published name, holds no defect folder that the set does not have, and no
 * more training pictures than were published. A copy, a part and a re-packed version pass; a set of one's own that happens to
 * have a category of the same name does not. */
int iad_known_is(const iad_adapter *adapter, const char *root, const iad_strings *folders);

/* Probe of a data set of this layout: 95 when iad_known_is says so, else 0. */
int iad_known_probe(const iad_adapter *adapter, const char *root);

#endif
