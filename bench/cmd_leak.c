/* iad-bench leak: do edited pictures betray themselves by anything but the defect? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/table.h"
#include "bench/bench_cmd.h"
#include "bench/leak/leakfeatures.h"
#include "bench/leak/leakprobe.h"

/* A list and the paths of its pictures, which are relative to the list's folder. */
typedef struct leak_list {
    iad_table table;
    iad_strings paths;
    iad_leak_picture *items;
} leak_list;

static void list_deinit(leak_list *list) {
    iad_table_deinit(&list->table);
    iad_strings_deinit(&list->paths);
    free(list->items);
}

static iad_status list_load(leak_list *list, const char *file, iad_err *err) {
    size_t path, kind;
    IAD_TRY(iad_table_load(&list->table, file, err));
    IAD_TRY(iad_table_need(&list->table, "path", &path, err));
    IAD_TRY(iad_table_need(&list->table, "kind", &kind, err));
    int original = iad_table_column(&list->table, "original");
    const char *slash = strrchr(file, '/');
    char folder[IAD_PATH_MAX], joined[IAD_PATH_MAX];
    iad_text_copy(folder, sizeof folder, file);
    folder[slash ? (size_t)(slash - file) : 0] = 0;
    if (!(list->items = iad_calloc(list->table.n_rows, sizeof *list->items))) return IAD_NOMEM(err, "a list of pictures");
    for (size_t i = 0; i < list->table.n_rows; i++) {
        const char *cell = iad_table_cell(&list->table, i, path), *made_by = iad_table_cell(&list->table, i, kind);
        if (cell[0] == '/' || !slash) iad_text_copy(joined, sizeof joined, cell);
        else IAD_TRY(iad_path_join(joined, sizeof joined, folder, cell, err));
        IAD_TRY(iad_strings_add(&list->paths, joined, err));
        list->items[i] = (iad_leak_picture){.kind = !strcmp(made_by, "good") || !*made_by ? NULL : made_by,
                                            .group = original >= 0 ? iad_table_cell(&list->table, i, (size_t)original) : cell};
    }
    for (size_t i = 0; i < list->table.n_rows; i++) list->items[i].path = list->paths.items[i];
    return IAD_OK;
}

static void print_report(const iad_leak_report *report, double limit, int *over) {
    printf("%-16s %8s %8s %8s %8s  %s\n", "kind", "good", "edited", "auroc", "sd", "features with the largest weights");
    for (size_t i = 0; i < report->n; i++) {
        const iad_leak_result *r = &report->items[i];
        char names[3][24] = {"", "", ""};
        for (int k = 0; k < 3 && r->telling[k] >= 0; k++) iad_leak_feature_name(r->telling[k], names[k]);
        int above = r->auroc > limit;
        *over += above;
        printf("%-16s %8zu %8zu %8.3f %8.3f  %s %s %s%s\n", r->kind ? r->kind : "(all)", r->n_good, r->n_edited, r->auroc, r->auroc_sd, names[0],
               names[1], names[2], above ? "  <-- above the limit" : "");
    }
}

int iad_cmd_leak(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *file = NULL;
    double limit = 0.6;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "list", .value = &file, .meta = "FILE",
         .help = "TSV or CSV with columns path, kind (good, or what made it), and original (optional)", .required = 1},
        {.kind = IAD_ARG_FLOAT, .name = "limit", .value = &limit, .meta = "A", .help = "AUROC above which the command fails", .flo = 0, .fhi = 1},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "leak",
        .usage = "--list FILE [options]",
        .help = "Fits a regression on how the files are encoded and on plain statistics of their pixels (codec, quality tables, codec grid, border, "
                "noise; never the\n"
                "defect itself) to four fifths of the pictures and scores the rest, five times. 0.5: good and edited pictures cannot be told apart "
                "that way.\n"
                "Pictures made from one original stay on one side. `iad-synth files` writes such a list. Exit 3 when an AUROC is above --limit."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        leak_list list = {0};
        iad_leak_report report = {0};
        int over = 0;
        iad_status status = operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "%s: no operands are expected", operands.items[0]) : list_load(&list, file, err);
        if (status == IAD_OK) status = iad_leak_probe(list.items, list.table.n_rows, (int)app->threads, &app->stop, &report, err);
        if (status == IAD_OK) print_report(&report, limit, &over);
        code = status != IAD_OK ? iad_app_exit_code(status) : over ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
        iad_leak_report_deinit(&report);
        list_deinit(&list);
    }
    iad_strings_deinit(&operands);
    return code;
}
