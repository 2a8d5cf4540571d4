/* Baidu image search: the JSON of /search/acjson, as its encoder writes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/http/url.h"
#include "base/text.h"
#include "crawl/engine/baidu_url.h"
#include "crawl/engine/searchengine.h"
#include "crawl/engine/laxjson.h"

static iad_status baidu_request(const iad_engine *engine, const iad_search *search, iad_buf *url, iad_err *err) {
    static const struct {
        const char *name;
        int code;
    } colours[] = {{"red", 1},  {"orange", 256}, {"yellow", 2}, {"green", 4},    {"purple", 32}, {"pink", 64},
                   {"teal", 8}, {"blue", 16},    {"brown", 12}, {"white", 1024}, {"black", 512}, {"grey", 2048}};
    const iad_search_filters *f = search->filters;
    IAD_TRY(
        iad_buf_addf(url, err, "%s/search/acjson?tn=resultjson_com&ipn=rj&fp=result&ct=201326592&cl=2&ie=utf-8&oe=utf-8&nc=1&word=", search->base));
    IAD_TRY(iad_url_encode(url, search->text, strlen(search->text), err));
    IAD_TRY(iad_buf_add_str(url, "&queryWord=", err));
    IAD_TRY(iad_url_encode(url, search->text, strlen(search->text), err));
    /* lm 7: still pictures, 6: animated; st 1: clip art, 2: line drawings; z: 9, 3, 2, 1 from extra large to small. */
    const char *type = f->type;
    IAD_TRY(iad_buf_addf(url, err, "&lm=%s&st=%s&face=0", !strcmp(type, "photo") ? "7" : !strcmp(type, "animated") ? "6" : "-1",
                         !strcmp(type, "clipart") ? "1" : !strcmp(type, "line") ? "2" : "-1"));
    if (f->min_side >= 1000) IAD_TRY(iad_buf_add_str(url, "&z=9", err));
    else if (f->min_side >= 600) IAD_TRY(iad_buf_add_str(url, "&z=3", err));
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (!strcmp(colours[i].name, f->colour)) IAD_TRY(iad_buf_addf(url, err, "&ic=%d", colours[i].code));
    return iad_buf_addf(url, err, "&pn=%lld&rn=%d&gsm=%llx", (long long)search->at, engine->page_size, (unsigned long long)search->at);
}

/* Best address of an item: the decoded and unwrapped objURL, else the plain ones, else Baidu's own copy, marked as such. */
static iad_status best_url(const json_t *item, iad_buf *out, int *thumbnail, iad_err *err) {
    iad_buf plain;
    iad_buf_init(&plain, 4 * IAD_URL_MAX);
    const char *obfuscated = iad_laxjson_string(item, "objURL");
    const json_t *list = json_object_get(item, "replaceUrl");
    iad_status status = obfuscated ? iad_baidu_url_decode(obfuscated, &plain, err) : IAD_OK;
    if (status == IAD_OK && plain.len) status = iad_baidu_url_unwrap(iad_buf_str(&plain), out, err);
    *thumbnail = out->len == 0 || iad_baidu_url_is_copy(iad_buf_str(out));
    for (size_t i = json_array_size(list); status == IAD_OK && *thumbnail && i-- > 0;) {
        const json_t *pair = json_array_get(list, i);
        const char *url = iad_laxjson_string(pair, "ObjURL");
        if (!url) url = iad_laxjson_string(pair, "ObjUrl");
        if (!url || iad_baidu_url_is_copy(url)) continue;
        iad_buf_reset(out);
        status = iad_buf_add_str(out, url, err);
        *thumbnail = 0;
    }
    static const char *const copies[] = {"hoverURL", "middleURL", "thumbURL"};
    for (size_t i = 0; i < 3 && status == IAD_OK && out->len == 0; i++) {
        const char *url = iad_laxjson_string(item, copies[i]);
        if (url) status = iad_buf_add_str(out, url, err);
    }
    iad_buf_deinit(&plain);
    return status == IAD_ERR_LIMIT ? IAD_OK : status; /* an endless address costs its item only */
}

/* Title without markup. */
static void strip_tags(const char *html, char *out, size_t size) {
    size_t n = 0;
    int inside = 0;
    for (const char *p = html; p && *p && n + 1 < size; p++) {
        if (*p == '<') inside = 1;
        else if (*p == '>') inside = 0;
        else if (!inside) out[n++] = *p;
    }
    out[n] = 0;
}

typedef struct reading {
    iad_page *page;
} reading;

