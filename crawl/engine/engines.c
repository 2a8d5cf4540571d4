#include <stdio.h>
#include <string.h>

#include "crawl/engine/searchengine.h"

const iad_engine *const *iad_engine_all(void) {
    static const iad_engine *const all[] = {&iad_engine_bing, &iad_engine_baidu, &iad_engine_openverse, &iad_engine_urllist, NULL};
    return all;
}

const iad_engine *iad_engine_find(const char *name) {
    for (const iad_engine *const *e = iad_engine_all(); *e; e++)
        if (!strcmp((*e)->name, name)) return *e;
    return NULL;
}

void iad_page_deinit(iad_page *page) {
    iad_hits_deinit(&page->hits);
}

iad_status iad_search_filters_text(const iad_search_filters *f, iad_buf *out, iad_err *err) {
    return iad_buf_addf(out, err, "type=%s,min_side=%d,licence=%s,colour=%s,aspect=%s,age=%s,safe=%s", f->type, f->min_side, f->licence, f->colour,
                        f->aspect, f->age, f->safe);
}

int iad_page_status(const iad_reply *reply, iad_page *page) {
    if (reply->status == 200) return 0;
    page->state = IAD_PAGE_BROKEN;
    if (reply->status == 403 || reply->status == 429 || reply->status == 503 || reply->status == 202) {
        page->state = IAD_PAGE_BLOCKED;
        snprintf(page->why, sizeof page->why, "status %d", reply->status);
    } else if (reply->status >= 300 && reply->status < 400) {
        page->state = IAD_PAGE_BLOCKED;
        snprintf(page->why, sizeof page->why, "redirect to %.150s", reply->location ? reply->location : "nowhere");
    } else {
        snprintf(page->why, sizeof page->why, "status %d", reply->status);
    }
    return 1;
}
