/* The inside of the check, shared by check*.c. */
#ifndef IAD_MANIFESTS_CHECK_RULES_H
#define IAD_MANIFESTS_CHECK_RULES_H

#include "manifests/check.h"
#include "manifests/query.h"

typedef struct iad_check_state {
    iad_manifest *manifest;
    const iad_check_options *options;
    const iad_check_sink *sink;
    iad_check_counts *counts;
} iad_check_state;

/* Passes a violation on and counts it. */
iad_status iad_check_report(iad_check_state *state, const char *rule, const char *item, const char *text, iad_err *err);

/* check_sql.c: every rule that is one SELECT of (item, text). */
iad_status iad_check_sql(iad_check_state *state, iad_err *err);
/* check_tasks.c: image marks and word spans of questions, JSON columns. */
iad_status iad_check_tasks(iad_check_state *state, iad_err *err);
/* check_store.c: schema, structure of the file, paths, masks, files. */
iad_status iad_check_schema(iad_check_state *state, iad_err *err);
iad_status iad_check_paths(iad_check_state *state, iad_err *err);
iad_status iad_check_masks(iad_check_state *state, iad_err *err);
iad_status iad_check_files(iad_check_state *state, iad_err *err);

typedef struct iad_check_sql_rule {
    const char *name, *text, *sql;
} iad_check_sql_rule;
const iad_check_sql_rule *iad_check_sql_rules(void);

#endif
