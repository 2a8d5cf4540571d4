/* Routes, and who may ask them. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "runtime/serve/servejob.h"

typedef struct known_route {
    const char *method, *path; /* a '*' in the path stands for an id */
    iad_route route;
    int multipart; /* 1: besides JSON; -1: no body at all */
} known_route;

static const known_route routes[] = {{"GET", "/health", IAD_ROUTE_HEALTH, -1},
                               {"GET", "/metrics", IAD_ROUTE_METRICS, -1},
                               {"GET", "/v1/models", IAD_ROUTE_MODELS, -1},
                               {"POST", "/v1/chat/completions", IAD_ROUTE_CHAT, 0},
                               {"POST", "/v1/inspect", IAD_ROUTE_INSPECT, 1},
                               {"GET", "/v1/exemplars", IAD_ROUTE_SET_LIST, -1},
                               {"POST", "/v1/exemplars", IAD_ROUTE_SET_NEW, 1},
                               {"GET", "/v1/exemplars/*", IAD_ROUTE_SET_GET, -1},
                               {"DELETE", "/v1/exemplars/*", IAD_ROUTE_SET_DELETE, -1},
                               {"POST", "/v1/exemplars/*/calibration", IAD_ROUTE_SET_CALIBRATE, 1}};
enum { N_ROUTES = sizeof routes / sizeof *routes };

const char *iad_route_name(int route) {
    static const char *const names[IAD_ROUTES] = {"other", "page", "health", "metrics", "models", "chat", "inspect", "exemplars_new",
                                                  "exemplars_list", "exemplars_get", "exemplars_calibrate", "exemplars_delete", "preflight"};
    return route >= 0 && route < IAD_ROUTES ? names[route] : "other";
}

/* ---- finding ---- */

static int path_fits(const char *pattern, const char *path, char id[IAD_SET_ID + 1]) {
    const char *star = strchr(pattern, '*');
    if (!star) return strcmp(pattern, path) == 0;
    const size_t before = (size_t)(star - pattern);
    if (strncmp(pattern, path, before) != 0) return 0;
    const size_t n = strcspn(path + before, "/");
    if (n < 1 || strcmp(path + before + n, star + 1) != 0) return 0;
    snprintf(id, IAD_SET_ID + 1, "%.*s", (int)n, path + before);
    if (n != IAD_SET_ID) *id = '\0'; /* no set has such an id */
    return 1;
}

static const known_route *find(iad_job *job, const char *method, const char *path) {
    const char *allow = NULL;
    for (int i = 0; i < N_ROUTES; i++) {
        if (!path_fits(routes[i].path, path, job->id)) continue;
        if (strcmp(routes[i].method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(routes[i].method, "GET") == 0)) return &routes[i];
        allow = !allow ? routes[i].method : *routes[i].method == 'D' ? "GET, DELETE" : "GET, POST";
    }
    if (allow) {
        job->allow = allow;
        iad_fault_set(&job->fault, 405, "method", NULL, "%.10s is no method of this route; it takes %s", method, allow);
    } else iad_fault_set(&job->fault, 404, "not_found", NULL, "there is no such route");
    return NULL;
}

/* ---- who asks ---- */

/* Of "host:port" or "[host]:port". */
static int host_is(const char *header, const char *name) {
    const size_t n = strlen(name);
    if (strncasecmp(header, name, n) != 0) return 0;
    header += n;
    return *header == '\0' || (*header == ':' && header[1 + strspn(header + 1, "0123456789")] == '\0');
}

static int loopback(const char *host) { return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0; }

/* A page of another site must not reach a server on loopback under a name that it made point here. */
static void check_host(const iad_serve *s, iad_job *job, const char *host) {
    char bracketed[300];
    if (!loopback(s->options.host)) return;
    snprintf(bracketed, sizeof bracketed, "[%.290s]", s->options.host);
    if (!host || host_is(host, "localhost") || host_is(host, "127.0.0.1") || host_is(host, "[::1]") || host_is(host, s->options.host) ||
        host_is(host, bracketed))
        return;
    iad_fault_set(&job->fault, 403, "host", NULL, "this server answers to localhost and 127.0.0.1 only");
}

