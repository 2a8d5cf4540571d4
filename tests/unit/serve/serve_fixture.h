/* A server inside the test: a small model, pictures drawn by formula, replies that are known because the engine was asked beside it. */
#ifndef IAD_TEST_SERVE_FIXTURE_H
#define IAD_TEST_SERVE_FIXTURE_H

#include "tests/unit/engine/engine_fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "base/html.h"
#include "base/image/encode.h"
#include "runtime/serve/serve.h"

typedef struct server {
    iadgpt_engine *engine;
    iad_serve *serve;
    pthread_t thread;
    atomic_int stop;
    int port;
    iad_log log;
} server;

static inline void *server_main(void *user) {
    server *s = user;
    iad_serve_run(s->serve, &s->stop);
    return NULL;
}

static inline iad_serve_options server_defaults(server *s) {
    s->log = (iad_log){stderr, IAD_LOG_ERROR, "server"};
    return (iad_serve_options){.host = "127.0.0.1", .name = "tiny", .device = "cpu", .sessions = 2, .batch = 16, .readers = 2,
                               .limits = iad_serve_limits_default(), .log = &s->log};
}

static inline void server_start(server *s, iadgpt_engine *engine, const iad_serve_options *options) {
    iad_err err = IAD_ERR_NONE;
    s->engine = engine;
    atomic_init(&s->stop, 0);
    assert_ok(iad_serve_new(engine, options, &s->serve, &err));
    s->port = iad_serve_port(s->serve);
    assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

/* Ends it as SIGTERM does; returns when what was accepted is answered. */
static inline void server_end(server *s) {
    atomic_store(&s->stop, 15);
    pthread_join(s->thread, NULL);
    iad_serve_free(s->serve);
    s->serve = NULL;
}

/* The folder of a test: its files, those of state/, and itself. */
static inline void remove_tree(const char *dir) {
    static const char *const folders[] = {"state", "."};
    for (int i = 0; i < 2; i++) {
        char folder[300], path[600];
        snprintf(folder, sizeof folder, "%s/%s", dir, folders[i]);
        DIR *d = opendir(folder);
        for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            unlink(path);
        }
        if (d) closedir(d);
        rmdir(i ? dir : folder);
    }
}

static inline void picture_png(const iadgpt_picture *picture, iad_buf *out) {
    iad_err err = IAD_ERR_NONE;
    iad_image view = {.width = picture->width, .height = picture->height, .channels = picture->channels};
    memcpy(&view.px, &picture->pixels, sizeof view.px);
    assert_ok(iad_encode_png(&view, 1, out, &err));
}

static inline void picture_uri(const iadgpt_picture *picture, iad_buf *out) {
    iad_err err = IAD_ERR_NONE;
    iad_buf png;
    iad_buf_init(&png, 1 << 24);
    picture_png(picture, &png);
    assert_ok(iad_html_data_uri(out, "image/png", png.data, png.len, &err));
    iad_buf_deinit(&png);
}

#endif
