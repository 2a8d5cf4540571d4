/* The published figures that a measured result is placed among. The table is built into the program (leaderboard.tsv,
 * whose head explains the columns); the same reader takes a file of the user's with the same columns. */
#ifndef IAD_MANIFESTS_LEADERBOARD_H
#define IAD_MANIFESTS_LEADERBOARD_H

#include <stddef.h>

#include "base/status.h"
#include "base/table.h"

/* Values of iad_leaderboard_row.shots beside 0, 1, 2 ... */
enum { IAD_SHOTS_FULL = -1, IAD_SHOTS_FEW = -2 };

typedef struct iad_leaderboard_row {
    const char *method, *setting, *dataset;
    const char *category; /* "mean" or a category's name */
    int shots;
    const char *metric; /* image_auroc | pixel_auroc | aupro | ... */
    int has_value, has_sd;
    double value, sd; /* as printed, in `unit` */
    const char *value_text;
    const char *unit; /* percent | fraction | score10 */
    const char *source;
    char grade;  /* P T S X M, or '-' for a figure that was not found */
    int primary; /* 1: the row to show where several sources give the figure */
    const char *note;
} iad_leaderboard_row;

typedef struct iad_leaderboard {
    iad_table table; /* owns the text */
    iad_leaderboard_row *rows;
    size_t n;
} iad_leaderboard;

/* Parses and validates text[n]; `name` is used in messages. Errors: IAD_ERR_FORMAT with the row's number and what is
 * wrong (unknown grade, unit, shots; value out of the unit's range; two primary rows for one figure), IAD_ERR_NOMEM. */
iad_status iad_leaderboard_parse(iad_leaderboard *board, const char *text, size_t n, const char *name, iad_err *err);
/* The built-in table. */
iad_status iad_leaderboard_builtin(iad_leaderboard *board, iad_err *err);
iad_status iad_leaderboard_load(iad_leaderboard *board, const char *path, iad_err *err);
void iad_leaderboard_deinit(iad_leaderboard *board);

/* The primary row of a figure with a value, or NULL. setting NULL: any (the first in file order). */
const iad_leaderboard_row *iad_leaderboard_find(const iad_leaderboard *board, const char *method, const char *setting,
                                                const char *dataset, const char *category, int shots,
                                                const char *metric);

#endif
