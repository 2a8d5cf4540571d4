#include "manifests/export/export_captions.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifests/query.h"

enum { DATASET, PATH, SHA256, CATEGORY, ASPECT, LANG, TEXT, MODEL, PROMPT, ANSWER, N_CELLS, ID = N_CELLS };

const char *iad_export_captions_name(iad_caption_format format) {
    static const char *const names[] = {"captions.json", "captions.messages.jsonl", "captions.jsonl", "captions.tsv"};
    return (unsigned)format < 4 ? names[format] : "";
}

static const char *question(const char *aspect, const char *lang) {
    int zh = !strcmp(lang, "zh");
    if (!strcmp(aspect, "material") || !strcmp(aspect, "surface"))
        return zh ? "请描述图中物体的材料与表面。" : "Describe the material and the surface of the object.";
    if (!strcmp(aspect, "structure")) return zh ? "请描述图中物体的结构细节。" : "Describe the structural details of the object.";
    if (!strcmp(aspect, "defect")) return zh ? "请描述图中物体的缺陷。" : "Describe the defect of the object.";
    return zh ? "请描述图中物体的整体形状与结构。" : "Describe the overall shape and structure of the object.";
}

static const char *cell(iad_query *q, int column) {
    const char *text = iad_query_col_text(q, column);
    return text ? text : "";
}

static json_t *record(iad_query *q, iad_caption_format format) {
    const char *v[N_CELLS];
    char image[9000], ask[400], id[24];
    for (int i = 0; i < N_CELLS; i++) v[i] = cell(q, i);
    snprintf(image, sizeof image, "%s/%s", v[DATASET], v[PATH]);
    snprintf(ask, sizeof ask, "<image>\n%s", question(v[ASPECT], v[LANG]));
    snprintf(id, sizeof id, "%lld", (long long)iad_query_col_i64(q, ID));
    json_t *from = json_pack("{s:s,s:s,s:s,s:s}", "image_sha256", v[SHA256], "prompt", v[PROMPT], "model", v[MODEL], "answer", v[ANSWER]);
    if (format == IAD_CAPTIONS_LLAVA)
        return json_pack("{s:s,s:s,s:[{s:s,s:s},{s:s,s:s}],s:o}", "id", id, "image", image, "conversations", "from", "human", "value", ask, "from",
                         "gpt", "value", v[TEXT], "source", from);
    if (format == IAD_CAPTIONS_MESSAGES)
        return json_pack("{s:[{s:s,s:s},{s:s,s:s}],s:[s],s:o}", "messages", "role", "user", "content", ask, "role", "assistant", "content", v[TEXT],
                         "images", image, "source", from);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "image", image, "category", v[CATEGORY], "aspect", v[ASPECT], "lang", v[LANG], "text", v[TEXT],
                     "source", from);
}

static iad_status add_json(iad_query *q, iad_caption_format format, int first, iad_buf *out, iad_err *err) {
    json_t *j = record(q, format);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    if (!text) return IAD_FAIL(err, IAD_ERR_FORMAT, "caption %lld is not UTF-8 text", (long long)iad_query_col_i64(q, ID));
    const int list = format == IAD_CAPTIONS_LLAVA;
    iad_status status = iad_buf_addf(out, err, "%s%s%s", list && !first ? ",\n" : "", text, list ? "" : "\n");
    free(text);
    return status;
}

static iad_status add_tsv(iad_query *q, iad_buf *out, iad_err *err) {
    for (int i = 0; i < N_CELLS; i++) {
        IAD_TRY(iad_buf_add(out, "\t", i ? 1 : 0, err));
        for (const char *p = cell(q, i); *p; p++) IAD_TRY(iad_buf_add(out, *p == '\t' || *p == '\n' || *p == '\r' ? " " : p, 1, err));
    }
    return iad_buf_add(out, "\n", 1, err);
}

static int chosen(const iad_strings *names, const char *name) {
    for (size_t i = 0; names && i < names->n; i++)
        if (!strcmp(names->items[i], name)) return 1;
    return !names || !names->n;
}

/* Every name that is asked for must exist. */
static iad_status check_names(iad_manifest *m, const iad_caption_export *o, iad_err *err) {
    static const char datasets[] = "SELECT 1 FROM dataset WHERE name=?1",
                      categories[] = "SELECT 1 FROM category c JOIN dataset d ON d.id=c.dataset_id WHERE c.name=?1 AND (?2 IS NULL OR d.name=?2)";
    for (size_t i = 0; i < (o->dataset != NULL) + (o->categories ? o->categories->n : 0); i++) {
        const int set = o->dataset && i == 0;
        const char *name = set ? o->dataset : o->categories->items[i - (o->dataset != NULL)];
        iad_query q;
        IAD_TRY(iad_query_open(&q, m, set ? "dataset" : "category", set ? datasets : categories, err));
        iad_query_text(&q, name);
        if (!set) iad_query_text(&q, o->dataset);
        const int there = iad_query_next(&q);
        IAD_TRY(iad_query_close(&q, err));
        if (!there) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no %s '%s'", iad_manifest_path(m), set ? "data set" : "category", name);
    }
    return IAD_OK;
}

iad_status iad_export_captions(iad_manifest *m, const iad_caption_export *o, iad_buf *out, int64_t *n, iad_err *err) {
    iad_query q;
    const int tsv = o->format == IAD_CAPTIONS_TSV, list = o->format == IAD_CAPTIONS_LLAVA;
    *n = 0;
    IAD_TRY(check_names(m, o, err));
    if (tsv) IAD_TRY(iad_buf_add_str(out, "dataset\tpath\tsha256\tcategory\taspect\tlang\ttext\tmodel\tprompt\tanswer\n", err));
    if (list) IAD_TRY(iad_buf_add_str(out, "[\n", err));
    IAD_TRY(iad_query_open(&q, m, "caption",
                           "SELECT d.name,i.path,lower(hex(i.sha256)),coalesce(c.name,''),t.aspect,t.lang,t.text,t.model,p.id||'@'||p.version,"
                           "CASE WHEN json_valid(t.params) THEN json_extract(t.params,'$.unit') END AS unit,t.id FROM caption t"
                           " JOIN image i ON i.id=t.image_id JOIN dataset d ON d.id=i.dataset_id LEFT JOIN category c ON c.id=i.category_id"
                           " LEFT JOIN annotate_prompt p ON p.sha256=t.prompt_sha256 WHERE i.dup_of IS NULL AND (?1 IS NULL OR d.name=?1)"
                           " AND (?2=0 OR unit IS NOT NULL) ORDER BY d.name,i.path,t.lang,t.aspect,t.id",
                           err));
    iad_query_text(&q, o->dataset);
    iad_query_i64(&q, o->answers_only);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        if (!chosen(o->categories, cell(&q, CATEGORY))) continue;
        status = tsv ? add_tsv(&q, out, err) : add_json(&q, o->format, *n == 0, out, err);
        ++*n;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK && closed == IAD_OK && list) closed = iad_buf_add_str(out, "\n]\n", err);
    return status != IAD_OK ? status : closed;
}
