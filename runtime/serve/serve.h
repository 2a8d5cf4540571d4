/* The server: options, limits, life. README.md holds the routes. */
#ifndef IAD_SERVE_SERVE_H
#define IAD_SERVE_SERVE_H

#include <stdatomic.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "runtime/iadgpt.h"

/* Every limit that a request can meet; the refusal names it. */
typedef struct iad_serve_limits {
    int64_t body_bytes;         /* of one request */
    int64_t images;             /* of one request */
    int64_t calibration_images; /* of one request, besides */
    int64_t pixels;             /* of one picture, looked at before it is decoded; all pictures of a request together: 4 times as many */
    int64_t picture_tokens;     /* of one picture as the model sees it */
    int64_t prompt_tokens;
    int64_t answer_tokens;
    int64_t queue;              /* requests that wait */
    int64_t connections;
    int64_t deadline_s;         /* from the whole body to the whole answer */
    int64_t header_s, body_s;   /* until the header, the body must be here */
} iad_serve_limits;
iad_serve_limits iad_serve_limits_default(void);

/* Bytes of all bodies and of all decoded pictures that are held at once. */
#define IAD_SERVE_BODY_MEMORY (512ll << 20)
#define IAD_SERVE_PIXEL_MEMORY (1ll << 30)

typedef struct iad_serve_options {
    const char *host;           /* "127.0.0.1" */
    int port;                   /* 0: any */
    const char *name;           /* of the model in replies */
    const char *device;         /* shown by /v1/models */
    const char *state;          /* folder of the exemplar sets; NULL: in memory only */
    const char *allow_origin;   /* NULL: none; "*": any */
    iad_strings allow_dirs;     /* roots of file:// pictures; borrowed */
    const iad_secret *key;      /* "": none */
    int sessions, batch, readers;
    iad_serve_limits limits;
    const iad_log *log;
} iad_serve_options;

typedef struct iad_serve iad_serve;

/* Binds the port, loads the stored sets, starts the threads. The engine outlives the server. Errors: IAD_ERR_IO (port, folder), IAD_ERR_ARG,
 * IAD_ERR_NOMEM. */
iad_status iad_serve_new(iadgpt_engine *engine, const iad_serve_options *options, iad_serve **serve, iad_err *err);
int iad_serve_port(const iad_serve *serve);
/* Serves until *stop is not 0, then finishes what was accepted and refuses the rest. Ends when nothing runs any more. */
void iad_serve_run(iad_serve *serve, const atomic_int *stop);
void iad_serve_free(iad_serve *serve); /* NULL is fine */

/* "requests=.. ok=.. .." */
void iad_serve_summary(iad_serve *serve, char *text, size_t size);

#endif
