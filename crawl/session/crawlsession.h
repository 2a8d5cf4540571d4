/* The inside of a run, shared by the files of this folder: one thread with the network and the manifest, workers that judge pictures.
 *
 *   categorywork.c  what a category needs next: a page, addresses, nothing
 *   lanes.c         engines: one page at a time each, pauses, blocks
 *   fetchdesk.c     addresses: robots, host limits, requests, retries, redirects
 *   robotsdesk.c    robots.txt per origin
 *   judgepool.c     received files to judgements, on worker threads
 *   publish.c       doubles between categories; rows for the other tools
 *   crawlrun.c      the loop around them */
#ifndef IAD_CRAWL_CRAWLSESSION_H
#define IAD_CRAWL_CRAWLSESSION_H

#include <pthread.h>

#include "base/http/http.h"
#include "base/http/url.h"
#include "base/rng.h"
#include "crawl/polite/hostqueue.h"
#include "crawl/polite/robots.h"
#include "crawl/session/crawlrows.h"
#include "crawl/session/crawlrun.h"
#include "crawl/session/crawlstore.h"
#include "crawl/session/strmap.h"

#define IAD_MAX_ENGINES 8
#define IAD_WAVE 20000u           /* addresses that a category without a target asks for at once */

typedef struct iad_session iad_session;

/* ---- robots.txt and the state of one origin ---- */

typedef struct iad_origin {
    char *name, *domain;          /* "https://example.com:443", "example.com" */
    int state;                    /* 0 unknown, 1 being asked, 2 known */
    iad_robots robots;
    struct iad_job *waiting, *last_waiting; /* by next; for robots.txt */
    int failures;                 /* in a row */
    iad_outcome parked;           /* not OK: why the host is left alone in this run */
} iad_origin;

/* ---- one address that is being fetched ---- */

typedef enum iad_job_kind { IAD_JOB_PICTURE = 0, IAD_JOB_PAGE, IAD_JOB_ROBOTS } iad_job_kind;

typedef struct iad_job {
    struct iad_job *next;
    iad_session *session;
    iad_job_kind kind;
    int64_t url_id;               /* 0 for robots.txt */
    iad_url url;
    iad_origin *origin;
    int tries, hops;
    int *waiters;                 /* places of categories */
    size_t n_waiters, cap_waiters;
    const char *optout;           /* found in the headers */
    double started;
    int64_t n_bytes;              /* of the spooled file */
} iad_job;

/* ---- one engine ---- */

typedef struct iad_lane {
    iad_session *session;
    const iad_engine *engine;
    const char *base;
    iad_http_jar *jar;
    int busy, given_up, tries;
    int warmed;                   /* cookies were fetched at warmed_at */
    double warmed_at, next_at;
    int strikes, broken;          /* blocks, unreadable pages in a row */
    int robots_known;
    int category;                 /* of the page that is being fetched */
    int64_t resume_at;            /* wall clock, 0: now */
    iad_query_row query;
} iad_lane;

/* ---- one category ---- */

typedef struct iad_category_work {
    int64_t id, target;
    int min_side;
    int asked;                    /* 1: of the categories of this run; the others only take part in the search for doubles */
    int open;                     /* 1: not finished in this run */
    int ready;                    /* 1: in the list of those to look at */
    size_t outstanding;           /* addresses that it waits for */
    int lane;                     /* place + 1 of the engine that owes it a page, 0: none */
    iad_query_row want;           /* that page's query */
    int64_t kept;
    int blocked;                  /* 1: an engine gave up and pictures are missing */
} iad_category_work;

typedef struct iad_judge_pool iad_judge_pool;

struct iad_session {
    iad_manifest *m;
    const iad_crawl_options *o;
    iad_crawl_counts *counts;
    iad_crawl_store store;
    iad_http *http;
    iad_hostqueue *queue;
    iad_judge_pool *pool;
    iad_leak_list *leaks;
    iad_rng rng;
    char agent[256];
    double started;

    iad_strmap origins, jobs;     /* by name, by URL */
    iad_lane lanes[IAD_MAX_ENGINES];
    int n_lanes;
    iad_category_work *work;
    int n_work;
    int *ready, n_ready;          /* places; each at most once */
    int64_t *unspool;             /* spool files to delete after the commit */
    size_t n_unspool, cap_unspool;

    iad_status status;            /* the first failure inside a callback ends the run */
    iad_err err;
};

/* Keeps the first failure. Returns 1 when status is one. */
int iad_session_failed(iad_session *s, iad_status status, const iad_err *err);
/* Opens a transaction unless one is open; the loop commits. */
iad_status iad_session_write(iad_session *s, iad_err *err);
void iad_session_say(iad_session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* categorywork.c */
void iad_work_ready(iad_session *s, int place);
iad_status iad_work_advance(iad_session *s, int place, iad_err *err);
iad_decide_rules iad_work_rules(const iad_session *s, const iad_category_work *w);
iad_status iad_work_close(iad_session *s, iad_category_work *w, iad_err *err);

/* lanes.c */
iad_status iad_lanes_open(iad_session *s, iad_err *err);
void iad_lanes_close(iad_session *s);
/* Starts what may start; *wait: seconds until something else may. */
iad_status iad_lanes_step(iad_session *s, double now, double *wait, iad_err *err);
int iad_lane_find(const iad_session *s, const char *engine); /* -1: none that works */
void iad_lanes_closed(const iad_session *s, const char *closed[IAD_MAX_ENGINES + 1]);

/* fetchdesk.c */
/* Asks for an address on behalf of a category; *waits = 1 when it has no outcome yet. */
iad_status iad_desk_ask(iad_session *s, int64_t url_id, int place, int *waits, iad_err *err);
iad_status iad_desk_step(iad_session *s, double now, double *wait, iad_err *err);
/* Routes a job whose origin's robots.txt is known. */
iad_status iad_desk_route(iad_session *s, iad_job *job, iad_err *err);
iad_status iad_desk_enqueue(iad_session *s, iad_job *job, double not_before, iad_err *err);
/* A judgement came back. */
iad_status iad_desk_judged(iad_session *s, iad_job *job, iad_judgement *judgement, iad_err *err);
iad_outcome iad_desk_outcome(const iad_http_answer *answer);
void iad_job_free(iad_job *job);

/* robotsdesk.c */
iad_status iad_origin_get(iad_session *s, const iad_url *url, iad_origin **origin, iad_err *err);
iad_status iad_origin_ask(iad_session *s, iad_origin *origin, iad_err *err);
iad_status iad_origin_answer(iad_session *s, iad_job *job, const iad_http_answer *answer, iad_err *err);
iad_status iad_origin_store(iad_session *s, const iad_origin *origin, iad_err *err);
void iad_origins_free(iad_session *s);

/* judgepool.c */
iad_status iad_pool_open(iad_session *s, iad_err *err);
void iad_pool_close(iad_session *s); /* waits for the workers */
iad_status iad_pool_submit(iad_session *s, iad_job *job, iad_err *err);
/* Hands finished judgements to iad_desk_judged. */
iad_status iad_pool_drain(iad_session *s, iad_err *err);
size_t iad_pool_backlog(iad_session *s);

/* publish.c */
/* Decides all categories in order with their doubles between each other; *reopened: categories that lost pictures and can look for more. */
iad_status iad_publish_decide(iad_session *s, int *reopened, iad_err *err);
/* Rows for what is kept; those of pictures that are not kept any more lose their part. */
iad_status iad_publish_images(iad_session *s, iad_err *err);

#endif