static void check_origin(const iad_serve *s, iad_job *job, const char *origin, const char *host) {
    const char *allowed = s->options.allow_origin;
    if (!origin) return;
    const char *own = iad_text_starts(origin, "http://") ? origin + 7 : iad_text_starts(origin, "https://") ? origin + 8 : NULL;
    if (allowed && (strcmp(allowed, "*") == 0 || strcmp(allowed, origin) == 0)) {
        job->allow_origin = allowed;
        return;
    }
    if (own && host && strcasecmp(own, host) == 0) return;
    iad_fault_set(&job->fault, 403, "origin", NULL, "another origin than the server's own (--allow-origin)");
}

/* Compares hashes, in a time that does not depend on how much of the key is right. */
static void check_key(const iad_serve *s, iad_job *job, const char *header) {
    uint8_t digest[IAD_SHA256_BYTES];
    if (!s->has_key) return;
    const char *key = header && strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : "";
    if (iad_sha256_bytes(key, strlen(key), digest, NULL) == IAD_OK && CRYPTO_memcmp(digest, s->key_digest, sizeof digest) == 0) return;
    iad_fault_set(&job->fault, 401, "key", NULL, "%s", header ? "the key is not this server's" : "this server wants \"Authorization: Bearer KEY\"");
}

static void check_body(const iad_serve *s, iad_job *job, const known_route *r, const char *type, const char *length) {
    uint64_t n = 0;
    if (length && iad_parse_u64(length, &n, "Content-Length", NULL) == IAD_OK && n > (uint64_t)s->options.limits.body_bytes)
        iad_fault_set(&job->fault, 413, "limit", NULL, "a body of %llu bytes, at most %lld (--max-body)", (unsigned long long)n,
                      (long long)s->options.limits.body_bytes);
    if (r->multipart < 0) return;
    const size_t word = type ? strcspn(type, "; ") : 0;
    if (word == 16 && strncasecmp(type, "application/json", word) == 0) return;
    job->multipart = r->multipart == 1 && word == 19 && strncasecmp(type, "multipart/form-data", word) == 0;
    if (!job->multipart)
        iad_fault_set(&job->fault, 415, "format", NULL, "the body must be application/json%s", r->multipart == 1 ? " or multipart/form-data" : "");
}

