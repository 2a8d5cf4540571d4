/* iad-annotate show */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "annotate/client/chatanswer.h"
#include "annotate/cmd_annotate.h"
#include "base/file.h"
#include "base/html.h"
#include "base/sha256.h"
#include "manifests/gallery_thumb.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define MAX_PAGE (1u << 30)
#define MAX_THUMB (4u << 20)

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
    "content=\"width=device-width\">\n<title>annotation</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1c2328;--soft:#5b6770;--paper:#f6f7f8;--card:#fff;--line:#dfe3e6}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaed;--soft:#9aa6af;--paper:#14181b;--card:#1d2327;--line:#2c343a}}\n"
    "body{margin:0 auto;max-width:1100px;padding:1.5rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\n"
    "label{display:flex;gap:14px;padding:10px;margin:10px 0;background:var(--card);border:1px solid var(--line);border-radius:6px;cursor:pointer}\n"
    "label:has(:checked){outline:3px solid #b3261e;opacity:.6}img{flex:none;object-fit:contain}p{margin:.2rem 0 .5rem}small,h1+p{color:var(--soft)}\n"
    "#bar{position:sticky;bottom:0;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:8px}\n"
    "textarea{width:100%;box-sizing:border-box;font:12px monospace}\n</style>\n<h1>What was said about pictures</h1>\n<p>Tick answers and save the "
    "list at the end.</p>\n";
static const char tail[] =
    "<div id=\"bar\"><b id=\"n\">0</b> answers. Save this list as a file, then: <code>iad-annotate reject --db FILE --ids LIST</code> (or "
    "<code>accept</code>)"
    "<textarea id=\"list\" rows=\"3\" readonly></textarea></div>\n<script>\n"
    "document.addEventListener('change',function(){var c=[].slice.call(document.querySelectorAll('input:checked')).map(function(i){return i.value});"
    "document.getElementById('n').textContent=c.length;document.getElementById('list').value=c.join('\\n')})\n</script>\n</html>\n";

static iad_status add_text(iad_buf *out, const char *before, const char *text, const char *after, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, before, err));
    IAD_TRY(iad_html_text(out, text ? text : "", err));
    return iad_buf_add_str(out, after, err);
}

static iad_status add_thumb(iad_manifest *m, iad_query *q, int side, iad_buf *out, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_buf jpeg;
    iad_err why = IAD_ERR_NONE;
    int w = 0, h = 0;
    const char *root = iad_query_col_text(q, 2), *stored = iad_query_col_text(q, 3);
    iad_buf_init(&jpeg, MAX_THUMB);
    iad_status status = iad_image_path_join(m, root ? root : "", stored ? stored : "", path, sizeof path, &why);
    if (status == IAD_OK) status = iad_gallery_thumb(path, NULL, side, 80, &jpeg, &w, &h, &why);
    if (status == IAD_OK) {
        status = iad_buf_addf(out, err, "<img alt=\"\" width=\"%d\" height=\"%d\" src=\"", w, h);
        if (status == IAD_OK) status = iad_html_data_uri(out, "image/jpeg", jpeg.data, jpeg.len, err);
        if (status == IAD_OK) status = iad_buf_add_str(out, "\">", err);
    } else {
        status = add_text(out, "<i>", why.msg, "</i>", err);
    }
    iad_buf_deinit(&jpeg);
    return status;
}

static iad_status add_findings(iad_manifest *m, const uint8_t unit[32], iad_buf *out, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "annotate_verdict", "SELECT check_name,field,weight,detail FROM annotate_verdict WHERE unit=? ORDER BY 1,2", err));
    iad_query_blob(&q, unit, 32);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        status = add_text(out, "<br><b>", iad_query_col_text(&q, 0), "</b> ", err);
        if (status == IAD_OK) status = add_text(out, "", iad_query_col_text(&q, 1), ": ", err);
        if (status == IAD_OK) status = add_text(out, "", iad_query_col_text(&q, 3), "", err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* The texts and flags as the model gave them; what cannot be read is shown as it is. */
static iad_status add_answer(const char *raw, iad_buf *out, iad_err *err) {
    iad_chat_answer a;
    iad_err why = IAD_ERR_NONE;
    if (!raw || iad_chat_answer_parse(&a, raw, strlen(raw), &why) != IAD_OK) return iad_buf_add_str(out, "<p><i>no answer</i></p>", err);
    const char *from = strchr(a.content, '{'), *to = strrchr(a.content, '}');
    json_t *root = from && to > from ? json_loadb(from, (size_t)(to - from) + 1, 0, NULL) : NULL;
    iad_status status = IAD_OK;
    if (!json_is_object(root)) status = add_text(out, "<p>", a.content, "</p>", err);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        if (status != IAD_OK) break;
        char number[40] = "";
        if (json_is_number(value)) snprintf(number, sizeof number, "%.3g", json_number_value(value));
        const char *text = json_is_string(value) ? json_string_value(value) : json_is_boolean(value) ? (json_is_true(value) ? "yes" : "no") : number;
        int lengthy = strlen(text) > 40;
        status = add_text(out, lengthy ? "<p><small>" : "<small>", key, lengthy ? "</small><br>" : " </small>", err);
        if (status == IAD_OK) status = add_text(out, "", text, lengthy ? "</p>" : " &nbsp; ", err);
    }
    json_decref(root);
    iad_chat_answer_deinit(&a);
    return status;
}

