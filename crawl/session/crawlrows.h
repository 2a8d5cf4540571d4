/* Rows of the crawl's tables: what manifests/schema.c describes, as structs and the statements of the session. */
#ifndef IAD_CRAWL_CRAWLROWS_H
#define IAD_CRAWL_CRAWLROWS_H

#include <stdint.h>

#include "base/status.h"
#include "crawl/engine/hits.h"
#include "crawl/judge/judge.h"
#include "manifests/arena.h"
#include "manifests/manifest.h"

/* ---- address ---- */

typedef enum iad_url_state { IAD_URL_TODO = 0, IAD_URL_ACTIVE, IAD_URL_RECEIVED, IAD_URL_DONE } iad_url_state;

typedef struct iad_url_row {
    int64_t id, target_id, picture_id;
    char *url;      /* owned by the row; iad_url_row_deinit */
    int is_page;
    iad_url_state state;
    iad_outcome error; /* OK when there is none */
    char optout[20];
    char host[256];
    int tries, hops;
} iad_url_row;
void iad_url_row_deinit(iad_url_row *row);
/* with_text 0: url stays NULL. IAD_ERR_NOT_FOUND names the id. */
iad_status iad_url_row_get(iad_manifest *m, int64_t id, int with_text, iad_url_row *row, iad_err *err);

/* The id of a normalised URL; a new row when it is not there (*fresh = 1). Keeps the smaller number of hops. */
iad_status iad_url_row_put(iad_manifest *m, const char *url, const char *host, int is_page, int hops, int64_t *id, int *fresh, iad_err *err);
iad_status iad_url_row_state(iad_manifest *m, int64_t id, iad_url_state state, iad_err *err);
iad_status iad_url_row_tries(iad_manifest *m, int64_t id, int tries, iad_err *err);

/* What one request brought. */
typedef struct iad_fetch_facts {
    int http;
    int64_t bytes, length; /* length: as announced, -1 not */
    const char *content_type, *etag, *last_modified, *optout, *address;
    int unverified, tries;
    double seconds;
} iad_fetch_facts;
/* state done with an error (its detail), or with a target, or received, or with nothing (a page without an opt-out). */
iad_status iad_url_row_fetched(iad_manifest *m, int64_t id, iad_url_state state, iad_outcome error, const char *detail, int64_t target_id,
                               const iad_fetch_facts *facts, iad_err *err);
iad_status iad_url_row_picture(iad_manifest *m, int64_t id, int64_t picture_id, iad_err *err);

/* ---- picture ---- */

/* The id of the picture with these bytes, 0 when it is new. */
iad_status iad_picture_row_find(iad_manifest *m, const uint8_t sha256[32], int64_t *id, iad_err *err);
/* path NULL: nothing is kept of it. */
iad_status iad_picture_row_add(iad_manifest *m, const iad_judgement *judgement, int64_t bytes, const char *path, int64_t stored_bytes, int64_t *id,
                               iad_err *err);

/* ---- query, page, hit ---- */

typedef struct iad_query_row {
    int64_t id, next_at;
    int variant, pages, barren;
    char engine[20], state[10];
    char *text, *filters; /* owned */
} iad_query_row;
void iad_query_row_deinit(iad_query_row *row);
/* The query of a category whose page comes next: of the smallest variant that has an open one the query with the fewest pages, ties by id. id = 0:
 * none is open. Engines in `closed` (NULL-terminated names) are passed over. */
iad_status iad_query_row_next(iad_manifest *m, int64_t category_id, const char *const *closed, iad_query_row *row, iad_err *err);
iad_status iad_query_row_update(iad_manifest *m, const iad_query_row *row, const char *last_error, iad_err *err);

typedef struct iad_page_row {
    int64_t query_id, category_id, start_at, bytes;
    int number, http;
    const char *response;
} iad_page_row;
/* Adds the page, its hits and their addresses. *fresh: addresses that
 * this category had not seen (what other categories saw depends on who was first). Hits without a usable address are rows too. */
iad_status iad_page_row_add(iad_manifest *m, const iad_page_row *page, const iad_hits *hits, int check_pages, int *fresh, iad_err *err);

/* "2026-01-31T12:00:00Z" */
void iad_utc_now(char text[32]);

#endif
