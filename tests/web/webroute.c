/* From a path to an answer: engines, pages, robots.txt, pictures. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/web/webpage.h"
#include "tests/web/webstate.h"

enum { MAX_PAGE = 4 << 20 };

static const char captcha[] =
    "<!doctype html><html><head><title>Security check</title></head><body><form action=\"/captcha\"><div id=\"b_captcha\" class=\"captcha\">"
    "Please solve the challenge below to continue</div></form></body></html>";

static int number_of(struct MHD_Connection *connection, const char *name, int fallback, int lo, int hi) {
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    int64_t value;
    return text && iad_parse_i64(text, lo, hi, name, &value, NULL) == IAD_OK ? (int)value : fallback;
}

static enum MHD_Result send_buffer(iad_web_request *request, struct MHD_Connection *connection, int status, iad_buf *body,
                                   const char *const *headers) {
    size_t n = 0;
    char *bytes = iad_buf_take(body, &n);
    return bytes ? iad_web_send(request, connection, status, bytes, n, headers) : MHD_NO;
}

/* The way in which this request of an engine is to be refused, NULL when it is not. */
static const char *block_of(iad_web *web, iad_web_engine engine) {
    const int64_t at = web->asked[engine]++;
    for (int i = 0; i < web->blocks; i++)
        if (web->block[i].engine == engine && at >= web->block[i].from && at < web->block[i].from + web->block[i].count) return web->block[i].how;
    return NULL;
}

static enum MHD_Result refuse(iad_web_request *request, struct MHD_Connection *connection, const char *how) {
    static const char *const later[] = {"Content-Type", "text/html", "Retry-After", "2", NULL};
    iad_text_copy(request->kind, sizeof request->kind, how);
    if (!strcmp(how, "429")) return iad_web_send_page(request, connection, 429, "<html>too many requests</html>", later);
    if (!strcmp(how, "503")) return iad_web_send_page(request, connection, 503, "<html>later</html>", NULL);
    if (!strcmp(how, "wappass")) return iad_web_redirect(request, connection, "https://wappass.baidu.com/static/captcha/tuxing.html?ak=1");
    if (!strcmp(how, "html")) return iad_web_send_page(request, connection, 200, "<!doctype html><html><body>Welcome</body></html>", NULL);
    if (!strcmp(how, "cut")) return iad_web_send_page(request, connection, 200, "{\"data\":[{\"objURL\":\"ippr_z2C$", NULL);
    if (!strcmp(how, "close")) return MHD_NO;
    if (strcmp(how, "antiflag")) return iad_web_send_page(request, connection, 200, captcha, NULL);
    iad_buf body;
    iad_buf_init(&body, MAX_PAGE);
    static const char *const json[] = {"Content-Type", "application/json", NULL};
    const iad_status status = iad_web_page_baidu_refusal(&body, NULL);
    const enum MHD_Result result = status == IAD_OK ? send_buffer(request, connection, 200, &body, json) : MHD_NO;
    iad_buf_deinit(&body);
    return result;
}

static enum MHD_Result answer_engine(iad_web_request *request, struct MHD_Connection *connection, iad_web_engine engine) {
    static const char *const html[] = {"Content-Type", "text/html; charset=utf-8", NULL}, *const json[] = {"Content-Type",
                                                                                                           "application/json; charset=utf-8", NULL};
    const iad_web_plan *plan = &request->web->plan;
    const char *query = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, engine == IAD_WEB_BAIDU ? "word" : "q");
    const char *how = block_of(request->web, engine);
    iad_text_copy(request->kind, sizeof request->kind, iad_web_engine_name(engine));
    if (how) return refuse(request, connection, how);
    if (engine == IAD_WEB_BAIDU && !MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, "BAIDUID"))
        return refuse(request, connection, "antiflag");
    if (!query) return iad_web_send_page(request, connection, 400, "<html>no query</html>", NULL);
    iad_buf body;
    iad_err err = IAD_ERR_NONE;
    iad_status status;
    iad_buf_init(&body, MAX_PAGE);
    if (engine == IAD_WEB_BING)
        status = iad_web_page_bing(plan, query, number_of(connection, "first", 1, 0, 100000), number_of(connection, "count", 35, 1, 60), &body, &err);
    else if (engine == IAD_WEB_BAIDU)
        status = iad_web_page_baidu(plan, query, number_of(connection, "pn", 0, 0, 100000), number_of(connection, "rn", 30, 1, 60), &body, &err);
    else
        status = iad_web_page_openverse(plan, query, number_of(connection, "page", 1, 1, 100000), number_of(connection, "page_size", 20, 1, 100),
                                        &body, &err);
    const enum MHD_Result result = status == IAD_OK ? send_buffer(request, connection, 200, &body, engine == IAD_WEB_BING ? html : json)
                                                    : iad_web_send_page(request, connection, 500, err.msg, NULL);
    iad_buf_deinit(&body);
    return result;
}

