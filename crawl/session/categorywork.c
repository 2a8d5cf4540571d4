#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crawl/session/crawlsession.h"
#include "manifests/query.h"

void iad_work_ready(iad_session *s, int place) {
    iad_category_work *w = &s->work[place];
    if (w->ready || !w->open) return;
    w->ready = 1;
    s->ready[s->n_ready++] = place;
}

iad_decide_rules iad_work_rules(const iad_session *s, const iad_category_work *w) {
    iad_decide_rules rules = s->o->rules;
    rules.min_side = w->min_side;
    rules.target = w->target;
    rules.check_pages = s->o->check_pages;
    rules.leaks = s->leaks;
    return rules;
}

/* Asks for one address; counts it when it has no outcome. */
static iad_status ask(iad_session *s, int place, int64_t url_id, iad_err *err) {
    int waits = 0;
    IAD_TRY(iad_desk_ask(s, url_id, place, &waits, err));
    s->work[place].outstanding += waits != 0;
    return IAD_OK;
}

/* A category without a target asks for everything, so nothing needs to be decided before the end. */
static iad_status ask_for_all(iad_session *s, int place, iad_err *err) {
    iad_category_work *w = &s->work[place];
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, s->m, "crawl_hit",
        "SELECT DISTINCT u.id FROM crawl_hit h JOIN crawl_url u ON u.id=h.url_id WHERE h.category_id=?1 AND u.state<>'done' AND h.advert=0"
        " AND (h.thumbnail=0 OR ?2) AND (coalesce(min(h.width,h.height),0)=0 OR (min(h.width,h.height)>=?3"
        " AND max(h.width,h.height)<=?4*min(h.width,h.height))) ORDER BY u.id LIMIT ?5",
        err));
    iad_query_i64(&q, w->id);
    iad_query_i64(&q, s->o->rules.keep_thumbnails);
    iad_query_i64(&q, w->min_side);
    iad_query_f64(&q, s->o->rules.max_aspect);
    iad_query_i64(&q, IAD_WAVE);
    /* The ids first: asking writes to the table that is being read. */
    int64_t *ids = iad_alloc(IAD_WAVE, sizeof *ids);
    size_t n = 0;
    while (ids && n < IAD_WAVE && iad_query_next(&q)) ids[n++] = iad_query_col_i64(&q, 0);
    iad_status status = iad_query_close(&q, err);
    if (!ids && status == IAD_OK) status = IAD_NOMEM(err, "addresses");
    for (size_t i = 0; i < n && status == IAD_OK; i++) status = ask(s, place, ids[i], err);
    free(ids);
    return status;
}

iad_status iad_work_close(iad_session *s, iad_category_work *w, iad_err *err) {
    iad_query q;
    w->open = 0;
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(iad_query_open(&q, s->m, "crawl_goal", "UPDATE crawl_goal SET state=?,kept=? WHERE category_id=?", err));
    iad_query_text(&q, w->target == 0 || w->kept >= w->target ? "done" : "short");
    iad_query_i64(&q, w->kept);
    iad_query_i64(&q, w->id);
    return iad_query_run(&q, "a goal", err);
}

/* Has an engine that gave up still something to say about this category? */
static iad_status was_blocked(iad_session *s, iad_category_work *w, iad_err *err) {
    iad_query_row row;
    IAD_TRY(iad_query_row_next(s->m, w->id, NULL, &row, err));
    w->blocked = row.id != 0;
    iad_query_row_deinit(&row);
    return IAD_OK;
}

/* The next page for it, if there is an engine left to ask; *asked says. */
static iad_status want_page(iad_session *s, int place, int *asked, iad_err *err) {
    iad_category_work *w = &s->work[place];
    const char *closed[IAD_MAX_ENGINES + 1];
    iad_lanes_closed(s, closed);
    iad_query_row_deinit(&w->want);
    IAD_TRY(iad_query_row_next(s->m, w->id, closed, &w->want, err));
    *asked = w->want.id != 0;
    if (*asked) w->lane = 1 + iad_lane_find(s, w->want.engine);
    *asked = *asked && w->lane; /* an engine that this program does not know */
    return IAD_OK;
}

/* Asks for the first `most` untouched hits. */
static iad_status ask_in_order(iad_session *s, int place, const iad_decision *d, int64_t most, iad_err *err) {
    for (size_t i = 0; i < d->n && most > 0; i++) {
        if (d->items[i].state != IAD_HIT_UNTOUCHED) continue;
        IAD_TRY(ask(s, place, d->items[i].want_url, err));
        most--;
    }
    return IAD_OK;
}

/* What was asked for before the program was started. */
static iad_status wait_for_old(iad_session *s, int place, const iad_decision *d, iad_err *err) {
    for (size_t i = 0; i < d->n; i++)
        if (d->items[i].state == IAD_HIT_WAITING) IAD_TRY(ask(s, place, d->items[i].want_url, err));
    return IAD_OK;
}

static iad_status advance_by_decision(iad_session *s, int place, iad_err *err) {
    iad_category_work *w = &s->work[place];
    iad_decide_rules rules = iad_work_rules(s, w);
    iad_doubles *doubles = NULL;
    iad_decision d;
    int asked = 0;
    IAD_TRY(iad_doubles_new(&doubles, err));
    iad_status status = iad_decide_category(s->m, w->id, &rules, doubles, 1, &d, err);
    iad_doubles_free(doubles);
    IAD_TRY(status);
    w->kept = d.kept;
    status = iad_session_write(s, err);
    if (status == IAD_OK) status = iad_decision_store(s->m, &d, err);
    if (status == IAD_OK && d.waiting) status = wait_for_old(s, place, &d, err);
    int64_t need = w->target ? w->target - d.kept : INT64_MAX;
    if (status == IAD_OK && !w->outstanding && need > 0) {
        /* Pages first, until there are enough hits for what is missing; then exactly as many addresses as are missing. So the set of what is
         * fetched depends on the answers only, not on their order, and nothing is fetched that is not needed. */
        status = want_page(s, place, &asked, err);
        /* The first page of every engine in any case: a category is to come from all of them. */
        if (asked && d.untouched >= need && (w->want.variant || w->want.pages)) w->lane = asked = 0;
        if (status == IAD_OK && !asked) status = ask_in_order(s, place, &d, need < IAD_WAVE ? need : IAD_WAVE, err);
    }
    if (status == IAD_OK && !w->outstanding && !asked) {
        /* All that was asked for may have had its outcome already, for another category: look again. */
        if (need > 0 && d.untouched > 0) iad_work_ready(s, place);
        else {
            if (need > 0) status = was_blocked(s, w, err);
            if (status == IAD_OK) status = iad_work_close(s, w, err);
        }
    }
    iad_decision_deinit(&d);
    return status;
}

iad_status iad_work_advance(iad_session *s, int place, iad_err *err) {
    iad_category_work *w = &s->work[place];
    w->ready = 0;
    if (!w->open || w->outstanding || w->lane) return IAD_OK;
    if (w->target || s->o->check_pages) return advance_by_decision(s, place, err);
    int asked = 0;
    IAD_TRY(want_page(s, place, &asked, err));
    if (asked) return IAD_OK;
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(ask_for_all(s, place, err));
    if (w->outstanding) return IAD_OK;
    IAD_TRY(was_blocked(s, w, err));
    return iad_work_close(s, w, err);
}
