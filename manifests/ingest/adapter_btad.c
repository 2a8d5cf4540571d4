/* BTAD: three products; masks are PNG in 01 and 02 and BMP in 03, so they are found by stem, never by a fixed extension. */
#include <stddef.h>

#include "manifests/ingest/adapter.h"
#include "manifests/ingest/known.h"
#include "manifests/ingest/layout.h"

static const iad_ingest_count counts[] = {
    {"01", "train", 400, 0, 0}, {"01", "test", 21, 49, 0},    {"02", "train", 399, 0, 0}, {"02", "test", 30, 200, 0},
    {"03", "train", 1000, 0, 0}, {"03", "test", 400, 41, 0},  {NULL, NULL, 0, 0, 0}};
static const iad_ingest_defects defects[] = {{"01", "ko"}, {"02", "ko"}, {"03", "ko"}, {NULL, NULL}};

static const iad_layout_rules rules = {.closed = 1};

static iad_status scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_layout_scan(root, options, sink, &rules, err);
}

static int probe(const char *root) { return iad_known_probe(&iad_adapter_btad, root); }

const iad_adapter iad_adapter_btad = {
    .name = "btad",
    .title = "BTAD",
    .layout = "BTech_Dataset_transformed/{01,02,03}/{train/ok, test/ok, test/ko, ground_truth/ko}",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = "CC BY-NC-SA 4.0",
    .licence_url = "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    .citation = "Mishra, Verk, Fornasier, Piciarelli, Foresti: VT-ADL: A Vision Transformer Network for Image Anomaly Detection and "
                "Localization, ISIE 2021",
    .origin = "real",
    .eval_overlap = "",
    .counts = counts,
    .defects = defects,
    .probe = probe,
    .scan = scan};
