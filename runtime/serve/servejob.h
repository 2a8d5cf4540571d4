/* One request on its way through the server, and what the parts of the server share.
 *
 * A job has up to two holders: libmicrohttpd's thread, until the connection is done with it, and the queue with the thread that works on it. Members
 * above `lock` belong to whoever has the job at hand: the HTTP thread until it is queued, then a reader, then a session. Those below it are
 * shared. */
#ifndef IAD_SERVE_SERVEJOB_H
#define IAD_SERVE_SERVEJOB_H

#include <microhttpd.h>
#include <pthread.h>

#include "runtime/serve/bodychat.h"
#include "runtime/serve/bodyinspect.h"
#include "runtime/serve/page/pagefiles.h"
#include "runtime/serve/servemetrics.h"
#include "runtime/serve/setstore.h"
#include "runtime/model/preprocess.h"

typedef enum iad_route {
    IAD_ROUTE_NONE, IAD_ROUTE_PAGE, IAD_ROUTE_HEALTH, IAD_ROUTE_METRICS, IAD_ROUTE_MODELS, IAD_ROUTE_CHAT, IAD_ROUTE_INSPECT, IAD_ROUTE_SET_NEW,
    IAD_ROUTE_SET_LIST, IAD_ROUTE_SET_GET, IAD_ROUTE_SET_CALIBRATE, IAD_ROUTE_SET_DELETE, IAD_ROUTE_PREFLIGHT, IAD_ROUTES
} iad_route;

/* A refusal. */
typedef struct iad_fault {
    int status;            /* of HTTP; 0: none */
    const char *code;      /* static */
    char param[IAD_PARAM_MAX], message[512];
    int retry_after;       /* seconds, 0: not said */
} iad_fault;

enum { IAD_CANCEL_GONE = 1, IAD_CANCEL_DEADLINE };

typedef struct iad_job iad_job;
struct iad_job {
    iad_serve *serve;
    iad_route route;
    char id[IAD_SET_ID + 1];   /* of the path */
    const char *allow_origin;  /* header of the answer, or NULL */
    const char *allow;         /* methods of the path, for 405 */
    const iad_page_file *page; /* file of the page, or NULL */
    /* body */
    int submitted, multipart;
    iad_buf body;
    iad_parts parts;
    struct MHD_PostProcessor *post;
    uint64_t discarded;
    size_t held;               /* bytes counted into serve->body_bytes */
    iad_fault fault;
    /* what it asks for */
    iad_body place;
    iad_chat_body chat;
    iad_inspect_body inspect;
    iad_set_body addition;
    iad_image *images, *good;  /* [n_images], [n_good] decoded; an image that failed is all zero and has a fault */
    iad_fault *image_faults;   /* [n_images] */
    size_t n_images, n_good;
    int64_t pixels;            /* counted into serve->pixels */
    iad_set *set;              /* held; NULL: none */
    double arrived;            /* clock: whole body here */
    uint64_t number;           /* of the request */
    iad_job *next;             /* in a queue */
    iad_job *newer, *older;    /* of the jobs that were submitted and are not completed */

    pthread_mutex_t lock;
    int holders;
    struct MHD_Connection *connection; /* NULL: done with */
    int suspended, ready, ended, streaming, queued;
    int status;
    const char *type;
    iad_buf out;               /* the answer, or what of a stream is not sent yet */
    double last_sent, deadline;
    atomic_int cancel;
};

/* A connection, for time limits that libmicrohttpd does not have. */
typedef struct iad_conn {
    struct iad_conn *next, *previous;
    int fd;
    double read_by;            /* clock; 0: nothing is awaited */
} iad_conn;

struct iad_serve {
    iadgpt_engine *engine;
    iad_serve_options options;
    struct MHD_Daemon *daemon;
    int port;
    int64_t created;           /* Unix seconds */
    uint8_t key_digest[32];
    int has_key;
    atomic_int stopping;
    iad_metrics metrics;
    iad_setstore store;
    int side;                  /* pixels of a token's side */

    pthread_mutex_t conn_lock;
    iad_conn *conns;
    int n_conns;

    pthread_mutex_t lock;      /* what follows */
    pthread_cond_t raw_there, ready_there;
    iad_job *raw, *raw_last, *ready, *ready_last, *live;
    int waiting, running, closed; /* closed: threads end */
    size_t body_bytes;
    int64_t pixels;
    double mean_seconds;       /* of a request at a session, running mean */
    uint64_t submitted;        /* requests so far */

