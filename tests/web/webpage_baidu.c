#include <string.h>

#include "base/json.h"
#include "tests/web/webpage.h"

iad_status iad_web_percent(const char *text, iad_buf *out, iad_err *err) {
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        const int plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c);
        IAD_TRY(plain ? iad_buf_add(out, text, 1, err) : iad_buf_addf(out, err, "%%%02X", c));
    }
    return IAD_OK;
}

/* The way Baidu hides addresses: three characters become words, digits and most small letters others. */
static iad_status hide(const char *text, iad_buf *out, iad_err *err) {
    static const char cipher[] = "0123456789abcdefghijklmnopqrstuvw", plain[] = "7dgjmoru140852vsnkheb963wtqplifca";
    for (; *text; text++) {
        const char *at = strchr(plain, *text);
        if (*text == ':') IAD_TRY(iad_buf_add_str(out, "_z2C$q", err));
        else if (*text == '.') IAD_TRY(iad_buf_add_str(out, "_z&e3B", err));
        else if (*text == '/') IAD_TRY(iad_buf_add_str(out, "AzdH3F", err));
        else IAD_TRY(iad_buf_add(out, at ? &cipher[at - plain] : text, 1, err));
    }
    return IAD_OK;
}

/* "name":"text" as Baidu writes it: a slash with a backslash, and so the apostrophe, which JSON forbids. */
static iad_status put_text(const char *name, const char *text, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, ",\"%s\":\"", name));
    for (; *text; text++) {
        if (strchr("\"\\/'", *text)) IAD_TRY(iad_buf_add_str(out, "\\", err));
        IAD_TRY(iad_buf_add(out, text, 1, err));
    }
    return iad_buf_add_str(out, "\"", err);
}

static iad_status put_addresses(const iad_web_item *item, const char *cs, iad_buf *out, iad_err *err) {
    iad_buf wrapped, hidden;
    iad_buf_init(&wrapped, 1 << 16);
    iad_buf_init(&hidden, 1 << 16);
    iad_status status = IAD_OK;
    if (item->number % 3) status = iad_buf_add_str(&wrapped, item->url, err);
    else {
        status = iad_buf_add_str(&wrapped, "https://gimg2.baidu.com/image_search/src=", err);
        if (status == IAD_OK) status = iad_web_percent(item->url, &wrapped, err);
        if (status == IAD_OK) status = iad_buf_add_str(&wrapped, "&refer=", err);
        if (status == IAD_OK) status = iad_web_percent(item->page, &wrapped, err);
        if (status == IAD_OK)
            status = iad_buf_add_str(&wrapped, "&app=2002&size=f9999,10000&q=a80&n=0&g=0n&fmt=jpeg?sec=1600000000&t=0123456789abcdef0123456789abcdef",
                                     err);
    }
    if (status == IAD_OK) status = hide(iad_buf_str(&wrapped), &hidden, err);
    if (status == IAD_OK) status = put_text("objURL", iad_buf_str(&hidden), out, err);
    iad_buf_reset(&hidden);
    if (status == IAD_OK) status = hide(item->page, &hidden, err);
    if (status == IAD_OK) status = put_text("fromURL", iad_buf_str(&hidden), out, err);
    iad_buf_deinit(&wrapped);
    iad_buf_deinit(&hidden);
    IAD_TRY(status);
    /* Both spellings occur, and the first one is Baidu's own copy. */
    IAD_TRY(iad_buf_addf(out, err,
                         ",\"replaceUrl\":[{\"ObjURL\":\"https:\\/\\/ss0.imgtn.bdimg.com\\/it\\/u=%s&fm=214\",\"FromURL\":\"\"},{\"ObjUrl\":", cs));
    IAD_TRY(iad_json_quote(item->url, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"FromUrl\":", err));
    IAD_TRY(iad_json_quote(item->page, out, err));
    return iad_buf_add_str(out, "}]", err);
}

