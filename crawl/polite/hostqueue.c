#include "crawl/polite/hostqueue.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define MAX_OWNERS 4000000u

typedef struct entry {
    struct entry *next;
    void *item;
    double not_before;
} entry;

typedef struct owner {
    struct owner *chain;    /* of the hash table */
    char *name;
    entry *waiting, *last;  /* by not_before, then by arrival */
    int running;
    double next_start, delay;
    size_t heap_at;         /* place in the heap + 1, 0: not in it */
} owner;

struct iad_hostqueue {
    iad_host_limits limits;
    owner **table;
    size_t n_table, n_owners;
    owner **heap; /* owners with something to start, earliest first */
    size_t n_heap, cap_heap;
    size_t waiting, running;
};

iad_status iad_hostqueue_new(const iad_host_limits *limits, iad_hostqueue **out, iad_err *err) {
    iad_hostqueue *queue = iad_calloc(1, sizeof *queue);
    *out = queue;
    if (!queue) return IAD_NOMEM(err, "queues");
    queue->limits = *limits;
    queue->n_table = 1024;
    queue->table = iad_calloc(queue->n_table, sizeof *queue->table);
    if (queue->table) return IAD_OK;
    free(queue);
    *out = NULL;
    return IAD_NOMEM(err, "queues");
}

void iad_hostqueue_free(iad_hostqueue *queue) {
    if (!queue) return;
    for (size_t i = 0; i < queue->n_table; i++)
        for (owner *o = queue->table[i], *next; o; o = next) {
            next = o->chain;
            for (entry *e = o->waiting, *after; e; e = after) {
                after = e->next;
                free(e);
            }
            free(o->name);
            free(o);
        }
    free(queue->table);
    free(queue->heap);
    free(queue);
}

static uint64_t hash_name(const char *name) { /* FNV-1a */
    uint64_t h = 14695981039346656037u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h;
}

static void grow_table(iad_hostqueue *queue) {
    size_t n = queue->n_table * 4;
    owner **table = iad_calloc(n, sizeof *table);
    if (!table) return; /* slower, still right */
    for (size_t i = 0; i < queue->n_table; i++)
        for (owner *o = queue->table[i], *next; o; o = next) {
            next = o->chain;
            size_t slot = hash_name(o->name) % n;
            o->chain = table[slot];
            table[slot] = o;
        }
    free(queue->table);
    queue->table = table;
    queue->n_table = n;
}

static owner *find(const iad_hostqueue *queue, const char *name) {
    owner *o = queue->table[hash_name(name) % queue->n_table];
    while (o && strcmp(o->name, name) != 0) o = o->chain;
    return o;
}

static iad_status find_or_make(iad_hostqueue *queue, const char *name, owner **out, iad_err *err) {
    *out = find(queue, name);
    if (*out) return IAD_OK;
    if (queue->n_owners >= MAX_OWNERS) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %u hosts", MAX_OWNERS);
    if (queue->n_owners > 2 * queue->n_table) grow_table(queue);
    owner *o = iad_calloc(1, sizeof *o);
    if (o) o->name = iad_strdup(name);
    if (!o || !o->name) {
        free(o);
        return IAD_NOMEM(err, "queues");
    }
    size_t slot = hash_name(name) % queue->n_table;
    o->chain = queue->table[slot];
    queue->table[slot] = o;
    o->next_start = queue->limits.quiet;
    o->delay = queue->limits.delay;
    queue->n_owners++;
    *out = o;
    return IAD_OK;
}

/* ---- the heap ---- */

static double ready_at(const owner *o) {
    return o->waiting->not_before > o->next_start ? o->waiting->not_before : o->next_start;
}

static void put(iad_hostqueue *queue, size_t at, owner *o) {
    queue->heap[at] = o;
    o->heap_at = at + 1;
}

