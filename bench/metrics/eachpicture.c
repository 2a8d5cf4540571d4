#include "bench/metrics/eachpicture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/image/image.h"
#include "base/pool.h"

void iad_view_label(const iad_map_view *view, size_t index, char *text, size_t size) {
    if (view->name) snprintf(text, size, "%s", view->name);
    else snprintf(text, size, "picture %zu", index);
}

iad_status iad_view_get(const iad_map_source *source, size_t index, int skip_mask, iad_map_view *view, iad_err *err) {
    *view = (iad_map_view){0};
    view->skip_mask = skip_mask;
    IAD_TRY(source->get(source->ctx, index, view, err));
    if (view->map && view->width >= 1 && view->height >= 1 &&
        (uint64_t)view->width * (uint64_t)view->height <= IAD_IMAGE_MAX_PIXELS)
        return IAD_OK;
    char label[200];
    iad_view_label(view, index, label, sizeof label);
    iad_status status = view->map ? IAD_FAIL(err, IAD_ERR_LIMIT, "%s: map of %d x %d pixels", label, view->width, view->height)
                                  : IAD_FAIL(err, IAD_ERR_ARG, "%s: no map", label);
    iad_view_release(source, view);
    return status;
}

void iad_view_release(const iad_map_source *source, iad_map_view *view) {
    if (source->release) source->release(source->ctx, view);
}

iad_status iad_view_not_finite(const iad_map_view *view, size_t index, size_t pixel, iad_err *err) {
    char label[200];
    iad_view_label(view, index, label, sizeof label);
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: score %g at x=%zu y=%zu is not a finite number", label,
                    (double)view->map[pixel], pixel % (size_t)view->width, pixel / (size_t)view->width);
}

typedef struct each {
    const iad_map_source *source;
    int skip_mask, want;
    const uint8_t *which;
    iad_picture_fn fn;
    void *user;
    pthread_mutex_t lock;    /* guards status and error */
    atomic_size_t first_bad; /* lowest picture that failed, SIZE_MAX: none */
    iad_status status;
    iad_err error;
} each;

static void one(void *user, size_t i, int thread) {
    each *e = user;
    /* Pictures before a failed one still run, so the error that is reported is the first, whatever the threads do. */
    if (i > atomic_load(&e->first_bad) || (e->which && (e->which[i] != 0) != (e->want != 0))) return;
    iad_err error = IAD_ERR_NONE;
    iad_map_view view;
    iad_status status = iad_view_get(e->source, i, e->skip_mask, &view, &error);
    if (status == IAD_OK) {
        status = e->fn(e->user, i, &view, thread, &error);
        iad_view_release(e->source, &view);
    }
    if (status == IAD_OK) return;
    pthread_mutex_lock(&e->lock);
    if (i < atomic_load(&e->first_bad)) {
        atomic_store(&e->first_bad, i);
        e->status = status;
        e->error = error;
    }
    pthread_mutex_unlock(&e->lock);
}

iad_status iad_each_picture(const iad_map_source *source, int skip_mask, const uint8_t *which, int want, int n_threads,
                            iad_picture_fn fn, void *user, iad_err *err) {
    each e = {.source = source, .skip_mask = skip_mask, .want = want, .which = which, .fn = fn, .user = user, .status = IAD_OK};
    atomic_init(&e.first_bad, SIZE_MAX);
    pthread_mutex_init(&e.lock, NULL);
    iad_parallel_for(source->count, n_threads, one, &e);
    pthread_mutex_destroy(&e.lock);
    if (e.status != IAD_OK && err) *err = e.error;
    return e.status;
}
