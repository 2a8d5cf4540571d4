/* Published figures of VisA-D&R and MMAD as one table, with an own result among them. */
#ifndef IAD_BENCH_REASONBOARD_H
#define IAD_BENCH_REASONBOARD_H

#include <jansson.h>

#include "base/buf.h"
#include "manifests/leaderboard.h"

/* 1 when figures of this data set stand in such a table. */
int iad_reason_board_has(const char *dataset);

/* The table, best first by text accuracy (VisA-D&R) or average (MMAD); rows without it last. results NULL: no own row; shots below 0: any, else rows
 * of that number (and of an unstated one). setting NULL: any. format: "table" | "tsv". Errors: IAD_ERR_NOT_FOUND (nothing published; the result is of
 * another data set). Appended. */
iad_status iad_reason_board(const iad_leaderboard *board, const char *dataset, int shots, const char *setting, const json_t *results,
                            const char *format, iad_buf *out, iad_err *err);

#endif
