/* iad-crawl run */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/appprint.h"
#include "base/file.h"
#include "base/progress.h"
#include "crawl/cmd_crawl.h"
#include "crawl/polite/optout.h"
#include "crawl/session/crawlplan.h"
#include "crawl/session/crawlrun.h"
#include "crawl/session/estimate.h"

typedef struct run_settings {
    iad_crawl_options o;
    iad_crawl_plan plan;
    const char *db, *engine_delay, *optout, *shard, *urls, *categories_file, *robots, *engine_robots;
    iad_strings engines, categories, groups, engine_urls, allow_hosts, connect_to, leak_dbs;
    int64_t target, variants, min_side, connections, host_connections, strikes, tries, max_bytes, min_bytes, park, optout_hosts, max_side, quality,
        seed, filter_side;
    double max_megapixels;
    int dry_run, no_pages;
    const char **names; /* of engines */
} run_settings;

/* ---- which categories ---- */

static int listed(const iad_strings *list, const char *name) {
    for (size_t i = 0; i < list->n; i++)
        if (!strcmp(list->items[i], name)) return 1;
    return 0;
}

static iad_status parse_shard(const char *text, int64_t *i, int64_t *n, iad_err *err) {
    char left[24] = "";
    const char *slash = text ? strchr(text, '/') : NULL;
    *i = *n = 1;
    if (!text) return IAD_OK;
    if (!slash || slash - text >= (int)sizeof left) return IAD_FAIL(err, IAD_ERR_ARG, "--shard wants I/N, as in 1/4, not \"%.40s\"", text);
    memcpy(left, text, (size_t)(slash - text));
    IAD_TRY(iad_parse_i64(slash + 1, 1, 1000000, "--shard N", n, err));
    return iad_parse_i64(left, 1, *n, "--shard I", i, err);
}

static iad_status choose(const run_settings *s, const iad_products *all, const iad_product ***chosen, size_t *n, iad_err *err) {
    int64_t shard, shards;
    IAD_TRY(parse_shard(s->shard, &shard, &shards, err));
    for (size_t i = 0; i < s->categories.n; i++)
        if (!iad_products_find(all, s->categories.items[i]))
            return IAD_FAIL(err, IAD_ERR_ARG, "no category \"%.80s\" (their names are in manifests/categories400.tsv)", s->categories.items[i]);
    *n = 0;
    *chosen = iad_alloc(all->n, sizeof **chosen);
    if (!*chosen) return IAD_NOMEM(err, "categories");
    for (size_t i = 0; i < all->n; i++) {
        const iad_product *p = &all->items[i];
        int named = !s->categories.n && !s->groups.n;
        named |= listed(&s->categories, p->slug) || listed(&s->groups, p->group);
        if (named && (p->id - 1) % shards == shard - 1) (*chosen)[(*n)++] = p;
    }
    return *n ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "no category is left to crawl");
}

/* ---- settings ---- */

static iad_status parse_delay(const char *text, double *lo, double *hi, iad_err *err) {
    char left[40] = "";
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    if (n >= sizeof left) return IAD_FAIL(err, IAD_ERR_ARG, "--engine-delay wants LO:HI in seconds");
    memcpy(left, text, n);
    IAD_TRY(iad_parse_f64(left, 0, 86400, "--engine-delay", lo, err));
    *hi = *lo;
    return colon ? iad_parse_f64(colon + 1, *lo, 86400, "--engine-delay", hi, err) : IAD_OK;
}