static iad_status put_item(const iad_web_plan *plan, const iad_web_item *item, int rank, iad_buf *out, iad_err *err) {
    /* Two addresses of the same bytes have one identity. */
    const int same = item->copy == IAD_WEB_SAME_BYTES || item->copy == IAD_WEB_FOREIGN;
    const uint64_t id =
        iad_web_number(plan, "cs", (uint64_t)(same ? item->of_category : item->category) << 32 | (uint32_t)(same ? item->of_number : item->number));
    char cs[40], thumb[160], title[IAD_WEB_MAX_TITLE + 40];
    snprintf(cs, sizeof cs, "%u,%u", (unsigned)(id >> 32), (unsigned)id);
    snprintf(thumb, sizeof thumb, "https://img%d.baidu.com/it/u=%s&fm=253&fmt=auto", rank % 3, cs);
    snprintf(title, sizeof title, "<strong>%.*s</strong>%s, maker's photo", (int)strcspn(item->title, " "), item->title,
             item->title + strcspn(item->title, " "));
    IAD_TRY(iad_buf_addf(
        out, err,
        "{\"adType\":\"0\",\"pageNum\":%d,\"width\":%d,\"height\":%d,\"is_gif\":%d,\"filesize\":\"\",\"bdImgnewsDate\":\"2024-01-01 00:00\"", rank,
        item->width, item->height, item->format == IAD_WEB_GIF));
    IAD_TRY(put_text("cs", cs, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"os\":\"%u,%u\",\"di\":\"%llu\"", (unsigned)id, (unsigned)(id >> 32), (unsigned long long)(id >> 1)));
    IAD_TRY(put_text("thumbURL", thumb, out, err));
    IAD_TRY(put_text("middleURL", thumb, out, err));
    IAD_TRY(put_text("hoverURL", thumb, out, err));
    IAD_TRY(put_text("type", iad_web_format_suffix(item->format), out, err));
    IAD_TRY(put_text("fromPageTitle", title, out, err));
    IAD_TRY(put_text("fromPageTitleEnc", item->title, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"fromURLHost\":\"host%d.example\"", item->host));
    IAD_TRY(put_addresses(item, cs, out, err));
    return iad_buf_add_str(out, "},\n", err);
}

/* Members that a parser must survive and must not follow; raw control characters and bytes that are no UTF-8 stand in what is otherwise fine. */
static iad_status put_hostile(iad_buf *out, iad_err *err) {
    static const char *const items[] = {"{\"adType\":\"1\",\"objURL\":\"http://ads.invalid/buy.jpg\",\"cs\":\"1,1\"}",
                                        "{\"objURL\":\"ippr_z2C$q\",\"cs\":\"2,2\"}",
                                        "{\"objURL\":17}",
                                        "null",
                                        "[]",
                                        "\"text\"",
                                        "{\"objURL\":\"file:///etc/passwd\"}",
                                        "{\"objURL\":\"http://10.0.0.1/a.jpg\",\"fromPageTitle\":\"\\q\\'\x01\t\xff\xc0\x80\"}",
                                        "{\"objURL\":\"https://gimg2.baidu.com/image_search/src=%zz%&refer=\"}",
                                        "{\"objURL\":\"\",\"replaceUrl\":[]}",
                                        "{\"objURL\":\"http://h.invalid/a.jpg\\r\\nX: 1\",\"width\":-5}",
                                        "{\"objURL\":\"http://h.invalid/b.jpg\",\"width\":1e999,\"height\":99999999999999999999}"};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) IAD_TRY(iad_buf_addf(out, err, "%s,\n", items[i]));
    return IAD_OK;
}

iad_status iad_web_page_baidu(const iad_web_plan *plan, const char *query, int offset, int count, iad_buf *out, iad_err *err) {
    const int category = iad_web_category_of(plan, query), n = category < 0 ? 0 : iad_web_engine_count(plan, IAD_WEB_BAIDU);
    IAD_TRY(iad_buf_add_str(out, "{\"queryEnc\":\"", err));
    IAD_TRY(iad_web_percent(query, out, err));
    IAD_TRY(iad_buf_addf(out, err, "\",\"listNum\":%d,\"displayNum\":%d,\"gsm\":\"%x\",\"isNeedAsyncRequest\":0,\"bdIsClustered\":\"1\",\"data\":[",
                         n, 50 * n, (unsigned)(offset + count)));
    for (int rank = offset; rank < n && rank < offset + count; rank++) {
        iad_web_item item;
        iad_web_item_get(plan, category, iad_web_engine_rank(plan, IAD_WEB_BAIDU, query, rank), &item);
        IAD_TRY(put_item(plan, &item, rank, out, err));
    }
    if (plan->hostile && offset < n) IAD_TRY(put_hostile(out, err));
    return iad_buf_add_str(out, "{}]}", err);
}

iad_status iad_web_page_baidu_refusal(iad_buf *out, iad_err *err) {
    return iad_buf_add_str(out, "{\"antiFlag\":1,\"message\":\"Forbid spider access\"}", err);
}
