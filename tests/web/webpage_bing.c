#include <string.h>

#include "base/html.h"
#include "base/json.h"
#include "tests/web/webpage.h"

static iad_status put_member(iad_buf *json, const char *name, const char *value, iad_err *err) {
    IAD_TRY(iad_buf_addf(json, err, "%s\"%s\":", json->len > 1 ? "," : "", name));
    return iad_json_quote(value, json, err);
}

static iad_status put_tile(const iad_web_plan *plan, const iad_web_item *item, int rank, iad_buf *out, iad_err *err) {
    char thumb[200], id[40], title[IAD_WEB_MAX_TITLE + 16];
    iad_buf json;
    iad_buf_init(&json, 1 << 16);
    snprintf(id, sizeof id, "%016llX", (unsigned long long)iad_web_number(plan, "mid", (uint64_t)item->category << 32 | (uint32_t)item->number));
    snprintf(thumb, sizeof thumb, "https://tse%d.mm.bing.net/th?id=OIP.%s&pid=15.1", rank % 4 + 1, id);
    /* Found words are marked with characters of the private area. */
    snprintf(title, sizeof title, "\xee\x80\x80%.*s\xee\x80\x81%s", (int)strcspn(item->title, " "), item->title,
             item->title + strcspn(item->title, " "));
    iad_status status = iad_buf_add_str(&json, "{", err);
    if (status == IAD_OK) status = put_member(&json, "mid", id, err);
    if (status == IAD_OK) status = put_member(&json, "murl", item->url, err);
    if (status == IAD_OK) status = put_member(&json, "turl", thumb, err);
    if (status == IAD_OK) status = put_member(&json, "purl", item->page, err);
    if (status == IAD_OK) status = put_member(&json, "t", title, err);
    if (status == IAD_OK) status = put_member(&json, "desc", "", err);
    if (status == IAD_OK) status = iad_buf_add_str(&json, "}", err);
    if (status == IAD_OK)
        status = iad_buf_addf(
            out, err, "<li data-idx=\"%d\"><div class=\"iuscp isv\"><div class=\"imgpt\"><a class=\"iusc\" style=\"height:200px\" m=\"", rank);
    if (status == IAD_OK) status = iad_html_text(out, iad_buf_str(&json), err);
    iad_buf_deinit(&json);
    IAD_TRY(status);
    IAD_TRY(iad_buf_add_str(out, "\" href=\"/images/search?view=detailV2\"><div class=\"img_cont hoff\"><img class=\"mimg\" src=\"", err));
    IAD_TRY(iad_html_text(out, thumb, err));
    IAD_TRY(iad_buf_addf(out, err,
                         "\" alt=\"\"/></div></a><div class=\"img_info hon\"><span class=\"nowrap\">%d x %d \xc2\xb7 %s</span><div class=\"lnkw\"><a "
                         "href=\"#\">host%d</a>"
                         "</div></div></div><div class=\"infopt\"><div class=\"infnmpt\"><div><ul class=\"b_dataList\"><li><a title=\"\">",
                         item->width, item->height, item->format == IAD_WEB_JPEG ? "jpeg" : iad_web_format_suffix(item->format), item->host));
    IAD_TRY(iad_html_text(out, item->title, err));
    return iad_buf_add_str(out, "</a></li></ul></div></div></div></div></li>\n", err);
}

/* Results that a parser must survive and must not follow. */
static iad_status put_hostile(iad_buf *out, iad_err *err) {
    static const char *const values[] = {
        "{not json",
        "{&quot;murl&quot;:5}",
        "{}",
        "[[[[[[",
        "{&quot;murl&quot;:&quot;javascript:alert(1)&quot;}",
        "{&quot;murl&quot;:&quot;file:///etc/passwd&quot;}",
        "{&quot;murl&quot;:&quot;ftp://img.invalid/a.jpg&quot;}",
        "{&quot;murl&quot;:&quot;http://169.254.169.254/latest/meta-data/a.jpg&quot;}",
        "{&quot;murl&quot;:&quot;http://0x0a000001/a.jpg&quot;}",
        "{&quot;murl&quot;:&quot;http://[::ffff:10.0.0.1]/a.jpg&quot;}",
        "{&quot;murl&quot;:&quot;http://h.invalid/a.jpg\\r\\nX-Evil: 1&quot;,&quot;t&quot;:&quot;\\u0000&lt;script&gt;alert(1)&lt;/script&gt;&quot;}",
        "{&quot;murl&quot;:&quot;&quot;,&quot;purl&quot;:null}"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        IAD_TRY(iad_buf_addf(out, err, "<li><a class='x iusc y' m=\"%s\"><b><i></a>\n", values[i]));
    IAD_TRY(iad_buf_add_str(out, "<li><a class=iusc m='{&quot;murl&quot;:&quot;http://h.invalid/", err));
    for (int i = 0; i < 10000; i++) IAD_TRY(iad_buf_add_str(out, "aaaaaaaaaa", err));
    IAD_TRY(iad_buf_add_str(out, ".jpg&quot;}'></a>", err));
    for (int i = 0; i < 400; i++) IAD_TRY(iad_buf_add_str(out, "<div><span>", err));
    return iad_buf_add(out, "\0\xff\xfe<a class=\"iusc\" m=\"</li><!-- --", 34, err);
}

iad_status iad_web_page_bing(const iad_web_plan *plan, const char *query, int first, int count, iad_buf *out, iad_err *err) {
    const int category = iad_web_category_of(plan, query), n = category < 0 ? 0 : iad_web_engine_count(plan, IAD_WEB_BING);
    int from = first > 0 ? first - 1 : 0;
    if (from >= n && category % 2) from = n > count ? n - count : 0;
    IAD_TRY(iad_buf_add_str(out, "<div class=\"dg_b\"><div class=\"imgpt_ctr\">\n<ul class=\"dgControl_list\" data-row=\"0\">\n", err));
    for (int rank = from; rank < n && rank < from + count; rank++) {
        iad_web_item item;
        iad_web_item_get(plan, category, iad_web_engine_rank(plan, IAD_WEB_BING, query, rank), &item);
        IAD_TRY(put_tile(plan, &item, rank, out, err));
    }
    IAD_TRY(iad_buf_add_str(out, "</ul>\n", err));
    if (plan->hostile && from < n) IAD_TRY(put_hostile(out, err));
    return iad_buf_add_str(out, "</div></div>\n", err);
}
