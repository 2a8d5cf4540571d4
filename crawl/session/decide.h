/* Which hits of a category are kept: a pure function of what is known about them (fetched addresses, pictures, refusals), in the order of the
 * hits. It is computed again whenever something was learnt, so it never matters in which order answers came. */
#ifndef IAD_CRAWL_DECIDE_H
#define IAD_CRAWL_DECIDE_H

#include <stdint.h>

#include "base/status.h"
#include "crawl/hash/hamming.h"
#include "crawl/outcome.h"
#include "manifests/arena.h"
#include "manifests/manifest.h"

#define IAD_PLACEHOLDER_PAGES 3 /* one picture at so many addresses on so many pages of one host is no product picture */
#define IAD_MAX_HOPS 5

/* ---- pictures of benchmarks ---- */

typedef struct iad_leak_list iad_leak_list;
/* Evaluation pictures (part test, or of a data set with eval_overlap; not of origin web) of the manifest and of others. Errors: database errors. */
iad_status iad_leak_list_new(iad_leak_list **list, iad_err *err);
iad_status iad_leak_list_add(iad_leak_list *list, iad_manifest *m, iad_err *err);
void iad_leak_list_free(iad_leak_list *list);
size_t iad_leak_list_count(const iad_leak_list *list);

/* ---- what is kept already ---- */

typedef struct iad_doubles iad_doubles;
iad_status iad_doubles_new(iad_doubles **doubles, iad_err *err);
void iad_doubles_free(iad_doubles *doubles);

/* ---- one category ---- */

typedef enum iad_hit_state {
    IAD_HIT_UNTOUCHED = 0, /* may be asked for */
    IAD_HIT_WAITING,       /* asked for, no outcome yet */
    IAD_HIT_HELD,          /* the same picture as an earlier hit without an outcome: waits for that one */
    IAD_HIT_KEPT,
    IAD_HIT_SPARE,         /* good, but the category has enough */
    IAD_HIT_DOUBLE,
    IAD_HIT_REJECTED,
    IAD_HIT_FAILED
} iad_hit_state;

typedef struct iad_candidate {
    int64_t hit_id, url_id, page_url_id, picture_id, want_url; /* want_url: what is to be fetched next for an UNTOUCHED or WAITING one */
    int64_t of_hit, alike;
    iad_hit_state state;
    iad_outcome reason; /* of REJECTED and FAILED */
    const char *why;    /* of DOUBLE: engine_key, url, file, pixels, near, other_category */
    int64_t pixels;
    size_t head;        /* of DOUBLE: place + 1 of the one it doubles among the items, 0: elsewhere */
    int is_new_verdict; /* the row says something else */
} iad_candidate;

typedef struct iad_decision {
    iad_candidate *items;
    size_t n, cap;
    int64_t kept, spare, untouched, waiting, held;
    iad_arena arena;
} iad_decision;
void iad_decision_deinit(iad_decision *decision);

typedef struct iad_decide_rules {
    int min_side;            /* pixels */
    int64_t target;          /* 0: all */
    double max_aspect;
    int check_pages;         /* 1: a hit's page must have been asked first */
    int keep_thumbnails;     /* 1: the engine's small copies are good enough */
    int optout_hosts;        /* a host with so many opt-outs is left alone; 0: never */
    const iad_leak_list *leaks;
} iad_decide_rules;

/* Reads the category's hits and what became of their addresses, decides. `doubles`: pictures that are kept so far; those of this category are
 * added under their hits. sticky 1: doubles of other categories that an earlier pass found stay doubles (for passes that look at one
 * category only). */
iad_status iad_decide_category(iad_manifest *m, int64_t category_id, const iad_decide_rules *rules, iad_doubles *doubles, int sticky,
                               iad_decision *decision, iad_err *err);
/* Writes what changed. */
iad_status iad_decision_store(iad_manifest *m, const iad_decision *decision, iad_err *err);

#endif