static void sift(iad_hostqueue *queue, size_t at) {
    owner *o = queue->heap[at];
    double when = ready_at(o);
    while (at > 0 && ready_at(queue->heap[(at - 1) / 2]) > when) {
        put(queue, at, queue->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child; (child = 2 * at + 1) < queue->n_heap; at = child) {
        if (child + 1 < queue->n_heap && ready_at(queue->heap[child + 1]) < ready_at(queue->heap[child])) child++;
        if (ready_at(queue->heap[child]) >= when) break;
        put(queue, at, queue->heap[child]);
    }
    put(queue, at, o);
}

/* Brings an owner's place in the heap up to date after any change. The heap has room for every owner with waiting items. */
static void settle(iad_hostqueue *queue, owner *o) {
    int wanted = o->waiting && o->running < queue->limits.connections;
    if (wanted && !o->heap_at) {
        queue->heap[queue->n_heap] = o;
        o->heap_at = ++queue->n_heap;
        sift(queue, queue->n_heap - 1);
    } else if (wanted) {
        sift(queue, o->heap_at - 1);
    } else if (o->heap_at) {
        size_t at = o->heap_at - 1;
        o->heap_at = 0;
        owner *last = queue->heap[--queue->n_heap];
        if (last != o) {
            put(queue, at, last);
            sift(queue, at);
        }
    }
}

/* ---- what users call ---- */

iad_status iad_hostqueue_add(iad_hostqueue *queue, const char *name, void *item, double not_before, iad_err *err) {
    owner *o = NULL;
    IAD_TRY(find_or_make(queue, name, &o, err));
    void *heap = queue->heap;
    IAD_TRY(iad_grow(&heap, &queue->cap_heap, queue->n_owners, sizeof *queue->heap, MAX_OWNERS, "hosts", err));
    queue->heap = heap;
    entry *e = iad_calloc(1, sizeof *e);
    if (!e) return IAD_NOMEM(err, "queues");
    e->item = item;
    e->not_before = not_before;
    /* Nearly all go to the end: a host with a hundred thousand addresses must not cost their square. */
    entry **at = o->last && o->last->not_before <= not_before ? &o->last->next : &o->waiting;
    while (*at && (*at)->not_before <= not_before) at = &(*at)->next;
    e->next = *at;
    *at = e;
    if (!e->next) o->last = e;
    queue->waiting++;
    settle(queue, o);
    return IAD_OK;
}

static void *pop(iad_hostqueue *queue, owner *o) {
    entry *e = o->waiting;
    void *item = e->item;
    o->waiting = e->next;
    if (!o->waiting) o->last = NULL;
    free(e);
    queue->waiting--;
    return item;
}

void *iad_hostqueue_take(iad_hostqueue *queue, double now, double *wait) {
    *wait = 1e9;
    if (!queue->n_heap) return NULL;
    owner *o = queue->heap[0];
    double when = ready_at(o);
    if (when > now) {
        *wait = when - now;
        return NULL;
    }
    *wait = 0;
    void *item = pop(queue, o);
    o->running++;
    queue->running++;
    o->next_start = now + o->delay;
    settle(queue, o);
    return item;
}

void iad_hostqueue_done(iad_hostqueue *queue, const char *name) {
    owner *o = find(queue, name);
    if (!o || !o->running) return;
    o->running--;
    queue->running--;
    settle(queue, o);
}

void iad_hostqueue_pause(iad_hostqueue *queue, const char *name, double until) {
    owner *o = find(queue, name);
    if (!o || until <= o->next_start) return;
    o->next_start = until;
    settle(queue, o);
}

void iad_hostqueue_slow(iad_hostqueue *queue, const char *name, double delay) {
    owner *o = find(queue, name);
    if (!o || delay <= o->delay) return;
    o->next_start += delay - o->delay;
    o->delay = delay;
    settle(queue, o);
}

void *iad_hostqueue_drop(iad_hostqueue *queue, const char *name) {
    owner *o = find(queue, name);
    if (!o || !o->waiting) return NULL;
    void *item = pop(queue, o);
    settle(queue, o);
    return item;
}

size_t iad_hostqueue_waiting(const iad_hostqueue *queue) {
    return queue->waiting;
}

size_t iad_hostqueue_running(const iad_hostqueue *queue) {
    return queue->running;
}
