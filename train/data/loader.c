#include "train/data/loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "train/data/loaderlist.h"
#include "train/data/order.h"
#include "train/data/samplecost.h"
#include "train/data/samplemake.h"

enum { MAX_THREADS = 256, MAX_AHEAD = 64, MAX_BATCH = 4096, MAX_WORLD = 65536 };

/* A record of a step on its way to a sample. */
typedef struct item {
    int64_t task_id;
    int replayed;
    iad_sample sample;
    double cost;         /* 0 when broken */
    iad_status status;
    iad_err why;
    int owner;
} item;

/* A step in work: first the texts of all its records, on any number of workers; then the split over ranks; then the pixels of this rank's records. */
typedef struct step_work {
    int64_t step;
    item *items;
    int n;
    enum { TEXTS, PIXELS, DONE } phase;
    int *todo, n_todo;   /* items of this phase */
    int next, running;   /* place in todo; items that workers hold */
    int dropped;         /* nobody wants it any more: who lets go of it last frees it */
} step_work;

/* What one thread uses. */
typedef struct loader_kit {
    iad_manifest *manifest;
    iad_sample_maker maker;
} loader_kit;

struct iad_loader {
    iad_loader_options options;
    char *db, *model_dir;
    iad_model_config config;
    iad_loader_list list;
    iad_tokenizer *tokenizer;
    iad_picture_store *store;
    loader_kit *kits;    /* [threads + 1], the last one for the caller's thread */
    int n_kit;
    pthread_t *threads;
    int n_thread;

    pthread_mutex_t lock;
    pthread_cond_t work, done; /* something to do for workers; a step is complete */
    int has_lock;
    step_work **steps;   /* [ahead + 1] in the order in which they are wanted; NULL: free place */
    int stop;
};

typedef struct worker_start {
    iad_loader *loader;
    loader_kit *kit;
} worker_start;

/* ---- one step ---- */

/* Failures of the machine, not of a record: the next record would fare no better. */
static int is_fatal(iad_status status) { return status == IAD_ERR_NOMEM || status == IAD_ERR_DB; }

static void step_free(step_work *w) {
    if (!w) return;
    for (int i = 0; i < w->n; i++) iad_sample_deinit(&w->items[i].sample);
    free(w->items);
    free(w->todo);
    free(w);
}

/* Training walks epochs without end; held-out records are gone through once, by id. */
static iad_status step_new(const iad_loader *l, int64_t step, step_work **work, iad_err *err) {
    uint64_t index[MAX_BATCH], n = (uint64_t)l->list.n;
    int batch = l->options.batch, eval = strcmp(l->options.part, "eval") == 0;
    step_work *w = iad_calloc(1, sizeof *w);
    if (!w) return IAD_NOMEM(err, "a step");
    w->step = step;
    w->items = iad_calloc((size_t)batch, sizeof *w->items);
    w->todo = iad_calloc((size_t)batch, sizeof *w->todo);
    if (!w->items || !w->todo) {
        step_free(w);
        return IAD_NOMEM(err, "a step");
    }
    if (!eval) iad_order_batch(l->options.seed, l->options.stage, n, step, batch, index);
    for (int i = 0; i < batch; i++) {
        uint64_t at = eval ? (uint64_t)step * (uint64_t)batch + (uint64_t)i : index[i];
        if (at >= n) break;
        w->items[w->n++] = (item){.task_id = l->list.id[at], .replayed = (int64_t)at >= l->list.n_own, .sample.query = -1};
        w->todo[i] = i;
    }
    w->n_todo = w->n;
    *work = w;
    return IAD_OK;
}

/* Between the phases: who computes what. A pure function of the batch, so that all ranks agree without a word. */
static void split(const iad_loader *l, step_work *w) {
    double cost[MAX_BATCH];
    int owner[MAX_BATCH];
    for (int i = 0; i < w->n; i++) cost[i] = w->items[i].cost;
    iad_order_split(cost, w->n, l->options.world, owner);
    w->n_todo = w->next = 0;
    for (int i = 0; i < w->n; i++) {
        w->items[i].owner = owner[i];
        if (owner[i] == l->options.rank && w->items[i].status == IAD_OK) w->todo[w->n_todo++] = i;
        else iad_sample_deinit(&w->items[i].sample);
    }
    w->phase = PIXELS;
}

