/* iad-annotate status, cost, report */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/check/quality.h"
#include "annotate/cmd_annotate.h"
#include "annotate/work/corpus.h"
#include "base/appprint.h"
#include "manifests/query.h"

/* Rows of a query as tab-separated lines below `head`. */
static iad_status add_rows(iad_manifest *m, const char *head, const char *sql, iad_buf *out, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_buf_addf(out, err, "%s\n", head));
    IAD_TRY(iad_query_open(&q, m, "annotate_answer", sql, err));
    int columns = sqlite3_column_count(q.stmt);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        for (int i = 0; i < columns && status == IAD_OK; i++) {
            const char *text = iad_query_col_text(&q, i);
            status = iad_buf_addf(out, err, "%s%s", i ? "\t" : "", text ? text : "-");
        }
        if (status == IAD_OK) status = iad_buf_add(out, "\n", 1, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static int with_manifest(const char *db, iad_manifest_mode mode, iad_status (*make)(iad_manifest *m, iad_buf *out, iad_err *err), iad_err *err) {
    iad_manifest *m = NULL;
    iad_buf out;
    iad_buf_init(&out, 1u << 28);
    iad_status status = iad_manifest_open(db, mode, &m, err);
    if (status == IAD_OK) status = make(m, &out, err);
    if (status == IAD_OK) status = iad_app_print(iad_buf_str(&out), out.len, err);
    iad_buf_deinit(&out);
    iad_manifest_close(m);
    return iad_app_exit_code(status);
}

static iad_status status_text(iad_manifest *m, iad_buf *out, iad_err *err) {
    IAD_TRY(add_rows(m, "prompt\tmodel\tok\trejected\tfiltered\tunusable\tpictures\tlast answer",
                     "SELECT "
                     "p.id||'@'||p.version,a.model,sum(a.state='ok'),sum(a.state='rejected'),sum(a.state='filtered'),sum(a.state='unusable'),count("
                     "DISTINCT a.image_id),max(a.at)"
                     " FROM annotate_answer a JOIN annotate_prompt p ON p.sha256=a.prompt_sha256 GROUP BY a.prompt_sha256,a.model ORDER BY 1,2",
                     out, err));
    IAD_TRY(add_rows(m, "\ntrouble\tmodel\tunits\texample",
                     "SELECT class,model,count(*),min(detail) FROM annotate_trouble GROUP BY 1,2 ORDER BY 3 DESC", out, err));
    IAD_TRY(add_rows(m, "\nbatch\tstate\trequests\tmodel\tdetail", "SELECT name,state,requests,model,detail FROM annotate_batch ORDER BY at,name",
                     out, err));
    return add_rows(
        m, "\ncaptions\tlanguage\taspect",
        "SELECT count(*),lang,aspect FROM caption WHERE json_valid(params) AND json_extract(params,'$.unit') IS NOT NULL GROUP BY 2,3 ORDER BY 2,3",
        out, err);
}

static iad_status cost_text(iad_manifest *m, iad_buf *out, iad_err *err) {
    IAD_TRY(add_rows(m, "model\tprompt\tanswers\tprompt tokens\tcached\tanswer tokens\tcost\tper 1000 answers\tpredicted/real prompt tokens",
                     "SELECT "
                     "a.model,p.id||'@'||p.version,count(*),sum(prompt_tokens),sum(cached_tokens),sum(completion_tokens),printf('%.6f',sum(cost)),"
                     "printf('%.4f',1000*sum(cost)/count(*)),"
                     "printf('%.3f',sum(predicted)*1.0/max(sum(prompt_tokens),1)) FROM annotate_answer a JOIN annotate_prompt p ON "
                     "p.sha256=a.prompt_sha256 WHERE raw IS NOT NULL"
                     " GROUP BY 1,a.prompt_sha256 ORDER BY 1,2",
                     out, err));
    return add_rows(m, "\nanswers\tbatch\tcost", "SELECT count(*),sum(batch IS NOT NULL),printf('%.6f',coalesce(sum(cost),0)) FROM annotate_answer",
                    out, err);
}

/* Answers of the audit by the group of what they judge: claims that cannot be seen. */
static iad_status audit_text(iad_manifest *m, iad_buf *out, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_buf_add_str(
        out, "\naudited model\tprompt\tdata set\tanswers\twith a claim that is not visible\tshare\tfrom\tto (95 %, Wilson)\tclaims\tnot visible\n",
        err));
    IAD_TRY(iad_query_open(
        &q, m, "annotate_answer",
        "SELECT model,prompt,name,count(*),sum(bad>0),sum(claims),sum(bad) FROM (SELECT b.model AS model,p.id||'@'||p.version AS prompt,d.name AS "
        "name,"
        "json_extract(c,'$.claims') AS claims,json_array_length(c,'$.not_visible') AS bad FROM (SELECT "
        "of_unit,image_id,json_extract(raw,'$.choices[0].message.content') AS t,"
        "CASE WHEN instr(json_extract(raw,'$.choices[0].message.content'),'{')>0 THEN substr(json_extract(raw,'$.choices[0].message.content'),"
        "instr(json_extract(raw,'$.choices[0].message.content'),'{'),length(rtrim(json_extract(raw,'$.choices[0].message.content'),'` "
        "'||char(10)||char(13)))"
        "-instr(json_extract(raw,'$.choices[0].message.content'),'{')+1) END AS c FROM annotate_answer WHERE of_unit IS NOT NULL AND state='ok') a"
        " JOIN annotate_answer b ON b.unit=a.of_unit JOIN annotate_prompt p ON p.sha256=b.prompt_sha256 JOIN image i ON i.id=b.image_id JOIN dataset "
        "d ON d.id=i.dataset_id"
        " WHERE json_valid(c)) GROUP BY 1,2,3 ORDER BY 1,2,3",
        err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        double lo, hi;
        int64_t n = iad_query_col_i64(&q, 3), k = iad_query_col_i64(&q, 4);
        iad_quality_wilson(k, n, &lo, &hi);
        status = iad_buf_addf(out, err, "%s\t%s\t%s\t%lld\t%lld\t%.3f\t%.3f\t%.3f\t%lld\t%lld\n", iad_query_col_text(&q, 0),
                              iad_query_col_text(&q, 1), iad_query_col_text(&q, 2), (long long)n, (long long)k, n ? (double)k / (double)n : 0, lo, hi,
                              (long long)iad_query_col_i64(&q, 5), (long long)iad_query_col_i64(&q, 6));
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status report_text(iad_manifest *m, iad_buf *out, iad_err *err) {
    iad_corpus_counts counts;
    iad_buf worst;
    IAD_TRY(add_rows(m, "prompt\tmodel\tanswers\tok\tshare ok\trounds\tseconds\tcost",
                     "SELECT "
                     "p.id||'@'||p.version,a.model,count(*),sum(a.state='ok'),printf('%.3f',avg(a.state='ok')),max(a.round)+1,printf('%.2f',avg(a.ms)"
                     "/1000.0),printf('%.6f',sum(a.cost))"
                     " FROM annotate_answer a JOIN annotate_prompt p ON p.sha256=a.prompt_sha256 GROUP BY a.prompt_sha256,a.model ORDER BY 1,2",
                     out, err));
    IAD_TRY(add_rows(m, "\ncheck\tfield\tweight\tanswers\texample",
                     "SELECT check_name,field,weight,count(*),min(detail) FROM annotate_verdict GROUP BY 1,2,3 ORDER BY 3,4 DESC,1,2", out, err));
    IAD_TRY(add_rows(m, "\ndata set\tcategory\tanswers\tok\trelevance\tdefect\twatermark",
                     "SELECT d.name,coalesce(c.name,'-'),count(*),sum(a.state='ok'),sum(EXISTS(SELECT 1 FROM annotate_verdict v WHERE v.unit=a.unit "
                     "AND v.check_name='relevance')),"
                     "sum(EXISTS(SELECT 1 FROM annotate_verdict v WHERE v.unit=a.unit AND v.check_name='defect')),sum(EXISTS(SELECT 1 FROM "
                     "annotate_verdict v WHERE v.unit=a.unit AND"
                     " v.check_name='watermark')) FROM annotate_answer a JOIN image i ON i.id=a.image_id JOIN dataset d ON d.id=i.dataset_id LEFT "
                     "JOIN category c ON c.id=i.category_id"
                     " GROUP BY 1,2 ORDER BY 1,2",
                     out, err));
    IAD_TRY(add_rows(m, "\nreviewed\tanswers", "SELECT verdict,count(*) FROM annotate_review GROUP BY 1 ORDER BY 1", out, err));
    iad_buf_init(&worst, 1 << 20);
    iad_status status = iad_corpus_templates(m, &counts, &worst, err);
    if (status == IAD_OK)
        status = iad_buf_addf(
            out, err, "\ntexts\tsame on more than %d pictures (groups)\talike on more than %d (groups)\tanswers noted\n%lld\t%lld\t%lld\t%lld\n%s",
            IAD_CORPUS_MAX_SAME, IAD_CORPUS_MAX_LIKE, (long long)counts.texts, (long long)counts.same_groups, (long long)counts.like_groups,
            (long long)counts.flagged, iad_buf_str(&worst));
    iad_buf_deinit(&worst);
    return status == IAD_OK ? audit_text(m, out, err) : status;
}

static int plain(iad_app *app, int argc, char **argv, const char *name, const char *help, iad_manifest_mode mode,
                 iad_status (*make)(iad_manifest *m, iad_buf *out, iad_err *err), iad_err *err) {
    const char *db = NULL;
    iad_strings operands = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {.name = name, .usage = "--db FILE", .help = help};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = with_manifest(db, mode, make, err);
    iad_strings_deinit(&operands);
    return code;
}

int iad_cmd_annotate_status(iad_app *app, int argc, char **argv, iad_err *err) {
    return plain(app, argc, argv, "status", "Answers, trouble, batches and captions as tab-separated tables; works while a run goes on.",
                 IAD_MANIFEST_READ, status_text, err);
}

int iad_cmd_annotate_cost(iad_app *app, int argc, char **argv, iad_err *err) {
    return plain(app, argc, argv, "cost",
                 "What was counted and paid, by model and prompt, and how good the prediction of picture and prompt tokens was.", IAD_MANIFEST_READ,
                 cost_text, err);
}

int iad_cmd_annotate_report(iad_app *app, int argc, char **argv, iad_err *err) {
    return plain(app, argc, argv, "report",
                 "Verdicts by prompt, check and category; looks for texts that repeat over pictures and notes their answers; the audit's shares with "
                 "intervals.",
                 IAD_MANIFEST_WRITE, report_text, err);
}
