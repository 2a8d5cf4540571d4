/* MIAD: rendered maintenance scenes in MVTec-style folders. How its masks are called is not published: NAME_mask.* and NAME.* are
 * both tried, and the remark of the scan says which matched. */
#include <stddef.h>

#include "manifests/ingest/adapter.h"
#include "manifests/ingest/known.h"
#include "manifests/ingest/layout.h"

#define ROW(name) {name, "train", 10000, 0, 0}, {name, "test", 2500, 2500, 0}
static const iad_ingest_count counts[] = {ROW("catenary_dropper"), ROW("electrical_insulator"), ROW("metal_welding"),
                                          ROW("nut_and_bolt"),     ROW("photovoltaic_module"),  ROW("wind_turbine"),
                                          ROW("witness_mark"),     {NULL, NULL, 0, 0, 0}};

static const iad_layout_rules rules = {.closed = 1, .default_kind = "object"};

static iad_status scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_layout_scan(root, options, sink, &rules, err);
}

static int probe(const char *root) { return iad_known_probe(&iad_adapter_miad, root); }

const iad_adapter iad_adapter_miad = {
    .name = "miad",
    .title = "MIAD",
    .layout = "SCENARIO/{train/good, test/good, test/DEFECT, ground_truth/DEFECT}, the 7 scenarios",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = "not stated",
    .citation = "Bao, Sun, Wang, Chen, Liu, Xie, Jin: MIAD: A Maintenance Inspection Dataset for Unsupervised Anomaly Detection, "
                "ICCV Workshops 2023",
    .origin = "rendered",
    .eval_overlap = "",
    .counts = counts,
    .probe = probe,
    .scan = scan};
