/* How often a picture leads a record, and where records that need a picture's neighbours find them. */
#ifndef IAD_SYNTH_LEADS_H
#define IAD_SYNTH_LEADS_H

#include "base/buf.h"
#include "synth/recipe/jitter.h"
#include "synth/task/boxslots.h"
#include "synth/task/taskmaker.h"

/* Anomalous pictures that may lead, by kind. */
typedef struct iad_lead_counts { size_t real, synthetic; } iad_lead_counts;
iad_lead_counts iad_lead_count(const iad_task_pool *pool);
/* Factor on an item's number of records that makes `real_share` of all leads real ones, the sum unchanged; at most IAD_LEAD_MAX_FACTOR, so that a
 * handful of real defects is not shown thousands of times. 1 where only one kind exists. */
#define IAD_LEAD_MAX_FACTOR 10.0
double iad_lead_factor(iad_lead_counts counts, const iad_pool_item *item, double real_share);

/* Expected records per lead of the maker with relative rate `share` among shares[3]; mean over the three makers is per_picture. */
double iad_lead_expected(double per_picture, const double shares[3], int which);

#endif