static iad_status settle(run_settings *s, iad_app *app, iad_err *err) {
    iad_crawl_options *o = &s->o;
    IAD_TRY(parse_delay(s->engine_delay, &o->engine_delay_lo_s, &o->engine_delay_hi_s, err));
    IAD_TRY(iad_optout_parse(s->optout, &o->optout, err));
    if (!s->engines.n && !s->urls) {
        IAD_TRY(iad_strings_add(&s->engines, "bing", err));
        IAD_TRY(iad_strings_add(&s->engines, "baidu", err));
    }
    s->names = iad_calloc(s->engines.n + 1, sizeof *s->names);
    if (!s->names) return IAD_NOMEM(err, "engines");
    for (size_t i = 0; i < s->engines.n; i++) {
        const iad_engine *engine = iad_engine_find(s->engines.items[i]);
        if (!engine || engine->local)
            return IAD_FAIL(err, IAD_ERR_ARG, "no search engine \"%.60s\" (bing, baidu, openverse; lists of addresses: --urls)", s->engines.items[i]);
        s->names[i] = engine->name;
    }
    s->plan = (iad_crawl_plan){.engines = s->names, .target = s->target, .min_side = (int)s->min_side};
    o->variants = (int)s->variants;
    o->connections = (int)s->connections;
    o->host_connections = (int)s->host_connections;
    o->strikes = (int)s->strikes;
    o->tries = (int)s->tries;
    o->max_bytes = s->max_bytes;
    o->park_after = (int)s->park;
    o->keep_pages = !s->no_pages;
    o->ignore_robots = !strcmp(s->robots, "ignore");
    o->ignore_engine_robots = !strcmp(s->engine_robots, "ignore");
    o->filters.min_side = (int)s->filter_side;
    o->judge.min_bytes = (size_t)s->min_bytes;
    o->judge.max_side = (int)s->max_side;
    o->judge.quality = (int)s->quality;
    o->judge.max_pixels = (uint64_t)(s->max_megapixels * 1e6);
    o->judge.max_aspect = o->rules.max_aspect;
    o->rules.optout_hosts = (int)s->optout_hosts;
    o->engine_urls = &s->engine_urls;
    o->allow_hosts = &s->allow_hosts;
    o->connect_to = &s->connect_to;
    o->leak_dbs = &s->leak_dbs;
    o->seed = (uint64_t)s->seed;
    o->threads = (int)app->threads;
    o->stop = &app->stop;
    return IAD_OK;
}

/* What a run was told, for its row. */
static char *settings_text(const run_settings *s) {
    const iad_crawl_options *o = &s->o;
    json_t *j = json_pack("{s:I,s:i,s:I,s:s,s:f,s:i,s:b,s:b,s:s,s:s}", "target", (json_int_t)s->target, "variants", o->variants, "min_side",
                          (json_int_t)s->min_side, "market", o->market, "host_delay", o->host_delay_s, "host_connections", o->host_connections,
                          "ignore_robots", o->ignore_robots, "ignore_engine_robots", o->ignore_engine_robots, "opt_out", s->optout, "contact",
                          o->contact ? o->contact : "");
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(j);
    return text;
}

/* ---- the run ---- */

typedef struct run_view {
    iad_app *app;
    iad_progress progress;
} run_view;

static void show(void *user, const iad_crawl_counts *c) {
    run_view *view = user;
    view->progress.total = (uint64_t)(c->wanted > 0 ? c->wanted : 0);
    uint64_t have = (uint64_t)(c->wanted ? c->kept : c->fetched);
    iad_progress_add(&view->progress, have > view->progress.done ? have - view->progress.done : 0, (uint64_t)c->failed - view->progress.failed);
}

static void say(void *user, const char *text) {
    IAD_WARN(&((run_view *)user)->app->log, "%s", text);
}

/* A wrong name must not leave an empty manifest behind. */
static iad_status check_names(const run_settings *s, iad_err *err) {
    iad_products products = {0};
    const iad_product **chosen = NULL;
    size_t n;
    if (s->urls) return iad_file_exists(s->urls) ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such file", s->urls);
    iad_status status = s->categories_file ? iad_products_load(&products, s->categories_file, err) : iad_products_builtin(&products, err);
    if (status == IAD_OK) status = choose(s, &products, &chosen, &n, err);
    free(chosen);
    iad_products_deinit(&products);
    return status;
}

static iad_status plan(run_settings *s, iad_manifest *m, iad_app *app, int64_t **ids, size_t *n, iad_err *err) {
    iad_products products = {0};
    const iad_product **chosen = NULL;
    int64_t bad = 0;
    if (s->urls) {
        IAD_TRY(iad_crawl_plan_urls(m, &s->o, &s->plan, s->urls, ids, n, &bad, err));
        if (bad) IAD_WARN(&app->log, "%s: %lld lines could not be read", s->urls, (long long)bad);
        return *n ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no address in it", s->urls);
    }
    iad_status status = s->categories_file ? iad_products_load(&products, s->categories_file, err) : iad_products_builtin(&products, err);
    if (status == IAD_OK) status = choose(s, &products, &chosen, n, err);
    if (status == IAD_OK) status = iad_crawl_plan_products(m, &s->o, &s->plan, chosen, *n, ids, err);
    free(chosen);
    iad_products_deinit(&products);
    return status;
}

