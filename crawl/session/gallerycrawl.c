#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/html.h"
#include "base/sha256.h"
#include "crawl/session/rejectcrawl.h"
#include "manifests/gallery_thumb.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define MAX_THUMB_BYTES (4u << 20)

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
    "content=\"width=device-width\">\n<title>crawl</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1c2328;--soft:#5b6770;--paper:#f6f7f8;--card:#fff;--line:#dfe3e6}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaed;--soft:#9aa6af;--paper:#14181b;--card:#1d2327;--line:#2c343a}}\n"
    "body{margin:0 auto;max-width:1500px;padding:1.5rem;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif}\n"
    "h2{font-size:1.15rem;margin:2rem 0 .3rem}p{color:var(--soft);margin:.2rem 0 .7rem}\n.sheet{display:flex;flex-wrap:wrap;gap:10px}\n"
    "label{display:block;padding:6px;background:var(--card);border:1px solid var(--line);border-radius:6px;font-size:12px;color:var(--soft);"
    "overflow-wrap:anywhere;cursor:pointer}\nlabel:has(:checked){outline:3px solid #b3261e;opacity:.6}\n"
    "label div{display:flex;align-items:center;justify-content:center;overflow:hidden}\nlabel b{color:var(--ink)}\n"
    "#bar{position:sticky;bottom:0;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:8px;margin-top:2rem}\n"
    "textarea{width:100%;box-sizing:border-box;font:12px monospace}\n";

static const char tail[] =
    "<div id=\"bar\"><b id=\"n\">0</b> refused. Save this list as a file, then: <code>iad-crawl reject --db FILE --ids LIST</code>"
    "<textarea id=\"list\" rows=\"3\" readonly></textarea></div>\n<script>\n"
    "document.addEventListener('change',function(){var c=[].slice.call(document.querySelectorAll('input:checked')).map(function(i){return i.value});"
    "document.getElementById('n').textContent=c.length;document.getElementById('list').value=c.join('\\n')})\n</script>\n</html>\n";

typedef struct sheet {
    iad_manifest *m;
    const iad_crawl_gallery_options *o;
    iad_buf *html;
    int64_t *shown;
} sheet;

static iad_status add_text(sheet *s, const char *before, const char *text, const char *after, iad_err *err) {
    IAD_TRY(iad_buf_add_str(s->html, before, err));
    IAD_TRY(iad_html_text(s->html, text ? text : "", err));
    return iad_buf_add_str(s->html, after, err);
}

/* Row: hash, stored path, width, height, host, title, reason, packed root of the data set. */
static iad_status add_picture(sheet *s, iad_query *q, iad_err *err) {
    char hex[IAD_SHA256_HEX] = "", path[IAD_PATH_MAX];
    uint8_t sha256[32];
    iad_buf jpeg;
    iad_err why = IAD_ERR_NONE;
    int w = 0, h = 0;
    const char *stored = iad_query_col_text(q, 1), *root = iad_query_col_text(q, 7);
    if (iad_query_col_bytes(q, 0, sha256, 32)) iad_hex(sha256, 32, hex);
    iad_buf_init(&jpeg, MAX_THUMB_BYTES);
    iad_status status =
        stored && root ? iad_image_path_join(s->m, root, stored, path, sizeof path, &why) : IAD_FAIL(&why, IAD_ERR_NOT_FOUND, "no file is kept");
    if (status == IAD_OK) status = iad_gallery_thumb(path, NULL, s->o->side, s->o->quality, &jpeg, &w, &h, &why);
    iad_status out = iad_buf_addf(s->html, err, "<label style=\"width:%dpx\"><div style=\"height:%dpx\">", s->o->side, s->o->side);
    if (out == IAD_OK && status == IAD_OK) {
        out = iad_buf_addf(s->html, err, "<img alt=\"\" width=\"%d\" height=\"%d\" src=\"", w, h);
        if (out == IAD_OK) out = iad_html_data_uri(s->html, "image/jpeg", jpeg.data, jpeg.len, err);
        if (out == IAD_OK) out = iad_buf_add_str(s->html, "\">", err);
    } else if (out == IAD_OK) {
        out = add_text(s, "", why.msg, "", err);
    }
    iad_buf_deinit(&jpeg);
    IAD_TRY(out);
    IAD_TRY(iad_buf_addf(s->html, err, "</div><input type=\"checkbox\" value=\"%s\"> %lld&times;%lld ", hex, (long long)iad_query_col_i64(q, 2),
                         (long long)iad_query_col_i64(q, 3)));
    IAD_TRY(add_text(s, "<b>", iad_query_col_text(q, 4), "</b> ", err));
    IAD_TRY(add_text(s, "", iad_query_col_text(q, 6), " ", err));
    IAD_TRY(add_text(s, "<br>", iad_query_col_text(q, 5), "</label>\n", err));
    ++*s->shown;
    return IAD_OK;
}

