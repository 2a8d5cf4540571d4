/* From a whole body to a session: bounded queues, readers, time limits. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>

#include "base/progress.h"
#include "runtime/engine/engine.h"
#include "runtime/serve/servejob.h"

#define KEEP_ALIVE_S 10.0
/* A batch grows until it fills one pass of the language model: more rows make its products no faster, and everybody waits longer. */
enum { BATCH_ROWS = IAD_PREFILL_ROWS, QUESTION_ROWS = 40 };

static void push(iad_job **first, iad_job **last, iad_job *job) {
    job->next = NULL;
    if (*last) (*last)->next = job;
    else *first = job;
    *last = job;
}

static iad_job *pop(iad_job **first, iad_job **last) {
    iad_job *job = *first;
    *first = job->next;
    if (!*first) *last = NULL;
    job->next = NULL;
    return job;
}

/* ---- entering ---- */

static int full(const iad_serve *s, iad_fault *fault) {
    if (s->waiting < s->options.limits.queue) return 0;
    const double seconds = s->mean_seconds * s->waiting / s->options.sessions;
    iad_fault_set(fault, 429, "queue", NULL, "%lld requests wait already (--queue)", (long long)s->options.limits.queue);
    fault->retry_after = seconds < 1 ? 1 : seconds > 60 ? 60 : (int)ceil(seconds);
    return 1;
}

int iad_queue_full(iad_serve *s, iad_fault *fault) {
    pthread_mutex_lock(&s->lock);
    const int is = full(s, fault);
    pthread_mutex_unlock(&s->lock);
    return is;
}

int iad_queue_submit(iad_serve *s, iad_job *job) {
    iad_fault *fault = &job->fault;
    int taken = 0;
    pthread_mutex_lock(&s->lock);
    /* Looked at again under the lock: after this nothing is refused for stopping. */
    if (atomic_load(&s->stopping)) iad_fault_set(fault, 503, "stopping", NULL, "the server is stopping");
    else if (!full(s, fault)) {
        job->arrived = iad_clock();
        job->number = ++s->submitted;
        job->deadline = job->arrived + (double)s->options.limits.deadline_s;
        job->older = s->live;
        if (s->live) s->live->newer = job;
        s->live = job;
        job->holders = 2;
        job->queued = 1;
        s->waiting++;
        job->suspended = 1; /* before anybody can have an answer */
        MHD_suspend_connection(job->connection);
        push(&s->raw, &s->raw_last, job);
        pthread_cond_signal(&s->raw_there);
        taken = 1;
    }
    pthread_mutex_unlock(&s->lock);
    return taken;
}

/* ---- readers ---- */

static int64_t room_for(const iad_serve *s) { return s->pixels * 3 < IAD_SERVE_PIXEL_MEMORY; }

void *iad_reader_main(void *user) {
    iad_serve *s = user;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->closed && (!s->raw || !room_for(s))) pthread_cond_wait(&s->raw_there, &s->lock);
        if (s->closed) break;
        iad_job *job = pop(&s->raw, &s->raw_last);
        pthread_mutex_unlock(&s->lock);
        const int going = iad_job_read(job);
        if (!going) iad_queue_done(s, job, -1);
        pthread_mutex_lock(&s->lock);
        if (!going) continue;
        s->pixels += job->pixels;
        push(&s->ready, &s->ready_last, job);
        pthread_cond_signal(&s->ready_there);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- sessions ---- */

static int joins(const iad_job *job) { return job->route == IAD_ROUTE_INSPECT && job->set && !job->inspect.words; }

/* About so many rows do the job's pictures take. */
static int64_t rows_of(const iad_job *job) {
    const int64_t area = (int64_t)job->serve->side * job->serve->side;
    int64_t sum = 0;
    for (size_t i = 0; i < job->n_images; i++) {
        const iad_image *image = &job->images[i];
        const int64_t fixed = (int64_t)job->set->info.image_width * job->set->info.image_height;
        sum += (fixed ? fixed : (int64_t)image->width * image->height) / area + QUESTION_ROWS;
    }
    return sum;
}

