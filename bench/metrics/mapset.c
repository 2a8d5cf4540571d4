#include "bench/metrics/mapset.h"

static iad_status array_get(void *ctx, size_t index, iad_map_view *view, iad_err *err) {
    (void)err;
    const iad_map_view *views = ctx;
    *view = views[index];
    return IAD_OK;
}

iad_map_source iad_map_source_array(const iad_map_view *views, size_t count) {
    /* ctx is only ever read through a const pointer. */
    return (iad_map_source){(void *)(uintptr_t)views, count, array_get, NULL};
}

static iad_status subset_get(void *ctx, size_t index, iad_map_view *view, iad_err *err) {
    const iad_map_subset *subset = ctx;
    return subset->base->get(subset->base->ctx, subset->index[index], view, err);
}

static void subset_release(void *ctx, iad_map_view *view) {
    const iad_map_subset *subset = ctx;
    if (subset->base->release) subset->base->release(subset->base->ctx, view);
}

iad_map_source iad_map_source_subset(iad_map_subset *subset, size_t count) {
    return (iad_map_source){subset, count, subset_get, subset_release};
}
