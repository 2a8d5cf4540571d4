#include "crawl/session/crawlrun.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/textargs.h"
#include "crawl/polite/optout.h"
#include "crawl/session/crawlsession.h"
#include "manifests/query.h"

#define MAX_ROUNDS 100 /* of looking for what was lost to doubles; two or three are usual */

iad_crawl_options iad_crawl_options_default(void) {
    return (iad_crawl_options){.dataset = "web",
                               .market = "en-US",
                               .filters = IAD_SEARCH_FILTERS,
                               .variants = 3,
                               .connections = 48,
                               .host_connections = 2,
                               .host_delay_s = 0.5,
                               .engine_delay_lo_s = 3,
                               .engine_delay_hi_s = 6,
                               .block_pause_s = 900,
                               .strikes = 3,
                               .tries = 3,
                               .backoff_s = 1,
                               .connect_s = 10,
                               .total_s = 60,
                               .stall_s = 15,
                               .max_bytes = 20 << 20,
                               .optout = IAD_OPTOUT_ALL,
                               .keep_pages = 1,
                               .park_after = 10,
                               .judge = IAD_JUDGE_OPTIONS,
                               .rules = {.max_aspect = 3.0, .optout_hosts = 3},
                               .threads = 2};
}

int iad_session_failed(iad_session *s, iad_status status, const iad_err *err) {
    if (status != IAD_OK && s->status == IAD_OK) {
        s->status = status;
        s->err = *err;
    }
    return status != IAD_OK;
}

iad_status iad_session_write(iad_session *s, iad_err *err) {
    return iad_manifest_in_transaction(s->m) ? IAD_OK : iad_manifest_begin(s->m, err);
}

void iad_session_say(iad_session *s, const char *format, ...) {
    char text[600];
    if (!s->o->say) return;
    IAD_TEXT_OF_ARGS(text, format);
    s->o->say(s->o->user, text);
}

/* ---- opening ---- */

static iad_status open_http(iad_session *s, iad_err *err) {
    const iad_crawl_options *o = s->o;
    if (!o->contact || !*o->contact || strpbrk(o->contact, "\r\n()"))
        return IAD_FAIL(err, IAD_ERR_ARG, "a crawl needs --contact: an e-mail address or URL by which people who run hosts can reach you");
    snprintf(s->agent, sizeof s->agent, "%s/%s (+%.180s)", IAD_CRAWL_TOKEN, IAD_VERSION, o->contact);
    iad_http_options options = {.user_agent = s->agent, .no_proxy = o->no_proxy, .allow_private = o->allow_private, .allow_hosts = o->allow_hosts,
                                .connect_to = o->connect_to, .ca_file = o->ca_file, .insecure = o->insecure, .max_idle = 2 * o->connections};
    return iad_http_new(&options, &s->http, err);
}

static iad_status open_leaks(iad_session *s, iad_err *err) {
    IAD_TRY(iad_leak_list_new(&s->leaks, err));
    IAD_TRY(iad_leak_list_add(s->leaks, s->m, err));
    for (size_t i = 0; s->o->leak_dbs && i < s->o->leak_dbs->n; i++) {
        iad_manifest *other = NULL;
        IAD_TRY(iad_manifest_open(s->o->leak_dbs->items[i], IAD_MANIFEST_READ, &other, err));
        iad_status status = iad_leak_list_add(s->leaks, other, err);
        iad_manifest_close(other);
        IAD_TRY(status);
    }
    return IAD_OK;
}

static int wanted(const int64_t *ids, size_t n, int64_t id) {
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id) return 1;
    return n == 0;
}

