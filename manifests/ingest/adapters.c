/* The table of adapters. Order matters only for --help and for equal probes: the first one wins. */
#include <string.h>

#include "manifests/ingest/adapter.h"

const iad_adapter *const *iad_adapters(void) {
    static const iad_adapter *const table[] = {
        &iad_adapter_mvtec,      &iad_adapter_mvtec_ad,    &iad_adapter_ds_mvtec,         &iad_adapter_mpdd,
        &iad_adapter_dtd_synthetic, &iad_adapter_goodsad,  &iad_adapter_mvtec_loco,       &iad_adapter_mvtec_ad2,
        &iad_adapter_visa,       &iad_adapter_btad,        &iad_adapter_miad,             &iad_adapter_dagm,
        &iad_adapter_eyecandies, &iad_adapter_ksdd,        &iad_adapter_ksdd2,            &iad_adapter_real_iad,
        &iad_adapter_std,        &iad_adapter_cid,         &iad_adapter_mmad,             &iad_adapter_anomaly_instruct,
        &iad_adapter_anomaly_instruct_mvtec, &iad_adapter_ksdd_cuts,
        &iad_adapter_visa_dr,    &iad_adapter_list,        &iad_adapter_folder,           NULL};
    return table;
}

const iad_adapter *iad_adapter_find(const char *name) {
    for (const iad_adapter *const *a = iad_adapters(); *a; a++)
        if (strcmp((*a)->name, name) == 0) return *a;
    return NULL;
}

const iad_adapter *iad_adapter_guess(const char *root) {
    const iad_adapter *best = NULL;
    int best_score = 49;
    for (const iad_adapter *const *a = iad_adapters(); *a; a++) {
        int score = (*a)->probe(root);
        if (score > best_score) best = *a, best_score = score;
    }
    return best;
}
