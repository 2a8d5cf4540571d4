/* iad-bench leaderboard: published numbers of one data set, with an own result among them. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bench/bench_cmd.h"
#include "bench/reasoning/reasonboard.h"
#include "bench/reasoning/reasonresult.h"
#include "bench/results.h"
#include "bench/standings.h"

typedef struct board_options {
    const char *dataset, *setting, *result, *preset, *board, *metric, *format;
    int64_t shots;
} board_options;

/* The summary row of the result that fits; NULL with a message when there is none. */
static iad_status find_row(const json_t *results, const board_options *o, const json_t **found, iad_err *err) {
    size_t i;
    json_t *row;
    *found = NULL;
    json_array_foreach(json_object_get(results, "summary"), i, row) {
        const char *name = json_string_value(json_object_get(row, "dataset")), *preset = json_string_value(json_object_get(row, "preset"));
        const char *published = name ? iad_standings_dataset(name) : NULL;
        int same_set = name && (strcmp(name, o->dataset) == 0 || (published && strcmp(published, o->dataset) == 0));
        if (same_set && json_integer_value(json_object_get(row, "shots")) == o->shots && (!o->preset || (preset && !strcmp(preset, o->preset)))) {
            *found = row;
            return IAD_OK;
        }
    }
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no row of data set %s with %lld shots", o->result, o->dataset, (long long)o->shots);
}

static void print_standings(const iad_standings *s, int tsv) {
    if (tsv) printf("rank\tmethod\tsetting\timage_auroc\tpixel_auroc\taupro\tsource\town\n");
    else printf("%4s  %-24s %-8s %12s %12s %12s  %s\n", "", "method", "setting", "I-AUROC", "P-AUROC", "AUPRO", "source");
    for (size_t i = 0; i < s->n; i++) {
        const iad_standing *r = &s->rows[i];
        if (tsv) printf("%zu\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", i + 1, r->method, r->setting, r->cell[0], r->cell[1], r->cell[2], r->source, r->own);
        else {
            /* "±" is two bytes and one column. */
            int w[3];
            for (int k = 0; k < 3; k++) w[k] = 12 + (strstr(r->cell[k], "±") != NULL);
            printf("%s%3zu  %-24s %-8s %*s %*s %*s  %s\n", r->own ? ">" : " ", i + 1, r->method, r->setting, w[0], r->cell[0], w[1], r->cell[1], w[2],
                   r->cell[2], r->source);
        }
    }
    if (!tsv) printf("\nIn brackets: recalled only, not re-checked. AUPRO figures mix implementations: do not rank by them.\n");
    if (*s->warning && !tsv) printf("%s\n", s->warning);
}

/* Any other published metric ("low_sbert", "mmad_average") as it stands. */
static void print_metric(const iad_leaderboard *board, const board_options *o) {
    printf("method\tsetting\tcategory\tshots\tvalue\tunit\tsource\tgrade\tnote\n");
    for (size_t i = 0; i < board->n; i++) {
        const iad_leaderboard_row *r = &board->rows[i];
        if (strcmp(r->dataset, o->dataset) || strcmp(r->metric, o->metric) || !r->has_value || (o->setting && strcmp(r->setting, o->setting)))
            continue;
        printf("%s\t%s\t%s\t%d\t%s\t%s\t%s\t%c\t%s\n", r->method, r->setting, r->category, r->shots, r->value_text, r->unit, r->source, r->grade,
               r->note);
    }
}

/* VisA-D&R and MMAD have columns of their own. */
static iad_status show_answers(const iad_leaderboard *board, const board_options *o, iad_err *err) {
    json_t *results = NULL;
    iad_buf text;
    iad_buf_init(&text, 1u << 24);
    iad_status status = o->result ? iad_reason_load(o->result, &results, err) : IAD_OK;
    if (status == IAD_OK && o->result && !results)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no result of questions and answers (iad-bench run --task ...)", o->result);
    if (status == IAD_OK) status = iad_reason_board(board, o->dataset, (int)o->shots, o->setting, results, o->format, &text, err);
    if (status == IAD_OK) fputs(iad_buf_str(&text), stdout);
    iad_buf_deinit(&text);
    json_decref(results);
    return status;
}

static iad_status show(const board_options *o, iad_err *err) {
    iad_leaderboard board;
    json_t *results = NULL;
    const json_t *row = NULL;
    IAD_TRY(o->board ? iad_leaderboard_load(&board, o->board, err) : iad_leaderboard_builtin(&board, err));
    iad_status status = IAD_OK;
    if (o->metric) {
        print_metric(&board, o);
    } else if (iad_reason_board_has(o->dataset)) {
        status = show_answers(&board, o, err);
    } else {
        iad_standings standings = {0};
        if (o->result) status = iad_results_load(o->result, &results, err);
        if (status == IAD_OK && o->result) status = find_row(results, o, &row, err);
        if (status == IAD_OK) status = iad_standings_make(&board, o->dataset, (int)o->shots, o->setting, results, row, &standings, err);
        if (status == IAD_OK && standings.n == 0)
            status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "nothing is published for data set %s with %lld shots%s%s", o->dataset, (long long)o->shots,
                              o->setting ? " in setting " : "", o->setting ? o->setting : "");
        if (status == IAD_OK) print_standings(&standings, strcmp(o->format, "tsv") == 0);
        iad_standings_deinit(&standings);
    }
    json_decref(results);
    iad_leaderboard_deinit(&board);
    return status;
}

int iad_cmd_leaderboard(iad_app *app, int argc, char **argv, iad_err *err) {
    board_options o = {.dataset = "MVTec", .shots = -1, .format = "table"};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "dataset", .value = &o.dataset, .meta = "NAME", .help = "MVTec, VisA, VisA-D&R, MMAD"},
        {.kind = IAD_ARG_INT, .name = "shots", .value = &o.shots, .meta = "K",
         .help = "number of exemplars; -1: 1, or any for VisA-D&R and MMAD", .lo = -1, .hi = 1000},
        {.kind = IAD_ARG_STRING, .name = "setting", .value = &o.setting, .meta = "NAME", .help = "only 1-1, 1-all, tf or aux (default all)"},
        {.kind = IAD_ARG_STRING, .name = "result", .value = &o.result, .meta = "DIR", .help = "own result to place among them"},
        {.kind = IAD_ARG_STRING, .name = "preset", .value = &o.preset, .meta = "NAME", .help = "of the own result, when it has several"},
        {.kind = IAD_ARG_STRING, .name = "metric", .value = &o.metric, .meta = "NAME",
         .help = "list one other metric instead, e.g. complex_sbert, mmad_average"},
        {.kind = IAD_ARG_STRING, .name = "board", .value = &o.board, .meta = "FILE",
         .help = "table with the columns of leaderboard.tsv instead of the built-in one"},
        {.kind = IAD_ARG_CHOICE, .name = "format", .value = &o.format, .choices = "table|tsv", .help = "of the output"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "leaderboard", .usage = "[options]", .help = "Published few-shot results, best image AUROC first."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%s\"", operands.items[0]));
    if (o.shots < 0 && !iad_reason_board_has(o.dataset)) o.shots = 1;
    if (code < 0) code = iad_app_exit_code(show(&o, err));
    iad_strings_deinit(&operands);
    return code;
}