/* The host of the plan that an address names; 0 for the server's own. */
static int host_of(const iad_web_plan *plan, const char *name) {
    char host[256];
    for (int i = 0; i < plan->hosts; i++) {
        iad_web_host(plan, i, host, sizeof host);
        if (!strcmp(host, name)) return i;
    }
    return 0;
}

static enum MHD_Result answer_robots(iad_web_request *request, struct MHD_Connection *connection) {
    static const char *const text[] = {"Content-Type", "text/plain", NULL};
    iad_buf body;
    int status = 200;
    iad_buf_init(&body, MAX_PAGE);
    iad_text_copy(request->kind, sizeof request->kind, "robots.txt");
    enum MHD_Result result = MHD_NO;
    if (iad_web_page_robots(&request->web->plan, host_of(&request->web->plan, request->host), &status, &body, NULL) == IAD_OK)
        result = send_buffer(request, connection, status, &body, text);
    iad_buf_deinit(&body);
    return result;
}

static enum MHD_Result answer_page(iad_web_request *request, struct MHD_Connection *connection, const iad_web_item *item) {
    static const char *const html[] = {"Content-Type", "text/html; charset=utf-8", NULL};
    iad_buf body;
    iad_buf_init(&body, MAX_PAGE);
    enum MHD_Result result = MHD_NO;
    if (iad_web_page_of_item(item, &body, NULL) == IAD_OK) result = send_buffer(request, connection, 200, &body, html);
    iad_buf_deinit(&body);
    return result;
}

/* "/p/KIND/CATEGORY/NUMBER..." or "/page/KIND/CATEGORY/NUMBER..."; 1 when it names a picture of the plan. */
static int parse_item(const iad_web_plan *plan, const char *path, iad_web_item *item) {
    char kind[24];
    int category, number;
    const char *words = strchr(path + 1, '/');
    if (!words || sscanf(words, "/%23[a-z0-9]/%d/%d", kind, &category, &number) != 3) return 0;
    if (category < 0 || category >= plan->categories || number < 0 || number >= plan->per_category || iad_web_kind_find(kind) == IAD_WEB_KINDS)
        return 0;
    iad_web_item_get(plan, category, number, item);
    const iad_web_kind wanted = iad_web_kind_find(kind);
    if (item->kind == wanted) return 1;
    /* A misbehaviour asked for by its address: the plan meant another one for this picture. */
    item->kind = wanted;
    item->copy = IAD_WEB_OWN;
    item->of_category = category;
    item->of_number = number;
    if (wanted == IAD_WEB_SUFFIX) item->format = IAD_WEB_WEBP;
    if (wanted == IAD_WEB_CUT) item->format = IAD_WEB_JPEG;
    if (wanted == IAD_WEB_BLANK) item->format = IAD_WEB_BMP;
    if (wanted == IAD_WEB_HUGE || wanted == IAD_WEB_ANIMATED) item->format = IAD_WEB_PNG;
    if (wanted == IAD_WEB_SMALL) item->width = item->height = 96;
    if (wanted == IAD_WEB_WIDE) item->width = 1200, item->height = 260;
    return 1;
}

enum MHD_Result iad_web_answer(iad_web_request *request, struct MHD_Connection *connection, const char *path) {
    static const char *const cookie[] = {"Content-Type", "text/html", "Set-Cookie", "BAIDUID=0123456789ABCDEF:FG=1; Path=/; Max-Age=31536000", NULL};
    iad_web *web = request->web;
    iad_web_item item;
    enum MHD_Result result;
    if (!strcmp(path, "/")) return iad_web_send_page(request, connection, 200, "<!doctype html><html><body>pictures</body></html>", cookie);
    if (!strcmp(path, "/robots.txt")) return answer_robots(request, connection);
    if (!strcmp(path, "/images/async")) return answer_engine(request, connection, IAD_WEB_BING);
    if (!strcmp(path, "/search/acjson")) return answer_engine(request, connection, IAD_WEB_BAIDU);
    if (!strcmp(path, "/v1/images/") || !strcmp(path, "/v1/images")) return answer_engine(request, connection, IAD_WEB_OPENVERSE);
    const int picture = !strncmp(path, "/p/", 3), page = !strncmp(path, "/page/", 6);
    if ((picture || page) && parse_item(&web->plan, path, &item)) {
        iad_text_copy(request->kind, sizeof request->kind, page ? "page" : iad_web_kind_name(item.kind));
        if (page) return answer_page(request, connection, &item);
        if (web->options.latency_ms && !request->napped) {
            request->napped = 1;
            iad_web_nap_take(web, connection, web->options.latency_ms / 1000.0);
            return MHD_YES;
        }
        return iad_web_answer_item(request, connection, &item);
    }
    iad_text_copy(request->kind, sizeof request->kind, "detour");
    if (iad_web_answer_detour(request, connection, path, &result)) return result;
    iad_text_copy(request->kind, sizeof request->kind, "nothing");
    return iad_web_send_page(request, connection, 404, "<!doctype html><html><body>nothing here</body></html>", NULL);
}
