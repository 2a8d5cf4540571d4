#include "crawl/engine/hits.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/http/url.h"
#include "base/text.h"

void iad_hits_deinit(iad_hits *hits) {
    free(hits->items);
    iad_arena_deinit(&hits->arena);
    memset(hits, 0, sizeof *hits);
}

/* Clean copy, NULL when nothing is left. */
static iad_status tidy(iad_hits *hits, const char *text, size_t max, const char **out, iad_err *err) {
    *out = NULL;
    if (!text || !*text) return IAD_OK;
    size_t n = strlen(text), kept = 0;
    char *copy = iad_arena_take(&hits->arena, (n < max ? n : max) + 1);
    if (!copy) return IAD_NOMEM(err, "a search result");
    for (size_t i = 0; i < n && kept < max;) {
        unsigned char c = (unsigned char)text[i];
        size_t size = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if (i + size > n || iad_utf8_valid(text + i, size) != size) {
            copy[kept++] = '?';
            i++;
            continue;
        }
        int private_use = c == 0xee || (c == 0xef && (unsigned char)text[i + 1] <= 0xa3);
        if (kept + size > max) break;
        if (c < 0x20 || c == 0x7f) copy[kept++] = ' ';
        else if (!private_use) {
            memcpy(copy + kept, text + i, size);
            kept += size;
        }
        i += size;
    }
    while (kept && copy[kept - 1] == ' ') kept--;
    copy[kept] = 0;
    if (kept) *out = copy;
    return IAD_OK;
}

iad_status iad_hits_add(iad_hits *hits, const iad_hit *hit, iad_err *err) {
    iad_hit clean = *hit;
    const struct {
        const char *from, **to;
        size_t max;
    } texts[] = {{hit->image_url, &clean.image_url, IAD_URL_MAX}, {hit->page_url, &clean.page_url, IAD_URL_MAX},
                 {hit->thumb_url, &clean.thumb_url, IAD_URL_MAX}, {hit->title, &clean.title, IAD_HIT_MAX_TEXT},
                 {hit->site, &clean.site, 300},                   {hit->format, &clean.format, 20},
                 {hit->key, &clean.key, 200},                     {hit->licence, &clean.licence, 200},
                 {hit->licence_url, &clean.licence_url, IAD_URL_MAX}, {hit->creator, &clean.creator, 300},
                 {hit->category, &clean.category, 100}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) IAD_TRY(tidy(hits, texts[i].from, texts[i].max, texts[i].to, err));
    if (!clean.image_url) return IAD_OK;
    if (clean.width < 0 || clean.width > 1000000) clean.width = 0;
    if (clean.height < 0 || clean.height > 1000000) clean.height = 0;
    void *items = hits->items;
    IAD_TRY(iad_grow(&items, &hits->cap, hits->n + 1, sizeof *hits->items, IAD_HITS_MAX, "search results", err));
    hits->items = items;
    hits->items[hits->n++] = clean;
    return IAD_OK;
}
