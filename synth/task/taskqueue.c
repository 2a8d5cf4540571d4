#include "synth/task/taskqueue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define ROWS_PER_BATCH 256
#define AHEAD_BYTES (192u * 1024u * 1024u)  /* rows of categories that are not being written yet */
#define CURRENT_BYTES (16u * 1024u * 1024u) /* rows of the one that is */

struct iad_task_queue {
    pthread_mutex_t lock;
    pthread_cond_t room, news; /* for workers; for the writer */
    iad_task_queue_unit *units;
    size_t n, next;            /* next to be handed out */
    const iad_task_queue_unit *current; /* being written */
    size_t ahead;              /* bytes of all others */
    int aborted;
};

void iad_task_batch_free(iad_task_batch *batch) {
    if (!batch) return;
    iad_arena_deinit(&batch->arena);
    free(batch->rows);
    free(batch);
}

iad_status iad_task_queue_new(iad_task_queue_unit *units, size_t n, iad_task_queue **queue, iad_err *err) {
    *queue = iad_calloc(1, sizeof **queue);
    if (!*queue) return IAD_NOMEM(err, "the queue of records");
    (*queue)->units = units;
    (*queue)->n = n;
    (*queue)->current = n ? &units[0] : NULL;
    pthread_mutex_init(&(*queue)->lock, NULL);
    pthread_cond_init(&(*queue)->room, NULL);
    pthread_cond_init(&(*queue)->news, NULL);
    return IAD_OK;
}

void iad_task_queue_free(iad_task_queue *queue) {
    if (!queue) return;
    for (size_t i = 0; i < queue->n; i++) {
        for (iad_task_batch *batch = queue->units[i].first, *next; batch; batch = next) {
            next = batch->next;
            iad_task_batch_free(batch);
        }
    }
    pthread_cond_destroy(&queue->news);
    pthread_cond_destroy(&queue->room);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* ---- workers ---- */

iad_task_queue_unit *iad_task_queue_take(iad_task_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    iad_task_queue_unit *unit = queue->aborted || queue->next == queue->n ? NULL : &queue->units[queue->next++];
    pthread_mutex_unlock(&queue->lock);
    return unit;
}

void iad_task_queue_finish(iad_task_queue *queue, iad_task_queue_unit *unit, iad_status status, const iad_err *err) {
    pthread_mutex_lock(&queue->lock);
    unit->finished = 1;
    unit->status = status;
    if (status != IAD_OK) unit->err = *err;
    pthread_cond_signal(&queue->news);
    pthread_mutex_unlock(&queue->lock);
}

/* 1 when the unit has to wait. The one being written always goes on once the writer has caught up: no deadlock. */
static int is_full(const iad_task_queue *queue, const iad_task_queue_unit *unit) {
    return unit == queue->current ? unit->bytes > CURRENT_BYTES : queue->ahead > AHEAD_BYTES;
}

/* Takes the batch in every case. */
static iad_status push(iad_task_queue *queue, iad_task_queue_unit *unit, iad_task_batch *batch, iad_err *err) {
    pthread_mutex_lock(&queue->lock);
    while (!queue->aborted && is_full(queue, unit)) pthread_cond_wait(&queue->room, &queue->lock);
    int aborted = queue->aborted;
    if (!aborted) {
        if (unit->last) unit->last->next = batch;
        else unit->first = batch;
        unit->last = batch;
        unit->bytes += batch->bytes;
        if (unit != queue->current) queue->ahead += batch->bytes;
        pthread_cond_signal(&queue->news);
    }
    pthread_mutex_unlock(&queue->lock);
    if (!aborted) return IAD_OK;
    iad_task_batch_free(batch);
    return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "stopped");
}

void iad_task_writer_init(iad_task_writer *writer, iad_task_queue *queue, iad_task_queue_unit *unit, int maker, size_t limit) {
    *writer = (iad_task_writer){.queue = queue, .unit = unit, .maker = maker, .limit = limit};
}

void iad_task_writer_deinit(iad_task_writer *writer) {
    iad_task_batch_free(writer->batch);
    writer->batch = NULL;
}

