/* Runs over the pictures of a set on several threads and keeps the first error in picture order. Internal. */
#ifndef IAD_METRICS_EACHPICTURE_H
#define IAD_METRICS_EACHPICTURE_H

#include "bench/metrics/mapset.h"

/* Called once per picture, on thread 0..n_threads-1, in any order. */
typedef iad_status (*iad_picture_fn)(void *user, size_t index, const iad_map_view *view, int thread, iad_err *err);

/* which: NULL, or [count] flags: only pictures with which[i] == want. skip_mask 1: views come without masks. */
iad_status iad_each_picture(const iad_map_source *source, int skip_mask, const uint8_t *which, int want, int n_threads,
                            iad_picture_fn fn, void *user, iad_err *err);

/* The picture's name, or "picture 12". */
void iad_view_label(const iad_map_view *view, size_t index, char *text, size_t size);
/* Fetches one view and checks its size. */
iad_status iad_view_get(const iad_map_source *source, size_t index, int skip_mask, iad_map_view *view, iad_err *err);
void iad_view_release(const iad_map_source *source, iad_map_view *view);
/* The error for a score that is NaN or infinite: names the picture and the pixel. */
iad_status iad_view_not_finite(const iad_map_view *view, size_t index, size_t pixel, iad_err *err);

#endif
