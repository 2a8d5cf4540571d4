/* What a judge answered: scores from 1 to 10. */
#ifndef IAD_BENCH_JUDGEREPLY_H
#define IAD_BENCH_JUDGEREPLY_H

/* The first line that holds exactly `want` (1 or 2) scores from 1 to 10 and nothing else but separators, marks of emphasis, brackets, "/10" behind a
 * score, and a label without digits that ends in ':' ("Scores: 8, 7"). scores[want]. 0: there is none, and the scores are not touched. */
int iad_judge_reply(const char *reply, int want, double *scores);

#endif