static const char *word_of(int code) {
    return code == IAD_EXIT_OK ? "ok" : code == IAD_EXIT_PARTIAL ? "partial" : code == IAD_EXIT_INTERRUPTED ? "interrupted" : "failed";
}

static int crawl(run_settings *s, iad_app *app, iad_err *err) {
    iad_manifest *m = NULL;
    iad_crawl_counts counts = {0};
    int64_t *ids = NULL, run_id = 0;
    size_t n = 0;
    run_view view = {.app = app};
    char *config = settings_text(s), text[400];
    s->o.progress = show;
    s->o.say = say;
    s->o.user = &view;
    iad_status status = check_names(s, err);
    if (status == IAD_OK) status = iad_manifest_open(s->db, IAD_MANIFEST_CREATE, &m, err);
    if (status == IAD_OK) status = plan(s, m, app, &ids, &n, err);
    if (status == IAD_OK) status = iad_run_begin(m, "iad-crawl run", app->version, app->argv_text, config, (uint64_t)s->seed, &run_id, err);
    if (status == IAD_OK) {
        iad_progress_start(&view.progress, "pictures", 0, app->quiet);
        status = iad_crawl_run(m, &s->o, ids, n, &counts, err);
        show(&view, &counts);
        iad_progress_end(&view.progress);
    }
    int code = status != IAD_OK ? iad_app_exit_code(status) : counts.shortfall || counts.engines_blocked ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
    snprintf(text, sizeof text,
             "categories=%lld full=%lld shortfall=%lld kept=%lld doubles=%lld requests=%lld pages=%lld fetched=%lld failed=%lld bytes=%lld "
             "engines_blocked=%d",
             (long long)counts.categories, (long long)counts.full, (long long)counts.shortfall, (long long)counts.kept, (long long)counts.doubles,
             (long long)counts.requests, (long long)counts.pages, (long long)counts.fetched, (long long)counts.failed, (long long)counts.bytes,
             counts.engines_blocked);
    if (run_id) {
        json_t *j = json_pack("{s:I,s:I,s:I,s:I}", "kept", (json_int_t)counts.kept, "shortfall", (json_int_t)counts.shortfall, "requests",
                              (json_int_t)counts.requests, "bytes", (json_int_t)counts.bytes);
        char *dump = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        (void)iad_run_end(m, run_id, word_of(code), dump, NULL); /* the crawl's own error is the one to show */
        free(dump);
        json_decref(j);
        fprintf(stderr, "%s run: %s\n", app->program, text);
    }
    free(config);
    free(ids);
    iad_manifest_close(m);
    return code;
}

static int estimate(run_settings *s, iad_err *err) {
    iad_products products = {0};
    const iad_product **chosen = NULL;
    size_t n = 0;
    iad_buf text;
    iad_buf_init(&text, 1u << 26);
    iad_status status =
        s->urls ? IAD_FAIL(err, IAD_ERR_ARG, "--dry-run estimates searches; a list of addresses has as many requests as lines") : IAD_OK;
    if (status == IAD_OK) status = s->categories_file ? iad_products_load(&products, s->categories_file, err) : iad_products_builtin(&products, err);
    if (status == IAD_OK) status = choose(s, &products, &chosen, &n, err);
    if (status == IAD_OK) status = iad_crawl_estimate(s->db, &s->o, &s->plan, chosen, n, &text, err);
    if (status == IAD_OK) status = iad_app_print(iad_buf_str(&text), text.len, err);
    iad_buf_deinit(&text);
    free(chosen);
    iad_products_deinit(&products);
    return iad_app_exit_code(status);
}

