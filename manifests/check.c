#include "manifests/check.h"

#include <stdio.h>
#include <string.h>

#include "manifests/check_rules.h"
#include "manifests/leakage.h"

/* Rules that are not in the table of check_sql.c. */
static const iad_check_rule_info coded[] = {
    {"file", "the database file is undamaged"},
    {"foreign-key", "every reference points at a row"},
    {"schema", "tables and indexes are those of this program, no more"},
    {"path", "no stored path leaves its data set's folder"},
    {"task-marks", "a question has one <image> per picture (questions of others may have none)"},
    {"task-spans", "word spans show their words, behind the last <image>"},
    {"task-canonical", "a canonical detection record asks the runtime's question to the letter, right behind the pictures"},
    {"task-boxes", "boxes lie on a picture of their task; every <box:i> of its texts is one of them"},
    {"json", "columns that hold JSON do"},
    {"leak-pixels", "no training picture has the pixels of an evaluation picture"},
    {"leak-near", "no training picture nearly equals an evaluation picture of another category"},
    {"mask-pixels", "with --masks: a mask's pixels have its hash and area"},
    {"file-missing", "with --files: a picture's file is there"},
    {"file-changed", "with --files: and has its hash"}};
enum { N_CODED = sizeof coded / sizeof *coded };

iad_status iad_check_report(iad_check_state *state, const char *rule, const char *item, const char *text,
                            iad_err *err) {
    state->counts->violations++;
    return state->sink->violation(state->sink->user, rule, item ? item : "?", text, err);
}

size_t iad_check_rules(iad_check_rule_info *out, size_t n) {
    size_t total = 0;
    for (const iad_check_sql_rule *rule = iad_check_sql_rules(); rule->name; rule++, total++)
        if (total < n) out[total] = (iad_check_rule_info){rule->name, rule->text};
    for (size_t i = 0; i < N_CODED; i++, total++)
        if (total < n) out[total] = coded[i];
    return total;
}

/* "data set/path" of a picture. */
static iad_status picture_name(iad_manifest *manifest, int64_t id, char *out, size_t size, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image",
                           "SELECT d.name||'/'||i.path FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE i.id=?",
                           err));
    iad_query_i64(&q, id);
    const char *name = iad_query_next(&q) ? iad_query_col_text(&q, 0) : NULL;
    snprintf(out, size, "%s", name ? name : "?");
    return iad_query_close(&q, err);
}

static iad_status check_leakage(iad_check_state *state, iad_err *err) {
    iad_leak_hits hits = {0};
    IAD_TRY(iad_leakage_find(state->manifest, &hits, err));
    iad_status status = IAD_OK;
    state->counts->leaks = (int64_t)hits.n;
    if (state->options->store_leaks) {
        status = iad_leakage_store(state->manifest, &hits, err);
        if (status == IAD_OK) state->counts->leaks_stored = (int64_t)hits.n;
    }
    for (size_t i = 0; status == IAD_OK && !state->options->store_leaks && i < hits.n; i++) {
        const iad_leak_hit *hit = &hits.items[i];
        char item[4400], other[4400], text[4600];
        status = picture_name(state->manifest, hit->train_id, item, sizeof item, err);
        if (status == IAD_OK) status = picture_name(state->manifest, hit->eval_id, other, sizeof other, err);
        if (status != IAD_OK) break;
        if (hit->kind == IAD_LEAK_PIXELS) snprintf(text, sizeof text, "same pixels as %s", other);
        else snprintf(text, sizeof text, "%d bits from %s, turned by %d degrees", hit->distance, other, 90 * hit->turn);
        status = iad_check_report(state, hit->kind == IAD_LEAK_PIXELS ? "leak-pixels" : "leak-near", item, text, err);
    }
    iad_leak_hits_deinit(&hits);
    state->counts->rules += 2;
    return status;
}

iad_status iad_check_run(iad_manifest *manifest, const iad_check_options *options, const iad_check_sink *sink,
                         iad_check_counts *counts, iad_err *err) {
    iad_check_state state = {manifest, options, sink, counts};
    memset(counts, 0, sizeof *counts);
    IAD_TRY(iad_check_schema(&state, err));
    IAD_TRY(iad_check_paths(&state, err));
    IAD_TRY(iad_check_sql(&state, err));
    IAD_TRY(iad_check_tasks(&state, err));
    if (!options->no_leakage) IAD_TRY(check_leakage(&state, err));
    if (options->masks) IAD_TRY(iad_check_masks(&state, err));
    if (options->files) IAD_TRY(iad_check_files(&state, err));
    return IAD_OK;
}
