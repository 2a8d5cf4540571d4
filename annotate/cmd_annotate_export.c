/* iad-annotate export: pictures with texts, as other trainers read them. Every line names the answer that it came from, so that it can be withdrawn.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/cmd_annotate.h"
#include "manifests/query.h"

#define MAX_EXPORT (2047u * 1024u * 1024u)

static const char *question(const char *aspect, const char *lang) {
    int zh = !strcmp(lang, "zh");
    if (!strcmp(aspect, "material") || !strcmp(aspect, "surface"))
        return zh ? "请描述图中物体的材料与表面。" : "Describe the material and the surface of the object.";
    if (!strcmp(aspect, "structure")) return zh ? "请描述图中物体的结构细节。" : "Describe the structural details of the object.";
    if (!strcmp(aspect, "defect")) return zh ? "请描述图中物体的缺陷。" : "Describe the defect of the object.";
    return zh ? "请描述图中物体的整体形状与结构。" : "Describe the overall shape and structure of the object.";
}

/* Columns: data set, path, hash, category, aspect, lang, text, model, prompt, unit, caption id. */
static json_t *record(iad_query *q, const char *format) {
    const char *v[11];
    for (int i = 0; i < 11; i++) {
        v[i] = iad_query_col_text(q, i);
        if (!v[i]) v[i] = "";
    }
    char image[9000], ask[400];
    snprintf(image, sizeof image, "%s/%s", v[0], v[1]);
    snprintf(ask, sizeof ask, "<image>\n%s", question(v[4], v[5]));
    json_t *from = json_pack("{s:s,s:s,s:s,s:s}", "image_sha256", v[2], "prompt", v[8], "model", v[7], "answer", v[9]);
    if (!strcmp(format, "llava"))
        return json_pack("{s:s,s:s,s:[{s:s,s:s},{s:s,s:s}],s:o}", "id", v[10], "image", image, "conversations", "from", "human", "value", ask, "from",
                         "gpt", "value", v[6], "source", from);
    if (!strcmp(format, "messages"))
        return json_pack("{s:[{s:s,s:s},{s:s,s:s}],s:[s],s:o}", "messages", "role", "user", "content", ask, "role", "assistant", "content", v[6],
                         "images", image, "source", from);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "image", image, "category", v[3], "aspect", v[4], "lang", v[5], "text", v[6], "source", from);
}

static iad_status add_json(iad_query *q, const char *format, int first, iad_buf *out, iad_err *err) {
    json_t *j = record(q, format);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    if (!text) return IAD_FAIL(err, IAD_ERR_FORMAT, "caption %lld is not UTF-8 text", (long long)iad_query_col_i64(q, 10));
    int list = !strcmp(format, "llava");
    iad_status status = iad_buf_addf(out, err, "%s%s%s", list && !first ? ",\n" : "", text, list ? "" : "\n");
    free(text);
    return status;
}

static iad_status add_tsv(iad_query *q, iad_buf *out, iad_err *err) {
    for (int i = 0; i < 10; i++) {
        const char *text = iad_query_col_text(q, i);
        IAD_TRY(iad_buf_add(out, "\t", i ? 1 : 0, err));
        for (const char *p = text ? text : ""; *p; p++) IAD_TRY(iad_buf_add(out, *p == '\t' || *p == '\n' || *p == '\r' ? " " : p, 1, err));
    }
    return iad_buf_add(out, "\n", 1, err);
}

static iad_status export_all(iad_manifest *m, const char *format, const char *dataset, iad_buf *out, int64_t *n, iad_err *err) {
    iad_query q;
    int tsv = !strcmp(format, "tsv"), list = !strcmp(format, "llava");
    if (tsv) IAD_TRY(iad_buf_add_str(out, "dataset\tpath\tsha256\tcategory\taspect\tlang\ttext\tmodel\tprompt\tanswer\n", err));
    if (list) IAD_TRY(iad_buf_add_str(out, "[\n", err));
    IAD_TRY(iad_query_open(&q, m, "caption",
                           "SELECT "
                           "d.name,i.path,lower(hex(i.sha256)),coalesce(c.name,''),t.aspect,t.lang,t.text,t.model,p.id||'@'||p.version,json_extract("
                           "t.params,'$.unit'),t.id FROM caption t"
                           " JOIN image i ON i.id=t.image_id JOIN dataset d ON d.id=i.dataset_id LEFT JOIN category c ON c.id=i.category_id"
                           " LEFT JOIN annotate_prompt p ON p.sha256=t.prompt_sha256 WHERE json_valid(t.params) AND json_extract(t.params,'$.unit') "
                           "IS NOT NULL AND i.dup_of IS NULL"
                           " AND (?1 IS NULL OR d.name=?1) ORDER BY d.name,i.path,t.lang,t.aspect,t.id",
                           err));
    iad_query_text(&q, dataset);
    iad_status status = IAD_OK;
    for (; status == IAD_OK && iad_query_next(&q); ++*n) status = tsv ? add_tsv(&q, out, err) : add_json(&q, format, *n == 0, out, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK && closed == IAD_OK && list) closed = iad_buf_add_str(out, "\n]\n", err);
    return status != IAD_OK ? status : closed;
}

int iad_cmd_annotate_export(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *format = "llava", *dataset = NULL;
    iad_strings operands = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
                             {.kind = IAD_ARG_CHOICE,
                              .name = "format",
                              .value = &format,
                              .help = "llava: a list of conversations; messages, jsonl: a line each",
                              .choices = "llava|messages|jsonl|tsv"},
                             {.kind = IAD_ARG_STRING, .name = "dataset", .value = &dataset, .meta = "NAME", .help = "only this data set"},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "export",
                              .usage = "--db FILE [--format F]",
                              .help = "Writes the accepted texts. Paths are DATASET/PATH as `iad-manifest export --dataset` writes the pictures; "
                                      "each record names its answer."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *m = NULL;
        iad_buf out;
        int64_t n = 0;
        iad_buf_init(&out, MAX_EXPORT);
        iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &m, err);
        if (status == IAD_OK) status = export_all(m, format, dataset, &out, &n, err);
        if (status == IAD_OK) status = iad_cmd_annotate_print(iad_buf_str(&out), out.len, err);
        if (status == IAD_OK) fprintf(stderr, "%s export: texts=%lld bytes=%zu\n", app->program, (long long)n, out.len);
        iad_buf_deinit(&out);
        iad_manifest_close(m);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
