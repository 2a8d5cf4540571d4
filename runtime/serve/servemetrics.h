/* Counters of a server, as Prometheus reads them. */
#ifndef IAD_SERVE_SERVEMETRICS_H
#define IAD_SERVE_SERVEMETRICS_H

#include <pthread.h>
#include <stdint.h>

#include "base/buf.h"

enum { IAD_METRIC_ROUTES = 16, IAD_METRIC_STATUSES = 16, IAD_METRIC_BUCKETS = 14 };

typedef struct iad_histogram {
    uint64_t counts[IAD_METRIC_BUCKETS + 1]; /* the last one: above all bounds */
    double sum;
} iad_histogram;

typedef struct iad_counts {
    uint64_t requests[IAD_METRIC_ROUTES][IAD_METRIC_STATUSES];
    iad_histogram seconds[IAD_METRIC_ROUTES], batch;
    uint64_t prompt_tokens, cached_tokens, generated_tokens, prefix_hits, prefix_misses, pictures, cancelled, slow_connections;
} iad_counts;
typedef struct iad_metrics {
    pthread_mutex_t lock;
    iad_counts now;
} iad_metrics;

void iad_metrics_init(iad_metrics *metrics);
void iad_metrics_deinit(iad_metrics *metrics);
void iad_metrics_request(iad_metrics *metrics, int route, int status, double seconds); /* seconds < 0: not measured */
void iad_metrics_batch(iad_metrics *metrics, int pictures);
void iad_metrics_tokens(iad_metrics *metrics, int64_t prompt, int64_t cached, int64_t generated);
void iad_metrics_count(iad_metrics *metrics, uint64_t *counter); /* one more */
/* Requests: all, with a status below 400, of 4xx, of 5xx. */
void iad_metrics_sums(iad_metrics *metrics, uint64_t *all, uint64_t *ok, uint64_t *refused, uint64_t *failed);

typedef struct iad_gauges {
    int waiting, running, connections, sets;
    uint64_t device_now, device_peak, weights, resident;
} iad_gauges;
iad_status iad_metrics_text(iad_metrics *metrics, const char *(*route_name)(int route), const iad_gauges *gauges, iad_buf *out, iad_err *err);
/* Bytes of this process in memory; 0 when the system does not say. */
uint64_t iad_resident_bytes(void);

#endif
