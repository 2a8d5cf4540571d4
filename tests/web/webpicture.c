/* Pictures, good and bad. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/alloc.h"
#include "tests/web/webstate.h"

enum { BOMB_MIB = 256, HOPS = 8 };

/* A quarter of a megabyte of gzip that becomes 256 MiB of zeros; made when it is first wanted. */
static int make_bomb(iad_web *web) {
    if (web->bomb) return 1;
    z_stream z = {0};
    const size_t room = 1 << 20;
    char *bytes = iad_alloc(room, 1), *zeros = iad_calloc(1 << 20, 1);
    int good = bytes && zeros && deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK;
    if (good) {
        z.next_out = (Bytef *)bytes;
        z.avail_out = (uInt)room;
        for (int i = 0; i < BOMB_MIB && good; i++) {
            z.next_in = (Bytef *)zeros;
            z.avail_in = 1 << 20;
            good = deflate(&z, i + 1 < BOMB_MIB ? Z_NO_FLUSH : Z_FINISH) == (i + 1 < BOMB_MIB ? Z_OK : Z_STREAM_END);
        }
        web->n_bomb = z.total_out;
        deflateEnd(&z);
    }
    free(zeros);
    if (good) web->bomb = bytes;
    else free(bytes);
    return good;
}

static enum MHD_Result send_bomb(iad_web_request *request, struct MHD_Connection *connection) {
    static const char *const headers[] = {"Content-Type", "image/jpeg", "Content-Encoding", "gzip", NULL};
    char *copy = make_bomb(request->web) ? iad_alloc(request->web->n_bomb, 1) : NULL;
    if (!copy) return MHD_NO;
    memcpy(copy, request->web->bomb, request->web->n_bomb);
    return iad_web_send(request, connection, 200, copy, request->web->n_bomb, headers);
}

