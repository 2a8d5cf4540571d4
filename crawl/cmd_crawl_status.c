#include <stdio.h>
/* iad-crawl status and report: tables out of the manifest. */
#include <stdlib.h>
#include <string.h>

#include "base/appprint.h"
#include "crawl/cmd_crawl.h"
#include "crawl/outcome.h"
#include "manifests/query.h"

/* Appends the rows of a SELECT as TSV, tabs and line breaks of values as spaces. */
static iad_status add_table(iad_manifest *m, const char *header, const char *sql, iad_buf *out, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_buf_addf(out, err, "%s\n", header));
    IAD_TRY(iad_query_open_text(&q, m, "crawl", sql, err));
    iad_status status = IAD_OK;
    int columns = sqlite3_column_count(q.stmt);
    while (status == IAD_OK && iad_query_next(&q)) {
        for (int c = 0; c < columns && status == IAD_OK; c++) {
            const char *text = iad_query_col_text(&q, c);
            if (c) status = iad_buf_add_str(out, "\t", err);
            for (; text && *text && status == IAD_OK; text++) status = iad_buf_add(out, (unsigned char)*text < 0x20 ? " " : text, 1, err);
        }
        if (status == IAD_OK) status = iad_buf_add_str(out, "\n", err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

typedef struct section {
    const char *header, *sql;
} section;

static int print_sections(iad_app *app, const iad_command *self, const section *sections, size_t n, int argc, char **argv, iad_err *err) {
    const char *db = NULL;
    iad_strings operands = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
                             {.kind = IAD_ARG_END}};
    int code = iad_app_parse(app, self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *m = NULL;
        iad_buf text;
        iad_buf_init(&text, 1u << 28);
        iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &m, err);
        for (size_t i = 0; i < n && status == IAD_OK; i++) {
            if (i) status = iad_buf_add_str(&text, "\n", err);
            if (status == IAD_OK) status = add_table(m, sections[i].header, sections[i].sql, &text, err);
        }
        if (status == IAD_OK) status = iad_app_print(iad_buf_str(&text), text.len, err);
        iad_buf_deinit(&text);
        iad_manifest_close(m);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}

int iad_cmd_crawl_status(iad_app *app, int argc, char **argv, iad_err *err) {
    static const section sections[] = {{"category\ttarget\tkept\tstate\tpages\thits\tdoubles\trejected\tfailed\tundecided",
                                        "SELECT c.name,g.target,sum(h.verdict='kept'),g.state,(SELECT coalesce(sum(q.pages),0) FROM crawl_query q "
                                        "WHERE q.category_id=g.category_id),count(h.id),"
                                        "coalesce(sum(h.verdict='duplicate'),0),coalesce(sum(h.verdict='rejected'),0),coalesce(sum(h.verdict='failed'"
                                        "),0),coalesce(sum(h.verdict='new'),0)"
                                        " FROM crawl_goal g JOIN category c ON c.id=g.category_id LEFT JOIN crawl_hit h ON "
                                        "h.category_id=g.category_id GROUP BY g.category_id ORDER BY c.id"},
                                       {"engine\tstrikes\tresume_at\tqueries_open\tqueries_done\tqueries_blocked\tpages\tlast_error",
                                        "SELECT q.engine,coalesce(e.strikes,0),coalesce(datetime(nullif(e.resume_at,0),'unixepoch'),''),sum(q.state "
                                        "IN('todo','active')),sum(q.state='done'),"
                                        "sum(q.state='blocked'),sum(q.pages),coalesce(e.last_error,max(q.last_error),'') FROM crawl_query q LEFT "
                                        "JOIN crawl_engine e ON e.name=q.engine"
                                        " GROUP BY q.engine ORDER BY q.engine"},
                                       {"addresses\tn", "SELECT state,count(*) FROM crawl_url GROUP BY state ORDER BY state"}};
    const iad_command self = {
        .name = "status", .usage = "--db FILE", .help = "Three tables: categories, engines, addresses by state. Works while a crawl is running."};
    return print_sections(app, &self, sections, sizeof sections / sizeof *sections, argc, argv, err);
}

int iad_cmd_crawl_report(iad_app *app, int argc, char **argv, iad_err *err) {
    static const section sections[] = {
        {"verdict\treason\thits",
         "SELECT verdict,coalesce(reason,''),count(*) FROM crawl_hit GROUP BY verdict,reason ORDER BY count(*) DESC,verdict,reason"},
        {"address\tn", "SELECT CASE WHEN state<>'done' THEN state ELSE coalesce(error,CASE WHEN target_id IS NOT NULL THEN 'redirect' WHEN "
                       "kind='page' THEN 'page' ELSE"
                       " 'picture' END) END AS what,count(*) FROM crawl_url GROUP BY what ORDER BY count(*) DESC,what"},
        {"picture\tformat\tn",
         "SELECT coalesce(error,'ok'),coalesce(format,''),count(*) FROM crawl_picture GROUP BY error,format ORDER BY count(*) DESC,error,format"},
        {"engine\thits\tkept\tshare",
         "SELECT q.engine,count(*),sum(h.verdict='kept'),round(1.0*sum(h.verdict='kept')/count(*),4) FROM crawl_hit h JOIN crawl_page p"
         " ON p.id=h.page_id JOIN crawl_query q ON q.id=p.query_id GROUP BY q.engine ORDER BY q.engine"},
        {"host\taddresses\tpictures\trobots\toptout\tfailed",
         "SELECT host,count(*),sum(picture_id IS NOT NULL),sum(error='robots'),sum(error='optout'),sum(error IS NOT NULL) FROM crawl_url WHERE "
         "state='done' GROUP BY host"
         " ORDER BY count(*) DESC,host LIMIT 50"},
        {"licence\tkept",
         "SELECT coalesce(licence,'unknown'),count(*) FROM crawl_hit WHERE verdict='kept' GROUP BY licence ORDER BY count(*) DESC,licence"}};
    const iad_command self = {
        .name = "report",
        .usage = "--db FILE",
        .help = "What became of everything: hits by verdict and reason, addresses by outcome, pictures by fault and format, engines, the 50 busiest"
                " hosts, licences."};
    return print_sections(app, &self, sections, sizeof sections / sizeof *sections, argc, argv, err);
}

/* ---- retry ---- */

static iad_status forget(iad_manifest *m, const char *class, int64_t *n, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, m, "crawl_url",
        "UPDATE crawl_url SET state='todo',error=NULL,detail=NULL,tries=0,picture_id=NULL WHERE state='done' AND error=? AND picture_id IS NULL",
        err));
    iad_query_text(&q, class);
    IAD_TRY(iad_query_run(&q, class, err));
    *n += iad_query_changes(m);
    return IAD_OK;
}