int iad_cmd_crawl_run(iad_app *app, int argc, char **argv, iad_err *err) {
    run_settings s = {.o = iad_crawl_options_default(),
                      .engine_delay = "3:6",
                      .optout = "noai,noimageai,noindex,noimageindex,noml,tdm-reservation",
                      .robots = "follow",
                      .engine_robots = "follow",
                      .target = 250,
                      .variants = 3,
                      .connections = 48,
                      .host_connections = 2,
                      .strikes = 3,
                      .tries = 3,
                      .max_bytes = 20 << 20,
                      .min_bytes = 8192,
                      .park = 10,
                      .optout_hosts = 3,
                      .quality = 90,
                      .filter_side = 400,
                      .max_megapixels = 64};
    iad_crawl_options *o = &s.o;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &s.db, .meta = "FILE", .help = "manifest; made when it is not there", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o->out, .meta = "DIR", .help = "folder of the pictures", .required = 1},
        {.kind = IAD_ARG_STRING,
         .name = "contact",
         .value = &o->contact,
         .meta = "TEXT",
         .help = "e-mail address or URL that is sent with every request"},
        {.kind = IAD_ARG_STRING,
         .name = "name",
         .value = &o->dataset,
         .meta = "NAME",
         .help = "of the data set; products of benchmarks go to NAME-overlap"},
        {.kind = IAD_ARG_LIST, .name = "engine", .value = &s.engines, .meta = "NAME,...", .help = "bing, baidu, openverse (default: bing,baidu)"},
        {.kind = IAD_ARG_STRING,
         .name = "urls",
         .value = &s.urls,
         .meta = "FILE",
         .help = "a list of addresses instead of searches: lines, TSV or JSON lines"},
        {.kind = IAD_ARG_LIST, .name = "categories", .value = &s.categories, .meta = "NAME,...", .help = "only these of the 400"},
        {.kind = IAD_ARG_LIST, .name = "groups", .value = &s.groups, .meta = "NAME,...", .help = "only the categories of these groups"},
        {.kind = IAD_ARG_STRING,
         .name = "categories-file",
         .value = &s.categories_file,
         .meta = "FILE",
         .help = "other categories, as categories400.tsv"},
        {.kind = IAD_ARG_STRING,
         .name = "shard",
         .value = &s.shard,
         .meta = "I/N",
         .help = "every N-th category, for several machines; join with iad-manifest merge"},
        {.kind = IAD_ARG_INT,
         .name = "target",
         .value = &s.target,
         .meta = "N",
         .help = "pictures per category; 0: all that are found",
         .lo = 0,
         .hi = 10000000},
        {.kind = IAD_ARG_INT, .name = "variants", .value = &s.variants, .meta = "N", .help = "queries per engine and category", .lo = 1, .hi = 6},
        {.kind = IAD_ARG_CHOICE,
         .name = "type",
         .value = &o->filters.type,
         .help = "kind of picture to search for",
         .choices = "any|photo|clipart|line|animated"},
        {.kind = IAD_ARG_INT,
         .name = "search-side",
         .value = &s.filter_side,
         .meta = "PX",
         .help = "search for pictures of at least this size",
         .lo = 0,
         .hi = 10000},
        {.kind = IAD_ARG_CHOICE,
         .name = "licence",
         .value = &o->filters.licence,
         .help = "licence to search for",
         .choices = "any|cc|public|share|share-commercial|modify|modify-commercial"},
        {.kind = IAD_ARG_CHOICE,
         .name = "colour",
         .value = &o->filters.colour,
         .help = "colour to search for",
         .choices = "any|colour|grey|red|orange|yellow|green|teal|blue|purple|pink|white|black|brown"},
        {.kind = IAD_ARG_CHOICE, .name = "shape", .value = &o->filters.aspect, .help = "shape to search for", .choices = "any|square|wide|tall"},
        {.kind = IAD_ARG_CHOICE, .name = "age", .value = &o->filters.age, .help = "age to search for", .choices = "any|day|week|month|year"},
        {.kind = IAD_ARG_CHOICE, .name = "safe", .value = &o->filters.safe, .help = "safe search", .choices = "off|moderate|strict"},
        {.kind = IAD_ARG_STRING, .name = "market", .value = &o->market, .meta = "xx-XX", .help = "market of the search"},
        {.kind = IAD_ARG_INT,
         .name = "min-side",
         .value = &s.min_side,
         .meta = "PX",
         .help = "smallest shorter side; 0: 256, textures 400",
         .lo = 0,
         .hi = 60000},
        {.kind = IAD_ARG_INT, .name = "min-bytes", .value = &s.min_bytes, .meta = "N", .help = "smallest file", .lo = 0, .hi = 1 << 30},
        {.kind = IAD_ARG_FLOAT,
         .name = "max-aspect",
         .value = &o->rules.max_aspect,
         .meta = "X",
         .help = "longer side by shorter side",
         .flo = 1,
         .fhi = 1000},
        {.kind = IAD_ARG_INT, .name = "max-bytes", .value = &s.max_bytes, .meta = "N", .help = "largest file", .lo = 1024, .hi = 1 << 30},
        {.kind = IAD_ARG_FLOAT,
         .name = "max-megapixels",
         .value = &s.max_megapixels,
         .meta = "X",
         .help = "largest picture",
         .flo = 0.01,
         .fhi = 256},
        {.kind = IAD_ARG_INT,
         .name = "max-side",
         .value = &s.max_side,
         .meta = "PX",
         .help = "store JPEGs of at most this side; 0: files as they came",
         .lo = 0,
         .hi = 60000},
        {.kind = IAD_ARG_INT, .name = "quality", .value = &s.quality, .meta = "Q", .help = "of those JPEGs", .lo = 1, .hi = 100},
        {.kind = IAD_ARG_FLAG, .name = "keep-animated", .value = &o->judge.keep_animated, .help = "the first picture of an animation counts"},
        {.kind = IAD_ARG_FLAG,
         .name = "keep-thumbnails",
         .value = &o->rules.keep_thumbnails,
         .help = "take an engine's small copy where the original is not known"},
        {.kind = IAD_ARG_LIST,
         .name = "leak-db",
         .value = &s.leak_dbs,
         .meta = "FILE,...",
         .help = "manifests of benchmarks: nothing like their test pictures is kept"},
        {.kind = IAD_ARG_INT,
         .name = "connections",
         .value = &s.connections,
         .meta = "N",
         .help = "at once, all hosts together",
         .lo = 1,
         .hi = 1024},
        {.kind = IAD_ARG_INT,
         .name = "host-connections",
         .value = &s.host_connections,
         .meta = "N",
         .help = "at once to one owner (registrable domain)",
         .lo = 1,
         .hi = 1024},
        {.kind = IAD_ARG_FLOAT,
         .name = "host-delay",
         .value = &o->host_delay_s,
         .meta = "S",
         .help = "seconds between the beginnings of two requests to one owner",
         .flo = 0,
         .fhi = 3600},
        {.kind = IAD_ARG_STRING,
         .name = "engine-delay",
         .value = &s.engine_delay,
         .meta = "LO:HI",
         .help = "seconds between two search pages of one engine"},
        {.kind = IAD_ARG_FLOAT,
         .name = "block-pause",
         .value = &o->block_pause_s,
         .meta = "S",
         .help = "seconds to wait after a block; doubles",
         .flo = 0,
         .fhi = 86400},
        {.kind = IAD_ARG_INT, .name = "strikes", .value = &s.strikes, .meta = "N", .help = "blocks in a row that end an engine", .lo = 1, .hi = 100},
        {.kind = IAD_ARG_INT, .name = "tries", .value = &s.tries, .meta = "N", .help = "per address, for trouble that passes", .lo = 1, .hi = 20},
        {.kind = IAD_ARG_FLOAT,
         .name = "backoff",
         .value = &o->backoff_s,
         .meta = "S",
         .help = "seconds, base of the waiting time between tries",
         .flo = 0,
         .fhi = 60},
        {.kind = IAD_ARG_FLOAT, .name = "connect-timeout", .value = &o->connect_s, .meta = "S", .help = "seconds", .flo = 0.1, .fhi = 600},
        {.kind = IAD_ARG_FLOAT, .name = "timeout", .value = &o->total_s, .meta = "S", .help = "seconds for one file", .flo = 0.1, .fhi = 3600},
        {.kind = IAD_ARG_FLOAT,
         .name = "stall",
         .value = &o->stall_s,
         .meta = "S",
         .help = "seconds below 1 KiB/s that end a transfer",
         .flo = 1,
         .fhi = 600},
        {.kind = IAD_ARG_INT,
         .name = "park-after",
         .value = &s.park,
         .meta = "N",
         .help = "failures in a row after which a host is left alone",
         .lo = 1,
         .hi = 1000000},
        {.kind = IAD_ARG_CHOICE, .name = "robots", .value = &s.robots, .help = "robots.txt of the hosts of pictures", .choices = "follow|ignore"},
        {.kind = IAD_ARG_CHOICE,
         .name = "engine-robots",
         .value = &s.engine_robots,
         .help = "robots.txt of the engines; you answer for their terms",
         .choices = "follow|ignore"},
        {.kind = IAD_ARG_STRING,
         .name = "opt-out",
         .value = &s.optout,
         .meta = "WORDS",
         .help = "words of X-Robots-Tag and meta robots that count; none"},
        {.kind = IAD_ARG_INT,
         .name = "opt-out-hosts",
         .value = &s.optout_hosts,
         .meta = "N",
         .help = "opt-outs after which nothing of a host is kept; 0: never",
         .lo = 0,
         .hi = 1000000},
        {.kind = IAD_ARG_FLAG,
         .name = "check-pages",
         .value = &o->check_pages,
         .help = "read a picture's page for opt-outs first: one request more per picture"},
        {.kind = IAD_ARG_FLAG, .name = "no-pages", .value = &s.no_pages, .help = "do not store search pages as they came"},
        {.kind = IAD_ARG_LIST, .name = "engine-url", .value = &s.engine_urls, .meta = "NAME=URL", .help = "another place to find an engine"},
        {.kind = IAD_ARG_STRING, .name = "engine-agent", .value = &o->engine_agent, .meta = "TEXT", .help = "user agent for engines"},
        {.kind = IAD_ARG_FLAG, .name = "allow-private", .value = &o->allow_private, .help = "private and loopback addresses may be asked"},
        {.kind = IAD_ARG_LIST,
         .name = "allow-host",
         .value = &s.allow_hosts,
         .meta = "HOST,...",
         .help = "hosts that may have a private address; *.NAME: all below"},
        {.kind = IAD_ARG_LIST,
         .name = "connect-to",
         .value = &s.connect_to,
         .meta = "H:P:H:P",
         .help = "as of curl: HOST:PORT is to be found at HOST:PORT"},
        {.kind = IAD_ARG_STRING, .name = "ca-file", .value = &o->ca_file, .meta = "FILE", .help = "certificates to trust"},
        {.kind = IAD_ARG_FLAG, .name = "insecure", .value = &o->insecure, .help = "do not check certificates; noted in every row"},
        {.kind = IAD_ARG_FLAG, .name = "no-proxy", .value = &o->no_proxy, .help = "ignore http_proxy, https_proxy, all_proxy"},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &s.seed, .meta = "N", .help = "of waiting times", .lo = 0, .hi = INT64_MAX},
        {.kind = IAD_ARG_FLAG, .name = "dry-run", .value = &s.dry_run, .help = "print what it would take: requests, time, bytes; nothing is asked"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "run",
        .usage = "--db FILE --out DIR --contact TEXT [options]",
        .help = "Searches for pictures of the categories, fetches and judges them, until each category has its number. Every address and every"
                " search page is a row of the manifest, with what became of it. Stopped or killed at any moment, the same command goes on."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) {
        IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%.100s\"", operands.items[0]);
        code = IAD_EXIT_USAGE;
    }
    if (code < 0 && !s.dry_run && !(o->contact && *o->contact)) {
        IAD_FAIL(err, IAD_ERR_ARG, "--contact is missing: an e-mail address or URL by which people who run hosts can reach you");
        code = IAD_EXIT_USAGE;
    }
    if (code < 0 && settle(&s, app, err) != IAD_OK) code = iad_app_exit_code(err->code);
    if (code < 0) code = s.dry_run ? estimate(&s, err) : crawl(&s, app, err);
    iad_strings *const lists[] = {&operands, &s.engines, &s.categories, &s.groups, &s.engine_urls, &s.allow_hosts, &s.connect_to, &s.leak_dbs};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) iad_strings_deinit(lists[i]);
    free(s.names);
    return code;
}
