/* A file of scores that any tool wrote: TSV or CSV with the columns
 *   path, label, score            required (score may be empty where a map is given and the preset derives the score from it)
 *   dataset, category, defect     optional (default "scores", "all", the label)
 *   map, mask                     optional files, relative to the table's folder or to --maps / --masks
 * label: 0 normal good ok | 1 anomalous bad defect ng (any case). */
#ifndef IAD_BENCH_SCORESET_H
#define IAD_BENCH_SCORESET_H

#include "base/status.h"
#include "base/table.h"

typedef struct iad_score_row {
    const char *dataset, *category, *path, *defect;
    const char *map, *mask; /* "" when not given */
    int label;              /* 0 or 1 */
    double score;           /* NaN when empty */
    size_t line;            /* row number in the file, from 1 */
} iad_score_row;

typedef struct iad_scoreset {
    iad_score_row *rows; /* sorted by data set, category, path */
    size_t n;
    iad_table table;     /* owns the strings */
} iad_scoreset;

/* Errors: IAD_ERR_FORMAT names the row: unknown label, score that is no number, the same path twice within a category. */
iad_status iad_scoreset_load(iad_scoreset *set, const char *path, iad_err *err);
iad_status iad_scoreset_parse(iad_scoreset *set, const char *text, size_t n, char separator, const char *name, iad_err *err);
void iad_scoreset_deinit(iad_scoreset *set);

#endif