void iad_route_begin(iad_serve *s, iad_job *job, struct MHD_Connection *connection, const char *url, const char *method) {
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"),
        *origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin");
    check_host(s, job, host);
    check_origin(s, job, origin, host);
    if (strcmp(method, "OPTIONS") == 0 && job->allow_origin) {
        job->route = IAD_ROUTE_PREFLIGHT;
        return;
    }
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) job->page = iad_page_find(url);
    if (job->page) {
        job->route = IAD_ROUTE_PAGE;
        return;
    }
    const known_route *r = find(job, method, url);
    if (!r) return;
    job->route = r->route;
    if (r->route == IAD_ROUTE_HEALTH) return;
    check_key(s, job, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"));
    if (atomic_load(&s->stopping)) iad_fault_set(&job->fault, 503, "stopping", NULL, "the server is stopping");
    check_body(s, job, r, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type"),
               MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length"));
    if (!job->fault.status && r->multipart >= 0) (void)iad_queue_full(s, &job->fault); /* before the body is sent */
}

/* ---- answers that need no session ---- */

static iad_status models(iad_serve *s, iad_buf *out, iad_err *err) {
    const iad_serve_options *o = &s->options;
    const iad_serve_limits *l = &o->limits;
    IAD_TRY(iad_buf_add_str(out, "{\"object\":\"list\",\"data\":[{\"id\":", err));
    IAD_TRY(iad_json_quote(o->name, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"iadgpt\",\"iad\":{\"version\":\"%s\",\"device\":",
                         (long long)s->created, iadgpt_version()));
    IAD_TRY(iad_json_quote(o->device, out, err));
    return iad_buf_addf(out, err,
                        ",\"sessions\":%d,\"batch\":%d,\"limits\":{\"body_bytes\":%lld,\"images\":%lld,\"calibration_images\":%lld,\"pixels\":%lld,"
                        "\"picture_tokens\":%lld,\"prompt_tokens\":%lld,\"answer_tokens\":%lld,\"queue\":%lld,\"connections\":%lld,"
                        "\"deadline_s\":%lld,"
                        "\"header_s\":%lld,\"body_s\":%lld}}}]}\n",
                        o->sessions, o->batch, (long long)l->body_bytes, (long long)l->images, (long long)l->calibration_images, (long long)l->pixels,
                        (long long)l->picture_tokens, (long long)l->prompt_tokens, (long long)l->answer_tokens, (long long)l->queue,
                        (long long)l->connections, (long long)l->deadline_s, (long long)l->header_s, (long long)l->body_s);
}

static iad_status metrics(iad_serve *s, iad_buf *out, iad_err *err) {
    iad_gauges g = {.resident = iad_resident_bytes()};
    iadgpt_memory memory;
    iadgpt_engine_memory(s->engine, &memory);
    g.device_now = memory.now;
    g.device_peak = memory.peak;
    g.weights = memory.weights;
    pthread_mutex_lock(&s->lock);
    g.waiting = s->waiting;
    g.running = s->running;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_lock(&s->conn_lock);
    g.connections = s->n_conns;
    pthread_mutex_unlock(&s->conn_lock);
    pthread_mutex_lock(&s->store.lock);
    g.sets = (int)s->store.n;
    pthread_mutex_unlock(&s->store.lock);
    return iad_metrics_text(&s->metrics, iad_route_name, &g, out, err);
}

static iad_status get_set(iad_serve *s, iad_job *job, iad_buf *out, iad_err *err) {
    iad_set *set = iad_setstore_hold(&s->store, job->id);
    if (!set) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "there is no such exemplar set");
    iad_status status = iad_setstore_json(&s->store, set, out, err);
    iad_setstore_release(&s->store, set);
    return status == IAD_OK ? iad_buf_add_str(out, "\n", err) : status;
}

static iad_status delete_set(iad_serve *s, const iad_job *job, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_setstore_delete(&s->store, job->id, err));
    return iad_buf_addf(out, err, "{\"id\":\"%s\",\"object\":\"iad.exemplar_set\",\"deleted\":true}\n", job->id);
}

int iad_route_answer(iad_serve *s, iad_job *job) {
    iad_buf out;
    iad_err err = IAD_ERR_NONE;
    iad_status status = IAD_OK;
    int code = 200;
    iad_buf_init(&out, 1 << 28);
    switch (job->route) {
        case IAD_ROUTE_PAGE: status = iad_buf_add(&out, job->page->text, job->page->n, &err); break;
        case IAD_ROUTE_PREFLIGHT: code = 204; break;
        case IAD_ROUTE_HEALTH:
            if (atomic_load(&s->stopping)) code = 503;
            status = iad_buf_add_str(&out, code == 200 ? "{\"status\":\"ok\"}\n" : "{\"status\":\"stopping\"}\n", &err);
            break;
        case IAD_ROUTE_METRICS:
            job->type = "text/plain; version=0.0.4";
            status = metrics(s, &out, &err);
            break;
        case IAD_ROUTE_MODELS: status = models(s, &out, &err); break;
        case IAD_ROUTE_SET_LIST: status = iad_setstore_list(&s->store, &out, &err); break;
        case IAD_ROUTE_SET_GET: status = get_set(s, job, &out, &err); break;
        case IAD_ROUTE_SET_DELETE: status = delete_set(s, job, &out, &err); break;
        default: return 0;
    }
    if (status == IAD_OK) {
        iad_job_answer(job, code, &out);
        return 1;
    }
    iad_fault fault = {.status = 0};
    job->type = "application/json";
    if (status == IAD_ERR_NOT_FOUND) iad_fault_set(&fault, 404, "not_found", NULL, "%s", err.msg);
    else iad_fault_from(&fault, status, &err, NULL);
    iad_buf_deinit(&out);
    iad_job_refuse(job, &fault);
    return 1;
}
