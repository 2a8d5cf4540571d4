#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crawl/session/crawlsession.h"

typedef struct judge_task {
    struct judge_task *next;
    iad_job *job;
    iad_judgement judgement;
    iad_status status;
    iad_err err;
} judge_task;

struct iad_judge_pool {
    iad_session *session;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    judge_task *todo, *last_todo, *done;
    size_t backlog; /* submitted and not drained */
    int closing;
    pthread_t *threads;
    int n_threads;
};

static void judge(iad_session *s, judge_task *t) {
    char path[IAD_PATH_MAX];
    iad_map map = {0};
    iad_crawl_store_spool_path(&s->store, t->job->url_id, path);
    t->status = iad_map_open(&map, path, &t->err);
    if (t->status != IAD_OK) return;
    t->job->n_bytes = (int64_t)map.n;
    t->status = iad_judge_picture(map.n ? (const void *)map.data : "", map.n, &s->o->judge, &t->judgement, &t->err);
    iad_map_close(&map);
}

static void *work(void *user) {
    iad_judge_pool *pool = user;
    for (;;) {
        pthread_mutex_lock(&pool->mutex);
        while (!pool->todo && !pool->closing) pthread_cond_wait(&pool->work, &pool->mutex);
        judge_task *t = pool->todo;
        if (t) pool->todo = t->next;
        if (!pool->todo) pool->last_todo = NULL;
        pthread_mutex_unlock(&pool->mutex);
        if (!t) return NULL;
        judge(pool->session, t);
        pthread_mutex_lock(&pool->mutex);
        t->next = pool->done;
        pool->done = t;
        pthread_mutex_unlock(&pool->mutex);
        iad_http_wakeup(pool->session->http);
    }
}

iad_status iad_pool_open(iad_session *s, iad_err *err) {
    iad_judge_pool *pool = iad_calloc(1, sizeof *pool);
    int n = s->o->threads < 1 ? 1 : s->o->threads;
    if (!pool) return IAD_NOMEM(err, "workers");
    s->pool = pool;
    pool->session = s;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->threads = iad_calloc((size_t)n, sizeof *pool->threads);
    if (!pool->threads) return IAD_NOMEM(err, "workers");
    for (int i = 0; i < n; i++) {
        if (pthread_create(&pool->threads[i], NULL, work, pool) != 0) return IAD_FAIL(err, IAD_ERR_NOMEM, "no thread to judge pictures with");
        pool->n_threads++;
    }
    return IAD_OK;
}

static void free_tasks(judge_task *t) {
    for (judge_task *next; t; t = next) {
        next = t->next;
        iad_judgement_deinit(&t->judgement);
        iad_job_free(t->job);
        free(t);
    }
}

void iad_pool_close(iad_session *s) {
    iad_judge_pool *pool = s->pool;
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = 1;
    judge_task *rest = pool->todo; /* their files are in the spool: the next run judges them */
    pool->todo = pool->last_todo = NULL;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->n_threads; i++) pthread_join(pool->threads[i], NULL);
    free_tasks(rest);
    free_tasks(pool->done);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->work);
    free(pool->threads);
    free(pool);
    s->pool = NULL;
}

iad_status iad_pool_submit(iad_session *s, iad_job *job, iad_err *err) {
    iad_judge_pool *pool = s->pool;
    judge_task *t = iad_calloc(1, sizeof *t);
    if (!t) return IAD_NOMEM(err, "a picture");
    t->job = job;
    pthread_mutex_lock(&pool->mutex);
    if (pool->last_todo) pool->last_todo->next = t;
    else pool->todo = t;
    pool->last_todo = t;
    pool->backlog++;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    return IAD_OK;
}

size_t iad_pool_backlog(iad_session *s) {
    pthread_mutex_lock(&s->pool->mutex);
    size_t n = s->pool->backlog;
    pthread_mutex_unlock(&s->pool->mutex);
    return n;
}

iad_status iad_pool_drain(iad_session *s, iad_err *err) {
    iad_judge_pool *pool = s->pool;
    pthread_mutex_lock(&pool->mutex);
    judge_task *list = pool->done;
    pool->done = NULL;
    for (judge_task *t = list; t; t = t->next) pool->backlog--;
    pthread_mutex_unlock(&pool->mutex);
    while (list) {
        judge_task *t = list;
        list = t->next;
        iad_status status = t->status;
        if (status == IAD_OK) status = iad_desk_judged(s, t->job, &t->judgement, err);
        else {
            if (err) *err = t->err;
            iad_job_free(t->job);
        }
        iad_judgement_deinit(&t->judgement);
        free(t);
        if (status != IAD_OK) {
            free_tasks(list);
            return status;
        }
    }
    return IAD_OK;
}