static int retry(iad_app *app, const char *db, const iad_strings *classes, int robots, iad_err *err) {
    iad_manifest *m = NULL;
    int64_t addresses = 0, queries = 0;
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_WRITE, &m, err);
    if (status == IAD_OK) status = iad_manifest_begin(m, err);
    for (size_t i = 0; i < classes->n && status == IAD_OK; i++) {
        if (iad_outcome_parse(classes->items[i]) == IAD_N_OUTCOMES)
            status = IAD_FAIL(err, IAD_ERR_ARG, "no reason \"%.60s\"; iad-crawl report lists those that occurred", classes->items[i]);
        if (status == IAD_OK) status = forget(m, classes->items[i], &addresses, err);
    }
    for (int i = 0; i < IAD_N_OUTCOMES && status == IAD_OK && !classes->n; i++)
        if (iad_outcome_transient((iad_outcome)i)) status = forget(m, iad_outcome_name((iad_outcome)i), &addresses, err);
    if (status == IAD_OK) status = iad_query_exec(m, "UPDATE crawl_query SET state='active',last_error=NULL WHERE state='blocked'", err);
    if (status == IAD_OK) queries = iad_query_changes(m);
    if (status == IAD_OK) status = iad_query_exec(m, "UPDATE crawl_engine SET strikes=0,resume_at=0,last_error=NULL", err);
    if (status == IAD_OK && robots) status = iad_query_exec(m, "UPDATE crawl_host SET robots_at=NULL", err);
    if (status == IAD_OK) status = iad_query_exec(m, "UPDATE crawl_host SET failures=0,parked=NULL", err);
    if (status == IAD_OK) status = iad_query_exec(m, "UPDATE crawl_goal SET state='open' WHERE state='short'", err);
    if (status == IAD_OK) status = iad_manifest_commit(m, err);
    if (status == IAD_OK)
        fprintf(stderr, "%s retry: addresses=%lld queries=%lld; start `%s run` again\n", app->program, (long long)addresses, (long long)queries,
                app->program);
    iad_manifest_close(m);
    return iad_app_exit_code(status);
}

int iad_cmd_crawl_retry(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL;
    int robots = 0;
    iad_strings operands = {0}, classes = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
                             {.kind = IAD_ARG_LIST,
                              .name = "reason",
                              .value = &classes,
                              .meta = "NAME,...",
                              .help = "reasons as in the report (default: all trouble that passes)"},
                             {.kind = IAD_ARG_FLAG, .name = "robots", .value = &robots, .help = "ask for robots.txt anew, too"},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "retry",
        .usage = "--db FILE [--reason NAME,...]",
        .help = "Forgets failures, so that the next run asks for these addresses again, and lifts the blocks of engines and hosts."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = retry(app, db, &classes, robots, err);
    iad_strings_deinit(&operands);
    iad_strings_deinit(&classes);
    return code;
}
