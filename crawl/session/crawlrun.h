/* A crawl from beginning to end: asks the engines, fetches, judges, decides, until every category has its pictures or nothing is left to ask.
 * Everything that was learnt is in the manifest at once; a run that was killed goes on where it stopped. */
#ifndef IAD_CRAWL_CRAWLRUN_H
#define IAD_CRAWL_CRAWLRUN_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "crawl/engine/searchengine.h"
#include "crawl/judge/judge.h"
#include "crawl/session/decide.h"
#include "manifests/manifest.h"

#define IAD_CRAWL_TOKEN "iadgpt-crawl" /* by which robots.txt and opt-outs name us */

typedef struct iad_crawl_counts {
    int64_t categories, full, shortfall; /* that have their pictures; pictures that are missing in the others */
    int64_t kept, wanted;                /* pictures; wanted 0: all */
    int64_t requests, pages, bytes;      /* of this run */
    int64_t fetched, failed, doubles;    /* of this run; doubles: of all */
    int engines_blocked;                 /* given up */
} iad_crawl_counts;

typedef struct iad_crawl_options {
    const char *out;             /* folder of images/, spool/, pages/ */
    const char *dataset;         /* name of the data set; categories that benchmarks have too go to "<name>-overlap" */
    const char *contact;         /* an address or URL for people who run hosts; required */
    const char *engine_agent;    /* user agent for the engines, NULL: ours */
    const char *market;          /* "en-US" */
    iad_search_filters filters;
    int variants;                /* queries per engine and category, >= 1 */
    const iad_strings *engine_urls; /* "bing=http://127.0.0.1:8000": other places to find an engine */

    int connections;             /* at once, all hosts together */
    int host_connections;        /* per owner */
    double host_delay_s;         /* between the beginnings of two requests to one owner */
    double engine_delay_lo_s, engine_delay_hi_s; /* between two search pages of one engine, uniform */
    double block_pause_s;        /* after the first block; doubles each time */
    int strikes;                 /* blocks in a row that end an engine */
    int tries;                   /* per address, for trouble that passes */
    double backoff_s;            /* base of the waiting time */
    double connect_s, total_s, stall_s;
    int64_t max_bytes;
    int ignore_robots, ignore_engine_robots;
    unsigned optout;             /* IAD_OPTOUT_* words that count */
    int check_pages;             /* 1: a hit's page is read for opt-outs before its picture is fetched */
    int keep_pages;              /* 1: search pages are stored */
    int park_after;              /* failures in a row after which a host is left alone for this run */

    int allow_private, insecure, no_proxy;
    const iad_strings *allow_hosts, *connect_to;
    const char *ca_file;

    iad_judge_options judge;
    iad_decide_rules rules;      /* target, min_side and leaks are filled in per category */
    const iad_strings *leak_dbs; /* manifests of benchmarks */

    uint64_t seed;               /* of waiting times */
    int threads;                 /* that judge */
    const atomic_int *stop;
    /* Now and then: what there is. May be NULL. */
    void (*progress)(void *user, const iad_crawl_counts *counts);
    void (*say)(void *user, const char *text); /* news for people: an engine that blocks ... */
    void *user;
} iad_crawl_options;
iad_crawl_options iad_crawl_options_default(void);

/* The crawl of the categories that have a goal in the manifest (see crawlplan.h) and of these ids only (n 0: all). Returns IAD_OK also when pictures
 * are missing: see counts. Errors: IAD_ERR_INTERRUPTED; IAD_ERR_IO (disk full ...); database errors; what was finished is kept. */
iad_status iad_crawl_run(iad_manifest *m, const iad_crawl_options *options, const int64_t *categories, size_t n, iad_crawl_counts *counts,
                         iad_err *err);

#endif
