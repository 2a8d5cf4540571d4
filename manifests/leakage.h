/* Training pictures that are also evaluation pictures: the same pixels under another name or format, or nearly the same
 * after resizing, recompression, a cut border or a quarter turn. */
#ifndef IAD_MANIFESTS_LEAKAGE_H
#define IAD_MANIFESTS_LEAKAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "manifests/manifest.h"

typedef enum iad_leak_kind {
    IAD_LEAK_PIXELS = 0, /* equal pixel hash */
    IAD_LEAK_NEAR        /* perceptual hashes at most IAD_LEAK_MAX_DISTANCE apart */
} iad_leak_kind;

typedef struct iad_leak_hit {
    int64_t train_id, eval_id;
    iad_leak_kind kind;
    int distance; /* bits, 0 for PIXELS */
    int turn;     /* quarter turns that bring the training picture onto the other, 0..3 */
} iad_leak_hit;

typedef struct iad_leak_hits {
    iad_leak_hit *items; /* at most one per training picture, the closest; ordered by train_id */
    size_t n, cap;
} iad_leak_hits;
void iad_leak_hits_deinit(iad_leak_hits *hits);

/* Evaluation pictures: part test, or of a data set with eval_overlap. Training pictures: all others, and the training
 * part of any data set against its own tests (equal pixels only). Left out: bad pictures, those with dup_of (a known
 * double is not trained on), and perceptual hashes within one category: there all good parts look alike and every one
 * would be a hit. */
iad_status iad_leakage_find(iad_manifest *manifest, iad_leak_hits *hits, iad_err *err);

/* Marks the training pictures of the hits: dup_of = the evaluation picture, and a note that says why. One transaction.
 */
iad_status iad_leakage_store(iad_manifest *manifest, const iad_leak_hits *hits, iad_err *err);

#endif