/* Takes from the queue what goes into one batch with `first`, in order. */
static void take_along(iad_serve *s, iad_job *first) {
    size_t pictures = first->n_images;
    int64_t rows = rows_of(first);
    iad_job *tail = first;
    for (iad_job **at = &s->ready, *before = NULL; *at && pictures < (size_t)s->options.batch;) {
        iad_job *job = *at;
        const int fits = joins(job) && job->set == first->set && pictures + job->n_images <= (size_t)s->options.batch &&
            rows + rows_of(job) <= BATCH_ROWS;
        if (!fits) {
            before = job;
            at = &job->next;
            continue;
        }
        *at = job->next;
        if (s->ready_last == job) s->ready_last = before;
        job->next = NULL;
        tail->next = job;
        tail = job;
        pictures += job->n_images;
        rows += rows_of(job);
    }
}

iad_job *iad_queue_take(iad_serve *s) {
    iad_job *first = NULL;
    pthread_mutex_lock(&s->lock);
    while (!s->closed && !s->ready) pthread_cond_wait(&s->ready_there, &s->lock);
    if (s->ready) {
        first = pop(&s->ready, &s->ready_last);
        if (joins(first)) take_along(s, first);
        for (iad_job *job = first; job; job = job->next) {
            job->queued = 0;
            s->waiting--;
            s->running++;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return first;
}

/* ---- leaving ---- */

static void drop_pictures(iad_job *job) {
    for (size_t i = 0; i < job->n_images && job->images; i++) iad_image_deinit(&job->images[i]);
    for (size_t i = 0; i < job->n_good && job->good; i++) iad_image_deinit(&job->good[i]);
    free(job->images);
    free(job->good);
    free(job->image_faults);
    job->images = job->good = NULL;
    job->image_faults = NULL;
    job->n_images = job->n_good = 0;
}

void iad_queue_done(iad_serve *s, iad_job *job, double seconds) {
    const int64_t pixels = job->pixels;
    drop_pictures(job);
    iad_chat_body_deinit(&job->chat);
    iad_inspect_body_deinit(&job->inspect);
    iad_set_body_deinit(&job->addition);
    iad_parts_deinit(&job->parts);
    iad_buf_deinit(&job->body);
    iad_setstore_release(&s->store, job->set);
    job->set = NULL;
    pthread_mutex_lock(&s->lock);
    s->body_bytes -= job->held;
    job->held = 0;
    if (job->queued) s->waiting--; /* it was answered by a reader */
    else s->running--;
    if (!job->queued) s->pixels -= pixels;
    job->queued = 0;
    if (seconds >= 0) s->mean_seconds += 0.1 * (seconds - s->mean_seconds);
    pthread_cond_broadcast(&s->raw_there); /* there may be room for pixels again */
    pthread_mutex_unlock(&s->lock);
    iad_job_release(job);
}

/* ---- time ---- */

static int client_gone(const iad_job *job) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(job->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd at = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};
    return at.fd >= 0 && poll(&at, 1, 0) > 0 && (at.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

void iad_queue_tick(iad_serve *s, double now) {
    pthread_mutex_lock(&s->lock);
    for (iad_job *job = s->live; job; job = job->older) {
        pthread_mutex_lock(&job->lock);
        int none = 0;
        /* A suspended connection is not looked at by libmicrohttpd, and cannot go away meanwhile. */
        if (!job->ended && job->suspended && client_gone(job)) atomic_compare_exchange_strong(&job->cancel, &none, IAD_CANCEL_GONE);
        none = 0;
        if (!job->ended && now > job->deadline) atomic_compare_exchange_strong(&job->cancel, &none, IAD_CANCEL_DEADLINE);
        if (job->streaming && !job->ended && now > job->last_sent + KEEP_ALIVE_S && job->suspended &&
            iad_buf_add_str(&job->out, ": keep-alive\n\n", NULL) == IAD_OK) {
            job->suspended = 0;
            MHD_resume_connection(job->connection);
        }
        pthread_mutex_unlock(&job->lock);
    }
    pthread_mutex_unlock(&s->lock);
}