static enum MHD_Result try_later(iad_web_request *request, struct MHD_Connection *connection, iad_web_kind kind) {
    char date[64];
    const time_t then = time(NULL) + 2;
    struct tm utc;
    gmtime_r(&then, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    const int bare = kind == IAD_WEB_429_BARE || kind == IAD_WEB_503_BARE, status = kind == IAD_WEB_429 || kind == IAD_WEB_429_BARE ? 429 : 503;
    const char *const headers[] = {"Content-Type", "text/html", bare ? NULL : "Retry-After", status == 429 ? "1" : date, NULL};
    return iad_web_send_page(request, connection, status, "<html><body>later</body></html>", headers);
}

/* The whole picture with the headers of its kind. */
static enum MHD_Result send_whole(iad_web_request *request, struct MHD_Connection *connection, const iad_web_item *item, char *bytes, size_t n) {
    const char *type = item->kind == IAD_WEB_TYPE                                    ? "text/plain"
                       : item->kind == IAD_WEB_SUFFIX || item->kind == IAD_WEB_NOISE ? "image/jpeg"
                                                                                     : iad_web_format_type(item->format);
    const char *headers[8] = {"Content-Type", type};
    switch (item->kind) {
        case IAD_WEB_OTHER_TAG:
            headers[2] = "X-Robots-Tag", headers[3] = "otherbot: noai, noindex";
            headers[4] = "x-robots-tag", headers[5] = "unavailable_after: 25 Jun 2040 15:00:00 PST, nofollow";
            break;
        case IAD_WEB_NOAI: headers[2] = "X-Robots-Tag", headers[3] = "noai"; break;
        case IAD_WEB_NOINDEX: headers[2] = "X-ROBOTS-TAG", headers[3] = "nofollow, NoImageIndex"; break;
        case IAD_WEB_TDM: headers[2] = "tdm-reservation", headers[3] = "1"; break;
        default: break;
    }
    return iad_web_send(request, connection, 200, bytes, n, headers);
}

/* Bodies that are not what their head says, or do not come as they should. */
static enum MHD_Result send_broken(iad_web_request *request, struct MHD_Connection *connection, const iad_web_item *item, char *bytes, size_t n) {
    static const char *const headers[] = {"Content-Type", "image/jpeg", NULL};
    iad_web_flow flow = {.request = request,
                         .connection = connection,
                         .bytes = bytes,
                         .n = n,
                         .promised = n,
                         .stop_at = UINT64_MAX,
                         .patience_s = request->web->options.patience_s};
    char half[24];
    const char *const short_headers[] = {"Content-Type", "image/jpeg", "Content-Length", half, "Connection", "close", NULL};
    switch (item->kind) {
        case IAD_WEB_DRIP: flow.piece = 10, flow.interval_s = 0.2; break;
        case IAD_WEB_STALL: flow.stop_at = n / 2; break;
        case IAD_WEB_SHORT: flow.promised = n + 1000, flow.stop_at = n, flow.patience_s = 0; break;
        case IAD_WEB_ENDLESS: flow.promised = UINT64_MAX; break;
        case IAD_WEB_BIG: flow.promised = 3000000000u; break;
        default: /* LONG: the header is ours, the library does not count */
            snprintf(half, sizeof half, "%zu", n / 2);
            flow.promised = UINT64_MAX, flow.stop_at = n, flow.patience_s = 0, flow.false_length = 1;
            return iad_web_send_flow(&flow, 200, short_headers);
    }
    return iad_web_send_flow(&flow, 200, headers);
}

static enum MHD_Result send_file(iad_web_request *request, struct MHD_Connection *connection, const iad_web_item *item) {
    char *bytes;
    size_t n;
    iad_err err = IAD_ERR_NONE;
    if (iad_web_cache_get(request->web->cache, &request->web->plan, item, &bytes, &n, &err) != IAD_OK)
        return iad_web_send_page(request, connection, 500, err.msg, NULL);
    switch (item->kind) {
        case IAD_WEB_DRIP:
        case IAD_WEB_STALL:
        case IAD_WEB_SHORT:
        case IAD_WEB_LONG:
        case IAD_WEB_ENDLESS:
        case IAD_WEB_BIG: return send_broken(request, connection, item, bytes, n);
        default: return send_whole(request, connection, item, bytes, n);
    }
}

static enum MHD_Result redirect_away(iad_web_request *request, struct MHD_Connection *connection, const iad_web_item *item) {
    static const char *const private_addresses[] = {"http://10.0.0.1/a.jpg",        "http://169.254.169.254/latest/meta-data/",
                                                    "http://192.168.1.1/a.jpg",     "http://[::ffff:10.0.0.1]/a.jpg",
                                                    "http://0x0a000001/a.jpg",      "http://[fd00::1]/a.jpg",
                                                    "http://172.16.0.1:8080/a.jpg", "http://100.64.0.1/a.jpg"};
    static const char *const schemes[] = {"file:///etc/passwd", "ftp://img.invalid/a.jpg", "gopher://img.invalid/1", "data:image/png;base64,AAAA"};
    char where[IAD_WEB_MAX_URL], host[256];
    iad_web_host(&request->web->plan, (item->host + 1) % request->web->plan.hosts, host, sizeof host);
    switch (item->kind) {
        case IAD_WEB_HOP: snprintf(where, sizeof where, "http://%s/hop/0/%d/%d", host, item->category, item->number); break;
        case IAD_WEB_HOPS: snprintf(where, sizeof where, "/hop/%d/%d/%d", HOPS - 1, item->category, item->number); break;
        case IAD_WEB_LOOP: snprintf(where, sizeof where, "/loop/0/%d/%d", item->category, item->number); break;
        case IAD_WEB_PRIVATE: snprintf(where, sizeof where, "%s", private_addresses[item->number % 8]); break;
        case IAD_WEB_SCHEME: snprintf(where, sizeof where, "%s", schemes[item->number % 4]); break;
        default: snprintf(where, sizeof where, "/login?back=%d", item->number); break;
    }
    return iad_web_redirect(request, connection, where);
}

enum MHD_Result iad_web_answer_item(iad_web_request *request, struct MHD_Connection *connection, iad_web_item *item) {
    static const char page[] =
        "<!doctype html><html><head><title>Nothing here</title></head><body>This picture may not be shown on other sites.</body></html>";
    static const char *const as_picture[] = {"Content-Type", "image/jpeg", NULL};
    iad_web *web = request->web;
    switch (item->kind) {
        case IAD_WEB_429:
        case IAD_WEB_429_BARE:
        case IAD_WEB_503:
        case IAD_WEB_503_BARE:
            return iad_web_first_time(web, request->uri) ? try_later(request, connection, item->kind) : send_file(request, connection, item);
        case IAD_WEB_403: return iad_web_send_page(request, connection, 403, page, NULL);
        case IAD_WEB_404:
        case IAD_WEB_DNS: return iad_web_send_page(request, connection, 404, page, NULL);
        case IAD_WEB_500: return iad_web_send_page(request, connection, 500, page, NULL);
        case IAD_WEB_HTML: return iad_web_send_page(request, connection, 200, page, NULL);
        case IAD_WEB_HOTLINK: return iad_web_send_page(request, connection, 200, page, as_picture);
        case IAD_WEB_EMPTY: return iad_web_send_page(request, connection, 200, "", as_picture);
        case IAD_WEB_BOMB: return send_bomb(request, connection);
        case IAD_WEB_CLOSE: return MHD_NO;
        case IAD_WEB_HANG:
            if (request->napped > 1) return MHD_NO;
            request->napped = 2;
            iad_web_nap_take(web, connection, web->options.patience_s);
            return MHD_YES;
        case IAD_WEB_HOP:
        case IAD_WEB_HOPS:
        case IAD_WEB_LOOP:
        case IAD_WEB_PRIVATE:
        case IAD_WEB_SCHEME:
        case IAD_WEB_LOGIN: return redirect_away(request, connection, item);
        default: return send_file(request, connection, item);
    }
}

int iad_web_answer_detour(iad_web_request *request, struct MHD_Connection *connection, const char *path, enum MHD_Result *result) {
    int left, category, number, end = 0;
    char where[IAD_WEB_MAX_URL];
    if (sscanf(path, "/loop/%d/%d/%d%n", &left, &category, &number, &end) == 3 && !path[end] && left >= 0 && left < 1000000) {
        snprintf(where, sizeof where, "/loop/%d/%d/%d", left + 1, category, number);
        *result = iad_web_redirect(request, connection, where);
        return 1;
    }
    if (sscanf(path, "/hop/%d/%d/%d%n", &left, &category, &number, &end) == 3 && !path[end]) {
        const iad_web_plan *plan = &request->web->plan;
        if (category < 0 || category >= plan->categories || number < 0 || number >= plan->per_category) return 0;
        snprintf(where, sizeof where, "/hop/%d/%d/%d", left - 1, category, number);
        if (left > 0) *result = iad_web_redirect(request, connection, where);
        else {
            iad_web_item item;
            iad_web_item_get(plan, category, number, &item);
            item.kind = IAD_WEB_HOP;
            *result = send_file(request, connection, &item);
        }
        return 1;
    }
    if (!strcmp(path, "/login")) {
        *result = iad_web_send_page(request, connection, 200, "<!doctype html><html><body><form>Please log in</form></body></html>", NULL);
        return 1;
    }
    return 0;
}
