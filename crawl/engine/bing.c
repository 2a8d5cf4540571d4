/* Bing image search: the HTML fragment of /images/async, tiles of which carry JSON in the attribute m. */
#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/http/url.h"
#include "base/text.h"
#include "crawl/engine/searchengine.h"
#include "crawl/engine/laxjson.h"

#define MAX_HTML (16u * 1024u * 1024u)

/* ---- asking ---- */

typedef struct token {
    const char *name, *token;
} token;

static iad_status add_token(iad_buf *url, const token *tokens, const char *name, iad_err *err) {
    for (; name && tokens->name; tokens++)
        if (!strcmp(tokens->name, name)) return iad_buf_addf(url, err, "+filterui:%s", tokens->token);
    return IAD_OK;
}

static iad_status bing_request(const iad_engine *engine, const iad_search *search, iad_buf *url, iad_err *err) {
    static const token types[] = {{"photo", "photo-photo"}, {"clipart", "photo-clipart"}, {"line", "photo-linedrawing"},
                                  {"animated", "photo-animatedgif"}, {NULL, NULL}};
    static const token licences[] = {{"cc", "licenseType-Any"}, {"public", "license-L1"}, {"share", "license-L2_L3_L4_L5_L6_L7"},
                                     {"share-commercial", "license-L2_L3_L4"}, {"modify", "license-L2_L3_L5_L6"},
                                     {"modify-commercial", "license-L2_L3"}, {NULL, NULL}};
    static const token colours[] = {{"colour", "color2-color"}, {"grey", "color2-bw"}, {"red", "color2-FGcls_RED"}, {"orange", "color2-FGcls_ORANGE"},
                                    {"yellow", "color2-FGcls_YELLOW"}, {"green", "color2-FGcls_GREEN"}, {"teal", "color2-FGcls_TEAL"},
                                    {"blue", "color2-FGcls_BLUE"}, {"purple", "color2-FGcls_PURPLE"}, {"pink", "color2-FGcls_PINK"},
                                    {"white", "color2-FGcls_WHITE"}, {"black", "color2-FGcls_BLACK"}, {"brown", "color2-FGcls_BROWN"}, {NULL, NULL}};
    static const token aspects[] = {{"square", "aspect-square"}, {"wide", "aspect-wide"}, {"tall", "aspect-tall"}, {NULL, NULL}};
    static const token ages[] = {{"day", "age-lt1440"}, {"week", "age-lt10080"}, {"month", "age-lt43200"}, {"year", "age-lt525600"}, {NULL, NULL}};
    const iad_search_filters *f = search->filters;
    IAD_TRY(iad_buf_addf(url, err, "%s/images/async?q=", search->base));
    IAD_TRY(iad_url_encode(url, search->text, strlen(search->text), err));
    IAD_TRY(iad_buf_addf(url, err, "&first=%lld&count=%d&async=1&mkt=%s&adlt=%s&qft=", (long long)search->at, engine->page_size, search->market,
                         f->safe));
    IAD_TRY(add_token(url, types, f->type, err));
    if (f->min_side > 0) IAD_TRY(iad_buf_addf(url, err, "+filterui:imagesize-custom_%d_%d", f->min_side, f->min_side));
    IAD_TRY(add_token(url, licences, f->licence, err));
    IAD_TRY(add_token(url, colours, f->colour, err));
    IAD_TRY(add_token(url, aspects, f->aspect, err));
    return add_token(url, ages, f->age, err);
}

/* ---- reading ---- */

/* "1200 x 800 · jpeg" */
static void read_size(const char *text, iad_hit *hit, char format[20]) {
    char *end;
    long w = strtol(text, &end, 10);
    while (*end == ' ') end++;
    if (end == text || (*end != 'x' && strncmp(end, "\xc3\x97", 2) != 0)) return;
    end += *end == 'x' ? 1 : 2;
    long h = strtol(end, &end, 10);
    if (w < 1 || h < 1 || w > 1000000 || h > 1000000) return;
    hit->width = (int)w;
    hit->height = (int)h;
    const char *dot = strstr(end, "\xc2\xb7");
    if (!dot) return;
    dot += 2 + strspn(dot + 2, " ");
    size_t n = strspn(dot, "abcdefghijklmnopqrstuvwxyz");
    if (n && n < 20) {
        memcpy(format, dot, n);
        format[n] = 0;
        hit->format = format;
    }
}

/* Text of the first node that the XPath finds below `node`; caller frees with xmlFree. */
static xmlChar *text_below(xmlXPathContextPtr context, xmlNodePtr node, const char *path) {
    xmlChar *text = NULL;
    context->node = node;
    xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)path, context);
    if (found && found->nodesetval && found->nodesetval->nodeNr > 0) text = xmlNodeGetContent(found->nodesetval->nodeTab[0]);
    xmlXPathFreeObject(found);
    return text;
}

/* The element that holds one tile with all that belongs to it: the nearest li, else the second parent. */
static xmlNodePtr tile_of(xmlNodePtr node) {
    xmlNodePtr up = node;
    for (int i = 0; i < 6 && up->parent; i++) {
        up = up->parent;
        if (up->name && !strcmp((const char *)up->name, "li")) return up;
    }
    return node->parent && node->parent->parent ? node->parent->parent : node;
}