static int wanted(const iad_strings *names, const char *name) {
    for (size_t i = 0; names && i < names->n; i++)
        if (!strcmp(names->items[i], name)) return 1;
    return !names || names->n == 0;
}

static iad_status add_category(sheet *s, int64_t id, const char *name, iad_err *err) {
    iad_query q;
    int n = 0;
    /* The picture of a hit stands at the end of its redirects. */
    IAD_TRY(iad_query_open(
        &q, s->m, "crawl_hit",
        "SELECT p.sha256,p.path,coalesce(p.width,0),coalesce(p.height,0),u.host,h.title,h.reason,d.root FROM crawl_hit h JOIN crawl_page g ON "
        "g.id=h.page_id"
        " JOIN category c ON c.id=h.category_id JOIN dataset d ON d.id=c.dataset_id JOIN crawl_url u ON u.id=(WITH RECURSIVE way(id,step) AS (SELECT"
        " h.url_id,0 UNION ALL SELECT r.target_id,way.step+1 FROM way JOIN crawl_url r ON r.id=way.id WHERE r.target_id IS NOT NULL AND way.step<8)"
        " SELECT r.id FROM way JOIN crawl_url r ON r.id=way.id WHERE r.picture_id IS NOT NULL) JOIN crawl_picture p ON p.id=u.picture_id"
        " WHERE h.category_id=?1 AND (h.verdict='kept' AND NOT ?2 OR h.verdict IN('rejected','duplicate') AND ?2) ORDER BY g.turn,h.rank LIMIT ?3",
        err));
    iad_query_i64(&q, id);
    iad_query_i64(&q, s->o->rejected);
    iad_query_i64(&q, s->o->per_category);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        if (!n++) status = add_text(s, "<section>\n<h2>", name, "</h2>\n<div class=\"sheet\">\n", err);
        if (status == IAD_OK) status = add_picture(s, &q, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK && n) status = iad_buf_add_str(s->html, "</div>\n</section>\n", err);
    return status != IAD_OK ? status : closed;
}

iad_status iad_crawl_gallery(iad_manifest *m, const iad_crawl_gallery_options *options, iad_buf *html, int64_t *shown, iad_err *err) {
    sheet s = {m, options, html, shown};
    iad_query q;
    *shown = 0;
    IAD_TRY(iad_buf_addf(html, err, "%s</style>\n<h1>%s</h1>\n<p>Tick what is to be refused.</p>\n", head,
                         options->rejected ? "Pictures that were not kept" : "Pictures that are kept"));
    IAD_TRY(iad_query_open(&q, m, "crawl_goal", "SELECT c.id,c.name FROM crawl_goal g JOIN category c ON c.id=g.category_id ORDER BY c.name", err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *name = iad_query_col_text(&q, 1);
        if (name && wanted(options->categories, name)) status = add_category(&s, iad_query_col_i64(&q, 0), name, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    IAD_TRY(status);
    IAD_TRY(closed);
    if (!*shown) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such pictures of a crawl", iad_manifest_path(m));
    return iad_buf_add_str(html, tail, err);
}
