/* iadgpt serve: the engine behind HTTP. See runtime/serve/README.md. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/program/engineoptions.h"
#include "runtime/program/program.h"
#include "runtime/serve/serve.h"

#define KEY_VARIABLE "IADGPT_API_KEY"

typedef struct options {
    iad_engine_args engine;
    const char *host, *name, *state, *key_file, *allow_origin, *ready;
    iad_strings allow_dirs;
    int64_t port, sessions, batch, readers;
    iad_serve_limits limits;
} options;

static iad_status check_dirs(const iad_strings *dirs, iad_err *err) {
    for (size_t i = 0; i < dirs->n; i++)
        if (!iad_file_is_dir(dirs->items[i])) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "--allow-dir %s: no such folder", dirs->items[i]);
    return IAD_OK;
}

/* Where the server is: for people on stderr, for scripts as a line of stdout and a file. */
static iad_status announce(const iad_app *app, const options *o, int port, iad_err *err) {
    char line[400];
    const int n = snprintf(line, sizeof line, "url=http://%s%.300s%s:%d/\n", strchr(o->host, ':') ? "[" : "", o->host,
                           strchr(o->host, ':') ? "]" : "", port);
    if (fputs(line, stdout) < 0 || fflush(stdout) != 0) return IAD_FAIL(err, IAD_ERR_IO, "the output cannot be written");
    IAD_INFO(&app->log, "listening on %s port %d", o->host, port);
    return o->ready ? iad_file_write(o->ready, line, (size_t)n, err) : IAD_OK;
}

static iad_status serve(iad_app *app, const options *o, const iad_secret *key, iad_err *err) {
    iad_opened opened = {0};
    iad_serve *server = NULL;
    char name[256], summary[256];
    iad_text_copy(name, sizeof name, o->name ? o->name : iad_path_base(o->engine.model));
    if (!*name || iad_utf8_valid(name, strlen(name)) != strlen(name))
        return IAD_FAIL(err, IAD_ERR_ARG, "the model's folder gives no name; give one with --name");
    IAD_TRY(check_dirs(&o->allow_dirs, err));
    iad_status status = iad_opened_open(&opened, app, &o->engine, err);
    const iad_serve_options so = {.host = o->host, .port = (int)o->port, .name = name, .device = o->engine.device, .state = o->state,
                                  .allow_origin = o->allow_origin, .allow_dirs = o->allow_dirs, .key = key, .sessions = (int)o->sessions,
                                  .batch = (int)o->batch, .readers = (int)o->readers, .limits = o->limits, .log = &app->log};
    if (status == IAD_OK) status = iad_serve_new(opened.engine, &so, &server, err);
    if (status == IAD_OK) status = announce(app, o, iad_serve_port(server), err);
    if (status == IAD_OK) {
        iad_serve_run(server, &app->stop);
        iad_serve_summary(server, summary, sizeof summary);
        fprintf(stderr, "%s\n", summary);
    }
    iad_serve_free(server);
    iad_opened_close(&opened);
    return status;
}

