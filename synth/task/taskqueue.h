/* Between makers on worker threads and the one thread that writes: batches of rows, category after category, memory bounded. */
#ifndef IAD_SYNTH_TASKQUEUE_H
#define IAD_SYNTH_TASKQUEUE_H

#include "manifests/arena.h"
#include "manifests/records.h"

#define IAD_TASK_QUEUE_MAX_SKIPS 32

/* Rows with everything that they point at. */
typedef struct iad_task_batch {
    struct iad_task_batch *next;
    int maker;
    iad_task_row *rows;
    size_t n, bytes;
    iad_arena arena;
} iad_task_batch;
void iad_task_batch_free(iad_task_batch *batch); /* NULL is fine */

typedef struct iad_task_queue_skip { int maker; const char *reason; size_t n; } iad_task_queue_skip;

/* One category. */
typedef struct iad_task_queue_unit {
    int64_t category_id;
    const char *dataset, *category;
    char fingerprint[160];
    /* the queue's */
    iad_task_batch *first, *last;
    size_t bytes;
    int finished;
    iad_status status;
    iad_err err;
    iad_task_queue_skip skips[IAD_TASK_QUEUE_MAX_SKIPS];
    size_t n_skips;
} iad_task_queue_unit;

typedef struct iad_task_queue iad_task_queue;
/* units[n] are borrowed and handed out in order. */
iad_status iad_task_queue_new(iad_task_queue_unit *units, size_t n, iad_task_queue **queue, iad_err *err);
void iad_task_queue_free(iad_task_queue *queue); /* after all threads have ended; NULL is fine */

/* ---- workers ---- */
/* The next category, NULL when there is none or all was given up. Each one taken must be finished. */
iad_task_queue_unit *iad_task_queue_take(iad_task_queue *queue);
void iad_task_queue_finish(iad_task_queue *queue, iad_task_queue_unit *unit, iad_status status, const iad_err *err);

/* A sink for one maker and category: copies rows into batches and hands them over; waits while too much is in memory. */
typedef struct iad_task_writer {
    iad_task_queue *queue;
    iad_task_queue_unit *unit;
    int maker;
    size_t limit, n; /* rows taken; 0: no limit */
    iad_task_batch *batch;
} iad_task_writer;
void iad_task_writer_init(iad_task_writer *writer, iad_task_queue *queue, iad_task_queue_unit *unit, int maker, size_t limit);
void iad_task_writer_deinit(iad_task_writer *writer);
iad_status iad_task_writer_emit(void *writer, const iad_task_row *row, iad_err *err); /* IAD_ERR_INTERRUPTED after abort */
void iad_task_writer_skip(void *writer, const char *maker, const char *reason);
iad_status iad_task_writer_flush(iad_task_writer *writer, iad_err *err);

/* ---- the writing thread ---- */
/* The next batch of this category (the caller frees it), NULL when it is finished. Categories must be read in order. */
iad_task_batch *iad_task_queue_next(iad_task_queue *queue, iad_task_queue_unit *unit);
/* Wakes everybody: no more categories, no more rows. */
void iad_task_queue_abort(iad_task_queue *queue);

#endif
