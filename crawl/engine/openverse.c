/* Openverse (api.openverse.org, GET /v1/images/): openly licensed pictures, with their licence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/http/url.h"
#include "crawl/engine/searchengine.h"
#include "crawl/engine/laxjson.h"

static iad_status openverse_request(const iad_engine *engine, const iad_search *search, iad_buf *url, iad_err *err) {
    const iad_search_filters *f = search->filters;
    IAD_TRY(iad_buf_addf(url, err, "%s/v1/images/?q=", search->base));
    IAD_TRY(iad_url_encode(url, search->text, strlen(search->text), err));
    IAD_TRY(iad_buf_addf(url, err, "&page=%lld&page_size=%d", (long long)search->at, engine->page_size));
    if (!strcmp(f->type, "photo")) IAD_TRY(iad_buf_add_str(url, "&category=photograph", err));
    if (!strcmp(f->licence, "public")) IAD_TRY(iad_buf_add_str(url, "&license=cc0,pdm", err));
    else if (!strcmp(f->licence, "share-commercial") || !strcmp(f->licence, "modify-commercial") || !strcmp(f->licence, "modify"))
        IAD_TRY(iad_buf_addf(url, err, "&license_type=%s", !strcmp(f->licence, "modify") ? "modification"
                                                           : !strcmp(f->licence, "share-commercial") ? "commercial" : "commercial,modification"));
    if (strcmp(f->aspect, "any") != 0) IAD_TRY(iad_buf_addf(url, err, "&aspect_ratio=%s", f->aspect));
    return IAD_OK;
}

static iad_status read_item(const json_t *item, iad_page *page, iad_err *err) {
    char licence[200] = "";
    const char *name = iad_laxjson_string(item, "license"), *version = iad_laxjson_string(item, "license_version");
    if (name) snprintf(licence, sizeof licence, "%.100s%s%.50s", name, version ? " " : "", version ? version : "");
    iad_hit hit = {.image_url = iad_laxjson_string(item, "url"), .page_url = iad_laxjson_string(item, "foreign_landing_url"),
                   .thumb_url = iad_laxjson_string(item, "thumbnail"), .title = iad_laxjson_string(item, "title"),
                   .site = iad_laxjson_string(item, "source"), .format = iad_laxjson_string(item, "filetype"), .key = iad_laxjson_string(item, "id"),
                   .licence = licence, .licence_url = iad_laxjson_string(item, "license_url"), .creator = iad_laxjson_string(item, "creator")};
    int64_t width = iad_laxjson_int(item, "width"), height = iad_laxjson_int(item, "height");
    hit.width = width > 0 && width < 1000000 ? (int)width : 0;
    hit.height = height > 0 && height < 1000000 ? (int)height : 0;
    if (!hit.image_url) {
        page->bad_items++;
        return IAD_OK;
    }
    return iad_hits_add(&page->hits, &hit, err);
}

static iad_status openverse_parse(const iad_engine *engine, const iad_reply *reply, iad_page *page, iad_err *err) {
    (void)engine;
    *page = (iad_page){.available = -1};
    if (reply->status == 404 || reply->status == 400) { /* beyond the last page that anonymous users may see */
        page->state = IAD_PAGE_END;
        return IAD_OK;
    }
    if (iad_page_status(reply, page)) return IAD_OK;
    json_t *root = NULL;
    iad_err why = IAD_ERR_NONE;
    iad_status status = iad_laxjson_parse(reply->body, reply->n, "answer", &root, &why);
    const json_t *results = status == IAD_OK ? json_object_get(root, "results") : NULL;
    if (status == IAD_ERR_NOMEM) {
        if (err) *err = why;
        return status;
    }
    if (!json_is_array(results)) {
        page->state = IAD_PAGE_BROKEN;
        snprintf(page->why, sizeof page->why, "%.190s", status == IAD_OK ? "no list of results" : why.msg);
        json_decref(root);
        return IAD_OK;
    }
    status = IAD_OK;
    page->available = iad_laxjson_int(root, "result_count");
    for (size_t i = 0; i < json_array_size(results) && status == IAD_OK; i++) {
        const json_t *item = json_array_get(results, i);
        if (json_is_object(item)) status = read_item(item, page, err);
        else page->bad_items++;
    }
    if (status == IAD_ERR_LIMIT) status = IAD_OK;
    if (status == IAD_OK && page->hits.n == 0) page->state = IAD_PAGE_END;
    json_decref(root);
    if (status != IAD_OK) iad_page_deinit(page);
    return status;
}

static int64_t openverse_next(const iad_engine *engine, int64_t at, size_t n_hits) {
    (void)engine, (void)n_hits;
    return at + 1;
}

static const char *const openverse_headers[] = {"Accept: application/json", NULL};

const iad_engine iad_engine_openverse = {.name = "openverse",
                                         .base = "https://api.openverse.org",
                                         .language = "en",
                                         .first = 1,
                                         .page_size = 20,
                                         .ceiling = 13, /* anonymous users see 240 results */
                                         .headers = openverse_headers,
                                         .request = openverse_request,
                                         .parse = openverse_parse,
                                         .next = openverse_next};
