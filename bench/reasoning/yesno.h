/* Yes or No out of an answer in words. The strict reading says when there is neither; the others repeat what published scripts do, faults included,
 * so that their figures can be compared. */
#ifndef IAD_BENCH_YESNO_H
#define IAD_BENCH_YESNO_H

typedef enum iad_yesno { IAD_SAYS_NEITHER = -1, IAD_SAYS_NO = 0, IAD_SAYS_YES = 1 } iad_yesno;

/* The first standalone word "yes" or "no", in any case. A word is bounded by anything but ASCII letters, digits, '_' and bytes of other scripts:
 * "not", "none" and "normal" are no "no". */
iad_yesno iad_yesno_strict(const char *answer);
/* As the Anomaly-OV evaluation (VisA-D&R): Yes when "Yes" or "yes" is anywhere in the answer, else No; never neither. */
iad_yesno iad_yesno_anomaly_ov(const char *answer);
/* As AnomalyGPT's test scripts: 1 when the answer counts as right, which is "Yes" anywhere on an anomalous picture or "No" anywhere on a normal one.
 * An answer with both is always right, and "No" is found in "Normal". */
int iad_yesno_anomalygpt_right(const char *answer, int anomalous);

#endif