static iad_status read_tile(xmlXPathContextPtr context, xmlNodePtr link, iad_page *page, iad_err *err) {
    xmlChar *m = xmlGetProp(link, (const xmlChar *)"m");
    if (!m) return IAD_OK;
    json_t *json = NULL;
    char format[20] = "";
    iad_status status = iad_laxjson_parse((const char *)m, strlen((const char *)m), "tile", &json, err);
    if (status == IAD_ERR_FORMAT || (status == IAD_OK && !iad_laxjson_string(json, "murl"))) {
        page->bad_items++;
        status = IAD_OK;
    } else if (status == IAD_OK) {
        iad_hit hit = {.image_url = iad_laxjson_string(json, "murl"), .page_url = iad_laxjson_string(json, "purl"),
                       .thumb_url = iad_laxjson_string(json, "turl"), .title = iad_laxjson_string(json, "t"), .key = iad_laxjson_string(json, "mid")};
        if (!hit.key) hit.key = iad_laxjson_string(json, "md5");
        xmlNodePtr tile = tile_of(link);
        xmlChar *size = text_below(context, tile, ".//*[contains(concat(' ',@class,' '),' imgpt ')]//span");
        xmlChar *site = text_below(context, tile, ".//*[contains(concat(' ',@class,' '),' lnkw ')]//a");
        xmlChar *title = hit.title ? NULL : text_below(context, tile, ".//*[contains(concat(' ',@class,' '),' infnmpt ')]//a");
        if (size) read_size((const char *)size, &hit, format);
        hit.site = (const char *)site;
        if (title) hit.title = (const char *)title;
        status = iad_hits_add(&page->hits, &hit, err);
        xmlFree(size);
        xmlFree(site);
        xmlFree(title);
    }
    json_decref(json);
    xmlFree(m);
    return status;
}

/* Pages for humans that come with status 200. */
static int looks_blocked(const char *body, size_t n) {
    static const char *const signs[] = {"b_captcha", "/turing/captcha", "challenge.js", "unusual traffic", "verify you are a human",
                                        "verify that you", "captcha-container", "id=\"captcha"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (memmem(body, n, signs[i], strlen(signs[i]))) return 1;
    return 0;
}

static void judge_page(const iad_reply *reply, iad_page *page) {
    const iad_hits *hits = &page->hits;
    if (hits->n) {
        if (reply->last_url && !strcmp(reply->last_url, hits->items[hits->n - 1].image_url)) page->state = IAD_PAGE_END;
    } else if (looks_blocked(reply->body, reply->n)) {
        page->state = IAD_PAGE_BLOCKED;
        snprintf(page->why, sizeof page->why, "a page that asks whether we are human");
    } else if (page->bad_items) {
        page->state = IAD_PAGE_BROKEN;
        snprintf(page->why, sizeof page->why, "%zu tiles, none of which can be read", page->bad_items);
    } else {
        page->state = IAD_PAGE_END;
    }
}

static void ignore(void *user, const char *format, ...) {
    (void)user, (void)format;
}

static iad_status bing_parse(const iad_engine *engine, const iad_reply *reply, iad_page *page, iad_err *err) {
    (void)engine;
    *page = (iad_page){.available = -1};
    if (iad_page_status(reply, page)) return IAD_OK;
    if (reply->n == 0) {
        page->state = IAD_PAGE_END;
        return IAD_OK;
    }
    if (reply->n > MAX_HTML) {
        page->state = IAD_PAGE_BROKEN;
        snprintf(page->why, sizeof page->why, "a page of %zu bytes", reply->n);
        return IAD_OK;
    }
    xmlSetGenericErrorFunc(NULL, ignore);
    htmlDocPtr doc = htmlReadMemory(reply->body, (int)reply->n, NULL, "UTF-8",
                                    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_COMPACT);
    xmlXPathContextPtr context = doc ? xmlXPathNewContext(doc) : NULL;
    xmlXPathObjectPtr links =
        context ? xmlXPathEvalExpression((const xmlChar *)"//a[contains(concat(' ',normalize-space(@class),' '),' iusc ')]", context) : NULL;
    iad_status status = IAD_OK;
    for (int i = 0; links && links->nodesetval && i < links->nodesetval->nodeNr && status == IAD_OK; i++)
        status = read_tile(context, links->nodesetval->nodeTab[i], page, err);
    xmlXPathFreeObject(links);
    xmlXPathFreeContext(context);
    xmlFreeDoc(doc);
    xmlResetLastError();
    if (status == IAD_OK) judge_page(reply, page);
    else iad_page_deinit(page);
    return status;
}

static int64_t bing_next(const iad_engine *engine, int64_t at, size_t n_hits) {
    (void)engine;
    return at + (int64_t)n_hits; /* by what came, not by what was asked: pages overlap otherwise */
}

static const char *const bing_headers[] = {"Accept: text/html", "Accept-Language: en-US,en;q=0.9", "Referer: https://www.bing.com/", NULL};

const iad_engine iad_engine_bing = {.name = "bing", .base = "https://www.bing.com", .language = "en", .first = 1, .page_size = 35, .ceiling = 1000,
                                    .headers = bing_headers, .request = bing_request, .parse = bing_parse, .next = bing_next};