/* A string or NULL into the batch; 0 when memory is out. */
static int copy_text(iad_task_batch *batch, const char **text) {
    if (!*text) return 1;
    size_t n = strlen(*text);
    *text = iad_arena_strn(&batch->arena, *text, n);
    batch->bytes += n + 17;
    return *text != NULL;
}

static int copy_row(iad_task_batch *batch, const iad_task_row *from) {
    iad_task_row *row = &batch->rows[batch->n];
    *row = *from;
    const char **texts[] = {&row->task,   &row->question,      &row->answer,       &row->turns, &row->yes_means,
                            &row->anomaly_spans, &row->normal_spans, &row->boxes, &row->part,  &row->external_id};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!copy_text(batch, texts[i])) return 0;
    iad_task_image *images = iad_arena_take(&batch->arena, (from->n_images ? from->n_images : 1) * sizeof *images);
    if (!images) return 0;
    row->images = images;
    for (size_t i = 0; i < from->n_images; i++) {
        images[i] = from->images[i];
        if (!copy_text(batch, &images[i].role) || !copy_text(batch, &images[i].jitter)) return 0;
    }
    batch->bytes += sizeof *row + from->n_images * sizeof *images;
    batch->n++;
    return 1;
}

iad_status iad_task_writer_flush(iad_task_writer *writer, iad_err *err) {
    iad_task_batch *batch = writer->batch;
    writer->batch = NULL;
    return batch ? push(writer->queue, writer->unit, batch, err) : IAD_OK;
}

iad_status iad_task_writer_emit(void *user, const iad_task_row *row, iad_err *err) {
    iad_task_writer *writer = user;
    if (writer->limit && writer->n >= writer->limit) return IAD_OK;
    writer->n++;
    if (!writer->batch) {
        writer->batch = iad_calloc(1, sizeof *writer->batch);
        if (!writer->batch) return IAD_NOMEM(err, "records");
        writer->batch->maker = writer->maker;
        writer->batch->rows = iad_alloc(ROWS_PER_BATCH, sizeof *writer->batch->rows);
        if (!writer->batch->rows) return IAD_NOMEM(err, "records");
    }
    if (!copy_row(writer->batch, row)) return IAD_NOMEM(err, "records");
    return writer->batch->n == ROWS_PER_BATCH ? iad_task_writer_flush(writer, err) : IAD_OK;
}

void iad_task_writer_skip(void *user, const char *maker, const char *reason) {
    const iad_task_writer *writer = user;
    iad_task_queue_unit *unit = writer->unit;
    (void)maker;
    for (size_t i = 0; i < unit->n_skips; i++) {
        if (unit->skips[i].maker != writer->maker || strcmp(unit->skips[i].reason, reason) != 0) continue;
        unit->skips[i].n++;
        return;
    }
    if (unit->n_skips < IAD_TASK_QUEUE_MAX_SKIPS) unit->skips[unit->n_skips++] = (iad_task_queue_skip){writer->maker, reason, 1};
}

/* ---- the writing thread ---- */

iad_task_batch *iad_task_queue_next(iad_task_queue *queue, iad_task_queue_unit *unit) {
    pthread_mutex_lock(&queue->lock);
    if (queue->current != unit) {
        queue->current = unit;
        queue->ahead -= unit->bytes;
        pthread_cond_broadcast(&queue->room);
    }
    while (!unit->first && !unit->finished) pthread_cond_wait(&queue->news, &queue->lock);
    iad_task_batch *batch = unit->first;
    if (batch) {
        unit->first = batch->next;
        if (!unit->first) unit->last = NULL;
        unit->bytes -= batch->bytes;
        pthread_cond_broadcast(&queue->room);
    }
    pthread_mutex_unlock(&queue->lock);
    return batch;
}

void iad_task_queue_abort(iad_task_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->aborted = 1;
    pthread_cond_broadcast(&queue->room);
    pthread_cond_broadcast(&queue->news);
    pthread_mutex_unlock(&queue->lock);
}