    pthread_t *threads;
    int n_threads;
};

/* ---- jobs (servejob.c) ---- */

iad_job *iad_job_new(iad_serve *serve);
void iad_job_release(iad_job *job); /* one holder less; the last one frees */
/* Puts a fault in: what went wrong, once. */
void iad_fault_set(iad_fault *fault, int status, const char *code, const char *param, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void iad_fault_from(iad_fault *fault, iad_status status, const iad_err *err, const char *param);
/* A text of the model as a JSON string: a NUL and what is no character become U+FFFD. */
iad_status iad_text_json(const char *text, size_t n, iad_buf *out, iad_err *err);
iad_status iad_fault_json(const iad_fault *fault, iad_buf *out, iad_err *err);

/* Answers. Each may be called once, from any thread; a client that has gone costs nothing. */
void iad_job_answer(iad_job *job, int status, iad_buf *text); /* takes the text over */
void iad_job_refuse(iad_job *job, const iad_fault *fault);    /* as a reply, or as the last event of a stream */
void iad_job_stream(iad_job *job);                            /* from now on: events */
void iad_job_send(iad_job *job, const iad_buf *text);
void iad_job_end(iad_job *job);
/* The fault of a cancelled job. */
void iad_job_cancelled(const iad_job *job, iad_fault *fault);

/* ---- queue (servequeue.c) ---- */

/* Suspends the connection and hands the job over; 0: refused, its fault says why. From the HTTP thread. */
int iad_queue_submit(iad_serve *serve, iad_job *job);
int iad_queue_full(iad_serve *serve, iad_fault *fault);
void *iad_reader_main(void *serve);
void *iad_session_main(void *serve); /* serverun.c */
/* Waits for the next job(s): the oldest, and with it those that go into one batch; chained by `next`. NULL: the end. */
iad_job *iad_queue_take(iad_serve *serve);
/* Has been worked on: releases what it holds. */
void iad_queue_done(iad_serve *serve, iad_job *job, double seconds);
/* Deadlines, clients that have gone, silent streams; from the thread that waits. */
void iad_queue_tick(iad_serve *serve, double now);

/* ---- reading (serveread.c) ---- */

/* Parses and decodes. 0: it has been answered already. */
int iad_job_read(iad_job *job);
int64_t iad_picture_tokens(const iad_serve *serve, const iad_image *image, const iad_preprocess_options *options);

/* ---- answering ---- */

void iad_answer_chat(iad_serve *serve, iadgpt_session *session, iad_job *job);
void iad_answer_inspect(iad_serve *serve, iadgpt_session *session, iad_job *jobs); /* chained by next */
void iad_answer_set(iad_serve *serve, iadgpt_session *session, iad_job *job);
/* What became of one picture. */
typedef struct iad_scored {
    iadgpt_result result;  /* anomaly and normal point into `maps` */
    float *maps;           /* owned */
    int batch;
    char *words;           /* owned; NULL: none */
    size_t n_words;
    const char *finish;
    iadgpt_timings decode; /* of the words */
    iad_fault fault;
} iad_scored;
void iad_scored_clear(iad_scored *scored, size_t n);
/* Scores of n pictures in batches of --batch; what is wrong with one picture becomes its fault (params: what they are called). Fails only for what
 * concerns all. */
iad_status iad_score_all(iad_serve *serve, iadgpt_session *session, const iadgpt_exemplars *set, const iadgpt_picture *pictures,
                         const char *const *params, size_t n, iad_scored *scored, iad_err *err);
iad_status iad_inspect_reply(iad_serve *serve, const iad_job *job, const iadgpt_exemplars *exemplars, const iad_scored *scored, iad_buf *out,
                             iad_err *err);
iad_status iad_timings_add(const iadgpt_timings *timings, iad_buf *out, iad_err *err);

/* ---- HTTP (servehttp.c, serveroute.c) ---- */

iad_status iad_serve_http_start(iad_serve *serve, iad_err *err);
/* Route, and every check that needs no body; faults go to the job. */
void iad_route_begin(iad_serve *serve, iad_job *job, struct MHD_Connection *connection, const char *url, const char *method);
/* Answers of routes that need no session; 1: answered. */
int iad_route_answer(iad_serve *serve, iad_job *job);
const char *iad_route_name(int route); /* an iad_route */
/* Connections that read too slowly. */
void iad_http_tick(iad_serve *serve, double now);

#endif
