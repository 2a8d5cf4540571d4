/* A source of picture addresses as a table of functions: how to ask, how to read the answer, how to tell a block from an end. */
#ifndef IAD_CRAWL_SEARCHENGINE_H
#define IAD_CRAWL_SEARCHENGINE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "crawl/engine/hits.h"

/* Filters by neutral names; an engine leaves out what it does not know. */
typedef struct iad_search_filters {
    const char *type;    /* any | photo | clipart | line | animated */
    int min_side;        /* pixels, 0: any */
    const char *licence; /* any | cc | public | share | share-commercial | modify | modify-commercial */
    const char *colour;  /* any | colour | grey | red | orange | yellow | green | teal | blue | purple | pink | white | black | brown */
    const char *aspect;  /* any | square | wide | tall */
    const char *age;     /* any | day | week | month | year */
    const char *safe;    /* off | moderate | strict */
} iad_search_filters;
#define IAD_SEARCH_FILTERS ((iad_search_filters){"photo", 400, "any", "any", "any", "any", "moderate"})
/* "type=photo,min_side=400,...": what is stored beside a query. */
iad_status iad_search_filters_text(const iad_search_filters *filters, iad_buf *out, iad_err *err);

typedef struct iad_search {
    const char *base;   /* "https://www.bing.com" */
    const char *text;   /* UTF-8 */
    const char *market; /* "en-US" */
    const iad_search_filters *filters;
    int64_t at;         /* where the page begins, as the engine counts; see iad_engine.first */
} iad_search;

typedef struct iad_reply {
    int status;
    const char *location;     /* of a redirect, or NULL */
    const char *content_type; /* or NULL */
    const char *body;
    size_t n;
    const char *last_url;     /* last image address of the page before, or NULL */
} iad_reply;

typedef enum iad_page_state {
    IAD_PAGE_OK = 0,
    IAD_PAGE_END,     /* nothing more to come */
    IAD_PAGE_BLOCKED, /* the engine does not want to talk to us: stop */
    IAD_PAGE_BROKEN   /* not what the engine sends: nothing can be read */
} iad_page_state;

typedef struct iad_page {
    iad_page_state state;
    char why[200];        /* for BLOCKED and BROKEN */
    iad_hits hits;
    size_t bad_items;     /* results that could not be read */
    int64_t available;    /* results in all as the engine says, -1 unknown */
} iad_page;
void iad_page_deinit(iad_page *page);

typedef struct iad_engine {
    const char *name;
    const char *base;         /* where it lives */
    const char *language;     /* en | zh: which of a category's names it is asked with */
    int64_t first;            /* where the first page begins */
    int page_size;            /* results per page as asked */
    int64_t ceiling;          /* no page begins at or beyond; 0: none */
    int local;                /* 1: no network, see urllist.h */
    const char *warm_path;    /* asked once per hour for its cookies, or NULL */
    const char *const *headers; /* of every request, NULL-terminated */
    const char *user_agent;   /* default; the crawler's contact is sent beside it */
    iad_status (*request)(const struct iad_engine *engine, const iad_search *search, iad_buf *url, iad_err *err);
    /* Errors are for running out of memory only; everything that can be wrong with an answer is page->state. */
    iad_status (*parse)(const struct iad_engine *engine, const iad_reply *reply, iad_page *page, iad_err *err);
    int64_t (*next)(const struct iad_engine *engine, int64_t at, size_t n_hits);
} iad_engine;

/* bing, baidu, openverse, urllist; NULL when there is none. */
const iad_engine *iad_engine_find(const char *name);
const iad_engine *const *iad_engine_all(void); /* NULL-terminated */

extern const iad_engine iad_engine_bing, iad_engine_baidu, iad_engine_openverse, iad_engine_urllist;

/* What all engines share: 429, 403, 503 and redirects to a page for humans are blocks. 1 when *page is decided. */
int iad_page_status(const iad_reply *reply, iad_page *page);

#endif
