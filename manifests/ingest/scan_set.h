/* A set of strings in order of insertion: "was this picture delivered already?" over lists of a million records. */
#ifndef IAD_MANIFESTS_SCAN_SET_H
#define IAD_MANIFESTS_SCAN_SET_H

#include "base/text.h"

/* Zero-initialise; free with iad_scan_set_deinit. */
typedef struct iad_scan_set {
    iad_strings words;
    size_t *slots; /* [n_slots] index + 1 into words, 0 free */
    size_t n_slots;
} iad_scan_set;

/* Adds a word; *added (may be NULL) is 1 when it was new. */
iad_status iad_scan_set_add(iad_scan_set *set, const char *word, int *added, iad_err *err);
int iad_scan_set_has(const iad_scan_set *set, const char *word);
void iad_scan_set_deinit(iad_scan_set *set);

#endif
