/* What the parts of the server share: the server, a request, and answers. */
#ifndef IAD_TEST_WEBSTATE_H
#define IAD_TEST_WEBSTATE_H

#include <microhttpd.h>

#include "tests/web/webfile.h"
#include "tests/web/webserver.h"

enum { IAD_WEB_MAX_DAEMONS = 2 * IAD_WEB_MAX_HOSTS + 2, IAD_WEB_MAX_BLOCKS = 32 };

typedef struct iad_web_block {
    iad_web_engine engine;
    char how[16];
    int64_t from, count;
} iad_web_block;

/* A connection that sleeps. */
typedef struct iad_web_nap {
    double until;
    struct MHD_Connection *connection;
} iad_web_nap;

struct iad_web {
    iad_web_options options;
    iad_web_plan plan;
    struct MHD_Daemon *daemon[IAD_WEB_MAX_DAEMONS];
    int daemons, dead_socket;
    iad_web_cache *cache;
    iad_web_nap *naps;
    size_t n_naps, cap_naps;
    uint64_t *seen; /* addresses that were asked for once and then work: a table of their numbers, 0 is free */
    size_t n_seen, cap_seen;
    iad_web_block block[IAD_WEB_MAX_BLOCKS];
    int blocks;
    int64_t asked[IAD_WEB_ENGINES];
    char *bomb, *key, *certificate;
    size_t n_bomb;
    int stopping;
};

typedef struct iad_web_request {
    iad_web *web;
    double start;       /* seconds since 1970 */
    char *uri;          /* as sent, with the query */
    const char *method; /* borrowed */
    char host[256], agent[128], kind[24];
    int status, napped;
    uint64_t bytes; /* of the body, so far */
} iad_web_request;

double iad_web_now(void);

/* Puts the connection to sleep. */
void iad_web_nap_take(iad_web *web, struct MHD_Connection *connection, double seconds);

/* 1 the first time that this address is asked for, then 0. */
int iad_web_first_time(iad_web *web, const char *address);

/* Answers: MHD_YES, or MHD_NO when the connection is to be closed. `bytes` are freed by them. Headers are name, value, ..., NULL; or NULL. */
enum MHD_Result iad_web_send(iad_web_request *request, struct MHD_Connection *connection, int status, char *bytes, size_t n,
                             const char *const *headers);
enum MHD_Result iad_web_send_page(iad_web_request *request, struct MHD_Connection *connection, int status, const char *html,
                                  const char *const *headers);
enum MHD_Result iad_web_redirect(iad_web_request *request, struct MHD_Connection *connection, const char *where);

/* A body that comes in pieces: `bytes` first, then (when promised is more, or UINT64_MAX for no promise) filler. */
typedef struct iad_web_flow {
    iad_web_request *request;
    struct MHD_Connection *connection;
    char *bytes;
    size_t n;
    uint64_t promised; /* Content-Length; UINT64_MAX: none */
    size_t piece;      /* bytes at a time; 0: as many as fit */
    double interval_s; /* between pieces */
    uint64_t stop_at;  /* then silence for `patience`, and the connection closes; UINT64_MAX: never */
    double patience_s;
    int false_length; /* 1: Content-Length is among the headers, whatever the body */
    double next;      /* when the next piece may go; state */
} iad_web_flow;
enum MHD_Result iad_web_send_flow(const iad_web_flow *flow, int status, const char *const *headers);

/* The answer for a picture of the plan. */
enum MHD_Result iad_web_answer_item(iad_web_request *request, struct MHD_Connection *connection, iad_web_item *item);
/* Further addresses that misbehaving pictures lead to (/hop/...); 0 when it is none of them. */
int iad_web_answer_detour(iad_web_request *request, struct MHD_Connection *connection, const char *path, enum MHD_Result *result);

/* Every request to a path. */
enum MHD_Result iad_web_answer(iad_web_request *request, struct MHD_Connection *connection, const char *path);

/* A private key and a certificate for "localhost" that it signs itself, PEM. */
iad_status iad_web_certificate_make(char **key, char **certificate, iad_err *err);

#endif