/* All categories with a goal take part in the decision about doubles; only those of `ids` look for more. */
static iad_status open_work(iad_session *s, const int64_t *ids, size_t n, iad_err *err) {
    int64_t count = 0;
    iad_query q;
    IAD_TRY(iad_query_scalar(s->m, "SELECT count(*) FROM crawl_goal", 0, &count, err));
    if (count > 1 << 24) return IAD_FAIL(err, IAD_ERR_LIMIT, "too many categories");
    s->work = iad_calloc((size_t)count, sizeof *s->work);
    s->ready = iad_calloc((size_t)count, sizeof *s->ready);
    if (!s->work || !s->ready) return IAD_NOMEM(err, "categories");
    IAD_TRY(iad_query_open(
        &q, s->m, "crawl_goal",
        "SELECT g.category_id,g.target,g.min_side,g.kept FROM crawl_goal g JOIN category c ON c.id=g.category_id JOIN dataset d ON d.id=c.dataset_id"
        " ORDER BY c.id",
        err));
    while (s->n_work < count && iad_query_next(&q)) {
        iad_category_work *w = &s->work[s->n_work];
        *w = (iad_category_work){.id = iad_query_col_i64(&q, 0), .target = iad_query_col_i64(&q, 1), .min_side = (int)iad_query_col_i64(&q, 2),
                                 .kept = iad_query_col_i64(&q, 3)};
        w->open = w->asked = wanted(ids, n, w->id);
        if (w->open) iad_work_ready(s, s->n_work);
        s->n_work++;
    }
    return iad_query_close(&q, err);
}

static int keep_spooled(void *user, int64_t number) {
    iad_session *s = user;
    iad_url_row row;
    return iad_url_row_get(s->m, number, 0, &row, NULL) == IAD_OK && row.state == IAD_URL_RECEIVED;
}

/* After a kill, or a power failure: what the manifest says was received or stored must be there; else it is fetched again. */
static iad_status recover(iad_session *s, iad_err *err) {
    iad_query q;
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_crawl_store_sweep(&s->store, keep_spooled, s, err));
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(iad_query_open(&q, s->m, "crawl_url", "SELECT id FROM crawl_url WHERE state='received'", err));
    iad_status status = IAD_OK;
    int64_t lost = 0;
    while (status == IAD_OK && iad_query_next(&q)) {
        int64_t id = iad_query_col_i64(&q, 0);
        iad_crawl_store_spool_path(&s->store, id, path);
        if (iad_file_exists(path)) continue;
        status = iad_url_row_state(s->m, id, IAD_URL_ACTIVE, err);
        lost++;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    IAD_TRY(status);
    IAD_TRY(closed);
    IAD_TRY(iad_query_open(&q, s->m, "crawl_picture", "SELECT id,path,stored_bytes FROM crawl_picture WHERE path IS NOT NULL", err));
    while (status == IAD_OK && iad_query_next(&q)) {
        if (iad_crawl_store_has(&s->store, iad_query_col_text(&q, 1), iad_query_col_i64(&q, 2))) continue;
        iad_query u;
        status =
            iad_query_open(&u, s->m, "crawl_url",
                           "UPDATE crawl_url SET state='active',picture_id=NULL WHERE id=(SELECT min(id) FROM crawl_url WHERE picture_id=?)", err);
        if (status != IAD_OK) break;
        iad_query_i64(&u, iad_query_col_i64(&q, 0));
        status = iad_query_run(&u, "a lost file", err);
        lost++;
    }
    closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (lost) iad_session_say(s, "%lld files are missing and will be fetched again", (long long)lost);
    return status != IAD_OK ? status : closed;
}

static iad_status open_session(iad_session *s, const int64_t *ids, size_t n, iad_err *err) {
    s->started = iad_clock();
    iad_rng_init(&s->rng, s->o->seed, (uint64_t)(s->started * 1e6)); /* waiting times should not repeat from run to run */
    iad_host_limits limits = {s->o->host_connections, s->o->host_delay_s, s->started + s->o->host_delay_s};
    IAD_TRY(iad_crawl_store_open(&s->store, s->o->out, err));
    IAD_TRY(open_http(s, err));
    IAD_TRY(iad_hostqueue_new(&limits, &s->queue, err));
    IAD_TRY(open_leaks(s, err));
    IAD_TRY(iad_pool_open(s, err));
    IAD_TRY(iad_lanes_open(s, err));
    IAD_TRY(recover(s, err));
    return open_work(s, ids, n, err);
}

static void free_waiting(iad_session *s) {
    double wait;
    for (;;) {
        iad_job *job = iad_hostqueue_take(s->queue, 1e300, &wait);
        if (!job) return;
        iad_hostqueue_done(s->queue, job->url.domain);
        if (job->kind != IAD_JOB_ROBOTS) iad_strmap_remove(&s->jobs, job->url.text);
        iad_job_free(job);
    }
}

