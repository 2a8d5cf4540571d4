#include "base/html.h"
#include "base/json.h"
#include "tests/web/webpage.h"

static iad_status put_member(const char *name, const char *value, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, ",\"%s\":", name));
    return iad_json_quote(value, out, err);
}

static iad_status put_result(const iad_web_plan *plan, const iad_web_item *item, iad_buf *out, iad_err *err) {
    static const char *const licences[][3] = {{"by", "4.0", "https://creativecommons.org/licenses/by/4.0/"},
                                              {"by-sa", "2.0", "https://creativecommons.org/licenses/by-sa/2.0/"},
                                              {"cc0", "1.0", "https://creativecommons.org/publicdomain/zero/1.0/"},
                                              {"by-nc-nd", "3.0", "https://creativecommons.org/licenses/by-nc-nd/3.0/"}};
    const uint64_t id = iad_web_number(plan, "openverse", (uint64_t)item->category << 32 | (uint32_t)item->number);
    const char *const *licence = licences[id % 4];
    IAD_TRY(iad_buf_addf(out, err, "{\"id\":\"%08x-0000-4000-8000-%012llx\"", (unsigned)(id >> 32), (unsigned long long)(id & 0xffffffffffff)));
    IAD_TRY(put_member("title", item->title, out, err));
    IAD_TRY(put_member("url", item->url, out, err));
    IAD_TRY(put_member("foreign_landing_url", item->page, out, err));
    IAD_TRY(put_member("license", licence[0], out, err));
    IAD_TRY(put_member("license_version", licence[1], out, err));
    IAD_TRY(put_member("license_url", licence[2], out, err));
    IAD_TRY(put_member("filetype", iad_web_format_suffix(item->format), out, err));
    return iad_buf_addf(
        out, err,
        ",\"creator\":\"maker %d\",\"creator_url\":null,\"provider\":\"flickr\",\"source\":\"flickr\",\"filesize\":null,\"mature\":false,\"tags\":[],"
        "\"width\":%d,\"height\":%d}",
        (int)(id % 50), item->width, item->height);
}

iad_status iad_web_page_openverse(const iad_web_plan *plan, const char *query, int page, int count, iad_buf *out, iad_err *err) {
    const int category = iad_web_category_of(plan, query), n = category < 0 ? 0 : iad_web_engine_count(plan, IAD_WEB_OPENVERSE);
    const int from = (page > 0 ? page - 1 : 0) * count;
    IAD_TRY(iad_buf_addf(out, err, "{\"result_count\":%d,\"page_count\":%d,\"page_size\":%d,\"page\":%d,\"results\":[", n, (n + count - 1) / count,
                         count, page));
    for (int rank = from; rank < n && rank < from + count; rank++) {
        iad_web_item item;
        iad_web_item_get(plan, category, iad_web_engine_rank(plan, IAD_WEB_OPENVERSE, query, rank), &item);
        if (rank > from) IAD_TRY(iad_buf_add_str(out, ",", err));
        IAD_TRY(put_result(plan, &item, out, err));
    }
    if (plan->hostile && from < n)
        IAD_TRY(
            iad_buf_add_str(out, ",null,{\"url\":7},{\"url\":\"file:///etc/passwd\"},{\"url\":\"http://192.168.1.1/a.jpg\",\"license\":[]}", err));
    return iad_buf_add_str(out, "]}", err);
}

iad_status iad_web_page_of_item(const iad_web_item *item, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "<!doctype html><html><head><title>", err));
    IAD_TRY(iad_html_text(out, item->title, err));
    IAD_TRY(iad_buf_addf(out, err, "</title>%s</head><body><img src=\"",
                         item->kind == IAD_WEB_META ? "<META content='follow, NoAI' name=Robots>" : "<meta name=\"robots\" content=\"index\">"));
    IAD_TRY(iad_html_text(out, item->url, err));
    return iad_buf_add_str(out, "\"></body></html>", err);
}

iad_status iad_web_page_robots(const iad_web_plan *plan, int host, int *status, iad_buf *out, iad_err *err) {
    *status = 200;
    if (!plan->shares[IAD_WEB_ROBOTS]) return iad_buf_add_str(out, "User-agent: *\nDisallow:\n", err);
    switch (host) {
        case 1: return iad_buf_add_str(out, "User-agent: other\nDisallow: /\n\nUSER-AGENT: IADGPT-crawl\nAllow: /p/\nDisallow: /p/robots\n", err);
        case 2:
            return iad_buf_add_str(
                out, "# no group before this rule\nDisallow: /p/fine/\nuser-agent: *\ndisallow: /*/robots/*.jpg$\nDisallow: /p/robots/\n", err);
        case 3: /* the rule stands behind half a megabyte, as far as one has to read */
            for (int i = 0; i < 9000; i++) IAD_TRY(iad_buf_add_str(out, "# ..................................................\n", err));
            return iad_buf_add_str(out, "User-agent: *\nDisallow: /p/robots/\n", err);
        case 7: *status = 503; return iad_buf_add_str(out, "later", err);
        default:
            return iad_buf_add_str(
                out, "\xef\xbb\xbfUser-agent: *\r\nDisallow: /p/robots/ # not these\r\nDisallow: /page/robots/\r\nCrawl-delay: 0\r\n", err);
    }
}