static iad_status page(iad_manifest *m, const char *state, const char *check, int64_t limit, int side, iad_buf *out, int64_t *shown, iad_err *err) {
    iad_query q;
    *shown = 0;
    IAD_TRY(iad_buf_add_str(out, head, err));
    /* Spread over the corpus: in the order of the units, which are hashes. */
    IAD_TRY(iad_query_open(&q, m, "annotate_answer",
                           "SELECT a.unit,a.raw,d.root,i.path,d.name,coalesce(c.name,''),p.id||'@'||p.version,a.model,a.state,coalesce(r.verdict,'') "
                           "FROM annotate_answer a JOIN image i"
                           " ON i.id=a.image_id JOIN dataset d ON d.id=i.dataset_id LEFT JOIN category c ON c.id=i.category_id JOIN annotate_prompt "
                           "p ON p.sha256=a.prompt_sha256"
                           " LEFT JOIN annotate_review r ON r.unit=a.unit WHERE (?1='all' OR a.state=?1) AND (?2 IS NULL OR EXISTS(SELECT 1 FROM "
                           "annotate_verdict v WHERE v.unit=a.unit AND"
                           " v.check_name=?2)) ORDER BY a.unit LIMIT ?3",
                           err));
    iad_query_text(&q, state);
    iad_query_text(&q, check);
    iad_query_i64(&q, limit);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        uint8_t unit[32];
        char hex[IAD_SHA256_HEX];
        if (!iad_query_col_bytes(&q, 0, unit, 32)) continue;
        iad_hex(unit, 32, hex);
        status = iad_buf_addf(out, err, "<label><input type=\"checkbox\" value=\"%s\">", hex);
        if (status == IAD_OK) status = add_thumb(m, &q, side, out, err);
        if (status == IAD_OK) status = iad_buf_add_str(out, "<div>", err);
        if (status == IAD_OK) status = add_answer(iad_query_col_text(&q, 1), out, err);
        for (int i = 4; i < 10 && status == IAD_OK; i++)
            status = add_text(out, i == 4 ? "<br><small>" : " &middot; ", iad_query_col_text(&q, i), "", err);
        if (status == IAD_OK) status = add_findings(m, unit, out, err);
        if (status == IAD_OK) status = iad_buf_add_str(out, "</small></div></label>\n", err);
        ++*shown;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    IAD_TRY(status);
    IAD_TRY(closed);
    if (!*shown) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such answers", iad_manifest_path(m));
    return iad_buf_add_str(out, tail, err);
}

int iad_cmd_annotate_show(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *out = NULL, *state = "all", *check = NULL;
    int64_t limit = 100, side = 224, shown = 0;
    iad_strings operands = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &out, .meta = "PAGE.html", .help = "page to write", .required = 1},
        {.kind = IAD_ARG_CHOICE, .name = "state", .value = &state, .help = "which answers", .choices = "all|ok|rejected|filtered|unusable"},
        {.kind = IAD_ARG_STRING,
         .name = "check",
         .value = &check,
         .meta = "NAME",
         .help = "only answers with this verdict (length, relevance, defect, template ...)"},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &limit, .meta = "N", .help = "answers", .lo = 1, .hi = 100000},
        {.kind = IAD_ARG_INT, .name = "side", .value = &side, .meta = "PX", .help = "longest side of a thumbnail", .lo = 16, .hi = 1024},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "show",
                              .usage = "--db FILE --out PAGE.html [options]",
                              .help = "One page without outside parts: picture, texts, flags, verdicts; a sample over the whole corpus."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *m = NULL;
        iad_buf html;
        iad_buf_init(&html, MAX_PAGE);
        iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &m, err);
        if (status == IAD_OK) status = page(m, state, check, limit, (int)side, &html, &shown, err);
        if (status == IAD_OK) status = iad_file_write(out, html.data, html.len, err);
        if (status == IAD_OK) fprintf(stderr, "%s show: answers=%lld bytes=%zu out=%s\n", app->program, (long long)shown, html.len, out);
        iad_buf_deinit(&html);
        iad_manifest_close(m);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