static void close_session(iad_session *s) {
    if (s->http) iad_http_cancel_all(s->http);
    iad_pool_close(s);
    iad_lanes_close(s);
    if (s->queue) free_waiting(s);
    iad_hostqueue_free(s->queue);
    iad_origins_free(s);
    iad_strmap_deinit(&s->jobs);
    iad_http_free(s->http);
    iad_leak_list_free(s->leaks);
    for (int i = 0; i < s->n_work; i++) iad_query_row_deinit(&s->work[i].want);
    free(s->work);
    free(s->ready);
    free(s->unspool);
}

/* ---- the loop ---- */

static iad_status commit(iad_session *s, iad_err *err) {
    if (iad_manifest_in_transaction(s->m)) IAD_TRY(iad_manifest_commit(s->m, err));
    for (size_t i = 0; i < s->n_unspool; i++) iad_crawl_store_unspool(&s->store, s->unspool[i]);
    s->n_unspool = 0;
    return IAD_OK;
}

static void count_up(iad_session *s) {
    iad_crawl_counts *c = s->counts;
    c->kept = c->wanted = c->full = c->shortfall = c->categories = 0;
    for (int i = 0; i < s->n_work; i++) {
        const iad_category_work *w = &s->work[i];
        if (!w->asked) continue;
        c->categories++;
        c->kept += w->kept;
        c->wanted += w->target;
        c->full += w->target ? w->kept >= w->target : !w->open;
        if (w->target > w->kept) c->shortfall += w->target - w->kept;
    }
}

static int anything_open(const iad_session *s) {
    for (int i = 0; i < s->n_work; i++)
        if (s->work[i].open) return 1;
    return 0;
}

/* One turn: everything that can be done now, then wait for the network, a worker or a clock. */
static iad_status turn(iad_session *s, iad_err *err) {
    double host_wait, lane_wait, now;
    while (s->n_ready) IAD_TRY(iad_work_advance(s, s->ready[--s->n_ready], err));
    now = iad_clock();
    IAD_TRY(iad_lanes_step(s, now, &lane_wait, err));
    IAD_TRY(iad_desk_step(s, now, &host_wait, err));
    IAD_TRY(commit(s, err));
    double wait = host_wait < lane_wait ? host_wait : lane_wait;
    IAD_TRY(iad_http_poll(s->http, s->n_ready ? 0 : wait >= 0.5 ? 500 : wait <= 0 ? 0 : (int)(wait * 1000) + 1, err));
    if (s->status != IAD_OK) {
        if (err) *err = s->err;
        return s->status;
    }
    IAD_TRY(iad_pool_drain(s, err));
    return commit(s, err);
}

static iad_status loop(iad_session *s, iad_err *err) {
    double shown = 0;
    for (int rounds = 0;;) {
        if (s->o->stop && *s->o->stop) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; the same command goes on");
        if (!anything_open(s)) {
            int reopened = 0;
            IAD_TRY(iad_publish_decide(s, &reopened, err));
            IAD_TRY(commit(s, err));
            if (!reopened || ++rounds > MAX_ROUNDS) return IAD_OK;
        }
        IAD_TRY(turn(s, err));
        if (s->o->progress && iad_clock() - shown > 0.2) {
            shown = iad_clock();
            count_up(s);
            s->o->progress(s->o->user, s->counts);
        }
    }
}

static iad_status count_doubles(iad_session *s, iad_err *err) {
    return iad_query_scalar(s->m, "SELECT count(*) FROM crawl_hit WHERE verdict='duplicate'", 0, &s->counts->doubles, err);
}

iad_status iad_crawl_run(iad_manifest *m, const iad_crawl_options *options, const int64_t *categories, size_t n, iad_crawl_counts *counts,
                         iad_err *err) {
    iad_session *s = iad_calloc(1, sizeof *s);
    memset(counts, 0, sizeof *counts);
    if (!s) return IAD_NOMEM(err, "a crawl");
    s->m = m;
    s->o = options;
    s->counts = counts;
    iad_status status = open_session(s, categories, n, err);
    if (status == IAD_OK) status = commit(s, err);
    if (status == IAD_OK) status = loop(s, err);
    if (status == IAD_OK) status = iad_publish_images(s, err);
    if (status == IAD_OK) status = commit(s, err);
    else if (status == IAD_ERR_INTERRUPTED) commit(s, NULL);
    iad_manifest_rollback(m);
    if (status == IAD_OK) status = count_doubles(s, err);
    count_up(s);
    close_session(s);
    free(s);
    return status;
}
