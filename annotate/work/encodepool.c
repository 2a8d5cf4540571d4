#include "annotate/work/encodepool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"

typedef struct job_queue {
    iad_job *first, *last;
} job_queue;

struct iad_encode_pool {
    const iad_profile *profile;
    const char *model;
    int64_t max_pixels;
    int quality, n, ending;
    void (*wake)(void *user);
    void *user;
    pthread_mutex_t lock;
    pthread_cond_t news;
    job_queue todo, ready;
    pthread_t threads[256];
};

iad_job *iad_job_new(void) {
    iad_job *job = iad_calloc(1, sizeof *job);
    if (job) iad_buf_init(&job->body, IAD_CHAT_MAX_BODY);
    return job;
}

void iad_job_free(iad_job *job) {
    if (!job) return;
    iad_work_deinit(&job->work);
    iad_buf_deinit(&job->body);
    free(job);
}

static void push(job_queue *q, iad_job *job) {
    job->next = NULL;
    if (q->last) q->last->next = job;
    else q->first = job;
    q->last = job;
}

static iad_job *pop(job_queue *q) {
    iad_job *job = q->first;
    if (!job) return NULL;
    q->first = job->next;
    if (!q->first) q->last = NULL;
    return job;
}

static void make(const iad_encode_pool *pool, iad_job *job) {
    iad_chat_picture picture;
    const iad_chat_params params = {pool->model, job->work.temperature, job->work.seed};
    iad_buf_reset(&job->body);
    job->status = iad_chat_picture_load(&picture, job->work.path, pool->profile, pool->max_pixels, pool->quality, job->form, &job->err);
    if (job->status != IAD_OK) return;
    iad_text_copy(job->colour, sizeof job->colour, picture.colour);
    job->work.predicted =
        iad_profile_image_tokens(pool->profile, pool->model, picture.width, picture.height) + iad_profile_text_tokens(job->work.text);
    job->status = iad_chat_request(pool->profile, job->work.prompt, &params, job->work.text, &picture.jpeg, &job->body, &job->err);
    iad_chat_picture_deinit(&picture);
}

static void *work(void *arg) {
    iad_encode_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->ending) {
        iad_job *job = pop(&pool->todo);
        if (!job) {
            pthread_cond_wait(&pool->news, &pool->lock);
            continue;
        }
        pthread_mutex_unlock(&pool->lock);
        make(pool, job);
        pthread_mutex_lock(&pool->lock);
        int first = !pool->ready.first;
        push(&pool->ready, job);
        if (first) pool->wake(pool->user);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

iad_status iad_encode_pool_new(const iad_profile *profile, const char *model, int64_t max_pixels, int quality, int threads, void (*wake)(void *user),
                               void *user, iad_encode_pool **out, iad_err *err) {
    iad_encode_pool *pool = iad_calloc(1, sizeof *pool);
    *out = NULL;
    if (!pool) return IAD_NOMEM(err, "workers");
    pool->profile = profile;
    pool->model = model;
    pool->max_pixels = max_pixels;
    pool->quality = quality;
    pool->wake = wake;
    pool->user = user;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->news, NULL);
    while (pool->n < threads && pool->n < 256 && pthread_create(&pool->threads[pool->n], NULL, work, pool) == 0) pool->n++;
    *out = pool;
    if (pool->n) return IAD_OK;
    iad_encode_pool_free(pool);
    *out = NULL;
    return IAD_FAIL(err, IAD_ERR_NOMEM, "no thread could be started");
}

void iad_encode_pool_give(iad_encode_pool *pool, iad_job *job) {
    pthread_mutex_lock(&pool->lock);
    push(&pool->todo, job);
    pthread_cond_signal(&pool->news);
    pthread_mutex_unlock(&pool->lock);
}

iad_job *iad_encode_pool_take(iad_encode_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    iad_job *job = pop(&pool->ready);
    pthread_mutex_unlock(&pool->lock);
    return job;
}

void iad_encode_pool_free(iad_encode_pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = 1;
    pthread_cond_broadcast(&pool->news);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n; i++) pthread_join(pool->threads[i], NULL);
    for (iad_job *job; (job = pop(&pool->todo)) != NULL || (job = pop(&pool->ready)) != NULL;) iad_job_free(job);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->news);
    free(pool);
}
