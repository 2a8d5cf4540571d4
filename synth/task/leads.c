#include "synth/task/leads.h"

iad_lead_counts iad_lead_count(const iad_task_pool *pool) {
    iad_lead_counts counts = {0, 0};
    for (size_t i = 0; i < pool->n_anomalies; i++) {
        if (pool->items[pool->anomalies[i]].synth_id) counts.synthetic++;
        else counts.real++;
    }
    return counts;
}

double iad_lead_factor(iad_lead_counts counts, const iad_pool_item *item, double real_share) {
    if (counts.real == 0 || counts.synthetic == 0) return 1;
    double total = (double)counts.real + (double)counts.synthetic;
    double factor = item->synth_id ? (1 - real_share) * total / (double)counts.synthetic : real_share * total / (double)counts.real;
    return factor > IAD_LEAD_MAX_FACTOR ? IAD_LEAD_MAX_FACTOR : factor;
}

double iad_lead_expected(double per_picture, const double shares[3], int which) {
    double sum = shares[0] + shares[1] + shares[2];
    return sum > 0 ? per_picture * 3 * shares[which] / sum : 0;
}