/* Moves on when a phase has nothing left to do. With the lock held. */
static void advance(iad_loader *l, step_work *w) {
    if (w->dropped || w->running > 0 || w->next < w->n_todo) return;
    if (w->phase == TEXTS) {
        split(l, w);
        pthread_cond_broadcast(&l->work);
    }
    if (w->phase == PIXELS && w->n_todo == w->next && w->running == 0) {
        w->phase = DONE;
        pthread_cond_broadcast(&l->done);
    }
}

static void do_item(const iad_loader *l, loader_kit *kit, item *it, int texts) {
    it->why = IAD_ERR_NONE;
    if (!texts) {
        it->status = iad_sample_pixels(&kit->maker, &it->sample, &it->why);
        if (it->status != IAD_OK) iad_sample_deinit(&it->sample);
        return;
    }
    it->status = iad_sample_texts(&kit->maker, it->task_id, it->replayed, &it->sample, &it->why);
    it->cost = it->status == IAD_OK ? iad_sample_cost(&it->sample, &l->config, kit->maker.retention, l->options.stage < 3) : 0;
}

/* ---- workers ---- */

/* The first piece of work of the step that is wanted first. */
static step_work *find_work(const iad_loader *l) {
    for (int s = 0; s <= l->options.ahead; s++)
        if (l->steps[s] && l->steps[s]->phase != DONE && l->steps[s]->next < l->steps[s]->n_todo) return l->steps[s];
    return NULL;
}