int iad_cmd_serve(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {.host = "127.0.0.1", .port = 8080, .sessions = 2, .batch = 64, .readers = 2, .limits = iad_serve_limits_default()};
    iad_engine_args_init(&o.engine);
    enum { OWN = 22 };
    const int64_t most = INT64_C(1) << 40;
    iad_arg table[OWN + IAD_ENGINE_ROWS + 1] = {
        {.kind = IAD_ARG_STRING, .name = "host", .value = &o.host, .meta = "NAME", .help = "address to listen on"},
        {.kind = IAD_ARG_INT, .name = "port", .value = &o.port, .meta = "N", .help = "0: any free one; it is printed", .lo = 0, .hi = 65535},
        {.kind = IAD_ARG_STRING, .name = "name", .value = &o.name, .meta = "TEXT", .help = "of the model in replies (default: its folder's name)"},
        {.kind = IAD_ARG_STRING, .name = "state", .value = &o.state, .meta = "DIR", .help = "keep exemplar sets here (default: in memory only)"},
        {.kind = IAD_ARG_STRING, .name = "api-key-file", .value = &o.key_file, .meta = "FILE",
         .help = "clients must send the key in it (default: that of " KEY_VARIABLE ", else none)"},
        {.kind = IAD_ARG_STRING, .name = "allow-origin", .value = &o.allow_origin, .meta = "ORIGIN",
         .help = "another web site whose pages may ask this server, * for all"},
        {.kind = IAD_ARG_LIST, .name = "allow-dir", .value = &o.allow_dirs, .meta = "DIR",
         .help = "file:// pictures may be below it; may be repeated (default: none)"},
        {.kind = IAD_ARG_STRING, .name = "ready", .value = &o.ready, .meta = "FILE", .help = "written with the address when the server answers"},
        {.kind = IAD_ARG_INT, .name = "sessions", .value = &o.sessions, .meta = "N", .help = "requests worked on at once", .lo = 1, .hi = 64},
        {.kind = IAD_ARG_INT, .name = "batch", .value = &o.batch, .meta = "N",
         .help = "most pictures of one exemplar set that go through the model together", .lo = 1, .hi = 64},
        {.kind = IAD_ARG_INT, .name = "readers", .value = &o.readers, .meta = "N", .help = "threads that decode pictures", .lo = 1, .hi = 64},
        {.kind = IAD_ARG_INT, .name = "queue", .value = &o.limits.queue, .meta = "N",
         .help = "requests that may wait; more are answered 429", .lo = 1, .hi = 100000},
        {.kind = IAD_ARG_INT, .name = "connections", .value = &o.limits.connections, .meta = "N", .help = "at once", .lo = 1, .hi = 60000},
        {.kind = IAD_ARG_INT, .name = "deadline", .value = &o.limits.deadline_s, .meta = "S",
         .help = "most time for an answer, waiting included", .lo = 1, .hi = 1000000},
        {.kind = IAD_ARG_INT, .name = "header-time", .value = &o.limits.header_s, .meta = "S",
         .help = "until a header must be here", .lo = 1, .hi = 3600},
        {.kind = IAD_ARG_INT, .name = "body-time", .value = &o.limits.body_s, .meta = "S", .help = "until a body must be here", .lo = 1, .hi = 36000},
        {.kind = IAD_ARG_INT, .name = "max-body", .value = &o.limits.body_bytes, .meta = "BYTES",
         .help = "of one request", .lo = 1024, .hi = 1 << 29},
        {.kind = IAD_ARG_INT, .name = "max-images", .value = &o.limits.images, .meta = "N", .help = "of one request", .lo = 1, .hi = 256},
        {.kind = IAD_ARG_INT, .name = "max-pixels", .value = &o.limits.pixels, .meta = "N", .help = "of one picture", .lo = 1, .hi = 268435456},
        {.kind = IAD_ARG_INT, .name = "max-picture-tokens", .value = &o.limits.picture_tokens, .meta = "N",
         .help = "of one picture as the model sees it", .lo = 1, .hi = most},
        {.kind = IAD_ARG_INT, .name = "max-prompt-tokens", .value = &o.limits.prompt_tokens, .meta = "N",
         .help = "of one chat", .lo = 1, .hi = 1 << 20},
        {.kind = IAD_ARG_INT, .name = "max-answer-tokens", .value = &o.limits.answer_tokens, .meta = "N",
         .help = "of one answer", .lo = 1, .hi = 1 << 20}};
    const int n = OWN + iad_engine_args_rows(&o.engine, table + OWN);
    table[n] = (iad_arg){.kind = IAD_ARG_END};
    const iad_command self = {.name = "serve", .usage = "--model DIR [options]",
                              .help = "Answers HTTP requests until SIGTERM; prints its address. Chats as OpenAI has them, inspections, exemplar "
                                      "sets, a page at /."};
    iad_strings operands = {0};
    iad_secret key = {.text = ""};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_status status = operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "no operand is wanted: \"%s\"", operands.items[0]) : IAD_OK;
        if (status == IAD_OK) status = iad_secret_load(&key, !o.key_file && getenv(KEY_VARIABLE) ? KEY_VARIABLE : NULL, o.key_file, err);
        if (status == IAD_OK) status = serve(app, &o, &key, err);
        code = iad_app_exit_code(status);
    }
    if (code == IAD_EXIT_OK && atomic_load(&app->stop) == SIGINT) code = IAD_EXIT_INTERRUPTED; /* Ctrl-C; SIGTERM is the way to end a service */
    iad_secret_clear(&key);
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.allow_dirs);
    iad_engine_args_deinit(&o.engine);
    return code;
}
