/* Who may be asked now: a queue per owner (registrable domain, see iad_url), at most so many requests at once, so much time between the
 * beginnings of two. Knows no clock and no network: time comes in as seconds. */
#ifndef IAD_CRAWL_HOSTQUEUE_H
#define IAD_CRAWL_HOSTQUEUE_H

#include <stddef.h>

#include "base/status.h"

typedef struct iad_hostqueue iad_hostqueue;

typedef struct iad_host_limits {
    int connections;  /* per owner, >= 1 */
    double delay;     /* seconds between the beginnings of two requests */
    double quiet;     /* no request before this time: a program that starts again does not know when it asked last */
} iad_host_limits;

iad_status iad_hostqueue_new(const iad_host_limits *limits, iad_hostqueue **queue, iad_err *err);
void iad_hostqueue_free(iad_hostqueue *queue);

/* Puts an item at the end of the owner's queue, not to start before `not_before`. Errors: IAD_ERR_NOMEM. */
iad_status iad_hostqueue_add(iad_hostqueue *queue, const char *owner, void *item, double not_before, iad_err *err);

/* The next item that may start at `now`, NULL when none; *wait is then the time until one may (1e9: nothing waits for time). A started item counts
 * as running until iad_hostqueue_done. Among several owners the one whose turn was earliest comes first. */
void *iad_hostqueue_take(iad_hostqueue *queue, double now, double *wait);
void iad_hostqueue_done(iad_hostqueue *queue, const char *owner);

/* No request to the owner before `until`. */
void iad_hostqueue_pause(iad_hostqueue *queue, const char *owner, double until);
/* At least `delay` seconds between requests (a robots.txt asked for it); never less than the limit. */
void iad_hostqueue_slow(iad_hostqueue *queue, const char *owner, double delay);
/* Takes all waiting items of an owner out, one per call; NULL when none is left. */
void *iad_hostqueue_drop(iad_hostqueue *queue, const char *owner);

size_t iad_hostqueue_waiting(const iad_hostqueue *queue);
size_t iad_hostqueue_running(const iad_hostqueue *queue);

#endif
