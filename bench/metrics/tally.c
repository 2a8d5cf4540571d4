#include "bench/metrics/tally.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/eachpicture.h"
#include "bench/metrics/rankcount.h"

typedef struct job {
    iad_rank_counter **counters; /* one per thread */
    pthread_mutex_t lock;        /* guards tally */
    iad_tally *tally;
} job;

static iad_status count_picture(void *user, size_t i, const iad_map_view *view, int thread, iad_err *err) {
    job *j = user;
    size_t n = (size_t)view->width * (size_t)view->height;
    iad_rank_counter *counter = j->counters[thread];
    if (n > iad_rank_room(counter)) {
        pthread_mutex_lock(&j->lock);
        iad_rank_finish(counter, j->tally->slots, &j->tally->min_key, &j->tally->max_key);
        pthread_mutex_unlock(&j->lock);
    }
    size_t done = iad_rank_add(counter, view->map, n);
    return done < n ? iad_view_not_finite(view, i, done, err) : IAD_OK;
}

iad_status iad_tally_count(const iad_map_source *source, const uint32_t *keys, size_t k, iad_tally_part which,
                           const uint8_t *has_defect, int n_threads, iad_tally *tally, iad_err *err) {
    if (!tally->slots) {
        tally->slots = iad_calloc(2 * k + 1, sizeof *tally->slots);
        if (!tally->slots) return IAD_NOMEM(err, "pixel counters");
        tally->min_key = UINT32_MAX;
        tally->max_key = 0;
    }
    iad_rank_plan *plan = NULL;
    IAD_TRY(iad_rank_plan_new(keys, k, &plan, err));
    job j = {.tally = tally};
    pthread_mutex_init(&j.lock, NULL);
    j.counters = iad_calloc((size_t)n_threads, sizeof *j.counters);
    iad_status status = j.counters ? IAD_OK : IAD_NOMEM(err, "pixel counters");
    for (int t = 0; t < n_threads && status == IAD_OK; t++) status = iad_rank_counter_new(plan, &j.counters[t], err);
    if (status == IAD_OK)
        status = iad_each_picture(source, 1, which == IAD_TALLY_ALL ? NULL : has_defect, which == IAD_TALLY_DEFECT,
                                  n_threads, count_picture, &j, err);
    for (int t = 0; t < n_threads && status == IAD_OK; t++)
        iad_rank_finish(j.counters[t], tally->slots, &tally->min_key, &tally->max_key);
    for (int t = 0; j.counters && t < n_threads; t++) iad_rank_counter_free(j.counters[t]);
    free(j.counters);
    pthread_mutex_destroy(&j.lock);
    iad_rank_plan_free(plan);
    return status;
}

void iad_tally_deinit(iad_tally *tally) {
    free(tally->slots);
    *tally = (iad_tally){0};
}