static iad_status read_item(void *user, json_t *item, iad_err *err) {
    iad_page *page = ((reading *)user)->page;
    if (!json_is_object(item)) {
        page->bad_items++;
        return IAD_OK;
    }
    if (json_object_size(item) == 0) return IAD_OK; /* the last element always is */
    iad_buf url, from;
    char title[IAD_HIT_MAX_TEXT + 1];
    iad_buf_init(&url, 4 * IAD_URL_MAX);
    iad_buf_init(&from, 4 * IAD_URL_MAX);
    const char *plain_title = iad_laxjson_string(item, "fromPageTitleEnc"), *advert = iad_laxjson_string(item, "adType");
    const char *encoded_from = iad_laxjson_string(item, "fromURL");
    iad_hit hit = {.thumb_url = iad_laxjson_string(item, "thumbURL"), .site = iad_laxjson_string(item, "fromURLHost"),
                   .format = iad_laxjson_string(item, "type"), .key = iad_laxjson_string(item, "cs"), .title = plain_title};
    iad_status status = best_url(item, &url, &hit.thumbnail, err);
    if (status == IAD_OK && encoded_from) status = iad_baidu_url_decode(encoded_from, &from, err);
    if (status == IAD_ERR_LIMIT) status = IAD_OK;
    if (!plain_title) {
        strip_tags(iad_laxjson_string(item, "fromPageTitle"), title, sizeof title);
        hit.title = title;
    }
    int64_t width = iad_laxjson_int(item, "width"), height = iad_laxjson_int(item, "height");
    hit.width = width > 0 && width < 1000000 && !hit.thumbnail ? (int)width : 0;
    hit.height = height > 0 && height < 1000000 && !hit.thumbnail ? (int)height : 0;
    hit.image_url = url.len ? iad_buf_str(&url) : NULL;
    hit.page_url = iad_text_starts(iad_buf_str(&from), "http") ? iad_buf_str(&from) : NULL;
    hit.advert = advert && strcmp(advert, "0") != 0;
    if (!hit.image_url) page->bad_items++;
    else if (status == IAD_OK) status = iad_hits_add(&page->hits, &hit, err);
    iad_buf_deinit(&url);
    iad_buf_deinit(&from);
    return status;
}

static void blocked(iad_page *page, const char *why) {
    page->state = IAD_PAGE_BLOCKED;
    snprintf(page->why, sizeof page->why, "%.190s", why);
}

static iad_status read_root(const iad_reply *reply, const json_t *root, iad_page *page, iad_err *err) {
    reading r = {page};
    const json_t *data = json_object_get(root, "data");
    if (iad_laxjson_int(root, "antiFlag") == 1) {
        const char *message = iad_laxjson_string(root, "message");
        blocked(page, message ? message : "antiFlag");
        return IAD_OK;
    }
    if (!json_is_array(data)) {
        page->state = IAD_PAGE_BROKEN;
        snprintf(page->why, sizeof page->why, "no list of results");
        return IAD_OK;
    }
    int64_t number = iad_laxjson_int(root, "listNum");
    page->available = number > 0 ? number : -1;
    for (size_t i = 0; i < json_array_size(data); i++) IAD_TRY(read_item(&r, json_array_get(data, i), err));
    if (page->hits.n == 0) page->state = IAD_PAGE_END;
    else if (reply->last_url && !strcmp(reply->last_url, page->hits.items[page->hits.n - 1].image_url)) page->state = IAD_PAGE_END;
    return IAD_OK;
}

static iad_status baidu_parse(const iad_engine *engine, const iad_reply *reply, iad_page *page, iad_err *err) {
    (void)engine;
    *page = (iad_page){.available = -1};
    if (iad_page_status(reply, page)) return IAD_OK;
    size_t lead = 0;
    while (lead < reply->n && (unsigned char)reply->body[lead] <= ' ') lead++;
    if (lead == reply->n) {
        blocked(page, "an empty answer");
        return IAD_OK;
    }
    if (reply->body[lead] == '<') {
        blocked(page, "a web page instead of results");
        return IAD_OK;
    }
    json_t *root = NULL;
    iad_err why = IAD_ERR_NONE;
    iad_status status = iad_laxjson_parse(reply->body, reply->n, "answer", &root, &why);
    if (status == IAD_OK) {
        status = read_root(reply, root, page, err);
    } else if (status == IAD_ERR_FORMAT) {
        reading r = {page};
        size_t bad = 0;
        status = iad_laxjson_salvage(reply->body, reply->n, "data", read_item, &r, &bad, err);
        page->bad_items += bad;
        if (status == IAD_OK && page->hits.n == 0) {
            page->state = IAD_PAGE_BROKEN;
            snprintf(page->why, sizeof page->why, "%.190s", why.msg);
        }
    } else if (status == IAD_ERR_LIMIT) {
        page->state = IAD_PAGE_BROKEN;
        snprintf(page->why, sizeof page->why, "%.190s", why.msg);
        status = IAD_OK;
    } else if (err) {
        *err = why;
    }
    json_decref(root);
    if (status == IAD_ERR_LIMIT) status = IAD_OK; /* more results than a page can have: those that were read count */
    if (status != IAD_OK) iad_page_deinit(page);
    return status;
}

static int64_t baidu_next(const iad_engine *engine, int64_t at, size_t n_hits) {
    (void)n_hits;
    return at + engine->page_size;
}

static const char *const baidu_headers[] = {"Accept: application/json, text/plain, */*", "Accept-Language: zh-CN,zh;q=0.9,en;q=0.5",
                                            "Referer: https://image.baidu.com/search/index?tn=baiduimage", NULL};

const iad_engine iad_engine_baidu = {.name = "baidu",
                                     .base = "https://image.baidu.com",
                                     .language = "zh",
                                     .first = 0,
                                     .page_size = 30,
                                     .ceiling = 2000,
                                     .warm_path = "/",
                                     .headers = baidu_headers,
                                     .request = baidu_request,
                                     .parse = baidu_parse,
                                     .next = baidu_next};
