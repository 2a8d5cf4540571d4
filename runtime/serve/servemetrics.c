#include "runtime/serve/servemetrics.h"

#include <stdio.h>
#include <unistd.h>

static const int statuses[IAD_METRIC_STATUSES] = {200, 201, 204, 304, 400, 401, 403, 404, 405, 413, 415, 429, 499, 500, 503, 504};
static const double bounds[IAD_METRIC_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
static const double batch_bounds[IAD_METRIC_BUCKETS] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48, 56, 64};

void iad_metrics_init(iad_metrics *m) {
    m->now = (iad_counts){.prompt_tokens = 0};
    pthread_mutex_init(&m->lock, NULL);
}

void iad_metrics_deinit(iad_metrics *m) { pthread_mutex_destroy(&m->lock); }

static void observe(iad_histogram *h, const double *limits, double value) {
    int i = 0;
    while (i < IAD_METRIC_BUCKETS && value > limits[i]) i++;
    h->counts[i]++;
    h->sum += value;
}

void iad_metrics_request(iad_metrics *m, int route, int status, double seconds) {
    int i = 0;
    while (i + 1 < IAD_METRIC_STATUSES && statuses[i] != status) i++;
    pthread_mutex_lock(&m->lock);
    m->now.requests[route][i]++;
    if (seconds >= 0) observe(&m->now.seconds[route], bounds, seconds);
    pthread_mutex_unlock(&m->lock);
}

void iad_metrics_batch(iad_metrics *m, int pictures) {
    pthread_mutex_lock(&m->lock);
    observe(&m->now.batch, batch_bounds, pictures);
    m->now.pictures += (uint64_t)pictures;
    pthread_mutex_unlock(&m->lock);
}

void iad_metrics_tokens(iad_metrics *m, int64_t prompt, int64_t cached, int64_t generated) {
    pthread_mutex_lock(&m->lock);
    m->now.prompt_tokens += (uint64_t)prompt;
    m->now.cached_tokens += (uint64_t)cached;
    m->now.generated_tokens += (uint64_t)generated;
    if (cached > 0) m->now.prefix_hits++;
    else m->now.prefix_misses++;
    pthread_mutex_unlock(&m->lock);
}

void iad_metrics_count(iad_metrics *m, uint64_t *counter) {
    pthread_mutex_lock(&m->lock);
    ++*counter;
    pthread_mutex_unlock(&m->lock);
}

void iad_metrics_sums(iad_metrics *m, uint64_t *all, uint64_t *ok, uint64_t *refused, uint64_t *failed) {
    *all = *ok = *refused = *failed = 0;
    pthread_mutex_lock(&m->lock);
    for (int r = 0; r < IAD_METRIC_ROUTES; r++)
        for (int s = 0; s < IAD_METRIC_STATUSES; s++) {
            *all += m->now.requests[r][s];
            *(statuses[s] < 400 ? ok : statuses[s] < 500 ? refused : failed) += m->now.requests[r][s];
        }
    pthread_mutex_unlock(&m->lock);
}