static void *worker_main(void *user) {
    worker_start *start = user;
    iad_loader *l = start->loader;
    loader_kit *kit = start->kit;
    free(start);
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        step_work *w = find_work(l);
        if (!w) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        item *it = &w->items[w->todo[w->next++]];
        int texts = w->phase == TEXTS;
        w->running++;
        pthread_mutex_unlock(&l->lock);
        do_item(l, kit, it, texts);
        pthread_mutex_lock(&l->lock);
        w->running--;
        if (w->dropped && w->running == 0) step_free(w);
        else advance(l, w);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* With the lock held. */
static void drop(step_work *w) {
    if (!w) return;
    w->dropped = 1;
    if (w->running == 0) step_free(w);
}

/* Makes steps[] hold step .. step + ahead in this order; what is there already is kept, the rest is dropped. With the lock held. */
static iad_status aim(iad_loader *l, int64_t step, iad_err *err) {
    int n = l->options.ahead + 1;
    step_work *before[MAX_AHEAD + 1];
    iad_status status = IAD_OK;
    memcpy(before, l->steps, (size_t)n * sizeof *before);
    for (int i = 0; i < n; i++) l->steps[i] = NULL;
    for (int i = 0; i < n; i++) {
        step_work *w = before[i];
        if (w && w->step >= step && w->step - step < n) l->steps[w->step - step] = w;
        else drop(w);
    }
    for (int i = 0; i < n && status == IAD_OK && step <= INT64_MAX / MAX_BATCH - i; i++) {
        if (l->steps[i]) continue;
        status = step_new(l, step + i, &l->steps[i], err);
        if (status == IAD_OK) advance(l, l->steps[i]); /* one without records is done at once */
    }
    pthread_cond_broadcast(&l->work);
    return status;
}

/* ---- batches ---- */

void iad_batch_deinit(iad_batch *batch) {
    for (int i = 0; i < batch->n; i++) iad_sample_deinit(&batch->samples[i]);
    free(batch->samples);
    free(batch->cost);
    *batch = (iad_batch){0};
}

static void count_broken(iad_batch *batch, const item *it) {
    int k = batch->n_broken++;
    if (k >= IAD_BATCH_BROKEN) return;
    batch->broken_id[k] = it->task_id;
    iad_text_copy(batch->broken_why[k], sizeof batch->broken_why[k], it->why.msg);
}

/* Hands the samples of a finished step over. */
static iad_status collect(const iad_loader *l, step_work *w, iad_batch *batch, iad_err *err) {
    batch->samples = iad_calloc((size_t)w->n, sizeof *batch->samples);
    batch->cost = iad_calloc((size_t)w->n, sizeof *batch->cost);
    if (!batch->samples || !batch->cost) return IAD_NOMEM(err, "a batch");
    for (int i = 0; i < w->n; i++) {
        item *it = &w->items[i];
        if (is_fatal(it->status)) {
            if (err) *err = it->why;
            return it->status;
        }
        if (it->owner != l->options.rank) continue;
        if (it->status != IAD_OK) {
            count_broken(batch, it);
            continue;
        }
        batch->n_target += (double)it->sample.weight * (double)it->sample.n_target;
        batch->n_map += it->sample.mask != NULL;
        batch->cost[batch->n] = it->cost;
        batch->samples[batch->n++] = it->sample;
        it->sample = (iad_sample){0};
    }
    return IAD_OK;
}

iad_status iad_loader_get(iad_loader *l, int64_t step, iad_batch *batch, iad_err *err) {
    *batch = (iad_batch){0};
    if (step < 0 || step > INT64_MAX / MAX_BATCH) return IAD_FAIL(err, IAD_ERR_ARG, "step %lld", (long long)step);
    pthread_mutex_lock(&l->lock);
    iad_status status = aim(l, step, err);
    step_work *w = l->steps[0];
    if (status == IAD_OK) {
        while (w->phase != DONE) pthread_cond_wait(&l->done, &l->lock);
        l->steps[0] = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    if (status != IAD_OK) return status;
    status = collect(l, w, batch, err);
    if (status != IAD_OK) iad_batch_deinit(batch);
    step_free(w);
    return status;
}

iad_status iad_loader_sample(iad_loader *l, int64_t task_id, iad_sample *sample, iad_err *err) {
    iad_sample_maker *maker = &l->kits[l->n_kit - 1].maker;
    IAD_TRY(iad_sample_texts(maker, task_id, 0, sample, err));
    iad_status status = iad_sample_pixels(maker, sample, err);
    if (status != IAD_OK) iad_sample_deinit(sample);
    return status;
}

const iad_tokenizer *iad_loader_tokenizer(const iad_loader *l) { return l->tokenizer; }

int64_t iad_loader_count(const iad_loader *l) { return l->list.n; }
int64_t iad_loader_count_own(const iad_loader *l) { return l->list.n_own; }

int64_t iad_loader_steps(const iad_loader *l, double epochs) {
    double records = (double)l->list.n * epochs, steps = records / l->options.batch;
    int64_t whole = (int64_t)steps;
    if ((double)whole < steps) whole++;
    return whole < 1 ? 1 : whole;
}

/* ---- beginning and end ---- */

static iad_status check_options(const iad_loader_options *o, iad_err *err) {
    if (!o->db || !o->model_dir) return IAD_FAIL(err, IAD_ERR_ARG, "a loader wants a manifest and a model");
    if (o->stage < 1 || o->stage > 3) return IAD_FAIL(err, IAD_ERR_ARG, "stage %d: 1 to 3", o->stage);
    if (o->replay_share > 1) return IAD_FAIL(err, IAD_ERR_ARG, "replay share %g: 0 to 1", o->replay_share);
    if (o->batch < 1 || o->batch > MAX_BATCH) return IAD_FAIL(err, IAD_ERR_ARG, "batch %d: 1 to %d", o->batch, MAX_BATCH);
    if (o->world < 1 || o->world > MAX_WORLD || o->rank < 0 || o->rank >= o->world)
        return IAD_FAIL(err, IAD_ERR_ARG, "rank %d of %d", o->rank, o->world);
    if (o->threads < 1 || o->threads > MAX_THREADS) return IAD_FAIL(err, IAD_ERR_ARG, "%d threads: 1 to %d", o->threads, MAX_THREADS);
    if (o->ahead < 0 || o->ahead > MAX_AHEAD) return IAD_FAIL(err, IAD_ERR_ARG, "%d batches ahead: 0 to %d", o->ahead, MAX_AHEAD);
    if (o->mask_scale < 1 || o->mask_scale > IAD_SAMPLE_MAX_MASK_SCALE)
        return IAD_FAIL(err, IAD_ERR_ARG, "mask scale %d: 1 to %d", o->mask_scale, IAD_SAMPLE_MAX_MASK_SCALE);
    if (o->max_rows < 1) return IAD_FAIL(err, IAD_ERR_ARG, "%d rows at most: at least 1", o->max_rows);
    if (o->retention == 0 || o->retention > 1) return IAD_FAIL(err, IAD_ERR_ARG, "retention %g: above 0, at most 1", o->retention);
    return IAD_OK;
}

static iad_status kit_open(iad_loader *l, loader_kit *kit, iad_err *err) {
    const iad_loader_options *o = &l->options;
    kit->maker = (iad_sample_maker){.config = &l->config, .tokenizer = l->tokenizer, .image = iad_preprocess_of_config(&l->config),
                                    .mask_scale = o->mask_scale, .max_rows = o->max_rows, .compress = o->compress,
                                    .retention = o->retention < 0 ? l->config.paper.retention : o->retention};
    IAD_TRY(iad_manifest_open(l->db, IAD_MANIFEST_READ, &kit->manifest, err));
    kit->maker.manifest = kit->manifest;
    IAD_TRY(iad_picture_loader_new(l->store, kit->manifest, &kit->maker.pictures, err));
    return iad_token_scratch_new(&kit->maker.scratch, err);
}

static void kit_close(loader_kit *kit) {
    iad_token_scratch_free(kit->maker.scratch);
    iad_picture_loader_free(kit->maker.pictures);
    iad_manifest_close(kit->manifest);
}

static iad_status open_parts(iad_loader *l, iad_err *err) {
    l->n_kit = l->options.threads + 1;
    l->kits = iad_calloc((size_t)l->n_kit, sizeof *l->kits);
    l->steps = iad_calloc((size_t)l->options.ahead + 1, sizeof *l->steps);
    l->threads = iad_calloc((size_t)l->options.threads, sizeof *l->threads);
    if (!l->kits || !l->steps || !l->threads || !l->db || !l->model_dir) return IAD_NOMEM(err, "a loader");
    IAD_TRY(iad_tokenizer_load(l->model_dir, &l->tokenizer, err));
    if (iad_tokenizer_size(l->tokenizer) > l->config.text.vocab)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the tokenizer has %d tokens, the model %d", l->model_dir, (int)iad_tokenizer_size(l->tokenizer),
                        l->config.text.vocab);
    IAD_TRY(iad_picture_store_new(l->options.picture_budget, IAD_WORK_MAX_SIDE, &l->store, err));
    for (int i = 0; i < l->n_kit; i++) IAD_TRY(kit_open(l, &l->kits[i], err));
    return iad_loader_list_read(&l->options, l->kits[0].manifest, &l->list, err);
}

static iad_status start_threads(iad_loader *l, iad_err *err) {
    if (pthread_mutex_init(&l->lock, NULL) || pthread_cond_init(&l->work, NULL) || pthread_cond_init(&l->done, NULL))
        return IAD_FAIL(err, IAD_ERR_INTERNAL, "the system gives no locks");
    l->has_lock = 1;
    for (int i = 0; i < l->options.threads; i++) {
        worker_start *start = iad_calloc(1, sizeof *start);
        if (!start) return IAD_NOMEM(err, "a worker");
        *start = (worker_start){l, &l->kits[i]};
        if (pthread_create(&l->threads[i], NULL, worker_main, start) != 0) {
            free(start);
            return IAD_FAIL(err, IAD_ERR_NOMEM, "the system gives no thread for a worker");
        }
        l->n_thread++;
    }
    return IAD_OK;
}

iad_status iad_loader_new(const iad_loader_options *options, const iad_model_config *config, iad_loader **loader, iad_err *err) {
    *loader = NULL;
    IAD_TRY(check_options(options, err));
    iad_loader *l = iad_calloc(1, sizeof *l);
    if (!l) return IAD_NOMEM(err, "a loader");
    l->options = *options;
    if (!l->options.part) l->options.part = "train";
    l->config = *config;
    l->db = iad_strdup(options->db);
    l->model_dir = iad_strdup(options->model_dir);
    iad_status status = open_parts(l, err);
    if (status == IAD_OK) {
        l->options.part = strcmp(l->options.part, "eval") == 0 ? "eval" : "train"; /* nothing of the caller's is kept */
        l->options.tasks = NULL;
        status = start_threads(l, err);
    }
    if (status == IAD_OK) *loader = l;
    else iad_loader_free(l);
    return status;
}

void iad_loader_free(iad_loader *l) {
    if (!l) return;
    if (l->has_lock) {
        pthread_mutex_lock(&l->lock);
        l->stop = 1;
        pthread_cond_broadcast(&l->work);
        pthread_mutex_unlock(&l->lock);
        for (int i = 0; i < l->n_thread; i++) pthread_join(l->threads[i], NULL);
        pthread_mutex_destroy(&l->lock);
        pthread_cond_destroy(&l->work);
        pthread_cond_destroy(&l->done);
    }
    for (int i = 0; l->steps && i <= l->options.ahead; i++) step_free(l->steps[i]);
    for (int i = 0; l->kits && i < l->n_kit; i++) kit_close(&l->kits[i]);
    iad_loader_list_deinit(&l->list);
    iad_picture_store_free(l->store);
    iad_tokenizer_free(l->tokenizer);
    free(l->kits);
    free(l->threads);
    free(l->steps);
    free(l->db);
    free(l->model_dir);
    free(l);
}
