/* Life of a server. */
#include "runtime/serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "runtime/engine/engine.h"
#include "runtime/serve/servejob.h"

enum { TICK_MS = 100 };

iad_serve_limits iad_serve_limits_default(void) {
    return (iad_serve_limits){.body_bytes = 32 << 20, .images = 16, .calibration_images = 64, .pixels = 64000000, .picture_tokens = 16384,
                              .prompt_tokens = 32768, .answer_tokens = 4096, .queue = 64, .connections = 256, .deadline_s = 300, .header_s = 10,
                              .body_s = 60};
}

static iad_status start_threads(iad_serve *s, iad_err *err) {
    const int n = s->options.readers + s->options.sessions;
    s->threads = iad_calloc((size_t)n, sizeof *s->threads);
    if (!s->threads) return IAD_NOMEM(err, "the threads");
    for (int i = 0; i < n; i++, s->n_threads++)
        if (pthread_create(&s->threads[i], NULL, i < s->options.readers ? iad_reader_main : iad_session_main, s) != 0)
            return IAD_FAIL(err, IAD_ERR_IO, "thread %d cannot be started", i + 1);
    return IAD_OK;
}

iad_status iad_serve_new(iadgpt_engine *engine, const iad_serve_options *options, iad_serve **serve, iad_err *err) {
    *serve = NULL;
    iad_serve *s = iad_calloc(1, sizeof *s);
    if (!s) return IAD_NOMEM(err, "the server");
    s->engine = engine;
    s->options = *options;
    s->created = (int64_t)time(NULL);
    s->side = engine->model->config.vision.patch * engine->model->config.vision.merge;
    atomic_init(&s->stopping, 0);
    iad_metrics_init(&s->metrics);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->conn_lock, NULL);
    pthread_cond_init(&s->raw_there, NULL);
    pthread_cond_init(&s->ready_there, NULL);
    iad_status status = iad_setstore_open(&s->store, engine, options->state, options->log, err);
    if (status == IAD_OK && options->key && *options->key->text) {
        s->has_key = 1;
        status = iad_sha256_bytes(options->key->text, strlen(options->key->text), s->key_digest, err);
    }
    if (status == IAD_OK) status = start_threads(s, err);
    if (status == IAD_OK) status = iad_serve_http_start(s, err);
    if (status != IAD_OK) {
        iad_serve_free(s);
        return status;
    }
    *serve = s;
    return IAD_OK;
}

int iad_serve_port(const iad_serve *serve) { return serve->port; }

static int anything_left(iad_serve *s) {
    pthread_mutex_lock(&s->lock);
    const int is = s->live || s->waiting || s->running;
    pthread_mutex_unlock(&s->lock);
    return is;
}

void iad_serve_run(iad_serve *s, const atomic_int *stop) {
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000};
    while (!atomic_load(&s->stopping) || anything_left(s)) {
        if (atomic_load(stop)) {
            pthread_mutex_lock(&s->lock); /* what was accepted before this is finished, nothing after it */
            atomic_store(&s->stopping, 1);
            pthread_mutex_unlock(&s->lock);
        }
        nanosleep(&tick, NULL);
        const double now = iad_clock();
        iad_http_tick(s, now);
        iad_queue_tick(s, now);
    }
}

void iad_serve_free(iad_serve *s) {
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->closed = 1;
    pthread_cond_broadcast(&s->raw_there);
    pthread_cond_broadcast(&s->ready_there);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->n_threads; i++) pthread_join(s->threads[i], NULL);
    if (s->daemon) MHD_stop_daemon(s->daemon);
    free(s->threads);
    iad_setstore_close(&s->store);
    iad_metrics_deinit(&s->metrics);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->conn_lock);
    pthread_cond_destroy(&s->raw_there);
    pthread_cond_destroy(&s->ready_there);
    free(s);
}

void iad_serve_summary(iad_serve *s, char *text, size_t size) {
    uint64_t all, ok, refused, failed;
    iad_metrics_sums(&s->metrics, &all, &ok, &refused, &failed);
    snprintf(text, size, "requests=%llu ok=%llu refused=%llu failed=%llu pictures=%llu sets=%zu", (unsigned long long)all, (unsigned long long)ok,
             (unsigned long long)refused, (unsigned long long)failed, (unsigned long long)s->metrics.now.pictures, s->store.n);
}