uint64_t iad_resident_bytes(void) {
    unsigned long long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    const int n = fscanf(file, "%llu %llu", &total, &resident);
    fclose(file);
    return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* ---- text ---- */

static iad_status histogram(const char *name, const char *labels, const iad_histogram *h, const double *limits, iad_buf *out, iad_err *err) {
    const char *comma = *labels ? "," : "";
    uint64_t sum = 0;
    for (int i = 0; i <= IAD_METRIC_BUCKETS; i++) {
        sum += h->counts[i];
        if (i < IAD_METRIC_BUCKETS)
            IAD_TRY(iad_buf_addf(out, err, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma, limits[i], (unsigned long long)sum));
        else IAD_TRY(iad_buf_addf(out, err, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma, (unsigned long long)sum));
    }
    const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    return iad_buf_addf(out, err, "%s_sum%s%s%s %.9g\n%s_count%s%s%s %llu\n", name, open, labels, close, h->sum, name, open, labels, close,
                        (unsigned long long)sum);
}

static iad_status head(const char *name, const char *type, const char *help, iad_buf *out, iad_err *err) {
    return iad_buf_addf(out, err, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static iad_status single(const char *name, const char *type, const char *help, uint64_t value, iad_buf *out, iad_err *err) {
    IAD_TRY(head(name, type, help, out, err));
    return iad_buf_addf(out, err, "%s %llu\n", name, (unsigned long long)value);
}

static iad_status by_route(const iad_counts *m, const char *(*route_name)(int), iad_buf *out, iad_err *err) {
    IAD_TRY(head("iadgpt_requests_total", "counter", "Requests by route and status.", out, err));
    for (int r = 0; r < IAD_METRIC_ROUTES; r++)
        for (int s = 0; s < IAD_METRIC_STATUSES; s++)
            if (m->requests[r][s])
                IAD_TRY(iad_buf_addf(out, err, "iadgpt_requests_total{route=\"%s\",status=\"%d\"} %llu\n", route_name(r), statuses[s],
                                     (unsigned long long)m->requests[r][s]));
    IAD_TRY(head("iadgpt_request_seconds", "histogram", "From the whole body to the whole answer.", out, err));
    for (int r = 0; r < IAD_METRIC_ROUTES; r++) {
        char labels[64];
        uint64_t any = 0;
        for (int i = 0; i <= IAD_METRIC_BUCKETS; i++) any += m->seconds[r].counts[i];
        if (!any) continue;
        snprintf(labels, sizeof labels, "route=\"%s\"", route_name(r));
        IAD_TRY(histogram("iadgpt_request_seconds", labels, &m->seconds[r], bounds, out, err));
    }
    return IAD_OK;
}

iad_status iad_metrics_text(iad_metrics *shared, const char *(*route_name)(int), const iad_gauges *g, iad_buf *out, iad_err *err) {
    pthread_mutex_lock(&shared->lock);
    const iad_counts m = shared->now;
    pthread_mutex_unlock(&shared->lock);
    IAD_TRY(by_route(&m, route_name, out, err));
    IAD_TRY(head("iadgpt_batch_pictures", "histogram", "Pictures that went through the model together.", out, err));
    IAD_TRY(histogram("iadgpt_batch_pictures", "", &m.batch, batch_bounds, out, err));
    IAD_TRY(single("iadgpt_queue_length", "gauge", "Requests that wait.", (uint64_t)g->waiting, out, err));
    IAD_TRY(single("iadgpt_running", "gauge", "Requests that a session works on.", (uint64_t)g->running, out, err));
    IAD_TRY(single("iadgpt_connections", "gauge", "Open connections.", (uint64_t)g->connections, out, err));
    IAD_TRY(single("iadgpt_exemplar_sets", "gauge", "Stored exemplar sets.", (uint64_t)g->sets, out, err));
    IAD_TRY(single("iadgpt_pictures_total", "counter", "Pictures inspected.", m.pictures, out, err));
    IAD_TRY(single("iadgpt_prompt_tokens_total", "counter", "Tokens of prompts, those of pictures included.", m.prompt_tokens, out, err));
    IAD_TRY(single("iadgpt_cached_tokens_total", "counter", "Of these, not computed again.", m.cached_tokens, out, err));
    IAD_TRY(single("iadgpt_generated_tokens_total", "counter", "Tokens of answers.", m.generated_tokens, out, err));
    IAD_TRY(single("iadgpt_prefix_hits_total", "counter", "Prompts that began with something computed before.", m.prefix_hits, out, err));
    IAD_TRY(single("iadgpt_prefix_misses_total", "counter", "Prompts that did not.", m.prefix_misses, out, err));
    IAD_TRY(single("iadgpt_cancelled_total", "counter", "Requests whose client went away.", m.cancelled, out, err));
    IAD_TRY(single("iadgpt_slow_connections_total", "counter", "Connections closed because header or body came too slowly.", m.slow_connections, out,
                   err));
    IAD_TRY(single("iadgpt_device_bytes", "gauge", "Weights, caches and scratch on the device.", g->device_now, out, err));
    IAD_TRY(single("iadgpt_device_peak_bytes", "gauge", "The most there was.", g->device_peak, out, err));
    IAD_TRY(single("iadgpt_weight_bytes", "gauge", "Packed weights.", g->weights, out, err));
    return single("iadgpt_resident_bytes", "gauge", "Memory of the process.", g->resident, out, err);
}
